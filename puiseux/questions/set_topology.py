"""The topology of the sets that the outputs of a network cut out: faces, Betti numbers and components, exactly."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from flint import fmpq

from nn_bridge.network.network import Network, Row
from nn_bridge.topology.homology import FIELDS
from polyhedra.errors import GeometryError, UsageError
from polyhedra.limits import OutOfTime
from polyhedra.limits import time_limit as limited
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.quoting import quoted
from polyhedra.scalars import rational
from puiseux.domains import DomainLike, Problem, pose
from puiseux.questions.input_sets import SETS, Boundary, InputSet, all_levels, face_set, field_name, input_set
from puiseux.questions.pieces import check_pieces, piece_counts, write_pieces
from puiseux.questions.topology_answers import Topology, describe
from puiseux.reading import as_network
from puiseux.time_limit import Stopped, check_time_limit, within

if TYPE_CHECKING:
    from nn_bridge.topology.morse import CriticalPoint

SET_OPTIONS = ("--set", "--level", "--class", "--boundary", "--unit")
"""The options that name one set."""


@checked_options
@with_steps("Computing the topology")
def topology(
    network: Network | Any,
    domain: DomainLike = None,
    *,
    output: int | None = None,
    level: Any = None,
    which: str | None = None,
    open: bool = False,
    of_class: int | None = None,
    boundary: Boundary | None = None,
    compactify: bool = False,
    field: str | int = "Q",
    persistence: bool = False,
    time_limit: float | None = None,
    unit: tuple[int, int] | None = None,
    torsion: bool = False,
    cycles: bool = False,
    critical: bool = False,
    progress: Steps = None,
    pieces: bool = False,
    write: Callable[[str], object] | None = None,
) -> Topology:
    """Faces, Betti numbers and components of the set where an output is above a level, or of a class, exactly.

    Unbounded sets are not cut off: the homology is that of the whole set, up to homotopy, or of its one-point
    compactification.

    Parameters
    ----------
    network : whatever `as_network` takes
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    output : int, optional
        The output whose level cuts; 0 by default.
    level : number or str, optional
        0 by default.
    which : {"above", "below", "level"}, optional
        ``f >= level`` (the default), ``f <= level`` or ``f = level``.
    open : bool
        With strict inequalities, open in the domain.
    of_class : int, optional
        In place of a level: where this output is at least (with ``open``: more than) all others.
    boundary : (int, int) or "all", optional
        In place of a level: where these two outputs are equal and at least all others, or any two.
    compactify : bool
        Take the one-point compactification.
    field : {"Q", "2", 2}
        The field of the Betti numbers.
    persistence : bool
        In place of a set: the levels at which components and holes of ``f <= t`` appear and vanish as ``t`` rises.
    time_limit : float, optional
        Seconds; at the limit there is a reason in place of an answer.
    unit : (int, int), optional
        In place of an output: the stage and number, both from 0, of a hidden unit, taken before its ReLU.
    torsion : bool
        List the torsion of the integral homology in the JSON object too (`Topology.torsion` always has it).
    cycles : bool
        Find a cycle around each hole too.
    critical : bool
        In place of a set: the critical vertices and flat components of the output.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.
    pieces : bool
        Of a level or boundary: count its pieces of dimension n - 1 alone, which is possible for far larger networks
        (`puiseux.boundary_pieces` lists them).
    write : callable, optional
        With ``pieces``: receives a line of JSON for each of them, and for each flat cell and touching face, as they
        come (docs/contracts.md).

    Raises
    ------
    PuiseuxError
        There is no such output, set or field, or the options do not go together.

    Examples
    --------
    >>> net = [[[1], [-1]], [[1, 1]]]  # |x|
    >>> topology(net, level=1).betti, topology(net, level=1, compactify=True).betti
    ((2, 0), (1, 0))
    """
    start = time.monotonic()
    check_time_limit(time_limit)
    field = field_name(field)
    if write is not None and not pieces:
        raise UsageError("write receives pieces; ask for them with pieces=True")
    exact = as_network(network)
    sets = dict(zip(SET_OPTIONS, (which, level, of_class, boundary, unit), strict=True))
    question = posed_question(exact, output, sets, open, compactify, torsion, cycles, persistence, critical, pieces)
    problem = pose(exact, domain)
    reason: str | None = None
    found: dict[str, Any] = {}
    try:
        if pieces and write is not None:
            with limited(time_limit):  # in this process, where the lines go
                found = {"pieces": write_pieces(problem, question, write)}
        else:
            found = within(time_limit, lambda: _answer(problem, question, field, compactify, cycles, critical, pieces))
    except OutOfTime:
        reason = f"stopped at the time limit of {time_limit:g} s"
    except Stopped as stopped:
        reason = str(stopped).partition(":")[0]
    betti = found.get("betti")
    asked = {"pairs": persistence, "unit": unit is not None, "torsion": torsion, "cycles": cycles, "critical": critical}
    asked["pieces"] = pieces
    return Topology(
        set=question.name,
        closed=question.closed,
        homology="one-point" if compactify else "set",
        field=field,
        betti=betti,
        euler=None if betti is None else sum((-1) ** degree * number for degree, number in enumerate(betti)),
        faces=found.get("faces"),
        components=found.get("components"),
        output=question.output,
        level=question.level,
        classes=question.classes,
        domain=problem.text,
        seconds=time.monotonic() - start,
        reason=reason,
        network=problem.network,
        pairs=found.get("pairs"),
        unit=question.unit,
        torsion=found.get("torsion"),
        cycles=found.get("cycles"),
        critical=found.get("critical"),
        pieces=found.get("pieces"),
        asked=frozenset(key for key, wanted in asked.items() if wanted),
    )


def posed_question(
    network: Network,
    output: int | None,
    sets: dict[str, Any],
    is_open: bool,
    compactify: bool,
    torsion: bool,
    cycles: bool,
    persistence: bool,
    critical: bool,
    pieces: bool = False,
) -> InputSet:
    """The question that the parameters of `topology` ask; ``sets`` has those that name a set by their options.

    Raises
    ------
    PuiseuxError
        They do not go together, or there is no such output or unit.
    """
    if persistence and critical:
        raise UsageError("--persistence and --critical-points are two questions; ask one of them")
    if pieces:
        options = {"--open": is_open, "--compactify": compactify, "--torsion": torsion, "--cycles": cycles}
        options |= {"--persistence": persistence, "--critical-points": critical}
        for option, given in options.items():
            if given:
                raise UsageError(f"--pieces counts the pieces alone; leave {option} out")
    if persistence or critical:
        name = "--persistence" if persistence else "--critical-points"
        options = {"--open": is_open, "--compactify": compactify, "--torsion": torsion, "--cycles": cycles}
        return all_levels(network, output, name, {**sets, **options})
    if cycles and compactify:
        raise UsageError("--cycles lie in the set itself; leave --compactify out")
    which, level, of_class, boundary, unit = (sets[key] for key in SET_OPTIONS)
    if pieces and which is None and of_class is None and boundary is None:
        which = "level"
    question = input_set(network, output, level, which, is_open, of_class, boundary, unit)
    if pieces:
        check_pieces(question)
    return question


def _answer(
    problem: Problem, question: InputSet, field: str, compactify: bool, cycles: bool, critical: bool, pieces: bool
) -> dict[str, Any]:
    """The fields of `Topology` that have to be computed."""
    network, domain = problem.network, problem.domain
    if pieces:
        return {"pieces": piece_counts(problem, question)}
    if question.name is None:
        if critical:
            from nn_bridge.topology.morse import critical_points

            return {"critical": tuple(critical_points(network, question.output or 0, domain, field))}
        from nn_bridge.topology.persistence import sublevel_persistence

        return {"pairs": tuple(sublevel_persistence(network, question.output or 0, domain, field))}
    members = face_set(network, domain, question, part=True)
    homology = members.one_point_homology if compactify else members.homology
    return {
        "betti": homology.betti(field),
        "torsion": homology.torsion,
        "faces": members.f_vector,
        "components": tuple(members.component_points()),
        "cycles": tuple(members.cycles(field)) if cycles else None,
    }


@checked_options
@with_steps("Looking for critical points")
def critical_points(
    network: Network | Any,
    domain: DomainLike = None,
    *,
    output: int = 0,
    field: str | int = "Q",
    time_limit: float | None = None,
    progress: Steps = None,
) -> list[CriticalPoint]:
    """The critical vertices and flat components of an output, by level, exactly.

    See `nn_bridge.topology.morse.critical_points`.

    Parameters
    ----------
    network : whatever `as_network` takes
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    output : int
    field : {"Q", "2", 2}
    time_limit : float, optional
        Seconds.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    PuiseuxError
        There is no such output or field, or the time is over.

    Examples
    --------
    >>> [(point.kind, point.index, point.level) for point in critical_points([[[1], [-1]], [[1, 1]]])]  # |x|
    [('critical', 0, 0)]
    """
    found = topology(network, domain, output=output, field=field, critical=True, time_limit=time_limit)
    if found.critical is None:
        raise Stopped(f"{found.reason}: there is no answer yet; give more time")
    return list(found.critical)


@checked_options
@with_steps("Computing persistence")
def vertex_persistence(
    network: Network | Any,
    values: Callable[[Row], Any] | None = None,
    domain: DomainLike = None,
    *,
    data: Any = None,
    output: int | None = None,
    level: Any = None,
    which: str | None = None,
    of_class: int | None = None,
    boundary: Boundary | None = None,
    unit: tuple[int, int] | None = None,
    field: str | int = "Q",
    time_limit: float | None = None,
    progress: Steps = None,
) -> Topology:
    """Persistence of values at the vertices of the cells, or of a decision region, exactly.

    A bounded face enters with the last of its vertices (the lower-star filtration).

    Parameters
    ----------
    network : whatever `as_network` takes
    values : callable
        From an exact point (a tuple of rationals) to a number; floats stand for their exact values.
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    data : path, array or points, optional
        In place of values: the squared distance to the nearest of these points (floats: their exact values).
    output, level, which, of_class, boundary, unit
        A closed set as in `topology`; without any of them all cells of the network.
    field : {"Q", "2", 2}
    time_limit : float, optional
        Seconds.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Returns
    -------
    Topology
        With ``pairs``.

    Raises
    ------
    PuiseuxError
        Neither or both of values and data are given, a value is no number, or there is no such set.

    Examples
    --------
    >>> net = [[[1], [1]], [[1, -1]]], [[0, -2], [0]]
    >>> found = vertex_persistence(Network.from_layers(*net), lambda point: point[0])
    >>> [(pair.birth, pair.death) for pair in found.pairs]
    [(0, None)]
    """
    from nn_bridge.cells.faces import face_complex
    from nn_bridge.topology.persistence import vertex_persistence
    from nn_bridge.topology.sets import whole_complex

    start = time.monotonic()
    check_time_limit(time_limit)
    field = field_name(field)
    exact = as_network(network)
    if (values is None) == (data is None):
        raise UsageError("persistence at vertices needs values or data; give one of them")
    named = (output, level, which, of_class, boundary, unit)
    question = None
    if any(value is not None for value in named):
        question = input_set(exact, output, level, which, False, of_class, boundary, unit)
    problem = pose(exact, domain)
    of_vertex = _distances(data, problem) if values is None else _checked(values)

    def answer() -> dict[str, Any]:
        if question is None:
            members = whole_complex(face_complex(problem.network, problem.domain))
        else:
            members = face_set(problem.network, problem.domain, question, part=True)
        return {"pairs": tuple(vertex_persistence(members, of_vertex, field))}

    reason, found = None, {}
    try:
        found = within(time_limit, answer)
    except Stopped as stopped:
        reason = str(stopped).partition(":")[0]
    question = question or InputSet(None, None, None, (), True)
    return Topology(
        set=question.name,
        closed=True,
        homology="set",
        field=field,
        betti=None,
        euler=None,
        faces=None,
        components=None,
        output=question.output,
        level=question.level,
        classes=question.classes,
        domain=problem.text,
        seconds=time.monotonic() - start,
        reason=reason,
        network=problem.network,
        pairs=found.get("pairs"),
        unit=question.unit,
        asked=frozenset(["pairs"] + ["unit"] * (question.unit is not None)),
    )


def _checked(values: Callable[[Row], Any]) -> Callable[[Row], fmpq]:
    """The values of a user as rationals."""

    def value(point: Row) -> fmpq:
        given = values(point)
        try:
            return rational(given)
        except (GeometryError, TypeError, ValueError):
            raise UsageError(f"the value {quoted(str(given))} at a vertex is no finite number") from None

    return value


def _distances(data: Any, problem: Problem) -> Callable[[Row], fmpq]:
    """The squared distance to the nearest point of the data."""
    from nn_bridge.topology.persistence import squared_distance
    from puiseux.data import as_data

    points = as_data(data, problem.network.input_dim)
    assert points is not None
    points.require_inputs(problem.network.input_dim)
    if not len(points.points):
        raise UsageError("the data has no points to measure distances from")
    return squared_distance([tuple(map(rational, row)) for row in points.points.tolist()])


__all__ = ["FIELDS", "SETS", "Topology", "critical_points", "describe", "topology", "vertex_persistence"]
