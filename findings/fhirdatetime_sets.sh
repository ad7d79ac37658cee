#!/bin/sh
# A set of fhirdatetime's days loses days, and how many depends on the order in which they arrive.
#
# fhirdatetime 1.1.0 compares FHIR dates by what both of them say: 2026-11 equals 2026-11-01 and equals 2026-11-30, which
# do not equal each other. All of one year have the same hash. So a set, the keys of a dict, `in` and `list.index` treat
# different days as one as soon as a month is among them: of the same three dates a set keeps one or two. FHIRPath
# answers "empty" for such a comparison, not true. Compare `isoformat()` where dates are collected.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when the counts change.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check fhirdatetime==1.1.0

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
from itertools import permutations

from fhirdatetime import FhirDate

first, last, month = FhirDate("2026-11-01"), FhirDate("2026-11-30"), FhirDate("2026-11")
print("first = month:", first == month, "| month = last:", month == last, "| first = last:", first == last)
for order in permutations((first, last, month)):
    print([str(day) for day in order], "in a set:", len(set(order)))
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
first = month: True | month = last: True | first = last: False
['2026-11-01', '2026-11-30', '2026-11'] in a set: 2
['2026-11-01', '2026-11', '2026-11-30'] in a set: 2
['2026-11-30', '2026-11-01', '2026-11'] in a set: 2
['2026-11-30', '2026-11', '2026-11-01'] in a set: 2
['2026-11', '2026-11-01', '2026-11-30'] in a set: 1
['2026-11', '2026-11-30', '2026-11-01'] in a set: 1
EXPECTED
