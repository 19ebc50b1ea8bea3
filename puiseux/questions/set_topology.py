"""The topology of the sets that the outputs of a network cut out: faces, Betti numbers and components, exactly."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple, TypeAlias

from flint import fmpq

from nn_bridge.network.network import Network, Row
from polyhedra.errors import GeometryError, UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO, rational, to_text
from puiseux.domains import pose
from puiseux.questions.answers import readable_point, sizes, text_or_null, texts
from puiseux.reading import as_network
from puiseux.time_limit import Stopped, check_time_limit, within

if TYPE_CHECKING:
    from nn_bridge.topology.persistence import PersistencePair
    from nn_bridge.topology.sets import FaceSet

SETS = ("above", "below", "level")
FIELDS = ("Q", "2")
_SIGNS = {"above": (0, 1), "below": (0, -1), "level": (0,)}


@dataclass(frozen=True, slots=True)
class Topology:
    """The faces and the homology of a set of inputs.

    Attributes
    ----------
    set : {"above", "below", "level", "class", "boundary"} or None
        None where persistence was asked for.
    closed : bool
        Whether the set is the closed one, or the one with strict inequalities.
    homology : {"set", "one-point"}
        Of the set itself, or of its one-point compactification.
    field : {"Q", "2"}
    betti : tuple of int or None
        The Betti numbers from degree 0, unreduced.  None where a limit came first, as all that follows.
    euler : int or None
        Their alternating sum.
    faces : tuple of int or None
        The relatively open faces of the set by dimension, in the complex that the level or the differences cut.
    components : tuple of points or None
        An exact point of each connected component of the set (on a slice, parameters).
    output : int or None
    level : fmpq or None
    classes : tuple of int
        The class, or the two of a boundary.
    domain : str
    seconds : float
    reason : str or None
        Why there is no answer.
    network : Network
        On a slice, the restricted one.
    pairs : tuple of PersistencePair or None
        The persistence of the sublevel sets, where it was asked for; then nothing is told of a single set.
    persistent : bool
        Whether it was asked for.
    """

    set: str | None
    closed: bool
    homology: str
    field: str
    betti: tuple[int, ...] | None
    euler: int | None
    faces: tuple[int, ...] | None
    components: tuple[Row, ...] | None
    output: int | None
    level: fmpq | None
    classes: tuple[int, ...]
    domain: str
    seconds: float
    reason: str | None
    network: Network
    pairs: tuple[PersistencePair, ...] | None = None
    persistent: bool = False

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux topology --json`` prints."""
        listed = {"pairs": None if self.pairs is None else [_pair_to_json(pair) for pair in self.pairs]}
        return {
            "network": sizes(self.network),
            "domain": self.domain,
            "set": self.set,
            "output": self.output,
            "level": text_or_null(self.level),
            "classes": list(self.classes) or None,
            "closed": self.closed,
            "homology": self.homology,
            "field": self.field,
            "betti": None if self.betti is None else list(self.betti),
            "euler": self.euler,
            "faces": None if self.faces is None else list(self.faces),
            "components": None if self.components is None else [{"point": texts(point)} for point in self.components],
            **(listed if self.persistent else {}),
            "seconds": round(self.seconds, 3),
            "complete": self.reason is None,
            "reason": self.reason,
        }


def _pair_to_json(pair: PersistencePair) -> dict[str, Any]:
    """A pair as `Topology.to_json` lists it."""
    birth = "-inf" if pair.birth is None else to_text(pair.birth)
    return {"dimension": pair.dimension, "birth": birth, "death": "inf" if pair.death is None else to_text(pair.death)}


_Found: TypeAlias = (
    "tuple[tuple[int, ...] | None, tuple[int, ...] | None, tuple[Row, ...] | None, tuple[PersistencePair, ...] | None]"
)
"""Betti numbers, faces, components, or pairs."""


class InputSet(NamedTuple):
    """A set of inputs, as asked for; without a name, all sublevel sets of an output."""

    name: str | None
    output: int | None
    level: fmpq | None
    classes: tuple[int, ...]
    closed: bool


