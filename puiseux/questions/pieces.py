"""`boundary_pieces`: a level set or decision boundary alone, as polyhedra, without listing all other cells."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from nn_bridge.cells.pieces import LevelPart, LevelPieces, PieceCounts, count_pieces, iterate_parts, level_pieces
from polyhedra.errors import UsageError
from polyhedra.limits import check_limits
from polyhedra.option_types import checked_options
from puiseux.domains import DomainLike, Problem, pose
from puiseux.questions.answers import texts
from puiseux.questions.input_sets import Boundary, InputSet, allowed_signs, cut_network, input_set
from puiseux.reading import as_network


@checked_options
def boundary_pieces(
    network: Any,
    domain: DomainLike = None,
    *,
    output: int | None = None,
    level: Any = None,
    boundary: Boundary | None = None,
    unit: tuple[int, int] | None = None,
) -> LevelPieces:
    """The pieces of a level set or of the boundary between two classes, exactly and completely, in any dimension.

    Cells that the set misses are not listed: proven bounds leave out whole parts of the tree of cells, so that this is
    possible where the whole complex is too large.

    Parameters
    ----------
    network : whatever `as_network` takes
    domain : str, Polyhedron, (low, high), list of pairs, or None
        As in `count_regions`.
    output : int, optional
        The output whose level it is; 0 by default.
    level : number or str, optional
        0 by default.
    boundary : (int, int), optional
        In place of a level: where these two outputs are equal and at least all others.
    unit : (int, int), optional
        In place of an output: the stage and number of a hidden unit, taken before its ReLU.

    Returns
    -------
    LevelPieces
        A sequence of pieces (``polyhedron``, ``vertices``), the faces of dimension n - 1 of the closed set; apart from
        these ``flat_cells()``, in which the level holds everywhere, and ``touching``, the lower faces of the set that
        lie in no larger one.

    Raises
    ------
    PuiseuxError
        There is no such output or unit, or the options do not go together.

    See Also
    --------
    topology : components and holes of the same sets; with ``pieces=True`` the numbers of pieces alone

    Examples
    --------
    >>> diamond = boundary_pieces([[[1, 0], [-1, 0], [0, 1], [0, -1]], [[1, 1, 1, 1]]], level=1)  # |x| + |y| = 1
    >>> len(diamond), diamond[0].vertices
    (4, ((-1, 0), (0, -1)))
    """
    exact = as_network(network)
    question = input_set(exact, output, level, None if boundary else "level", False, None, boundary, unit)
    check_pieces(question)
    problem = pose(exact, domain)
    cut = cut_network(problem.network, question)
    return level_pieces(cut, problem.domain, allowed_signs(question, cut.stages[-1].units))


def piece_counts(problem: Problem, question: InputSet) -> PieceCounts:
    """The numbers of pieces, flat cells and touching faces of a level or boundary, without keeping them."""
    cut = cut_network(problem.network, question)
    return count_pieces(cut, problem.domain, allowed_signs(question, cut.stages[-1].units))


def write_pieces(problem: Problem, question: InputSet, write: Callable[[str], object]) -> PieceCounts:
    """Write the pieces, flat cells and touching faces of a level or boundary as they come; returns their numbers.

    Parameters
    ----------
    problem, question
        As in `piece_counts`.
    write : callable
        Receives a line of JSON for each: ``kind``, ``pattern``, ``equation``, ``inequalities``, ``vertices``, ``rays``,
        ``lines`` and ``bounded`` (docs/contracts.md).
    """
    cut = cut_network(problem.network, question)
    numbers = {"piece": 0, "flat": 0, "touching": 0}
    for part in iterate_parts(cut, problem.domain, allowed_signs(question, cut.stages[-1].units)):
        check_limits()
        write(json.dumps(_line(part)) + "\n")
        numbers[part.kind] += 1
    return PieceCounts(numbers["piece"], numbers["flat"], numbers["touching"])


def _line(part: LevelPart) -> dict[str, Any]:
    """A part, in exact numbers as text; the pattern is that of the network itself, without the stage that cuts."""
    cell = part.cell
    equation = None if part.facet is None else texts(cell.inequalities[part.facet])
    rows = [texts(row) for number, row in enumerate(cell.inequalities) if number != part.facet]
    vertices = sorted(cell.generator(k) for k in part.generators if not cell.is_ray(k))
    rays = sorted(cell.generator(k) for k in part.generators if cell.is_ray(k))
    return {
        "kind": part.kind,
        "pattern": cell.pattern_text.rpartition("|")[0],
        "equation": equation,
        "inequalities": None if part.kind == "touching" else rows,
        "vertices": [texts(vertex) for vertex in vertices],
        "rays": [texts(ray) for ray in rays],
        "lines": [texts(line) for line in cell.lines],
        "bounded": not rays and not cell.lines,
    }


def check_pieces(question: InputSet) -> None:
    """Refuse sets that have no pieces of dimension n - 1 of their own.

    Raises
    ------
    UsageError
        The set is neither a level nor a boundary.
    """
    if len(question.classes) > 2:
        raise UsageError(
            "pieces are those between two classes, --boundary I,J; puiseux.decision_boundary lists all of them"
        )
    if question.name not in ("level", "boundary"):
        raise UsageError("--pieces are those of a level or boundary; give --set level or --boundary I,J")


__all__ = ["boundary_pieces", "check_pieces", "piece_counts", "write_pieces"]
