"""Reports of the registry: upload, columns, the patients found, and what is refused."""

import re
from html import unescape
from typing import Any

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from cpar_plugin.store.tables import list_layout, report, report_piece, report_row, upload
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from .conftest import MANAGER
from .list_layouts import LISTED, form_of
from .report_layouts import REPORTS, ReportLayout

pytestmark = pytest.mark.databases("one")

FORM = "multipart/form-data; boundary=line"


def body_of(token: str, data: bytes, name: str = "report.csv", **fields: Any) -> bytes:
    """The form with a file, as a browser sends it."""
    fields = {"csrf_token": token, **fields}
    parts = [f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}'.encode() for key, value in fields.items()]
    head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'.encode()
    return b"".join(b"--line\r\n" + part + b"\r\n" for part in (*parts, head + data)) + b"--line--\r\n"


def send(person: Any, data: bytes, name: str = "report.csv", **fields: Any) -> Any:
    """Upload a file. Werkzeug's own client leaves a large one open."""
    body = body_of(person.shown_token(), data, name, **fields)
    return person.client.post("/cpar/reports", data=body, content_type=FORM)


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))))


def teach(person: Any, layout: ReportLayout) -> Any:
    """Answer the page of columns. Returns the answer to Continue."""
    page = person.get("/cpar/reports/columns").get_data(as_text=True)
    names = [unescape(name) for name in re.findall(r'aria-label="Contents of ([^"]*)"', page)]
    fields = form_of(page) | {"kind": layout.kind, **layout.answers}
    chosen = zip(names, fields["field"], strict=True)
    fields["field"] = [layout.fields.get(name, field) for name, field in chosen]
    shown = person.post("/cpar/reports/columns", step="show", **fields)
    fields = form_of(shown.get_data(as_text=True)) | dict(layout.answers)
    if layout.mismatches:
        fields["code_choice"] = [layout.mismatches[text] for text in fields["code_text"]]
    return person.post("/cpar/reports/columns", step="continue", **fields)


def rows(host: OscarHost, report_id: int) -> list[Any]:
    with host.database.engine.connect() as connection:
        query = select(report_row).where(report_row.c.report_id == report_id).order_by(report_row.c.row_number)
        return list(connection.execute(query))


@pytest.mark.parametrize("name", REPORTS)
def test_a_layout_is_mapped_once_and_then_taken_in_without_a_question(
    host: OscarHost, manager: Any, patients: list[int], configured: None, name: str
) -> None:
    layout = REPORTS[name]()
    answer = send(manager, layout.data, layout.file_name)
    assert answer.location == "/cpar/reports/columns", text_of(answer)
    answer = teach(manager, layout)
    assert answer.status_code == 303, text_of(answer)
    found = rows(host, 1)
    assert [row.patient_id for row in found] == patients
    assert {row.how for row in found} == {"name" if layout.proposals else "phn"}
    assert {row.accepted for row in found} == {not layout.proposals}
    page = text_of(manager.get(answer.location))
    assert ("are about no patient" in page) == bool(layout.unused)
    if layout.mismatches:
        assert all(f'"mismatch":"{field}"' in found[0].details for field in layout.mismatches.values())
    with host.database.engine.begin() as connection:
        assert connection.scalars(select(upload.c.upload_id)).all() == []
        kept = b"".join(connection.scalars(select(report_piece.c.data).order_by(report_piece.c.position)))
        assert kept == layout.data
        connection.execute(update(report).values(sha256="another file"))  # the next one of this layout
    answer = send(manager, layout.data, layout.file_name)
    assert answer.location == "/cpar/reports/2", text_of(answer)
    assert [row.patient_id for row in rows(host, 2)] == patients


def test_a_report_that_is_uploaded_twice_is_notified_plainly(
    manager: Any, patients: list[int], configured: None
) -> None:
    layout = REPORTS["plain"]()
    send(manager, layout.data)
    teach(manager, layout)
    answer = send(manager, layout.data, "again.csv")
    assert answer.status_code == 422
    assert "uploaded this same file on Nov 10, 2026" in text_of(answer)
    assert "Nothing was changed" in text_of(answer)


