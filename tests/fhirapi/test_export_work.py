"""Exports while other things happen: changes, crashes, restarts, cancelling, and several workers."""

import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import event, func, select

from cpar_plugin.domain.export import ExportState
from cpar_plugin.domain.scopes import KINDS
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.exports import jobs
from cpar_plugin.services.exports.files import Files, Section, open_file
from cpar_plugin.services.exports.jobs import Export, StillRunning
from cpar_plugin.services.exports.process import carry_out
from cpar_plugin.services.exports.request import ExportRequest
from cpar_plugin.services.exports.workers import Workers
from cpar_plugin.services.operations import clinic, memberships, record
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from cpar_plugin.store.ledger import PanelMembership
from oscar_host.host import OscarHost

from ..waiting import wait_until
from .clients import Registered
from .exporting import accepted, fetched, finished, kick_off
from .rest import Json, Reader
from .test_versions_at_scale import MEBIBYTE, add, peak

MANY = 6000  # an export of so many, none of whom was looked at before, takes long enough to be met at work
A_SECOND = timedelta(seconds=1)
WORKING = """
from cpar_plugin.services.exports.workers import Workers
from cpar_plugin.settings import load
from oscar_host.host import from_environment

host = from_environment()
Workers(host, load(host.settings)).work_off()
"""


@pytest.fixture
def configured(tmp_path: Path) -> Settings:
    return Settings(fhir_export_folder=tmp_path / "exports")


@pytest.fixture
def caller(registered: Callable[..., Registered]) -> Caller:
    client_id = registered().client_id
    return Caller(Actor(actor_id=client_id, display_name="Network"), client_id, EVERYTHING, None)


@pytest.fixture
def ask(site: OscarHost, caller: Caller) -> Callable[..., str]:
    """Asks for an export of everything."""
    return lambda: jobs.create(site, caller, ExportRequest(kinds=KINDS), None, "")


def find(host: OscarHost, caller: Caller, export_id: str) -> Export:
    with host.database.engine.connect() as connection:
        return jobs.find(connection, caller, export_id)


def read(folder: Path, kind: str) -> list[Json]:
    return [orjson.loads(line) for line in folder.joinpath(f"{kind}.ndjson").read_bytes().splitlines()]


# At once


def test_of_many_kick_offs_at_the_same_moment_one_is_accepted(
    reader: Reader, app: Flask, people: dict[str, int]
) -> None:
    start = threading.Barrier(6)

    def ask(_: int) -> int:
        start.wait()
        return kick_off(reader).status_code

    app.extensions["cpar_fhir_callers"].exports.wake = lambda: None
    with ThreadPoolExecutor(6) as pool:
        statuses = Counter(pool.map(ask, range(6)))
    assert statuses == {202: 1, 429: 5}


def test_several_clients_are_served_each_with_its_own(
    reader_for: Callable[..., Reader], people: dict[str, int]
) -> None:
    readers = [reader_for(f"Client {number}") for number in range(5)]
    addresses = [accepted(kick_off(one)) for one in readers]
    for reader, address in zip(readers, addresses, strict=True):
        assert len(fetched(reader, address).ids("Patient")) == len(people)


def test_an_export_is_of_one_moment_while_others_change_everything(
    site: OscarHost,
    emr: OscarHost,
    clerk: Actor,
    make_panel: Any,
    caller: Caller,
    ask: Callable[[], str],
    configured: Settings,
) -> None:
    panels = {make_panel("A1", "101"): "101", make_panel("B1", "102"): "102"}
    here, there = panels
    add(emr, here, range(1, 801))
    with changing(site, clerk, here, there) as moved:
        for _ in range(4):
            before = moved[0]
            wait_until(lambda: moved[0] > before, every=0.002)  # noqa: B023
            export_id = ask()
            Workers(site, configured).work_off()
            made = find(site, caller, export_id)
            assert_one_moment(configured.fhir_export_folder / (made.claim or ""), panels)
            jobs.remove(site, configured, made)


