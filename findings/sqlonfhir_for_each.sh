#!/bin/sh
# In sqlonfhir what `forEach` gives has lost its type, so that `value` is empty; and an absent reference is an error.
#
# A ViewDefinition of SQL on FHIR v2 has a row for each component of an Observation, with `value.ofType(Quantity)` as a
# column. sqlonfhir 0.0.2 (with fhirpathpy 2.1.0) gives None, without a message: it evaluates the column on the bare JSON
# of the component, where there is no `value`, only `valueQuantity`. With the same path in `forEach` itself it is there.
# `getReferenceKey()` of a reference that a resource does not have should be empty: it is an IndexError, which ends the
# evaluation of all resources. One with a `display` alone, which FHIR allows, is a KeyError.
#
# Seen on 29 November 2026 with Python 3.11 on Debian 12. Fails when the rows or the errors are others.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check sqlonfhir==0.0.2 fhirpathpy==2.1.0

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
from sqlonfhir import evaluate

pressure = {"resourceType": "Observation", "id": "1", "component": [{"valueQuantity": {"value": 120}}]}
for each, path in (("component", "value.ofType(Quantity).value"), ("component.value.ofType(Quantity)", "value")):
    view = {"resource": "Observation", "select": [{"forEach": each, "column": [{"name": "x", "path": path}]}]}
    print(each, evaluate([pressure], view))
clinic = {"name": "clinic", "path": "managingOrganization.getReferenceKey(Organization)"}
for patient in ({}, {"managingOrganization": {"display": "Clinic"}}):
    try:
        view = {"resource": "Patient", "select": [{"column": [clinic]}]}
        print(evaluate([{"resourceType": "Patient", "id": "1", **patient}], view))
    except Exception as error:
        print(patient, type(error).__name__, error)
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
component [{'x': None}]
component.value.ofType(Quantity) [{'x': 120}]
{} IndexError list index out of range
{'managingOrganization': {'display': 'Clinic'}} KeyError 'reference'
EXPECTED
