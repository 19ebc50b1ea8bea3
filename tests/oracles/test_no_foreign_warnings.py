"""Where numbers leave the range of floats, every route gives an answer or one clear error, and warns of nothing."""

from __future__ import annotations

import random
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import milp
import puiseux
from nn_bridge.network.network import Network
from polyhedra.errors import PuiseuxError
from polyhedra.polyhedron import Polyhedron
from puiseux.questions.hoffman import hoffman_report
from tests.oracles.extreme_networks import FAMILIES, draw

pytest.importorskip("cvxpy")
pytest.importorskip("highspy")

SECONDS = 5.0
FOUND = [("sums and products of the ends", "a", 5), ("both ends of the float range", "a", 8),
         ("both ends of the float range", "a", 21), ("far from one", "c", 1)]  # fmt: skip
"""Networks on which numpy once warned of an overflow or a division by zero."""


def routes(network: Network, domain: Polyhedron | None) -> Iterator[tuple[str, Callable[[], Any]]]:
    """All that a network can be asked; the routes through solvers want a bounded domain."""
    yield "cells", lambda: puiseux.count_regions(network, domain, "cells")
    yield "tropical", lambda: puiseux.count_regions(network, domain, "tropical")
    yield "simplify", lambda: puiseux.simplify(network)
    yield "reduce", lambda: puiseux.reduce_network(network)
    yield "bounds", lambda: puiseux.region_bounds(network)
    yield "monomials", lambda: puiseux.monomial_complexity(network)
    yield "hoffman", lambda: hoffman_report(network, time_limit=SECONDS).to_json()
    yield "difference", lambda: puiseux.largest_difference(network, network, domain, time_limit=SECONDS)
    if domain is None:
        return
    yield "sign vectors", lambda: puiseux.count_regions(network, domain, "sign-vectors")
    yield "milp", lambda: puiseux.count_regions(network, domain, "milp", time_limit=SECONDS)
    for method in ("interval", "deeppoly", "lp", "milp"):
        yield f"{method} bounds", lambda method=method: milp.network_bounds(network, domain, method)  # type: ignore[misc]
    yield "Lipschitz", lambda: milp.local_lipschitz(network, domain, time_limit=SECONDS)
    yield "monotone", lambda: milp.verify_monotone(network, domain, 0, 0, time_limit=SECONDS)
    yield "upper", lambda: milp.verify_upper(network, domain, 1, 0, time_limit=SECONDS)
    yield "optimum", lambda: milp.optimize_network(network, domain, 0, time_limit=SECONDS)
    yield "ranges", lambda: milp.output_ranges(network, domain, time_limit=SECONDS)
    yield "stability", lambda: milp.stability_proofs(network, domain, time_limit=SECONDS)
    yield "compress", lambda: milp.compress(network, domain, time_limit=SECONDS)
    yield "statistics", lambda: list(puiseux.region_statistics(network, domain))
    yield "lipschitz", lambda: puiseux.lipschitz(network, domain, time_limit=SECONDS)


@pytest.mark.parametrize(("family", "seed", "number"), [*FOUND, *((family, "w", 0) for family in FAMILIES)], ids=str)
def test_routes_answer_or_refuse(family: str, seed: str, number: int) -> None:
    example = draw(family, random.Random(f"{seed} {family} {number}"))
    network, domain = example.network(), example.domain()
    answered, refusals = 0, []
    for name, ask in routes(network, domain):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            try:
                ask()
            except PuiseuxError as error:
                refusals.append(str(error))
                continue
            except Exception as error:
                raise AssertionError(f"{name} of {example}") from error
        answered += 1
    assert not any("\n" in text for text in refusals)
    assert answered >= 8  # the exact routes always do
