#!/bin/sh
# Make .venv in the checkout and install the project into it: `sh scripts/venv.sh demo`, `... test` (with what the tests
# need) or `... dev` (with the checks too); `... run` is the product alone. A second argument names another folder than .venv.
# What the extra `peers` names is installed for tests where it can be had: without it the tests say what they did not check.
# So is mysqlclient, which is compiled; tests that go through it fail without.
# Does nothing when that is done already and neither setup.cfg, the interpreter, the folder nor what compiles mysqlclient has
# changed since.
set -eu
cd "$(dirname "$0")/.."
what=$1
venv=${2:-.venv}

recent='import sys; sys.exit(sys.version_info < (3, 11))'
python=
for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3.14 python3}; do
    if "$candidate" -c "$recent" 2>/dev/null; then
        python=$(command -v "$candidate")
        break
    fi
done
if [ -z "$python" ]; then
    if [ -n "${PYTHON:-}" ]; then
        echo "$PYTHON is no Python 3.11 or newer." >&2
        exit 1
    fi
    echo "Python 3.11 or newer is needed and none was found. Install it (Debian 12: apt-get install python3)," >&2
    echo "or name one: make PYTHON=/path/to/python3.11 ..." >&2
    exit 1
fi

state="$(cat setup.cfg pyproject.toml | cksum) $PWD $python $(command -v mariadb_config || :)"
for done in "$venv/installed-$what" "$venv/installed-dev"; do
    if [ -f "$done" ] && [ "$(cat "$done")" = "$state" ] && "$venv/bin/python" -c '' 2>/dev/null; then
        exit 0
    fi
done

echo "Installing into $PWD/$venv (a minute or two; nothing outside this folder is changed) ..."
rm -f "$venv"/installed-*
if "$python" -c 'import ensurepip' 2>/dev/null; then
    "$python" -m venv "$venv"
elif "$python" -m venv --without-pip "$venv"; then
    # Debian keeps ensurepip in the package python3-venv.
    [ -x "$venv/bin/pip" ] || "$venv/bin/python" scripts/get_pip.py
else
    echo "This Python cannot make a virtual environment. Debian: apt-get install python3-venv" >&2
    exit 1
fi

install() {
    PYTHONWARNINGS=ignore "$venv/bin/python" -m pip install --quiet --disable-pip-version-check "$@"
}
failed() {
    echo "The installation failed: see the lines above. Is the package index reachable from here?" >&2
    exit 1
}
peers='
import configparser
setup = configparser.ConfigParser()
setup.read("setup.cfg")
print(setup["options.extras_require"]["peers"])
'
case $what in
run) install --editable . || failed ;;
test | dev)
    if ! install --editable ".[$what,peers,mysqlclient]"; then
        install --editable ".[$what]" || failed
        install --editable ".[mysqlclient]" || echo "mysqlclient cannot be compiled: sh scripts/needs.sh driver" >&2
        for peer in $("$venv/bin/python" -c "$peers"); do
            install "$peer" || echo "$peer cannot be installed: what the tests check by it stays unchecked." >&2
        done
    fi
    ;;
*) install --editable ".[$what]" || failed ;;
esac
echo "$state" > "$venv/installed-$what"
