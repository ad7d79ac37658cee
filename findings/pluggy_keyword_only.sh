#!/bin/sh
# pluggy calls hooks by keyword, and yet a hook with keyword-only arguments passes every check and fails when called.
#
# Callers must name all arguments, so `def emr_jobs(*, host)` looks like the honest signature, and typed plugin contracts
# tend to it. pluggy 1.7.0 counts positional arguments only: it registers specification and implementation, finds nothing
# pending, and then calls the implementation without `host`: TypeError, in production. The other surprise beside
# `check_pending`: an implementation marked for another project name is no hook at all, neither pending nor called.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when one of the two is noticed or works.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pluggy==1.7.0

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import pluggy

hookspec, hookimpl = pluggy.HookspecMarker("emr"), pluggy.HookimplMarker("emr")
hookimpl_of_another = pluggy.HookimplMarker("emr-plugin")


class Contract:
    @hookspec
    def emr_jobs(self, *, host): ...


class KeywordOnly:
    @hookimpl
    def emr_jobs(self, *, host):
        return "called"


class OfAnotherProject:
    @hookimpl_of_another
    def emr_jobs(self, *, host):
        return "called"


for plugin in (KeywordOnly, OfAnotherProject):
    manager = pluggy.PluginManager("emr")
    manager.add_hookspecs(Contract)
    manager.register(plugin())
    manager.check_pending()
    try:
        print(plugin.__name__, "nothing pending, call:", manager.hook.emr_jobs(host="clinic"))
    except TypeError as error:
        print(plugin.__name__, "nothing pending, call:", error)
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
KeywordOnly nothing pending, call: KeywordOnly.emr_jobs() missing 1 required keyword-only argument: 'host'
OfAnotherProject nothing pending, call: []
EXPECTED
