"""Import of a list: upload, columns, review, and what is refused."""

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page, expect
from sqlalchemy import select

from cpar_plugin.services.uploads import limits
from cpar_plugin.store.tables import list_layout, member, upload, upload_row
from oscar_host.host import OscarHost

from ..browser import OpenTab, choose, look
from .conftest import MANAGER
from .list_layouts import LAYOUTS, LISTED, ListLayout, form_of

pytestmark = pytest.mark.databases("one")


@pytest.fixture
def patients(oscar: Any) -> list[int]:
    """Those of the lists, with their PHNs, and someone who is on none."""
    oscar.patient(hin="999999999", last_name="Other", born="1911-01-01")
    return [
        oscar.patient(
            hin=one.phn,
            last_name=one.family_name,
            first_name=one.given_name,
            born=one.born.isoformat(),
            sex=one.gender,
        )
        for one in LISTED
    ]


def text_of(response: Any) -> str:
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]+>", " ", response.get_data(as_text=True))))


def members_of(host: OscarHost) -> dict[int, int]:
    with host.database.engine.connect() as connection:
        return {row.patient_id: row.panel_id for row in connection.execute(select(member))}


def send(person: Any, layout: ListLayout, panel_id: int | str = "") -> Any:
    """As a browser does: Werkzeug's own client leaves the file open that it makes of a large form."""
    fields = {"csrf_token": person.shown_token(), "panel_id": panel_id}
    parts = [f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}'.encode() for name, value in fields.items()]
    head = f'Content-Disposition: form-data; name="file"; filename="{layout.file_name}"\r\n\r\n'
    body = b"".join(b"--line\r\n" + part + b"\r\n" for part in (*parts, head.encode() + layout.data)) + b"--line--\r\n"
    return person.client.post("/cpar/import", data=body, content_type="multipart/form-data; boundary=line")


@pytest.mark.parametrize("name", LAYOUTS)
def test_lists_of_ten_layouts_are_imported_and_the_next_goes_straight_through(
    host: OscarHost, manager: Any, panel: int, other_panel: int, patients: list[int], name: str
) -> None:
    layout = LAYOUTS[name]()
    target = "" if layout.own_panels else panel
    answer = send(manager, layout, target)
    assert (answer.status_code, answer.location) == (303, "/cpar/import/columns")
    page = manager.get("/cpar/import/columns").get_data(as_text=True)
    fields = form_of(page)
    if layout.asked:
        answer = manager.post("/cpar/import/columns", step="continue", **fields)
        assert answer.status_code == 422
        assert layout.asked in text_of(answer)
    for field, value in layout.answers.items():
        if field == "panel_choice":
            choices = zip(fields["panel_text"], fields["panel_choice"], strict=True)
            fields[field] = [str(value.get(text, choice)) for text, choice in choices]
        else:
            fields[field] = value
    answer = manager.post("/cpar/import/columns", step="continue", **fields)
    assert (answer.status_code, answer.location) == (303, "/cpar/import/review"), text_of(answer)
    review = manager.get("/cpar/import/review").get_data(as_text=True)
    upload_id = fields["upload_id"]
    listed = [one for place, one in enumerate(LISTED) if name != "semicolons_of_a_european_excel" or place in (0, 2, 3)]
    if layout.proposals:
        assert "Will be added: 0" in review
        manager.post("/cpar/import/review", step="accept-all", upload_id=upload_id)
        review = manager.get("/cpar/import/review").get_data(as_text=True)
    assert f"Will be added: {len(listed)}" in review
    key = re.search(r'name="form_key" value="(\w+)"', review)
    assert key
    order = {"step": "carry-out", "upload_id": upload_id, "form_key": key[1], "expected": len(listed)}
    result = manager.post("/cpar/import/review", **order)
    assert manager.post("/cpar/import/review", **order).location == result.location  # a second click
    ids = {one.phn: patient for one, patient in zip(LISTED, patients, strict=True)}
    expected = {ids[one.phn]: panel for one in listed}
    if name == "providers_by_name":
        expected = {ids[one.phn]: (panel, other_panel)[place % 2] for place, one in enumerate(LISTED)}
    assert members_of(host) == expected
    assert f"Added: {len(listed)}" in re.sub(r" +", " ", text_of(manager.get(result.location)))
    with host.database.engine.connect() as connection:
        assert connection.execute(select(upload.c.upload_id)).all() == []
        assert connection.execute(select(upload_row.c.row_number)).all() == []
        remembered = len(connection.execute(select(list_layout.c.fingerprint)).all())
    again = send(manager, layout, target)
    assert remembered == (0 if name == "without_column_names" else 1)
    assert again.location == ("/cpar/import/review" if remembered else "/cpar/import/columns")
    if remembered:
        assert f"Already there: {0 if layout.proposals else len(listed)}" in manager.get(again.location).get_data(
            as_text=True
        )
    manager.post(f"{result.location}/undo")
    assert members_of(host) == {}


