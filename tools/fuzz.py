"""Feed damaged files to the readers for as long as one likes: one format, or all of them in turn.

    python tools/fuzz.py [--format .json] [--seconds 600] [--seed 1] [--atheris FOLDER]

Without ``--atheris`` valid files are damaged at random (the same seed gives the same files).  With it (pip install
atheris; one format) coverage guides the damage, and FOLDER collects the files that reached new code.  A file that is
neither taken nor refused in one line, or that makes its reader do anything but read, ends the run and is kept beside.
"""

from __future__ import annotations

import argparse
import inspect
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from polyhedra.errors import PuiseuxError  # noqa: E402
from tests.faults.untrusted_files import damaged, read, seeds, try_to_read  # noqa: E402

PACKAGES = ("polyhedra", "nn_bridge", "milp", "puiseux")
SLOW = 20.0  # seconds: a small file that takes longer counts as a hang


def attempt(suffix: str, content: bytes, path: Path) -> bool:
    """Read one file; whether it was taken.  Keeps the file where something is wrong."""
    path.write_bytes(content)
    begun = time.monotonic()
    try:
        taken = try_to_read(suffix, path, (PuiseuxError,)) is None
        if time.monotonic() - begun > SLOW:
            raise AssertionError(f"took {time.monotonic() - begun:.0f} s")
    except BaseException:
        kept = Path(f"fuzz-failure{suffix}")
        kept.write_bytes(content)
        print(f"kept as {kept}", file=sys.stderr)
        raise
    return taken


def by_chance(formats: list[str], valid: dict[str, bytes], seconds: float, seed: int, folder: Path) -> None:
    """Damage valid files at random."""
    outcomes: Counter[tuple[str, bool]] = Counter()
    end, number = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        for suffix in formats:
            content = damaged(valid[suffix], random.Random(f"{seed} {suffix} {number}"), list(valid.values()))
            outcomes[suffix, attempt(suffix, content, folder / f"file{suffix}")] += 1
        number += 1
    print(f"{'format':<18} {'taken':>9} {'refused':>9}")
    for suffix in formats:
        print(f"{suffix:<18} {outcomes[suffix, True]:>9,} {outcomes[suffix, False]:>9,}")


def by_coverage(suffix: str, valid: dict[str, bytes], seconds: float, corpus: Path, folder: Path) -> None:
    """Let atheris damage files, with the readers' coverage to guide it."""
    import atheris

    corpus.mkdir(parents=True, exist_ok=True)
    (corpus / "valid").write_bytes(valid[suffix])
    for name, module in list(sys.modules.items()):
        if name.partition(".")[0] in PACKAGES:
            for value in vars(module).values():
                if inspect.isfunction(value) and value.__module__ == name:
                    atheris.instrument_func(value)
    arguments = ["fuzz", str(corpus), f"-max_total_time={seconds:.0f}", "-max_len=20000", f"-timeout={SLOW:.0f}"]
    atheris.Setup(arguments, lambda content: attempt(suffix, content, folder / f"file{suffix}") and None)
    atheris.Fuzz()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--format")
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--atheris", type=Path, metavar="FOLDER")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        valid = seeds(folder)
        formats = [options.format] if options.format else sorted(valid)
        for suffix in formats:
            if suffix not in valid:
                parser.error(f"no files of type {suffix} here; one of {', '.join(sorted(valid))}")
            (folder / f"file{suffix}").write_bytes(valid[suffix])
            read(suffix, folder / f"file{suffix}")
        if options.atheris is None:
            by_chance(formats, valid, options.seconds, options.seed, folder)
        elif len(formats) > 1:
            parser.error("atheris takes one format: --format .json")
        else:
            by_coverage(formats[0], valid, options.seconds, options.atheris, folder)


if __name__ == "__main__":
    main()