def test_a_known_layout_asks_again_on_request_or_where_a_text_is_new(
    host: OscarHost, manager: Any, patients: list[int], configured: None
) -> None:
    layout = REPORTS["semicolons"]()
    send(manager, layout.data)
    teach(manager, layout)
    other = layout.data.replace(b";3\r", b";4\r")
    assert send(manager, other).location == "/cpar/reports/columns"
    page = manager.get("/cpar/reports/columns").get_data(as_text=True)
    fields = form_of(page)
    assert (fields["kind"], fields["code_text"], fields["code_choice"]) == ("mismatch", ["4"], [""])
    assert "Some texts are new in this one." in page
    answer = manager.post("/cpar/reports/columns", step="continue", **fields)
    assert (answer.status_code, "Select the field for each text." in text_of(answer)) == (422, True)
    assert send(manager, layout.data + b"\r\n", ask="yes").location == "/cpar/reports/columns"
    with host.database.engine.connect() as connection:
        assert len(connection.execute(select(list_layout)).all()) == 1


def test_gender_codes_are_decided_one_by_one_and_a_later_file_asks_about_a_new_one_alone(
    host: OscarHost, manager: Any, patients: list[int], configured: None
) -> None:
    def listed(*genders: str) -> bytes:
        rows = zip(LISTED, genders, strict=False)
        lines = [f"{one.phn},{one.family_name},{gender}\r\n" for one, gender in rows]
        return "".join(["PHN,Last name,Sex\r\n", *lines, f"Total,,{len(lines)}\r\n"]).encode()

    def sorted_out(fields: dict[str, Any], **meanings: str) -> dict[str, Any]:
        texts, chosen = fields["code_text"], fields["code_choice"]
        chosen = [meanings.get(f"as_{text}", choice) for text, choice in zip(texts, chosen, strict=True)]
        return fields | {"kind": "registry-list", "code_choice": chosen}

    def genders(report_id: int) -> list[str]:
        return [row.gender for row in rows(host, report_id)]

    address = "/cpar/reports/columns"
    send(manager, listed("1", "Homme", "F", "2", "1", "9"))
    fields = form_of(manager.get(address).get_data(as_text=True))
    assert (fields["code_text"], fields["code_choice"]) == (["1", "2", "9"], [""] * 3)
    partly = sorted_out(fields, as_1="female", as_2="male")
    answer = manager.post(address, step="continue", **partly)
    assert "Select the gender for each text." in text_of(answer)
    fields = form_of(answer.get_data(as_text=True))
    assert (fields["code_text"], fields["code_choice"]) == (["9", "1", "2"], ["", "female", "male"])
    assert manager.post(address, step="continue", **sorted_out(fields, as_9="hostile")).status_code == 422
    manager.post(address, step="continue", **sorted_out(fields, as_9="other"))
    assert genders(1) == ["F", "M", "F", "M", "F", "O"]
    send(manager, listed("2", "0"))
    fields = form_of(manager.get(address).get_data(as_text=True))
    assert (fields["code_text"], fields["code_choice"]) == (["0", "2"], ["", "male"])
    manager.post(address, step="continue", **sorted_out(fields, as_0="unknown"))
    assert genders(2) == ["M", ""]
    answer = send(manager, listed("1", "2", "9", "0", "u"))
    assert answer.location == "/cpar/reports/3", text_of(answer)
    assert genders(3) == ["F", "M", "O", "", ""]


