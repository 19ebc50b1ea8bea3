#!/bin/sh
# The core under the address and undefined-behaviour sanitizers: its C++ test programs, then its extension modules, built
# into a copy of the checkout, over some thousand degenerate networks (tools/fuzz_core.py). Takes a few minutes.
#     tools/sanitize.sh [NETWORKS]
set -eu
cd "$(dirname "$0")/.."
PYTHON=${PYTHON:-$PWD/.venv/bin/python}
networks=${1:-3000}
sanitizers="-fsanitize=address,undefined -fno-sanitize-recover=all"

echo "== test programs"
tests=$(find tests -path '*/core/test_*.py' | LC_ALL=C sort)
# shellcheck disable=SC2086  # one word a file
CXXFLAGS="-O1 -g $sanitizers -D_GLIBCXX_ASSERTIONS" PUISEUX_REQUIRE=all PYTHONPATH=$PWD \
    "$PYTHON" -m pytest -q --timeout 0 $tests

echo "== extension modules"
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
git ls-files -co --exclude-standard | tar cf - -T - | tar xf - -C "$place"
tool() { # cmake or ninja, of the environment of PYTHON or of the system
    beside=$(dirname "$PYTHON")/$1
    if [ -x "$beside" ]; then echo "$beside"; else command -v "$1"; fi
}
"$(tool cmake)" -S "$place/tools/core" -B "$place/tools/core" -G Ninja -DCMAKE_MAKE_PROGRAM="$(tool ninja)" \
    -DPython_EXECUTABLE="${CORE_PYTHON:-$PYTHON}" -DCMAKE_BUILD_TYPE=Debug -DCMAKE_CXX_FLAGS=-O1 \
    -DPUISEUX_SANITIZE=ON >"$place/cmake.log" || { cat "$place/cmake.log" >&2; exit 1; }
"$(tool cmake)" --build "$place/tools/core" >"$place/cmake.log" || { cat "$place/cmake.log" >&2; exit 1; }
# Python itself never frees some of its memory, and raises through the extension: no search for leaks there
libraries="$(${CXX:-c++} -print-file-name=libasan.so) $(${CXX:-c++} -print-file-name=libstdc++.so)"
cd "$place"
LD_PRELOAD="$libraries" ASAN_OPTIONS=detect_leaks=0 UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH=$place \
    "$PYTHON" tools/fuzz_core.py "$networks"
