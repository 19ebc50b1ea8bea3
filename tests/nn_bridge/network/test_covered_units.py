"""Units that others cover: found exactly where they are, and no map tells them apart."""

import random
from dataclasses import replace

import pytest
from flint import fmpq

from nn_bridge.cells.counting.count import count_cells
from nn_bridge.cells.counting.plain_count import count_plain
from nn_bridge.cells.dyadic import first_dyadic_stages
from nn_bridge.cells.whole_weights import whole_numbers
from nn_bridge.network.network import AffineStage, Network
from tests.nn_bridge.network import covered_units_twin
from tests.nn_bridge.network.covered_units_twin import Cover


def covered_units(network):
    """The units that others cover, by the core."""
    return [Cover(*own) for own in whole_numbers(network, first_dyadic_stages(network)).covered_units()]


def maxout(sizes, pieces, rng, outputs=1):
    """A network of maximum layers with whole weights."""
    shapes = [*zip(sizes[:-1], sizes[1:], [pieces] * (len(sizes) - 1), strict=True), (sizes[-1], outputs, 1)]
    weights = [[[rng.randint(-3, 3) for _ in range(a)] for _ in range(b * p)] for a, b, p in shapes]
    biases = [[rng.randint(-3, 3) for _ in rows] for rows in weights]
    return Network.from_layers(weights, biases, [f"maxout:{pieces}"] * (len(sizes) - 1) + ["linear"])


def value_where(network, pattern, point):
    """The outputs' affine maps on the cell with a pattern (0 or 1 by stage and unit), at a point anywhere."""
    values = [point]
    for number, stage in enumerate([*network.stages, network.output]):
        own = []
        for row, bias in enumerate(stage.bias):
            total = sum((w * v for s, m in stage.blocks for w, v in zip(m[row], values[s], strict=True)), bias)
            own.append(total * pattern[number][row] if number < len(network.stages) else total)
        values.append(own)
    return values[-1]


def uncovered(pattern, covers):
    """A pattern without covered units, by the definition: from the last stage to the first."""
    left = [list(stage) for stage in pattern]
    for stage in reversed(range(len(left))):
        for own in covers:
            if own.stage == stage and left[stage][own.unit]:
                left[own.of_stage][own.of_unit] = 0
    return left


def pattern_at(network, point):
    """By stage and unit whether it is active."""
    values, found = [point], []
    for stage in network.stages:
        own = [
            sum((w * v for s, m in stage.blocks for w, v in zip(m[row], values[s], strict=True)), bias)
            for row, bias in enumerate(stage.bias)
        ]
        found.append([int(v > 0) for v in own])
        values.append([max(v, fmpq(0)) for v in own])
    return found


def test_pieces_of_maxima_cover_those_before():
    """Of k pieces each but the first two covers all before it, and of two none does."""
    rng = random.Random(1)
    for pieces in range(2, 6):
        network = maxout([2, 3, 2], pieces, rng)
        expected = []
        for layer, units in enumerate((3, 2)):
            first = layer * (pieces - 1)
            later = range(first + 1, first + pieces - 1)
            expected += [Cover(s, j, below, j) for s in later for j in range(units) for below in range(first, s)]
        assert sorted(covered_units(network)) == sorted(expected)
    assert not covered_units(Network.from_layers([[[1, 2], [3, 4]], [[1, 1]], [[1]]]))


def test_no_map_tells_covered_units_apart():
    """The affine map of any pattern, one that no cell has included, is that of the pattern without covered units."""
    rng = random.Random(2)
    changed = 0
    for seed in range(40):
        network = maxout([2, *[rng.randint(1, 3) for _ in range(1 + seed % 2)]], 3 + seed % 3, rng, 1 + seed % 2)
        covers = covered_units(network)
        for _ in range(5):
            pattern = [[rng.randint(0, 1) for _ in range(units)] for units in network.hidden]
            other = uncovered(pattern, covers)
            changed += other != pattern
            point = [fmpq(rng.randint(-9, 9)) for _ in range(2)]
            assert value_where(network, pattern, point) == value_where(network, other, point)
    assert changed > 100


def test_points_with_one_pattern_fill_a_convex_set():
    """Between two points with one pattern, without covered units, lie others with it alone."""
    rng = random.Random(3)
    apart = 0
    for seed in range(30):
        network = maxout([2, 2, 2][: 2 + seed % 2], 3 + seed % 3, rng)
        covers = covered_units(network)
        points = {}
        for _ in range(150):
            point = [fmpq(rng.randint(-400, 400), 97) for _ in range(2)]
            pattern = pattern_at(network, point)
            points.setdefault(str(uncovered(pattern, covers)), []).append((point, pattern))
        for key, group in points.items():
            (one, first), (two, second) = group[0], group[-1]
            apart += first != second
            for share in (fmpq(1, 3), fmpq(1, 2), fmpq(7, 9)):
                between = [a + share * (b - a) for a, b in zip(one, two, strict=True)]
                found = uncovered(pattern_at(network, between), covers)
                # a covered unit may vanish there, and is off then as well
                assert str(found) == key
    assert apart > 30