def test_who_is_found_by_name_is_found_only_after_a_person_has_accepted(
    host: OscarHost, oscar: Any, manager: Any, configured: None
) -> None:
    one = oscar.patient(hin="", last_name="Example", first_name="Pat", born="1980-02-03", sex="F")
    for given in ("Jo", "Joan"):
        oscar.patient(hin="", last_name="Twin", first_name=given, born="1990-01-01", sex="F")
    other_sex = oscar.patient(hin="", last_name="Alone", first_name="Sam", born="1970-01-01", sex="M")
    data = (
        b"Last name,DOB,Sex,Other doctor\r\nExample,1980-02-03,F,Else\r\nTwin,1990-01-01,F,Else\r\n"
        b"Alone,1970-01-01,F,Else\r\nExample,,F,Else\r\n"
    )
    send(manager, data)
    answer = teach(manager, ReportLayout("", data, "conflict"))
    assert [(row.row_number, row.patient_id, row.matches) for row in rows(host, 1)] == [
        (2, one, 1),
        (3, None, 2),
        (4, None, 0),  # of another gender, and never by name alone
    ]
    assert other_sex
    page = text_of(manager.get(answer.location))
    assert "To accept 1" in page
    assert "Several possible 1" in page
    assert "Not found 1" in page
    assert manager.post(answer.location, step="accept").status_code == 422
    manager.post(answer.location, step="accept", row="2")
    assert rows(host, 1)[0].accepted
    manager.post(answer.location, step="withdraw", row="2")
    assert not rows(host, 1)[0].accepted
    manager.post(answer.location, step="accept-all")
    assert "Found 1" in text_of(manager.get(answer.location))


def test_a_record_that_was_merged_leads_to_the_one_kept(
    oscar: Any, manager: Any, patients: list[int], configured: None
) -> None:
    layout = REPORTS["plain"]()
    send(manager, layout.data)
    answer = teach(manager, layout)
    kept = oscar.patient(hin="", last_name="Kept", first_name="Uma")
    oscar.merge(patients[0], kept)
    page = text_of(manager.get(answer.location))
    assert "KEPT, Uma" in page or "Kept, Uma" in page
    assert f"record {kept}" in page


def test_rows_of_patients_whom_one_may_not_see_are_counted_and_not_shown(
    manager: Any, barred: Any, oscar: Any, patients: list[int], configured: None
) -> None:
    oscar.privilege("303", f"_demographic${patients[0]}", "o")
    layout = REPORTS["plain"]()
    send(manager, layout.data)
    answer = teach(manager, layout)
    page = text_of(barred.get(answer.location))
    assert "1 row is not shown: no access to the record." in page
    assert LISTED[0].phn not in page
    assert LISTED[1].phn in page


def test_metrics_are_read_without_patients(host: OscarHost, manager: Any, configured: None) -> None:
    data = b"Panel,Month,Total patients\r\n0042,2026-11,812\r\n0043,2026-11,90\r\n"
    send(manager, data)
    fields = {"Panel": "panel", "Month": "reported-on", "Total patients": "count"}
    page = manager.get("/cpar/reports/columns").get_data(as_text=True)
    header = form_of(page) | {"header": "1"}
    manager.post("/cpar/reports/columns", step="show", **header)
    shown = manager.post("/cpar/reports/columns", step="show", **header).get_data(as_text=True)
    answers = form_of(shown) | {"kind": "metrics", "field": list(fields.values())}
    answer = manager.post("/cpar/reports/columns", step="continue", **answers)
    assert answer.location == "/cpar/reports/1", text_of(answer)
    page = text_of(manager.get(answer.location))
    assert "Count: 812" in page
    assert "0043" in page


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "Select a file that is not empty."),
        (b"%PDF-1.7", "This is a PDF."),
        (b"<html><table>", "This file is a web page or XML"),
        (b"PK\x03\x04" + b"\0" * 50, "This spreadsheet cannot be read."),
        (bytes(range(256)) * 9, "neither a text nor a spreadsheet"),
        (b"x," * 500, "more than 300 columns"),
    ],
)
def test_what_cannot_be_read_is_notified_plainly_and_nothing_is_kept(
    host: OscarHost, manager: Any, configured: None, data: bytes, message: str
) -> None:
    answer = send(manager, data)
    assert answer.status_code == 422
    assert message in text_of(answer)
    with host.database.engine.connect() as connection:
        assert connection.execute(select(upload.c.upload_id)).all() == []


