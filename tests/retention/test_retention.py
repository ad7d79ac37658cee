"""What is kept for a time is removed afterwards, and nothing else is."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, func, insert, select

from cpar_plugin import plugin
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.health import times_kept
from cpar_plugin.services.operations import clinic, kept
from cpar_plugin.services.retention import retention
from cpar_plugin.services.retention.kinds import RETENTION, RecordKind
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..fhirapi.receiver import switched_off

CLERK = Actor(actor_id="101", display_name="Clerk")
DAY = timedelta(days=1)
Add = Callable[[timedelta], None]


def counts(host: OscarHost) -> dict[str, int]:
    with host.database.engine.connect() as connection:
        rows = {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in tables.metadata.sorted_tables
        }
    return {name: count for name, count in rows.items() if count}


def one_of_each(host: OscarHost, ago: timedelta) -> None:
    """A record of each kind, kept since so long ago, or expired since then."""
    then = host.clock.now() - ago
    mark = f"{ago.total_seconds():.0f}"[-30:]
    look_id = abs(int(ago.total_seconds()))
    rows: list[tuple[Any, dict[str, Any]]] = [
        (
            tables.look,
            {"look_id": look_id, "at": then, "actor_id": "101", "role": "", "page": "cpar.panel"}
            | {"path": "", "address": ""},
        ),
        (tables.look_patient, {"look_id": look_id, "patient_id": 1}),
        (
            tables.client_confirmation,
            {"client_id": 1, "idempotency_key": mark, "panel_id": 1, "patient_id": 1, "day": then.date()}
            | {"outcome": "confirmed", "at": then},
        ),
        (tables.read_set, {"set_id": look_id, "digest": mark.encode()}),
        (tables.read_set_patient, {"set_id": look_id, "patient_id": 1}),
        (
            tables.read,
            {"at": then, "actor_id": "client-1", "interaction": "read", "kind": "Patient"}
            | {"resource_id": "1", "patients": 1, "address": "", "set_digest": mark.encode()},
        ),
        (
            tables.exclusion_line,
            {"patient_id": int(ago.total_seconds()), "reason": "no-phn", "panel_id": 1}
            | {"opened_at": then, "closed_at": then, "state": "open", "note": "", "version": 1},
        ),
        (
            tables.subscription_event,
            {"subscription_id": 1, "number": look_id, "at": then, "kind": "added", "patient_id": 1, "panel_id": 1},
        ),
        (
            tables.check_in,
            {"day": then.astimezone(host.clock.zone).date(), "patient_id": 1, "answer": "not-asked"}
            | {"at": then, "actor_id": "101"},
        ),
        (tables.upload, {"upload_id": mark, "actor_id": mark, "purpose": "import", "created_at": then, "name": ""}),
        (
            tables.report,
            {"report_id": look_id, "kind": "conflict", "received_at": then, "actor_id": "101", "name": ""}
            | {"sha256": mark, "reading": "{}", "rows_read": 1},
        ),
        (tables.report_piece, {"report_id": look_id, "position": 0, "data": b"PHN"}),
        (
            tables.report_row,
            {"report_id": look_id, "row_number": 2, "line_key": mark, "phn": "", "family_name": "", "given_name": ""}
            | {"birth_date": "", "gender": "", "panel_text": "", "details": "{}", "matches": 0, "accepted": False},
        ),
        (
            tables.report_line,
            {"kind": "conflict", "panel_id": 0, "line_key": mark, "report_id": look_id, "times": 1, "opened_at": then}
            | {"state": "open", "note": "", "version": 1},
        ),
        (
            tables.letter,
            {"line_id": 1, "patient_id": 1, "direction": "sent", "day": then.date(), "party": "", "letterhead": ""}
            | {"text": "", "recorded_at": then, "recorded_by": "101"},
        ),
        (tables.upload_piece, {"upload_id": mark, "position": 0, "data": b"PHN"}),
        (
            tables.export,
            {"export_id": mark, "actor_id": "101", "request_url": "", "request": "{}", "created_at": then}
            | {"state": "completed", "finished_at": then, "expires_at": then + DAY},
        ),
        (tables.kept, {"token_hash": mark, "owner": "101", "sealed": b"", "expires_at": then}),
        (tables.client_token, {"digest": mark, "client_id": 1, "scopes": "", "expires_at": then}),
        (tables.client_assertion, {"client_id": 1, "jti_digest": mark, "expires_at": then}),
        (tables.request_count, {"name": mark, "number": 1, "expires_at": then}),
        (
            tables.snapshot,
            {"snapshot_id": mark, "panel_id": 1, "taken_at": then, "sent": 1, "excluded": 0, "entries": 1}
            | {"body_bytes": 1, "sha256": ""},
        ),
        (tables.snapshot_piece, {"snapshot_id": mark, "part": 0, "position": 0, "data": b"x"}),
    ]
    with host.database.session() as session:
        for table, row in rows:
            session.execute(insert(table).values(row))


@pytest.fixture
def clinic_with_a_past(host: OscarHost, clock: FixedClock) -> OscarHost:
    """A panel and a client, and one record of each kind that is eleven years old."""
    with host.database.session() as session:
        now = host.clock.now()
        session.execute(insert(tables.panel).values(panel_id=1, number="1", created_at=now))
        row = {"client_id": 1, "name": "x", "scopes": "", "created_at": now, "created_by": "101"}
        session.execute(insert(tables.client).values(row))
    switched_off(host)
    one_of_each(host, 11 * 366 * DAY)
    return host


def run_job(host: OscarHost) -> None:
    jobs = {job.name: job for job in plugin.emr_scheduled_jobs(host)}
    jobs["cpar-retention"].run(host.clock.now())


def test_the_job_removes_every_kind_whose_time_is_over_and_nothing_that_is_younger(
    clinic_with_a_past: OscarHost,
) -> None:
    host = clinic_with_a_past
    old = counts(host)
    one_of_each(host, -timedelta(minutes=1))
    run_job(host)
    # The rows that say that there was a submission stay, without its contents.
    assert counts(host) == old | {"cpar_snapshot": 2}
    with host.database.engine.connect() as connection:
        of_kinds = retention.kept(connection, host, Settings())
    assert {kind for kind, of_kind in of_kinds.items() if of_kind.oldest} == set(RecordKind)
    assert all(of_kind.oldest and of_kind.oldest >= host.clock.now() - DAY for of_kind in of_kinds.values())


@pytest.mark.parametrize(
    ("kind", "keep"),
    [
        (RecordKind.LOOKS, 3650 * DAY),
        (RecordKind.READS, 3650 * DAY),
        (RecordKind.SNAPSHOTS, 730 * DAY),
        (RecordKind.EXCLUSIONS, 60 * DAY),
        (RecordKind.UPLOADS, DAY),
        (RecordKind.EXPORTS, DAY),
    ],
)
@pytest.mark.databases("one")
def test_each_kind_is_kept_to_the_end_of_its_time(
    clinic_with_a_past: OscarHost, kind: RecordKind, keep: timedelta
) -> None:
    host = clinic_with_a_past
    run_job(host)
    minute = timedelta(minutes=1)
    one_of_each(host, keep - minute)
    with host.database.engine.connect() as connection:
        since = RETENTION[kind].oldest(connection, host.clock.zone)
    RETENTION[kind].remove(host, Settings(), host.clock.now())
    with host.database.engine.connect() as connection:
        assert RETENTION[kind].oldest(connection, host.clock.zone) == since == host.clock.now() - keep + minute
    if kind is not RecordKind.EXPORTS:  # each has its own end, by the clock of the host
        RETENTION[kind].remove(host, Settings(), host.clock.now() + 2 * minute)
        with host.database.engine.connect() as connection:
            assert RETENTION[kind].oldest(connection, host.clock.zone) is None


@pytest.mark.databases("one")
def test_an_answer_at_check_in_is_kept_by_days(clinic_with_a_past: OscarHost) -> None:
    host = clinic_with_a_past
    run_job(host)
    for days in (730, 731):
        row = {"day": host.clock.now().astimezone(host.clock.zone).date() - days * DAY, "patient_id": 1}
        with host.database.session() as session:
            session.execute(insert(tables.check_in).values(**row, answer="x", at=host.clock.now(), actor_id="101"))
    run_job(host)
    assert counts(host)["cpar_check_in"] == 1


def test_many_are_removed_in_portions_each_in_a_transaction_of_its_own(host: OscarHost) -> None:
    row = {
        "actor_id": "client-1",
        "interaction": "read",
        "kind": "Patient",
        "resource_id": "1",
        "patients": 1,
        "address": "",
    }
    moments = [host.clock.now() - 4000 * DAY + timedelta(minutes=number) for number in range(1200)]
    with host.database.session() as session:
        session.execute(insert(tables.read), [{**row, "at": moment} for moment in moments])
    left: list[int] = []

    def note(connection: Any) -> None:
        left.append(connection.scalar(select(func.count()).select_from(tables.read)))

    event.listen(host.database.engine, "commit", note)
    RETENTION[RecordKind.READS].remove(host, Settings(), host.clock.now())
    event.remove(host.database.engine, "commit", note)
    assert left == [700, 200, 0]


@pytest.mark.databases("one")
def test_doctor_says_how_old_the_oldest_are_and_warns_of_what_should_be_gone(clinic_with_a_past: OscarHost) -> None:
    host, settings = clinic_with_a_past, Settings()
    overdue = times_kept.retained(host, settings)
    assert overdue.level == "warning"
    assert all(kind.value in overdue.message for kind in RecordKind)
    run_job(host)
    assert times_kept.retained(host, settings).message == "No records that are kept for a time."
    one_of_each(host, timedelta(hours=2))
    fine = times_kept.retained(host, settings)
    assert (fine.level, "reads through the FHIR interface since Nov 10, 2026 (3650 days)" in fine.message) == (
        "ok",
        True,
    )
    assert "uploaded lists since Nov 10, 2026 (24 hours)" in fine.message


@pytest.mark.databases("one")
def test_a_kind_that_cannot_be_removed_keeps_no_other_from_it(
    clinic_with_a_past: OscarHost, caplog: pytest.LogCaptureFixture
) -> None:
    host = clinic_with_a_past
    with host.database.engine.begin() as connection:
        tables.read.drop(connection)
    run_job(host)
    assert "removal of reads through the FHIR interface: " in caplog.text
    with host.database.engine.connect() as connection:
        assert not connection.scalar(select(func.count()).select_from(tables.check_in))


@pytest.mark.databases("one")
def test_a_search_that_has_not_expired_is_still_found(host: OscarHost) -> None:
    clinic.enable(host, CLERK)
    token = kept.keep(host, "101", "text", timedelta(hours=1))
    run_job(host)
    assert kept.find(host, "101", token) == "text"
