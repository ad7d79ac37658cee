"""Whatever is sent: an answer of 4xx that says what to do, nothing half done, nothing of patients in the log."""

import logging
from typing import Any

import pytest
from flask import Blueprint, Flask
from sqlalchemy import select

from cpar_plugin.hooks import Manifest, Plugins, hookimpl
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.panels.editing import live_panels
from cpar_plugin.store import tables
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

HOSTILE = [
    "",
    "   ",
    "\0",
    "\x1b[31m",
    "x" * 5000,
    "'; DROP TABLE cpar_panel; --",
    "<script>alert(1)</script>",
    "{{ 11111*11111 }}",  # a product that no token of a form holds by chance
    "\u202e\u0000\ufffe",
    "🙈" * 60,
    "-1",
    "1e9",
    "99999999999999999999999",
    "١٢٣",
    "../../etc/passwd",
]


def _state(host: OscarHost) -> list[Any]:
    with host.database.engine.connect() as connection:
        return [
            connection.execute(select(table)).all()
            for table in (tables.clinic, tables.panel, tables.member, tables.submission, tables.ledger)
        ]


def _is_a_clear_refusal(answer: Any, sent: str = "") -> None:
    page = answer.get_data(as_text=True)
    assert 400 <= answer.status_code < 500, page
    assert "<h1" in page
    assert "Traceback" not in page
    assert "<script>" not in page
    assert "123454321" not in page or "{{" not in sent


@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_text_in_any_field_is_refused_and_nothing_changes(
    host: OscarHost, oscar: Any, manager: Any, panel: int, text: str
) -> None:
    patient = oscar.patient()
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    before = _state(host)
    of_panel = {"number": "0099", "facilities": "7", "providers": "101", "practitioner_ids": "123456789"}
    order = {"kind": "assign", "provider_id": "101", "status": "AC", "panel_id": str(panel), "step": "carry-out"}
    sends: list[tuple[str, dict[str, str]]] = [
        (f"/cpar/patients/{patient}/choose", {"panel_id": text, "seen_panel_id": str(panel)}),
        (f"/cpar/panels/{panel}/delete", {"version": text}),
        (f"/cpar/panels/{panel}/edit", {**of_panel, "version": text}),
        ("/cpar/settings", {"name": "A", "site_id": "B", "version": text}),
        ("/cpar/bulk", {**order, "panel_id": text}),
        ("/cpar/bulk", {**order, "provider_id": text}),
        ("/cpar/bulk", {**order, "kind": text}),
        ("/cpar/panels/new", {**of_panel, "facilities": text}),
        ("/cpar/panels/new", {**of_panel, "providers": text}),
    ]
    if text.strip():
        sends += [
            (f"/cpar/patients/{patient}/remove", {"seen_panel_id": text}),
            (f"/cpar/patients/{patient}/confirm", {"seen_panel_id": text}),
            ("/cpar/panels/new", {**of_panel, "practitioner_ids": text}),
            ("/cpar/panels/new", {**of_panel, "notify": text}),
            ("/cpar/panels/new", {**of_panel, "step": text}),
            ("/cpar/bulk", {**order, "step": text}),
        ]
    for address, fields in sends:
        _is_a_clear_refusal(manager.post(address, **fields), text)
    assert _state(host) == before


@pytest.mark.parametrize(
    "address",
    [
        "/cpar/patients/1/choose",
        "/cpar/panels/new",
        "/cpar/panels/{panel}/edit",
        "/cpar/panels/{panel}/delete",
        "/cpar/settings",
        "/cpar/bulk",
        "/sign-in",
        "/",
    ],
)
def test_an_empty_form_is_refused(host: OscarHost, oscar: Any, manager: Any, panel: int, address: str) -> None:
    oscar.patient(demographic_no=1)
    before = _state(host)
    _is_a_clear_refusal(manager.post(address.format(panel=panel)))
    assert _state(host) == before


def test_fields_sent_many_times_are_refused(host: OscarHost, manager: Any, panel: int) -> None:
    answer = manager.post(
        "/cpar/panels/new", number="1", facilities=["1"] * 60, providers=["101"] * 60, practitioner_ids=[""] * 60
    )
    _is_a_clear_refusal(answer)
    assert "at most 50" in answer.get_data(as_text=True)
    answer = manager.post(
        "/cpar/panels/new", number="1", facilities=["1", "1"], providers=["101", "101"], practitioner_ids=["", ""]
    )
    _is_a_clear_refusal(answer)
    assert answer.get_data(as_text=True).count("entered twice") == 4


