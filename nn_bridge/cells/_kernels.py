"""The compiled inner loops of the cell engine: a resumable depth-first subdivision of homogeneous cones.

The mathematics is told in `nn_bridge.cells.tree`.  Here are arrays only.

Generators live in a pool.  Row ``g`` of ``coord`` holds ``dim + 1`` homogeneous coordinates, scaled to maximum 1 (the
last one is ``w``, exactly 0 for a ray), then a bound on the error of each coordinate, then the 1-norm.
Row ``g`` of ``mask`` holds, in 64-bit words:

* ``[0, FW)``                  facet slots that contain the generator (see ``facet_id``);
* ``[FW, FW + MW)``            units of the current stage that are certainly positive there;
* ``[FW + MW, FW + 2 MW)``     units that are certainly negative;
* ``[FW + 2 MW, FW + 3 MW)``   units whose sign is not known;
* ``[FW + 3 MW, .. + ZW)``     units of finished stages, and walls, that vanish there (only when ZW > 0).

A unit in none of the three sign masks is certainly zero.  Affine forms are stored unit-minor, ``form[stage, c, unit]``,
so that one generator is evaluated at all units of a stage by vector instructions.

A node of the stack is a cell (a slice of ``index`` that lists its generators) with the units that may still cut it.
When a sign can't be decided in floating point, `run` returns ``NEED_SIGNS`` with the node on top of the stack; the
caller decides those signs exactly, stores them in the masks and calls `run` again.  Nothing is done twice.

With many inputs a cell may have a million generators, and one step take minutes.  So effort is counted in elementary
operations, and beyond ``par[EFFORT_LIMIT]`` `run` returns ``PAUSE`` in the middle of a step.  ``st[MIDWAY]`` then says
so, ``st[AT_POS:MADE + 1]`` how far it has come, and the next call goes on there: the node is still on top of the stack,
the edges found are in ``Pool.parents`` and the generators made lie at the top of the pool.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from llvmlite import ir
from numba import int64, njit, types, uint64
from numba.extending import intrinsic

from polyhedra.compiled import cached

# par: what a run is about; FW, MW, ZW are the words of the facet, unit and zero masks
DIM, STAGES, MODE, FW, MW, ZW, INTEGER, EMIT, GENS_CAP, WORK_LIMIT, DEPTH_LIMIT, PATH_LEN, SKIP = range(13)
EFFORT_LIMIT = 13
PAR_SIZE = 14
# st: the state of a run, and its counters
SP, COUNT, LEAVES, OUT_N, GEN_N, FACET_N, JOB_N = range(7)
SPLITS, NEW_GENS, EVALS, UNSURE, POLISHED, MAX_GENS, MAX_POOL, STAGE, MAX_SP, BEGIN = range(7, 17)
EFFORT, MIDWAY, AT_POS, PAIRS, MADE = range(17, 22)
ST_SIZE = 22
# what ``LeafArrays.select`` says of a leaf: it is to be written; it is the first below a cell of the last stage
WANTED, FIRST_BELOW = 1, 2
# node columns
(N_STAGE, N_FIRST, N_COUNT, N_POOL, N_INDEX, N_KIND, N_DEPTH, N_DSTAGE, N_DUNIT, N_DSIGN, N_LINES) = range(11)
NODE_SIZE = 12
# N_KIND: a cell to enumerate, a cell whose last stage is only counted (signs still to be made certain), or the
# dimension (> 0) of a flat in which the arrangement of the remaining units is counted
CELL, COUNT_ROOT = 0, -1
# MODE
ENUMERATE, COUNT_LAST_STAGE = 0, 1
# EMIT, beside 0 (nothing) and 1 (patterns): generators and facets too
WITH_COORDINATES, WITHOUT_COORDINATES = 2, 3
# what run returns
(
    DONE,
    NEED_SIGNS,
    NEED_OUT,
    NEED_POOL,
    NEED_STACK,
    NEED_GENS,
    NEED_FACETS,
    NEED_SEGMENT,
    NEED_LINES,
    PAUSE,
    BAD_PATH,
) = range(11)

# why `cut_edges` came to no end, by -1, -2 and -3
WHY_CUT_SHORT = (NEED_POOL, NEED_GENS, PAUSE)

UNIT_ROUNDOFF = 1.2e-16  # a little over 2**-53
EXACT_LIMIT = 9007199254740992.0  # 2**53: integers below it are exact in float64
REDUCE_ABOVE = 65536.0  # integer coordinates beyond are divided by what they have in common
TINY = 1e-150  # stored numbers are 0 or at least this large, so that no product of two of them underflows to 0
LEAST_INVERSE = 1e-290  # below, a quotient is too near to the end of the range to have its relative error
POLISH_ABOVE = 1e-4
# pairs that are tried, and generators that are made, between two looks at the effort
SOUGHT_AT_ONCE, MADE_AT_ONCE = 1 << 20, 256
POLISHING = 4  # operations of polishing a generator, by the cube of the dimension
TABLE_WIDTH = 4096  # flats with more generators go without a table of values
FEW_CHANGES = 12  # units by which forms are changed before they are computed afresh
_inner = njit(error_model="numpy", fastmath={"contract"}, no_cpython_wrapper=True, no_cfunc_wrapper=True, _nrt=False)
_maker = njit(error_model="numpy", no_cpython_wrapper=True, no_cfunc_wrapper=True)
_FUSE = {"contract"}  # a fused multiply-add rounds once where the bounds allow for twice


class Facets(NamedTuple):
    """Facet slots by stage: how many, (stage, unit) of each, its form and, last, the error of its coefficients."""

    count: np.ndarray
    id: np.ndarray
    form: np.ndarray


class Pool(NamedTuple):
    """Generators, the index in which cells list theirs, and the edges found in the step under way."""

    index: np.ndarray
    coord: np.ndarray
    ray: np.ndarray
    mask: np.ndarray
    parents: np.ndarray


class Net(NamedTuple):
    """The network: units per stage, weights ``weights[offset[stage, source] + i * padded + j]`` on units, the rest."""

    sizes: np.ndarray
    weights: np.ndarray
    offset: np.ndarray
    direct: np.ndarray
    direct_err: np.ndarray
    bias: np.ndarray
    bias_err: np.ndarray
    chain: np.ndarray


class Prints(NamedTuple):
    """Residues modulo 2**31 - 1 of the current forms, ``now[stage, lane, unit]``, and of the network."""

    now: np.ndarray
    base: np.ndarray
    weights: np.ndarray
    out: np.ndarray
    constants: np.ndarray
    reads: np.ndarray


class Stack(NamedTuple):
    """Nodes, and per node three groups of words: units that may cut, units already split, units to be decided."""

    node: np.ndarray
    mask: np.ndarray


class LeafArrays(NamedTuple):
    """Where leaves are written; ``select`` marks the leaves to write (all where it is empty).

    ``begin`` tells the leaves with which something new begins: a run, or a cell of the last stage.  With ``par[SKIP]``
    ``select`` tells them too, and cells of the last stage without a leaf to write are passed over.
    """

    pattern: np.ndarray
    print: np.ndarray
    begin: np.ndarray
    gen_leaf: np.ndarray
    gen_ray: np.ndarray
    gen_coord: np.ndarray
    gen_zero: np.ndarray
    facet_leaf: np.ndarray
    facet_zero: np.ndarray
    select: np.ndarray
    zero_offset: np.ndarray


class Steps(NamedTuple):
    """Decisions (stage, unit, side): those to follow, those taken, and those of the subtrees found."""

    path: np.ndarray
    trace: np.ndarray
    job_path: np.ndarray
    job_depth: np.ndarray


class Changes(NamedTuple):
    """How forms came about: active units of ``source`` when those of a stage were made, ``met[stage, source]``.

    ``stamp[stage]`` is another number for other forms (the last entry counts), ``basis[stage, source]`` the stamp of
    what they were made from, and ``since[stage]`` the units changed since they were computed afresh, -1 for never.
    """

    met: np.ndarray
    basis: np.ndarray
    stamp: np.ndarray
    since: np.ndarray


class Scratch(NamedTuple):
    """Working storage, made anew by each call of `run`."""

    pos: np.ndarray
    neg: np.ndarray
    values: np.ndarray
    errors: np.ndarray
    keys: np.ndarray
    face_keys: np.ndarray
    face_vertex: np.ndarray
    face_sizes: np.ndarray
    face_common: np.ndarray
    face_some: np.ndarray
    slot_of: np.ndarray
    touched: np.ndarray
    kept: np.ndarray
    common: np.ndarray
    value: np.ndarray
    bound: np.ndarray
    hidden: np.ndarray
    hidden_err: np.ndarray
    at: np.ndarray
    at_err: np.ndarray
    rows_at: np.ndarray
    units_at: np.ndarray
    sign_at: np.ndarray
    rows: np.ndarray
    row_err: np.ndarray
    out: np.ndarray
    work: np.ndarray
    inverse: np.ndarray
    chosen: np.ndarray
    used: np.ndarray
    columns: np.ndarray
    table: np.ndarray
    table_err: np.ndarray
    pair_x: np.ndarray
    pair_ex: np.ndarray
    pair_y: np.ndarray
    pair_ey: np.ndarray


MERSENNE = np.uint64(2147483647)  # 2**31 - 1: residues of forms at random points tell affine maps apart


@intrinsic
def _popcount(_context, _x):
    def build(_ctx, builder, _sig, args):
        return builder.ctpop(args[0])

    return types.uint64(types.uint64), build


@intrinsic
def _trailing(_context, _x):
    def build(_ctx, builder, _sig, args):
        return builder.cttz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), build


@intrinsic
def _leading(_context, _x):
    def build(_ctx, builder, _sig, args):
        return builder.ctlz(args[0], ir.Constant(ir.IntType(1), 0))

    return types.uint64(types.uint64), build


@njit(inline="always")
def popcount(x):
    """The number of set bits of a 64-bit word."""
    return int64(_popcount(uint64(x)))


@njit(inline="always")
def lowest_bit(x):
    """The position of the lowest set bit of a non-zero word."""
    return int64(_trailing(uint64(x)))


@njit(inline="always")
def leading_zeros(x):
    """The number of leading zero bits of a word (64 for zero)."""
    return int64(_leading(uint64(x)))


@njit(inline="always")
def bit(j):
    """The word with bit ``j mod 64`` set."""
    return uint64(1) << uint64(j & 63)


@_inner
def value_at(form, coord, stage, j, g, dim, integer):
    """The value of a form at a generator and a bound on its error (0 only if the value is exact)."""
    value = 0.0
    total = 0.0
    for c in range(dim + 1):
        term = form[stage, c, j] * coord[g, c]
        value += term
        total += abs(term)
    ef = form[stage, dim + 1, j]
    eg = coord[g, dim + 1]
    if ef == 0.0 and eg == 0.0 and (total == 0.0 or (integer and total < EXACT_LIMIT)):
        return value, 0.0
    err = (dim + 4) * UNIT_ROUNDOFF * total
    err += (ef * coord[g, dim + 2] + eg * form[stage, dim + 2, j] + (dim + 1) * ef * eg) * 1.0000001
    return value, err + 1e-299


@_inner
def values_of(form, coord, stage, g, dim, integer, units, v, a):
    """The values of all units at a generator, and bounds on their errors, by vector instructions."""
    padded = form.shape[2]  # whole vectors: rows are padded with zeros
    x = coord[g, 0]
    for j in range(padded):
        t = form[stage, 0, j] * x
        v[j] = t
        a[j] = abs(t)
    for c in range(1, dim + 1):
        x = coord[g, c]
        for j in range(padded):
            t = form[stage, c, j] * x
            v[j] += t
            a[j] += abs(t)
    eg = coord[g, dim + 1] * 1.0000001
    g1 = coord[g, dim + 2] * 1.0000001 + (dim + 1) * eg
    k = (dim + 4) * UNIT_ROUNDOFF
    if eg == 0.0:
        for j in range(units):
            total = a[j]
            ef = form[stage, dim + 1, j]
            a[j] = k * total + ef * g1 + 1e-299
            if ef == 0.0 and (total == 0.0 or (integer and total < EXACT_LIMIT)):
                a[j] = 0.0
    else:
        for j in range(padded):
            a[j] = k * a[j] + form[stage, dim + 1, j] * g1 + eg * form[stage, dim + 2, j] + 1e-299


@_inner
def settle(form, coord, mask, index, begin, end, par, stage, units, v, a):
    """Try to decide the signs that the generators ``index[begin:end]`` do not know; returns how many were tried."""
    dim = par[DIM]
    mw = par[MW]
    base = par[FW]
    integer = par[INTEGER] == 1
    tried = 0
    for at in range(begin, end):
        g = index[at]
        wanted = 0
        for q in range(mw):
            wanted += popcount(mask[g, base + 2 * mw + q])
        if wanted == 0:
            continue
        tried += wanted
        if 4 * wanted > units:
            values_of(form, coord, stage, g, dim, integer, units, v, a)
            for q in range(mw):
                w = mask[g, base + 2 * mw + q]
                if w == uint64(0):
                    continue
                p = uint64(0)
                m = uint64(0)
                u = uint64(0)
                for i in range(min(64, units - 64 * q)):
                    j = uint64(64 * q) + uint64(i)
                    b = uint64(1) << uint64(i)
                    p |= b if v[j] > a[j] else uint64(0)
                    m |= b if v[j] < -a[j] else uint64(0)
                    u |= b if a[j] != 0.0 else uint64(0)
                mask[g, base + q] |= p & w
                mask[g, base + mw + q] |= m & w
                mask[g, base + 2 * mw + q] = u & ~(p | m) & w
            continue
        for q in range(mw):
            w = mask[g, base + 2 * mw + q]
            p = uint64(0)
            m = uint64(0)
            u = uint64(0)
            while w != uint64(0):
                j = lowest_bit(w)
                b = uint64(1) << uint64(j)
                w &= ~b
                value, err = value_at(form, coord, stage, 64 * q + j, g, dim, integer)
                if value > err:
                    p |= b
                elif value < -err:
                    m |= b
                elif err != 0.0:
                    u |= b
            mask[g, base + q] |= p
            mask[g, base + mw + q] |= m
            mask[g, base + 2 * mw + q] = u
    return tried


@_inner
def polish(k, g, dim, scratch):
    """Refine a generator from ``k`` rows that vanish on it: a linear solve with a verified error bound.

    Fixes the largest coordinate of ``g`` to its sign, picks ``dim`` independent rows by full pivoting, solves for the
    other coordinates with an approximate inverse ``R`` and one step of iterative refinement, and bounds the error by
    ``|R| (|residual| + rounding) / (1 - |I - R A|)`` in the maximum norm.  Returns the bound after scaling the result
    to maximum 1, or -1 where nothing could be verified.
    """
    rows, row_err, out, work = scratch.rows, scratch.row_err, scratch.out, scratch.work
    inverse, chosen, used, columns = scratch.inverse, scratch.chosen, scratch.used, scratch.columns
    n1 = dim + 1
    lead = 0
    for c in range(n1):
        if abs(g[c]) > abs(g[lead]):
            lead = c
    q = 0
    for c in range(n1):
        if c != lead:
            columns[q] = c
            q += 1
    for i in range(k):
        used[i] = 0
        for c in range(n1):
            work[i, c] = rows[i, c]
    for s in range(dim):
        best = 0.0
        bi = -1
        bq = -1
        for i in range(k):
            if used[i] == 0:
                for q in range(s, dim):
                    if abs(work[i, columns[q]]) > best:
                        best = abs(work[i, columns[q]])
                        bi = i
                        bq = q
        if bi < 0 or best < 1e-13:
            return -1.0
        used[bi] = 1
        chosen[s] = bi
        columns[s], columns[bq] = columns[bq], columns[s]
        pc = columns[s]
        for i in range(k):
            if used[i] == 0:
                f = work[i, pc] / work[bi, pc]
                if f != 0.0:
                    for c in range(n1):
                        work[i, c] -= f * work[bi, c]
    # Gauss-Jordan with partial pivoting on the chosen square system
    for i in range(dim):
        for q in range(dim):
            work[i, q] = rows[chosen[i], columns[q]]
            inverse[i, q] = 1.0 if i == q else 0.0
    for s in range(dim):
        p = s
        for i in range(s + 1, dim):
            if abs(work[i, s]) > abs(work[p, s]):
                p = i
        if abs(work[p, s]) < 1e-200:
            return -1.0
        if p != s:
            for q in range(dim):
                work[p, q], work[s, q] = work[s, q], work[p, q]
                inverse[p, q], inverse[s, q] = inverse[s, q], inverse[p, q]
        scale = 1.0 / work[s, s]
        for q in range(dim):
            work[s, q] *= scale
            inverse[s, q] *= scale
        for i in range(dim):
            f = work[i, s]
            if i != s and f != 0.0:
                for q in range(dim):
                    work[i, q] -= f * work[s, q]
                    inverse[i, q] -= f * inverse[s, q]
    sign = 1.0 if g[lead] > 0.0 else -1.0
    top = abs(g[lead])
    for q in range(dim):
        out[columns[q]] = g[columns[q]] / top
    contraction = 0.0
    error = 0.0
    for step in range(2):
        for i in range(dim):
            r = chosen[i]
            s1 = rows[r, lead] * sign
            sa = abs(s1)
            y1 = 1.0
            for q in range(dim):
                t = rows[r, columns[q]] * out[columns[q]]
                s1 += t
                sa += abs(t)
                y1 += abs(out[columns[q]])
            work[i, 0] = s1
            work[i, 1] = (n1 + 3) * UNIT_ROUNDOFF * sa + row_err[r] * y1 * 1.0000001
        if step == 0:
            for q in range(dim):
                d = 0.0
                for i in range(dim):
                    d += inverse[q, i] * work[i, 0]
                out[columns[q]] -= d
    for q in range(dim):
        row_sum = 0.0
        for p in range(dim):
            t = 0.0
            ta = 0.0
            for i in range(dim):
                z = inverse[q, i] * rows[chosen[i], columns[p]]
                t += z
                ta += (n1 + 3) * UNIT_ROUNDOFF * abs(z) + abs(inverse[q, i]) * row_err[chosen[i]] * 1.0000001
            row_sum += abs(t - (1.0 if p == q else 0.0)) + ta + UNIT_ROUNDOFF
        e = 0.0
        for i in range(dim):
            e += abs(inverse[q, i]) * (abs(work[i, 0]) + work[i, 1])
        if not (row_sum < 0.5 and e < np.inf):  # one by one: a maximum would lose a NaN
            return -1.0
        contraction = max(contraction, row_sum)
        error = max(error, e)
    error = error * 1.0000001 / (1.0 - contraction) * 1.000001
    top = 1.0
    out[lead] = sign
    for q in range(dim):
        top = max(top, abs(out[columns[q]]))
    for c in range(n1):
        out[c] /= top
    return error / top + 2.3e-16


@_inner
def next_forms(form, net, active, par, stage, changes, scratch):
    """The affine forms of ``stage`` under the activation pattern of all earlier stages, with error bounds.

    Neighbours in the tree differ in few units: where the forms below are the same as at the last call, only the units
    that have changed are added or taken away.  Errors add up that way, so it is done for a few units only.
    """
    e, ab, rows_at, units_at, sign_at = (
        scratch.bound, scratch.value, scratch.rows_at, scratch.units_at, scratch.sign_at,
    )  # fmt: skip
    padded = form.shape[2]
    dim = par[DIM]
    mw = par[MW]
    integer = par[INTEGER] == 1
    changed = int64(0)
    all_terms = int64(0)
    near = changes.since[stage] >= 0
    for source in range(stage):
        if net.offset[stage, source] >= 0:
            near = near and changes.basis[stage, source] == changes.stamp[source]
            for q in range(mw):
                changed += popcount(active[source, q] ^ changes.met[stage, source, q])
                all_terms += popcount(active[source, q])
    near = near and changed + changes.since[stage] <= FEW_CHANGES and 2 * changed < all_terms
    if near:
        if changed == 0:
            return
        for j in range(padded):
            ab[j] = form[stage, dim + 3, j]
            e[j] = form[stage, dim + 1, j]
    else:
        for j in range(padded):
            x = net.bias[stage, j]
            form[stage, dim, j] = x
            ab[j] = abs(x)
            e[j] = max(net.direct_err[stage, j], net.bias_err[stage, j])
        for c in range(dim):
            for j in range(padded):
                x = net.direct[stage, c, j]
                form[stage, c, j] = x
                ab[j] = max(ab[j], abs(x))
    changes.since[stage] = changes.since[stage] + changed if near else 0
    changes.stamp[par[STAGES]] += 1
    changes.stamp[stage] = changes.stamp[par[STAGES]]
    terms = 0
    for source in range(stage):
        if net.offset[stage, source] < 0:
            continue
        # rows of the active units, four at a time: the loops over units are short
        found = 0
        for q in range(mw):
            w = active[source, q]
            if near:
                w ^= changes.met[stage, source, q]
            while w != uint64(0):
                rows_at[found] = net.offset[stage, source] + (64 * q + lowest_bit(w)) * padded
                units_at[found] = 64 * q + lowest_bit(w)
                sign_at[found] = 1.0 if (active[source, q] >> uint64(lowest_bit(w))) & uint64(1) else -1.0
                found += 1
                w &= w - uint64(1)
            changes.met[stage, source, q] = active[source, q]
        changes.basis[stage, source] = changes.stamp[source]
        terms += found
        for t in range(0, found - 3, 4):
            r0, r1, r2, r3 = uint64(rows_at[t]), uint64(rows_at[t + 1]), uint64(rows_at[t + 2]), uint64(rows_at[t + 3])
            i0, i1, i2, i3 = units_at[t], units_at[t + 1], units_at[t + 2], units_at[t + 3]
            e0, e1, e2, e3 = (
                form[source, dim + 1, i0],
                form[source, dim + 1, i1],
                form[source, dim + 1, i2],
                form[source, dim + 1, i3],
            )
            m0, m1, m2, m3 = (
                form[source, dim + 3, i0],
                form[source, dim + 3, i1],
                form[source, dim + 3, i2],
                form[source, dim + 3, i3],
            )
            for k in range(padded):
                j = uint64(k)
                x0, x1, x2, x3 = (
                    abs(net.weights[r0 + j]),
                    abs(net.weights[r1 + j]),
                    abs(net.weights[r2 + j]),
                    abs(net.weights[r3 + j]),
                )
                e[j] += (x0 * e0 + x1 * e1) + (x2 * e2 + x3 * e3)
                ab[j] += (x0 * m0 + x1 * m1) + (x2 * m2 + x3 * m3)
            for c in range(dim + 1):
                f0, f1, f2, f3 = (
                    form[source, c, i0] * sign_at[t],
                    form[source, c, i1] * sign_at[t + 1],
                    form[source, c, i2] * sign_at[t + 2],
                    form[source, c, i3] * sign_at[t + 3],
                )
                for k in range(padded):
                    j = uint64(k)
                    form[stage, c, j] += (net.weights[r0 + j] * f0 + net.weights[r1 + j] * f1) + (
                        net.weights[r2 + j] * f2 + net.weights[r3 + j] * f3
                    )
        for t in range(found - found % 4, found):
            r0 = uint64(rows_at[t])
            i0 = units_at[t]
            e0 = form[source, dim + 1, i0]
            m0 = form[source, dim + 3, i0]
            for k in range(padded):
                j = uint64(k)
                x0 = abs(net.weights[r0 + j])
                e[j] += x0 * e0
                ab[j] += x0 * m0
            for c in range(dim + 1):
                f0 = form[source, c, i0] * sign_at[t]
                for k in range(padded):
                    j = uint64(k)
                    form[stage, c, j] += net.weights[r0 + j] * f0
    for j in range(padded):
        form[stage, dim + 3, j] = 0.0
        form[stage, dim + 2, j] = 0.0
    for c in range(dim + 1):
        for j in range(padded):
            z = form[stage, c, j]
            x = abs(z)
            tiny = x < TINY
            e[j] += TINY if tiny and x != 0.0 else 0.0
            form[stage, c, j] = 0.0 if tiny else z
            form[stage, dim + 3, j] = form[stage, dim + 3, j] if form[stage, dim + 3, j] > x else x  # keeps a NaN of x
            form[stage, dim + 2, j] += x
    grow = (terms + 6) * UNIT_ROUNDOFF
    for j in range(padded):
        form[stage, dim + 3, j] *= 1.0000001
        form[stage, dim + 2, j] *= 1.0000001
        if terms == 0 or (integer and e[j] == 0.0 and ab[j] < EXACT_LIMIT):
            form[stage, dim + 1, j] = e[j]
        else:
            form[stage, dim + 1, j] = (e[j] + grow * ab[j]) * 1.0000001 + 1e-300


@_inner
def retry_through_hidden(form, pool, net, active, par, stage, old, new, scratch):
    """Evaluate unsure units of ``stage`` through the values of the stage before, whose zeros are certain.

    Removes false doubts behind bottlenecks and at infinity.  Only where a stage reads nothing but the stage before.
    """
    hv, he = scratch.hidden, scratch.hidden_err
    padded = form.shape[2]
    dim = par[DIM]
    integer = par[INTEGER] == 1
    mw = par[MW]
    fw = par[FW]
    source = stage - 1
    positive = 0
    for q in range(mw):
        w = active[source, q] & pool.mask[old, fw + q]
        while w != uint64(0):
            i = 64 * q + lowest_bit(w)
            w &= w - uint64(1)
            value, err = value_at(form, pool.coord, source, i, old, dim, integer)
            hv[i] = value
            he[i] = err
            positive += 1
    off = net.offset[stage, source]
    for q in range(mw):
        todo = pool.mask[new, fw + 2 * mw + q]
        while todo != uint64(0):
            low = lowest_bit(todo)
            todo &= todo - uint64(1)
            j = 64 * q + low
            b = uint64(1) << uint64(low)
            shift = net.bias[stage, j] if pool.ray[old] == 0 else 0.0
            value = shift * pool.coord[old, dim]
            total = abs(value)
            shift_err = net.bias_err[stage, j] if pool.ray[old] == 0 else 0.0
            err = abs(shift) * pool.coord[old, dim + 1] + shift_err * (1.0 + pool.coord[old, dim + 1])
            terms = 0 if shift == 0.0 and err == 0.0 else 1
            for r in range(mw):
                w = active[source, r] & pool.mask[old, fw + r]
                while w != uint64(0):
                    i = 64 * r + lowest_bit(w)
                    w &= w - uint64(1)
                    x = net.weights[off + i * padded + j]
                    if x != 0.0:
                        terms += 1
                    t = x * hv[i]
                    value += t
                    total += abs(t)
                    err += abs(x) * he[i]
            if terms == 0:
                pool.mask[new, fw + 2 * mw + q] &= ~b
                continue
            err = (err + (positive + 6) * UNIT_ROUNDOFF * total) * 1.0000001 + 1e-299
            if value > err:
                pool.mask[new, fw + q] |= b
                pool.mask[new, fw + 2 * mw + q] &= ~b
            elif value < -err:
                pool.mask[new, fw + mw + q] |= b
                pool.mask[new, fw + 2 * mw + q] &= ~b


@_inner
def join(first, begin, end, free, unit, par, index, coord, ray, mask, parents, values, errors, last):
    """Make the new generators ``begin .. end - 1`` after ``free``: where their parents' segments meet the zero set.

    Signs that both parents share are inherited, other signs are left unknown.  After the ``last`` split of a cell
    nothing is evaluated any more, so coordinates are left out.
    """
    dim = par[DIM]
    fw = par[FW]
    mw = par[MW]
    zw = par[ZW]
    whole = par[INTEGER] == 1
    narrow = fw == 1 and mw == 1
    for p in range(max(begin, 0), end):
        ta = parents[p, 0]
        tb = parents[p, 1]
        ga = index[first + ta]
        gb = index[first + tb]
        new = free + p
        if narrow:
            pa = mask[ga, 1]
            na = mask[ga, 2]
            pb = mask[gb, 1]
            nb = mask[gb, 2]
            unknown = (pa & nb) | (na & pb) | mask[ga, 3] | mask[gb, 3]
            others = ~(uint64(1) << uint64(unit))
            mask[new, 0] = mask[ga, 0] & mask[gb, 0]
            mask[new, 1] = (pa | pb) & ~unknown & others
            mask[new, 2] = (na | nb) & ~unknown & others
            mask[new, 3] = unknown & others
            for q in range(4, 4 + zw):
                mask[new, q] = mask[ga, q] & mask[gb, q]
        else:
            for q in range(fw):
                mask[new, q] = mask[ga, q] & mask[gb, q]
            for q in range(fw + 3 * mw, fw + 3 * mw + zw):
                mask[new, q] = mask[ga, q] & mask[gb, q]
            for q in range(fw, fw + mw):
                pa = mask[ga, q]
                na = mask[ga, q + mw]
                pb = mask[gb, q]
                nb = mask[gb, q + mw]
                unknown = (pa & nb) | (na & pb) | mask[ga, q + 2 * mw] | mask[gb, q + 2 * mw]
                if unit >> 6 == q - fw:
                    here = bit(unit)
                    mask[new, q] = (pa | pb) & ~(unknown | here)
                    mask[new, q + mw] = (na | nb) & ~(unknown | here)
                    mask[new, q + 2 * mw] = unknown & ~here
                else:
                    mask[new, q] = (pa | pb) & ~unknown
                    mask[new, q + mw] = (na | nb) & ~unknown
                    mask[new, q + 2 * mw] = unknown
        ray[new] = ray[ga] & ray[gb]
        if last:
            continue
        # values are clipped to their certified signs
        va = max(values[ta], 0.0)
        vb = max(-values[tb], 0.0)
        ea = errors[ta]
        eb = errors[tb]
        err_a = coord[ga, dim + 1]
        err_b = coord[gb, dim + 1]
        if whole and err_a == 0.0 and err_b == 0.0 and ea == 0.0 and eb == 0.0:
            largest = 0.0
            for c in range(dim + 1):
                coord[new, c] = vb * coord[ga, c] + va * coord[gb, c]
                largest = max(largest, vb * abs(coord[ga, c]) + va * abs(coord[gb, c]))
            if largest < EXACT_LIMIT:
                if largest > REDUCE_ABOVE:
                    divisor = int64(0)
                    for c in range(dim + 1):
                        x = int64(abs(coord[new, c]))
                        while x != 0:
                            divisor, x = x, (divisor % x if divisor != 0 else int64(0))
                        if divisor == 1:
                            break
                    if divisor > 1:
                        for c in range(dim + 1):
                            coord[new, c] /= divisor
                norm = 0.0
                for c in range(dim + 1):
                    norm += abs(coord[new, c])
                coord[new, dim + 1] = 0.0
                coord[new, dim + 2] = norm
                continue
        total = va + vb
        room = total - ea - eb
        inverse = 1.0 / total
        if room > 0.0 and LEAST_INVERSE < inverse < np.inf:  # else the total may have overflowed, or the quotient
            # both weights are computed: 1 - weight would round a far vertex into a ray
            weight_a = vb * inverse
            weight_b = va * inverse
            shift = min(1.0, (weight_b * (eb / room) + weight_a * (ea / room)) * 1.000001 + 5e-16)
        else:
            weight_a = 0.5
            weight_b = 0.5
            shift = 1.0
        top = 0.0
        apart = 0.0
        size = 0.0
        for c in range(dim + 1):
            x = coord[ga, c]
            y = coord[gb, c]
            z = weight_a * x + weight_b * y
            coord[new, c] = z
            top = max(top, abs(z))
            apart = max(apart, abs(x - y))
            size = max(size, max(abs(x), abs(y)))
        err = weight_a * err_a + weight_b * err_b + shift * (apart + err_a + err_b) + 7e-16 * size
        scale = 1.0 / top if top > 1e-250 else 1.0
        norm = 0.0
        for c in range(dim + 1):
            z = coord[new, c] * scale
            if abs(z) < TINY:
                z = 0.0
            coord[new, c] = z
            norm += abs(z)
        coord[new, dim + 1] = err * scale * 1.0000001 + 3.6e-16
        coord[new, dim + 2] = norm


@_inner
def refine(new, ga, gb, stage, valid, unit, pool, par, form, facets, scratch):
    """Polish a new generator from its incident facets and units; keeps the old one where that fails."""
    rows, row_err, out = scratch.rows, scratch.row_err, scratch.out
    dim = par[DIM]
    fw = par[FW]
    mw = par[MW]
    k = int64(0)
    cap = rows.shape[0]
    for q in range(fw):
        w = pool.mask[new, q]
        while w != uint64(0) and k < cap:
            s = 64 * q + lowest_bit(w)
            w &= w - uint64(1)
            for c in range(dim + 1):
                rows[k, c] = facets.form[stage, s, c]
            row_err[k] = facets.form[stage, s, dim + 1]
            k += 1
    for q in range(mw):
        here = pool.mask[ga, fw + q] | pool.mask[ga, fw + mw + q] | pool.mask[ga, fw + 2 * mw + q]
        there = pool.mask[gb, fw + q] | pool.mask[gb, fw + mw + q] | pool.mask[gb, fw + 2 * mw + q]
        w = ~(here | there) & valid[q]
        if unit >> 6 == q:
            w |= bit(unit)
        while w != uint64(0) and k < cap:
            j = 64 * q + lowest_bit(w)
            w &= w - uint64(1)
            for c in range(dim + 1):
                rows[k, c] = form[stage, c, j]
            row_err[k] = form[stage, dim + 1, j]
            k += 1
    if not pool.coord[new, dim + 1] < 0.5:  # (NaN is not) its largest coordinate may have the wrong sign
        return
    err = polish(k, pool.coord[new], dim, scratch)
    if not 0.0 <= err < pool.coord[new, dim + 1]:
        return
    if pool.ray[new] == 1:
        out[dim] = 0.0
    elif not out[dim] > 0.0:
        return
    norm = 0.0
    for c in range(dim + 1):
        if abs(out[c]) < TINY:
            out[c] = 0.0
        pool.coord[new, c] = out[c]
        norm += abs(out[c])
    pool.coord[new, dim + 1] = err + TINY
    pool.coord[new, dim + 2] = norm


@_inner
def incidence_keys(first, count, index, mask, par, valid, slots, keys, slot_of, touched):
    """Incidence keys of a cell's generators over its facet slots and the units already split; returns words per key.

    Where they fit, one word is put together directly; otherwise the bits that occur are renumbered densely.
    """
    fw = par[FW]
    mw = par[MW]
    if fw == 1 and mw == 1 and slots < 64 and slots + 64 - leading_zeros(valid[0]) <= 64:
        shift = uint64(slots)
        v = valid[0]
        for t in range(count):
            g = index[first + t]
            z = ~(mask[g, 1] | mask[g, 2] | mask[g, 3]) & v
            keys[t, 0] = mask[g, 0] | (z << shift)
        return 1
    total = 0
    for t in range(count):
        g = index[first + t]
        for q in range(keys.shape[1]):
            keys[t, q] = uint64(0)
        for q in range(fw + mw):
            if q < fw:
                w = mask[g, q]
            else:
                r = q - fw
                w = ~(mask[g, fw + r] | mask[g, fw + mw + r] | mask[g, fw + 2 * mw + r]) & valid[r]
            while w != uint64(0):
                i = 64 * q + lowest_bit(w)
                w &= w - uint64(1)
                s = slot_of[i]
                if s < 0:
                    s = total
                    slot_of[i] = s
                    touched[total] = i
                    total += 1
                keys[t, s >> 6] |= bit(s)
    for s in range(total):
        slot_of[touched[s]] = -1
    return max(1, (total + 63) >> 6)


@_inner
def find_edges(begin, end, found, count, words, n_neg, dim, st, pos, neg, keys, common, parents):
    """List the adjacent pairs (positive, negative) of a cell's generators, after ``found`` that are known.

    Of the positive ones ``pos[begin:end]`` are taken.  Returns how many are known now, -1 if there is no room.

    Two generators span an edge iff at least ``dim - 1`` facets contain both and, unless one of them is simple, no third
    generator lies on all of those.
    """
    begin = max(begin, 0)  # told to the compiler, which else provides for negative ones
    limit = parents.shape[0]
    if words == 1:
        for i in range(begin, end):
            ta = pos[i]
            key = keys[ta, 0]
            simple = popcount(key) == dim
            for k in range(n_neg):
                tb = neg[k]
                both = key & keys[tb, 0]
                if popcount(both) < dim - 1:
                    continue
                if not simple and popcount(keys[tb, 0]) != dim:
                    st[EFFORT] += count
                    edge = True
                    for t in range(count):
                        if keys[t, 0] & both == both and t != ta and t != tb:
                            edge = False
                            break
                    if not edge:
                        continue
                if found == limit:
                    return -1
                parents[found, 0] = ta
                parents[found, 1] = tb
                found += 1
        return found
    for i in range(begin, end):
        ta = pos[i]
        bits_a = 0
        for q in range(words):
            bits_a += popcount(keys[ta, q])
        for k in range(n_neg):
            tb = neg[k]
            total = 0
            bits_b = 0
            for q in range(words):
                common[q] = keys[ta, q] & keys[tb, q]
                total += popcount(common[q])
                bits_b += popcount(keys[tb, q])
            if total < dim - 1:
                continue
            if bits_a != dim and bits_b != dim:
                st[EFFORT] += count * words
                edge = True
                for t in range(count):
                    inside = t != ta and t != tb
                    for q in range(words):
                        inside = inside and keys[t, q] & common[q] == common[q]
                    if inside:
                        edge = False
                        break
                if not edge:
                    continue
            if found == limit:
                return -1
            parents[found, 0] = ta
            parents[found, 1] = tb
            found += 1
    return found


@_inner
def cut_edges(
    first, count, stage, units, unit, valid, n_pos, n_neg, free, end, last, midway, par, st, pool, form, facets, scratch
):
    """One step of double description: a new generator on every edge between ``scratch.pos`` and ``scratch.neg``.

    They are listed from ``index[end]`` on.  Returns the end of the list and the new top of the pool; instead of the
    end, -1 where the pool or the index is too small, -2 where the list of pairs is, and -3 where the effort is spent:
    called again with the same and ``midway`` it goes on.  ``last``: no unit is left to be evaluated at the new
    generators.
    """
    dim = par[DIM]
    mw = par[MW]
    unsure_at = par[FW] + 2 * mw
    integer = par[INTEGER] == 1
    index, coord, mask = pool.index, pool.coord, pool.mask
    pos, neg, values, errors, parents = scratch.pos, scratch.neg, scratch.values, scratch.errors, pool.parents
    v, a = scratch.value, scratch.bound
    limit = par[EFFORT_LIMIT]
    at = int64(0)
    pairs = int64(0)
    made = int64(0)
    if midway:
        at, pairs, made = st[AT_POS], st[PAIRS], st[MADE]
    if at < n_pos:
        words = incidence_keys(
            first, count, index, mask, par, valid, facets.count[stage], scratch.keys, scratch.slot_of, scratch.touched
        )
        each = n_neg * (1 if words == 1 else 2 * words)
        stride = n_pos if n_pos * each <= SOUGHT_AT_ONCE else max(1, SOUGHT_AT_ONCE // each)
        while at < n_pos:
            begin = at
            at = min(n_pos, begin + stride)
            found = find_edges(
                begin, at, pairs, count, words, n_neg, dim, st, pos, neg, scratch.keys, scratch.common, parents
            )
            st[EFFORT] += (at - begin) * each
            full = found < 0
            if full or (st[EFFORT] > limit and at < n_pos):
                st[MIDWAY] = 1
                st[AT_POS] = begin if full else at
                st[PAIRS] = pairs if full else found
                st[MADE] = 0
                return -2 if full else -3, free
            pairs = found
    st[AT_POS] = n_pos
    st[PAIRS] = pairs
    st[MADE] = made
    if free + pairs + 2 > coord.shape[0] or end + pairs + 2 > index.shape[0]:
        st[MIDWAY] = 1
        return -1, free
    if not last:
        for i in range(n_pos):
            t = pos[i]
            values[t], errors[t] = value_at(form, coord, stage, unit, index[first + t], dim, integer)
        for i in range(n_neg):
            t = neg[i]
            values[t], errors[t] = value_at(form, coord, stage, unit, index[first + t], dim, integer)
    while made < pairs:
        begin = max(made, 0)
        made = min(pairs, begin + MADE_AT_ONCE)
        join(first, begin, made, free, unit, par, index, coord, pool.ray, mask, parents, values, errors, last)
        for p in range(begin, made):
            index[end + p] = free + p
        st[NEW_GENS] += made - begin
        st[EFFORT] += (made - begin) * (dim + mask.shape[1])
        polished = int64(0)
        tried = int64(0)
        if not last:
            for p in range(begin, made):
                if coord[free + p, dim + 1] > POLISH_ABOVE:
                    refine(
                        free + p,
                        index[first + parents[p, 0]],
                        index[first + parents[p, 1]],
                        stage,
                        valid,
                        unit,
                        pool,
                        par,
                        form,
                        facets,
                        scratch,
                    )
                    polished += 1
            tried += settle(form, coord, mask, index, end + begin, end + made, par, stage, units, v, a)
            for p in range(begin, made):
                new = free + p
                left = 0
                for q in range(mw):
                    left += popcount(mask[new, unsure_at + q])
                if left == 0:
                    continue
                if coord[new, dim + 1] > 1e-14:
                    refine(
                        new,
                        index[first + parents[p, 0]],
                        index[first + parents[p, 1]],
                        stage,
                        valid,
                        unit,
                        pool,
                        par,
                        form,
                        facets,
                        scratch,
                    )
                    polished += 1
                    tried += settle(form, coord, mask, index, end + p, end + p + 1, par, stage, units, v, a)
                    left = 0
                    for q in range(mw):
                        left += popcount(mask[new, unsure_at + q])
                st[UNSURE] += left
        st[POLISHED] += polished
        st[EVALS] += tried
        st[EFFORT] += tried * dim + polished * POLISHING * dim * dim * dim
        if st[EFFORT] > limit and made < pairs:
            st[MADE] = made
            st[MIDWAY] = 1
            return -3, free
    st[MADE] = pairs
    return end + pairs, free + pairs


@_inner
def often(q, first, count, needed, pool, fw, mw, levels):
    """Word ``q`` of the facet slots, and beyond them of the units, that at least ``needed`` generators lie on."""
    if needed <= 0:
        return ~uint64(0)
    for k in range(needed):
        levels[k] = uint64(0)  # those that more than k of the generators so far lie on
    for t in range(first, first + count):
        g = pool.index[t]
        if q < fw:
            on = pool.mask[g, q]
        else:
            on = ~(pool.mask[g, q] | pool.mask[g, q + mw] | pool.mask[g, q + 2 * mw])
        for k in range(needed - 1, 0, -1):
            levels[k] |= levels[k - 1] & on
        levels[0] |= on
    return levels[needed - 1]


@_inner
def add_products(prints, stage, lane, units, r0, r1, r2, f0, f1, f2):
    """Add three rows of weights times factors below 2**31 to the residues of a stage."""
    weights = prints.weights
    for k in range(units):
        j = uint64(k)
        t = prints.now[stage, lane, j] + weights[uint64(r0) + j] * f0
        t += weights[uint64(r1) + j] * f1 + weights[uint64(r2) + j] * f2
        prints.now[stage, lane, j] = (t & MERSENNE) + (t >> uint64(31))


@_inner
def next_prints(prints, net, active, par, stage):
    """Residues, modulo 2**31 - 1, of the stage's forms at two random points."""
    padded = prints.now.shape[2]
    units = net.sizes[stage]
    for lane in range(2):
        for j in range(units):
            prints.now[stage, lane, j] = prints.base[stage, lane, j]
        for source in range(stage):
            off = net.offset[stage, source]
            if off < 0:
                continue
            # three units at a time: so many products of 62 bits fit into a word before it has to be reduced
            found = 0
            r0 = r1 = r2 = int64(off)
            f0 = f1 = f2 = uint64(0)
            for q in range(par[MW]):
                w = active[source, q]
                while w != uint64(0):
                    i = 64 * q + lowest_bit(w)
                    w &= w - uint64(1)
                    if i >= net.sizes[source]:
                        break
                    r2, r1, r0 = r1, r0, off + i * padded
                    f2, f1, f0 = f1, f0, prints.now[source, lane, i] % MERSENNE
                    found += 1
                    if found == 3:
                        add_products(prints, stage, lane, units, r0, r1, r2, f0, f1, f2)
                        found = 0
                        f0 = f1 = f2 = uint64(0)
            if found > 0:
                add_products(prints, stage, lane, units, r0, r1, r2, f0, f1, f2)


