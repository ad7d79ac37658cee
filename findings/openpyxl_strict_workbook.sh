#!/bin/sh
# openpyxl opens a workbook that Excel saved as "Strict Open XML Spreadsheet" and finds no sheet in it.
#
# The strict form of ISO/IEC 29500 has other XML namespaces and is else the same .xlsx. openpyxl 3.1.5 opens
# such a file without an error, with a warning about "an invalid specification for 0": a workbook with no sheets, so that
# a loop over the sheets of a roster imports nobody. python-calamine 0.9.1 reads it. The file here is made by exchanging the namespaces of an ordinary one; the rest
# of a file from Excel does not matter to the sheets.
#
# Seen on 28 November 2026 with Python 3.11 on Debian 12. Fails when the sheet is found.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check openpyxl==3.1.5 python-calamine==0.9.1

cd "$folder"
venv/bin/python -W ignore - >seen <<'PROGRAM'
from zipfile import ZipFile

import openpyxl
from python_calamine import CalamineWorkbook

STRICT = {
    b"http://schemas.openxmlformats.org/spreadsheetml/2006/main": b"http://purl.oclc.org/ooxml/spreadsheetml/main",
    b"http://schemas.openxmlformats.org/officeDocument/2006/relationships": (
        b"http://purl.oclc.org/ooxml/officeDocument/relationships"
    ),
}
workbook = openpyxl.Workbook()
workbook.active.append(["PHN", "Family name"])
workbook.active.append(["012345678", "Tremblay"])
workbook.save("roster.xlsx")
with ZipFile("roster.xlsx") as source, ZipFile("strict.xlsx", "w") as strict:
    for name in source.namelist():
        content = source.read(name)
        for transitional, replacement in STRICT.items():
            content = content.replace(transitional, replacement)
        strict.writestr(name, content)

for name in ("roster.xlsx", "strict.xlsx"):
    print(name, "openpyxl sheets:", openpyxl.load_workbook(name).sheetnames)
    print(name, "calamine rows:", CalamineWorkbook.from_path(name).get_sheet_by_index(0).to_python())
PROGRAM

cat seen
diff - seen <<'EXPECTED'
roster.xlsx openpyxl sheets: ['Sheet']
roster.xlsx calamine rows: [['PHN', 'Family name'], ['012345678', 'Tremblay']]
strict.xlsx openpyxl sheets: []
strict.xlsx calamine rows: [['PHN', 'Family name'], ['012345678', 'Tremblay']]
EXPECTED
