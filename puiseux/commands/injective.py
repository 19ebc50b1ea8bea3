"""``puiseux injective``: do two inputs have the same outputs; is every output reached?"""

from __future__ import annotations

import json
import sys
import time
from typing import Annotated

import typer

from polyhedra.quoting import shown_path
from puiseux.commands.options import BoundedTimeOption, Command, DomainOption, JsonOption, NetworkArgument
from puiseux.console.exit_codes import ExitCode


def injective(
    network: NetworkArgument,
    domain: DomainOption = "all",
    onto: Annotated[
        bool,
        typer.Option("--onto", help="Ask too whether every output is reached (with ReLU outputs: every one >= 0)."),
    ] = False,
    time_limit: BoundedTimeOption = None,
    as_json: JsonOption = False,
) -> int:
    """Decide exactly whether no two inputs of a domain have the same outputs; else print two that have.

    Exit code 0 if so, 1 if not (or, with --onto, if an output is not reached), 3 if a limit came first.
    """
    from puiseux.console.waiting import StepProgress
    from puiseux.domains import pose
    from puiseux.questions import one_to_one
    from puiseux.questions.answers import readable_domain, sizes
    from puiseux.reading import load
    from puiseux.time_limit import check_time_limit

    check_time_limit(time_limit)
    begun = time.monotonic()
    problem = pose(load(network), domain)
    with StepProgress() as progress:
        progress("Comparing cells")
        found = one_to_one.injective(problem.network, problem.domain, time_limit=time_limit)
        reached = None
        if onto:
            progress("Taking away what is reached")
            left = None if time_limit is None else max(0.01, time_limit - (time.monotonic() - begun))
            reached = one_to_one.surjective(problem.network, problem.domain, time_limit=left)
    answers = [found.injective, *([] if reached is None else [reached.surjective])]
    reasons = [found.reason] + ([] if reached is None else [reached.reason])
    if as_json:
        answer = {
            "network": sizes(problem.network),
            "domain": problem.text,
            **one_to_one.injective_json(found),
            **({} if reached is None else one_to_one.surjective_json(reached)),
            "seconds": round(time.monotonic() - begun, 3),
            "complete": None not in answers,
            "reason": "; ".join(dict.fromkeys(reason for reason in reasons if reason)) or None,
        }
        print(json.dumps(answer))
    else:
        where = readable_domain(problem.text, problem.network.input_dim)
        print(one_to_one.describe(found, reached, f"{shown_path(network)} on {where}"))
    if None in answers:
        print("puiseux: time limit: open", file=sys.stderr)
        return ExitCode.STOPPED
    return ExitCode.DONE if all(answers) else ExitCode.DIFFERENT


INJECTIVE = Command(
    "injective",
    injective,
    "Do two inputs have the same outputs? Is every output reached?",
    (
        "puiseux injective net.npz",
        "puiseux injective net.npz --onto --domain 'box:-1,1' --json",
    ),
)
