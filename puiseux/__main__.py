"""The command ``puiseux`` (also ``python -m puiseux``)."""

from __future__ import annotations

import gc
import os
import sys
import warnings


def main() -> None:
    """Run the command line and leave with its exit code."""
    # a third of a short command's time would be looks for garbage among what the compiler's modules make, and at exit
    gc.set_threshold(100_000, 20, 20)
    try:
        from puiseux.console.streams import DEBUG_VARIABLE, complete_descriptors

        complete_descriptors()
        if not sys.warnoptions and not os.environ.get(DEBUG_VARIABLE):
            warnings.simplefilter("ignore")  # those of libraries: nothing that a user of the command could act upon
        from puiseux.console.cli import run
    except KeyboardInterrupt:  # while modules are loaded; `run` has its own handler
        print("puiseux: interrupted", file=sys.stderr)
        sys.exit(130)

    code = run(sys.argv[1:])
    gc.freeze()
    sys.exit(code)


if __name__ == "__main__":
    main()
