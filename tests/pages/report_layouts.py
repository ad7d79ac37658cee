"""Reports as a registry might hand them out: all layouts are invented, for no real one is public."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import openpyxl

from .list_layouts import LISTED


class ReportLayout(NamedTuple):
    """A file, what it is about, and what a person says of it where it differs from what is proposed.

    `fields` are by the names of columns, `mismatches` by the texts in the column of what does not match. Each has the
    patients of LISTED, and `unused` rows that are about no one.
    """

    file_name: str
    data: bytes
    kind: str
    fields: Mapping[str, str] = MappingProxyType({})
    answers: Mapping[str, str] = MappingProxyType({})
    mismatches: Mapping[str, str] = MappingProxyType({})
    unused: int = 0
    proposals: bool = False  # there is no PHN


def _csv(rows: Sequence[Sequence[object]], encoding: str = "utf-8", delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def _book(fill: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _plain() -> ReportLayout:
    rows = [(p.phn, p.family_name, p.given_name, p.born, "Dr. Else", "North Clinic") for p in LISTED]
    header = ("PHN", "Last name", "First name", "DOB", "Other provider", "Other clinic")
    return ReportLayout("a.csv", _csv([header, *rows]), "conflict")


def _french_headers() -> ReportLayout:
    rows = [(p.phn, p.family_name, p.given_name, f"{p.born:%Y-%m-%d}", "Dr Roy") for p in LISTED]
    header = ("NAM", "Nom", "Prénom", "Date de naissance", "Autre médecin")
    return ReportLayout("b.csv", _csv([header, *rows], "cp1252", ";"), "conflict", {"NAM": "phn"})


def _two_header_rows() -> ReportLayout:
    rows = [(p.phn, p.family_name, p.given_name, p.gender, "sex", "X") for p in LISTED]
    above = ("Patient", "", "", "", "Finding", "")
    header = ("PHN", "Surname", "Given name", "Sex", "Mismatch", "Registry value")
    return ReportLayout("c.csv", _csv([above, header, *rows]), "mismatch", mismatches={"sex": "gender"})


def _serial_dates() -> ReportLayout:
    def fill(book: Any) -> None:
        book.active.append(["PHN", "Birth date", "Other panel", "Date"])
        for p in LISTED:
            book.active.append([p.phn, (p.born - date(1899, 12, 30)).days, "0815", 46000])

    return ReportLayout("d.xlsx", _book(fill), "conflict")


def _semicolons() -> ReportLayout:
    rows = [(p.family_name, p.given_name, p.phn, "3") for p in LISTED]
    data = _csv([("Last name", "First name", "PHN", "Code"), *rows], delimiter=";")
    return ReportLayout("e.csv", data, "mismatch", {"Code": "mismatch"}, mismatches={"3": "birth-date"})


def _utf_16_with_tabs() -> ReportLayout:
    rows = [(p.phn, p.family_name, p.given_name) for p in LISTED]
    return ReportLayout("f.txt", _csv([("ULI", "Family name", "Given name"), *rows], "utf-16", "\t"), "registry-list")


def _numbers_as_text() -> ReportLayout:
    rows = [(f"{int(p.phn)}.0", p.family_name) for p in LISTED]
    return ReportLayout("g.csv", _csv([("PHN", "Last name"), *rows]), "registry-list")


def _lost_zeros() -> ReportLayout:
    def fill(book: Any) -> None:
        book.active.append(["Client", "PHN", "Doctor"])
        for p in LISTED:
            book.active.append([f"{p.family_name}, {p.given_name}", int(p.phn), "Okafor"])

    return ReportLayout("h.xlsx", _book(fill), "other")


def _blank_lines_and_totals() -> ReportLayout:
    rows: list[tuple[object, ...]] = []
    for p in LISTED:
        rows += [(p.phn, p.family_name, "Dr. Else"), ()]
    totals = [("Total", "", len(LISTED)), ("End of report",)]
    data = _csv([("Printed 2026-12-07",), (), ("PHN", "Last name", "Other doctor"), *rows, *totals])
    return ReportLayout("i.csv", data, "conflict", unused=2)


def _several_sheets() -> ReportLayout:
    def fill(book: Any) -> None:
        book.active.title = "About"
        book.active.append(["Confidential"])
        sheet = book.create_sheet("Data")
        sheet.append(["PHN", "Last name", "Discrepancy"])
        for p in LISTED:
            sheet.append([p.phn, p.family_name, "Date of birth"])

    return ReportLayout("j.xlsx", _book(fill), "mismatch")


def _merged_cells() -> ReportLayout:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet["A1"] = "Conflicts"
        sheet.merge_cells("A1:C1")
        for column, name in enumerate(("Other physician", "PHN", "Last name"), 1):
            sheet.cell(3, column, name)
        for row, p in enumerate(LISTED, 4):
            sheet.cell(row, 2, p.phn)
            sheet.cell(row, 3, p.family_name)
        sheet["A4"] = "Else, Sam"
        sheet.merge_cells(f"A4:A{3 + len(LISTED)}")

    return ReportLayout("k.xlsx", _book(fill), "conflict")


def _very_wide() -> ReportLayout:
    header = ["Last name", "Sex", "DOB", *(f"Field {number}" for number in range(252))]
    rows = [[p.family_name, p.gender, f"{p.born:%d/%m/%Y}", *["x"] * 252] for p in LISTED]
    return ReportLayout("l.csv", _csv([header, *rows]), "other", answers={"date_order": "dmy"}, proposals=True)


REPORTS: Final = {
    make.__name__.strip("_"): make
    for make in (
        _plain,
        _french_headers,
        _two_header_rows,
        _serial_dates,
        _semicolons,
        _utf_16_with_tabs,
        _numbers_as_text,
        _lost_zeros,
        _blank_lines_and_totals,
        _several_sheets,
        _merged_cells,
        _very_wide,
    )
}
