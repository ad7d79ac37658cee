"""Files as people have them: letters, delimiters, spreadsheets, and what must not be read."""

import io
import zipfile
from datetime import date, datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.utils.datetime import CALENDAR_MAC_1904

from cpar_plugin.domain.list_cells import SerialsFrom
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.services.uploads import limits
from cpar_plugin.services.uploads.reading import ListFile

FILES = Path(__file__).with_name("files")
HEADER = ["PHN", "Last Name", "First Name", "DOB", "Sex"]
ROWS = [["045678901", "Côté", "Hélène", "1980-02-03", "F"], ["123456789", "Núñez", "José", "1975-12-31", "M"]]


def rows(data: bytes, **options: Any) -> list[tuple[int, list[str]]]:
    return list(ListFile(data).rows(**options))


def workbook(fill: Any) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "cp1252"])
def test_text_is_read_whatever_its_letters_and_delimiter(encoding: str, delimiter: str) -> None:
    lines = ["Panel of Dr. Okafor, printed today", "", *(delimiter.join(row) for row in (HEADER, *ROWS))]
    for end in ("\r\n", "\n", "\r"):
        result = rows(end.join(lines).encode(encoding))
        assert result[1:] == [(3, HEADER), (4, ROWS[0]), (5, ROWS[1])]


def test_a_person_can_choose_other_letters() -> None:
    data = "PHN,Name\n1,Côté".encode("mac-roman")
    assert rows(data)[1][1] != ["1", "Côté"]
    assert rows(data, encoding="mac-roman")[1][1] == ["1", "Côté"]


def test_quoted_cells_and_a_line_for_excel_are_understood() -> None:
    assert rows(b'sep=;\r\nName;DOB\r\n"Example, Pat;x";1980') == [
        (2, ["Name", "DOB"]),
        (3, ["Example, Pat;x", "1980"]),
    ]


def test_numbers_dates_and_texts_of_a_spreadsheet_become_texts() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        sheet = book.active
        sheet.append(["n", "zero", "date", "time", "formula", "true", "text"])
        half_past_nine = datetime(1980, 2, 3, 9, 30)  # noqa: DTZ001  spreadsheets have no zone
        sheet.append([123456789, 45678901, date(1980, 2, 3), half_past_nine, "=1+1", True, " x_x000D_ "])
        sheet["B2"].number_format = "000000000"

    _, (number, cells) = rows(workbook(fill))
    assert number == 2
    assert cells == ["123456789", "45678901", "1980-02-03", "1980-02-03 09:30:00", "", "TRUE", "x"]


def test_rows_keep_their_numbers_and_merged_cells_their_value() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        sheet = book.active
        for place, text in {"C3": "Title", "C5": "Doctor", "D5": "PHN", "C6": "Okafor", "D6": 1, "D7": 2}.items():
            sheet[place] = text
        sheet.merge_cells("C3:D3")
        sheet.merge_cells("C6:C7")

    assert rows(workbook(fill)) == [
        (3, ["Title", ""]),
        (5, ["Doctor", "PHN"]),
        (6, ["Okafor", "1"]),
        (7, ["Okafor", "2"]),
    ]


def test_each_visible_sheet_can_be_chosen() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.active.title = "Cover"
        for name in ("Hidden", "Patients"):
            book.create_sheet(name).append([name])
        book["Hidden"].sheet_state = "hidden"

    file = ListFile(workbook(fill))
    assert file.sheets == ["Cover", "Patients"]
    assert file.first_rows(sheet=1) == [(1, ["Patients"])]


def test_a_workbook_of_an_old_mac_says_from_when_it_counts() -> None:
    def fill(book: openpyxl.Workbook) -> None:
        book.epoch = CALENDAR_MAC_1904
        book.active.append([date(1980, 2, 3)])

    assert ListFile(workbook(fill)).serials_from is SerialsFrom.MAC
    assert rows(workbook(fill)) == [(1, ["1980-02-03"])]
    assert ListFile(workbook(lambda book: book.active.append([1]))).serials_from is SerialsFrom.WINDOWS


@pytest.mark.parametrize("name", ["patients.xls", "patients.ods"])
def test_other_spreadsheets_are_read_too(name: str) -> None:
    result = rows((FILES / name).read_bytes())
    assert [cells for _, cells in result[1:]] == [
        HEADER,
        ["45678901", "Côté", "Hélène", "1980-02-03", "F"],
        ["123456789", "Example", "Pat", "1975-12-31", "M"],
    ]


def zipped(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "what_to_do"),
    [
        (b"", "Select a file that is not empty."),
        (b" \r\n\0", "Select a file that is not empty."),
        (b"%PDF-1.7", "This is a PDF."),
        (b"\x1f\x8bxx", "Unpack it"),
        (b"<html><table><tr><td>PHN</td></tr></table>", "save it as XLSX"),
        (b'\xef\xbb\xbf<?xml version="1.0"?><Workbook>', "save it as XLSX"),
        (b"PK\x03\x04 and nothing else", "This spreadsheet cannot be read."),
        (zipped(**{"word/document.xml": b"", "[Content_Types].xml": b""}), "This is a document"),
        (zipped(**{"list.csv": b"PHN"}), "This file is an archive"),
        (zipped(**{"xl/workbook.xml": b"<"}), "This spreadsheet cannot be read."),
        (b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "This is a picture."),
        (b"\xff\xd8\xff\xe0" + bytes(range(256)), "This is a picture."),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "This spreadsheet cannot be read."),
        (zipped(x=bytes(limits.UNPACKED_BYTES + 1)), "too much memory"),
        (zipped(**{str(number): b"" for number in range(limits.PACKED_FILES + 1)}), "too much memory"),
        (b"x" * (limits.FILE_BYTES + 1), "larger than 10 MB"),
        (b"a,b\n" * (limits.ROWS + 1), "more than 100,000 rows"),
        (b"x," * 500, "more than 300 columns"),
        (b"a,b\n1," + b"x" * 3000, "more than 2,000 characters"),
        (b'a,b\n"' + b"x" * 200_000, "quotation mark"),
        (bytes(range(8)) * 100, "neither a text nor a spreadsheet"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_must_not_be_read_is_refused_with_what_to_do(data: bytes, what_to_do: str) -> None:
    with pytest.raises(Refused) as caught:
        rows(data)
    assert list(caught.value.messages) == ["file"]
    assert what_to_do in caught.value.messages["file"]


def test_a_file_that_lies_about_its_size_does_not_take_more_memory_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "READER_BYTES", 256 * limits.MEGABYTE)

    def fill(book: openpyxl.Workbook) -> None:
        book.active["A1"] = book.active["GZ60000"] = "x"

    with pytest.raises(Refused, match="too much memory"):
        rows(workbook(fill))


def test_a_small_file_that_becomes_a_long_text_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    data = workbook(lambda book: [book.active.append(["x" * 1000] * 10) for _ in range(200)])  # the text is kept once
    monkeypatch.setattr(limits, "UNPACKED_BYTES", limits.MEGABYTE)
    with pytest.raises(Refused) as refused:
        rows(data)
    assert "too much memory" in refused.value.messages["file"]


def test_a_sheet_can_be_looked_at_from_several_places_at_once() -> None:
    file = ListFile(workbook(lambda book: [book.active.append([str(number)]) for number in range(3)]))
    first, second = file.rows(), file.rows()
    assert next(first) == next(second) == (1, ["0"])
    assert [*first] == [*second] == [(2, ["1"]), (3, ["2"])]
