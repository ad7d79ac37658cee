#!/bin/sh
# fhir.resources gives back another precision than it read, of decimals and of times.
#
# FHIR R4 ("Datatypes", decimal) says that the precision of a decimal is part of it: 0.010 is not 0.01, and must be kept.
# fhir.resources 8.3.0 answers 1.10 as 1.1. A time with 100 ns loses them, one with tenths gets six digits, so that
# hashes, signatures and `lastUpdated` compared as text differ after a round trip with nothing changed.
# fhirkit-rs 0.1.0 gives back what it read.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when one of the answers changes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fhir.resources==8.3.0 fhirkit-rs==0.1.0

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import re

import fhirkit
from fhir.resources.R4B.observation import Observation

for value, moment in (("1.10", "2026-12-01T06:00:00.1-06:00"), ("0.010", "2026-12-01T06:00:00.1234567-06:00")):
    read = (
        '{"resourceType":"Observation","status":"final","code":{"text":"dose"},'
        f'"effectiveDateTime":"{moment}","valueQuantity":{{"value":{value}}}}}'
    )
    written = Observation.model_validate_json(read).model_dump_json()
    print("read", value, moment)
    print("fhir.resources", *re.search(r'"effectiveDateTime":"(.+?)".*"value":([\d.]+)', written).group(2, 1))
    print("fhirkit-rs unchanged:", fhirkit.parse(read).to_json() == read)
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
read 1.10 2026-12-01T06:00:00.1-06:00
fhir.resources 1.1 2026-12-01T06:00:00.100000-06:00
fhirkit-rs unchanged: True
read 0.010 2026-12-01T06:00:00.1234567-06:00
fhir.resources 0.01 2026-12-01T06:00:00.123456-06:00
fhirkit-rs unchanged: True
EXPECTED
