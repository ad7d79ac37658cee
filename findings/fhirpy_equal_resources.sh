#!/bin/sh
# To fhirpy two versions of a Patient are equal, and so are any two Patients that were not saved yet.
#
# `==` of fhirpy 2.3.1 compares resource type and id and nothing else. "Has it changed since the last time?" is always
# answered with no, and of several new Patients, which have no id, `in` finds the first one whatever it says:
# a list without duplicates keeps one patient of a whole roster. Compare what `serialize()` returns.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when content counts.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fhirpy==2.3.1

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
from fhirpy import SyncFHIRClient

client = SyncFHIRClient("https://fhir.example")
before = client.resource("Patient", id="3", meta={"versionId": "7"}, birthDate="1956-03-01")
after = client.resource("Patient", id="3", meta={"versionId": "8"}, birthDate="1965-03-01")
print("versions 7 and 8 equal:", before == after, "| serialized:", before.serialize() == after.serialize())

roster = [client.resource("Patient", name=[{"family": family}]) for family in ("Tremblay", "Roy", "Singh")]
kept = []
for patient in roster:
    if patient not in kept:
        kept.append(patient)
print("of", len(roster), "new patients kept:", [patient["name"][0]["family"] for patient in kept])
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
versions 7 and 8 equal: True | serialized: False
of 3 new patients kept: ['Tremblay']
EXPECTED
