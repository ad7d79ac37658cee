"""Workers die before each statement of a night that holds a submission, of its release, and of the night that sends it.

Held it stays held, released it is sent, and once.
"""

import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, func, select

from benchmarks.torture import places
from benchmarks.torture_clinic import BEGIN, MANAGER, Scene, set_up
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import releases, requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import Settings
from cpar_plugin.store.tables import member, panel, snapshot, submission
from oscar_host.host import OscarHost

STAY, COME_AND_GO = (1, 2, 3), (4, 5, 6)
HELD, WRITTEN = SubmissionState.HELD, SubmissionState.WRITTEN
_FORKING = multiprocessing.get_context("forkserver")


def settings_of(scene: Scene) -> Settings:
    return Settings(outbox_folder=Path(scene.folder) / "outbox", hold_least_patients=2, claim_seconds=60)


def night(host: OscarHost, settings: Settings, _: int) -> None:
    run_due(host, settings, host.clock.now())


def release(host: OscarHost, settings: Settings, submission_id: int) -> None:
    releases.release(host, settings, MANAGER, submission_id)


def dying(scene: Scene, moment: datetime, work: Any, submission_id: int, statement: int) -> None:
    """Work in this process, which ends before this statement or commit."""
    host = scene.open(FixedClock(moment, BEGIN.tzinfo))
    count = 0

    def die(*_: Any) -> None:
        nonlocal count
        count += 1
        if count == statement:
            os.kill(os.getpid(), signal.SIGKILL)

    for name in ("before_cursor_execute", "commit"):
        event.listen(host.database.engine, name, die)
    work(host, settings_of(scene), submission_id)


class Month:
    """One month of the clinic: members come or go, the submission of the 7th is held, released, and sent on the 8th."""

    def __init__(self, scene: Scene, host: OscarHost, clock: FixedClock, panel_id: int, first: date) -> None:
        self._scene, self._host, self._clock, self._panel_id, self._first = scene, host, clock, panel_id, first
        self._settings = settings_of(scene)

    def at(self, day: int, hour: int, minute: int = 0) -> datetime:
        moment = datetime(self._first.year, self._first.month, day, hour, minute, tzinfo=BEGIN.tzinfo)
        self._clock.move_to(moment)
        return moment

    def change_members(self) -> None:
        self.at(6, 9)
        with self._host.database.engine.connect() as connection:
            here = set(connection.scalars(select(member.c.patient_id).where(member.c.panel_id == self._panel_id)))
        for patient_id in COME_AND_GO:
            if patient_id in here:
                one_patient.remove(self._host, MANAGER, patient_id, seen_panel_id=self._panel_id)
            else:
                one_patient.choose(self._host, MANAGER, patient_id, self._panel_id, seen_panel_id=None)

    def die_in(self, work: Any, statement: int, submission_id: int = 0) -> bool:
        """Whether the worker died: one that has fewer statements ends by itself."""
        arguments = (self._scene, self._clock.now(), work, submission_id, statement)
        process = _FORKING.Process(target=dying, args=arguments)
        process.start()
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL)
        return process.exitcode != 0

    def recover(self, day: int) -> None:
        for minute in (0, 5):
            self.at(day, 4, minute)
            run_due(self._host, self._settings, self._clock.now())

    def submissions(self) -> list[Any]:
        begin = self._first.replace(day=6)
        query = select(submission).where(submission.c.panel_id == self._panel_id, submission.c.due_on >= begin)
        with self._host.database.engine.connect() as connection:
            return list(connection.execute(query.order_by(submission.c.submission_id)))

    def snapshots(self) -> int:
        with self._host.database.engine.connect() as connection:
            return connection.scalar(select(func.count()).select_from(snapshot)) or 0

    def pass_by(self, statement: int) -> bool:
        """Whether any worker died. Each dies before this statement, and another one takes over."""
        snapshots, files = self.snapshots(), self.files()
        self.change_members()
        self.at(7, 3, 15)
        died = [self.die_in(night, statement)]
        self.recover(7)
        (held,) = self.submissions()
        assert (held.state, held.snapshot_id, held.first_attempt_at) == (HELD, None, None)
        assert (self.snapshots(), self.files()) == (snapshots, files)
        self.at(7, 10)
        died.append(self.die_in(release, statement, held.submission_id))
        if len(self.submissions()) == 1:
            release(self._host, self._settings, held.submission_id)
        assert [row.releases for row in self.submissions()] == [None, held.submission_id]
        self.at(8, 3, 15)
        died.append(self.die_in(night, statement))
        self.recover(8)
        rows = self.submissions()
        assert [row.state for row in rows] == [HELD, WRITTEN]
        assert rows[0].snapshot_id is None
        assert len(self.files() - files) == 1
        assert self.snapshots() == snapshots + 1
        return any(died)

    def files(self) -> set[str]:
        return {file.name for file in (Path(self._scene.folder) / "outbox").glob("*.json")}


@pytest.fixture
def scene(database_kind: str, request: pytest.FixtureRequest) -> Iterator[Scene]:
    server = ""
    if database_kind == "mariadb":
        server = request.getfixturevalue("mariadb_server").render_as_string(hide_password=False)
    with places(database_kind, server) as (url, schema), tempfile.TemporaryDirectory() as folder:
        made = Scene(url, schema, "", folder, time.time(), 1.0)
        set_up(made, len((*STAY, *COME_AND_GO)))
        yield made


@pytest.mark.parametrize("step", [17, pytest.param(1, marks=pytest.mark.large)])
def test_a_worker_that_dies_before_any_statement_sends_nothing_held_and_what_was_released_once(
    scene: Scene, step: int
) -> None:
    _FORKING.set_forkserver_preload([__name__])
    clock = FixedClock(BEGIN, BEGIN.tzinfo)
    host = scene.open(clock)
    with host.database.engine.connect() as connection:
        panel_id = connection.scalar(select(panel.c.panel_id).where(panel.c.number == "P0"))
    for patient_id in (*STAY, *COME_AND_GO):
        one_patient.choose(host, MANAGER, patient_id, panel_id, seen_panel_id=None)
    requests.ask(host, settings_of(scene), MANAGER, panel_id)
    clock.move_to(
        datetime.combine((BEGIN + timedelta(days=1)).date(), datetime.min.time(), BEGIN.tzinfo).replace(hour=4)
    )
    run_due(host, settings_of(scene), clock.now())
    first, statement = BEGIN.date().replace(day=1), 1
    while Month(scene, host, clock, panel_id, first).pass_by(statement):
        first = (first + timedelta(days=31)).replace(day=1)
        statement += step
    assert statement > step  # more than the first one died
    host.close()
