"""What the plugin itself checks: its regular work, the records, folders, and the registry."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import insert, update

from cpar_plugin.domain.panel import PanelDraft, PanelProvider
from cpar_plugin.hooks import Actor, Health
from cpar_plugin.host_kit.clock import FixedClock, SystemClock
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.health import connections, folders, registry_connection
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import Settings, load
from cpar_plugin.store.tables import client, submission
from oscar_host.demo.registry.process import running
from oscar_host.host import OscarHost, open_host

from ..authority import Authority
from .conftest import Doctor

MANAGER = Actor(actor_id="101", display_name="No101 Doctor")


@pytest.fixture
def at(host: OscarHost, clock: FixedClock, tmp_path: Path) -> Callable[[str], None]:
    """An enabled clinic; what is due is done at the moment that is given."""
    clock.move_to(dt.datetime(2026, 11, 2, 10))  # noqa: DTZ001  # the clinic's
    clinic.enable(host, MANAGER)
    clinic.save(host, MANAGER, name="Example Clinic", site_id="S1", version=1)

    def run(moment: str) -> None:
        clock.move_to(dt.datetime.fromisoformat(moment))
        run_due(host, Settings(outbox_folder=tmp_path / "outbox"), host.clock.now())

    return run


@pytest.fixture
def on_panel(host: OscarHost, at: Any, oscar: Any) -> Callable[..., int]:
    """A new patient on the only panel; returns the panel_id."""
    oscar.provider("101")
    panel_id = editing.create(host, MANAGER, PanelDraft("P1", ("000113",), (PanelProvider("101", "123456789"),), ""))

    def add(number: int, **columns: Any) -> int:
        patient_id = oscar.patient(**({"hin": f"{100000000 + number}"} | columns))
        oscar.visit(patient_id)
        one_patient.choose(host, MANAGER, patient_id, panel_id, seen_panel_id=None)
        return panel_id

    return add


def test_a_clinic_that_has_not_begun_is_shown_what_to_do_first(host: OscarHost, doctor: Doctor) -> None:
    assert "cpar enable" in doctor()["cpar-clinic"].remedy
    assert doctor()["cpar-scheduler"].level == "ok"
    clinic.enable(host, MANAGER)
    assert "Site ID" in doctor()["cpar-clinic"].message


def test_a_scheduler_that_has_stopped_is_a_failure(at: Any, doctor: Doctor) -> None:
    at("2026-11-02T10:00")
    assert doctor(now="2026-11-02T10:05")["cpar-clinic"].level == "ok"
    assert doctor(now="2026-11-02T10:05")["cpar-scheduler"].level == "ok"
    report = doctor(now="2026-11-02T10:30")["cpar-scheduler"]
    assert (report.level, "Nov 2, 2026, 10:00 AM" in report.message) == ("failure", True)


def test_a_night_run_that_did_not_take_place_is_a_warning(at: Any, doctor: Doctor) -> None:
    assert doctor(now="2026-11-02T10:05")["cpar-night-run"].message == "No night run has been due yet."
    at("2026-11-03T03:15")
    assert doctor(now="2026-11-03T10:00")["cpar-night-run"].level == "ok"
    report = doctor(now="2026-11-04T10:00")["cpar-night-run"]
    assert (
        report.level,
        "Nov 4, 2026 did not take place; the last one was on Nov 3, 2026" in report.message,
    ) == (
        "warning",
        True,
    )


def test_no_night_run_is_missed_in_the_blackout(at: Any, doctor: Doctor) -> None:
    at("2026-11-19T03:15")
    assert doctor(now="2026-11-25T10:00")["cpar-night-run"].level == "ok"


def test_a_submission_that_has_failed_is_a_failure_with_the_panels_number(
    at: Any, on_panel: Any, host: OscarHost, doctor: Doctor
) -> None:
    on_panel(1)
    at("2026-11-07T03:15")
    assert doctor(now="2026-11-07T03:20")["cpar-submissions"].level == "ok"
    with host.database.session() as session:
        session.execute(update(submission).values(state="failed", failure="It was not reached."))
    report = doctor(now="2026-11-07T03:20")["cpar-submissions"]
    assert report.level == "failure"
    assert report.message.startswith("Panel P1: failed. It was not reached. Press Retry")


def test_a_refresh_that_has_stopped_is_a_warning_where_someone_reads(
    at: Any, host: OscarHost, clock: FixedClock, doctor: Doctor
) -> None:
    assert doctor(now="2026-11-02T15:00")["cpar-fhir-refresh"].level == "ok"
    with host.database.session() as session:
        session.execute(insert(client).values(**_client(clock.now())))
    assert doctor(now="2026-11-02T15:00")["cpar-fhir-refresh"].level == "warning"
    clock.move_to(dt.datetime.fromisoformat("2026-11-02T14:50"))
    refresh.run(host, load(host.settings))
    assert doctor(now="2026-11-02T15:00")["cpar-fhir-refresh"].level == "ok"


def _client(now: dt.datetime) -> dict[str, Any]:
    values = {column.name: "x" for column in client.c if not column.nullable and column.default is None}
    values.pop("client_id")
    return values | {column.name: now for column in client.c if column.name == "created_at"}


def test_the_share_of_those_excluded_is_reported_with_the_reasons(on_panel: Any, doctor: Doctor) -> None:
    assert doctor(now="2026-11-02T10:05")["cpar-exclusions"].message == "No patient is on a panel yet."
    for number in range(20):
        on_panel(number + 1)
    assert doctor(now="2026-11-02T10:05")["cpar-exclusions"].level == "ok"
    for number in range(3):
        on_panel(number + 50, sex="" if number else "F", hin="")
    report = doctor(now="2026-11-02T10:05")["cpar-exclusions"]
    assert report.level == "warning"
    assert report.message == "3 of 23 patients on panels would be excluded (13 %): No PHN 3, No gender 2."


def test_when_everyone_would_be_excluded_it_is_a_failure(on_panel: Any, doctor: Doctor) -> None:
    on_panel(1, hin="")
    assert doctor(now="2026-11-02T10:05")["cpar-exclusions"].level == "failure"


def test_providers_without_a_fitting_practitioner_id_are_named(doctor: Doctor, oscar: Any) -> None:
    oscar.provider("101")
    oscar.patient(provider_no="101")
    oscar.provider("201", ohip_no="")  # of no patient
    assert doctor()["cpar-practitioner-ids"].level == "ok"
    for number, practitioner_id in (("102", ""), ("103", "12"), ("104", "1234-56789")):
        oscar.provider(number, ohip_no=practitioner_id)
        oscar.patient(provider_no=number)
    report = doctor()["cpar-practitioner-ids"]
    assert (report.level, report.message) == (
        "warning",
        "Of 4 active providers with active patients: 1 without a Practitioner ID (102), 1 with one that is not nine "
        "digits (103), 2 with one that another provider also has (101, 104).",
    )


def test_a_folder_that_cannot_be_written_is_a_failure(doctor: Doctor, tmp_path: Path) -> None:
    assert doctor()["cpar-outbox"].level in ("ok", "warning")  # the disk may be full
    (tmp_path / "file").write_text("")
    report = doctor(outbox_folder=str(tmp_path / "file"), fhir_export_folder=str(tmp_path / "file" / "exports"))
    assert (report["cpar-outbox"].level, report["cpar-exports"].level) == ("failure", "failure")
    assert "mode 700" in report["cpar-outbox"].remedy
    assert doctor(outbox_folder=str(tmp_path / "none" / "outbox"))["cpar-outbox"].level == "failure"


def test_little_room_is_a_warning_and_nothing_is_left_in_the_folder(tmp_path: Path) -> None:
    assert folders.room(tmp_path, "outbox_folder", least_free=1).level == "ok"
    assert folders.room(tmp_path, "outbox_folder", least_free=2**62).level == "warning"
    assert list(tmp_path.iterdir()) == []


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def by_the_real_clock(tmp_path: Path) -> Iterator[OscarHost]:
    """Certificates end in real time. No database is needed for them."""
    host = open_host(f"sqlite:///{tmp_path}/none.db", clock=SystemClock())
    yield host
    host.database.engine.dispose()


@pytest.mark.parametrize(("days", "level"), [(90.0, "ok"), (10.0, "warning"), (-1.0, "failure")])
def test_certificates_are_looked_at_for_how_long_they_are_good(
    days: float, level: str, authority: Authority, tmp_path: Path, by_the_real_clock: OscarHost
) -> None:
    certificate, key = authority.issue("127.0.0.1", days=days)
    arguments = ["--certificate", certificate, "--key", key]
    with running(tmp_path / "registry", arguments, ca_file=authority.file) as there:
        settings = Settings(
            transport="fhir",
            registry_url=there.fhir_url,
            registry_ca_file=authority.file,
            registry_client_certificate=certificate,
            registry_client_key=key,
        )
        result = registry_connection.certificate(by_the_real_clock, settings)
        assert result.level == level, result
        assert registry_connection.reachable(by_the_real_clock, settings).level == ("failure" if days < 0 else "ok")
        assert registry_connection.client_certificate(by_the_real_clock, settings).level == level
        if days > 0:
            assert f"{int(days) - 1} days left" in result.message
        assert there.received() == [] if days > 0 else True


def test_a_registry_that_is_not_there_is_a_failure(by_the_real_clock: OscarHost) -> None:
    settings = Settings(transport="fhir", registry_url="http://127.0.0.1:1/fhir")
    result = registry_connection.reachable(by_the_real_clock, settings)
    assert (result.level, "127.0.0.1:1" in result.message) == ("failure", True)


def test_signing_in_to_the_registry_is_tried(tmp_path: Path, by_the_real_clock: OscarHost) -> None:
    def asked(secret: str) -> Health:
        settings = Settings(
            transport="fhir",
            registry_url=there.fhir_url,
            registry_token_url=there.token_url,
            registry_client_id="clinic",
            registry_client_secret=secret,
        )
        return registry_connection.sign_in(by_the_real_clock, settings)

    arguments = ["--client-id", "clinic", "--client-secret", "right-one"]
    with running(tmp_path / "registry", arguments) as there:
        assert asked("right-one").level == "ok"
        wrong = asked("wrong-one")
    assert (wrong.level, "registry_client_secret" in wrong.message, "wrong-one" in wrong.message) == (
        "failure",
        True,
        False,
    )


def test_panels_with_an_address_and_no_mail_server_are_warned_of(host: OscarHost, at: Any, oscar: Any) -> None:
    assert connections.mail_addresses(host, Settings()).level == "ok"
    oscar.provider("101")
    draft = PanelDraft("P1", ("000113",), (PanelProvider("101", "123456789"),), "manager@clinic.example")
    editing.create(host, MANAGER, draft)
    result = connections.mail_addresses(host, Settings())
    assert result.level == "warning"
    assert "Panels with an email address for failed submissions: 1. No mail server is set" in result.message
    assert "smtp_host" in result.remedy
    working = Settings(smtp_host="mail.example", smtp_from="cpar@clinic.example")
    assert "public_url is not set" in connections.mail_addresses(host, working).message
    linked = working.model_copy(update={"public_url": "https://emr.example/oscar/cpar"})
    result = connections.mail_addresses(host, linked)
    assert (result.level, "public_url" in result.message) == ("ok", False)
