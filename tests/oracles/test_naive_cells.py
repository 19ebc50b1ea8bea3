"""The oracle itself: hand-made cases, and the committed counts recomputed on a sample of every family and shape."""

import itertools
import random
from fractions import Fraction

import pytest

from tests.families import BY_NAME as ENTRIES
from tests.families import COUNTS
from tests.oracles.naive_cells import (
    cells,
    four_counts,
    is_full_dimensional,
    is_nonempty,
    largest_slack,
    pattern_text,
    plain,
    share_facet,
)


def sample():
    """One network of every family and shape."""
    chosen = {}
    for name in COUNTS:
        entry = ENTRIES[name]
        shape = tuple(len(bias) for bias in entry["biases"])
        chosen.setdefault((entry["family"], len(entry["weights"][0][0]), shape), name)
    return sorted(chosen.values())


def test_the_file_covers_every_small_network():
    assert sorted(COUNTS) == sorted(name for name, entry in ENTRIES.items() if entry["cells"] <= 60)
    assert all(counts["cells"] == ENTRIES[name]["cells"] for name, counts in COUNTS.items())
    for counts in COUNTS.values():
        assert counts["affine_maps"] <= counts["regions_by_point"] <= counts["regions"] <= counts["cells"]


@pytest.mark.parametrize("name", sample())
def test_counts_and_patterns_recomputed(name):
    entry = ENTRIES[name]
    dim = len(entry["weights"][0][0])
    found = cells(plain(entry["weights"], entry["biases"]), dim)
    assert sorted(pattern_text(pattern) for pattern, _, _ in found) == sorted(entry["patterns"])
    assert four_counts(found, dim) == COUNTS[name]


def test_three_regions_by_point_and_six_by_facet():
    # max(x, y, x + y) - max(0, x, y), with max(a, b, c) = max(max(a, b), c) made of units in two stages
    first = [((1, -1), 0), ((-1, 0), 0), ((1, 0), 0)]
    one, stages = Fraction(1), []
    stages.append([(tuple(map(Fraction, row)), Fraction(b)) for row, b in first])
    # m = y + u1 = max(x, y); w = x + y - m; k = u3 + max(0, y - u3) = max(0, x, y)
    stages.append([((one, 0, -one, 0, 0), Fraction(0)), ((0, one, 0, 0, -one), Fraction(0))])
    stages.append([((0, one, one, 0, -one, one, -one), Fraction(0))])
    counts = four_counts(cells(stages, 2), 2)
    assert (counts["regions"], counts["regions_by_point"], counts["affine_maps"]) == (6, 3, 3)


def test_a_domain_cuts_cells():
    stages = plain([[[1], [1]], [[1, 1]]], [[0, -2], [0]])
    assert four_counts(cells(stages, 1), 1)["cells"] == 3
    assert four_counts(cells(stages, 1, [(1, 0), (-1, 1)]), 1)["cells"] == 1
    assert cells(stages, 1, [(1, 0), (-1, 0)]) == []


def test_linear_program_against_enumeration_of_vertices():
    """The optimum of max t, t <= 1, all forms >= t, is attained where some of the constraints are tight."""
    rng = random.Random(5)
    for _ in range(150):
        dim = rng.randint(1, 2)
        forms = [tuple(rng.randint(-3, 3) for _ in range(dim + 1)) for _ in range(rng.randint(1, 5))]
        box = [tuple(s * int(i == j) for j in range(dim)) + (4,) for i in range(dim) for s in (1, -1)]
        rows = [(*f[:-1], -1, f[-1]) for f in (*forms, *box)] + [(*(0,) * dim, -1, 1)]
        best = None
        for tight in itertools.combinations(rows, dim + 1):
            point = solve(tight)
            if point is not None and all(sum(a * v for a, v in zip(r, (*point, 1), strict=True)) >= 0 for r in rows):
                best = point[-1] if best is None else max(best, point[-1])
        assert largest_slack([*forms, *box], dim, 1) == best


def solve(rows):
    """The common zero of n affine forms in n unknowns by Cramer-free elimination, or None."""
    matrix = [list(map(Fraction, row)) for row in rows]
    size = len(matrix)
    for column in range(size):
        pivot = next((i for i in range(column, size) if matrix[i][column]), None)
        if pivot is None:
            return None
        matrix[column], matrix[pivot] = matrix[pivot], matrix[column]
        matrix[column] = [v / matrix[column][column] for v in matrix[column]]
        for i in range(size):
            if i != column:
                factor = matrix[i][column]
                matrix[i] = [a - factor * b for a, b in zip(matrix[i], matrix[column], strict=True)]
    return tuple(-row[-1] for row in matrix)


def test_faces_by_hand():
    right_above, left_below = [(1, 0, 0), (0, 1, 0)], [(-1, 0, 0), (0, -1, 0)]
    left_above = [(-2, 0, 0), (0, 1, 0), (0, 1, 0)]
    assert share_facet(right_above, left_above, 2)
    assert not share_facet(right_above, left_below, 2)
    assert is_nonempty(right_above + left_below, 2)
    assert not is_full_dimensional(right_above + left_below, 2)
    assert not is_nonempty([*right_above, (-1, -1, -1)], 2)
    # facets on one line that meet in a point only
    assert not share_facet([(1, 0, 0), (0, 1, 0)], [(-1, 0, 0), (0, -1, 0), (0, -1, 5)], 2)
    assert is_full_dimensional([], 3)
    assert is_nonempty([(0, 0)], 1)
    assert not is_full_dimensional([(0, 0)], 1)