def test_an_export_does_not_see_what_changes_between_its_statements(
    site: OscarHost, emr: OscarHost, clerk: Actor, make_panel: Any, ask: Callable[[], str], configured: Settings
) -> None:
    panels = {make_panel("A1", "101"): "101", make_panel("B1", "102"): "102"}
    places = [*panels]
    add(emr, places[0], range(1, 801))
    ask()
    export, moved = jobs.take_one(site, configured), []

    def change() -> bool:
        """Is asked at every step whether to stop."""
        places.reverse()
        moved.append(bulk.carry_out(site, clerk, bulk.Move(places[1], places[0], "AC")))
        return False

    assert export
    assert carry_out(site, configured, export, change)
    assert len(moved) > 3
    assert_one_moment(configured.fhir_export_folder / (export.claim or ""), panels)


def assert_one_moment(folder: Path, panels: dict[int, str]) -> None:
    """All 800 are on one panel, of whose provider's each of them is."""
    members = {
        one["entity"]["reference"]: group["id"] for group in read(folder, "Group") for one in group.get("member", ())
    }
    assert len(members) == 800
    assert len(set(members.values())) == 1
    for patient in read(folder, "Patient"):
        [role] = [one["reference"] for one in patient["generalPractitioner"]]
        panel_id = int(members[f"Patient/{patient['id']}"])
        assert role == f"PractitionerRole/{panels[panel_id]}-000113"


def test_a_change_that_is_under_way_is_waited_for(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    panel: int,
    caller: Caller,
    ask: Callable[[], str],
    clock: FixedClock,
    configured: Settings,
) -> None:
    patient_id, export_id = oscar.patient(), ask()
    worker = threading.Thread(target=Workers(site, configured).work_off)
    with site.database.session() as session:
        clinic.lock(session)
        operation_id = record.begin(session, site, clerk, record.OperationKind.ADD, panel_id=panel)
        stored = PanelMembership(panel, clock.now(), None, None)
        worker.start()
        worker.join(0.5)  # it would be through by now, and would have missed what has its stamp already
        memberships.change_one(session, operation_id, patient_id, None, stored)
    worker.join()
    made = find(site, caller, export_id)
    [exported] = read(configured.fhir_export_folder / (made.claim or ""), "Patient")
    assert exported["id"] == str(patient_id)


@contextmanager
def changing(host: OscarHost, clerk: Actor, here: int, there: int) -> Iterator[list[int]]:
    """Moves everybody between two panels, again and again; tells how often."""
    result, moved = threading.Event(), [0]

    def work() -> None:
        source, target = here, there
        while not result.is_set():
            bulk.carry_out(host, clerk, bulk.Move(source, target, "AC"))
            moved[0] += 1
            source, target = target, source
            result.wait(0.02)

    thread = threading.Thread(target=work)
    thread.start()
    try:
        yield moved
    finally:
        result.set()
        thread.join()


# Broken off


@pytest.mark.databases("in turn")
def test_an_export_whose_process_was_killed_is_made_again(
    site: OscarHost,
    emr: OscarHost,
    make_panel: Any,
    environment: dict[str, str],
    clock: FixedClock,
    caller: Caller,
    ask: Callable[[], str],
    configured: Settings,
) -> None:
    add(emr, make_panel("A1"), range(1, MANY + 1))
    export_id, folder = ask(), configured.fhir_export_folder
    process = subprocess.Popen(
        [sys.executable, "-c", WORKING],
        env={**environment, "CPAR_FHIR_EXPORT_FOLDER": str(folder), "CPAR_NOW": clock.now().isoformat()},
    )
    wait_until(lambda: [*folder.glob("*/Patient.ndjson")], every=0.002)
    process.send_signal(signal.SIGKILL)
    process.wait()
    broken_off = find(site, caller, export_id)
    assert broken_off.state == "running"
    with pytest.raises(StillRunning):
        ask()
    workers = Workers(site, configured)
    workers.work_off()
    assert find(site, caller, export_id) == broken_off  # nobody knows yet that it is dead
    clock.move_to(clock.now() + configured.claim_time)
    workers.work_off()
    made = find(site, caller, export_id)
    assert made.state == "completed"
    assert [path.name for path in folder.iterdir()] == [made.claim]
    ids = [one["id"] for one in read(folder / (made.claim or ""), "Patient")]
    assert len(ids) == len(set(ids)) == MANY
    assert ask()


