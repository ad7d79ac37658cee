"""Every read of patients leaves a record, whatever happens meanwhile."""

import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from threading import Barrier, Event
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import Connection, delete, func, insert, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services.clients import read_sets
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.clients.read_log import Interaction, LogUnavailable, PatientRead, Reads
from cpar_plugin.store import tables
from oscar_host.demo.ports import free_port
from oscar_host.host import OscarHost

from ..waiting import PATIENCE
from .clients import Registered
from .recorded import GIVEN_OUT
from .rest import Reader

CALLER = Caller(Actor(actor_id="client-7", display_name="Network"), "client-7", EVERYTHING, None)


def given_out(host: OscarHost) -> list[int]:
    with host.database.engine.connect() as connection:
        return sorted(row.patient_id for row in connection.execute(GIVEN_OUT))


def written(host: OscarHost) -> int:
    with host.database.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(tables.read)) or 0


@pytest.fixture
def reads(site: OscarHost) -> Reads:
    return Reads(site)


def test_a_read_is_written_down_before_it_is_answered(reads: Reads, site: OscarHost) -> None:
    reads.note(CALLER, Interaction.READ, "Patient", "17", patient_ids=[17])
    with site.database.engine.connect() as connection:
        [row] = connection.execute(select(tables.read)).mappings()
        shown = connection.execute(GIVEN_OUT).all()
    assert {name: value for name, value in row.items() if name not in ("read_id", "patient_id", "set_digest")} == {
        "at": site.clock.now(),
        "actor_id": "client-7",
        "interaction": "read",
        "kind": "Patient",
        "resource_id": "17",
        "patients": 1,
        "address": "",
    }
    assert [tuple(each) for each in shown] == [(row["read_id"], 17)]


class BySession:
    """An audit trail of a host that writes by a session alone."""

    def __init__(self, real: Any) -> None:
        self._real = real

    def record(self, session: Session, *events: Any) -> None:
        self._real.record(session, *events)


@pytest.mark.parametrize("by_session", [False, True])
def test_it_is_in_the_log_of_the_emr_too(site: OscarHost, by_session: bool) -> None:
    reads = Reads(Around(site, audit=BySession(site.audit))) if by_session else Reads(site)  # type: ignore[arg-type]
    reads.note(CALLER, Interaction.READ, "Patient", "17", patient_ids=[17], address="2001:db8::7")
    reads.note(CALLER, Interaction.SEARCH, "Patient", patient_ids=[17, 18], address="2001:db8::7")
    reads.note(CALLER, Interaction.EXPORT, "Patient", patients=50, address="2001:db8::7")
    log = site.tables.log.c
    columns = (log.provider_no, log.action, log.content, log.contentId, log.demographic_no, log.data, log.ip)
    with site.database.engine.connect() as connection:
        rows = connection.execute(select(*columns).where(log.content.like("cparFhirPatient"))).all()
    line = ("client-7", "read", "cparFhirPatient")
    assert [tuple(row) for row in rows] == [
        (*line, "17", 17, "read by Network (client-7): 1: 17", "2001:db8::7"),
        (
            "client-7",
            "read",
            "cparFhirPatient",
            "search",
            None,
            "search by Network (client-7): 2: 17 18",
            "2001:db8::7",
        ),
        (*line, "export", None, "export by Network (client-7): 50", "2001:db8::7"),
    ]


class FailingDatabase:
    """The database of a host, which cannot be written while `broken`."""

    def __init__(self, real: Any) -> None:
        self._real, self.broken, self.tried = real, True, 0

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self.tried += 1
        if self.broken:
            raise OperationalError("INSERT", {}, Exception("gone"))
        with self._real.writing() as connection:
            yield connection


class Around:
    """A host with some of its ports replaced."""

    def __init__(self, host: OscarHost, **ports: Any) -> None:
        self._host = host
        self.__dict__.update(ports)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)


def test_while_the_database_cannot_be_written_no_one_reads(site: OscarHost, caplog: pytest.LogCaptureFixture) -> None:
    database = FailingDatabase(site.database)
    reads = Reads(Around(site, database=database))  # type: ignore[arg-type]
    with pytest.raises(LogUnavailable):
        reads.note(CALLER, Interaction.READ, "Patient", "918273", patient_ids=[918273])
    assert "1 reads through the FHIR interface could not be logged" in caplog.text
    assert "918273" not in caplog.text
    database.broken = False
    reads.note(CALLER, Interaction.READ, "Patient", "17", patient_ids=[17])
    assert written(site) == 1


