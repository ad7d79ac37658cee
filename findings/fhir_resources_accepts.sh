#!/bin/sh
# fhir.resources accepts what FHIR does not allow, and changes it on the way.
#
# FHIR R4's JSON format (https://hl7.org/fhir/R4/json.html) has true and false without quotation marks, integers without
# them, dates as strings, and no empty arrays. fhir.resources 8.3.0 (fhir-core 1.1.12, pydantic 2.14.4) reads a Patient
# with the text "yes" as `active`, with a text as `multipleBirthInteger` and with an empty array, and takes a code that
# a required binding does not have ("F" as gender). A number as `birthDate` is taken as seconds since 1970 when it falls
# on midnight: a program that writes 0 for an unknown birth date gets a patient born on January 1, 1970. A Bundle whose
# entry is a resource of an unknown type raises KeyError, where everything else raises ValidationError, a ValueError.
# To know whether a resource is valid FHIR, ask a validator; after ValueError, catch KeyError, too.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when anything is answered in another way.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fhir.resources==8.3.0 fhir-core==1.1.12 pydantic==2.14.4

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
from fhir.resources.R4B.bundle import Bundle
from fhir.resources.R4B.patient import Patient

CASES = {
    "valid": {"active": True, "birthDate": "1980-02-03"},
    "text for a boolean": {"active": "yes"},
    "number for a boolean": {"active": 1},
    "text for an integer": {"multipleBirthInteger": "2"},
    "code of another system": {"gender": "F"},
    "empty array": {"name": []},
    "zero for a date": {"birthDate": 0},
    "number for a date": {"birthDate": 318384000},
    "date of another form": {"birthDate": "1980-2-3"},
}
for label, elements in CASES.items():
    try:
        print(f"{label}:", Patient.model_validate({"resourceType": "Patient", **elements}).model_dump_json())
    except ValueError as error:
        print(f"{label}:", type(error).__name__)
try:
    Bundle.model_validate({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": {"resourceType": "X"}}]})
except Exception as error:
    print("unknown type:", type(error).__name__, isinstance(error, ValueError))
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
valid: {"resourceType":"Patient","active":true,"birthDate":"1980-02-03"}
text for a boolean: {"resourceType":"Patient","active":true}
number for a boolean: {"resourceType":"Patient","active":true}
text for an integer: {"resourceType":"Patient","multipleBirthInteger":2}
code of another system: {"resourceType":"Patient","gender":"F"}
empty array: {"resourceType":"Patient"}
zero for a date: {"resourceType":"Patient","birthDate":"1970-01-01"}
number for a date: {"resourceType":"Patient","birthDate":"1980-02-03"}
date of another form: ValidationError
unknown type: KeyError False
EXPECTED