def test_an_export_that_breaks_off_again_and_again_has_failed(
    registered: Callable[..., Registered],
    app: Flask,
    people: dict[str, int],
    site: OscarHost,
    clock: FixedClock,
    configured: Settings,
) -> None:
    client, workers = registered(), Workers(site, configured)
    app.extensions["cpar_fhir_callers"].exports.wake = lambda: None
    address = accepted(kick_off(Reader(app, client.token())))
    for _ in range(3):
        assert jobs.take_one(site, configured)  # by a worker that is never heard of again
        clock.move_to(clock.now() + configured.claim_time)
    workers.work_off()
    reader = Reader(app, client.token())
    answer = reader.get(address)
    assert (answer.status_code, answer.json["resourceType"]) == (500, "OperationOutcome")  # type: ignore[index]
    assert "interrupted several times" in answer.text
    assert accepted(kick_off(reader))


def test_an_export_claimed_with_a_clock_that_was_ahead_is_taken_up(
    site: OscarHost, people: dict[str, int], clock: FixedClock, ask: Callable[[], str], configured: Settings
) -> None:
    ask()
    now = clock.now()
    clock.move_to(now + timedelta(days=1))
    ahead = jobs.take_one(site, configured)
    assert ahead
    clock.move_to(now)
    jobs.release_ahead(site, configured)
    again = jobs.take_one(site, configured)
    assert again
    assert (again.export_id, jobs.hold(site, configured, ahead)) == (ahead.export_id, False)
    jobs.release_ahead(site, configured)
    assert jobs.hold(site, configured, again)


def test_a_worker_that_was_too_slow_changes_nothing(
    site: OscarHost,
    people: dict[str, int],
    clock: FixedClock,
    caller: Caller,
    ask: Callable[[], str],
    configured: Settings,
) -> None:
    export_id = ask()
    slow = jobs.take_one(site, configured)
    assert slow
    assert jobs.take_one(site, configured) is None
    clock.move_to(clock.now() + configured.claim_time - A_SECOND)
    assert jobs.hold(site, configured, slow)  # it is still alive
    clock.move_to(clock.now() + configured.claim_time - A_SECOND)
    assert jobs.take_one(site, configured) is None
    clock.move_to(clock.now() + A_SECOND)
    quick = jobs.take_one(site, configured)
    assert quick
    assert not carry_out(site, configured, slow, lambda: False)
    assert find(site, caller, export_id).claim == quick.claim
    assert carry_out(site, configured, quick, lambda: False)
    made = find(site, caller, export_id)
    assert (made.state, made.claim) == ("completed", quick.claim)
    assert [path.name for path in configured.fhir_export_folder.iterdir()] == [quick.claim]
    assert not jobs.hold(site, configured, slow)


@pytest.mark.databases("in turn")
def test_a_process_that_stops_leaves_the_work_to_the_next(
    site: OscarHost, emr: OscarHost, make_panel: Any, caller: Caller, ask: Callable[[], str], configured: Settings
) -> None:
    add(emr, make_panel("A1"), range(1, MANY + 1))
    export_id, stopping = ask(), Workers(site, configured)
    stopping.wake()
    assert stopping._threads == set()  # there is no background yet
    stopping.start()
    stopping.wake()
    wait_until(lambda: [*configured.fhir_export_folder.glob("*/Patient.ndjson")], every=0.002)
    stopping.stop()
    left = find(site, caller, export_id)
    assert left.state == "waiting"
    assert [*configured.fhir_export_folder.iterdir()] == []
    Workers(site, configured).work_off()  # at once, without waiting for the claim to run out
    assert find(site, caller, export_id).state == "completed"


@pytest.mark.databases("in turn")
def test_an_export_that_is_cancelled_at_work_leaves_nothing(
    site: OscarHost, emr: OscarHost, make_panel: Any, reader: Reader, app: Flask, tmp_path: Path
) -> None:
    add(emr, make_panel("A1"), range(1, MANY + 1))
    folder, workers = tmp_path / "exports", app.extensions["cpar_fhir_callers"].exports
    address = accepted(kick_off(reader))
    wait_until(lambda: [*folder.glob("*/Patient.ndjson")], every=0.002)
    assert reader.send("DELETE", address).status_code == 202
    assert reader.get(address).status_code == 404
    assert reader.send("DELETE", address).status_code == 404
    wait_until(lambda: not workers._threads)
    assert [*folder.iterdir()] == []
    assert finished(reader, accepted(kick_off(reader))).status_code == 200


