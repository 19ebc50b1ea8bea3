"""Count thousands of small networks by every engine and compare, for a time: a nightly check.

    python tools/stress.py [--families all|random|hard] [--seconds 1200] [--trials 500] [--seed 1] [--keep FOLDER]

The hard families (`stress_families`) are small networks with numbers at the ends of the float range and beyond, long
fractions and whole numbers around 2**53, on slices, boxes up to 1e320 and domains with rows of zeros, by every engine
and mode against the naive oracle; polyhedra with rows that say nothing; and damaged certificates.

The random networks (`stress_networks`) have families of weights (generic or degenerate), an activation, 1 to 4 inputs,
and are counted on all of R^n or in a box.  The cell engine and the symbolic route (on small ones) must agree in all
four counts, the MILP route (a sample) in the cells, and the sign vectors (in boxes) must agree or say that they cannot
vouch.

The family that had the least time is tried next, so that each gets an equal share of the seconds.  A trial has a
family, a seed and a number, by which it can be made again alone: ``--family NAME --only NUMBER``.  A random network on
which engines disagree is kept as a file; after any disagreement the exit code is 1.
"""

from __future__ import annotations

import argparse
import math
import random
import sys
import time
import traceback
import warnings
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parent), str(Path(__file__).resolve().parent.parent)]

import stress_families  # noqa: E402
import stress_networks  # noqa: E402

from puiseux.reading import save  # noqa: E402


@dataclass
class Family:
    """A family of trials, and what came of them.

    ``trial`` takes a number and a Counter of outcomes, and returns the disagreements as texts.
    """

    name: str
    trial: Callable[[int, Counter[str]], list[str]]
    number: int = 0
    seconds: float = 0.0
    wrong: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)

    def run(self, number: int, seed: int) -> None:
        """Try one number; an exception is a disagreement too, since the engines raise nothing on such input."""
        begun = time.monotonic()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error", RuntimeWarning)  # numpy's overflows are nothing for the user's eyes
                found = self.trial(number, self.outcomes)
        except Exception:
            found = [traceback.format_exc()]
        self.seconds += time.monotonic() - begun
        self.wrong += len(found)
        for text in found:
            print(f"seed {seed}, number {number}, {self.name}: {text}", flush=True)


def families(options: argparse.Namespace) -> list[Family]:
    """The families that the options ask for."""
    by_weights = len(stress_networks.WEIGHTS)

    def hard(name: str, trial: stress_families.Trial) -> Family:
        return Family(name, lambda number, out: trial(random.Random(f"{options.seed} {name} {number}"), out))

    def weights(index: int, name: str) -> Family:
        def trial(number: int, outcomes: Counter[str]) -> list[str]:
            place = number * by_weights + index
            chosen = stress_networks.case(options.seed, place)
            found = stress_networks.disagreements(chosen, number, outcomes)
            if found:
                options.keep.mkdir(parents=True, exist_ok=True)
                path = options.keep / f"seed{options.seed}-{place}.json"
                save(chosen.network, path)
                found = [f"{path} ({chosen.activation}, {chosen.domain}): {text}" for text in found]
            return found

        return Family(f"random networks, {name}", trial)

    result = []
    if options.families != "random":
        result += [hard(name, trial) for name, trial in stress_families.FAMILIES.items()]
    if options.families != "hard":
        result += [weights(index, name) for index, name in enumerate(stress_networks.WEIGHTS)]
    return [family for family in result if options.family is None or family.name == options.family]


def main() -> int:
    """Try the families until the time is up, print what each compared."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", choices=("all", "random", "hard"), default="all")
    parser.add_argument("--family", metavar="NAME", help="one family, by its name")
    parser.add_argument("--trials", type=int, help="the most trials of a family (500 where no time is given)")
    parser.add_argument("--seconds", type=float, default=math.inf, help="when to stop, whatever is left")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this trial alone, of each family that is asked for")
    parser.add_argument("--keep", type=Path, default=Path("stress-failures"), metavar="FOLDER")
    options = parser.parse_args()
    most = options.trials or (500 if math.isinf(options.seconds) else sys.maxsize)
    chosen = families(options)
    if not chosen:
        parser.error(f"there is no family of the name {options.family!r}")
    begun = time.monotonic()
    if options.only is not None:
        for family in chosen:
            family.run(options.only, options.seed)
    while options.only is None and time.monotonic() - begun < options.seconds:
        left = [family for family in chosen if family.number < most]
        if not left:
            break
        family = min(left, key=lambda family: family.seconds)
        family.run(family.number, options.seed)
        family.number += 1
        if sys.stderr.isatty():
            print(f"\r\x1b[K{family.number:,} of {family.name}", end="", file=sys.stderr)
    print("| family | trials | seconds | disagreements | compared, or withdrawn |")
    print("| --- | --- | --- | --- | --- |")
    for family in chosen:
        trials = family.outcomes.pop("examples", 0)
        compared = ", ".join(f"{name} {count:,}" for name, count in sorted(family.outcomes.items()) if count)
        print(f"| {family.name} | {trials:,} | {family.seconds:.0f} | {family.wrong} | {compared} |")
    wrong = sum(family.wrong for family in chosen)
    print(f"{wrong} disagreements in {time.monotonic() - begun:.0f} s")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
