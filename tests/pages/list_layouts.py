"""Lists of the same ten patients as ten programs and people would leave them: all invented."""

import csv
import io
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from html import unescape
from types import MappingProxyType
from typing import Any, Final, NamedTuple

import openpyxl
from openpyxl.utils.datetime import CALENDAR_MAC_1904
from sqlalchemy import insert, select

from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS, PanelKind
from cpar_plugin.services.other_panels import bulk as other_bulk
from cpar_plugin.services.other_panels import editing as other_editing
from cpar_plugin.services.other_panels import one_patient as other_patient
from cpar_plugin.services.other_panels.orders import OtherAction, OtherOrder
from cpar_plugin.store import tables
from cpar_plugin.store.tables import departure, departure_patient, letter, report, report_line, report_row
from oscar_host.host import OscarHost


class Listed(NamedTuple):
    """A patient of the lists."""

    phn: str
    family_name: str
    given_name: str
    born: date
    gender: str


LISTED: Final = [
    Listed("012345678", "Côté", "Hélène", date(1980, 2, 3), "F"),
    Listed("045678901", "O'Brien", "Sean", date(1955, 12, 25), "M"),
    Listed("123456789", "Núñez-García", "José", date(1991, 6, 7), "M"),
    Listed("234567891", "Müller", "Änne", date(2004, 4, 5), "F"),
    Listed("345678912", "Singh", "Arjun Raj", date(1968, 11, 9), "M"),
    Listed("456789123", "Example", "Pat", date(1930, 1, 2), "F"),
]


class ListLayout(NamedTuple):
    """A file, and what its owner answers on the page of columns: the fields that differ from what is proposed.

    `asked` is what the page says has to be decided when Continue is pressed without them.
    """

    file_name: str
    data: bytes
    answers: Mapping[str, Any] = MappingProxyType({})
    asked: str = ""
    own_panels: bool = False  # the list names them
    proposals: bool = False  # there is no PHN: patients have to be accepted


def _csv(rows: Sequence[Sequence[object]], encoding: str, delimiter: str = ",") -> bytes:
    text = io.StringIO()
    csv.writer(text, delimiter=delimiter).writerows(rows)
    return text.getvalue().encode(encoding)


def _book(fill: Callable[[Any], None]) -> bytes:
    book = openpyxl.Workbook()
    fill(book)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def _export_of_an_emr() -> ListLayout:
    rows = [(p.phn, p.family_name, p.given_name, p.born, p.gender, "403-555-0100") for p in LISTED]
    header = ("Health Number", "Last Name", "First Name", "Birth Date", "Sex", "Phone")
    return ListLayout("export.csv", _csv([header, *rows], "utf-8"))


def _semicolons_of_a_european_excel() -> ListLayout:
    rows = [(p.family_name, p.given_name, f"{p.born:%d/%m/%Y}", f"{p.phn[:5]}-{p.phn[5:]}") for p in LISTED[:1]]
    rows += [(p.family_name, p.given_name, f"{p.born:%d/%m/%Y}", p.phn) for p in LISTED[2:4]]
    titles = [("Liste de patients",), ("Imprimée le 10 novembre 2026",), ()]
    data = _csv([*titles, ("Nom", "Prénom", "Date de naissance", "PHN"), *rows], "cp1252", ";")
    return ListLayout("liste.csv", data, {"date_order": "dmy"}, "Select the order of the dates")


def _unicode_text() -> ListLayout:
    rows = [(p.phn.lstrip("0"), f"{p.family_name}, {p.given_name}", f"{p.born:%d-%b-%Y}") for p in LISTED]
    return ListLayout("panel.txt", _csv([("ULI", "Patient", "D.O.B."), *rows], "utf-16", "\t"))


def _numbers_without_zeros() -> ListLayout:
    def fill(book: Any) -> None:
        book.active.append(["PHN", "Surname", "Given names", "DOB", "Gender"])
        for p in LISTED:
            book.active.append([int(p.phn), p.family_name, p.given_name, p.born, p.gender])
            book.active.cell(book.active.max_row, 1).number_format = "000000000"

    return ListLayout("roster.xlsx", _book(fill))


def _report_with_titles_and_merged_cells() -> ListLayout:
    def fill(book: Any) -> None:
        sheet = book.active
        sheet["B2"] = "Panel list of Dr. Okafor"
        sheet.merge_cells("B2:F2")
        for column, name in enumerate(("Provider", "PHN", "Name", "Date of Birth", "Visits"), 2):
            sheet.cell(4, column, name)
        for row, p in enumerate(LISTED, 5):
            serial = (p.born - date(1899, 12, 30)).days
            for column, value in enumerate((f"{p.phn}.0", f"{p.given_name} {p.family_name}", serial, "=1+1"), 3):
                sheet.cell(row, column, value)
        sheet["B5"] = "Okafor, A."
        sheet.merge_cells(f"B5:B{4 + len(LISTED)}")
        sheet.cell(5 + len(LISTED), 4, "Total: 6 patients")

    return ListLayout("report.xlsx", _book(fill), own_panels=True)


