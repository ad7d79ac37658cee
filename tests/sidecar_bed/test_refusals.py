"""What nginx answers in our place, and that nothing of what was asked stands in any log."""

import json
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import closing
from http.client import HTTPResponse, RemoteDisconnected
from typing import NamedTuple

import psutil
import pytest
import requests

from .bed import Bed
from .units import Units

PHN, NAME = "987654321", "Quillfeather"
ASKED = f"{NAME}-{PHN}"
TOO_LONG = "x" * 9000
MUST_NOT_BE_LOGGED = (PHN, NAME.lower())


class Answered(NamedTuple):
    status: int
    headers: Mapping[str, str]
    body: str


def sent(bed: Bed, raw: bytes, *, is_awaited: bool = True) -> Answered | None:
    """What comes back for these bytes, if anything does."""
    context = ssl.create_default_context(cafile=bed.authority)
    with (
        socket.create_connection(("127.0.0.1", bed.oscar.site_port), timeout=120) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1") as connection,
    ):
        connection.sendall(raw)
        return _answered(connection) if is_awaited else None


def _answered(connection: socket.socket) -> Answered | None:
    with closing(HTTPResponse(connection)) as response:
        try:
            response.begin()
        except (RemoteDisconnected, ConnectionError):
            return None
        return Answered(response.status, response.headers, response.read().decode())


