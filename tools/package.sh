#!/bin/sh
# Build the wheel and the source distribution into dist/, install each into a clean environment, and try it there.
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
.venv/bin/python -m build --quiet --outdir dist .
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT
for artifact in dist/*.whl dist/*.tar.gz; do
    echo "== $artifact"
    .venv/bin/python -m venv --clear "$place/venv"
    "$place/venv/bin/python" -m pip install --quiet --disable-pip-version-check -c constraints.txt "$artifact"
    cp tools/smoke_test.py "$place"
    (cd "$place" && env -u PYTHONPATH venv/bin/python smoke_test.py)
done