def _several_sheets_and_repeated_headers() -> ListLayout:
    header = ["Last name", "First name", "PHN", "Birthdate"]

    def fill(book: Any) -> None:
        book.active.title = "Cover"
        book.active.append(["Confidential"])
        sheet = book.create_sheet("Patients")
        for place, p in enumerate(LISTED):
            if place % 2 == 0:
                sheet.append(header)
            sheet.append([p.family_name.upper(), p.given_name, f"{p.phn[:3]} {p.phn[3:6]} {p.phn[6:]}", p.born])

    return ListLayout("book.xlsx", _book(fill))


def _names_only() -> ListLayout:
    rows = [(f"{p.family_name.upper()}, {p.given_name[:1]}", f"{p.born:%b %d, %Y}", p.gender) for p in LISTED]
    data = _csv([("Name", "Born", "Sex"), *rows], "utf-8-sig")
    return ListLayout("names.csv", data, proposals=True)


def _providers_by_name() -> ListLayout:
    rows = [(p.phn, "Dr. Tremblay" if place % 2 else "OKAFOR ADAEZE") for place, p in enumerate(LISTED)]
    data = _csv([("PHN", "Most Responsible Provider"), *rows, ("", "Nobody")], "utf-8", "|")
    return ListLayout(
        "providers.txt", data, {"panel_choice": {"Nobody": 0}}, "Select a panel for each", own_panels=True
    )


def _without_column_names() -> ListLayout:
    rows = [(p.phn, f"{p.family_name}, {p.given_name}", p.born, p.gender) for p in LISTED]
    return ListLayout("list.csv", _csv(rows, "utf-8"))


def _old_mac() -> ListLayout:
    def fill(book: Any) -> None:
        book.epoch = CALENDAR_MAC_1904
        book.active.append(["PHN", "Last", "First", "DOB"])
        for p in LISTED:
            book.active.append([p.phn, p.family_name, p.given_name, (p.born - date(1904, 1, 1)).days])

    return ListLayout("mac.xlsx", _book(fill))


LAYOUTS: Final = {
    make.__name__.strip("_"): make
    for make in (
        _export_of_an_emr,
        _semicolons_of_a_european_excel,
        _unicode_text,
        _numbers_without_zeros,
        _report_with_titles_and_merged_cells,
        _several_sheets_and_repeated_headers,
        _names_only,
        _providers_by_name,
        _without_column_names,
        _old_mac,
    )
}


def upload_list(manager: Any, panel_id: int) -> None:
    """A list of which one row is in each heap or two."""
    row = "100000001,Example,Pat,1980-02-03\r\n,Example,Uma,1980-02-03\r\n999999999,Nobody,Nora,1990-01-01\r\n"
    file = (io.BytesIO(f"PHN,Last name,First name,DOB\r\n{row}".encode()), "list.csv")
    manager.post("/cpar/import", file=file, panel_id=panel_id)
    page = manager.get("/cpar/import/columns").get_data(as_text=True)
    form = dict(re.findall(r'<input type="hidden" name="(upload_id|shown)" value="([^"]*)"', page))
    look = {"sheet": 0, "encoding": "utf-8-sig", "header": 1}
    fields = ["phn", "family-name", "given-name", "birth-date"]
    answer = manager.post("/cpar/import/columns", step="continue", field=fields, **form, **look)
    assert answer.location == "/cpar/import/review"


def upload_report(manager: Any) -> None:
    """A report whose columns are still to be decided."""
    file = (io.BytesIO(b"PHN,Last name,Other doctor\r\n100000001,Example,Dr. Else\r\n"), "conflicts.csv")
    assert manager.post("/cpar/reports", file=file).location == "/cpar/reports/columns"


def a_registry_list(host: OscarHost, patient_id: int, number: int) -> int:
    """The registry's own list of all panels with this patient alone, who was found by PHN."""
    row = {"row_number": 2, "line_key": "k", "phn": "100000001", "family_name": "", "given_name": "", "birth_date": ""}
    row |= {"gender": "", "panel_text": "", "details": "{}", "matches": 1, "how": "phn", "accepted": True}
    source = {"kind": "registry-list", "received_at": host.clock.now(), "actor_id": "-1", "name": "", "reading": "{}"}
    with host.database.writing() as connection:
        source |= {"rows_read": 1, "sha256": f"list {number}"}
        made = connection.execute(insert(report).values(**source)).inserted_primary_key
        assert made
        connection.execute(insert(report_row).values(**row, report_id=made[0], patient_id=patient_id))
    return int(made[0])


