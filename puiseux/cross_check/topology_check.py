"""The Betti numbers of the sets of a network by two routes: the faces of its cells, and signs by linear programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from puiseux.cross_check.isolation import Failed, OutOfTime, run_isolated
from puiseux.cross_check.sign_topology import sign_topology
from puiseux.domains import Problem
from puiseux.questions.input_sets import InputSet, condition, cut_network, face_set, input_set, set_text

ROUTES = ("faces", "signs")


@dataclass(frozen=True, slots=True)
class TopologyRoute:
    """The answers of one route about one set.

    Attributes
    ----------
    name : str
    betti : tuple of int or None
        Modulo 2; None where there is no answer, as the faces.
    faces : tuple of int or None
    seconds : float
    reason : str or None
        Why there is no answer.
    """

    name: str
    betti: tuple[int, ...] | None
    faces: tuple[int, ...] | None
    seconds: float
    reason: str | None


@dataclass(frozen=True, slots=True)
class TopologyCheck:
    """The answers of both routes on each of the sets.

    Attributes
    ----------
    sets : tuple of (text, routes)
    """

    sets: tuple[tuple[str, tuple[TopologyRoute, ...]], ...]

    @property
    def agree(self) -> bool | None:
        """Whether the routes agree wherever both have an answer; None where there is no such set."""
        both = [routes for _, routes in self.sets if all(route.betti is not None for route in routes)]
        if not both:
            return None
        return all(len({(route.betti, route.faces) for route in routes}) == 1 for routes in both)

    def to_json(self) -> dict[str, Any]:
        """The entry ``topology`` of ``puiseux crosscheck --topology --json``."""
        return {
            "agree": self.agree,
            "sets": [
                {
                    "set": text,
                    "routes": [
                        {
                            "name": route.name,
                            "betti": None if route.betti is None else list(route.betti),
                            "faces": None if route.faces is None else list(route.faces),
                            "seconds": round(route.seconds, 3),
                            "reason": route.reason,
                        }
                        for route in routes
                    ],
                }
                for text, routes in self.sets
            ],
        }

    def __str__(self) -> str:
        lines = []
        for text, routes in self.sets:
            told = [
                f"{route.name} {route.reason if route.betti is None else ', '.join(map(str, route.betti))}"
                for route in routes
            ]
            lines.append(f"  {text}: {'; '.join(told)}")
        verdict = {True: "agree", False: "disagree", None: "not comparable"}[self.agree]
        return "\n".join(["Betti numbers modulo 2", *lines, f"{verdict}: topology by two routes"])


def check_topology(problem: Problem, time_limit: float | None = 60.0) -> TopologyCheck:
    """Compare the routes on the sets of the first output, or of every class.

    Parameters
    ----------
    problem : Problem
    time_limit : float or None
        Seconds for each route and set.

    Examples
    --------
    >>> from puiseux.domains import pose
    >>> from nn_bridge.network.network import Network
    >>> check_topology(pose(Network.from_layers([[[1], [-1]], [[1, 1]]]), None)).agree
    True
    """
    found = []
    for question in _questions(problem):
        cut = cut_network(problem.network, question)

        def by_faces(question: InputSet = question) -> tuple[Any, Any]:
            members = face_set(problem.network, problem.domain, question, part=True)
            return members.homology.modulo_two, members.f_vector

        def by_signs(question: InputSet = question, cut: Any = cut) -> tuple[Any, Any]:
            answer = sign_topology(cut, problem.domain, condition(question))
            return answer.betti, answer.faces

        routes = tuple(_ask(name, task, time_limit) for name, task in zip(ROUTES, (by_faces, by_signs), strict=True))
        found.append((set_text(question), routes))
    return TopologyCheck(tuple(found))


def _questions(problem: Problem) -> list[InputSet]:
    network = problem.network
    if network.output_dim > 1:
        return [input_set(network, None, None, None, False, k, None) for k in range(network.output_dim)]
    kinds = (("above", False), ("above", True), ("below", False), ("level", False))
    return [input_set(network, 0, 0, name, is_open, None, None) for name, is_open in kinds]


def _ask(name: str, task: Callable[[], tuple[Any, Any]], time_limit: float | None) -> TopologyRoute:
    began = time.monotonic()

    def answers() -> Iterator[tuple[Any, Any]]:
        yield task()

    betti = faces = reason = None
    try:
        ((betti, faces),) = run_isolated(answers, time_limit)
    except OutOfTime:
        reason = f"stopped at the time limit of {time_limit:g} s"
    except Failed as failure:
        reason = str(failure)
    return TopologyRoute(name, betti, faces, time.monotonic() - began, reason)


__all__ = ["TopologyCheck", "TopologyRoute", "check_topology"]
