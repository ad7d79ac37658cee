#!/bin/sh
# Audit the packages that the product runs with. pip-audit gets an environment of its own beside .venv; where it cannot be
# installed, the rest is asked all the same.
set -eu
cd "$(dirname "$0")/.."
if [ ! -x .venv-audit/bin/pip-audit ]; then
    .venv/bin/python -m venv .venv-audit && .venv-audit/bin/pip install --quiet --disable-pip-version-check "pip-audit>=2.10" ||
        echo "pip-audit cannot be installed from here."
fi
.venv/bin/python scripts/audit.py --pip-audit .venv-audit/bin/pip-audit "$@"
