"""The compiled inner loops of the cell engine: a resumable depth-first subdivision of homogeneous cones.

The mathematics is told in `nn_bridge.cell_tree`.  Here are arrays only.

Generators live in a pool.  Row ``g`` of ``coord`` holds ``dim + 1`` homogeneous coordinates (the last one is ``w``: 1-ish
for a vertex, exactly 0 for a ray), scaled to maximum 1, then a bound on the error of each coordinate, then the 1-norm.
Row ``g`` of ``mask`` holds, in 64-bit words:

* ``[0, FW)``                  facet slots that contain the generator (see ``facet_id``);
* ``[FW, FW + MW)``            units of the current stage that are certainly positive there;
* ``[FW + MW, FW + 2 MW)``     units that are certainly negative;
* ``[FW + 2 MW, FW + 3 MW)``   units whose sign is not known;
* ``[FW + 3 MW, .. + ZW)``     units of finished stages, and walls, that vanish there (only when ZW > 0).

A unit in none of the three sign masks is certainly zero.  Affine forms are stored unit-minor, ``form[stage, c, unit]``,
so that one generator is evaluated at all units of a stage by vector instructions.

A node of the stack is a cell (a slice of ``index`` that lists its generators) with the units that may still cut it.  When
a sign can't be decided in floating point, `run` returns ``NEED_SIGNS`` with the node on top of the stack; the caller
decides those signs exactly, stores them in the masks and calls `run` again.  Nothing is done twice.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import int64, njit, types, uint64
from numba.extending import intrinsic

# par: what a run is about
(DIM, STAGES, MODE, FW, MW, ZW, INTEGER, EMIT, GENS_CAP, WALL_WORD, WORK_LIMIT, DEPTH_LIMIT, PATH_LEN, TARGET, PW) = (
    range(15)
)
PAR_SIZE = 16
# st: the state of a run and its counters
(
    SP,
    COUNT,
    LEAVES,
    OUT_N,
    GEN_N,
    FACET_N,
    JOB_N,
    SPLITS,
    NEW_GENS,
    EVALS,
    UNSURE,
    POLISHED,
    MAX_GENS,
    MAX_POOL,
    WANT_KIND,
    WORK,
    STAGE,
    MAX_SP,
    PRUNED,
) = range(19)
ST_SIZE = 24
# node columns
(N_STAGE, N_FIRST, N_COUNT, N_POOL, N_INDEX, N_KIND, N_DEPTH, N_DSTAGE, N_DUNIT, N_DSIGN, N_LINES) = range(11)
NODE_SIZE = 12
# N_KIND: a cell to enumerate, a cell whose last stage is only counted (signs still to be made certain), or the
# dimension (> 0) of a flat in which the arrangement of the remaining units is counted
CELL, COUNT_ROOT = 0, -1
# MODE
ENUMERATE, COUNT_LAST_STAGE = 0, 1
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

UNIT_ROUNDOFF = 1.2e-16  # a little over 2**-53
EXACT_LIMIT = 9007199254740992.0  # 2**53: integers below it are exact in float64
TINY = 1e-150  # stored numbers are 0 or at least this large, so that no product of two of them underflows to 0
POLISH_ABOVE = 1e-8
_ONE = np.uint64(1)


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


@njit(cache=True, error_model="numpy")
def value_at(form, form_err, form_norm, coord, stage, j, g, dim, integer):
    """The value of a form at a generator and a bound on its error (0 only if the value is exact)."""
    value = 0.0
    total = 0.0
    for c in range(dim + 1):
        term = form[stage, c, j] * coord[g, c]
        value += term
        total += abs(term)
    ef = form_err[stage, j]
    eg = coord[g, dim + 1]
    if ef == 0.0 and eg == 0.0 and (total == 0.0 or (integer and total < EXACT_LIMIT)):
        return value, 0.0
    err = (dim + 4) * UNIT_ROUNDOFF * total + (
        ef * coord[g, dim + 2] + eg * form_norm[stage, j] + (dim + 1) * ef * eg
    ) * 1.0000001
    return value, err + 1e-299


@njit(cache=True, error_model="numpy")
def evaluate(form, form_err, form_norm, coord, mask, par, stage, units, g, need, v, a):
    """Set the sign masks of generator ``g`` for the units in ``need`` (words); other units keep theirs."""
    dim = par[DIM]
    mw = par[MW]
    base = par[FW]
    integer = par[INTEGER] == 1
    wanted = 0
    for q in range(mw):
        wanted += popcount(need[q])
    if wanted == 0:
        return 0
    if 4 * wanted > units:
        x = coord[g, 0]
        for j in range(units):
            t = form[stage, 0, j] * x
            v[j] = t
            a[j] = abs(t)
        for c in range(1, dim + 1):
            x = coord[g, c]
            for j in range(units):
                t = form[stage, c, j] * x
                v[j] += t
                a[j] += abs(t)
        eg = coord[g, dim + 1]
        g1 = coord[g, dim + 2] * 1.0000001
        egf = eg * 1.0000001
        both = (dim + 1) * eg * 1.0000001
        k = (dim + 4) * UNIT_ROUNDOFF
        for j in range(units):
            total = a[j]
            ef = form_err[stage, j]
            err = k * total + ef * (g1 + both) + egf * form_norm[stage, j] + 1e-299
            if ef == 0.0 and eg == 0.0 and (total == 0.0 or (integer and total < EXACT_LIMIT)):
                err = 0.0
            a[j] = err
        for q in range(mw):
            lo = 64 * q
            hi = min(units, lo + 64)
            p = uint64(0)
            m = uint64(0)
            u = uint64(0)
            for j in range(lo, hi):
                b = uint64(1) << uint64(j - lo)
                p |= b if v[j] > a[j] else uint64(0)
                m |= b if v[j] < -a[j] else uint64(0)
                u |= b if a[j] != 0.0 else uint64(0)
            w = need[q]
            u &= ~(p | m)
            mask[g, base + q] = (mask[g, base + q] & ~w) | (p & w)
            mask[g, base + mw + q] = (mask[g, base + mw + q] & ~w) | (m & w)
            mask[g, base + 2 * mw + q] = (mask[g, base + 2 * mw + q] & ~w) | (u & w)
        return wanted
    for q in range(mw):
        w = need[q]
        p = mask[g, base + q] & ~w
        m = mask[g, base + mw + q] & ~w
        u = mask[g, base + 2 * mw + q] & ~w
        while w != uint64(0):
            j = lowest_bit(w)
            b = uint64(1) << uint64(j)
            w &= ~b
            value, err = value_at(form, form_err, form_norm, coord, stage, 64 * q + j, g, dim, integer)
            if value > err:
                p |= b
            elif value < -err:
                m |= b
            elif err != 0.0:
                u |= b
        mask[g, base + q] = p
        mask[g, base + mw + q] = m
        mask[g, base + 2 * mw + q] = u
    return wanted


@njit(cache=True, error_model="numpy")
def polish(rows, row_err, k, g, dim, out, work, inverse, chosen, used, columns):
    """Refine a generator from ``k`` rows that vanish on it: a linear solve with a verified error bound.

    Fixes the largest coordinate of ``g`` to its sign, picks ``dim`` independent rows by full pivoting, solves for the
    other coordinates with an approximate inverse ``R`` and one step of iterative refinement, and bounds the error by
    ``|R| (|residual| + rounding) / (1 - |I - R A|)`` in the maximum norm.  Returns the bound after scaling the result to
    maximum 1, or -1 where nothing could be verified.
    """
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
        contraction = max(contraction, row_sum)
        e = 0.0
        for i in range(dim):
            e += abs(inverse[q, i]) * (abs(work[i, 0]) + work[i, 1])
        error = max(error, e)
    if not contraction < 0.5:
        return -1.0
    error = error * 1.0000001 / (1.0 - contraction) * 1.000001
    top = 1.0
    out[lead] = sign
    for q in range(dim):
        top = max(top, abs(out[columns[q]]))
    for c in range(n1):
        out[c] /= top
    return error / top + 2.3e-16


@njit(cache=True, error_model="numpy")
def next_forms(
    form,
    form_err,
    form_norm,
    form_max,
    active,
    par,
    weights,
    offset,
    direct,
    direct_err,
    bias,
    bias_err,
    stage,
    units,
    padded,
    sizes,
    e,
    ab,
):
    """The affine forms of ``stage`` under the activation pattern of all earlier stages, with error bounds."""
    dim = par[DIM]
    integer = par[INTEGER] == 1
    for j in range(units):
        top = 0.0
        for c in range(dim):
            x = direct[stage, c, j]
            form[stage, c, j] = x
            top = max(top, abs(x))
        form[stage, dim, j] = bias[stage, j]
        top = max(top, abs(bias[stage, j]))
        e[j] = max(direct_err[stage, j], bias_err[stage, j])
        ab[j] = top
    terms = 0
    for source in range(stage):
        off = offset[stage, source]
        if off < 0:
            continue
        for q in range(par[MW]):
            w = active[source, q]
            while w != uint64(0):
                i = 64 * q + lowest_bit(w)
                w &= w - uint64(1)
                if i >= sizes[source]:
                    break
                terms += 1
                row = off + i * padded
                ei = form_err[source, i]
                mi = form_max[source, i]
                for j in range(units):
                    x = abs(weights[row + j])
                    e[j] += x * ei
                    ab[j] += x * mi
                for c in range(dim + 1):
                    f = form[source, c, i]
                    if f != 0.0:
                        for j in range(units):
                            form[stage, c, j] += weights[row + j] * f
    for j in range(units):
        top = 0.0
        norm = 0.0
        for c in range(dim + 1):
            x = abs(form[stage, c, j])
            if x < TINY and x != 0.0:
                form[stage, c, j] = 0.0
                e[j] += TINY
                x = 0.0
            top = max(top, x)
            norm += x
        form_max[stage, j] = top * 1.0000001
        form_norm[stage, j] = norm * 1.0000001
        if terms > 0 and not (integer and e[j] == 0.0 and ab[j] < EXACT_LIMIT):
            e[j] = (e[j] + (terms + 6) * UNIT_ROUNDOFF * ab[j]) * 1.0000001 + 1e-300
        form_err[stage, j] = e[j]


@njit(cache=True, error_model="numpy")
def retry_through_hidden(
    form,
    form_err,
    form_norm,
    coord,
    mask,
    ray,
    par,
    weights,
    offset,
    bias,
    bias_err,
    active,
    stage,
    units,
    padded,
    old,
    new,
    hv,
    he,
):
    """Evaluate unsure units of ``stage`` through the values of the stage before, whose zeros are certain.

    Removes false doubts behind bottlenecks and at infinity.  Only where a stage reads nothing but the stage before.
    """
    dim = par[DIM]
    integer = par[INTEGER] == 1
    mw = par[MW]
    fw = par[FW]
    source = stage - 1
    positive = 0
    for q in range(mw):
        w = active[source, q] & mask[old, fw + q]
        while w != uint64(0):
            i = 64 * q + lowest_bit(w)
            w &= w - uint64(1)
            value, err = value_at(form, form_err, form_norm, coord, source, i, old, dim, integer)
            hv[i] = value
            he[i] = err
            positive += 1
    off = offset[stage, source]
    for q in range(mw):
        todo = mask[new, fw + 2 * mw + q]
        while todo != uint64(0):
            low = lowest_bit(todo)
            todo &= todo - uint64(1)
            j = 64 * q + low
            b = uint64(1) << uint64(low)
            shift = bias[stage, j] if ray[old] == 0 else 0.0
            value = shift * coord[old, dim]
            total = abs(value)
            err = abs(shift) * coord[old, dim + 1] + (bias_err[stage, j] if ray[old] == 0 else 0.0)
            terms = 0 if shift == 0.0 and err == 0.0 else 1
            for r in range(mw):
                w = active[source, r] & mask[old, fw + r]
                while w != uint64(0):
                    i = 64 * r + lowest_bit(w)
                    w &= w - uint64(1)
                    x = weights[off + i * padded + j]
                    if x != 0.0:
                        terms += 1
                    t = x * hv[i]
                    value += t
                    total += abs(t)
                    err += abs(x) * he[i]
            if terms == 0:
                mask[new, fw + 2 * mw + q] &= ~b
                continue
            err = (err + (positive + 6) * UNIT_ROUNDOFF * total) * 1.0000001 + 1e-299
            if value > err:
                mask[new, fw + q] |= b
                mask[new, fw + 2 * mw + q] &= ~b
            elif value < -err:
                mask[new, fw + mw + q] |= b
                mask[new, fw + 2 * mw + q] &= ~b


@njit(cache=True, error_model="numpy")
def combine(ga, gb, va, ea, vb, eb, coord, ray, par, new):
    """Write the generator on the segment between ``ga`` (value ``va`` > 0) and ``gb`` (``vb`` < 0) where the form is 0."""
    dim = par[DIM]
    va = max(va, 0.0)
    vb = max(-vb, 0.0)
    total = va + vb
    room = total - ea - eb
    err_a = coord[ga, dim + 1]
    err_b = coord[gb, dim + 1]
    ray[new] = ray[ga] & ray[gb]
    if par[INTEGER] == 1 and err_a == 0.0 and err_b == 0.0 and ea == 0.0 and eb == 0.0:
        largest = 0.0
        for c in range(dim + 1):
            coord[new, c] = vb * coord[ga, c] + va * coord[gb, c]
            largest = max(largest, vb * abs(coord[ga, c]) + va * abs(coord[gb, c]))
        if largest < EXACT_LIMIT:
            divisor = int64(0)
            for c in range(dim + 1):
                x = int64(abs(coord[new, c]))
                while x != 0:
                    divisor, x = x, (divisor % x if divisor != 0 else int64(0))
            norm = 0.0
            for c in range(dim + 1):
                coord[new, c] /= divisor
                norm += abs(coord[new, c])
            coord[new, dim + 1] = 0.0
            coord[new, dim + 2] = norm
            return
    if room > 0.0:
        # both weights are computed: 1 - weight would round a far vertex into a ray
        weight_a = vb / total
        weight_b = va / total
        shift = min(1.0, (va * eb + vb * ea) / (total * room) * 1.0000001 + 3e-16)
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
    err = weight_a * err_a + weight_b * err_b + shift * (apart + err_a + err_b) + 5e-16 * size
    inverse = 1.0 / top if top > 1e-250 else 1.0
    norm = 0.0
    for c in range(dim + 1):
        z = coord[new, c] * inverse
        if abs(z) < TINY:
            z = 0.0
        coord[new, c] = z
        norm += abs(z)
    coord[new, dim + 1] = err * inverse * 1.0000001 + 2.4e-16
    coord[new, dim + 2] = norm


@njit(cache=True, error_model="numpy")
def refine(
    new,
    stage,
    common_facets,
    common_units,
    unit,
    coord,
    ray,
    par,
    form,
    form_err,
    facet_form,
    facet_err,
    rows,
    row_err,
    out,
    work,
    inverse,
    chosen,
    used,
    columns,
):
    """Polish a new generator from its incident facets and units; keeps the old one where that fails."""
    dim = par[DIM]
    k = 0
    cap = rows.shape[0]
    for q in range(par[FW]):
        w = common_facets[q]
        while w != uint64(0) and k < cap:
            s = 64 * q + lowest_bit(w)
            w &= w - uint64(1)
            for c in range(dim + 1):
                rows[k, c] = facet_form[stage, s, c]
            row_err[k] = facet_err[stage, s]
            k += 1
    for q in range(par[MW]):
        w = common_units[q]
        if unit >> 6 == q:
            w |= bit(unit)
        while w != uint64(0) and k < cap:
            j = 64 * q + lowest_bit(w)
            w &= w - uint64(1)
            for c in range(dim + 1):
                rows[k, c] = form[stage, c, j]
            row_err[k] = form_err[stage, j]
            k += 1
    if not coord[new, dim + 1] < 0.5:  # its largest coordinate may have the wrong sign
        return
    err = polish(rows, row_err, k, coord[new], dim, out, work, inverse, chosen, used, columns)
    if err < 0.0 or err >= coord[new, dim + 1]:
        return
    if ray[new] == 1:
        out[dim] = 0.0
    elif not out[dim] > 0.0:
        return
    norm = 0.0
    for c in range(dim + 1):
        if abs(out[c]) < TINY:
            out[c] = 0.0
        coord[new, c] = out[c]
        norm += abs(out[c])
    coord[new, dim + 1] = err + TINY
    coord[new, dim + 2] = norm


@njit(cache=True, error_model="numpy")
def incidence_keys(first, count, index, mask, par, valid, facets, keys, slot_of, touched):
    """Incidence keys of a cell's generators over its facet slots and the units already split; returns words per key.

    Where they fit, one word is put together directly; otherwise the bits that occur are renumbered densely.
    """
    fw = par[FW]
    mw = par[MW]
    if fw == 1 and mw == 1 and facets < 64 and facets + 64 - leading_zeros(valid[0]) <= 64:
        shift = uint64(facets)
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


@njit(cache=True, error_model="numpy")
def adjacent(ta, tb, count, words, keys, common, dim, simple):
    """Whether two generators span an edge, given that a common key has enough bits."""
    total = 0
    for q in range(words):
        common[q] = keys[ta, q] & keys[tb, q]
        total += popcount(common[q])
    if total < dim - 1:
        return False
    if simple:
        return True
    bits = 0
    for q in range(words):
        bits += popcount(keys[tb, q])
    if bits == dim:
        return True
    for t in range(count):
        if t == ta or t == tb:
            continue
        inside = True
        for q in range(words):
            if keys[t, q] & common[q] != common[q]:
                inside = False
                break
        if inside:
            return False
    return True


@njit(cache=True, error_model="numpy")
def cut_edges(
    first,
    count,
    stage,
    units,
    unit,
    rest,
    valid,
    facets,
    pos,
    neg,
    n_pos,
    n_neg,
    pool,
    index,
    out_at,
    par,
    st,
    coord,
    ray,
    mask,
    form,
    form_err,
    form_norm,
    facet_form,
    facet_err,
    keys,
    slot_of,
    touched,
    common,
    values,
    errors,
    need,
    zeros_in_common,
    v,
    a,
    rows,
    row_err,
    out,
    work,
    inverse,
    chosen,
    used,
    columns,
):
    """One step of double description: a new generator on every edge between ``pos`` and ``neg``, listed from ``out_at``.

    Returns the end of the list (-1 where the pool or the index is too small) and the new top of the pool.
    """
    dim = par[DIM]
    fw = par[FW]
    mw = par[MW]
    zw = par[ZW]
    integer = par[INTEGER] == 1
    words = incidence_keys(first, count, index, mask, par, valid, facets, keys, slot_of, touched)
    for i in range(n_pos):
        t = pos[i]
        values[t], errors[t] = value_at(form, form_err, form_norm, coord, stage, unit, index[first + t], dim, integer)
    for i in range(n_neg):
        t = neg[i]
        values[t], errors[t] = value_at(form, form_err, form_norm, coord, stage, unit, index[first + t], dim, integer)
    end = out_at
    for i in range(n_pos):
        ta = pos[i]
        bits = 0
        for q in range(words):
            bits += popcount(keys[ta, q])
        simple = bits == dim
        key = keys[ta, 0]
        for k in range(n_neg):
            tb = neg[k]
            if words == 1 and popcount(key & keys[tb, 0]) < dim - 1:
                continue
            if not adjacent(ta, tb, count, words, keys, common, dim, simple):
                continue
            if pool + 2 > coord.shape[0] or end + 2 > index.shape[0]:
                return -1, pool
            ga = index[first + ta]
            gb = index[first + tb]
            new = pool
            pool += 1
            combine(ga, gb, values[ta], errors[ta], values[tb], errors[tb], coord, ray, par, new)
            for q in range(fw):
                mask[new, q] = mask[ga, q] & mask[gb, q]
            for q in range(fw + 3 * mw, fw + 3 * mw + zw):
                mask[new, q] = mask[ga, q] & mask[gb, q]
            open_units = False
            for q in range(mw):
                pa = mask[ga, fw + q]
                na = mask[ga, fw + mw + q]
                ua = mask[ga, fw + 2 * mw + q]
                pb = mask[gb, fw + q]
                nb = mask[gb, fw + mw + q]
                ub = mask[gb, fw + 2 * mw + q]
                here = bit(unit) if unit >> 6 == q else uint64(0)
                unclear = ((pa & nb) | (na & pb) | ua | ub) & ~here
                need[q] = unclear & rest[q]
                open_units |= need[q] != uint64(0)
                mask[new, fw + q] = (pa | pb) & ~unclear & ~here
                mask[new, fw + mw + q] = (na | nb) & ~unclear & ~here
                mask[new, fw + 2 * mw + q] = unclear & ~rest[q]
            st[NEW_GENS] += 1
            polished = False
            if coord[new, dim + 1] > POLISH_ABOVE:
                for q in range(mw):
                    zeros_in_common[q] = (
                        ~(mask[ga, fw + q] | mask[ga, fw + mw + q] | mask[ga, fw + 2 * mw + q])
                        & ~(mask[gb, fw + q] | mask[gb, fw + mw + q] | mask[gb, fw + 2 * mw + q])
                        & valid[q]
                    )
                refine(
                    new,
                    stage,
                    mask[new],
                    zeros_in_common,
                    unit,
                    coord,
                    ray,
                    par,
                    form,
                    form_err,
                    facet_form,
                    facet_err,
                    rows,
                    row_err,
                    out,
                    work,
                    inverse,
                    chosen,
                    used,
                    columns,
                )
                st[POLISHED] += 1
                polished = True
            if open_units:
                st[EVALS] += evaluate(form, form_err, form_norm, coord, mask, par, stage, units, new, need, v, a)
                unsure = False
                for q in range(mw):
                    need[q] &= mask[new, fw + 2 * mw + q]
                    unsure |= need[q] != uint64(0)
                if unsure:
                    if not polished and coord[new, dim + 1] > 1e-14:
                        for q in range(mw):
                            zeros_in_common[q] = (
                                ~(mask[ga, fw + q] | mask[ga, fw + mw + q] | mask[ga, fw + 2 * mw + q])
                                & ~(mask[gb, fw + q] | mask[gb, fw + mw + q] | mask[gb, fw + 2 * mw + q])
                                & valid[q]
                            )
                        refine(
                            new,
                            stage,
                            mask[new],
                            zeros_in_common,
                            unit,
                            coord,
                            ray,
                            par,
                            form,
                            form_err,
                            facet_form,
                            facet_err,
                            rows,
                            row_err,
                            out,
                            work,
                            inverse,
                            chosen,
                            used,
                            columns,
                        )
                        st[POLISHED] += 1
                        for q in range(mw):
                            mask[new, fw + 2 * mw + q] &= ~need[q]
                        st[EVALS] += evaluate(
                            form, form_err, form_norm, coord, mask, par, stage, units, new, need, v, a
                        )
                    for q in range(mw):
                        st[UNSURE] += popcount(mask[new, fw + 2 * mw + q] & rest[q])
            index[end] = new
            end += 1
    return end, pool


MERSENNE = np.uint64(2147483647)  # 2**31 - 1: residues of forms at random points tell affine maps apart


@njit(cache=True, error_model="numpy")
def next_prints(prints, base_prints, weight_prints, active, par, offset, stage, units, padded, sizes):
    """Residues, modulo 2**31 - 1, of the stage's forms at two random points."""
    for lane in range(2):
        for j in range(units):
            prints[stage, lane, j] = base_prints[stage, lane, j]
        for source in range(stage):
            off = offset[stage, source]
            if off < 0:
                continue
            for q in range(par[MW]):
                w = active[source, q]
                while w != uint64(0):
                    i = 64 * q + lowest_bit(w)
                    w &= w - uint64(1)
                    if i >= sizes[source]:
                        break
                    f = prints[source, lane, i] % MERSENNE
                    row = off + i * padded
                    for j in range(units):
                        t = prints[stage, lane, j] + weight_prints[row + j] * f
                        prints[stage, lane, j] = (t & MERSENNE) + (t >> uint64(31))


