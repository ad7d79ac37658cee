#!/bin/sh
# schemathesis refuses a response schema with prefixItems, which OpenAPI 3.1 allows, and names another keyword.
#
# FHIR's Parameters has its parts in a fixed order, which JSON Schema 2020-12, the dialect of OpenAPI 3.1, says with
# `prefixItems`. The validator that schemathesis 4.32.5 uses, jsonschema-rs 0.60.3, takes such a schema, and finds the
# answer right. schemathesis itself stops with a "Schema Error" before any answer is compared: the list of `prefixItems` is
# by then under `items`, as drafts before 2020-12 had it, and is reported as "not of types boolean, object" there. No check
# of the operation takes place. Say the same by `items` with `oneOf`, which does not fix the order.
#
# Seen on 29 November 2026 with Python 3.11 on Debian 12. Fails when such a schema is taken.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check schemathesis==4.32.5 jsonschema-rs==0.60.3
cd "$folder"

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import http.server
import json
import pathlib
import subprocess
import sys
import threading

import jsonschema_rs

PARTS = [{"type": "object", "properties": {"name": {"const": name}}} for name in ("outcome", "date")]
SCHEMAS = {
    "prefixItems": {"type": "array", "prefixItems": PARTS, "items": False},
    "items with oneOf": {"type": "array", "items": {"oneOf": [part | {"required": ["name"]} for part in PARTS]}},
}
ANSWER = json.dumps([{"name": "outcome"}, {"name": "date"}]).encode()


class Answering(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(ANSWER)))
        self.end_headers()
        self.wfile.write(ANSWER)

    def log_message(self, *_):
        pass


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answering)
threading.Thread(target=server.serve_forever, daemon=True).start()
for name, schema in SCHEMAS.items():
    response = {"description": "The parts", "content": {"application/json": {"schema": schema}}}
    document = {
        "openapi": "3.1.0",
        "info": {"title": "Parts", "version": "1"},
        "paths": {"/parts": {"get": {"responses": {"200": response}}}},
    }
    pathlib.Path("openapi.json").write_text(json.dumps(document))
    valid = jsonschema_rs.Draft202012Validator(schema).is_valid(json.loads(ANSWER))
    command = [sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url"]
    options = ["--no-color", "--seed", "1", "--max-examples", "3", "--checks", "response_schema_conformance"]
    address = f"http://127.0.0.1:{server.server_port}"
    run = subprocess.run([*command, address, *options], capture_output=True, text=True)
    said = [line.strip() for line in run.stdout.splitlines() if "Tested:" in line or "not of types" in line]
    print(f"{name}: valid for jsonschema-rs: {valid}; schemathesis ends with {run.returncode}")
    print("\n".join(line[line.find("is not of types") :] if "is not of" in line else line for line in said))
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
prefixItems: valid for jsonschema-rs: True; schemathesis ends with 1
is not of types "boolean", "object"
Tested: 0
items with oneOf: valid for jsonschema-rs: True; schemathesis ends with 0
Tested: 1
EXPECTED
