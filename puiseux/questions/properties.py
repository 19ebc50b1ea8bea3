"""Properties of networks in VNN-LIB files, decided exactly, and counterexamples of others replayed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import chain
from os import PathLike
from typing import Any

from flint import fmpq

from milp.choice import BRANCHING
from milp.properties import Decision, check_sizes, decide
from milp.two_networks import second_network, side_by_side, solve_equations
from milp.verify import Status, Verdict
from milp.vnnlib import Property, read_vnnlib, read_witness
from nn_bridge.network.network import Network, Row
from polyhedra.option_types import checked_options
from polyhedra.progress import Steps, with_steps
from polyhedra.scalars import to_float
from polyhedra.values import Value
from puiseux.questions.answers import readable, readable_point, sizes, text_or_null, texts
from puiseux.questions.float_replay import PRECISIONS, float_outputs
from puiseux.reading import as_network
from puiseux.time_limit import check_time_limit

PROVEN, VIOLATED, OPEN = "PROVEN", "VIOLATED", "OPEN"
_VERDICTS = {Status.PROVEN: PROVEN, Status.VIOLATED: VIOLATED, Status.OPEN: OPEN}


@dataclass(frozen=True, slots=True, repr=False)
class Replay(Value):
    """Whether a counterexample holds, computed exactly and as a program would compute it.

    Attributes
    ----------
    point : tuple of fmpq
        As it is in the file.
    exact, float64, float32 : bool
        Whether all assertions hold, the inputs rounded to the type first.
    margins : dict of str to fmpq or None
        The least slack of the assertions, one for each of the three: how far inside the point lies (below 0: outside).
        None where the outputs are not finite.
    computed_by : dict of str to str
        "onnxruntime" or "numpy", for each floating-point type.
    """

    point: Row
    exact: bool
    float64: bool
    float32: bool
    margins: dict[str, fmpq | None]
    computed_by: dict[str, str]

    def to_json(self) -> dict[str, Any]:
        """The entry ``replay`` of the JSON object."""
        margins = {
            name: text_or_null(value) if name == "exact" else None if value is None else to_float(value)
            for name, value in self.margins.items()
        }
        return {
            "exact": self.exact,
            "float64": self.float64,
            "float32": self.float32,
            "margins": margins,
            "computed_by": self.computed_by,
        }


@dataclass(frozen=True, slots=True, repr=False)
class PropertyAnswer(Value):
    """The answer to a property: it holds, fails at a witness, or is open.

    Attributes
    ----------
    verdict : {"PROVEN", "VIOLATED", "OPEN"}
        PROVEN: no input satisfies the assertions ("unsat"). VIOLATED: ``point`` does, exactly ("sat").
    method : {"branching", "cells", "milp", "witness"}
        What decided.
    point, outputs : tuples of fmpq, or None
        An exact counterexample and the exact outputs there.
    replay : Replay or None
        Of the counterexample that was handed in.
    domain : str or None
        The inputs of the property, where they are one box or polyhedron.
    seconds : float
    reason : str or None
        Why it is open, with what is known.
    network : Network
        Of two networks the joint one: it reads the inputs of the first, then of the second.
    networks : pair of Network, or None
        Where the property is about two.
    """

    verdict: str
    method: str
    point: Row | None
    outputs: Row | None
    replay: Replay | None
    domain: str | None
    seconds: float
    reason: str | None
    network: Network
    networks: tuple[Network, Network] | None = None

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux property --json`` prints."""
        found = {
            "network": sizes(self.network) if self.networks is None else [sizes(each) for each in self.networks],
            "domain": self.domain,
            "verdict": self.verdict,
            "method": self.method,
            "witness": None if self.point is None else {"point": texts(self.point), "outputs": texts(self.outputs)},
            "seconds": round(self.seconds, 3),
            "complete": self.verdict != OPEN,
            "reason": self.reason,
        }
        return found if self.replay is None else {**found, "replay": self.replay.to_json()}


