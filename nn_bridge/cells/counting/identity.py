"""The identity of a count: digests of its network, domain and subdivision, which a checkpoint compares."""

from __future__ import annotations

import hashlib
import json

from nn_bridge.cells.core_problem import PRIME
from nn_bridge.cells.problem import CellProblem
from nn_bridge.network.network import Network
from polyhedra.polyhedron import Polyhedron


def identity_of(
    network: Network, domain: Polyhedron | None, counts: str, problem: CellProblem | None
) -> dict[str, str]:
    """The identity of a count, by parts.

    The coordinates and start cells that jobs refer to, and the residues, are part of it: should another version or
    platform ever choose others, its jobs would mean something else.
    """
    walls = "all" if domain is None else _digest([[str(v) for v in row] for row in domain.irredundant().inequalities])
    start = "none"
    if problem is not None:
        generators = [[*map(int, generator.vector)] for generator in problem.generators]
        inside = [problem.lines, problem.slots, problem.start_rows, [[*map(int, wall)] for wall in problem.walls]]
        start = _digest([problem.network.digest(), generators, inside, PRIME])
    return {"network": network.digest(), "domain": walls, "kind of count": counts, "subdivision": start}


def _digest(content: object) -> str:
    return hashlib.sha256(json.dumps(content).encode()).hexdigest()
