#!/bin/sh
# All linters, each one run even when an earlier one fails.
cd "$(dirname "$0")/.." || exit 1
status=0
for check in "ruff check ." "ruff format --check ." "mypy"; do
    echo "== $check"
    # shellcheck disable=SC2086  # the words of a check are its arguments
    .venv/bin/python -m $check || status=1
done
echo "== lint-imports"
.venv/bin/lint-imports || status=1
exit $status
