"""Run a study: every trial with a generator of its own, in as many processes as wanted, continued where it was left.

The generator of a trial comes from the seed, the name of the study and the trial's parameters alone, so that neither
workers nor order nor what else is run change a record.
"""

from __future__ import annotations

import hashlib
import math
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass
from os import PathLike
from pathlib import Path
from typing import Any

import numpy as np

from nn_bridge.cells.counting.pool import Scheduler, WorkerLost
from polyhedra.errors import UsageError
from polyhedra.limits import OutOfTime
from polyhedra.option_types import checked_options
from polyhedra.quoting import shown, shown_path
from puiseux.console.waiting import CellProgress
from puiseux.processes import ProcessPool
from puiseux.studies.records import RecordFile, key_of
from puiseux.studies.study import Plain, Study, Summary, Trial
from puiseux.time_limit import check_time_limit

RECORDS = "records.jsonl"

INTERRUPTED = "interrupted"
"""The reason of a run that Ctrl-C ended."""

Progress = Callable[[int, int], None]
"""Told how many trials are done, and how many there are."""


@dataclass(frozen=True, slots=True)
class StudyResult:
    """The trials of a study, in the order of its cases.

    Attributes
    ----------
    study : Study
    full : bool
        The full form, or the quick one.
    seed : int
    trials : tuple of Trial
    complete : bool
        Whether all trials are there (not after Ctrl-C or at a limit).
    reason : str or None
        Then why not.
    """

    study: Study
    full: bool
    seed: int
    trials: tuple[Trial, ...]
    complete: bool
    reason: str | None = None

    @property
    def summary(self) -> Summary:
        """Computed beside published values."""
        return self.study.summarize(self.trials)

    @property
    def seconds(self) -> float:
        """Process time of all trials together."""
        return sum(trial.seconds for trial in self.trials)

    def draw(self, figure: Any = None) -> Any:
        """The figure of the study, on a given empty matplotlib figure or a new one."""
        from puiseux.studies.figures import new_figure

        figure = new_figure() if figure is None else figure
        self.study.draw(self.trials, figure)
        return figure

    def to_json(self) -> dict[str, Any]:
        """The object that ``puiseux study NAME --json`` prints."""
        head = {
            "study": self.study.name,
            "source": self.study.source,
            "full": self.full,
            "seed": self.seed,
            "trials": len(self.trials),
            "complete": self.complete,
        }
        return {**head, **self.summary.to_json(), "seconds": self.seconds}


@checked_options
def run_study(
    study: Study | str,
    *,
    full: bool = False,
    seed: int = 0,
    workers: int = 1,
    folder: str | PathLike[str] | None = None,
    progress: bool | Progress | None = None,
    time_limit: float | None = None,
) -> StudyResult:
    """Run a study, or what of it is not in the folder yet.

    Parameters
    ----------
    study : Study or str
        By name: see `puiseux.studies.study_names`.
    full : bool
        The published size where that is known; the quick form (seconds to a minute) by default.
    seed : int
    workers : int
        Processes.
    folder : path, optional
        Where ``records.jsonl`` is kept and continued; made where it does not exist.
    progress : bool or callable, optional
        True shows a bar on stderr; a callable gets the number of trials done and of all.
    time_limit : float, optional
        Seconds after which the trials that are done are the result; trials then run in processes, which are ended.

    Returns
    -------
    StudyResult
        ``complete`` is False after Ctrl-C, at the time limit, and where a worker was lost; ``reason`` says which.

    Raises
    ------
    UsageError
        There is no such study, the numbers make no sense, or the folder holds records of another study or seed.

    Examples
    --------
    >>> result = run_study("depth", seed=1)
    >>> result.complete, len(result.trials) == len(result.study.cases(False))
    (True, True)
    """
    if isinstance(study, str):
        from puiseux.studies import find_study

        study = find_study(study)
    if not isinstance(study, Study):
        raise UsageError(f"study: give the name of a study, such as 'depth', not {shown(study)}")
    if workers < 1:
        raise UsageError(f"workers={workers}: at least one has to work")
    check_time_limit(time_limit)
    if seed < 0:
        raise UsageError(f"seed={seed}: a seed is a whole number, 0 or more")
    cases = {key_of(parameters): parameters for parameters in study.cases(full)}
    if folder is None:
        with _shown(progress) as told:
            reason, trials = _run(study, cases, {}, seed, workers, lambda trial: None, told, time_limit)
    else:
        try:
            Path(folder).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UsageError(f"{shown_path(folder)}: cannot be made: {error.strerror or error}") from None
        with RecordFile(Path(folder) / RECORDS, study.name, seed) as records, _shown(progress) as told:
            reason, trials = _run(study, cases, records.trials, seed, workers, records.add, told, time_limit)
    found = tuple(trials[key] for key in cases if key in trials)
    return StudyResult(study, full, seed, found, reason is None, reason)


@contextmanager
def _shown(progress: bool | Progress | None) -> Iterator[Progress | None]:
    """The function to call with the numbers of trials: ``progress`` itself, or for True a bar."""
    if callable(progress) or not progress:
        yield progress or None
        return
    with CellProgress("trial", everywhere=True) as bar:
        yield lambda done, trials: bar(done, done / trials)


def _run(
    study: Study,
    cases: dict[str, Plain],
    known: dict[str, Trial],
    seed: int,
    workers: int,
    keep: Callable[[Trial], None],
    progress: Progress | None,
    time_limit: float | None,
) -> tuple[str | None, dict[str, Trial]]:
    """The trials, and why some are missing (None where all are there)."""
    trials = dict(known)
    left = iter([key for key in cases if key not in known])
    end = math.inf if time_limit is None else time.monotonic() + time_limit
    reason = None
    with ProcessPool(workers, apart=time_limit is not None) as pool:

        def start() -> tuple[str, Future[Trial]] | None:
            if time.monotonic() >= end:
                return None
            key = next(left, None)
            return None if key is None else (key, pool.submit(run_trial, study, cases[key], seed))

        scheduler = Scheduler(pool, start, lambda: end - time.monotonic())
        try:
            for key, trial in scheduler.take():
                trials[key] = trial
                keep(trial)
                if progress is not None:
                    progress(sum(k in trials for k in cases), len(cases))
        except OutOfTime:
            reason = None  # said below
        except WorkerLost as lost:
            reason = str(lost)
    if all(key in trials for key in cases):
        return None, trials
    if reason is None:
        reason = INTERRUPTED if scheduler.interrupted else f"stopped at the time limit of {time_limit:g} s"
    return reason, trials


def run_trial(study: Study, parameters: Plain, seed: int) -> Trial:
    """One trial, with the generator that belongs to it."""
    begun = time.process_time()
    record = study.trial(parameters, generator_of(study.name, parameters, seed))
    return Trial(parameters, record, time.process_time() - begun)


def generator_of(study: str, parameters: Plain, seed: int) -> np.random.Generator:
    """The random generator of a trial.

    Examples
    --------
    >>> one, two = (generator_of("depth", {"trial": k}, 0).integers(10**9) for k in (0, 1))
    >>> bool(one == two)
    False
    """
    digest = hashlib.sha256(f"{study} {key_of(parameters)}".encode()).digest()
    words = np.frombuffer(digest, dtype=np.dtype("<u4")).tolist()
    return np.random.default_rng(np.random.SeedSequence([seed, *words]))