def test_a_maximum_of_many_pieces():
    """Whatever is looked up for a unit is looked up once: a set and its rows are as long as the maximum."""
    network = maxout([1, 1], 200, random.Random(6))
    assert covered_units(network) == [Cover(s, 0, below, 0) for s in range(1, 199) for below in range(s)]


def test_a_maximum_of_very_many_pieces():
    """After a second of work no more units are looked at; those found so far are all that these units cover."""
    network = maxout([1, 1], 330, random.Random(6))
    found = covered_units(network)
    last = found[-1].stage
    assert 200 < last < 328
    assert found == [Cover(s, 0, below, 0) for s in range(1, last + 1) for below in range(s)]


def changed_weight(network, stage, source, row, unit, value):
    """The network with one weight replaced."""
    stages = [*network.stages, network.output]
    blocks = dict(stages[stage].blocks)
    rows = [list(own) for own in blocks[source]]
    rows[row][unit] = fmpq(value)
    blocks[source] = tuple(map(tuple, rows))
    stages[stage] = AffineStage(tuple(sorted(blocks.items())), stages[stage].bias)
    return replace(network, stages=tuple(stages[:-1]), output=stages[-1])


def test_one_other_weight_and_nothing_is_covered():
    """A row that reads the two with different weights, another row that reads one, another weight than -1."""
    weights = [[[1, 2], [3, 1], [2, 2]], [[1], [2], [5]], [[1]]]
    network = Network.from_layers(weights, [[0, 1, 2], [1, 0, 3], [0]], ["maxout:3", "maxout:3", "linear"])
    assert covered_units(network) == [Cover(1, 0, 0, 0), Cover(3, 0, 2, 0)]
    for reader, source in ((2, 1), (3, 2), (4, 1), (4, 2)):
        other = changed_weight(network, reader, source, 0, 0, 9)
        assert covered_units(other) == [Cover(3, 0, 2, 0)]
    assert covered_units(changed_weight(network, 1, 1, 0, 0, -2)) == [Cover(3, 0, 2, 0)]
    assert covered_units(changed_weight(network, 1, 1, 0, 0, 1)) == [Cover(3, 0, 2, 0)]
    assert covered_units(changed_weight(network, 4, 3, 0, 0, 9)) == [Cover(1, 0, 0, 0)]
    wide = Network.from_layers(
        [[[1], [2], [3], [4], [5], [7]], [[1, 1]]], [[0, 1, 2, 3, 4, 5], [0]], ["maxout:3", "linear"]
    )
    assert covered_units(wide) == [Cover(1, 0, 0, 0), Cover(1, 1, 0, 1)]
    assert covered_units(changed_weight(wide, 1, 1, 1, 0, 1)) == [Cover(1, 1, 0, 1)]


def test_units_of_a_set_subtract_one_another():
    """Of four pieces: a unit that another one of the set reads with another weight than -1 is not covered."""
    network = Network.from_layers([[[1], [2], [3], [4]], [[1]]], [[0, 1, 1, 0], [0]], ["maxout:4", "linear"])
    everything = [Cover(1, 0, 0, 0), Cover(2, 0, 0, 0), Cover(2, 0, 1, 0)]
    assert covered_units(network) == everything
    assert covered_units(changed_weight(network, 1, 1, 0, 0, 2)) == [Cover(2, 0, 1, 0)]


def of_stages(inputs, *stages):
    """A network of (weights by source, biases), last the outputs."""
    made = [
        AffineStage(
            tuple((source, tuple(tuple(map(fmpq, row)) for row in rows)) for source, rows in sorted(blocks.items())),
            tuple(map(fmpq, bias)),
        )
        for blocks, bias in stages
    ]
    return Network(inputs, tuple(made[:-1]), made[-1])


