"""`Topology`: the answer of `puiseux.topology`, as a value, as JSON and for people."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from flint import fmpq

from nn_bridge.network.network import Network, Row
from polyhedra.quoting import shown_path
from polyhedra.scalars import to_text
from polyhedra.values import Value
from puiseux.questions.answers import readable, readable_point, sizes, text_or_null, texts
from puiseux.questions.input_sets import InputSet, set_text

if TYPE_CHECKING:
    from nn_bridge.cells.pieces import PieceCounts
    from nn_bridge.topology.morse import CriticalPoint
    from nn_bridge.topology.persistence import PersistencePair
    from nn_bridge.topology.sets import Cycle


@dataclass(frozen=True, slots=True, repr=False)
class Topology(Value):
    """The faces and the homology of a set of inputs.

    Attributes
    ----------
    set : {"above", "below", "level", "class", "boundary"} or None
        None where persistence or critical points were asked for.
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
    unit : (int, int) or None
        The stage and number of the hidden unit whose level cuts, in place of an output.
    torsion : tuple of tuples of int or None
        For each degree the torsion coefficients of the integral homology.
    cycles : tuple of Cycle or None
        Cycles of degree 1 and up that represent a basis of the homology of the set, where they were asked for.
    critical : tuple of CriticalPoint or None
        The critical points of the output, where they were asked for; then nothing is told of a single set.
    asked : frozenset of str
        What `to_json` prints beside the rest: of ``"pairs"``, ``"unit"``, ``"torsion"``, ``"cycles"``, ``"critical"``,
        ``"pieces"``.
    pieces : PieceCounts or None
        The numbers of pieces, flat cells and touching faces, where these alone were asked for.
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
    unit: tuple[int, int] | None = None
    torsion: tuple[tuple[int, ...], ...] | None = None
    cycles: tuple[Cycle, ...] | None = None
    critical: tuple[CriticalPoint, ...] | None = None
    asked: frozenset[str] = frozenset()
    pieces: PieceCounts | None = None

    @property
    def persistent(self) -> bool:
        """Whether persistence was asked for."""
        return "pairs" in self.asked

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux topology --json`` prints."""
        more = {
            "unit": lambda: list(self.unit or ()) or None,
            "torsion": lambda: None if self.torsion is None else [list(found) for found in self.torsion],
            "cycles": lambda: _listed(self.cycles, cycle_to_json),
            "pairs": lambda: _listed(self.pairs, pair_to_json),
            "critical": lambda: _listed(self.critical, critical_to_json),
            "pieces": lambda: None if self.pieces is None else pieces_to_json(self.pieces),
        }
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
            **{key: make() for key, make in more.items() if key in self.asked},
            "seconds": round(self.seconds, 3),
            "complete": self.reason is None,
            "reason": self.reason,
        }


def _listed(values: Sequence[Any] | None, form: Callable[[Any], dict[str, Any]]) -> list[dict[str, Any]] | None:
    return None if values is None else list(map(form, values))


def pair_to_json(pair: PersistencePair) -> dict[str, Any]:
    """A pair as `Topology.to_json` lists it."""
    birth = "-inf" if pair.birth is None else to_text(pair.birth)
    return {"dimension": pair.dimension, "birth": birth, "death": "inf" if pair.death is None else to_text(pair.death)}


def cycle_to_json(cycle: Cycle) -> dict[str, Any]:
    """A cycle as `Topology.to_json` lists it."""
    simplices = [{"coefficient": value, "points": list(map(texts, points))} for value, points in cycle.simplices]
    return {"dimension": cycle.dimension, "simplices": simplices}


def critical_to_json(point: CriticalPoint) -> dict[str, Any]:
    """A critical point as `Topology.to_json` lists it."""
    return {
        "kind": point.kind,
        "level": to_text(point.level),
        "point": texts(point.point),
        "index": point.index,
        "betti": list(point.betti),
        "euler": point.euler,
        "faces": list(point.faces),
    }


def pieces_to_json(counts: PieceCounts) -> dict[str, int]:
    """Numbers of pieces as `Topology.to_json` has them."""
    return {"count": counts.pieces, "flat": counts.flat, "touching": counts.touching}


def describe(found: Topology, name: str) -> str:
    """The answer for people."""
    where = "" if found.domain == "all" else f" on {shown_path(found.domain)}"
    lines = [f"{name}{where}: {_subject(found)}{'' if found.homology == 'set' else ', with a point at infinity'}"]
    if found.betti is not None and found.faces is not None and found.components is not None:
        field = "Q" if found.field == "Q" else "GF(2)"
        lines.append(f"  Betti numbers       {', '.join(map(str, found.betti))} over {field}")
        lines.append(f"  Euler number        {found.euler}")
        lines.append(f"  faces by dimension  {', '.join(f'{count:,}' for count in found.faces)}")
        lines.append(f"  components          {len(found.components):,}")
        shown = [f"    around {readable_point(point)}" for point in found.components[:10]]
        lines += shown + (["    .."] if len(found.components) > 10 else [])
    if found.torsion is not None and ("torsion" in found.asked or any(found.torsion)):
        groups = [f"Z/{c} in degree {k}" for k, own in enumerate(found.torsion) for c in own]
        lines.append(f"  torsion             {', '.join(groups) or 'none'}")
    for cycle in (found.cycles or ())[:10]:
        around = readable_point(cycle.simplices[0][1][0])
        lines.append(
            f"  hole of degree {cycle.dimension}    {len(cycle.simplices):,} simplices around it, from {around}"
        )
    if found.pairs is not None:
        lines += _pairs_table(found.pairs[:50])
        lines += ["  .."] if len(found.pairs) > 50 else []
    if found.pieces is not None:
        dimension = found.network.input_dim - 1
        lines.append(f"  pieces              {found.pieces.pieces:,} of dimension {dimension}")
        lines.append(f"  flat cells          {found.pieces.flat:,} (full-dimensional)")
        lines.append(f"  faces that touch    {found.pieces.touching:,} (of lower dimension, in no piece)")
    if found.critical is not None:
        lines += ["  kind        index  jump  level and point"] if found.critical else []
        for point in found.critical[:50]:
            index = "-" if point.index is None else point.index
            place = f"{readable(point.level)} at {readable_point(point.point)}"
            lines.append(f"  {point.kind:<10}  {index:>5}  {point.euler:>4}  {place}")
        if not found.critical:
            lines.append("  none: the sublevel sets have the same topology at all levels")
        lines += ["  .."] if len(found.critical) > 50 else []
    lines.append(f"  {'exact' if found.reason is None else f'no answer ({found.reason})'}, {found.seconds:.2f} s")
    return "\n".join(lines)


def _pairs_table(pairs: Sequence[PersistencePair]) -> list[str]:
    """A line of three columns for each pair."""
    births = ["-inf" if pair.birth is None else readable(pair.birth) for pair in pairs]
    deaths = ["inf" if pair.death is None else readable(pair.death) for pair in pairs]
    columns = ("from level", *births), ("to level", *deaths)
    first, second = (max(map(len, column)) for column in columns)
    degrees = ["degree", *(str(pair.dimension) for pair in pairs)]
    return [
        f"  {degree:>6}  {birth:>{first}}  {death:>{second}}"
        for degree, birth, death in zip(degrees, *columns, strict=True)
    ]


def _subject(found: Topology) -> str:
    """The sets that the answer is about."""
    question = InputSet(found.set, found.output, found.level, found.classes, found.closed, found.unit)
    if "critical" in found.asked:
        return f"critical points of output {found.output}"
    if "pairs" not in found.asked:
        return set_text(question)
    if found.set is None and found.output is not None:
        return f"sublevel sets of output {found.output}"
    return f"values at the vertices of {'all cells' if found.set is None else set_text(question)}"


__all__ = ["Topology", "critical_to_json", "cycle_to_json", "describe", "pair_to_json", "pieces_to_json"]
