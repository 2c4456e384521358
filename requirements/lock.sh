#!/usr/bin/env bash
# Writes ci.txt anew: the versions of this environment, which the tests last passed with, and what setup.py needs besides.
# Needs uv (pip install uv) in the environment that runs the tests.
set -euo pipefail
cd "$(dirname "$0")/.."
tested=$(mktemp)
trap 'rm -f "$tested"' EXIT
python -m pip freeze --exclude-editable | grep '^[A-Za-z0-9._-]*==' > "$tested"
{
    echo '# What CI installs, as constraints beside the ranges of setup.py: pip install -c requirements/ci.txt -e ".[dev]"'
    echo '# Made by requirements/lock.sh; tests/test_requirements.py holds it against setup.py.'
    echo '# Known weaknesses: pip-audit -r requirements/ci.txt --no-deps'
    python -m uv pip compile setup.py --quiet --extra dev --universal --python-version 3.11 -c "$tested" \
        --no-emit-index-url --no-annotate --no-header
} > requirements/ci.txt.new
mv requirements/ci.txt.new requirements/ci.txt
