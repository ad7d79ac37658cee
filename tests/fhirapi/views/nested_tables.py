"""Members and patients of the export in a folder, by DuckDB's own reader of NDJSON: `nested_tables.py folder`."""

import json
import sys

import duckdb

database = duckdb.connect()
tables = {}
for name, statement in {
    "members": """
        SELECT panel.id AS panel_id, member.entity.reference AS patient_id,
               strftime(member.period.start, '%xT%XZ') AS since
        FROM (SELECT one AS panel, unnest(one.member) AS member
              FROM read_json(?, maximum_object_size = 1_000_000_000) AS one)
    """,
    "patients": "SELECT id AS patient_id, name[1].family AS family, gender, active FROM read_json(?)",
}.items():
    kind = {"members": "Group", "patients": "Patient"}[name]
    database.execute("SET TimeZone = 'UTC'")
    database.execute(statement, [f"{sys.argv[1]}/{kind}.ndjson"])
    columns = [column[0] for column in database.description]
    tables[name] = [dict(zip(columns, map(str, row), strict=True)) for row in database.fetchall()]
json.dump(tables, sys.stdout)
