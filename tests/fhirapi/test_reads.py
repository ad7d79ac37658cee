"""Every read of patients leaves a record, whatever happens meanwhile."""

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.clients.read_log import Interaction, LogUnavailable, Reads
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .clients import Registered
from .rest import Reader

CALLER = Caller(Actor(actor_id="client-7", display_name="Network"), "client-7", EVERYTHING, None)
ENDING = """
import signal
import sys
import time

from cpar_plugin.hooks import Actor
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.clients.read_log import Interaction
from cpar_plugin.settings import load
from cpar_plugin.web.fhir.background import background
from cpar_plugin.host_kit.lifecycle import Lifecycle
from oscar_host.host import from_environment
from oscar_host.migrate import installed_plugins

signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
caller = Caller(Actor(actor_id="client-7", display_name="Network"), "client-7", EVERYTHING, None)
host = from_environment()
lifecycle = Lifecycle(installed_plugins(host), host)
reads = background(host, load(host.settings)).reads
lifecycle.start()
for number in range(250):
    reads.note(caller, Interaction.READ, "Patient", str(number + 1), 1)
print("noted", flush=True)
try:
    while True:  # a signal just before signal.pause() would not end that
        time.sleep(0.1)
finally:
    lifecycle.stop()
"""


def written(host: OscarHost) -> int:
    with host.database.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(tables.read)) or 0


@pytest.fixture
def reads(site: OscarHost) -> Iterator[Reads]:
    made = Reads(site)
    made.start()
    yield made
    made.stop()


def test_a_read_is_written_down_by_itself(reads: Reads, site: OscarHost) -> None:
    reads.note(CALLER, Interaction.READ, "Patient", "17", 1)
    end = time.monotonic() + 20
    while not written(site) and time.monotonic() < end:
        time.sleep(0.05)
    with site.database.engine.connect() as connection:
        [row] = connection.execute(select(tables.read)).mappings()
    assert dict(row) == {
        "read_id": 1,
        "at": site.clock.now(),
        "actor_id": "client-7",
        "interaction": "read",
        "kind": "Patient",
        "resource_id": "17",
        "patients": 1,
        "address": "",
    }


def test_it_is_in_the_log_of_the_emr_too(reads: Reads, site: OscarHost) -> None:
    reads.note(CALLER, Interaction.READ, "Patient", "17", 1, address="2001:db8::7")
    reads.note(CALLER, Interaction.SEARCH, "Patient", "", 50, address="2001:db8::7")
    reads.stop()
    log = site.tables.log.c
    columns = (log.provider_no, log.action, log.content, log.contentId, log.demographic_no, log.data, log.ip)
    with site.database.engine.connect() as connection:
        rows = connection.execute(select(*columns).where(log.content.like("cparFhirPatient"))).all()
    assert [tuple(row) for row in rows] == [
        ("client-7", "read", "cparFhirPatient", "17", 17, "read by Network (client-7): 1", "2001:db8::7"),
        ("client-7", "read", "cparFhirPatient", "search", None, "search by Network (client-7): 50", "2001:db8::7"),
    ]


class FailingDatabase:
    """The database of a host, which cannot be written while `broken`."""

    def __init__(self, real: Any) -> None:
        self._real, self.broken, self.tried = real, True, 0

    @contextmanager
    def session(self) -> Iterator[Session]:
        self.tried += 1
        if self.broken:
            raise OperationalError("INSERT", {}, Exception("gone"))
        with self._real.session() as session:
            yield session


class Around:
    """A host with some of its ports replaced."""

    def __init__(self, host: OscarHost, **ports: Any) -> None:
        self._host = host
        self.__dict__.update(ports)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._host, name)


def test_while_the_database_cannot_be_written_records_wait_and_then_no_one_reads(site: OscarHost) -> None:
    database = FailingDatabase(site.database)
    reads = Reads(Around(site, database=database), most_waiting=300)  # type: ignore[arg-type]
    reads.start()
    for number in range(300):
        reads.note(CALLER, Interaction.READ, "Patient", str(number + 1), 1)
    with pytest.raises(LogUnavailable):
        reads.note(CALLER, Interaction.READ, "Patient", "301", 1)
    database.broken = False
    reads.stop()
    assert written(site) == 300


def test_what_could_not_be_written_at_the_end_is_reported_without_patients(
    site: OscarHost, caplog: pytest.LogCaptureFixture
) -> None:
    reads = Reads(Around(site, database=FailingDatabase(site.database)))  # type: ignore[arg-type]
    reads.start()
    reads.note(CALLER, Interaction.READ, "Patient", "918273", 1)
    reads.stop()
    assert "1 reads through the FHIR interface could not be logged" in caplog.text
    assert "918273" not in caplog.text


