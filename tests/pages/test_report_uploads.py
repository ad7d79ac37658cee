"""An upload that is cut off, a bomb, a file of the wrong kind, two at once: each is told plainly, nothing half done."""

import gc
import io
import re
import socket
import zipfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPResponse
from threading import Barrier
from typing import Any
from urllib.parse import urlsplit

import openpyxl
import pytest
from flask import Flask
from sqlalchemy import func, select

from cpar_plugin.store.tables import list_layout, report, report_line, report_row, upload, upload_row
from oscar_host.host import OscarHost

from .conftest import BARRED, Person
from .report_layouts import REPORTS
from .test_reports import FORM, body_of, send, teach, text_of

# Werkzeug leaves the temporary file of a form that it gives up to the garbage collector, which closes it.
ABANDONED = pytest.mark.filterwarnings("ignore:Unclosed file <tempfile.SpooledTemporaryFile:ResourceWarning")
PLAIN = REPORTS["plain"]()
KEPT = (report, report_row, report_line, upload, upload_row, list_layout)


def counts(host: OscarHost) -> list[int]:
    """How many rows there are of all that an upload may leave."""
    with host.database.engine.connect() as connection:
        return [connection.scalar(select(func.count()).select_from(table)) or 0 for table in KEPT]


def cut_off(site: str, person: Person, body: bytes, sent: int) -> int:
    """Send the first bytes of a form whose length is announced, then hang up. Returns the status of the answer."""
    address = urlsplit(site)
    cookies = "; ".join(f"{cookie.key}={cookie.value}" for cookie in person.client._cookies.values())
    head = [f"POST /cpar/reports HTTP/1.1\r\nHost: {address.netloc}", f"Content-Type: {FORM}", f"Cookie: {cookies}"]
    with socket.create_connection((address.hostname, address.port), timeout=120) as connection:
        connection.sendall("\r\n".join([*head, f"Content-Length: {len(body)}", "", ""]).encode() + body[:sent])
        connection.shutdown(socket.SHUT_WR)
        response = HTTPResponse(connection)
        response.begin()
        return response.status


@ABANDONED
@pytest.mark.databases("one")
@pytest.mark.parametrize("part", [0.0, 0.1, 0.5, 0.99])
def test_half_an_upload_leaves_nothing_and_the_whole_file_can_be_uploaded_afterwards(
    host: OscarHost, manager: Any, patients: list[int], configured: None, site: str, part: float
) -> None:
    send(manager, PLAIN.data)
    teach(manager, PLAIN)
    before = counts(host)
    next_report = PLAIN.data + b"999999999,Nobody,Nora,1980-02-03,Dr. Else,North Clinic\r\n"
    body = body_of(manager.shown_token(), next_report)
    assert cut_off(site, manager, body, int(part * len(body))) == 400
    gc.collect()
    assert counts(host) == before
    assert send(manager, next_report).location == "/cpar/reports/2"