def topology(
    network: Network | Any,
    domain: str | Polyhedron | None = None,
    *,
    output: int | None = None,
    level: Any = None,
    which: str | None = None,
    open: bool = False,
    of_class: int | None = None,
    boundary: tuple[int, int] | None = None,
    compactify: bool = False,
    field: str = "Q",
    persistence: bool = False,
    time_limit: float | None = None,
) -> Topology:
    """Faces, Betti numbers and components of the set where an output is above a level, or of a class, exactly.

    Unbounded sets are not cut off: the homology is that of the whole set, up to homotopy, or of its one-point
    compactification.

    Parameters
    ----------
    network : whatever `as_network` takes
    domain : str or Polyhedron, optional
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
    boundary : (int, int), optional
        In place of a level: where these two outputs are equal and at least all others.
    compactify : bool
        Take the one-point compactification.
    field : {"Q", "2"}
        The field of the Betti numbers.
    persistence : bool
        In place of a set: the levels at which components and holes of ``f <= t`` appear and vanish as ``t`` rises.
    time_limit : float, optional
        Seconds; at the limit there is a reason in place of an answer.

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
    check_field(field)
    exact = as_network(network)
    question = input_set(exact, output, level, which, open, of_class, boundary, compactify, persistence)
    problem = pose(exact, domain)
    homology, reason = "one-point" if compactify else "set", None
    found: _Found = (None, None, None, None)

    def answer() -> _Found:
        if question.name is None:
            from nn_bridge.topology.persistence import sublevel_persistence

            pairs = sublevel_persistence(problem.network, question.output or 0, problem.domain, field)
            return None, None, None, tuple(pairs)
        members = _face_set(problem.network, problem.domain, question)
        betti = (members.one_point_homology if compactify else members.homology).betti(field)
        return betti, members.f_vector, tuple(members.component_points()), None

    try:
        found = within(time_limit, answer)
    except Stopped as stopped:
        reason = str(stopped).partition(":")[0]
    betti, faces, components, listed = found
    return Topology(
        set=question.name,
        closed=question.closed,
        homology=homology,
        field=field,
        betti=betti,
        euler=None if betti is None else sum((-1) ** degree * number for degree, number in enumerate(betti)),
        faces=faces,
        components=components,
        output=question.output,
        level=question.level,
        classes=question.classes,
        domain=problem.text,
        seconds=time.monotonic() - start,
        reason=reason,
        network=problem.network,
        pairs=listed,
        persistent=persistence,
    )


def check_field(field: str) -> None:
    """Refuse a field over which nothing is computed here."""
    if field not in FIELDS:
        raise UsageError(f"there is no field {quoted(field)} here; take Q or 2")


def input_set(
    network: Network,
    output: int | None,
    level: Any,
    which: str | None,
    is_open: bool,
    of_class: int | None,
    boundary: tuple[int, int] | None,
    compactify: bool = False,
    persistence: bool = False,
) -> InputSet:
    """The set that the parameters of `topology` name.

    Raises
    ------
    PuiseuxError
        They do not go together, or there is no such output.
    """
    if persistence:
        options = {"--set": which, "--level": level, "--class": of_class, "--boundary": boundary}
        options |= {"--open": is_open or None, "--compactify": compactify or None}
        for option, value in options.items():
            if value is not None:
                raise UsageError(f"--persistence looks at all levels from below; leave {option} out")
        network.select_outputs([output or 0])
        return InputSet(None, output or 0, None, (), True)
    if of_class is None and boundary is None:
        name = which or "above"
        if name not in SETS:
            raise UsageError(f"there is no set {quoted(name)}; take {', '.join(SETS)}")
        if is_open and name == "level":
            raise UsageError("a level has no open form; leave --open out")
        number = output or 0
        network.select_outputs([number])  # names an output that is not there
        return InputSet(name, number, _level(level), (), not is_open)
    option = "--class" if boundary is None else "--boundary"
    if of_class is not None and boundary is not None:
        raise UsageError("--class and --boundary are two sets; give one of them")
    for other, value in (("--output", output), ("--level", level), ("--set", which)):
        if value is not None:
            raise UsageError(f"{option} compares all outputs; leave {other} out")
    classes = (of_class,) if of_class is not None else tuple(boundary or ())
    if network.output_dim < 2:
        raise UsageError(f"the network has one output; {option} needs two or more")
    network.select_outputs(classes)
    if boundary is None:
        return InputSet("class", None, None, classes, not is_open)
    if is_open:
        raise UsageError("a boundary has no open form; leave --open out")
    if len(classes) != 2 or classes[0] == classes[1]:
        raise UsageError("--boundary lies between two different outputs; give I,J such as 0,1")
    return InputSet("boundary", None, None, classes, True)


def _level(value: Any) -> fmpq:
    try:
        return ZERO if value is None else rational(value)
    except (GeometryError, TypeError, ValueError):
        raise UsageError(f"the level {quoted(str(value))} is no number; give a decimal or a fraction p/q") from None


def _face_set(network: Network, domain: Polyhedron | None, question: InputSet) -> FaceSet:
    """The set as a union of faces."""
    from nn_bridge.topology.cuts import with_differences, with_level
    from nn_bridge.topology.faces import face_complex
    from nn_bridge.topology.sets import closed_set, open_set

    stage = len(network.stages)
    make = closed_set if question.closed else open_set
    if not question.classes:
        faces = face_complex(with_level(network, question.output or 0, question.level or ZERO), domain)
        signs = tuple(sign for sign in _SIGNS[question.name or "below"] if sign or question.closed)
        return make(faces, lambda face: faces.unit_sign(face, stage, 0) in signs)
    first, *second = question.classes
    faces = face_complex(with_differences(network, first), domain)
    units = range(network.output_dim - 1)
    equal = {other - (other > first) for other in second}  # the outputs other than the first, numbered from 0
    least = 0 if question.closed else 1

    def holds(face: int) -> bool:
        signs = [faces.unit_sign(face, stage, unit) for unit in units]
        return min(signs) >= least and not any(signs[unit] for unit in equal)

    return make(faces, holds)


def describe(found: Topology, name: str) -> str:
    """The answer for people."""
    where = "" if found.domain == "all" else f" on {found.domain}"
    lines = [f"{name}{where}: {_set_text(found)}{'' if found.homology == 'set' else ', with a point at infinity'}"]
    if found.betti is not None and found.faces is not None and found.components is not None:
        field = "Q" if found.field == "Q" else "GF(2)"
        lines.append(f"  Betti numbers       {', '.join(map(str, found.betti))} over {field}")
        lines.append(f"  Euler number        {found.euler}")
        lines.append(f"  faces by dimension  {', '.join(f'{count:,}' for count in found.faces)}")
        lines.append(f"  components          {len(found.components):,}")
        shown = [f"    around {readable_point(point)}" for point in found.components[:10]]
        lines += shown + (["    .."] if len(found.components) > 10 else [])
    if found.pairs is not None:
        lines.append("  degree  from level  to level")
        for entry in map(_pair_to_json, found.pairs[:50]):
            lines.append(f"  {entry['dimension']:>6}  {entry['birth']:>10}  {entry['death']:>8}")
        lines += ["  .."] if len(found.pairs) > 50 else []
    lines.append(f"  {'exact' if found.reason is None else f'no answer ({found.reason})'}, {found.seconds:.2f} s")
    return "\n".join(lines)


def _set_text(found: Topology) -> str:
    """The set as a condition."""
    if found.set is None:
        return f"sublevel sets of output {found.output}"
    strict = not found.closed
    if found.set == "class":
        return f"where output {found.classes[0]} is {'more than' if strict else 'at least'} all others"
    if found.set == "boundary":
        return f"where outputs {found.classes[0]} and {found.classes[1]} are equal and at least all others"
    sign = {"above": ">", "below": "<", "level": "="}[found.set] + ("=" if found.set != "level" and not strict else "")
    return f"output {found.output} {sign} {text_or_null(found.level)}"