def test_the_work_for_a_client_that_was_revoked_is_dropped(
    site: OscarHost, clerk: Actor, people: dict[str, int], caller: Caller, ask: Callable[[], str], configured: Settings
) -> None:
    ask()
    registry.revoke(site, clerk, str(caller.client_id))
    Workers(site, configured).work_off()
    with site.database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(tables.export)) == 0
    assert [*configured.fhir_export_folder.iterdir()] == []


def test_what_no_row_knows_of_is_removed(site: OscarHost, configured: Settings) -> None:
    folder = configured.fhir_export_folder
    left, strange = folder / "0b0e9a0e-7d0c-4c8e-9d57-3a5f1d6a2f11", folder / "something else"
    for one in (left, strange):
        one.mkdir(parents=True)
        one.joinpath("Patient.ndjson").write_bytes(b"x")
    Workers(site, configured).maintain()
    assert [*folder.iterdir()] == [strange]


def test_files_that_cannot_be_written_fail_the_export_with_words_for_its_owner(
    served: Callable[..., Flask],
    site: OscarHost,
    reader: Reader,
    people: dict[str, int],
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
) -> None:
    taken = tmp_path / "taken"
    taken.write_text("a file")
    broken = Reader(served(site, {"fhir_export_folder": str(taken)}), reader.token)
    answer = finished(broken, accepted(kick_off(broken)))
    assert (answer.status_code, answer.json["resourceType"]) == (500, "OperationOutcome")  # type: ignore[index]
    assert "could not be written" in answer.text
    assert "Tremblay" not in caplog.text
    assert accepted(kick_off(broken))


@pytest.mark.databases("in turn")
@pytest.mark.parametrize(("less", "most"), [(1000, 2500), pytest.param(2000, 12000, marks=pytest.mark.large)])
def test_memory_does_not_grow_with_the_panel(
    site: OscarHost,
    emr: OscarHost,
    make_panel: Any,
    caller: Caller,
    ask: Callable[[], str],
    configured: Settings,
    less: int,
    most: int,
) -> None:
    panel_id = make_panel("A1")

    def once() -> None:
        made = find(site, caller, ask())
        Workers(site, configured).work_off()
        jobs.remove(site, configured, find(site, caller, made.export_id))

    add(emr, panel_id, range(1, 11))
    once()
    add(emr, panel_id, range(11, less + 1))
    few = (peak(once), peak(once))  # while they are new, and later
    add(emr, panel_id, range(less + 1, most + 1))
    many = (peak(once), peak(once))
    for before, after in zip(few, many, strict=True):
        assert after - before < MEBIBYTE / 2


def test_a_worker_that_comes_a_moment_after_a_slow_worker_has_finished_leaves_its_files(
    site: OscarHost, clock: FixedClock, configured: Settings, caller: Caller, ask: Callable[..., str]
) -> None:
    export_id = ask()
    slow = jobs.take_one(site, configured)
    assert slow
    assert slow.claim
    files = Files(configured.fhir_export_folder, slow.claim, 1_000)
    with files.writing(Section.OUTPUT, "Group") as writer:
        writer.lines([b"{}"])
    clock.move_to(clock.now() + configured.claim_time + A_SECOND)
    under_way = [slow]

    @event.listens_for(site.database.engine, "after_cursor_execute")
    def finish(_: Any, __: Any, statement: str, *___: Any) -> None:
        if under_way and "ORDER BY cpar_export.created_at" in statement:
            assert jobs.finish(site, configured, under_way.pop(), files.written)

    assert jobs.take_one(site, configured) is None
    assert not under_way
    assert find(site, caller, export_id).state is ExportState.COMPLETED
    kept = open_file(configured.fhir_export_folder, slow.claim, files.written[0])
    assert kept
    kept.close()
