"""The sets of inputs whose topology is asked for: by the level of an output or a unit, or by classes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any, Literal, NamedTuple

from flint import fmpq

from nn_bridge.cells.cuts import with_all_differences, with_differences, with_level, with_unit_level
from nn_bridge.cells.faces import FaceComplex, face_complex
from nn_bridge.cells.pieces import Allowed, misses
from nn_bridge.network.network import Network
from nn_bridge.topology.homology import FIELDS
from nn_bridge.topology.sets import FaceSet, closed_set, open_set
from polyhedra.errors import GeometryError, UsageError
from polyhedra.polyhedron import Polyhedron
from polyhedra.quoting import quoted
from polyhedra.scalars import ZERO, rational
from puiseux.questions.answers import readable

SETS = ("above", "below", "level")
Boundary = tuple[int, int] | Literal["all"]
"""The boundary between two classes, or between all of them."""
_SIGNS = {"above": (0, 1), "below": (0, -1), "level": (0,)}


class InputSet(NamedTuple):
    """A set of inputs, as asked for; without a name, all sublevel sets of an output."""

    name: str | None
    output: int | None
    level: fmpq | None
    classes: tuple[int, ...]
    closed: bool
    unit: tuple[int, int] | None = None


def field_name(field: str | int) -> str:
    """The name of a field; one over which nothing is computed here is refused.

    Examples
    --------
    >>> field_name("Q"), field_name("2"), field_name(2)
    ('Q', '2', '2')
    """
    if str(field) not in FIELDS:
        raise UsageError(f"there is no field {quoted(field)} here; take Q or 2")
    return str(field)


def input_set(
    network: Network,
    output: int | None,
    level: Any,
    which: str | None,
    is_open: bool,
    of_class: int | None,
    boundary: Boundary | None,
    unit: tuple[int, int] | None = None,
) -> InputSet:
    """The set that the parameters of `puiseux.topology` name.

    Raises
    ------
    PuiseuxError
        They do not go together, or there is no such output or unit.
    """
    if unit is not None:
        for option, value in (("--output", output), ("--class", of_class), ("--boundary", boundary)):
            if value is not None:
                raise UsageError(f"--unit cuts at the level of a hidden unit; leave {option} out")
        return _level_set(network, None, level, which, is_open, unit)
    if of_class is None and boundary is None:
        return _level_set(network, output or 0, level, which, is_open, None)
    return _class_set(network, output, level, which, is_open, of_class, boundary)


def all_levels(network: Network, output: int | None, name: str, options: Mapping[str, Any]) -> InputSet:
    """All sublevel sets of an output; the options that name one set must be left out.

    Raises
    ------
    PuiseuxError
        One of them is there, or there is no such output.
    """
    for option, value in options.items():
        if value is not None and value is not False:
            raise UsageError(f"{name} looks at all levels from below; leave {option} out")
    network.select_outputs([output or 0])
    return InputSet(None, output or 0, None, (), True)


def _level_set(
    network: Network, output: int | None, level: Any, which: str | None, is_open: bool, unit: tuple[int, int] | None
) -> InputSet:
    name = which or "above"
    if name not in SETS:
        raise UsageError(f"there is no set {quoted(name)}; take {', '.join(SETS)}")
    if is_open and name == "level":
        raise UsageError("a level has no open form; leave --open out")
    if unit is not None:
        with_unit_level(network, *unit, ZERO)  # names a unit that is not there
    else:
        network.select_outputs([output or 0])
    return InputSet(name, output, _level(level), (), not is_open, unit)


def _class_set(
    network: Network,
    output: int | None,
    level: Any,
    which: str | None,
    is_open: bool,
    of_class: int | None,
    boundary: Boundary | None,
) -> InputSet:
    option = "--class" if boundary is None else "--boundary"
    if of_class is not None and boundary is not None:
        raise UsageError("--class and --boundary are two sets; give one of them")
    for other, value in (("--output", output), ("--level", level), ("--set", which)):
        if value is not None:
            raise UsageError(f"{option} compares all outputs; leave {other} out")
    if network.output_dim < 2:
        raise UsageError(f"the network has one output; {option} needs two or more")
    if of_class is not None:
        classes: tuple[int, ...] = (of_class,)
    elif boundary == "all":
        classes = tuple(range(network.output_dim))
    elif isinstance(boundary, Sequence) and not isinstance(boundary, str):
        classes = tuple(boundary)
    else:
        raise UsageError(f"a boundary lies between two outputs, (0, 1), or is 'all' of it, not {quoted(str(boundary))}")
    network.select_outputs(classes)
    if boundary is None:
        return InputSet("class", None, None, classes, not is_open)
    if is_open:
        raise UsageError("a boundary has no open form; leave --open out")
    if boundary != "all" and (len(classes) != 2 or classes[0] == classes[1]):
        raise UsageError("--boundary lies between two different outputs; give I,J such as 0,1, or all")
    return InputSet("boundary", None, None, classes, True)


def _level(value: Any) -> fmpq:
    try:
        return ZERO if value is None else rational(value)
    except GeometryError as error:
        raise UsageError(f"the level {error}") from None


def cut_network(network: Network, question: InputSet) -> Network:
    """The network with one more stage, whose units tell by their signs what lies in the set."""
    if len(question.classes) > 2:
        return with_all_differences(network)
    if question.classes:
        return with_differences(network, question.classes[0])
    level = question.level or ZERO
    if question.unit is not None:
        return with_unit_level(network, *question.unit, level)
    return with_level(network, question.output or 0, level)


def allowed_signs(question: InputSet, units: int) -> Allowed:
    """The signs that the units of the last stage of `cut_network`, so many, have on the closed set.

    Examples
    --------
    >>> allowed_signs(InputSet("boundary", None, None, (0, 2), True), 3)
    ((0, 1), (0,), (0, 1))
    """
    if not question.classes:
        signs = _SIGNS[question.name or "below"]
        return ((0, *(sign for sign in signs if sign)),)
    if len(question.classes) > 2:
        return ((0, 1, -1),) * units
    first, *second = question.classes
    equal = {other - (other > first) for other in second}
    return tuple((0,) if unit in equal else (0, 1) for unit in range(units))


def condition(question: InputSet) -> Callable[[tuple[int, ...]], bool]:
    """Whether a face lies in the set, from the signs on it of the last stage of `cut_network`."""
    if not question.classes:
        signs = tuple(sign for sign in _SIGNS[question.name or "below"] if sign or question.closed)
        return lambda found: found[0] in signs
    if len(question.classes) > 2:
        return _tied(len(question.classes))
    first, *second = question.classes
    equal = {other - (other > first) for other in second}  # the outputs other than the first, numbered from 0
    least = 0 if question.closed else 1
    return lambda found: min(found) >= least and not any(found[unit] for unit in equal)


def _tied(outputs: int) -> Callable[[tuple[int, ...]], bool]:
    """Whether two or more outputs are highest, from the signs of the differences of all pairs."""
    pairs = list(combinations(range(outputs), 2))

    def holds(found: tuple[int, ...]) -> bool:
        lower = {k if sign > 0 else i for (i, k), sign in zip(pairs, found, strict=True) if sign}
        return outputs - len(lower) > 1

    return holds


def face_set(network: Network, domain: Polyhedron | None, question: InputSet, *, part: bool = False) -> FaceSet:
    """The set as a union of faces.

    Parameters
    ----------
    network : Network
    domain : Polyhedron, optional
    question : InputSet
    part : bool
        List only the cells whose closure may meet the set: enough for the set itself, not for what lies around it.
    """
    if not part:
        return next(face_sets(network, domain, [question]))
    cut = cut_network(network, question)
    units = cut.stages[-1].units
    faces = face_complex(cut, domain, leave_out=misses(allowed_signs(question, units)))
    return _members(faces, question, len(network.stages), units)


def face_sets(network: Network, domain: Polyhedron | None, questions: Iterable[InputSet]) -> Iterator[FaceSet]:
    """Several sets as unions of faces, one after another; sets that cut alike share one complex."""
    cut, faces = None, None
    for question in questions:
        wanted = cut_network(network, question)
        if faces is None or wanted != cut:
            cut, faces = wanted, face_complex(wanted, domain)
        yield _members(faces, question, len(network.stages), wanted.stages[-1].units)


def _members(faces: FaceComplex, question: InputSet, stage: int, count: int) -> FaceSet:
    holds, units = condition(question), range(count)
    make = closed_set if question.closed else open_set
    return make(faces, lambda face: holds(tuple(faces.unit_sign(face, stage, unit) for unit in units)))


def set_text(question: InputSet) -> str:
    """The set as a condition.

    Examples
    --------
    >>> set_text(InputSet("below", 1, ZERO, (), False)), set_text(InputSet("class", None, None, (2,), True))
    ('output 1 < 0', 'where output 2 is at least all others')
    """
    strict = not question.closed
    if question.name == "class":
        return f"where output {question.classes[0]} is {'more than' if strict else 'at least'} all others"
    if len(question.classes) > 2:
        return "where two outputs or more are equal and at least all others"
    if question.name == "boundary":
        return f"where outputs {question.classes[0]} and {question.classes[1]} are equal and at least all others"
    signs = {"above": ">" if strict else ">=", "below": "<" if strict else "<=", "level": "="}
    where = f"output {question.output}" if question.unit is None else "unit {1} of stage {0}".format(*question.unit)
    return f"{where} {signs[question.name or 'level']} {readable(question.level or ZERO)}"


__all__ = [
    "SETS",
    "Boundary",
    "InputSet",
    "all_levels",
    "allowed_signs",
    "condition",
    "cut_network",
    "face_set",
    "face_sets",
    "field_name",
    "input_set",
    "set_text",
]