def test_units_that_read_a_third_one_side_by_side():
    """The sum a + max(0, 5 - a) + max(0, 51/10 - a) with a = max(0, x) is not convex: no unit covers a with the rest.

    Where 99/10 - x/10 exceeds it is not connected, and so are not the cells with this map.
    """
    network = of_stages(
        1,
        ({0: [[1]]}, [0]),
        ({1: [[-1], [-1]]}, [5, fmpq(51, 10)]),
        ({0: [[fmpq(-1, 10)]], 1: [[-1]], 2: [[-1, -1]]}, [fmpq(99, 10)]),
        ({1: [[1]], 2: [[1, 1]], 3: [[1]]}, [0]),
    )
    assert covered_units(network) == [Cover(2, 0, 1, 0), Cover(2, 0, 1, 1)]
    found = count_cells(network)
    assert (found.cells, found.regions) == (7, 5)
    assert count_plain(network).regions == 5
    apart = of_stages(
        1,
        ({0: [[1]]}, [0]),
        ({1: [[-1]]}, [5]),
        ({1: [[-1]]}, [fmpq(51, 10)]),
        ({0: [[fmpq(-1, 10)]], 1: [[-1]], 2: [[-1]], 3: [[-1]]}, [fmpq(99, 10)]),
        ({1: [[1]], 2: [[1]], 3: [[1]], 4: [[1]]}, [0]),
    )
    assert covered_units(apart) == [Cover(3, 0, 1, 0), Cover(3, 0, 2, 0)]
    assert count_cells(apart).regions == 5


def changed_at_random(network, rng):
    """The network with a few weights between hidden stages replaced by -1, 0, 1 or 1/3."""
    for _ in range(rng.randint(0, 3)):
        stage = rng.randrange(1, len(network.stages) + 1)
        blocks = [(s, m) for s, m in [*network.stages, network.output][stage].blocks if s]
        if not blocks:
            continue
        source, rows = rng.choice(blocks)
        value = rng.choice([-1, -1, 0, 1, fmpq(1, 3)])
        network = changed_weight(network, stage, source, rng.randrange(len(rows)), rng.randrange(len(rows[0])), value)
    return network


def scaled_at_random(network, rng):
    """The same function with some units multiplied, and the weights on them divided, by positive numbers."""
    factors = [[fmpq(1)] * network.input_dim]
    factors += [[rng.choice([fmpq(1), fmpq(2), fmpq(1, 3), fmpq(5, 7)]) for _ in s.bias] for s in network.stages]
    factors.append([fmpq(1)] * network.output_dim)
    stages = []
    for number, stage in enumerate([*network.stages, network.output], 1):
        own = factors[number]
        blocks = tuple(
            (
                s,
                tuple(
                    tuple(w * f / c for w, c in zip(row, factors[s], strict=True))
                    for row, f in zip(m, own, strict=True)
                ),
            )
            for s, m in stage.blocks
        )
        stages.append(AffineStage(blocks, tuple(b * f for b, f in zip(stage.bias, own, strict=True))))
    return replace(network, stages=tuple(stages[:-1]), output=stages[-1])


def test_found_are_those_of_the_twin():
    """Of maxima with some other weights; and however units are scaled."""
    rng = random.Random(7)
    found = without = 0
    for seed in range(150):
        sizes = [rng.randint(1, 2), *[rng.randint(1, 3) for _ in range(1 + seed % 2)]]
        network = changed_at_random(maxout(sizes, 3 + seed % 3, rng, 1 + seed % 2), rng)
        expected = covered_units_twin.covered_units(network)
        assert covered_units(network) == expected
        assert covered_units(scaled_at_random(network, rng)) == expected
        found += len(expected)
        without += not expected
    assert found > 300
    assert without > 5


def test_many_units_that_subtract_one_another():
    """None of them is covered."""
    rng = random.Random(4)
    rows = [[rng.randint(-9, 9)] for _ in range(40)]
    ones, minus = [[1] * 40], [[-1] * 40] * 40
    network = of_stages(
        1, ({0: rows}, [1] * 40), ({0: rows, 1: minus}, [1] * 40), ({0: rows, 1: minus, 2: minus}, [1] * 40),
        ({1: ones, 2: ones, 3: ones}, [0]),
    )  # fmt: skip
    assert not covered_units(network)
    assert not covered_units_twin.covered_units(network)


def test_in_a_large_network_none_is_looked_for():
    for units, expected in ((4095, [Cover(1, 0, 0, 0)]), (4096, [])):
        zeros = [0] * (units - 1)
        network = of_stages(
            1,
            ({0: [[1]] * units}, [0] * units),
            ({0: [[2]], 1: [[-1, *zeros]]}, [1]),
            ({1: [[1, *zeros]], 2: [[1]]}, [0]),
        )
        assert covered_units(network) == expected


def test_many_outputs_take_no_room():
    """Sets of units leave out the outputs: sets of all rows would take a gigabyte here."""
    resource = pytest.importorskip("resource")
    count = 1 << 17
    row = (fmpq(1),)
    output = AffineStage(((1, (row,) * count), (2, (row,) * count)), (fmpq(0),) * count)
    network = of_stages(1, ({0: [[1]]}, [0]), ({0: [[2]], 1: [[-1]]}, [1]), ({1: [[1]], 2: [[1]]}, [0]))
    network = replace(network, output=output)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert covered_units(network) == [Cover(1, 0, 0, 0)]
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000  # kilobytes