def test_other_letters_and_another_header_are_proposed_for_again(manager: Any, panel: int, patients: list[int]) -> None:
    data = "x,y\nPHN,Last name,First name\n012345678,Côté,Hélène\n".encode("mac-roman")
    send(manager, ListLayout("mac.csv", data), panel)
    page = manager.get("/cpar/import/columns")
    assert "C™tŽ" in text_of(page)
    fields = form_of(page.get_data(as_text=True)) | {"encoding": "mac-roman"}
    shown = manager.post("/cpar/import/columns", step="show", **fields)
    assert "Côté" in text_of(shown)
    fields = form_of(shown.get_data(as_text=True)) | {"header": "1"}
    shown = manager.post("/cpar/import/columns", step="continue", **fields)  # nobody has seen what it means yet
    assert shown.status_code == 200
    assert [*form_of(shown.get_data(as_text=True))["field"]] != [*fields["field"]]


def test_a_row_that_is_accepted_is_imported_and_can_be_withdrawn(
    host: OscarHost, manager: Any, panel: int, patients: list[int]
) -> None:
    data = f"PHN,Last name,First name,DOB\n,{LISTED[2].family_name},José,1991-06-07\n".encode()
    send(manager, ListLayout("one.csv", data), panel)
    fields = form_of(manager.get("/cpar/import/columns").get_data(as_text=True))
    manager.post("/cpar/import/columns", step="continue", **fields)
    form = {"upload_id": fields["upload_id"]}
    page = manager.get("/cpar/import/review")
    assert "Not found or doubtful: 1" in text_of(page)
    assert "Same name and date of birth" in text_of(page)
    assert manager.post("/cpar/import/review", step="accept", **form).status_code == 422
    manager.post("/cpar/import/review", step="accept", row="2", **form)
    assert "Will be added: 1" in text_of(manager.get("/cpar/import/review"))
    manager.post("/cpar/import/review", step="withdraw", **form)
    assert "Will be added: 0" in text_of(manager.get("/cpar/import/review"))
    assert manager.post("/cpar/import/review", step="carry-out", **form).location == "/cpar/import"
    assert members_of(host) == {}
    file = manager.get("/cpar/import/rows")
    assert file.headers["Content-Disposition"] == 'attachment; filename="imported-list.csv"'
    assert "Same name and date of birth" in file.get_data(as_text=True)
    manager.post("/cpar/import/review", step="discard", **form)
    assert manager.get("/cpar/import/rows").status_code == 404
    assert manager.post("/cpar/import/review", step="accept-all", **form).status_code == 404


def test_a_form_of_an_earlier_list_changes_nothing(manager: Any, panel: int, patients: list[int]) -> None:
    send(manager, LAYOUTS["export_of_an_emr"](), panel)
    fields = form_of(manager.get("/cpar/import/columns").get_data(as_text=True))
    send(manager, LAYOUTS["names_only"](), panel)
    assert manager.post("/cpar/import/columns", step="continue", **fields).status_code == 409
    assert manager.post("/cpar/import", step="discard", upload_id=fields["upload_id"]).status_code == 409
    assert "You are working on the list names.csv" in text_of(manager.get("/cpar/import"))


