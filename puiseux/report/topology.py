"""The part of a report on the topology of the decision regions."""

from __future__ import annotations

from collections.abc import Iterator

from puiseux.questions.input_sets import SETS, InputSet, face_sets, input_set, set_text
from puiseux.report.html_parts import isolated, number, table
from puiseux.report.subject import LeftOut, Subject

_MOST_CELLS = 4_000
_MOST_CLASSES = 12


def topology_section(subject: Subject) -> str:
    """Components and holes of the sets of an output at level 0, or of every class."""
    count, network = subject.count, subject.problem.network
    if count is None or not count.complete or count.cells is None or count.cells > _MOST_CELLS:
        raise LeftOut(f"Betti numbers are computed of at most {_MOST_CELLS:,} cells, all of them found")
    if network.output_dim > _MOST_CLASSES:
        raise LeftOut(f"Betti numbers are listed of at most {_MOST_CLASSES} classes; see puiseux topology --class")
    rows = isolated(subject, lambda: _rows(subject), 0.6, "the topology of the decision regions")
    subject.proven.append("The Betti numbers: faces of every dimension by exact signs, ranks over the rationals.")
    head = ("set", *(f"b<sub>{k}</sub>" for k in range(network.input_dim + 1)), "faces", "with a point at infinity")
    note = (
        "<p>b<sub>0</sub> counts components, b<sub>1</sub> holes that a loop goes around, b<sub>2</sub> cavities. Sets "
        "are closed and not cut off; in the last column infinity is one point more.</p>"
    )
    return note + table(head, rows, range(1, network.input_dim + 3))


def _rows(subject: Subject) -> Iterator[tuple[str, ...]]:
    problem = subject.problem
    questions = _questions(subject)
    sets = face_sets(problem.network, problem.domain, questions)
    for question, members in zip(questions, sets, strict=True):
        betti = members.homology.rational
        at_infinity = ", ".join(map(str, members.one_point_homology.rational))
        yield (_html(question), *map(number, betti), number(sum(members.f_vector)), at_infinity)


def _questions(subject: Subject) -> list[InputSet]:
    network = subject.problem.network
    if network.output_dim > 1:
        return [input_set(network, None, None, None, False, k, None) for k in range(network.output_dim)]
    return [input_set(network, 0, 0, name, False, None, None) for name in SETS]


def _html(question: InputSet) -> str:
    return set_text(question).replace("<", "&lt;").replace(">", "&gt;")
