"""``puiseux study``: repeat an experiment of the literature."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from polyhedra.plurals import counted
from polyhedra.quoting import shown_path
from puiseux.commands.options import Command, JsonOption, choices
from puiseux.console.exit_codes import ExitCode

if TYPE_CHECKING:
    from collections.abc import Sequence

    from puiseux.studies.study import Study


def study(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME",
            help="The study; without it all are listed.",
            show_default=False,
            autocompletion=choices("puiseux.studies", "HOMES"),
        ),
    ] = None,
    full: Annotated[
        bool, typer.Option("--full", help="The published size (minutes to hours), not the quick form.")
    ] = False,
    workers: Annotated[int, typer.Option("--workers", metavar="N", min=1, help="Work with N processes.")] = 1,
    seed: Annotated[int, typer.Option("--seed", metavar="S", min=0, help="The same seed gives the same records.")] = 0,
    folder: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--folder",
            metavar="DIR",
            help="Keep records, tables, summary and figure here; go on from records that are there.",
        ),
    ] = None,
    time_limit: Annotated[
        float | None, typer.Option("--time-limit", metavar="SECONDS", help="Stop then, with the trials that are done.")
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Repeat an experiment of the literature exactly: what is computed beside what was published, with a figure."""
    from puiseux.studies import all_studies, find_study

    if name is None:
        studies = all_studies()
        print(json.dumps({"studies": [_entry(one) for one in studies]}) if as_json else listing(studies))
        return ExitCode.DONE
    from puiseux.studies.output import save_result
    from puiseux.studies.runner import INTERRUPTED, run_study
    from puiseux.time_limit import check_time_limit

    check_time_limit(time_limit)
    chosen = find_study(name)
    result = run_study(
        chosen, full=full, seed=seed, workers=workers, folder=folder, progress=_progress, time_limit=time_limit
    )
    if folder is not None:
        for path in save_result(result, folder):
            print(f"wrote {shown_path(path)}", file=sys.stderr)
    if as_json:
        print(json.dumps(result.to_json()))
    else:
        form, planned = "full" if full else "quick", len(chosen.cases(full))
        whole = counted(len(result.trials) if result.complete else planned, "trial")
        done = whole if result.complete else f"{len(result.trials)} of {whole}"
        print(f"{chosen.title}\n{chosen.source}\n\n{chosen.about}\n")
        print(result.summary.to_text() if result.trials else "No trial was done.")
        print(f"\n{done}, {form} form, seed {seed}, {result.seconds:.1f} s of process time")
    if result.complete:
        return ExitCode.DONE
    if result.reason == INTERRUPTED:
        return ExitCode.INTERRUPTED
    again = "run it again with --folder to go on" if folder is None else "run it again to go on"
    print(f"puiseux: {result.reason}: trials done: {len(result.trials)}; {again}", file=sys.stderr)
    return ExitCode.STOPPED


def _progress(done: int, trials: int) -> None:
    if sys.stderr.isatty():
        print(
            f"\r{done} of {counted(trials, 'trial')}", end="\n" if done == trials else "", file=sys.stderr, flush=True
        )


def _entry(study: Study) -> dict[str, object]:
    return {
        "name": study.name,
        "aliases": list(study.aliases),
        "title": study.title,
        "source": study.source,
        "trials": {"quick": len(study.cases(False)), "full": len(study.cases(True))},
    }


def listing(studies: Sequence[Study]) -> str:
    """The studies for people: name, title, source."""
    width = max(len(one.name) for one in studies)
    lines = []
    for one in studies:
        also = f" (also: {', '.join(one.aliases)})" if one.aliases else ""
        lines += [f"{one.name:<{width}}  {one.title}", f"{'':<{width}}  {one.source}{also}"]
    return "\n".join(lines)


STUDY = Command(
    "study",
    study,
    "Repeat an experiment of the literature.",
    (
        "puiseux study depth",
        "puiseux study geometry --full --workers 8 -o geometry",
        "puiseux study table3 --seed 1 --json",
    ),
)