class StandingDatabase:
    """The database of a host, of which every transaction waits until it may go on, and counts."""

    def __init__(self, real: Any) -> None:
        self._real, self.begun, self.entered, self.may_go_on = real, 0, Event(), Event()

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        self.begun += 1
        self.entered.set()
        assert self.may_go_on.wait(PATIENCE)
        with self._real.writing() as connection:
            yield connection


def test_reads_of_the_same_moment_are_written_together(site: OscarHost) -> None:
    for key in range(1, 10):  # once already, so that nothing else has to be stored
        Reads(site).note(CALLER, Interaction.READ, "Patient", str(key), patient_ids=[key])
    database = StandingDatabase(site.database)
    reads = Reads(Around(site, database=database))  # type: ignore[arg-type]
    with ThreadPoolExecutor(9) as pool:
        first = pool.submit(reads.note, CALLER, Interaction.READ, "Patient", "1", patient_ids=[1])
        assert database.entered.wait(PATIENCE)
        others = [
            pool.submit(reads.note, CALLER, Interaction.READ, "Patient", str(key), patient_ids=[key])
            for key in range(2, 10)
        ]
        while len(reads._waiting) < len(others):
            time.sleep(0.01)
        assert not any(answer.done() for answer in (first, *others))
        database.may_go_on.set()
    assert [answer.result() for answer in (first, *others)] == [None] * 9
    assert written(site) == 18
    assert database.begun == 2


def test_a_read_waits_no_longer_than_its_time_for_the_record_of_another(site: OscarHost) -> None:
    database = StandingDatabase(site.database)
    reads = Reads(Around(site, database=database), most_seconds=0.1)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(reads.note, CALLER, Interaction.READ, "Patient", "1", patient_ids=[1])
        assert database.entered.wait(PATIENCE)
        with pytest.raises(LogUnavailable):
            reads.note(CALLER, Interaction.READ, "Patient", "2", patient_ids=[2])
        database.may_go_on.set()
    first.result()
    assert written(site) == 1


class ClosedLog:
    """An EMR whose log may not be written."""

    def record(self, session: Session, *events: object) -> None:
        raise Refused("The EMR's log cannot be written.")


def test_where_the_log_of_the_emr_is_closed_our_own_record_remains(site: OscarHost) -> None:
    reads = Reads(Around(site, audit=ClosedLog()))  # type: ignore[arg-type]
    reads.note(CALLER, Interaction.READ, "Group", "1", patient_ids=range(1, 2001))
    assert written(site) == 1
    assert given_out(site) == list(range(1, 2001))


def test_so_it_does_on_the_connection_that_has_read(site: OscarHost) -> None:
    reads = Reads(Around(site, audit=ClosedLog()))  # type: ignore[arg-type]
    with site.database.engine.connect() as reader:
        assert reader.scalar(select(func.count()).select_from(tables.read)) == 0
        reads.note_all(CALLER, [PatientRead(Interaction.READ, "Patient", "17", patient_ids=[17])], "", reader)
    assert written(site) == 1
    assert given_out(site) == [17]


def test_many_threads_lose_nothing(reads: Reads, site: OscarHost) -> None:
    def read(number: int) -> None:
        reads.note(CALLER, Interaction.READ, "Patient", str(number + 1), patient_ids=[number + 1])

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(500)))
    assert written(site) == 500
    assert given_out(site) == list(range(1, 501))


def test_one_patient_is_recorded_in_a_row_of_the_read_the_first_time_too(
    reads: Reads, site: OscarHost, statements: list[str]
) -> None:
    for _ in range(2):
        statements.clear()
        reads.note(CALLER, Interaction.READ, "Patient", "17", patient_ids=[17])
        assert len(statements) == 2, statements  # the read, and the line of the EMR's log
    assert given_out(site) == [17, 17]
    with site.database.engine.connect() as connection:
        assert connection.execute(select(tables.read_set)).all() == []