@_inner
def output_print(prints, net, active, last, par):
    """The residues of the (randomly combined) outputs at the two random points, packed into one word."""
    packed = uint64(0)
    for lane in range(2):
        total = prints.constants[lane]
        for source in range(par[STAGES]):
            if prints.reads[source] == 0:
                continue
            for q in range(par[MW]):
                w = last[q] if source == par[STAGES] - 1 else active[source, q]
                while w != uint64(0):
                    i = 64 * q + lowest_bit(w)
                    w &= w - uint64(1)
                    if i >= net.sizes[source]:
                        break
                    t = total + (prints.now[source, lane, i] % MERSENNE) * prints.out[source, i]
                    total = (t & MERSENNE) + (t >> uint64(31))
        packed |= (total % MERSENNE) << uint64(31 * lane)
    return packed


@_inner
def no_room(leaves, st, generators, zw):
    """Whether a leaf with so many generators might not fit."""
    return st[GEN_N] + generators > leaves.gen_leaf.shape[0] or st[FACET_N] + 64 * zw + 8 > leaves.facet_leaf.shape[0]


@_inner
def emit_faces(leaf, first, count, pool, par, units, lines, leaves, st, scratch):
    """Write a leaf's generators and facets, each with the set of units and walls that vanish on it.

    A facet is a maximal proper set of generators cut out by one unit or wall, with at least one vertex among them.
    Without coordinates rays are left out.
    """
    keys, vertex, sizes = scratch.face_keys, scratch.face_vertex, scratch.face_sizes
    zero_start = leaves.zero_offset[par[STAGES] - 1]
    dim_faces = max(1, par[DIM] - popcount(uint64(lines)))
    zw = par[ZW]
    mw = par[MW]
    fw = par[FW]
    base = fw + 3 * mw
    with_rays = par[EMIT] == WITH_COORDINATES
    o = st[GEN_N]
    for t in range(count):
        g = pool.index[first + t]
        leaves.gen_leaf[o] = leaf
        leaves.gen_ray[o] = pool.ray[g]
        vertex[t] = uint64(0) if pool.ray[g] else ~uint64(0)
        if with_rays:
            for c in range(par[DIM] + 1):
                leaves.gen_coord[o, c] = pool.coord[g, c]
        for q in range(zw):
            z = pool.mask[g, base + q]
            r = q - zero_start
            if r >= 0 and 64 * r < units:
                z = ~(pool.mask[g, fw + r] | pool.mask[g, fw + mw + r] | pool.mask[g, fw + 2 * mw + r])
                if 64 * (r + 1) > units:
                    z &= (uint64(1) << uint64(units - 64 * r)) - uint64(1)
            keys[q, t] = z
            leaves.gen_zero[o, q] = z
        if with_rays or pool.ray[g] == 0:
            o += 1
    st[GEN_N] = o
    # candidates: bits that some but not all generators have; by bit, how many have it, -1 where no vertex does
    for q in range(zw):
        some = uint64(0)
        all_ = ~uint64(0)
        for k in range(count):
            t = uint64(k)
            some |= keys[q, t]
            all_ &= keys[q, t]
        scratch.face_common[q] = all_
        w = some & ~all_
        while w != uint64(0):
            b = uint64(lowest_bit(w))
            w &= w - uint64(1)
            size = uint64(0)
            vertices = uint64(0)
            for k in range(count):
                t = uint64(k)  # no negative index to be turned round: vector instructions
                on = (keys[q, t] >> b) & uint64(1)
                size += on
                vertices |= on & vertex[t]
            sizes[64 * q + int64(b)] = int64(size) if vertices != uint64(0) else -1
        scratch.face_some[q] = some & ~all_
    o = st[FACET_N]
    for q in range(zw):
        w = scratch.face_some[q]
        while w != uint64(0):
            b = uint64(lowest_bit(w))
            w &= w - uint64(1)
            size = sizes[64 * q + int64(b)]
            if size < dim_faces:
                continue
            st[EFFORT] += count
            # another candidate whose generators contain these: larger means not a facet, equal and earlier means known
            keep = True
            for r in range(zw):
                closure = ~uint64(0)
                for k in range(count):
                    t = uint64(k)
                    closure &= keys[r, t] | (((keys[q, t] >> b) & uint64(1)) - uint64(1))
                leaves.facet_zero[o, r] = closure
                other = closure & ~scratch.face_common[r]
                while other != uint64(0):
                    c = lowest_bit(other)
                    other &= other - uint64(1)
                    own = r == q and c == int64(b)
                    if sizes[64 * r + c] > size or (not own and (r < q or (r == q and c < int64(b)))):
                        keep = False
                        break
                if not keep:
                    break
            if keep:
                leaves.facet_leaf[o] = leaf
                o += 1
    st[FACET_N] = o


