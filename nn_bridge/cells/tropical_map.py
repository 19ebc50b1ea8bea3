"""From a network to its tropical rational map through its activation cells: no expansion and no pruning.

Every output is a difference ``numerator - denominator`` of convex piecewise linear functions (see
`nn_bridge.symbolic.tropicalize`).  The denominator obeys a linear recursion: a pre-activation ``w . [x, h] + b`` has

    denominator  sum |w_k| denominator_k  +  sum over w_k < 0 of |w_k| h_k  +  sum over w_i < 0 of |w_i| x_i

so it is an affine function of the input and of the unit values ``h``, with non-negative coefficients on ``h`` that do
not depend on the cell.  On a cell it is affine in the input, every irredundant monomial of it is attained on a
full-dimensional cell, and every affine piece is a monomial: the distinct affine maps over the cells *are* the pruned
polynomial.  The same holds for the numerator, which is the denominator plus the output.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from operator import add

import numpy as np
from flint import fmpq, fmpq_mat, fmpz_mat

from nn_bridge.cells.plain_tree import leaf_tree
from nn_bridge.cells.problem import cell_problem
from nn_bridge.cells.tree import PATTERNS
from nn_bridge.network.forms import ExactForms, integer_stages, output_scale
from nn_bridge.network.network import INPUT, AffineStage, Matrix, Network
from nn_bridge.network.residues import IntegerMaps, unpacked
from polyhedra.scalars import ZERO
from tropical.polynomial import PuiseuxPolynomial
from tropical.rational import PuiseuxRational

_NUMBERS_AT_ONCE = 1 << 22


def tropicalize_by_cells(network: Network) -> tuple[PuiseuxRational, ...]:
    """The outputs as tropical rational maps with pruned numerators and denominators, exactly.

    The result equals `nn_bridge.symbolic.tropicalize.tropicalize` with pruning per layer, monomial for monomial; the
    cost is one enumeration of the cells.

    Examples
    --------
    >>> net = Network.from_layers([[[1], [2]], [[1, -1]]], [[0, -1], [0]])
    >>> print(tropicalize_by_cells(net)[0])
    max(x1, 0) - max(2x1 - 1, 0)
    """
    parts = convex_parts(network)
    problem = cell_problem(network)
    if problem is None:
        # nothing is cut: one cell, whose pattern any point tells
        only = [np.array([row], dtype=bool) for row in network.pattern([0] * network.input_dim)]
        polynomials = [_polynomial(parts, number, only) for number in range(parts.output_dim)]
    else:
        tree = leaf_tree(problem, PATTERNS)
        patterns = np.concatenate([leaves.patterns for leaves in tree.run()])
        # the input's and constant's share of an output is the same on every cell: it tells no two pieces apart
        inner = replace(problem.network, output=_on_units_only(parts.output), layers=None)
        polynomials = []
        for number in range(parts.output_dim):
            chosen = _distinct(inner.select_outputs([number]), patterns, tree.words)
            polynomials.append(_polynomial(parts, number, unpacked(chosen, network.hidden, tree.words)))
    return tuple(map(PuiseuxRational, polynomials[::2], polynomials[1::2]))


def convex_parts(network: Network) -> Network:
    """The network whose outputs are, for every output of the given one, its numerator and its denominator.

    Both are convex on all of R^n; numerator minus denominator is the output.
    """
    denominators: list[dict[int, fmpq_mat]] = [{}]
    for stage in (*network.stages, network.output):
        denominators.append(_denominator(stage, denominators))
    below = denominators[-1]
    rows: dict[int, list[list[fmpq]]] = {}
    sizes = [network.input_dim, *network.hidden]
    for source, size in enumerate(sizes):
        lower = below[source].tolist() if source in below else [[ZERO] * size] * network.output_dim
        own = network.output.block(source) or ((ZERO,) * size,) * network.output_dim
        rows[source] = []
        for low, weights in zip(lower, own, strict=True):
            rows[source] += [[a + b for a, b in zip(low, weights, strict=True)], list(low)]
    bias = tuple(value for b in network.output.bias for value in (b, ZERO))
    blocks = tuple((source, tuple(map(tuple, matrix))) for source, matrix in rows.items() if any(map(any, matrix)))
    return replace(network, output=AffineStage(blocks, bias), layers=None)


def _denominator(stage: AffineStage, earlier: list[dict[int, fmpq_mat]]) -> dict[int, fmpq_mat]:
    """The denominators of a stage as weights on the input and on unit values, by source."""
    total: dict[int, fmpq_mat] = {}

    def add(source: int, matrix: fmpq_mat) -> None:
        total[source] = total[source] + matrix if source in total else matrix

    for source, matrix in stage.blocks:
        add(source, fmpq_mat([[-v if v < 0 else ZERO for v in row] for row in matrix]))
        if source != INPUT:
            sizes = fmpq_mat([[abs(v) for v in row] for row in matrix])
            for below, weights in earlier[source].items():
                add(below, sizes * weights)
    return total


def _on_units_only(output: AffineStage) -> AffineStage:
    blocks = tuple((source, matrix) for source, matrix in output.blocks if source != INPUT)
    return AffineStage(blocks, (ZERO,) * output.units)


def _distinct(network: Network, patterns: np.ndarray, words: int) -> np.ndarray:
    """One pattern for each distinct affine map of a network with one output, proven by residues."""
    weights = dict(network.output.blocks)
    last = len(network.stages)
    if not weights:
        return patterns[:1]
    read = _mask(weights.get(last), words)
    masked = patterns.copy()
    masked[:, (last - 1) * words : last * words] &= read
    candidates = np.unique(masked, axis=0)
    maps = IntegerMaps(network)
    known: dict[bytes, int] = {}
    for begin, block in _blocks(candidates, network.input_dim + 1):
        residues = maps.residues(unpacked(block, network.hidden, words))[:, 0]
        _, first = np.unique(_as_keys(residues), return_index=True)
        for row in first.tolist():
            known.setdefault(residues[row].tobytes(), begin + row)
    return candidates[sorted(known.values())]


def _as_keys(rows: np.ndarray) -> np.ndarray:
    contiguous = np.ascontiguousarray(rows)
    return contiguous.view(np.dtype((np.void, contiguous.dtype.itemsize * contiguous.shape[1]))).ravel()


def _mask(matrix: Matrix | None, words: int) -> np.ndarray:
    """The words in which the units of the last stage that the one output reads are marked."""
    row = matrix[0] if matrix is not None else ()
    bits = sum(1 << i for i, weight in enumerate(row) if weight != 0)
    return np.array([bits >> 64 * q & 0xFFFFFFFFFFFFFFFF for q in range(words)], dtype=np.uint64)


def _blocks(patterns: np.ndarray, width: int) -> Iterator[tuple[int, np.ndarray]]:
    size = max(16, _NUMBERS_AT_ONCE // (16 * width))
    for begin in range(0, len(patterns), size):
        yield begin, patterns[begin : begin + size]


def _polynomial(parts: Network, number: int, active: list[np.ndarray]) -> PuiseuxPolynomial:
    """The maximum of one output's affine maps on the given patterns."""
    network = parts.select_outputs([number])
    n = network.input_dim
    forms, scale = ExactForms(network), output_scale(network)
    blocks, (bias,) = integer_stages(network)[-1]
    weights = {source: matrix[0] for source, matrix in blocks}
    last = len(network.stages)
    final = _as_integers(active[-1]) if active else [0]
    read = sum(1 << i for i, w in enumerate(weights.get(last, ())) if w)  # without stages there is one pattern, 0
    groups: dict[tuple[int, ...], list[int]] = {}
    prefixes = [_as_integers(stage) for stage in active[:-1]]
    for k, prefix in enumerate(zip(*prefixes, strict=True) if prefixes else [()] * len(final)):
        groups.setdefault(prefix, []).append(k)
    rows: list[tuple[int, ...]] = []
    for prefix, members in groups.items():
        common = fmpz_mat([[*weights.get(INPUT, [0] * n), bias]])
        for source in range(1, last):
            if source in weights:
                chosen = [w if prefix[source - 1] >> i & 1 else 0 for i, w in enumerate(weights[source])]
                common = common + fmpz_mat([chosen]) * forms.forms(prefix[: source - 1])
        sums = {0: tuple(map(int, common.entries()))}
        if last and last in weights:
            table = forms.forms(prefix).tolist()
            pieces = {i: [int(w * v) for v in table[i]] for i, w in enumerate(weights[last]) if w}
            rows += [_sum_of(bits & read, pieces, sums) for bits in (final[k] for k in members)]
        else:
            rows.append(sums[0])
    return PuiseuxPolynomial.of_rows(rows, scale, scale, n)


def _sum_of(bits: int, pieces: dict[int, list[int]], sums: dict[int, tuple[int, ...]]) -> tuple[int, ...]:
    """The sum of the pieces whose bits are set; sums of fewer pieces are kept, since patterns share them."""
    missing = []
    while bits not in sums:
        missing.append(bits)
        bits &= bits - 1
    total = sums[bits]
    for more in reversed(missing):
        piece = pieces[(more & -more).bit_length() - 1]
        total = sums[more] = tuple(map(add, total, piece))
    return total


def _as_integers(stage: np.ndarray) -> list[int]:
    """Each pattern of one stage as an integer with a bit for each unit."""
    packed = np.packbits(stage, axis=1, bitorder="little")
    return [int.from_bytes(row.tobytes(), "little") for row in packed]
