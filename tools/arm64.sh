#!/bin/sh
# Run the C++ test programs of the core (long integers, elimination, error bounds) as arm64 programs, under an emulator.
# Debian and Ubuntu: apt-get install g++-aarch64-linux-gnu qemu-user-static
set -eu
cd "$(dirname "$0")/.."
found() { command -v aarch64-linux-gnu-g++ >/dev/null && command -v qemu-aarch64-static >/dev/null; }
if ! found && command -v apt-get >/dev/null && [ "$(id -u)" = 0 ]; then
    export DEBIAN_FRONTEND=noninteractive
    { apt-get update -qq && apt-get install -y -qq g++-aarch64-linux-gnu qemu-user-static; } >/dev/null 2>&1 || true
fi
if ! found; then
    echo "arm64: no aarch64-linux-gnu-g++ or no qemu-aarch64-static found, so nothing is tested;" \
        "apt-get install g++-aarch64-linux-gnu qemu-user-static" >&2
    [ -z "${PUISEUX_REQUIRE:-}" ]
    exit
fi
PYTHON=${PYTHON:-$PWD/.venv/bin/python}
tests=$(find tests -path '*/core/test_*.py' | LC_ALL=C sort)
# shellcheck disable=SC2086  # one word a file
CXX=aarch64-linux-gnu-g++ CXXFLAGS="-O2 -static" PUISEUX_RUNNER=qemu-aarch64-static PUISEUX_REQUIRE=all \
    PYTHONPATH=$PWD "$PYTHON" -m pytest -q $tests