@_inner
def segment_count(first, pool, cut, stage, par, form, scratch):
    """The number of distinct zeros of the cutting units on an edge, or -1 where two cannot be told apart."""
    at, at_err = scratch.at, scratch.at_err
    dim = par[DIM]
    integer = par[INTEGER] == 1
    ga = pool.index[first]
    gb = pool.index[first + 1]
    found = 0
    for q in range(par[MW]):
        w = cut[q]
        while w != uint64(0):
            j = 64 * q + lowest_bit(w)
            w &= w - uint64(1)
            va, ea = value_at(form, pool.coord, stage, j, ga, dim, integer)
            vb, eb = value_at(form, pool.coord, stage, j, gb, dim, integer)
            va = abs(va)
            vb = abs(vb)
            total = va + vb
            room = total - ea - eb
            if not 0.0 < room < np.inf:  # two finite values may add up to infinity
                return -1
            x = va / total
            err = (x * (eb / room) + (vb / total) * (ea / room)) * 1.000001 + 4e-16
            t = found
            while t > 0 and at[t - 1] > x:
                at[t] = at[t - 1]
                at_err[t] = at_err[t - 1]
                t -= 1
            at[t] = x
            at_err[t] = err
            found += 1
    high = at[0] + at_err[0]
    for t in range(1, found):
        if not at[t] - at_err[t] > high:
            return -1
        high = max(high, at[t] + at_err[t])
    return found


