#!/bin/sh
# Run the tests that depend most on Python (rules, FHIR, host, connections) on the newest Python of this machine, in an
# environment of their own beside .venv. Says which one that is, or that there is none newer than that of .venv.
set -eu
cd "$(dirname "$0")/.."

version='import sys; print("%d.%d" % sys.version_info[:2])'
used=$(.venv/bin/python -c "$version")
for minor in 14 13 12; do
    [ "$minor" -gt "${used#3.}" ] || break
    for candidate in "python3.$minor" "${PYENV_ROOT:-${HOME:-}/.pyenv}/versions/3.$minor".*/bin/python3; do
        if [ "$("$candidate" -c "$version" 2>/dev/null)" = "3.$minor" ]; then
            newest=$candidate
            break 2
        fi
    done
done
if [ -z "${newest:-}" ]; then
    echo "Python $used is the newest on this machine: nothing is left to run on another."
    exit 0
fi

echo "All tests ran on Python $used. Now those of rules, FHIR, host and connections on $newest, the newest on this machine."
PYTHON=$newest sh scripts/venv.sh test .venv-newest
.venv-newest/bin/python -m pytest -n logical --dist loadfile --no-loadscope-reorder tests/domain tests/fhir tests/host tests/transport
