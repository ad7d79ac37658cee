#!/bin/sh
# fhirclient reads a Patient with extensions of primitive elements without complaint, and writes it back without them.
#
# FHIR keeps the extensions of `birthDate` in `_birthDate` and those of `given` in `_given`. fhirclient 4.4.0 (the SMART
# on FHIR project's client for Python) accepts both names as valid, keeps nothing of them, and `as_json` leaves them out,
# in strict mode too. A program that reads a Patient, changes the phone number and updates the Patient so deletes the
# remark that the birth date is estimated, or which given name is the one that is used. fhir.resources 8.3.0 and
# fhirpy 2.3.1 return the same Patient unchanged.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when the extensions are kept.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fhirclient==4.4.0

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
from fhirclient.models.patient import Patient

CALL_ME = {"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-qualifier", "valueCode": "CL"}
ESTIMATED = {"url": "https://clinic.example/birth-date-estimated", "valueBoolean": True}
read = {
    "resourceType": "Patient",
    "birthDate": "1956",
    "_birthDate": {"extension": [ESTIMATED]},
    "name": [{"family": "Tremblay", "given": ["Anne", "Marie"], "_given": [None, {"extension": [CALL_ME]}]}],
}
written = Patient(read, strict=True).as_json()
print("birth date", written["birthDate"], "extension kept:", "_birthDate" in written)
print("given", written["name"][0]["given"], "extension kept:", "_given" in written["name"][0])
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
birth date 1956 extension kept: False
given ['Anne', 'Marie'] extension kept: False
EXPECTED