def test_the_same_patients_are_stored_once_in_whatever_order_they_were_given_out(reads: Reads, site: OscarHost) -> None:
    reads.note(CALLER, Interaction.READ, "Group", "1", patient_ids=[17, 18, 19])
    reads.note(CALLER, Interaction.SEARCH, "Patient", patient_ids=[19, 17, 18, 17])
    reads.note(CALLER, Interaction.READ, "Group", "1", patient_ids=[17, 18])
    reads.note(CALLER, Interaction.READ, "Group", "1", patient_ids=[17, 18, 19])
    with site.database.engine.connect() as connection:
        rows = connection.execute(GIVEN_OUT).all()
        stored = connection.scalar(select(func.count()).select_from(tables.read_set_patient))
    by_read = [[row.patient_id for row in of_read] for _, of_read in groupby(rows, key=lambda row: row.read_id)]
    assert by_read == [[17, 18, 19], [17, 18, 19], [17, 18], [17, 18, 19]]
    assert stored == 5


def test_processes_that_give_out_the_same_new_patients_at_once_all_record_them(site: OscarHost) -> None:
    together = Barrier(4)

    def read_all(order: int) -> None:
        reads = Reads(site)  # of a process
        for first in range(1, 41):
            together.wait(PATIENCE)
            several = [range(first, first + 30), range(first + 100, first + 103)][::order]
            found = [PatientRead(Interaction.SEARCH, "Patient", patient_ids=each) for each in several]
            reads.note_all(CALLER, found, "")

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(read_all, (1, -1, 1, -1)))
    with site.database.engine.connect() as connection:
        recorded = Counter(row.patient_id for row in connection.execute(GIVEN_OUT))
        sets = connection.scalar(select(func.count()).select_from(tables.read_set))
    assert written(site) == 4 * 40 * 2
    assert sets == 40 * 2
    given = (each for first in range(1, 41) for each in (*range(first, first + 30), *range(first + 100, first + 103)))
    assert recorded == {patient_id: 4 * times for patient_id, times in Counter(given).items()}


class WaitingLog:
    """An EMR whose log takes its time: the records of reads are there then, and not committed."""

    def __init__(self) -> None:
        self.entered, self.may_go_on = Event(), Event()

    def record(self, session: Session, *events: object) -> None:
        self.entered.set()
        assert self.may_go_on.wait(PATIENCE)


def test_patients_whom_a_read_names_meanwhile_are_not_removed_with_older_reads(reads: Reads, site: OscarHost) -> None:
    reads.note(CALLER, Interaction.READ, "Group", "1", patient_ids=[17, 18])
    with site.database.session() as session:
        session.execute(delete(tables.read))
    audit = WaitingLog()
    slow = Reads(Around(site, audit=audit))  # type: ignore[arg-type]
    with ThreadPoolExecutor(2) as pool:
        read = pool.submit(slow.note, CALLER, Interaction.READ, "Group", "1", patient_ids=[17, 18])
        assert audit.entered.wait(PATIENCE)
        removal = pool.submit(read_sets.forget_unnamed, site)
        time.sleep(0.2)  # it waits for the read, or has to find out after it
        audit.may_go_on.set()
        assert (read.result(), removal.result()) == (None, None)
    assert given_out(site) == [17, 18]


def test_patients_that_were_removed_with_older_reads_are_stored_again(reads: Reads, site: OscarHost) -> None:
    for _ in range(2):
        reads.note(CALLER, Interaction.READ, "Group", "1", patient_ids=[17, 18])
        assert given_out(site) == [17, 18]
        with site.database.session() as session:
            session.execute(delete(tables.read))
        read_sets.forget_unnamed(site)
        with site.database.engine.connect() as connection:
            assert connection.execute(select(tables.read_set_patient)).all() == []