@checked_options
@with_steps("Deciding the property")
def check_property(
    network: Network | Any,
    spec: str | PathLike[str] | Property,
    second: Network | Any = None,
    *,
    witness: str | PathLike[str] | None = None,
    time_limit: float | None = None,
    progress: Steps = None,
) -> PropertyAnswer:
    """Decide a property exactly: can some input, with the network's outputs there, satisfy all its assertions?

    Parameters
    ----------
    network : whatever `as_network` takes
    spec : path of a VNN-LIB file, 1.0 or 2.0, or a property that was read (`milp.read_vnnlib`)
    second : whatever `as_network` takes, optional
        The second network of a VNN-LIB 2.0 property that declares two.
    witness : path, optional
        A counterexample to replay first: one that holds exactly decides. VNN-COMP's form or ``{"point": [..]}``.
    time_limit : float, optional
        Seconds.
    progress : bool or callable, optional
        True shows the steps on stderr; a callable gets each as a text.

    Raises
    ------
    PuiseuxError
        A file cannot be read, the property is about another network, or its inputs are unbounded.

    Examples
    --------
    >>> from milp.vnnlib import parse_vnnlib
    >>> spec = parse_vnnlib('''
    ... (declare-const X_0 Real) (declare-const Y_0 Real)
    ... (assert (>= X_0 -1)) (assert (<= X_0 2)) (assert (>= Y_0 2))''')
    >>> answer = check_property([[[1], [-1]], [[1, 1]]], spec)  # |x|
    >>> answer.verdict, answer.point, answer.outputs
    ('VIOLATED', (2,), (2,))
    """
    start = time.monotonic()
    check_time_limit(time_limit)
    first = as_network(network)
    asked = spec if isinstance(spec, Property) else read_vnnlib(spec)
    other = second_network(asked, first, None if second is None else as_network(second))
    pair = None if other is None else (first, other)
    exact = first if other is None else side_by_side(first, other)
    check_sizes(exact, asked)
    replayed = None
    if witness is not None:
        parts = (
            [(first, network)] if other is None else [(first, network), (other, network if second is None else second)]
        )
        point = read_witness(witness, asked.inputs, asked.tensors)
        replayed = replay(exact, parts, asked, point)
        if replayed.exact:
            outputs = exact.evaluate(point)
            seconds = time.monotonic() - start
            return PropertyAnswer(VIOLATED, "witness", point, outputs, replayed, None, seconds, None, exact, pair)
    left = None if time_limit is None else max(0.01, time_limit - (time.monotonic() - start))
    found = (
        decide(exact, asked, time_limit=left, node_limit=10**9) if pair is None else _decide_pair(exact, asked, left)
    )
    verdict = found.verdict
    return PropertyAnswer(
        _VERDICTS[verdict.status],
        found.method,
        verdict.counterexample,
        verdict.outputs,
        replayed,
        None if found.domain is None else found.domain.text,
        time.monotonic() - start,
        verdict.reason,
        exact,
        pair,
    )


def _decide_pair(network: Network, spec: Property, time_limit: float | None) -> Decision:
    """Decide a property of a joint network on the inputs that its equations leave free."""
    start = time.monotonic()
    reduced = solve_equations(spec)
    if reduced is None:  # the equations contradict each other
        return Decision(Verdict(Status.PROVEN, None, None, time.monotonic() - start), BRANCHING, None)
    if reduced.free == 0:
        outputs = network.evaluate(reduced.origin)
        if spec.holds_at(reduced.origin, outputs):
            verdict = Verdict(Status.VIOLATED, reduced.origin, outputs, time.monotonic() - start)
        else:
            verdict = Verdict(Status.PROVEN, None, None, time.monotonic() - start)
        return Decision(verdict, BRANCHING, None)
    found = decide(reduced.network(network), reduced.property(spec), time_limit=time_limit, node_limit=10**9)
    if found.verdict.counterexample is None:
        return found
    point = reduced.point(found.verdict.counterexample)
    return replace(found, verdict=replace(found.verdict, counterexample=point))


def replay(network: Network, parts: Sequence[tuple[Network, Any]], spec: Property, point: Row) -> Replay:
    """Whether a point is a counterexample: exactly, and in float64 and float32 as a program would compute it.

    Parameters
    ----------
    network : Network
        Of two networks the joint one.
    parts : sequence of (Network, source)
        The networks and what each was read from: a path of an ONNX file is run by onnxruntime.
    spec : Property
    point : tuple of fmpq
    """
    outputs = network.evaluate(point)
    holds = {"exact": spec.holds_at(point, outputs)}
    margins: dict[str, fmpq | None] = {"exact": spec.margin(point, outputs)}
    computed_by = {}
    for precision in PRECISIONS:
        found, start = [], 0
        for part, source in parts:
            found.append(float_outputs(part, source, point[start : start + part.input_dim], precision))
            start += part.input_dim
        computed_by[precision] = " and ".join(dict.fromkeys(each.computed_by for each in found))
        rounded = tuple(chain.from_iterable(each.point for each in found))
        values = [each.outputs for each in found if each.outputs is not None]
        if len(values) < len(found):
            holds[precision], margins[precision] = False, None
            continue
        whole = tuple(chain.from_iterable(values))
        holds[precision], margins[precision] = spec.holds_at(rounded, whole), spec.margin(rounded, whole)
    return Replay(point, holds["exact"], holds["float64"], holds["float32"], margins, computed_by)


def describe(answer: PropertyAnswer, name: str, spec: str) -> str:
    """The answer for people."""
    meanings = {
        PROVEN: "no input of the property satisfies its assertions (unsat)",
        VIOLATED: "an input satisfies its assertions, exactly (sat)",
        OPEN: f"not decided: {answer.reason}",
    }
    lines = [f"{name}, {spec}: {answer.verdict}", f"  {meanings[answer.verdict]}"]
    if answer.point is not None and answer.outputs is not None:
        lines.append(f"  inputs   {readable_point(answer.point)}")
        lines.append(f"  outputs  {readable_point(answer.outputs)}")
    if answer.replay is not None:
        lines.append("  the counterexample that was given:")
        for kind, holds in (
            ("exact", answer.replay.exact),
            ("float64", answer.replay.float64),
            ("float32", answer.replay.float32),
        ):
            margin = answer.replay.margins[kind]
            by = answer.replay.computed_by.get(kind)
            size = "outputs that are not finite" if margin is None else f"least slack {readable(margin)}"
            lines.append(f"    {kind:<8} {'holds' if holds else 'fails'}, {size}" + (f" ({by})" if by else ""))
    lines.append(f"  by {answer.method}, {answer.seconds:.2f} s")
    return "\n".join(lines)