REST = b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
REFUSED = {
    "an address that is too long": (414, b"GET %b?family=" + f"{ASKED}{TOO_LONG}".encode() + REST + b"\r\n"),
    "raw letters": (400, b"GET %b?family=" + f"{ASKED}é".encode() + REST + b"\r\n"),
    "a blank in the address": (400, b"GET %b?family=" + f"{ASKED} Mary".encode() + REST + b"\r\n"),
    "headers that are too large": (
        431,
        b"GET %b?family=" + ASKED.encode() + REST + b"X: " + TOO_LONG.encode() + b"\r\n\r\n",
    ),
    "a body that is too large": (
        413,
        b"POST %b?family=" + ASKED.encode() + REST + b"Content-Length: 9000000\r\n\r\n",
    ),
    "no such method": (405, b"TRACE %b?family=" + ASKED.encode() + REST + b"\r\n"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_nginx_refuses_is_an_operation_outcome_under_fhir_and_a_page_elsewhere(bed: Bed, what: str) -> None:
    expected, raw = REFUSED[what]
    for path in (b"/fhir/Patient", b"/oscar/cpar/fhir/Patient"):
        refusal = sent(bed, raw.replace(b"%b", path))
        assert refusal
        assert (refusal.status, refusal.headers["Content-Type"]) == (
            expected,
            "application/fhir+json; charset=utf-8",
        ), refusal
        [issue] = json.loads(refusal.body)["issue"]
        assert issue["severity"] == "error"
        assert issue["code"]
        assert issue["diagnostics"]
    refusal = sent(bed, raw.replace(b"%b", b"/oscar/cpar/panels"))
    assert refusal
    assert (refusal.status, refusal.headers["Content-Type"]) == (expected, "text/html; charset=utf-8")
    assert "<h1>" in refusal.body
    assert "nginx" not in refusal.body


@pytest.mark.parametrize("place", [b"import", b"reports"])
@pytest.mark.parametrize(("size", "is_refused"), [(9_000_000, False), (12_000_000, True)])
def test_a_list_that_is_uploaded_may_be_larger_than_other_forms(
    bed: Bed, size: int, is_refused: bool, place: bytes
) -> None:
    head = b"POST /oscar/cpar/" + place + REST + f"Content-Length: {size}\r\n\r\n".encode()
    answer = sent(bed, head if is_refused else head + bytes(size))
    assert answer
    assert ("The request is too large. Send less at a time." in answer.body) == is_refused


@pytest.mark.parametrize("what", ["an address that is too long", "headers that are too large"])
def test_what_is_refused_of_oscars_has_no_words_of_ours(bed: Bed, what: str) -> None:
    expected, raw = REFUSED[what]
    refusal = sent(bed, raw.replace(b"%b", b"/oscar/demographic/demographiccontrol.jsp"))
    assert refusal
    assert refusal.status == expected
    assert "CPAR" not in refusal.body


def test_while_the_service_is_stopped_programs_and_people_are_asked_to_try_again(bed: Bed) -> None:
    bed.stop_application()
    try:
        fhir, page = (
            requests.get(f"{bed.site}{path}", verify=bed.authority, timeout=60)
            for path in ("/fhir/metadata", "/oscar/cpar/panels")
        )
    finally:
        bed.start_application()
    assert (fhir.status_code, fhir.headers["Retry-After"]) == (502, "10")
    assert fhir.json()["issue"][0]["code"] == "transient"
    assert (page.status_code, page.headers["Retry-After"]) == (502, "10")
    assert "Try again in a moment." in page.text


def test_nothing_of_what_was_asked_is_in_any_log(bed: Bed) -> None:
    where = (f"/fhir/Patient/{ASKED}", f"/fhir/{ASKED}", f"/oscar/cpar/{ASKED}/panels", f"/oscar/cpar/panels/{ASKED}")
    for path in where:
        for _, raw in REFUSED.values():
            sent(bed, raw.replace(b"%b", path.encode()))
        start = f"GET {path}?family={ASKED}".encode()
        form = f"POST {path}?family={ASKED}".encode() + REST + b"Content-Type: application/x-www-form-urlencoded\r\n"
        for raw in (
            start + REST + b"\r\n",
            start + REST + f"X-{ASKED}: 1\r\nX_{ASKED}: {ASKED}\r\nAuthorization: Bearer {ASKED}\r\n\r\n".encode(),
            start + REST + f"Cookie: JSESSIONID={ASKED}\r\nReferer: https://127.0.0.1{path}\r\n\r\n".encode(),
            start + b" HTTP/9.9\r\nHost: 127.0.0.1\r\n\r\n",
            start + b"\x00 \x01" + REST + b"\r\n",
            form + b"Content-Length: 5\r\n\r\n" + ASKED.encode(),
            form + b"Transfer-Encoding: chunked\r\n\r\n" + ASKED.encode() + b"\r\n",
            form + f"Transfer-Encoding: {ASKED}\r\n\r\n".encode(),
        ):
            sent(bed, raw)
        for raw in (
            start,
            start + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nX",
            form + b"Content-Length: 900\r\n\r\n" + ASKED.encode(),
        ):
            sent(bed, raw, is_awaited=False)
    _straight_to_gunicorn(bed, *(raw.replace(b"%b", b"/fhir/Patient") for _, raw in REFUSED.values()))
    results = [
        f"{log.name}: {line}"
        for log in bed.folder.rglob("*.log")
        for line in log.read_text(errors="replace").splitlines()
        if any(word in line.lower() for word in MUST_NOT_BE_LOGGED)
    ]
    assert results == []
    logged = (bed.folder / "cpar-access.log").read_text()
    assert '"GET /fhir/Patient" 40' in logged
    assert "A request failed: InvalidRequestLine" in bed.log()


def _straight_to_gunicorn(bed: Bed, *raw: bytes) -> None:
    """As one might who is on the machine."""
    for one in raw:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.connect(str(bed.folder / "app.sock"))
            connection.sendall(one)
            connection.settimeout(120)
            _answered(connection)


_ENDLESS = """
import time
from oscar_host import sidecar

def app():
    application = sidecar.app()
    application.wsgi_app = endless
    return application

def endless(environ, start_response):
    start_response("200 OK", [("Content-Type", "application/fhir+json")])
    while True:
        yield b"." * 10_000
        time.sleep(0.01)
"""


@pytest.fixture
def endless(bed: Bed) -> Iterator[Units]:
    """The service, with an answer that has no end in place of its own."""
    (bed.folder / "endless.py").write_text(_ENDLESS)
    folder = bed.folder / "endless-units"
    folder.mkdir()
    for name in ("cpar.service", "cpar.socket"):
        unit = (bed.files / name).read_text()
        (folder / name).write_text(unit.replace("oscar_host.sidecar:app()", "endless:app()"))
    bed.stop_application()
    units = Units(folder, bed.folder / "endless.log", bed.environment)
    units.start("cpar.socket", "cpar")
    yield units
    units.stop_all()
    bed.start_application()


def test_an_answer_that_is_cut_off_by_a_killed_worker_does_not_pass_for_complete(bed: Bed, endless: Units) -> None:
    with requests.get(f"{bed.site}/fhir/Group/1", verify=bed.authority, stream=True, timeout=120) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_content(10_000)
        assert next(pieces)
        for worker in psutil.Process(endless.pid("cpar")).children(recursive=True):
            worker.kill()
        with pytest.raises(requests.exceptions.ChunkedEncodingError):
            for _ in pieces:
                pass