def test_every_read_and_search_of_patients_is_noted_with_whom(
    app: Flask, reader: Reader, panel: int, people: dict[str, int], site: OscarHost
) -> None:
    patient = people["helene"]
    etag = reader.get(f"/Patient/{patient}").headers["ETag"]
    assert reader.get(f"/Patient/{patient}", If_None_Match=etag).status_code == 304  # nothing was given out
    assert reader.get("/Patient/999999").status_code == 404
    members = {int(member["entity"]["reference"][8:]) for member in reader.json(f"/Group/{panel}")["member"]}
    reader.json(f"/Group/{panel}", {"_summary": "true"})
    found = {int(entry["resource"]["id"]) for entry in reader.json("/Patient", {"family": "Trem"})["entry"]}
    reader.json("/Organization")
    read = tables.read.c
    columns = (read.interaction, read.kind, read.resource_id, read.patients, read.read_id)
    with site.database.engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(read.read_id)).all()
        shown = connection.execute(GIVEN_OUT).all()
    by_read = [{pair.patient_id for pair in shown if pair.read_id == row.read_id} for row in rows]
    assert [(*row[:4], ids) for row, ids in zip(rows, by_read, strict=True)] == [
        ("read", "Patient", str(patient), 1, {patient}),
        ("read", "Group", str(panel), len(members), members),
        ("read", "Group", str(panel), 0, set()),
        ("search", "Patient", "", len(found), found),
    ]


@pytest.mark.parametrize("many", [50, 4200])
def test_a_group_names_whom_its_record_names_whether_it_is_put_together_or_sent_as_it_is_read(
    reader: Reader, panel: int, site: OscarHost, statements: list[str], many: int
) -> None:
    rows = [{"patient_id": 900000 + at, "panel_id": panel, "since": site.clock.now()} for at in range(many)]
    with site.database.session() as session:
        session.execute(insert(tables.member), rows)
    statements.clear()
    times = 2  # the first time it stores the patients, too
    for path in (f"/Group/{panel}", "/Group?member=Patient/900007") * times:
        answer = reader.json(path)
        group = answer["entry"][0]["resource"] if "entry" in answer else answer
        members = [int(member["entity"]["reference"][8:]) for member in group["member"]]
        assert members == sorted({*members, *(row["patient_id"] for row in rows)})
        assert len(members) == group["quantity"]
        with site.database.engine.connect() as connection:
            rows_of_reads = connection.execute(GIVEN_OUT).all()
        last = rows_of_reads[-1].read_id
        assert [row.patient_id for row in rows_of_reads if row.read_id == last] == members
    of_members = [each for each in statements if "FROM cpar_member" in each and "concat" in each]
    assert len(of_members) == (1 if many < 4096 else 8), "few are read once, and kept; many are read twice each time"


def test_nothing_is_given_out_that_could_not_be_noted(app: Flask, reader: Reader, panel: int) -> None:
    app.extensions["cpar_fhir_callers"].reads = Full()
    answer = reader.get(f"/Group/{panel}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert b"member" not in answer.data
    entries = [{"request": {"method": "GET", "url": url}} for url in (f"Group/{panel}", "Organization/clinic")]
    batch = reader.send("POST", "/", json={"resourceType": "Bundle", "type": "batch", "entry": entries}).json
    assert batch is not None
    group, clinic = batch["entry"]
    assert (group["response"]["status"][:3], "resource" in group) == ("503", False)
    assert clinic["response"]["status"] == "200 OK"


class Full:
    """Takes no record any more."""

    def note_all(self, *_: object) -> None:
        raise LogUnavailable


@pytest.mark.databases("in turn")
def test_a_server_that_is_killed_has_written_down_what_it_gave_out(
    site: OscarHost,
    environment: dict[str, str],
    registered: Callable[..., Registered],
    people: dict[str, int],
    panel: int,
) -> None:
    client = registered()
    port = free_port()
    base = f"http://127.0.0.1:{port}/fhir"
    program = str(Path(sys.executable).with_name("cpar"))
    log = subprocess.PIPE
    with subprocess.Popen([program, "serve", "--port", str(port)], env=environment, stderr=log) as server:
        until_it_answers(f"{base}/.well-known/smart-configuration")
        now = int(time.time())
        claims = client.claims(aud=f"{base}/token", exp=now + 200)
        answer = requests.post(f"{base}/token", data=client.form(client.pair.sign(claims)), timeout=60)
        headers = {"Authorization": f"Bearer {answer.json()['access_token']}"}
        for _ in range(30):
            read = requests.get(f"{base}/Patient/{people['helene']}", headers=headers, timeout=60)
            assert read.status_code == 200
        server.kill()
        server.communicate(timeout=PATIENCE)
    assert written(site) == 30


def until_it_answers(address: str) -> None:
    end = time.monotonic() + PATIENCE
    while True:
        try:
            requests.get(address, timeout=60)
        except requests.ConnectionError:
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return