@_inner
def slope_test(n, x, ex, y, ey):
    """Whether the form ``y`` has both signs where ``x`` vanishes in the cone of ``n`` points, given their values.

    ``ex[t] = 0`` with ``x[t] = 0`` says that ``x`` is certainly zero there.  Between points with ``x_a > 0 > x_b`` the
    form ``y`` takes the sign of ``slope_a - slope_b``, ``slope = y / x``.  The extreme
    slopes tell all.
    Returns 1 (both signs), 0 (certainly one sign) or -1 (not certain).
    """
    a_max_lo = -np.inf
    a_max_hi = -np.inf
    a_min_lo = np.inf
    a_min_hi = np.inf
    b_max_lo = -np.inf
    b_max_hi = -np.inf
    b_min_lo = np.inf
    b_min_hi = np.inf
    up = False
    down = False
    for t in range(n):
        if x[t] == 0.0 and ex[t] == 0.0:
            up |= y[t] > ey[t]
            down |= y[t] < -ey[t]
            if not abs(y[t]) > ey[t] and not (y[t] == 0.0 and ey[t] == 0.0):
                return -1
            continue
        size = abs(x[t])
        if not size > 2.0 * ex[t]:
            return -1
        slope = y[t] / x[t]
        err = (ey[t] + abs(slope) * ex[t]) / (size - ex[t]) * 1.000001 + abs(slope) * 4e-16 + 1e-290
        if not err < np.inf:
            return -1
        if x[t] > 0.0:
            a_max_lo = max(a_max_lo, slope - err)
            a_max_hi = max(a_max_hi, slope + err)
            a_min_lo = min(a_min_lo, slope - err)
            a_min_hi = min(a_min_hi, slope + err)
        else:
            b_max_lo = max(b_max_lo, slope - err)
            b_max_hi = max(b_max_hi, slope + err)
            b_min_lo = min(b_min_lo, slope - err)
            b_min_hi = min(b_min_hi, slope + err)
    up |= a_max_lo > b_min_hi
    down |= a_min_hi < b_max_lo
    if up and down:
        return 1
    # one sign is there for certain and the other is nowhere
    if up and not down and a_min_lo > b_max_hi:
        return 0
    if down and not up and a_max_hi < b_min_lo:
        return 0
    return -1


