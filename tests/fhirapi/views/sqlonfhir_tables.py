"""Every table of the export in a folder, by sqlonfhir, as JSON: `sqlonfhir_tables.py views.json folder`."""

import json
import sys
from pathlib import Path

from sqlonfhir import evaluate

views, folder = json.loads(Path(sys.argv[1]).read_text()), Path(sys.argv[2])
tables = {}
for view in views:
    with (folder / f"{view['resource']}.ndjson").open(encoding="utf-8") as lines:
        tables[view["name"]] = evaluate(map(json.loads, lines), view)
json.dump(tables, sys.stdout)
