#!/bin/sh
# Build the wheel and the source distribution into dist/, and try them in a clean environment: the wheel where no compiler
# can be found, the source distribution with a compiler, and once more without, where it has to give the plain engine.
# On Linux auditwheel gives the wheel the tag of the oldest system that it runs on.
set -eu
cd "$(dirname "$0")/.."
here=$PWD
rm -rf dist
.venv/bin/python -m build --quiet --outdir dist .
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
if [ "$(uname)" = Linux ]; then
    PATH="$here/.venv/bin:$PATH" .venv/bin/auditwheel repair --wheel-dir "$place/repaired" dist/*.whl
    rm dist/*.whl
    mv "$place"/repaired/*.whl dist/
fi

cp tools/smoke_test.py "$place"
.venv/bin/python -m venv "$place/venv"
pip_install() {
    "$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check -c "$here/constraints.txt" "$@"
}
# Without tools of the system on PATH, and with a compiler that does not exist.
try() {
    (cd "$place" && env -u PYTHONPATH PATH="$place/venv/bin" CXX=/no/compiler CC=/no/compiler python smoke_test.py "$1")
}

echo "== dist/*.whl, without a compiler"
CXX=/no/compiler CC=/no/compiler pip_install dist/*.whl
try core
echo "== dist/*.tar.gz"
pip_install --force-reinstall --no-deps dist/*.tar.gz
try core
echo "== dist/*.tar.gz, without a compiler"
CXX=/no/compiler CC=/no/compiler pip_install --force-reinstall --no-deps dist/*.tar.gz
try plain
ls -l dist
