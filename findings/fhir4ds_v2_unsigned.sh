#!/bin/sh
# fhir4ds-v2 refuses a column of the type `unsignedInt` or `positiveInt` for an element that has just this type.
#
# `Group.quantity` is an unsignedInt, `ContactPoint.rank` a positiveInt, and a ViewDefinition of SQL on FHIR v2 may name
# the type of a column. fhir4ds-v2 0.0.17 ends the query with "violates collection=false / declared type unsignedInt";
# as `integer` the same column gives the number. Of an extension's `valueUnsignedInt` it does know the type, as of a code.
#
# Seen on 29 November 2026 with Python 3.11 on Debian 12. Fails when other types are refused.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fhir4ds-v2==0.0.17

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import json

import fhir4ds

database = fhir4ds.create_connection()
group = {"resourceType": "Group", "id": "1", "type": "person", "actual": True, "quantity": 3}
group["extension"] = [{"url": "https://clinic.example/beds", "valueUnsignedInt": 9}]
patient = {"resourceType": "Patient", "id": "1", "gender": "male", "telecom": [{"rank": 2}]}
database.execute("CREATE TABLE resources (resourceType VARCHAR, id VARCHAR, resource JSON)")
for one in (group, patient):
    database.execute("INSERT INTO resources VALUES (?, ?, ?)", [one["resourceType"], one["id"], json.dumps(one)])
for kind, path, type_ in (
    ("Group", "quantity", "unsignedInt"),
    ("Group", "quantity", "integer"),
    ("Group", "extension.first().value.ofType(unsignedInt)", "unsignedInt"),
    ("Patient", "telecom.first().rank", "positiveInt"),
    ("Patient", "gender", "code"),
):
    view = {"resource": kind, "select": [{"column": [{"name": "x", "path": path, "type": type_}]}]}
    try:
        print(path, type_, database.execute(fhir4ds.generate_view_sql(json.dumps(view))).fetchall())
    except Exception as error:
        print(path, type_, str(error).rpartition("' ")[2])
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
quantity unsignedInt violates collection=false / declared type unsignedInt
quantity integer [(3,)]
extension.first().value.ofType(unsignedInt) unsignedInt [(9,)]
telecom.first().rank positiveInt violates collection=false / declared type positiveInt
gender code [('male',)]
EXPECTED