class ClosedLog:
    """An EMR whose log may not be written."""

    def record(self, session: Session, *events: object) -> None:
        raise Refused("The EMR's log cannot be written.")


def test_where_the_log_of_the_emr_is_closed_our_own_record_remains(site: OscarHost) -> None:
    reads = Reads(Around(site, audit=ClosedLog()))  # type: ignore[arg-type]
    reads.start()
    reads.note(CALLER, Interaction.READ, "Group", "1", 2000)
    reads.stop()
    assert written(site) == 1


def test_before_its_start_and_after_its_end_a_record_is_written_at_once_or_no_one_reads(site: OscarHost) -> None:
    database = FailingDatabase(site.database)
    reads = Reads(Around(site, database=database))  # type: ignore[arg-type]
    with pytest.raises(LogUnavailable):
        reads.note(CALLER, Interaction.READ, "Patient", "17", 1)
    database.broken = False
    reads.note(CALLER, Interaction.READ, "Patient", "17", 1)
    assert written(site) == 1
    reads.start()
    reads.stop()
    reads.note(CALLER, Interaction.READ, "Patient", "17", 1)
    assert written(site) == 2


def test_many_threads_lose_nothing(reads: Reads, site: OscarHost) -> None:
    def read(number: int) -> None:
        reads.note(CALLER, Interaction.READ, "Patient", str(number + 1), 1)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(read, range(2500)))
    reads.stop()
    assert written(site) == 2500


@pytest.mark.databases("in turn")
def test_a_process_that_is_stopped_writes_all_of_them(
    site: OscarHost, environment: dict[str, str], tmp_path: Path
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", ENDING], env=environment, stdout=subprocess.PIPE, cwd=tmp_path, text=True
    )
    assert process.stdout
    assert process.stdout.readline() == "noted\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 0
    process.stdout.close()
    assert written(site) == 250


def test_every_read_and_search_of_patients_is_noted_with_how_many(
    app: Flask, reader: Reader, panel: int, people: dict[str, int], site: OscarHost
) -> None:
    patient = people["helene"]
    etag = reader.get(f"/Patient/{patient}").headers["ETag"]
    assert reader.get(f"/Patient/{patient}", If_None_Match=etag).status_code == 304  # nothing was given out
    assert reader.get("/Patient/999999").status_code == 404
    members = len(reader.json(f"/Group/{panel}")["member"])
    reader.json(f"/Group/{panel}", {"_summary": "true"})
    result = len(reader.json("/Patient", {"family": "Trem"})["entry"])
    reader.json("/Organization")
    app.extensions["cpar_fhir_callers"].reads.stop()
    columns = (tables.read.c.interaction, tables.read.c.kind, tables.read.c.resource_id, tables.read.c.patients)
    with site.database.engine.connect() as connection:
        rows = connection.execute(select(*columns).order_by(tables.read.c.read_id)).all()
    assert [tuple(row) for row in rows] == [
        ("read", "Patient", str(patient), 1),
        ("read", "Group", str(panel), members),
        ("read", "Group", str(panel), 0),
        ("search", "Patient", "", result),
    ]


def test_nothing_is_given_out_that_could_not_be_noted(app: Flask, reader: Reader, panel: int) -> None:
    app.extensions["cpar_fhir_callers"].reads = Full()
    answer = reader.get(f"/Group/{panel}")
    assert answer.status_code == 503
    assert answer.headers["Retry-After"] == "5"
    assert b"member" not in answer.data


class Full:
    """Takes no record any more."""

    def note(self, *_: object, **__: object) -> None:
        raise LogUnavailable

    def stop(self) -> None:
        pass


@pytest.mark.databases("in turn")
def test_a_server_that_is_stopped_has_written_down_what_it_gave_out(
    site: OscarHost,
    environment: dict[str, str],
    registered: Callable[..., Registered],
    people: dict[str, int],
    panel: int,
) -> None:
    client = registered()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
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
        server.send_signal(signal.SIGTERM)
        server.communicate(timeout=60)
    assert written(site) == 30


def until_it_answers(address: str) -> None:
    end = time.monotonic() + 60
    while True:
        try:
            requests.get(address, timeout=60)
        except requests.ConnectionError:
            assert time.monotonic() < end
            time.sleep(0.1)
        else:
            return
