"""A fleet at work: clinics whose automatic date is today, a registry, a broker, and processes that are started here."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, select
from sqlalchemy.exc import SQLAlchemyError

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.domain.submission import FINAL, SubmissionState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.store.tables import snapshot, submission
from oscar_host.demo.rabbitmq import PrivateRabbitMQ
from oscar_host.demo.registry.process import RunningRegistry
from oscar_host.fleet.work.engine import Engine
from oscar_host.host import open_host

from ...conftest import ALBERTA, Oscar
from ..conftest import Folder
from .clocks import MachineClock

PROGRAM = Path(sys.executable).with_name("cpar")
CLAIM_SECONDS = 4
_PATIENCE_SECONDS = 300  # for a whole night: it bounds a hang, and must not fail a slow machine
_LOOKS = 12  # several seconds
_JUMP_SECONDS = 6 * 60


def calendar_of_today() -> dict[str, str]:
    """Settings by which this is the night of the automatic date, on whatever day and at whatever time."""
    today = datetime.now(ALBERTA)
    day = min(today.day, 28)
    blackout = 20 if today.day < 15 else 10
    return {
        "night_run_at": "00:00",
        "catch_up_until": "23:59:59",
        "automatic_day": str(day),
        "blackout_first_day": str(blackout),
        "blackout_last_day": str(blackout),
        "claim_seconds": str(CLAIM_SECONDS),
        "rehearsal_days": "0",
    }


def fill_panels(url: str, panels: int, patients: int, night: datetime | None = None) -> None:
    """A clinic that was set up a few days before the automatic date, with so many panels of so many patients."""
    begin = (night or datetime.now(ALBERTA)) - timedelta(days=5)
    with open_host(url, clock=FixedClock(begin)) as host:
        oscar, system = Oscar(host), host.identity.system
        oscar.provider("101")
        clinic.enable(host, system)
        clinic.save(host, system, name="Example Clinic", site_id="S-1", version=1)
        for panel in range(panels):
            panel_id = editing.create(host, system, panel_draft(f"{panel:04}", ["113"], [("101", "123456789")]))
            for number in range(patients):
                patient_id = oscar.patient(hin=f"1{panel:04}{number:04}", lastUpdateDate=begin.replace(tzinfo=None))
                oscar.visit(patient_id, begin.date() - timedelta(days=30))
                one_patient.choose(host, system, patient_id, panel_id, seen_panel_id=None)


class FleetAtWork:
    """The clinics, and the processes that work for them."""

    def __init__(
        self, folder: Folder, broker: PrivateRabbitMQ, registry: RunningRegistry, broker_at: str | None = None
    ) -> None:
        self.folder, self.broker, self.registry = folder, broker, registry
        here = f"127.0.0.1:{broker.port}"
        assert f"@{here}/" in broker.url
        self.broker_url = broker.url.replace(f"@{here}/", f"@{broker_at or here}/")
        self.prefix: list[str] = []  # words before those of every program
        self.calendar = calendar_of_today()
        self.night: datetime | None = None  # now
        self.environment: dict[str, str] = {}
        self.urls: dict[str, str] = {}
        self.processes: list[subprocess.Popen[bytes]] = []
        self.write()

    def machine(self, name: str, broker_at: str | None = None) -> "FleetAtWork":
        """Another machine of the same fleet: with files of its own, and its own way to the broker (`host:port`)."""
        machine = FleetAtWork(self.folder.elsewhere(name), self.broker, self.registry, broker_at)
        machine.calendar, machine.environment, machine.processes = self.calendar, self.environment, self.processes
        return machine

    def in_night_of(self, moment: datetime, seconds: float) -> MachineClock:
        """Clinics that are added from now on have the default calendar, processes a clock so long after this moment."""
        self.calendar, self.night = {"rehearsal_days": "0"}, moment
        clock = MachineClock(self.folder.file.with_name("clock"), moment + timedelta(seconds=seconds))
        self.environment = clock.environment
        return clock

    def write(self, *lines: str, registry_pause_seconds: float = 0.5) -> None:
        """The fleet's own file: the beat looks often, as is fit for a small night."""
        pause = f"registry_pause_seconds = {registry_pause_seconds}"
        given = ("ask_minutes = 0.02", "job_minutes = 60", pause, *lines)
        self.folder.write(f"broker_url = {self.broker_url}", "pages = no", *given)

    def clinic(self, name: str, new_database: Callable[[], str], panels: int = 3, patients: int = 2) -> str:
        """Add a clinic with panels."""
        url = self.urls[name] = new_database()
        fill_panels(url, panels, patients, self.night)
        self.add(name, url)
        return url

    def add(self, name: str, url: str, **more: str) -> Path:
        """Write its file."""
        sends = {"transport": "fhir", "registry_url": self.registry.fhir_url, "registry_read_seconds": "20"}
        return self.folder.add(name, **{"database_url": url, **self.calendar, **sends, **more})

    def be_patient(self) -> None:
        """Claims last as long as a slow machine needs, now that no worker is killed."""
        self.calendar["claim_seconds"] = "300"
        for name, url in self.urls.items():
            self.add(name, url)

    def engine(self) -> Engine:
        """The fleet's work, in this process."""
        return Engine(self.folder.read())

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
        """A process of `cpar fleet`; its log is beside the fleet's file."""
        environment = {**os.environ, "CPAR_FLEET": str(self.folder.file), **self.environment, **more}
        log = self.folder.file.with_name(f"{arguments[0]}.log").open("ab")
        with log:
            process = subprocess.Popen(
                [*self.prefix, str(PROGRAM), "fleet", *arguments],
                env=environment,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self.processes.append(process)
        return process

    def worker(self, processes: int = 2) -> subprocess.Popen[bytes]:
        return self.start("worker", "--processes", str(processes))

    def beat(self) -> subprocess.Popen[bytes]:
        return self.start("beat")

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """As a power cut would, its children too."""
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def log(self, name: str) -> str:
        file = self.folder.file.with_name(f"{name}.log")
        return file.read_text(errors="replace") if file.exists() else ""

    def end(self) -> None:
        """End what still runs."""
        for process in self.processes:
            if process.poll() is None:
                self.kill(process)

    def rows(self, name: str) -> Sequence[Row[Any]]:
        """The clinic's submissions, with the hash of what was stored for each."""
        with open_host(self.urls[name]) as host, host.database.engine.connect() as connection:
            stored = select(submission, snapshot.c.sha256).outerjoin_from(
                submission, snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id
            )
            return connection.execute(stored.order_by(submission.c.submission_id)).all()

    def states(self) -> Counter[str]:
        """Submissions of all clinics, by state."""
        return Counter(str(row.state) for name in self.urls for row in self.rows(name))

    def wait(self, so_far: Callable[[], bool], what: str) -> None:
        """Until it is so."""
        give_up = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < give_up:
            try:
                if so_far():
                    return
            except SQLAlchemyError:
                pass
            for process in self.processes:
                assert process.poll() in (None, 0, -signal.SIGKILL), self.log("worker") + self.log("beat")
            time.sleep(0.25)
        raise AssertionError(f"not within {_PATIENCE_SECONDS} s: {what}; {self.states()}\n{self.log('worker')[-3000:]}")

    def wait_until_delivered(self, count: int, clock: MachineClock | None = None) -> None:
        """`clock`: it jumps, beyond the end of every claim, whenever nothing has happened for a while."""
        before, looks = Counter[str](), 0

        def so_far() -> bool:
            nonlocal before, looks
            states = self.states()
            before, looks = states, looks + 1 if states == before else 0
            if clock and looks == _LOOKS:
                clock.advance(_JUMP_SECONDS)
                looks = 0
            return states[SubmissionState.DELIVERED] == count

        self.wait(so_far, f"{count} delivered")

    def check(self) -> None:
        """Each request is in one final state; the registry holds one body for each, and ours where it was delivered."""
        received = Counter[str]()
        hashes: dict[str, str] = {}
        for one in self.registry.received():
            identifier = one["identifier"].removeprefix("urn:uuid:")
            received[identifier] += 1
            hashes[identifier] = one["sha256"]
        known = set[str]()
        for name in self.urls:
            rows = self.rows(name)
            assert len({row.panel_id for row in rows}) == len(rows), "a panel was submitted twice"
            for row in rows:
                assert SubmissionState(row.state) in FINAL
                assert (row.open_panel_id, row.claim) == (None, None)
                assert received[row.snapshot_id] <= 1
                if row.state == SubmissionState.DELIVERED:
                    assert hashes[row.snapshot_id] == row.sha256
                known |= {row.snapshot_id} if row.snapshot_id else set()
        assert received.keys() <= known


@pytest.fixture
def fleet(folder: Folder, broker: PrivateRabbitMQ, registry: RunningRegistry) -> Iterator[FleetAtWork]:
    """A fleet without clinics and without processes."""
    fleet = FleetAtWork(folder, broker, registry)
    yield fleet
    fleet.end()