def test_a_report_is_uploaded_and_worked_off_in_a_browser(
    oscar: Any, patients: list[int], configured: None, open_tab: OpenTab
) -> None:
    oscar.patient(hin="", last_name="Example", first_name="Uma", born="1980-02-03", sex="F")
    rows_by_name = b",Example,Uma,1980-02-03,Dr. Else,\r\n,Nobody,Nora,1980-02-03,Dr. Else,\r\nTotal,,,,,7\r\n"
    page = open_tab(MANAGER)
    page.goto("/cpar/reports")
    look(page, "reports-none")
    data = REPORTS["plain"]().data + rows_by_name
    page.get_by_label("Report", exact=True).set_input_files({"name": "a.csv", "mimeType": "text/csv", "buffer": data})
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("heading", name="columns")).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("alert")).to_contain_text("Select what the report is about.")
    page.get_by_label("Report", exact=True).select_option("conflict")
    look(page, "report-columns")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Conflicts")).to_be_visible()
    look(page, "report")
    page.get_by_role("button", name="Accept all").click()
    expect(page.get_by_role("status")).to_contain_text("Accepted: 1 row.")
    page.goto("/cpar/reports")
    look(page, "reports")
    page.get_by_role("link", name="Conflicts").click()
    page.get_by_role("link", name="Not found").click()
    expect(page.get_by_role("row")).to_have_count(2)
    page.goto("/cpar/reports")
    page.get_by_role("link", name="Lines to work on").click()
    look(page, "report-lines")
    lines = page.get_by_role("row").filter(has=page.get_by_role("checkbox"))
    count = lines.count()
    expect(page.get_by_role("link", name=f"Reports {count} to do")).to_be_visible()
    page.get_by_label("Select EXAMPLE, Uma: Conflicts").check()
    page.get_by_role("button", name="Will not do").click()
    expect(page.get_by_role("alert")).to_contain_text("Enter why in the note")
    expect(page.get_by_label("Select EXAMPLE, Uma: Conflicts")).to_be_checked()
    page.get_by_label("Note", exact=True).fill("Moved away")
    page.get_by_role("button", name="Will not do").click()
    expect(page.get_by_role("status")).to_contain_text("Changed: 1 line.")
    expect(lines).to_have_count(count - 1)
    expect(page.get_by_role("link", name=f"Reports {count - 1} to do")).to_be_visible()
    page.get_by_label("State", exact=True).select_option("will-not-do")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row", name="EXAMPLE, Uma")).to_contain_text("Moved away")
    page.get_by_role("link", name="History: EXAMPLE, Uma").click()
    expect(page.get_by_role("row", name="Open \u2192 Will not do; Note: Moved away")).to_be_visible()
    look(page, "report-line")
    page.get_by_role("button", name="Undo the change").click()
    expect(page.get_by_role("status")).to_contain_text("Undone: 1 line.")
    expect(lines).to_have_count(count)
    page.get_by_role("button", name="Select all on this page").click()
    page.get_by_label("Assign to").select_option(label="Penner, Ada")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_role("status")).to_contain_text(f"Changed: {count} lines.")
    look(page, "report-lines-assigned")
    page.get_by_role("button", name=f"Undo this change of {count} lines").click()
    expect(page.get_by_role("status")).to_contain_text(f"Undone: {count} lines.")
    expect(lines.filter(has_text="Taken by")).to_have_count(0)


def test_a_page_beyond_the_last_is_empty(manager: Any, patients: list[int], configured: None) -> None:
    layout = REPORTS["plain"]()
    send(manager, layout.data)
    report_page = teach(manager, layout).location
    for address in (report_page, "/cpar/reports/lines"):
        assert manager.get(address, page=2**63 - 1).status_code == 200
        assert manager.get(address, page="x").status_code == 422
