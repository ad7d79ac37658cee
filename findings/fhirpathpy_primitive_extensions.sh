#!/bin/sh
# In fhirpathpy a birth date that has an extension is two birth dates.
#
# FHIR keeps an extension of `birthDate` in `_birthDate`; FHIRPath sees one element with a value and an extension.
# fhirpathpy 2.2.4 makes a second node of it: `birthDate.count()` is 2, the second given name's extension is found at no
# index that JSON or FHIRPath know, and `birthDate is date` raises an error because there are two. A rule such as
# "exactly one birth date" fails for just the patients whose birth date somebody has commented on.
# fhirpath 5.2.2 of npm counts 1 and 2, and finds the extension.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12, and fhirpath 5.2.2 with Node.js 20. Fails when that changes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fhirpathpy==2.2.4

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import fhirpathpy
from fhirpathpy.models import models

EXTENSION = {"extension": [{"url": "https://clinic.example/as-on-card", "valueBoolean": True}]}
patient = {
    "resourceType": "Patient",
    "birthDate": "1956-03-01",
    "_birthDate": EXTENSION,
    "name": [{"given": ["Anne", "Marie"], "_given": [None, EXTENSION]}],
}
for expression in ("birthDate.count()", "name.given.count()", "name.given[1].extension.exists()", "birthDate is date"):
    try:
        print(expression, fhirpathpy.evaluate(patient, expression, model=models["r4"]))
    except ValueError as error:
        print(expression, str(error).partition(",")[0])
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
birthDate.count() [2]
name.given.count() [4]
name.given[1].extension.exists() [False]
birthDate is date Expected singleton on left side of 'is'
EXPECTED