@ABANDONED
@pytest.mark.databases("one")
def test_a_form_without_its_end_is_refused_although_all_that_was_announced_has_come(
    host: OscarHost, manager: Any, configured: None
) -> None:
    whole = body_of(manager.shown_token(), PLAIN.data)
    for body in (whole[:-9], whole[: len(whole) // 2]):
        answer = manager.client.post("/cpar/reports", data=body, content_type=FORM)
        assert answer.status_code in (400, 422)
    gc.collect()
    assert counts(host) == [0] * len(KEPT)


def packed(**parts: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    return file.getvalue()


def workbook(*rows: Sequence[object]) -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    for row in rows:
        book.active.append(row)
    book.save(file)
    return file.getvalue()


def bomb() -> bytes:
    """A spreadsheet of some hundred kilobytes that says it is more than may be unpacked."""
    return packed(**{"xl/workbook.xml": b"<workbook/>", "xl/worksheets/sheet1.xml": b" " * (201 * 1024 * 1024)})


def lying_bomb() -> bytes:
    """The same, but in the archive it says that it is small."""
    size = (201 * 1024 * 1024).to_bytes(4, "little")
    return bomb().replace(size, (1000).to_bytes(4, "little"))


SPREADSHEET_ML = b"""<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>
<Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"><Worksheet><Table/></Worksheet></Workbook>"""
WRONG = {
    "empty": (lambda: b"", "a.csv", "Select a file that is not empty."),
    "pdf": (lambda: b"%PDF-1.7\n1 0 obj", "report.pdf", "This is a PDF."),
    "picture": (lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)), "page.png", "This is a picture."),
    "scan": (lambda: b"II*\0" + bytes(range(256)), "report.tif", "This is a picture."),
    "docx": (
        lambda: packed(**{"[Content_Types].xml": b"<Types/>", "word/document.xml": b"<document/>"}),
        "report.docx",
        "This is a document, not a spreadsheet.",
    ),
    "zip": (lambda: packed(**{"report.csv": PLAIN.data}), "reports.zip", "Unpack it, and upload the list"),
    "encrypted": (lambda: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "a.xls", "cannot be read"),
    "bomb": (bomb, "report.xlsx", "needs too much memory or time to be read"),
    "lying bomb": (lying_bomb, "report.xlsx", "This spreadsheet"),
    "web page": (lambda: b"<html><body><table><tr><td>PHN</td></tr></table>", "report.xls", "save it as XLSX"),
    "spreadsheet as xml": (lambda: SPREADSHEET_ML, "report.xls", "save it as XLSX"),
    "half a workbook": (lambda: workbook(["PHN"], ["1"])[:3000], "report.xlsx", "cannot be read"),
}


@pytest.mark.databases("one")
@pytest.mark.parametrize("what", WRONG)
def test_a_file_of_the_wrong_kind_is_notified_plainly_and_nothing_is_kept(
    host: OscarHost, manager: Any, configured: None, what: str
) -> None:
    make, name, message = WRONG[what]
    data = make()
    assert len(data) < 300_000
    answer = send(manager, data, name)
    page = text_of(answer)
    assert (answer.status_code, message in page) == (422, True), page
    assert counts(host) == [0] * len(KEPT)


@pytest.mark.databases("one")
def test_a_report_that_was_imported_already_is_refused_whatever_its_name_and_panel(
    host: OscarHost, manager: Any, patients: list[int], panel: int, configured: None
) -> None:
    send(manager, PLAIN.data)
    teach(manager, PLAIN)
    before = counts(host)
    for name, panel_id in (("report.csv", ""), ("other.txt", str(panel))):
        answer = send(manager, PLAIN.data, name, panel_id=panel_id)
        assert answer.status_code == 422
        assert "uploaded this same file on" in text_of(answer)
    assert counts(host) == before


def test_of_two_who_upload_the_same_file_at_once_one_is_notified_that_it_is_there(
    host: OscarHost, app: Flask, manager: Any, patients: list[int], configured: None
) -> None:
    send(manager, PLAIN.data)
    teach(manager, PLAIN)
    people, together = (manager, Person(app, BARRED)), Barrier(2)
    tokens = [person.shown_token() for person in people]
    next_report = PLAIN.data + b"Total,,,,,7\r\n"

    def upload_it(place: int) -> Any:
        body = body_of(tokens[place], next_report)
        together.wait(60)
        return people[place].client.post("/cpar/reports", data=body, content_type=FORM)

    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(upload_it, (0, 1)))
    [taken] = [answer for answer in answers if answer.status_code == 303]
    [refused] = [answer for answer in answers if answer.status_code != 303]
    assert re.fullmatch(r"/cpar/reports/\d+", taken.location)
    assert refused.status_code == 422, text_of(refused)
    assert "this same file" in text_of(refused)
    assert "Nothing was changed." in text_of(refused)
    assert counts(host)[:2] == [2, 2 * len(patients)]