@_inner
def table_of_values(first, count, pool, cut, stage, units, par, form, scratch):
    """Fill ``scratch.table[i, t]``: the i-th cutting unit at generator ``t``, with its error; exact zeros are 0.

    Returns whether all the other values show their certified signs (a sign may have been decided exactly).
    """
    dim = par[DIM]
    fw = par[FW]
    mw = par[MW]
    integer = par[INTEGER] == 1
    v, a = scratch.value, scratch.bound
    table, table_err = scratch.table, scratch.table_err
    usable = True
    for t in range(count):
        g = pool.index[first + t]
        values_of(form, pool.coord, stage, g, dim, integer, units, v, a)
        i = 0
        for q in range(mw):
            w = cut[q]
            known = pool.mask[g, fw + q] | pool.mask[g, fw + mw + q]
            while w != uint64(0):
                low = lowest_bit(w)
                w &= w - uint64(1)
                if known >> uint64(low) & uint64(1):
                    table[i, t] = v[64 * q + low]
                    table_err[i, t] = a[64 * q + low]
                    usable &= abs(v[64 * q + low]) > a[64 * q + low]
                else:
                    table[i, t] = 0.0
                    table_err[i, t] = 0.0
                i += 1
    return usable


@_inner
def triple_test(count, j, k, m, scratch):
    """`slope_test` of units ``k`` and ``m`` on the zero set of unit ``j``, from the table of values.

    Between every generator where ``j`` is positive and every one where it is negative there is a point of the zero set;
    these points and the generators on it span it.
    """
    table, table_err = scratch.table, scratch.table_err
    x, ex, y, ey = scratch.pair_x, scratch.pair_ex, scratch.pair_y, scratch.pair_ey
    n = int64(0)
    limit = x.shape[0]
    for s in range(count):
        h = table[j, s]
        if h == 0.0 and table_err[j, s] == 0.0:
            if n == limit:
                return -1
            x[n] = table[k, s]
            ex[n] = table_err[k, s]
            y[n] = table[m, s]
            ey[n] = table_err[m, s]
            n += 1
            continue
        if h < 0.0:
            continue
        eh = table_err[j, s]
        for t in range(count):
            g = -table[j, t]
            if not g > 0.0:
                continue
            if n == limit:
                return -1
            eg = table_err[j, t]
            p = g * table[k, s]
            r = h * table[k, t]
            x[n] = p + r
            err = eg * (abs(table[k, s]) + table_err[k, s]) + g * table_err[k, s]
            err += eh * (abs(table[k, t]) + table_err[k, t]) + h * table_err[k, t]
            ex[n] = (err + 4e-16 * (abs(p) + abs(r))) * 1.000001 + 1e-299
            p = g * table[m, s]
            r = h * table[m, t]
            y[n] = p + r
            err = eg * (abs(table[m, s]) + table_err[m, s]) + g * table_err[m, s]
            err += eh * (abs(table[m, t]) + table_err[m, t]) + h * table_err[m, t]
            ey[n] = (err + 4e-16 * (abs(p) + abs(r))) * 1.000001 + 1e-299
            n += 1
    return slope_test(n, x, ex, y, ey)