@njit(cache=True, error_model="numpy")
def output_print(prints, out_prints, out_base, out_reads, active, last, par, sizes):
    """The residues of the (randomly combined) outputs at the two random points, packed into one word."""
    packed = uint64(0)
    for lane in range(2):
        total = out_base[lane]
        for source in range(par[STAGES]):
            if out_reads[source] == 0:
                continue
            for q in range(par[MW]):
                w = last[q] if source == par[STAGES] - 1 else active[source, q]
                while w != uint64(0):
                    i = 64 * q + lowest_bit(w)
                    w &= w - uint64(1)
                    if i >= sizes[source]:
                        break
                    t = total + (prints[source, lane, i] % MERSENNE) * out_prints[source, i]
                    total = (t & MERSENNE) + (t >> uint64(31))
        packed |= (total % MERSENNE) << uint64(31 * lane)
    return packed


@njit(cache=True, error_model="numpy")
def emit_faces(
    leaf,
    first,
    count,
    index,
    mask,
    coord,
    ray,
    par,
    zero_start,
    units,
    dim_faces,
    gen_leaf,
    gen_ray,
    gen_coord,
    gen_zero,
    facet_leaf,
    facet_zero,
    st,
    work_keys,
):
    """Write a leaf's generators and facets, each with the set of units and walls that vanish on it.

    A facet is a maximal proper set of generators cut out by one unit or wall, with at least one vertex among them.
    """
    zw = par[ZW]
    mw = par[MW]
    fw = par[FW]
    base = fw + 3 * mw
    n_gen = st[GEN_N]
    for t in range(count):
        g = index[first + t]
        for q in range(zw):
            work_keys[t, q] = mask[g, base + q]
        for q in range((units + 63) >> 6):
            z = ~(mask[g, fw + q] | mask[g, fw + mw + q] | mask[g, fw + 2 * mw + q])
            if 64 * (q + 1) > units:
                z &= (uint64(1) << uint64(units - 64 * q)) - uint64(1)
            work_keys[t, zero_start + q] = z
        o = n_gen + t
        gen_leaf[o] = leaf
        gen_ray[o] = ray[g]
        for c in range(par[DIM] + 1):
            gen_coord[o, c] = coord[g, c]
        for q in range(zw):
            gen_zero[o, q] = work_keys[t, q]
    st[GEN_N] = n_gen + count
    # candidates: bits that some but not all generators have
    o = st[FACET_N]
    for q in range(zw):
        some = uint64(0)
        all_ = ~uint64(0)
        for t in range(count):
            some |= work_keys[t, q]
            all_ &= work_keys[t, q]
        w = some & ~all_
        while w != uint64(0):
            b = uint64(1) << uint64(lowest_bit(w))
            low = w & (~w + uint64(1))
            w &= w - uint64(1)
            size = 0
            vertices = 0
            for r in range(zw):
                facet_zero[o, r] = ~uint64(0)
            for t in range(count):
                if work_keys[t, q] & low:
                    size += 1
                    if gen_ray[n_gen + t] == 0:
                        vertices += 1
                    for r in range(zw):
                        facet_zero[o, r] &= work_keys[t, r]
            if vertices == 0 or size < dim_faces:
                continue
            # another candidate whose generators contain these: larger means not a facet, equal and earlier means known
            keep = True
            for r in range(zw):
                other = facet_zero[o, r]
                while other != uint64(0) and keep:
                    ob = other & (~other + uint64(1))
                    other &= other - uint64(1)
                    if r == q and ob == low:
                        continue
                    osize = 0
                    for t in range(count):
                        if work_keys[t, r] & ob:
                            osize += 1
                    if osize == count:
                        continue
                    if osize > size or r < q or (r == q and ob < low):
                        keep = False
                if not keep:
                    break
            if keep:
                facet_leaf[o] = leaf
                o += 1
    st[FACET_N] = o


