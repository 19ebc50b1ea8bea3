"""Networks with known numbers of linear regions: the constructions behind the lower bounds, and textbook examples.

Every construction comes with the domain on which its number is claimed and with the formula that gives it.  On all of
R^n there may be more regions (Montufar, Telgarsky) or as many (Serra, Arora).

Three ideas carry all of them:

* folding: a one-dimensional zigzag that maps each of its pieces onto the whole interval multiplies the pieces of
  whatever follows (Telgarsky; Montufar et al.).  ``p`` units give ``p`` pieces, and from ``p = 3`` on ``p + 1``, if the
  pieces have the right lengths (Serra et al.);
* an arrangement of ``N`` hyperplanes in general position whose cells all meet the cube has
  ``sum_{i<=n} C(N, i)`` of them; here its normals lie on the moment curve ``(1, t, t^2, ..)``;
* ``m`` planes through the origin in general position cut R^n into ``2 sum_{j<n} C(m-1, j)`` cones, on each of which
  the support function ``sum |v_i . x|`` of a zonotope is linear (Arora et al.).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations
from math import comb, prod
from typing import Any

from flint import fmpq

from nn_bridge.errors import NetworkError
from nn_bridge.expressivity.zigzags import Zigzag, at_least, dense_zigzag, fold, plain_zigzag, unequal_zigzag
from nn_bridge.network.builder import NetworkBuilder, Signal
from nn_bridge.network.network import Network, Row
from polyhedra.plurals import counted
from polyhedra.polyhedron import Polyhedron
from polyhedra.scalars import ONE, ZERO, rational
from polyhedra.values import Value


@dataclass(frozen=True, slots=True, repr=False)
class Construction(Value):
    """A network and what is claimed of it.

    Attributes
    ----------
    name : str
    network : Network
    domain : Polyhedron or None
        Where the numbers are claimed; None for all of R^n.
    cells : int
        The number of activation cells on the domain.
    regions : int or None
        The number of linear regions on the domain; None where the source claims only cells.
    formula : str
        How the number is computed.
    source : str
        Who published the construction.
    """

    name: str
    network: Network
    domain: Polyhedron | None
    cells: int
    regions: int | None
    formula: str
    source: str


# ---------------------------------------------------------------- arrangements


def general_arrangement(dim: int, planes: int) -> tuple[list[Row], Row]:
    """Hyperplanes ``v . x = c`` in general position, all of whose vertices lie inside the unit cube.

    Returns
    -------
    normals : list of rows (1, t, t^2, .., t^(dim-1)) with distinct t in (0, 1]
    offsets : row of length ``planes``

    Notes
    -----
    Around the centre of the cube they are ``v_i . y = e t_i^dim``.  Any ``dim`` normals are independent and any
    ``dim + 1`` planes have no common point (Vandermonde); a vertex has the coordinates ``+-e s_k`` with elementary
    symmetric functions ``s_k`` of numbers in (0, 1], which are at most ``2^dim``.
    """
    spread = fmpq(1, 2 ** (dim + 2))
    nodes = [fmpq(i + 1, planes) for i in range(planes)]
    normals = [tuple(t**k for k in range(dim)) for t in nodes]
    centre = fmpq(1, 2)
    offsets = tuple(spread * t**dim + sum((a * centre for a in v), ZERO) for t, v in zip(nodes, normals, strict=True))
    return normals, offsets


def _cut(build: NetworkBuilder, signal: Signal, planes: int) -> Signal:
    """Cut the unit cube by hyperplanes in general position; the sum of the units, signed so that no cell is flat.

    All normals have positive coordinates, and unit ``i`` enters with the sign with which it is oriented: the gradient
    is a sum of normals of the active units.  With more planes than dimensions the orientations are chosen so that in
    every cell some unit is active.
    """
    dim = signal.size
    normals, offsets = general_arrangement(dim, planes)
    # the planes 0..dim satisfy sum_i l_i (v_i . y - c_i) < 0 with signs of l_i that alternate and end with +
    signs = [-((-1) ** (dim - i)) if i <= dim < planes else 1 for i in range(planes)]
    rows = [[s * a for a in v] for s, v in zip(signs, normals, strict=True)]
    units = build.relu(build.affine(signal, rows, [-s * c for s, c in zip(signs, offsets, strict=True)]))
    return build.affine(units, [signs])


def _general_cells(dim: int, planes: int) -> int:
    return sum(comb(planes, i) for i in range(dim + 1))


def _cube(dim: int) -> Polyhedron:
    return Polyhedron.box([0] * dim, [1] * dim)


# ---------------------------------------------------------------- lower bounds, attained


def montufar(input_dim: int, widths: Sequence[int]) -> Construction:
    """Fold the cube ``floor(n_l/n_0)`` times along each axis in every layer but the last, which cuts it in general.

    Parameters
    ----------
    input_dim : int
        ``n_0``.
    widths : sequence of int
        ``n_1, .., n_L``, each at least ``n_0``.

    Raises
    ------
    NetworkError
        A layer is narrower than the input.

    Examples
    --------
    >>> montufar(2, [4, 4]).regions
    44

    Notes
    -----
    Montufar, Pascanu, Cho and Bengio (2014).  With ``n_L = n_0`` one cell of the last layer has no active unit; the
    function is 0 there, and its copies join across the folds: then the formula counts cells, not regions.
    """
    _check_widths("Montufar's construction", input_dim, widths, input_dim)
    folds = [plain_zigzag(width // input_dim) for width in widths[:-1]]
    return _folded(
        "montufar", input_dim, widths, folds, "prod_{l<L} floor(n_l/n_0)^n_0 sum_{i<=n_0} C(n_L,i)", "Montufar 2014"
    )


def serra(input_dim: int, widths: Sequence[int]) -> Construction:
    """Like `montufar`, with one more fold in each direction: ``floor(n_l/n_0) + 1``; layers of at least ``3 n_0``.

    Examples
    --------
    >>> serra(1, [3, 3]).regions
    16

    Notes
    -----
    Serra, Tjandraatmadja and Ramalingam (2018).
    """
    _check_widths("Serra's construction", input_dim, widths, 3 * input_dim)
    folds = [dense_zigzag(width // input_dim) for width in widths[:-1]]
    formula = "prod_{l<L} (floor(n_l/n_0)+1)^n_0 sum_{i<=n_0} C(n_L,i)"
    return _folded("serra", input_dim, widths, folds, formula, "Serra 2018")


def _folded(
    name: str, dim: int, widths: Sequence[int], folds: Sequence[Zigzag], formula: str, source: str
) -> Construction:
    build = NetworkBuilder(dim)
    signal = build.input()
    for width, zigzag in zip(widths[:-1], folds, strict=True):
        signal = fold(build, signal, zigzag, width)
    network = build.finish(_cut(build, signal, widths[-1]))
    count = prod(zigzag.pieces**dim for zigzag in folds) * _general_cells(dim, widths[-1])
    joined = widths[-1] == dim and len(widths) > 1
    return Construction(name, network, _cube(dim), count, None if joined else count, formula, source)


def arora(input_dim: int, planes: int, width: int, depth: int) -> Construction:
    """The support function of a zonotope, folded by ``depth - 1`` zigzags of ``width`` pieces.

    Parameters
    ----------
    input_dim : int
        ``n_0``.
    planes : int
        ``m``; the first layer has ``2 m`` units.
    width : int
        ``w``, the units of each further layer.
    depth : int
        ``L``, the number of hidden layers.

    Returns
    -------
    Construction
        The domain is the polytope where the support function is at most 1.

    Examples
    --------
    >>> arora(2, 3, 2, 2).regions
    12

    Notes
    -----
    Arora, Basu, Mianjy and Mukherjee (2018).
    """
    at_least("Arora's construction", "width", width, 1)
    return _zonotope("arora", input_dim, planes, [plain_zigzag(width)] * (depth - 1), depth, "w^(L-1)", "Arora 2018")


def serra_zonotope(input_dim: int, planes: int, width: int, depth: int) -> Construction:
    """Like `arora`, with ``width + 1`` pieces in each further layer (``width >= 3``).

    Examples
    --------
    >>> serra_zonotope(2, 3, 3, 2).regions
    24

    Notes
    -----
    Serra, Tjandraatmadja and Ramalingam (2018), who ask for ``w >= 3 n_0``; the zigzag needs ``w >= 3`` only.
    """
    at_least("Serra's construction with a zonotope", "width", width, 3)
    folds = [dense_zigzag(width)] * (depth - 1)
    return _zonotope("serra-zonotope", input_dim, planes, folds, depth, "(w+1)^(L-1)", "Serra 2018")


def _zonotope(
    name: str, dim: int, planes: int, folds: Sequence[Zigzag], depth: int, factor: str, source: str
) -> Construction:
    at_least("a construction", "inputs", dim, 1)
    at_least("a zonotope", "planes", planes, 1)
    at_least("a construction", "hidden layers", depth, 1)
    normals = [tuple(fmpq(i + 1, planes) ** k for k in range(dim)) for i in range(planes)]
    build = NetworkBuilder(dim)
    both = [row for v in normals for row in (v, tuple(-a for a in v))]
    signal = build.affine(build.relu(build.affine(build.input(), both)), [[ONE] * len(both)])
    for zigzag in folds:
        signal = fold(build, signal, zigzag)
    signs = [tuple(first * s for s in row) for first in (1, -1) for row in _sign_changes(planes, dim - 1)]
    rows = [[sum((e * v[k] for e, v in zip(s, normals, strict=True)), ZERO) for k in range(dim)] for s in signs]
    cones = 2 * sum(comb(planes - 1, j) for j in range(dim))
    count = cones * prod(zigzag.pieces for zigzag in folds)
    formula = f"2 sum_{{j<n_0}} C(m-1,j) {factor}, n_1 = 2m"
    return Construction(name, build.finish(signal), Polyhedron(rows, [1] * len(rows)), count, count, formula, source)


def _sign_changes(length: int, most: int) -> Iterator[list[int]]:
    """The sign sequences that begin with + and change at most ``most`` times.

    These are the signs of ``v_i . x`` along the nodes: a polynomial of degree ``most`` has no more zeros.
    """
    for changes in range(most + 1):
        for places in combinations(range(1, length), changes):
            yield [(-1) ** sum(place <= i for place in places) for i in range(length)]


def telgarsky(mirrors: int) -> Construction:
    """The mirror map ``max(0, 2 max(0,x) - 4 max(0,x-1/2))`` composed with itself; widths 2, 1, 2, 1, ...

    ``mirrors`` compositions have ``2 * mirrors`` hidden layers and ``2^mirrors`` pieces on [0, 1], which is more than
    the survey's ``2^((L-3)/2)``.

    Examples
    --------
    >>> telgarsky(3).regions, telgarsky(3).network.hidden
    (8, (2, 1, 2, 1, 2, 1))

    Notes
    -----
    Telgarsky (2015).
    """
    at_least("Telgarsky's construction", "mirror maps", mirrors, 1)
    build = NetworkBuilder(1)
    signal = build.input()
    for _ in range(mirrors):
        signal = build.relu(fold(build, signal, plain_zigzag(2)))
    count = 2**mirrors
    return Construction("telgarsky", build.finish(signal), _cube(1), count, count, "2^(L/2)", "Telgarsky 2015")


# ---------------------------------------------------------------- further families


def tent(depth: int) -> Construction:
    """The tent map ``2 max(0,x) - 4 max(0,x-1/2)`` composed ``depth`` times: ``2^L`` pieces on [0, 1].

    On all of R there are 3 regions for ``L = 1``, else ``2^L + 2`` regions and ``2^L + 1`` affine maps.

    Examples
    --------
    >>> tent(3).regions
    8
    """
    return _composed("tent", plain_zigzag(2), depth, "2^L", "Telgarsky 2015")


def survey_example_1(depth: int = 1) -> Construction:
    """Four slopes a layer, ``F = f1 - f2 + f3 - f4`` composed ``depth`` times: ``4^L`` pieces on [0, 1].

    Notes
    -----
    Huchette, Munoz, Serra and Tsay (2025), example 1.
    """
    return _composed("survey-example-1", unequal_zigzag(), depth, "4^L", "Huchette et al. 2025, example 1")


def _composed(name: str, zigzag: Zigzag, depth: int, formula: str, source: str) -> Construction:
    at_least("a composed map", "hidden layers", depth, 1)
    build = NetworkBuilder(1)
    signal = build.input()
    for _ in range(depth):
        signal = fold(build, signal, zigzag)
    count = zigzag.pieces**depth
    return Construction(name, build.finish(signal), _cube(1), count, count, formula, source)


def survey_example_2() -> Construction:
    """Three lines in general position in the plane: 7 cells.

    Notes
    -----
    Huchette et al. (2025), example 2.  The outputs are the three units.
    """
    network = Network.from_layers(
        [[["2.3", "-1.9"], ["-0.9", "-0.7"], [0, 3]]], [["0.6", "4.8", -5]], relu_on_output=True
    )
    formula, source = "1 + 3 + C(3,2)", "Huchette et al. 2025, example 2"
    return Construction("survey-example-2", network, None, 7, 7, formula, source)


def survey_example_3() -> Construction:
    """Two layers of two units in the plane: the second cuts the cells of the first in 1, 2, 3 and 4.

    Notes
    -----
    Huchette et al. (2025), example 3.  Where no unit of the first layer is active the second cuts nothing, where only
    the second one is, in three.  The outputs are the units of the second layer, so cells where both are inactive join.
    """
    network = Network.from_layers(
        [[["2.3", "-1.9"], ["-0.9", "-0.7"]], [["0.4", "-3.1"], ["-0.6", "-1.6"]]],
        [["1.5", 5], [4, 5]],
        relu_on_output=True,
    )
    return Construction("survey-example-3", network, None, 10, 9, "1 + 2 + 3 + 4", "Huchette et al. 2025, example 3")


def deep_sets(input_dim: int, own: Any = 1, shared: Any = 1, shift: Any = 1) -> Construction:
    """The permutation-invariant network ``sum_i max(0, a x_i + b sum_j x_j + c)``.

    Parameters
    ----------
    input_dim : int
        ``n``.
    own, shared, shift : numbers
        ``a``, ``b``, ``c``.

    Returns
    -------
    Construction
        On R^n: ``2^n`` cells, and as many regions, if ``a (a + n b) != 0``; if ``a + n b = 0`` the layer has rank
        ``n - 1``, and there are ``2^n - 1`` if ``c != 0``, else ``2^n - 2``.

    Raises
    ------
    NetworkError
        ``a = 0``: then all units are the same.

    Examples
    --------
    >>> deep_sets(3).cells, deep_sets(3, own=3, shared=-1, shift=1).cells
    (8, 7)
    """
    at_least("an invariant network", "inputs", input_dim, 1)
    n, a, b, c = input_dim, rational(own), rational(shared), rational(shift)
    if a == 0:
        raise NetworkError("an invariant network with own = 0 has n copies of one unit; take own other than 0")
    rows = [[a + b if i == j else b for j in range(n)] for i in range(n)]
    network = Network.from_layers([rows, [[1] * n]], [[c] * n, [0]])
    if a + n * b != 0:
        count, formula = 2**n, "2^n"
    elif n == 1:
        count, formula = 1, "1"  # the one unit is constant
    elif c != 0:
        count, formula = 2**n - 1, "2^n - 1"
    else:
        count, formula = 2**n - 2, "2^n - 2"
    return Construction("deep-sets", network, None, count, count, formula, "Zaheer et al. 2017")


def _check_widths(what: str, dim: int, widths: Sequence[int], least: int) -> None:
    at_least(what, "inputs", dim, 1)
    at_least(what, "hidden layers", len(widths), 1)
    for number, width in enumerate(widths, 1):
        if width < least:
            raise NetworkError(f"{what} needs layers of at least {counted(least, 'unit')}; layer {number} has {width}")


__all__ = [
    "Construction",
    "arora",
    "deep_sets",
    "general_arrangement",
    "montufar",
    "serra",
    "serra_zonotope",
    "survey_example_1",
    "survey_example_2",
    "survey_example_3",
    "telgarsky",
    "tent",
]
