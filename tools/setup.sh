#!/bin/sh
# Create .venv, install into it "core" (the product and plotting) or "dev" (everything the tests need), and build the
# compiled core in place.  Stamps in .venv tell that this was done for the present pyproject.toml and constraints.txt, and
# for the present C++ sources; then nothing is done.  A half-made .venv is made anew.
# PUISEUX_PURE=1 does without the compiled core, and without a C++ compiler.  "stamp" prints the core's stamp alone.
set -eu
cd "$(dirname "$0")/.."

level=${1:-core}
case $level in
    core) extras=plot ;;
    dev) extras=dev ;;
    stamp) extras= ;;
    *) echo "usage: tools/setup.sh core|dev|stamp" >&2; exit 2 ;;
esac

case ${PUISEUX_PURE:-} in
    '' | 0 | false | no | off) unset PUISEUX_PURE ;;
esac

say() { echo "set-up: $*" >&2; }
fail() { say "$*"; exit 1; }

recent() { "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; }

find_python() {
    for candidate in ${PYTHON:-} python3 python3.14 python3.13 python3.12 python3.11; do
        if recent "$candidate"; then echo "$candidate"; return; fi
    done
}

make_environment() {
    if [ -x .venv/bin/python ] && recent .venv/bin/python && .venv/bin/python -m pip --version >/dev/null 2>&1; then
        return
    fi
    python=$(find_python)
    [ -n "$python" ] || fail "no Python 3.11 or newer found; install one, or name it: make PYTHON=/path/to/python3 ..."
    say "creating .venv with $("$python" --version)"
    rm -rf .venv
    "$python" -m venv .venv || {
        rm -rf .venv
        fail "could not create .venv; on Debian and Ubuntu 'apt-get install python3-venv' brings what is missing"
    }
}

# The stamps hold a checksum of what decides the installation, the place of the checkout (an editable installation does
# not survive a move), and for the core all of its sources.
wanted() { { echo "$1"; pwd; cat pyproject.toml constraints.txt; } | cksum; }
done_for() { [ -f ".venv/.puiseux-$1" ] && [ "$(cat ".venv/.puiseux-$1")" = "$(wanted "$1")" ]; }

core_sources() { find polyhedra tropical nn_bridge -path '*/core/*.[ch]pp' | LC_ALL=C sort; }
wanted_core() {
    {
        echo "${PUISEUX_PURE:-}" "${CXX:-}" "${CXXFLAGS:-}"
        wanted core
        # shellcheck disable=SC2046  # the names hold no blanks
        cat tools/core/CMakeLists.txt $(core_sources)
    } | cksum
}
core_done() {
    [ -f .venv/.puiseux-built ] && [ "$(cat .venv/.puiseux-built)" = "$(wanted_core)" ] || return 1
    [ -n "${PUISEUX_PURE:-}" ] || ls polyhedra/_core*.so >/dev/null 2>&1
}

# The build requirements of pyproject.toml, and the tools that scikit-build-core would fetch into an isolated build. They
# stay in .venv, so that a second build compiles only what has changed.
build_requirements() {
    .venv/bin/python -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["build-system"]["requires"])'
    echo cmake ninja
}

check_compiler() {
    for candidate in "${CXX:-}" c++ g++ clang++; do
        # shellcheck disable=SC2086  # CXX may hold words
        if [ -n "$candidate" ] && command -v ${candidate%% *} >/dev/null 2>&1; then compiler=$candidate; break; fi
    done
    [ -n "${compiler:-}" ] || fail "no C++ compiler found; install one (Debian and Ubuntu: apt-get install g++ python3-dev;" \
        "macOS: xcode-select --install), or go on without the compiled core: PUISEUX_PURE=1 make ..."
    include=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')
    [ -f "$include/Python.h" ] || fail "no Python.h in $include; install the headers of Python (Debian and Ubuntu:" \
        "apt-get install python3-dev), or go on without the compiled core: PUISEUX_PURE=1 make ..."
}

pip_install() { .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt "$@"; }

install() {
    if { done_for "$level" || { [ "$level" = core ] && done_for dev; }; } && core_done; then return; fi
    if [ -n "${PUISEUX_PURE:-}" ]; then
        say "without the compiled core, as PUISEUX_PURE asks; the plain engine runs"
        find polyhedra tropical nn_bridge -name '_core*.so' -exec rm -f {} +
    else
        check_compiler
    fi
    if done_for "$level" || { [ "$level" = core ] && done_for dev; }; then
        [ -n "${PUISEUX_PURE:-}" ] || say "building the compiled core anew"
        pip_install --no-build-isolation --no-deps -e .
    else
        say "installing puiseux[$extras] (once; the first time takes a minute or more)"
        # shellcheck disable=SC2046  # several requirements, several words
        pip_install $(build_requirements) && pip_install --no-build-isolation -e ".[$extras]"
    fi || fail "installation failed; the lines above say why, and the same command tries again"
    [ "$level" = core ] && done_for dev || wanted "$level" > ".venv/.puiseux-$level"
    wanted_core > .venv/.puiseux-built
}

# ---- pycddlib, the optional reference back end: built from source, so it wants the headers of cddlib, GMP and Python

has_headers() {
    include=$(.venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("include"))')
    printf '#include <Python.h>\n#include <gmp.h>\n#include <cddlib/setoper.h>\n' |
        "${CC:-cc}" -I"$include" -E - >/dev/null 2>&1
}

try_debian_packages() {
    command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ] || return 1
    say "installing Debian's $*"
    export DEBIAN_FRONTEND=noninteractive
    apt-get install -y -qq "$@" >/dev/null 2>&1 ||
        { apt-get update -qq >/dev/null 2>&1 && apt-get install -y -qq "$@" >/dev/null 2>&1; }
}

# ---- chromium, in which the tests open report pages

install_browser() {
    for name in chromium chromium-browser google-chrome; do
        if command -v "$name" >/dev/null 2>&1; then return; fi
    done
    try_debian_packages chromium ||
        say "no chromium for the tests of report pages; install it (Debian and Ubuntu: apt-get install chromium)"
}

install_cdd() {
    if .venv/bin/python -c 'import cdd.gmp' 2>/dev/null; then return; fi
    if ! has_headers; then
        if [ -f .venv/.puiseux-without-cdd ]; then return; fi
        try_debian_packages libcdd-dev libgmp-dev || true
    fi
    if has_headers && .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt pycddlib \
        >.venv/pycddlib.log 2>&1 && .venv/bin/python -c 'import cdd.gmp' 2>/dev/null; then
        rm -f .venv/.puiseux-without-cdd
        return
    fi
    touch .venv/.puiseux-without-cdd
    say "going on without the optional pycddlib; to have it: apt-get install libcdd-dev libgmp-dev python3-dev" \
        "(Homebrew: cddlib gmp), then .venv/bin/pip install pycddlib"
}

if [ "$level" = stamp ]; then
    wanted_core
    exit
fi
make_environment
install
install_cdd
if [ "$level" = dev ]; then install_browser; fi