@pytest.mark.parametrize("address", ["/cpar/panels/new", "/cpar/settings", "/cpar/bulk", "/sign-in", "/"])
def test_a_huge_form_is_refused_unread(manager: Any, panel: int, address: str) -> None:
    answer = manager.client.post(address, data={"number": "x" * 2_000_000})
    _is_a_clear_refusal(answer)
    assert answer.status_code == 413


@pytest.mark.parametrize(
    "address",
    [
        "/patients/99999999999999999999",
        "/patients/-1",
        "/patients/abc",
        "/cpar/patients/99999999999999999999/widget",
        "/cpar/panels/99999999999999999999/edit",
        "/cpar/panels/9223372036854775807/edit",
        "/cpar/bulk/9223372036854775807",
        "/cpar/static/../plugin.py",
        "/nowhere",
    ],
)
def test_an_address_of_nothing_is_a_404(manager: Any, panel: int, address: str) -> None:
    answer = manager.get(address)
    _is_a_clear_refusal(answer)
    assert answer.status_code == 404


def test_a_method_that_an_address_does_not_have_is_refused(manager: Any, panel: int) -> None:
    _is_a_clear_refusal(manager.get(f"/cpar/panels/{panel}/submit"))
    _is_a_clear_refusal(manager.client.delete("/cpar/panels"))


def test_a_patient_who_is_not_there_cannot_be_paneled(host: OscarHost, manager: Any, panel: int) -> None:
    before = _state(host)
    answer = manager.post("/cpar/patients/2147483648/choose", panel_id=panel, seen_panel_id="")
    assert answer.status_code == 404
    assert _state(host) == before


def test_neither_log_nor_page_shows_a_patient_when_something_breaks(
    app: Flask, host: OscarHost, oscar: Any, manager: Any, panel: int, caplog: pytest.LogCaptureFixture
) -> None:
    patient = oscar.patient(last_name="Zwicky", first_name="Quirin", hin="987654321")
    caplog.set_level(logging.DEBUG)
    manager.post("/", search_text="Zwicky")
    manager.post("/", search_text="987654321")
    manager.get(f"/patients/{patient}")
    with host.database.writing() as connection:
        tables.member.drop(connection)
    for answer in (
        manager.post(f"/cpar/patients/{patient}/choose", panel_id=panel, seen_panel_id=""),
        manager.get("/cpar/panels"),
    ):
        page = answer.get_data(as_text=True)
        assert answer.status_code == 500
        assert "Something went wrong" in page
        assert "cpar_member" not in page
    assert "Zwicky" not in caplog.text
    assert "987654321" not in caplog.text
    assert "Traceback" not in caplog.text
    assert "in cpar.panels" in caplog.text
    assert "is unavailable" in manager.get(f"/patients/{patient}").get_data(as_text=True)
    assert live_panels.__name__ in caplog.text


def test_what_is_searched_for_is_in_no_address(manager: Any, oscar: Any, panel: int) -> None:
    oscar.patient(last_name="Zwicky")
    assert "zwi" not in manager.post("/", search_text="zwi").location.lower()
    answer = manager.see("/", search_text="zwi")
    assert "ZWICKY" in answer.get_data(as_text=True)
    assert "ZWICKY" not in manager.get("/", search_text="zwi").get_data(as_text=True)


class _Careless:
    """A plugin whose page fails with an error that names a patient."""

    @hookimpl
    def emr_manifest(self) -> Manifest:
        return Manifest(name="careless", version="1", contract=">=1.0,<2")

    @hookimpl
    def emr_blueprints(self, host: OscarHost) -> list[Blueprint]:
        pages = Blueprint("careless", __name__)
        pages.add_url_rule("/careless", "page", self.page)
        return [pages]

    @staticmethod
    def page() -> str:
        raise ValueError("Zwicky, PHN 987654321")


def test_an_error_that_names_a_patient_is_logged_without_its_text(
    host: OscarHost, caplog: pytest.LogCaptureFixture
) -> None:
    plugins = Plugins()
    plugins.add(_Careless(), "careless")
    answer = create_app(host, plugins).test_client().get("/careless")
    assert answer.status_code == 500
    assert "Zwicky" not in answer.get_data(as_text=True)
    assert "ValueError in careless.page" in caplog.text
    assert "Zwicky" not in caplog.text
    assert "987654321" not in caplog.text
