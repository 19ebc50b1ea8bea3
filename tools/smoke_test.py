"""Whether an installed puiseux works: run by the environment that it is installed in, away from the checkout.

    python tools/smoke_test.py [core|plain]

It needs no extras; where an optional part is missing, the command has to say so.  With an argument, the compiled core
has to be there, or not.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from importlib.util import find_spec
from pathlib import Path


def puiseux(*arguments: str, code: int = 0) -> str:
    """Return the output of a command; its end has to be as expected, and nothing but the answer goes to stdout."""
    program = Path(sys.executable).with_name("puiseux")
    done = subprocess.run([str(program), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != code or "Traceback" in done.stderr:
        sys.exit(f"puiseux {' '.join(arguments)}: ended with {done.returncode}, not {code}\n{done.stdout}{done.stderr}")
    return done.stdout if code == 0 else done.stderr


def main() -> None:
    expected = sys.argv[1:]
    found = "plain" if find_spec("polyhedra._core") is None else "core"
    if expected and expected != [found]:
        sys.exit(f"this installation is {found}, not {expected[0]}")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        version = puiseux("--version").split()[1]
        puiseux("random", "2,6,1", "-o", "net.npz", "--seed", "1")
        count = json.loads(puiseux("count", "net.npz", "--json"))
        assert count["counts"]["cells"] == 22, count
        by_formula = json.loads(puiseux("count", "net.npz", "--engine", "tropical", "--json"))
        assert by_formula["counts"] == count["counts"], by_formula
        assert json.loads(puiseux("simplify", "net.npz", "--format", "json"))["verified"] is True
        puiseux("count", "net.npz", "--certificate", "net.proof")
        puiseux("verify", "net.proof", "--network", "net.npz")
        assert json.loads(puiseux("crosscheck", "net.npz", "--json"))["agree"] is True
        puiseux("explain", "regions")
        assert "no such file" in puiseux("count", "missing.npz", code=2)
        plot = ["plot", "net.npz", "-o", "net.png"]
        if find_spec("matplotlib") is None:
            assert "puiseux[plot]" in puiseux(*plot, code=2)
        else:
            puiseux(*plot)
            assert Path("net.png").stat().st_size > 1000
        print(f"puiseux {version} ({found}) works in {sys.prefix}")


if __name__ == "__main__":
    main()
