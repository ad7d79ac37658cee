"""Every table of the export in a folder, by fhir4ds-v2, as JSON: `fhir4ds_tables.py views.json folder`."""

import json
import sys
from pathlib import Path

import fhir4ds

views, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
database = fhir4ds.create_connection()
database.execute(
    "CREATE TABLE resources AS SELECT json->>'resourceType' AS resourceType, json->>'id' AS id, json AS resource "
    "FROM read_ndjson_objects(?)",
    [str(folder / "*.ndjson")],
)
tables = {}
for view in views:
    found = database.execute(fhir4ds.generate_view_sql(json.dumps(view)))
    names = [column[0] for column in found.description]
    tables[view["name"]] = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
json.dump(tables, sys.stdout)