def test_the_list_of_another_person_is_not_shown(manager: Any, barred: Any, panel: int, patients: list[int]) -> None:
    send(manager, LAYOUTS["export_of_an_emr"](), panel)
    assert "export.csv" in text_of(manager.get("/cpar/import"))
    assert "export.csv" not in text_of(barred.get("/cpar/import"))
    assert barred.get("/cpar/import/columns").location == "/cpar/import"


def test_a_file_may_be_larger_than_other_forms_and_no_larger_than_its_limit(
    app: Flask, manager: Any, nobody: Any, panel: int
) -> None:
    two_megabytes = b"PHN,Last name\n" + b"123456789,Example\n" * 99_000
    assert send(manager, ListLayout("large.csv", two_megabytes), panel).status_code == 303
    over = ListLayout("over.csv", b"x" * (limits.FILE_BYTES + 1))
    answer = send(manager, over, panel)
    assert answer.status_code == 422
    assert "The file is larger than 10 MB." in text_of(answer)
    far_over = ListLayout("over.csv", b"x" * (limits.FILE_BYTES + 2 * limits.MEGABYTE))
    answer = send(manager, far_over, panel)
    assert answer.status_code == 413
    assert "The file is larger than 10 MB. Go back" in text_of(answer)
    answer = send(nobody, ListLayout("large.csv", two_megabytes), panel)
    assert answer.status_code == 303  # to sign in: it is not read for them
    assert answer.location.startswith("/sign-in")


def test_what_is_no_list_is_refused_at_the_field(manager: Any, panel: int) -> None:
    answer = send(manager, ListLayout("x.pdf", b"%PDF-1.7"), panel)
    assert answer.status_code == 422
    assert 'href="#cpar-file">This is a PDF.' in answer.get_data(as_text=True)
    assert manager.post("/cpar/import", panel_id=panel).status_code == 422
    assert send(manager, LAYOUTS["names_only"](), "x").status_code == 422
    assert send(manager, LAYOUTS["names_only"](), 999999).status_code in (404, 422)


@pytest.mark.parametrize("script", [True, False])
def test_a_list_is_imported_in_a_browser(
    host: OscarHost, open_tab: OpenTab, panel: int, patients: list[int], tmp_path: Path, script: bool
) -> None:
    layout = LAYOUTS["semicolons_of_a_european_excel"]()
    file = tmp_path / layout.file_name
    file.write_bytes(
        layout.data + b"Nobody;Nora;01/02/1990;999999998\r\n" + "Côté;Hel;03/02/1980;\r\n".encode("cp1252")
    )
    page = open_tab(MANAGER, script=script)
    page.goto("/cpar/panels")
    page.get_by_role("link", name="Import a List").click()
    _seen(page, "import-upload", script)
    choose(page, "Panel", "0042")
    page.get_by_label("List", exact=True).set_input_files(file)
    page.get_by_role("button", name="Upload").click()
    expect(page.get_by_role("cell", name="Côté").first).to_be_visible()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("link", name="Select the order of the dates")).to_be_visible()
    _seen(page, "import-columns", script)
    choose(page, "Order of the dates", "Day, month, year")
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="Not found or doubtful: 2")).to_be_visible()
    page.get_by_label("Accept row 9").check()
    _seen(page, "import-review", script)
    page.get_by_role("button", name="Accept selected").click()
    expect(page.get_by_role("heading", name="Already there: 1")).to_be_visible()  # the same patient again
    page.get_by_role("button", name="Import 3 Patients").click()
    expect(page.get_by_text("Patients of an uploaded list assigned to panel 0042.")).to_be_visible()
    assert len(members_of(host)) == 3
    page.get_by_role("button", name=re.compile("Undo")).click()
    expect(page.get_by_text("Patients restored: 3")).to_be_visible()
    assert members_of(host) == {}


def _seen(page: Page, name: str, script: bool) -> None:
    if script:
        look(page, name)
        page.set_viewport_size({"width": 1280, "height": 800})