@_inner
def push(
    stack,
    st,
    par,
    stage,
    first,
    count,
    pool,
    index_top,
    kind,
    depth,
    dstage,
    dunit,
    dsign,
    lines,
    rest,
    valid,
    extra_valid,
):
    """Push a node: ``rest`` may still cut, ``valid`` are the units already split (plus ``extra_valid`` if >= 0)."""
    s = st[SP]
    stack.node[s, N_STAGE] = stage
    stack.node[s, N_FIRST] = first
    stack.node[s, N_COUNT] = count
    stack.node[s, N_POOL] = pool
    stack.node[s, N_INDEX] = index_top
    stack.node[s, N_KIND] = kind
    stack.node[s, N_DEPTH] = depth
    stack.node[s, N_DSTAGE] = dstage
    stack.node[s, N_DUNIT] = dunit
    stack.node[s, N_DSIGN] = dsign
    stack.node[s, N_LINES] = lines
    mw = par[MW]
    for q in range(mw):
        stack.mask[s, q] = rest[q]
        stack.mask[s, mw + q] = valid[q]
    if extra_valid >= 0:
        stack.mask[s, mw + (extra_valid >> 6)] |= bit(extra_valid)
    st[SP] = s + 1


@_maker
def make_scratch(cap, par, padded):
    """Working storage of one call of `run`; cells have at most ``cap`` generators."""
    dim, fw, mw = par[DIM], par[FW], par[MW]
    bits = 64 * (fw + mw)
    rows = 4 * (dim + 2) + 64
    face_rows = cap if par[EMIT] >= WITH_COORDINATES else 1
    face_words = max(par[ZW], 1)
    table = min(64, padded) if par[MODE] == COUNT_LAST_STAGE else 1
    width = min(cap, TABLE_WIDTH)
    pairs = 4096 if par[MODE] == COUNT_LAST_STAGE else 1
    return Scratch(
        np.empty(cap, np.int64),
        np.empty(cap, np.int64),
        np.empty(cap),
        np.empty(cap),
        np.empty((cap, fw + mw), np.uint64),
        np.empty((face_words, face_rows), np.uint64),
        np.empty(face_rows, np.uint64),
        np.empty(64 * face_words, np.int64),
        np.empty(face_words, np.uint64),
        np.empty(face_words, np.uint64),
        np.full(bits, -1, np.int64),
        np.empty(bits, np.int64),
        np.empty(bits, np.int64),
        np.empty(fw + mw, np.uint64),
        np.empty(padded),
        np.empty(padded),
        np.empty(padded),
        np.empty(padded),
        np.empty(padded + 1),
        np.empty(padded + 1),
        np.empty(padded, np.int64),
        np.empty(padded, np.int64),
        np.empty(padded),
        np.empty((rows, dim + 1)),
        np.empty(rows),
        np.empty(dim + 1),
        np.empty((rows, dim + 2)),
        np.empty((dim + 1, dim + 1)),
        np.empty(dim + 1, np.int64),
        np.empty(rows, np.int64),
        np.empty(dim + 2, np.int64),
        np.empty((table, width)),
        np.empty((table, width)),
        np.empty(pairs),
        np.empty(pairs),
        np.empty(pairs),
        np.empty(pairs),
    )


