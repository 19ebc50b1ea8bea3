#!/bin/sh
# Run the C++ test programs of the core (long integers, elimination, error bounds) as arm64 programs, under an emulator.
# Debian and Ubuntu: apt-get install g++-aarch64-linux-gnu qemu-user-static
set -eu
cd "$(dirname "$0")/.."
for tool in aarch64-linux-gnu-g++ qemu-aarch64-static; do
    command -v $tool >/dev/null || {
        echo "arm64: no $tool found; apt-get install g++-aarch64-linux-gnu qemu-user-static" >&2
        exit 1
    }
done
PYTHON=${PYTHON:-$PWD/.venv/bin/python}
tests=$(find tests -path '*/core/test_*.py' | LC_ALL=C sort)
# shellcheck disable=SC2086  # one word a file
CXX=aarch64-linux-gnu-g++ CXXFLAGS="-O2 -static" PUISEUX_RUNNER=qemu-aarch64-static PUISEUX_REQUIRE=all \
    PYTHONPATH=$PWD "$PYTHON" -m pytest -q $tests