@njit(cache=True, error_model="numpy")
def segment_count(first, index, cut, stage, par, coord, form, form_err, form_norm, at, at_err):
    """The number of distinct zeros of the cutting units on an edge, or -1 where two cannot be told apart."""
    dim = par[DIM]
    integer = par[INTEGER] == 1
    ga = index[first]
    gb = index[first + 1]
    found = 0
    for q in range(par[MW]):
        w = cut[q]
        while w != uint64(0):
            j = 64 * q + lowest_bit(w)
            w &= w - uint64(1)
            va, ea = value_at(form, form_err, form_norm, coord, stage, j, ga, dim, integer)
            vb, eb = value_at(form, form_err, form_norm, coord, stage, j, gb, dim, integer)
            va = abs(va)
            vb = abs(vb)
            total = va + vb
            room = total - ea - eb
            if not room > 0.0:
                return -1
            x = va / total
            err = (va * eb + vb * ea) / (total * room) * 1.0000001 + 4e-16
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


@njit(cache=True, error_model="numpy")
def push(
    node,
    node_mask,
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
    node[s, N_STAGE] = stage
    node[s, N_FIRST] = first
    node[s, N_COUNT] = count
    node[s, N_POOL] = pool
    node[s, N_INDEX] = index_top
    node[s, N_KIND] = kind
    node[s, N_DEPTH] = depth
    node[s, N_DSTAGE] = dstage
    node[s, N_DUNIT] = dunit
    node[s, N_DSIGN] = dsign
    node[s, N_LINES] = lines
    mw = par[MW]
    for q in range(mw):
        node_mask[s, q] = rest[q]
        node_mask[s, mw + q] = valid[q]
    if extra_valid >= 0:
        node_mask[s, mw + (extra_valid >> 6)] |= bit(extra_valid)
    st[SP] = s + 1


@njit(cache=True, error_model="numpy")
def run(
    par,
    st,
    share,
    node,
    node_mask,
    index,
    coord,
    ray,
    mask,
    sizes,
    weights,
    offset,
    direct,
    direct_err,
    bias,
    bias_err,
    chain_stage,
    form,
    form_err,
    form_norm,
    form_max,
    facet_count,
    facet_id,
    facet_form,
    facet_err,
    active,
    prints,
    base_prints,
    weight_prints,
    out_prints,
    out_base,
    out_reads,
    zero_offset,
    path,
    trace,
    select,
    out_pattern,
    out_print,
    gen_leaf,
    gen_ray,
    gen_coord,
    gen_zero,
    facet_leaf,
    facet_zero,
    job_path,
    job_depth,
):
    """Work off the stack until it is empty or something is needed; returns what (see the constants)."""
    dim = par[DIM]
    stages = par[STAGES]
    fw = par[FW]
    mw = par[MW]
    zw = par[ZW]
    emit = par[EMIT]
    counting = par[MODE] == COUNT_LAST_STAGE
    cap = par[GENS_CAP]
    padded = form.shape[2]
    pos = np.empty(cap, np.int64)
    neg = np.empty(cap, np.int64)
    keys = np.empty((cap, fw + mw), np.uint64)
    face_keys = np.empty((cap if emit == 2 else 1, max(zw, 1)), np.uint64)
    values = np.empty(cap)
    errors = np.empty(cap)
    slot_of = np.full(64 * (fw + mw), -1, np.int64)
    touched = np.empty(64 * (fw + mw), np.int64)
    kept = np.empty(64 * (fw + mw), np.int64)
    common = np.empty(fw + mw, np.uint64)
    positive = np.empty(mw, np.uint64)
    negative = np.empty(mw, np.uint64)
    unsure = np.empty(mw, np.uint64)
    cut = np.empty(mw, np.uint64)
    rest = np.empty(mw, np.uint64)
    valid = np.empty(mw, np.uint64)
    need = np.empty(mw, np.uint64)
    shared_zeros = np.empty(mw, np.uint64)
    prev = np.empty(mw, np.uint64)
    v = np.empty(padded)
    a = np.empty(padded)
    hv = np.empty(padded)
    he = np.empty(padded)
    at = np.empty(padded + 1)
    at_err = np.empty(padded + 1)
    row_cap = 4 * (dim + 2) + 64
    rows = np.empty((row_cap, dim + 1))
    row_err = np.empty(row_cap)
    out = np.empty(dim + 1)
    work = np.empty((row_cap, dim + 2))
    inverse = np.empty((dim + 1, dim + 1))
    chosen = np.empty(dim + 1, np.int64)
    used = np.empty(row_cap, np.int64)
    columns = np.empty(dim + 2, np.int64)
    steps = 0
    while st[SP] > 0:
        s = st[SP] - 1
        stage = node[s, N_STAGE]
        first = node[s, N_FIRST]
        count = node[s, N_COUNT]
        pool = node[s, N_POOL]
        top = node[s, N_INDEX]
        kind = node[s, N_KIND]
        depth = node[s, N_DEPTH]
        lines = node[s, N_LINES]
        units = sizes[stage]
        st[STAGE] = stage
        steps += 1
        if steps > par[WORK_LIMIT]:
            return PAUSE
        if s + units + 4 > node.shape[0]:
            return NEED_STACK
        if count + 8 > cap:
            return NEED_GENS
        st[MAX_GENS] = max(st[MAX_GENS], count)
        st[MAX_SP] = max(st[MAX_SP], s)
        if kind <= 0 and depth > 0:
            trace[depth - 1, 0] = node[s, N_DSTAGE]
            trace[depth - 1, 1] = node[s, N_DUNIT]
            trace[depth - 1, 2] = node[s, N_DSIGN]
        if lines < 0:
            return NEED_LINES
        for q in range(mw):
            positive[q] = uint64(0)
            negative[q] = uint64(0)
            unsure[q] = uint64(0)
            rest[q] = node_mask[s, q]
            valid[q] = node_mask[s, mw + q]
        for t in range(count):
            g = index[first + t]
            for q in range(mw):
                positive[q] |= mask[g, fw + q]
                negative[q] |= mask[g, fw + mw + q]
                unsure[q] |= mask[g, fw + 2 * mw + q]
        n_cut = 0
        n_maybe = 0
        n_doubt = 0
        n_free = 0
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
                    node_mask[s, 2 * mw + q] = unsure[q] & rest[q]
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
                found = segment_count(first, index, cut, stage, par, coord, form, form_err, form_norm, at, at_err)
                if found < 0:
                    for q in range(mw):
                        node_mask[s, 2 * mw + q] = cut[q]
                    return NEED_SEGMENT
                st[SP] = s
                st[COUNT] += 1 + found
                continue
            counted = st[COUNT]
            st[SP] = s
            st[COUNT] += 1
            for q in range(mw):
                prev[q] = uint64(0)
            for q in range(mw):
                w = cut[q]
                while w != uint64(0):
                    j = 64 * q + lowest_bit(w)
                    w &= w - uint64(1)
                    if prev[q] == uint64(0) and j == first_bit(prev, cut, mw):
                        st[COUNT] += 1
                        prev[q] |= bit(j)
                        continue
                    n_pos = 0
                    n_neg = 0
                    start = top
                    if top + count + 8 > index.shape[0]:
                        st[COUNT] = counted
                        st[SP] = s + 1
                        return NEED_POOL
                    for t in range(count):
                        g = index[first + t]
                        if mask[g, fw + q] & bit(j):
                            pos[n_pos] = t
                            n_pos += 1
                        elif mask[g, fw + mw + q] & bit(j):
                            neg[n_neg] = t
                            n_neg += 1
                        else:
                            index[top] = g
                            top += 1
                    top, pool = cut_edges(
                        first,
                        count,
                        stage,
                        units,
                        j,
                        prev,
                        valid,
                        facet_count[stage],
                        pos,
                        neg,
                        n_pos,
                        n_neg,
                        pool,
                        index,
                        top,
                        par,
                        st,
                        coord,
                        ray,
                        mask,
                        form,
                        form_err,
                        form_norm,
                        facet_form,
                        facet_err,
                        keys,
                        slot_of,
                        touched,
                        common,
                        values,
                        errors,
                        need,
                        shared_zeros,
                        v,
                        a,
                        rows,
                        row_err,
                        out,
                        work,
                        inverse,
                        chosen,
                        used,
                        columns,
                    )
                    if top < 0:
                        st[COUNT] = counted
                        st[SP] = s + 1
                        return NEED_POOL
                    push(
                        node,
                        node_mask,
                        st,
                        par,
                        stage,
                        start,
                        top - start,
                        pool,
                        top,
                        kind - 1,
                        depth,
                        0,
                        0,
                        0,
                        0,
                        prev,
                        valid,
                        j,
                    )
                    prev[q] |= bit(j)
            st[MAX_POOL] = max(st[MAX_POOL], pool)
            continue
        # ---------------------------------------------------- a cell
        if par[DEPTH_LIMIT] > 0 and (
            depth >= par[DEPTH_LIMIT] or (n_cut == 0 and n_maybe == 0 and stage == stages - 1) or kind == COUNT_ROOT
        ):
            if st[JOB_N] + 1 > job_path.shape[0]:
                return NEED_OUT
            o = st[JOB_N]
            job_depth[o] = depth
            for i in range(depth):
                for c in range(3):
                    job_path[o, i, c] = trace[i, c]
            st[JOB_N] = o + 1
            st[SP] = s
            continue
        if kind == COUNT_ROOT:
            if n_doubt > 0:
                for q in range(mw):
                    node_mask[s, 2 * mw + q] = unsure[q] & rest[q]
                return NEED_SIGNS
            share[0] += 0.5 ** (depth - par[PATH_LEN])
            if n_cut <= 1:
                st[COUNT] += 1 + n_cut
                st[SP] = s
                continue
            for q in range(mw):
                node_mask[s, q] = cut[q]
            node[s, N_KIND] = dim - popcount(uint64(lines))
            continue
        if n_cut == 0 and n_maybe == 0:
            if stage == stages - 1:
                # -------------------------------------------- a leaf
                chosen_leaf = emit > 0 and (select.shape[0] == 0 or select[st[LEAVES]] != 0)
                if chosen_leaf:
                    if st[OUT_N] + 1 > out_pattern.shape[0]:
                        return NEED_OUT
                    if emit == 2:
                        if st[GEN_N] + count > gen_leaf.shape[0] or st[FACET_N] + 64 * zw + 8 > facet_leaf.shape[0]:
                            return NEED_OUT
                        emit_faces(
                            st[LEAVES],
                            first,
                            count,
                            index,
                            mask,
                            coord,
                            ray,
                            par,
                            zero_offset[stage],
                            units,
                            max(1, dim - popcount(uint64(lines))),
                            gen_leaf,
                            gen_ray,
                            gen_coord,
                            gen_zero,
                            facet_leaf,
                            facet_zero,
                            st,
                            face_keys,
                        )
                    write_leaf(
                        st,
                        par,
                        active,
                        positive,
                        out_pattern,
                        out_print,
                        prints,
                        out_prints,
                        out_base,
                        out_reads,
                        sizes,
                    )
                st[SP] = s
                st[COUNT] += 1
                st[LEAVES] += 1
                share[0] += 0.5 ** (depth - par[PATH_LEN])
                continue
            # ------------------------------------------------ down to the next stage
            if pool + count + 64 > coord.shape[0] or top + count + 64 > index.shape[0]:
                return NEED_POOL
            below = stage + 1
            slots = 0
            # facets that matter below: those with enough generators
            for b in range(facet_count[stage]):
                n_on = 0
                for t in range(count):
                    if mask[index[first + t], b >> 6] & bit(b):
                        n_on += 1
                kept[b] = -1
                if n_on >= dim or facet_id[stage, b, 0] == -2:
                    kept[b] = slots
                    slots += 1
            for q in range(mw):
                w = valid[q]
                while w != uint64(0):
                    j = lowest_bit(w)
                    w &= w - uint64(1)
                    n_on = 0
                    for t in range(count):
                        g = index[first + t]
                        if not ((mask[g, fw + q] | mask[g, fw + mw + q] | mask[g, fw + 2 * mw + q]) & bit(j)):
                            n_on += 1
                    kept[64 * fw + 64 * q + j] = -1
                    if n_on >= dim:
                        kept[64 * fw + 64 * q + j] = slots
                        slots += 1
            if slots > 64 * fw:
                return NEED_FACETS
            facet_count[below] = slots
            for b in range(facet_count[stage]):
                o = kept[b]
                if o >= 0:
                    facet_id[below, o, 0] = facet_id[stage, b, 0]
                    facet_id[below, o, 1] = facet_id[stage, b, 1]
                    facet_err[below, o] = facet_err[stage, b]
                    for c in range(dim + 1):
                        facet_form[below, o, c] = facet_form[stage, b, c]
            for q in range(mw):
                w = valid[q]
                while w != uint64(0):
                    j = 64 * q + lowest_bit(w)
                    w &= w - uint64(1)
                    o = kept[64 * fw + j]
                    if o >= 0:
                        facet_id[below, o, 0] = stage
                        facet_id[below, o, 1] = j
                        facet_err[below, o] = form_err[stage, j]
                        for c in range(dim + 1):
                            facet_form[below, o, c] = form[stage, c, j]
            for q in range(mw):
                active[stage, q] = positive[q]
            below_units = sizes[below]
            next_forms(
                form,
                form_err,
                form_norm,
                form_max,
                active,
                par,
                weights,
                offset,
                direct,
                direct_err,
                bias,
                bias_err,
                below,
                below_units,
                padded,
                sizes,
                v,
                a,
            )
            if emit > 0:
                next_prints(prints, base_prints, weight_prints, active, par, offset, below, below_units, padded, sizes)
            for q in range(mw):
                room = below_units - 64 * q
                rest[q] = (
                    ~uint64(0) if room >= 64 else ((uint64(1) << uint64(room)) - uint64(1) if room > 0 else uint64(0))
                )
            for t in range(count):
                g = index[first + t]
                new = pool + t
                for q in range(mask.shape[1]):
                    mask[new, q] = uint64(0)
                for q in range(fw):
                    w = mask[g, q]
                    while w != uint64(0):
                        b = 64 * q + lowest_bit(w)
                        w &= w - uint64(1)
                        o = kept[b]
                        if o >= 0:
                            mask[new, o >> 6] |= bit(o)
                for q in range(mw):
                    w = ~(mask[g, fw + q] | mask[g, fw + mw + q] | mask[g, fw + 2 * mw + q])
                    if zw > 0 and 64 * q < units:
                        full = ~uint64(0) if units - 64 * q >= 64 else (uint64(1) << uint64(units - 64 * q)) - uint64(1)
                        mask[new, fw + 3 * mw + zero_offset[stage] + q] = w & full
                    w &= valid[q]
                    while w != uint64(0):
                        j = 64 * q + lowest_bit(w)
                        w &= w - uint64(1)
                        o = kept[64 * fw + j]
                        if o >= 0:
                            mask[new, o >> 6] |= bit(o)
                for q in range(zw):
                    mask[new, fw + 3 * mw + q] |= mask[g, fw + 3 * mw + q]
                ray[new] = ray[g]
                for c in range(dim + 3):
                    coord[new, c] = coord[g, c]
                st[EVALS] += evaluate(form, form_err, form_norm, coord, mask, par, below, below_units, new, rest, v, a)
                left = 0
                for q in range(mw):
                    left += popcount(mask[new, fw + 2 * mw + q])
                if left > 0 and chain_stage[below] == 1:
                    retry_through_hidden(
                        form,
                        form_err,
                        form_norm,
                        coord,
                        mask,
                        ray,
                        par,
                        weights,
                        offset,
                        bias,
                        bias_err,
                        active,
                        below,
                        below_units,
                        padded,
                        g,
                        new,
                        hv,
                        he,
                    )
                    left = 0
                    for q in range(mw):
                        left += popcount(mask[new, fw + 2 * mw + q])
                st[UNSURE] += left
                index[top + t] = new
            for q in range(mw):
                valid[q] = uint64(0)
            st[SP] = s
            new_kind = COUNT_ROOT if counting and below == stages - 1 else CELL
            push(
                node,
                node_mask,
                st,
                par,
                below,
                top,
                count,
                pool + count,
                top + count,
                new_kind,
                depth,
                node[s, N_DSTAGE],
                node[s, N_DUNIT],
                node[s, N_DSIGN],
                -lines - 1 if lines > 0 else 0,
                rest,
                valid,
                -1,
            )
            st[MAX_POOL] = max(st[MAX_POOL], pool + count)
            continue
        # ---------------------------------------------------- split by one unit
        forced = -1
        sign = 0
        if depth < par[PATH_LEN]:
            forced = path[depth, 1]
            sign = path[depth, 2]
            if path[depth, 0] != stage or forced >= units:
                return BAD_PATH
            q = forced >> 6
            if unsure[q] & rest[q] & bit(forced):
                for r in range(mw):
                    node_mask[s, 2 * mw + r] = uint64(0)
                node_mask[s, 2 * mw + q] = bit(forced)
                return NEED_SIGNS
            if not cut[q] & bit(forced):
                return BAD_PATH
        elif stage == stages - 1 and n_maybe == 0 and n_cut == 1 and n_free == 1 and emit < 2 and par[DEPTH_LIMIT] == 0:
            if emit == 1:
                if st[OUT_N] + 2 > out_pattern.shape[0]:
                    return NEED_OUT
                write_leaf(
                    st, par, active, positive, out_pattern, out_print, prints, out_prints, out_base, out_reads, sizes
                )
                for q in range(mw):
                    positive[q] &= ~cut[q]
                write_leaf(
                    st, par, active, positive, out_pattern, out_print, prints, out_prints, out_base, out_reads, sizes
                )
            st[SP] = s
            st[COUNT] += 2
            st[LEAVES] += 2
            share[0] += 0.5 ** (depth - par[PATH_LEN])
            continue
        elif n_free == 0:
            for q in range(mw):
                node_mask[s, 2 * mw + q] = unsure[q] & rest[q]
            return NEED_SIGNS
        unit = forced
        if forced < 0:
            for q in range(mw):
                w = cut[q] & ~unsure[q]
                if w != uint64(0):
                    unit = 64 * q + lowest_bit(w)
                    break
        uq = unit >> 6
        n_pos = 0
        n_neg = 0
        for t in range(count):
            g = index[first + t]
            if mask[g, fw + uq] & bit(unit):
                pos[n_pos] = t
                n_pos += 1
            elif mask[g, fw + mw + uq] & bit(unit):
                neg[n_neg] = t
                n_neg += 1
        for q in range(mw):
            rest[q] = cut[q] | (unsure[q] & rest[q])
        rest[uq] &= ~bit(unit)
        start = top
        top, pool = cut_edges(
            first,
            count,
            stage,
            units,
            unit,
            rest,
            valid,
            facet_count[stage],
            pos,
            neg,
            n_pos,
            n_neg,
            pool,
            index,
            top,
            par,
            st,
            coord,
            ray,
            mask,
            form,
            form_err,
            form_norm,
            facet_form,
            facet_err,
            keys,
            slot_of,
            touched,
            common,
            values,
            errors,
            need,
            shared_zeros,
            v,
            a,
            rows,
            row_err,
            out,
            work,
            inverse,
            chosen,
            used,
            columns,
        )
        if top < 0 or top + 2 * (count + top - start) + 64 > index.shape[0]:
            return NEED_POOL
        st[SPLITS] += 1
        # the negative child lists new, zero and negative generators; the positive one new, zero and positive
        for t in range(count):
            g = index[first + t]
            if not ((mask[g, fw + uq] | mask[g, fw + mw + uq]) & bit(unit)):
                index[top] = g
                top += 1
        both = top - start
        for i in range(n_neg):
            index[top] = index[first + neg[i]]
            top += 1
        middle = top
        for t in range(both):
            index[top] = index[start + t]
            top += 1
        for i in range(n_pos):
            index[top] = index[first + pos[i]]
            top += 1
        st[SP] = s
        if forced < 0 or sign == 0:
            push(
                node,
                node_mask,
                st,
                par,
                stage,
                start,
                middle - start,
                pool,
                top,
                CELL,
                depth + 1,
                stage,
                unit,
                0,
                lines,
                rest,
                valid,
                unit,
            )
        if forced < 0 or sign == 1:
            push(
                node,
                node_mask,
                st,
                par,
                stage,
                middle,
                top - middle,
                pool,
                top,
                CELL,
                depth + 1,
                stage,
                unit,
                1,
                lines,
                rest,
                valid,
                unit,
            )
        st[MAX_POOL] = max(st[MAX_POOL], pool)
    return DONE


@njit(inline="always")
def first_bit(prev, cut, mw):
    """The first cutting unit while none was handled yet, else -1."""
    for q in range(mw):
        if prev[q] != uint64(0):
            return -1
    for q in range(mw):
        if cut[q] != uint64(0):
            return 64 * q + lowest_bit(cut[q])
    return -1


@njit(cache=True, error_model="numpy")
def write_leaf(st, par, active, last, out_pattern, out_print, prints, out_prints, out_base, out_reads, sizes):
    """Write the activation pattern of a leaf (``mw`` words a stage) and the residues of its affine map."""
    o = st[OUT_N]
    mw = par[MW]
    stages = par[STAGES]
    for stage in range(stages - 1):
        for q in range(mw):
            out_pattern[o, stage * mw + q] = active[stage, q]
    for q in range(mw):
        out_pattern[o, (stages - 1) * mw + q] = last[q]
    out_print[o] = output_print(prints, out_prints, out_base, out_reads, active, last, par, sizes)
    st[OUT_N] = o + 1
