#!/bin/sh
# python-calamine counts the columns of one sheet in two ways, depending on how its rows are read.
#
# Lists from other systems often have title rows above the header and an empty first column. python-calamine 0.9.1 gives
# the rows of such a sheet in three ways: `iter_rows()` keeps the empty rows above the first used cell and drops the empty
# columns before it, `to_python()` drops both, `to_python(skip_empty_area=False)` drops none. `merged_cell_ranges` always
# counts from the sheet's own first cell: who fills merged cells into rows of `iter_rows()` writes the value into the
# right row and the wrong column. Add the column of `sheet.start` to the places in a row, or keep the empty area.
#
# Seen on 29 November 2026 with Python 3.11 on Debian 12. Fails when places are counted in another way.
set -eu

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check python-calamine==0.9.1 openpyxl==3.1.5

"$folder/venv/bin/python" - >"$folder/seen" <<'PROGRAM'
import io

import openpyxl
import python_calamine

book = openpyxl.Workbook()
cells = {"B3": "PHN", "C3": "Name", "B4": "100000001", "C4": "Example", "B5": "100000002"}
for place, text in cells.items():
    book.active[place] = text
book.active.merge_cells("C4:C5")
file = io.BytesIO()
book.save(file)
file.seek(0)
sheet = python_calamine.load_workbook(file).get_sheet_by_index(0)
ways = {
    "iter_rows()": list(sheet.iter_rows()),
    "to_python()": sheet.to_python(),
    "to_python(skip_empty_area=False)": sheet.to_python(skip_empty_area=False),
}
print("start", sheet.start, "merged", sheet.merged_cell_ranges)
for way, rows in ways.items():
    row = next(number for number, row in enumerate(rows) if "Example" in row)
    print(f"{way}: Example is in row {row}, column {rows[row].index('Example')}")
PROGRAM

cat "$folder/seen"
diff - "$folder/seen" <<'EXPECTED'
start (2, 1) merged [((3, 2), (4, 2))]
iter_rows(): Example is in row 3, column 1
to_python(): Example is in row 1, column 1
to_python(skip_empty_area=False): Example is in row 3, column 2
EXPECTED