def a_report(host: OscarHost, patient_id: int, number: int, *, accepted: bool = False) -> int:
    """A report of conflicts with one row, for which the patient is proposed. Its line has the same number."""
    row = {"row_number": 2, "line_key": "k", "phn": "", "family_name": "", "given_name": "", "birth_date": ""}
    row |= {"gender": "", "panel_text": "", "details": "{}", "matches": 1, "how": "name", "accepted": accepted}
    now = host.clock.now()
    source = {"kind": "conflict", "received_at": now, "actor_id": "-1", "name": "", "reading": "{}", "rows_read": 1}
    with host.database.writing() as connection:
        made = connection.execute(insert(report).values(**source, sha256=str(number))).inserted_primary_key
        assert made
        connection.execute(insert(report_row).values(**row, report_id=made[0], patient_id=patient_id))
        line = {"kind": "conflict", "panel_id": 0, "line_key": "k", "times": 1, "opened_at": now, "state": "open"}
        line |= {"note": "", "version": 1, "line_id": made[0]}
        line["panel_id"] = number
        connection.execute(insert(report_line).values(**line, report_id=made[0], made_by=made[0]))
    return int(made[0])


def a_departure(host: OscarHost, patient_ids: Sequence[int], panel_id: int, to_panel_id: int) -> int:
    """A provider who leaves, with patients to go to another panel; the panel is as it was."""
    now = host.clock.now()
    values = {"panel_id": panel_id, "open_panel_id": panel_id, "leaves_on": now.date(), "created_at": now}
    with host.database.writing() as connection:
        made = connection.execute(insert(departure).values(**values, created_by="-1")).inserted_primary_key
        assert made
        to = {"departure_id": made[0], "panel_id": to_panel_id}
        rows = [to | {"patient_id": patient_id} for patient_id in patient_ids]
        connection.execute(insert(departure_patient), rows)
    return int(made[0])


def a_letter(host: OscarHost, patient_id: int) -> int:
    """A letter about the patient that was sent today."""
    now = host.clock.now()
    texts = {"party": "Else Clinic", "letterhead": "Example Clinic", "text": "Re: the patient", "recorded_by": "-1"}
    texts |= {"direction": "sent", "patient_id": patient_id, "line_id": 1, "day": now.date(), "recorded_at": now}
    with host.database.writing() as connection:
        made = connection.execute(insert(letter).values(**texts)).inserted_primary_key
    assert made
    return int(made[0])


def an_affiliation(host: OscarHost, name: str, *patients: int) -> int:
    """An affiliation with these patients on it, in place of any other. Its id."""
    actor = host.identity.system
    made = other_editing.create(host, actor, other_draft("affiliation", name))
    with host.database.engine.connect() as connection:
        query = select(tables.other_member.c.patient_id, tables.other_member.c.other_panel_id)
        seen = {row.patient_id: row.other_panel_id for row in connection.execute(query)}
    for patient in patients:
        other_patient.choose(host, actor, patient, made, seen_id=seen.get(patient), signed="2026-03-01")
    return made


def emptied_and_filled(host: OscarHost, affiliation: int) -> int:
    """A bulk operation that has moved everyone to this affiliation from another one. Its id."""
    actor = host.identity.system
    other = other_editing.create(host, actor, other_draft("affiliation", f"Source of {affiliation}"))
    kind = OTHER_KINDS[PanelKind.AFFILIATION]
    other_bulk.carry_out(host, actor, OtherOrder(OtherAction.MOVE, kind, "any", "", affiliation, other), None)
    order = OtherOrder(OtherAction.MOVE, kind, "any", "", other, affiliation)
    return other_bulk.carry_out(host, actor, order, None) or 0


LISTS = ("field", "panel_text", "panel_choice", "code_column", "code_text", "code_choice")
CONTROL = re.compile(
    r'<input type="hidden" name="(\w+)" value="([^"]*)"|<select[^>]* name="(\w+)".*?</select>', re.DOTALL
)


def form_of(page: str) -> dict[str, Any]:
    """What the form of columns would send as it is: its fields by name, those that repeat as lists."""
    fields: dict[str, list[str]] = {}
    for control in CONTROL.finditer(page, page.index('name="upload_id"') - 200):
        name, value = control[1] or control[3], control[2]
        if control[3]:
            values = re.findall(r'<option value="([^"]*)"( selected)?', control[0])
            value = next((value for value, selected in values if selected), values[0][0])
        fields.setdefault(name, []).append(unescape(value))
    return {name: values if name in LISTS else values[0] for name, values in fields.items()}


def upload_affiliated(manager: Any, affiliation: int) -> None:
    """A list for an affiliation, of which one row is imported and one is not."""
    rows = "100000001,Example,Pat,1980-02-03,2026-03-04\r\n999999999,Nobody,Nora,1990-01-01,2031-01-01\r\n"
    file = (io.BytesIO(f"PHN,Last name,First name,DOB,Date signed\r\n{rows}".encode()), "signed.csv")
    answer = manager.post(f"/cpar/panels/other/{affiliation}/import", file=file)
    if answer.location == "/cpar/panels/other/import/columns":  # the first list with these column names
        form = manager.get(answer.location).get_data(as_text=True)
        answer = manager.post(answer.location, step="continue", **form_of(form))
    assert answer.location == "/cpar/panels/other/import/review"