@cached(error_model="numpy", fastmath=_FUSE)
def run(par, st, share, stack, pool, net, form, facets, active, prints, leaves, steps, changes):
    """Work off the stack until it is empty or something is needed; returns what (see the constants)."""
    dim = par[DIM]
    stages = par[STAGES]
    fw = par[FW]
    mw = par[MW]
    zw = par[ZW]
    emit = par[EMIT]
    counting = par[MODE] == COUNT_LAST_STAGE
    cap = par[GENS_CAP]
    scratch = make_scratch(cap, par, form.shape[2])
    pos, neg, kept = scratch.pos, scratch.neg, scratch.kept
    positive, negative, unsure = np.empty(mw, np.uint64), np.empty(mw, np.uint64), np.empty(mw, np.uint64)
    cut, rest, valid, prev = (
        np.empty(mw, np.uint64),
        np.empty(mw, np.uint64),
        np.empty(mw, np.uint64),
        np.empty(mw, np.uint64),
    )
    stay = np.empty(fw + mw, np.uint64)
    levels = np.empty(dim + 1, np.uint64)
    work_done = 0
    st[EFFORT] = 0
    zero = int64(0)  # typed, so that callees are compiled once
    one = int64(1)
    nothing = int64(-1)
    whole_cell = int64(CELL)
    while st[SP] > 0:
        s = st[SP] - 1
        stage = stack.node[s, N_STAGE]
        first = stack.node[s, N_FIRST]
        count = stack.node[s, N_COUNT]
        free = stack.node[s, N_POOL]
        top = stack.node[s, N_INDEX]
        kind = stack.node[s, N_KIND]
        depth = stack.node[s, N_DEPTH]
        lines = stack.node[s, N_LINES]
        units = net.sizes[stage]
        st[STAGE] = stage
        work_done += 1
        if work_done > par[WORK_LIMIT] or (st[EFFORT] > par[EFFORT_LIMIT] and work_done > 1):
            return PAUSE
        st[EFFORT] += count
        if s + units + 4 > stack.node.shape[0]:
            return NEED_STACK
        if count + 8 > cap:
            return NEED_GENS
        midway = st[MIDWAY]
        st[MIDWAY] = 0
        st[MAX_GENS] = max(st[MAX_GENS], count)
        st[MAX_SP] = max(st[MAX_SP], s)
        if kind <= 0 and depth > 0:
            steps.trace[depth - 1, 0] = stack.node[s, N_DSTAGE]
            steps.trace[depth - 1, 1] = stack.node[s, N_DUNIT]
            steps.trace[depth - 1, 2] = stack.node[s, N_DSIGN]
        if kind <= 0 and depth == 0 and stage == 0:
            # what is found in a start cell does not depend on those before
            for k in range(stages):
                changes.since[k] = -1
        if lines < 0:
            return NEED_LINES
        for q in range(mw):
            p = uint64(0)
            m = uint64(0)
            u = uint64(0)
            for t in range(first, first + count):
                g = pool.index[t]
                p |= pool.mask[g, fw + q]
                m |= pool.mask[g, fw + mw + q]
                u |= pool.mask[g, fw + 2 * mw + q]
            positive[q] = p
            negative[q] = m
            unsure[q] = u
            rest[q] = stack.mask[s, q]
            valid[q] = stack.mask[s, mw + q]
        n_cut = int64(0)
        n_maybe = int64(0)
        n_doubt = int64(0)
        n_free = int64(0)
        for q in range(mw):
            cut[q] = positive[q] & negative[q] & rest[q]
            n_cut += popcount(cut[q])
            n_free += popcount(cut[q] & ~unsure[q])
            n_maybe += popcount(unsure[q] & rest[q] & ~cut[q])
            n_doubt += popcount(unsure[q] & rest[q])
        if kind > 0:
            # ------------------------------------------------ a flat: count the arrangement of the rest in it
            if n_doubt > 0:
                for q in range(mw):
                    stack.mask[s, 2 * mw + q] = unsure[q] & rest[q]
                return NEED_SIGNS
            outside = False  # a unit that vanishes on the flat: it was counted with an earlier unit
            for q in range(mw):
                outside |= (rest[q] & ~(positive[q] | negative[q])) != uint64(0)
            if outside or n_cut <= 1:
                st[SP] = s
                if not outside:
                    st[COUNT] += 1 + n_cut
                continue
            if kind == 1:
                found = segment_count(first, pool, cut, stage, par, form, scratch)
                if found < 0:
                    for q in range(mw):
                        stack.mask[s, 2 * mw + q] = cut[q]
                    return NEED_SEGMENT
                st[SP] = s
                st[COUNT] += 1 + found
                continue
            small = n_cut <= scratch.table.shape[0] and count <= scratch.table.shape[1]
            if small:
                small = table_of_values(first, count, pool, cut, stage, units, par, form, scratch)
            st[SP] = s
            at_unit = int64(0)
            start = top
            # with each unit in turn: the arrangement of those after it, in its zero set; ``prev`` are these
            for q in range(mw):
                prev[q] = cut[q]
            for q in range(mw):
                w = cut[q]
                while w != uint64(0):
                    j = 64 * q + lowest_bit(w)
                    start = top
                    if at_unit > 0 and st[EFFORT] > par[EFFORT_LIMIT]:
                        top = int64(-3)
                        break
                    w &= w - uint64(1)
                    prev[q] &= ~bit(j)
                    # which later units cut the zero set of this one: mostly the table of values tells
                    meeting = int64(-1)
                    if small:
                        meeting = int64(0)
                        for i in range(at_unit + 1, n_cut):
                            verdict = slope_test(
                                count,
                                scratch.table[at_unit],
                                scratch.table_err[at_unit],
                                scratch.table[i],
                                scratch.table_err[i],
                            )
                            if verdict < 0:
                                meeting = int64(-1)
                                break
                            if verdict == 1:
                                scratch.touched[meeting] = i
                                meeting += 1
                    at_unit += 1
                    inner = int64(-1)
                    if meeting == 0 or meeting == 1:
                        inner = 1 + meeting
                    elif meeting == 2 and kind >= 3:
                        verdict = triple_test(count, at_unit - 1, scratch.touched[0], scratch.touched[1], scratch)
                        inner = 3 + verdict if verdict >= 0 else -1
                    if inner > 0:
                        st[COUNT] += inner
                        midway = zero
                        continue
                    n_pos = int64(0)
                    n_neg = int64(0)
                    if top + count + 8 > pool.index.shape[0]:
                        prev[q] |= bit(j)
                        top = int64(-1)
                        break
                    for t in range(count):
                        g = pool.index[first + t]
                        if pool.mask[g, fw + q] & bit(j):
                            pos[n_pos] = t
                            n_pos += 1
                        elif pool.mask[g, fw + mw + q] & bit(j):
                            neg[n_neg] = t
                            n_neg += 1
                        else:
                            pool.index[top] = g
                            top += 1
                    top, free = cut_edges(
                        first,
                        count,
                        stage,
                        units,
                        j,
                        valid,
                        n_pos,
                        n_neg,
                        free,
                        top,
                        False,
                        midway,
                        par,
                        st,
                        pool,
                        form,
                        facets,
                        scratch,
                    )
                    midway = zero
                    if top < 0:
                        prev[q] |= bit(j)
                        break
                    push(
                        stack,
                        st,
                        par,
                        stage,
                        start,
                        top - start,
                        free,
                        top,
                        kind - 1,
                        depth,
                        zero,
                        zero,
                        zero,
                        zero,
                        prev,
                        valid,
                        j,
                    )
                if top < 0:
                    break
            if top < 0:
                # what is left is this flat with the units from this one on; it goes on above the flats pushed so far
                push(
                    stack,
                    st,
                    par,
                    stage,
                    first,
                    count,
                    free,
                    start,
                    kind,
                    depth,
                    zero,
                    zero,
                    zero,
                    lines,
                    prev,
                    valid,
                    nothing,
                )
                return WHY_CUT_SHORT[-1 - top]
            st[COUNT] += 1
            st[EFFORT] += count * n_cut
            st[MAX_POOL] = max(st[MAX_POOL], free)
            continue
        # ---------------------------------------------------- a cell
        if par[DEPTH_LIMIT] > 0 and (
            depth >= par[DEPTH_LIMIT] or (n_cut == 0 and n_maybe == 0 and stage == stages - 1) or kind == COUNT_ROOT
        ):
            if st[JOB_N] + 1 > steps.job_path.shape[0]:
                return NEED_OUT
            o = st[JOB_N]
            steps.job_depth[o] = depth
            for i in range(depth):
                for c in range(3):
                    steps.job_path[o, i, c] = steps.trace[i, c]
            st[JOB_N] = o + 1
            st[SP] = s
            continue
        if depth < par[PATH_LEN] and (kind == COUNT_ROOT or (n_cut == 0 and n_maybe == 0 and stage == stages - 1)):
            return BAD_PATH  # it leads on where the tree ends
        if kind == COUNT_ROOT:
            if n_doubt > 0:
                for q in range(mw):
                    stack.mask[s, 2 * mw + q] = unsure[q] & rest[q]
                return NEED_SIGNS
            share[0] += 0.5 ** (depth - par[PATH_LEN])
            if n_cut <= 1:
                st[COUNT] += 1 + n_cut
                st[SP] = s
                continue
            for q in range(mw):
                stack.mask[s, q] = cut[q]
            stack.node[s, N_KIND] = dim - popcount(uint64(lines))
            continue
        if n_cut == 0 and n_maybe == 0:
            if stage == stages - 1:
                # -------------------------------------------- a leaf
                if emit > 0 and wanted(leaves, st[LEAVES]):
                    if st[OUT_N] + 1 > leaves.pattern.shape[0]:
                        return NEED_OUT
                    if emit >= WITH_COORDINATES:
                        if no_room(leaves, st, count, zw):
                            return NEED_OUT
                        emit_faces(st[LEAVES], first, count, pool, par, units, lines, leaves, st, scratch)
                    write_leaf(st, par, net, active, positive, leaves, prints)
                st[SP] = s
                st[COUNT] += 1
                st[LEAVES] += 1
                share[0] += 0.5 ** (depth - par[PATH_LEN])
                continue
            # ------------------------------------------------ down to the next stage
            if stage == stages - 2 and depth >= par[PATH_LEN]:
                if par[SKIP] == 1:
                    passed = nothing_wanted(leaves, st[LEAVES])
                    if passed > 0:
                        st[SP] = s
                        st[COUNT] += passed
                        st[LEAVES] += passed
                        share[0] += 0.5 ** (depth - par[PATH_LEN])
                        continue
                st[BEGIN] = 1
            if free + count + 64 > pool.coord.shape[0] or top + count + 64 > pool.index.shape[0]:
                return NEED_POOL
            below = stage + 1
            slots = int64(0)
            # facets that matter below: those with enough generators
            needed = dim - popcount(uint64(lines))
            for q in range(fw + mw):
                stay[q] = often(q, first, count, needed, pool, fw, mw, levels)
                if q >= fw:
                    stay[q] &= valid[q - fw]
            for b in range(facets.count[stage]):
                if facets.id[stage, b, 0] == -2:
                    stay[b >> 6] |= bit(b)
                kept[b] = -1
                if stay[b >> 6] & bit(b):
                    kept[b] = slots
                    slots += 1
            for q in range(mw):
                w = stay[fw + q]
                while w != uint64(0):
                    kept[64 * fw + 64 * q + lowest_bit(w)] = slots
                    w &= w - uint64(1)
                    slots += 1
            if slots > 64 * fw:
                return NEED_FACETS
            facets.count[below] = slots
            for b in range(facets.count[stage]):
                o = kept[b]
                if o >= 0:
                    facets.id[below, o, 0] = facets.id[stage, b, 0]
                    facets.id[below, o, 1] = facets.id[stage, b, 1]
                    facets.form[below, o, dim + 1] = facets.form[stage, b, dim + 1]
                    for c in range(dim + 1):
                        facets.form[below, o, c] = facets.form[stage, b, c]
            for q in range(mw):
                w = stay[fw + q]
                while w != uint64(0):
                    j = 64 * q + lowest_bit(w)
                    w &= w - uint64(1)
                    o = kept[64 * fw + j]
                    facets.id[below, o, 0] = stage
                    facets.id[below, o, 1] = j
                    facets.form[below, o, dim + 1] = form[stage, dim + 1, j]
                    for c in range(dim + 1):
                        facets.form[below, o, c] = form[stage, c, j]
            for q in range(mw):
                active[stage, q] = positive[q]
            below_units = net.sizes[below]
            next_forms(form, net, active, par, below, changes, scratch)
            if emit > 0:
                next_prints(prints, net, active, par, below)
            for q in range(mw):
                room = below_units - 64 * q
                rest[q] = (
                    ~uint64(0) if room >= 64 else ((uint64(1) << uint64(room)) - uint64(1) if room > 0 else uint64(0))
                )
            for q in range(mw):
                prev[q] = uint64(0)
            for t in range(max(st[MADE] if midway else zero, 0), count):
                g = pool.index[first + t]
                new = free + t
                for q in range(pool.mask.shape[1]):
                    pool.mask[new, q] = uint64(0)
                for q in range(fw):
                    w = pool.mask[g, q] & stay[q]
                    while w != uint64(0):
                        o = kept[64 * q + lowest_bit(w)]
                        w &= w - uint64(1)
                        pool.mask[new, o >> 6] |= bit(o)
                for q in range(mw):
                    w = ~(pool.mask[g, fw + q] | pool.mask[g, fw + mw + q] | pool.mask[g, fw + 2 * mw + q])
                    if zw > 0 and 64 * q < units:
                        full = ~uint64(0) if units - 64 * q >= 64 else (uint64(1) << uint64(units - 64 * q)) - uint64(1)
                        pool.mask[new, fw + 3 * mw + leaves.zero_offset[stage] + q] = w & full
                    w &= stay[fw + q]
                    while w != uint64(0):
                        o = kept[64 * fw + 64 * q + lowest_bit(w)]
                        w &= w - uint64(1)
                        pool.mask[new, o >> 6] |= bit(o)
                for q in range(zw):
                    pool.mask[new, fw + 3 * mw + q] |= pool.mask[g, fw + 3 * mw + q]
                pool.ray[new] = pool.ray[g]
                for c in range(dim + 3):
                    pool.coord[new, c] = pool.coord[g, c]
                for q in range(mw):
                    pool.mask[new, fw + 2 * mw + q] = rest[q]
                pool.index[top + t] = new
                tried = settle(
                    form,
                    pool.coord,
                    pool.mask,
                    pool.index,
                    top + t,
                    top + t + 1,
                    par,
                    below,
                    below_units,
                    scratch.value,
                    scratch.bound,
                )
                st[EVALS] += tried
                st[EFFORT] += tried * dim
                left = 0
                for q in range(mw):
                    left += popcount(pool.mask[new, fw + 2 * mw + q])
                if left > 0 and net.chain[below] == 1:
                    st[EFFORT] += (left + dim) * units
                    retry_through_hidden(form, pool, net, active, par, below, g, new, scratch)
                    left = 0
                    for q in range(mw):
                        left += popcount(pool.mask[new, fw + 2 * mw + q])
                if left > 0 and pool.coord[new, dim + 1] > 1e-14:
                    # an error that did no harm in the stages before; the facets of the cell tell better
                    refine(new, new, new, below, prev, nothing, pool, par, form, facets, scratch)
                    st[POLISHED] += 1
                    st[EFFORT] += POLISHING * dim * dim * dim
                    st[EVALS] += settle(
                        form,
                        pool.coord,
                        pool.mask,
                        pool.index,
                        top + t,
                        top + t + 1,
                        par,
                        below,
                        below_units,
                        scratch.value,
                        scratch.bound,
                    )
                    left = 0
                    for q in range(mw):
                        left += popcount(pool.mask[new, fw + 2 * mw + q])
                st[UNSURE] += left
                if st[EFFORT] > par[EFFORT_LIMIT] and t + 1 < count:
                    st[MIDWAY] = 1
                    st[MADE] = t + 1
                    return PAUSE
            for q in range(mw):
                valid[q] = uint64(0)
            st[SP] = s
            new_kind = int64(COUNT_ROOT) if counting and below == stages - 1 else whole_cell
            push(
                stack,
                st,
                par,
                below,
                top,
                count,
                free + count,
                top + count,
                new_kind,
                depth,
                stack.node[s, N_DSTAGE],
                stack.node[s, N_DUNIT],
                stack.node[s, N_DSIGN],
                -lines - 1 if lines > 0 else zero,
                rest,
                valid,
                nothing,
            )
            st[MAX_POOL] = max(st[MAX_POOL], free + count)
            continue
        # ---------------------------------------------------- split by one unit
        last = stage == stages - 1 and n_maybe == 0 and n_cut == 1 and n_free == 1
        forced = int64(-1)
        sign = int64(0)
        if depth < par[PATH_LEN]:
            forced = steps.path[depth, 1]
            sign = steps.path[depth, 2]
            if steps.path[depth, 0] != stage or forced >= units:
                return BAD_PATH
            q = forced >> 6
            if unsure[q] & rest[q] & bit(forced):
                for r in range(mw):
                    stack.mask[s, 2 * mw + r] = uint64(0)
                stack.mask[s, 2 * mw + q] = bit(forced)
                return NEED_SIGNS
            if not cut[q] & bit(forced):
                return BAD_PATH
        elif (
            last
            and par[DEPTH_LIMIT] == 0
            and (emit < WITH_COORDINATES or not (wanted(leaves, st[LEAVES]) or wanted(leaves, st[LEAVES] + 1)))
        ):
            if emit == 1:
                if st[OUT_N] + 2 > leaves.pattern.shape[0]:
                    return NEED_OUT
                if wanted(leaves, st[LEAVES]):
                    write_leaf(st, par, net, active, positive, leaves, prints)
                if wanted(leaves, st[LEAVES] + 1):
                    for q in range(mw):
                        positive[q] &= ~cut[q]
                    write_leaf(st, par, net, active, positive, leaves, prints)
            st[SP] = s
            st[COUNT] += 2
            st[LEAVES] += 2
            share[0] += 0.5 ** (depth - par[PATH_LEN])
            continue
        elif n_free == 0:
            for q in range(mw):
                stack.mask[s, 2 * mw + q] = unsure[q] & rest[q]
            return NEED_SIGNS
        unit = forced
        if forced < 0:
            for q in range(mw):
                w = cut[q] & ~unsure[q]
                if w != uint64(0):
                    unit = 64 * q + lowest_bit(w)
                    break
        uq = unit >> 6
        n_pos = int64(0)
        n_neg = int64(0)
        here = uint64(unit & 63)
        for t in range(count):
            g = pool.index[first + t]
            # without branches: the signs come in no order
            pos[n_pos] = t
            neg[n_neg] = t
            n_pos += int64((pool.mask[g, fw + uq] >> here) & uint64(1))
            n_neg += int64((pool.mask[g, fw + mw + uq] >> here) & uint64(1))
        for q in range(mw):
            rest[q] = cut[q] | (unsure[q] & rest[q])
        rest[uq] &= ~bit(unit)
        start = top
        top, free = cut_edges(
            first, count, stage, units, unit, valid, n_pos, n_neg, free, top, last and emit == WITHOUT_COORDINATES,
            midway, par, st, pool, form, facets, scratch,
        )  # fmt: skip
        if top < 0:
            return WHY_CUT_SHORT[-1 - top]
        if top + 2 * (count + top - start) + 64 > pool.index.shape[0]:
            st[MIDWAY] = 1
            return NEED_POOL
        st[SPLITS] += 1
        # the negative child lists new, zero and negative generators; the positive one new, zero and positive
        if n_pos + n_neg < count:
            for t in range(count):
                g = pool.index[first + t]
                if not ((pool.mask[g, fw + uq] | pool.mask[g, fw + mw + uq]) & bit(unit)):
                    pool.index[top] = g
                    top += 1
        both = top - start
        for i in range(n_neg):
            pool.index[top] = pool.index[first + neg[i]]
            top += 1
        middle = top
        for t in range(both):
            pool.index[top] = pool.index[start + t]
            top += 1
        for i in range(n_pos):
            pool.index[top] = pool.index[first + pos[i]]
            top += 1
        if last and emit >= WITH_COORDINATES and forced < 0 and par[DEPTH_LIMIT] == 0:
            # both children are leaves, the positive one first
            if max(top - middle, middle - start) + 8 > cap:
                st[MIDWAY] = 1
                return NEED_GENS
            if st[OUT_N] + 2 > leaves.pattern.shape[0] or no_room(leaves, st, 2 * (top - start), 2 * zw):
                st[MIDWAY] = 1
                return NEED_OUT
            for side in range(2):
                if wanted(leaves, st[LEAVES]):
                    if side == 0:
                        emit_faces(st[LEAVES], middle, top - middle, pool, par, units, lines, leaves, st, scratch)
                    else:
                        emit_faces(st[LEAVES], start, middle - start, pool, par, units, lines, leaves, st, scratch)
                    write_leaf(st, par, net, active, positive, leaves, prints)
                positive[uq] &= ~bit(unit)
                st[COUNT] += 1
                st[LEAVES] += 1
            st[SP] = s
            share[0] += 0.5 ** (depth - par[PATH_LEN])
            continue
        st[SP] = s
        if forced < 0 or sign == 0:
            push(
                stack,
                st,
                par,
                stage,
                start,
                middle - start,
                free,
                top,
                whole_cell,
                depth + 1,
                stage,
                unit,
                zero,
                lines,
                rest,
                valid,
                unit,
            )
        if forced < 0 or sign == 1:
            push(
                stack,
                st,
                par,
                stage,
                middle,
                top - middle,
                free,
                top,
                whole_cell,
                depth + 1,
                stage,
                unit,
                one,
                lines,
                rest,
                valid,
                unit,
            )
        st[MAX_POOL] = max(st[MAX_POOL], free)
    return DONE


@_inner
def wanted(leaves, number):
    """Whether the leaf with this number is to be written."""
    return number >= leaves.select.shape[0] or leaves.select[number] & WANTED != 0


@_inner
def nothing_wanted(leaves, number):
    """How many leaves a cell of the last stage has that begins with this one; 0 if one of them is to be written."""
    end = number
    while end < leaves.select.shape[0]:
        if leaves.select[end] & WANTED != 0:
            return int64(0)
        end += 1
        if end < leaves.select.shape[0] and leaves.select[end] & FIRST_BELOW != 0:
            break
    return end - number


@_inner
def write_leaf(st, par, net, active, last, leaves, prints):
    """Write the activation pattern of a leaf (``mw`` words a stage) and the residues of its affine map."""
    o = st[OUT_N]
    mw = par[MW]
    stages = par[STAGES]
    for stage in range(stages - 1):
        for q in range(mw):
            leaves.pattern[o, stage * mw + q] = active[stage, q]
    for q in range(mw):
        leaves.pattern[o, (stages - 1) * mw + q] = last[q]
    leaves.print[o] = output_print(prints, net, active, last, par)
    leaves.begin[o] = st[BEGIN]
    st[BEGIN] = 0
    st[OUT_N] = o + 1
