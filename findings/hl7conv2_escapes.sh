#!/bin/sh
# hl7conv2 resolves HL7's escape sequences before it splits a field, so that an address moves the city.
#
# In HL7 v2 `\S\` stands for a component separator that is text. hl7conv2 0.2.5, which advertises full support of escape
# sequences, turns it into `^` first and splits afterwards, with `escaping_enabled` on or off: "Unit \S\ 4" becomes two
# components, and the city arrives where the province belongs. Its numbers of MSH's fields are one lower than the
# standard's, those of other segments are right; and the carriage return that ends the last segment, as the standard
# demands, makes one more segment without a name. medforge 0.2.0 has address and segments right.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when one of the answers changes.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check hl7conv2==0.2.5 medforge==0.2.0

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import medforge
from hl7conv2 import Hl7Json

MESSAGE = "\r".join(
    (
        r"MSH|^~\&|EMR|CLINIC|REGISTRY|AB|20261201060000-0600||ADT^A08^ADT_A01|1|P|2.5.1",
        r"PID|1||012345678^^^AB^JHN||Roy^Anne||19560301|F|||Unit \S\ 4^^Calgary^AB",
        "",
    )
)
header, patient, *others = Hl7Json(MESSAGE, False, True).hl7_json
message = medforge.parse(MESSAGE)
print("hl7conv2 address", [patient[name] for name in sorted(patient) if name.startswith("11.")])
print("medforge address", [component.value for component in message.segment("PID").field(11).components])
print("hl7conv2 has the message type, MSH-9, in", next(name for name, value in header.items() if value == "ADT"))
print("segments: hl7conv2", 2 + len(others), "medforge", len(message.segments))
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
hl7conv2 address ['Unit ', ' 4', '', 'Calgary', 'AB']
medforge address ['Unit ^ 4', '', 'Calgary', 'AB']
hl7conv2 has the message type, MSH-9, in 8.1
segments: hl7conv2 3 medforge 2
EXPECTED
