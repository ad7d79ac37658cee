"""A small clinic whose clock the tests move."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Row, func, select

from cpar_plugin.domain.panel import PanelDraft, PanelProvider
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.submissions import mail, requests
from cpar_plugin.services.submissions.run import RunReport, run_due
from cpar_plugin.settings import Settings
from cpar_plugin.store.tables import member, submission
from oscar_host.host import OscarHost

MANAGER = Actor(actor_id="101", display_name="No101 Doctor")


@dataclass
class World:
    """The clinic, its clock, and what a manager of panels does there."""

    host: OscarHost
    clock: FixedClock
    settings: Settings
    oscar: Any
    manager: Actor = MANAGER
    _patients: int = field(default=0)

    def at(self, text: str) -> None:
        """Let it be this time of the clinic."""
        self.clock.move_to(datetime.fromisoformat(text))

    def run(self) -> RunReport:
        """One run of the scheduler: submissions, and mail about them."""
        report = run_due(self.host, self.settings, self.clock.now())
        mail.send(self.host, self.settings, self.clock.now())
        return report

    def run_at(self, text: str) -> RunReport:
        self.at(text)
        return self.run()

    def patient(self, **columns: Any) -> int:
        """A patient with a visit, whom every rule lets through."""
        self._patients += 1
        patient_id: int = self.oscar.patient(**({"hin": f"{100000000 + self._patients}"} | columns))
        self.oscar.visit(patient_id, date(2026, 1, 5), time(9))
        return patient_id

    def panel(self, number: str = "P1", members_count: int = 1, notify: str = "", **columns: Any) -> int:
        """A panel with members."""
        draft = PanelDraft(number, ("000113",), (PanelProvider("101", "123456789"),), notify)
        panel_id = editing.create(self.host, self.manager, draft)
        for _ in range(members_count):
            patient_id = self.patient(**columns)
            one_patient.choose(self.host, self.manager, patient_id, panel_id, seen_panel_id=None)
        return panel_id

    def members(self, panel_id: int) -> list[int]:
        with self.host.database.engine.connect() as connection:
            query = select(member.c.patient_id).where(member.c.panel_id == panel_id).order_by(member.c.patient_id)
            return list(connection.scalars(query))

    def ask(self, panel_id: int) -> int:
        return requests.ask(self.host, self.settings, self.manager, panel_id)

    def row(self, submission_id: int) -> Row[Any]:
        with self.host.database.engine.connect() as connection:
            return connection.execute(select(submission).where(submission.c.submission_id == submission_id)).one()

    def rows(self, panel_id: int) -> list[Row[Any]]:
        """The submissions of a panel, oldest first."""
        query = select(submission).where(submission.c.panel_id == panel_id).order_by(submission.c.submission_id)
        with self.host.database.engine.connect() as connection:
            return list(connection.execute(query))

    def states(self, panel_id: int) -> list[SubmissionState]:
        return [SubmissionState(row.state) for row in self.rows(panel_id)]

    def count(self, panel_ids: Sequence[int], state: SubmissionState) -> int:
        """How many of the panels' submissions are in the state, all at one moment."""
        query = select(func.count()).where(submission.c.panel_id.in_(panel_ids), submission.c.state == state)
        with self.host.database.engine.connect() as connection:
            return connection.scalar(query) or 0

    def files(self) -> list[Path]:
        """What the folder holds, oldest first."""
        return sorted(self.settings.outbox_folder.glob("*.json"))


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(outbox_folder=tmp_path / "outbox")


@pytest.fixture
def world(host: OscarHost, clock: FixedClock, settings: Settings, oscar: Any) -> World:
    """A clinic on 2 November 2026 at 10:00, enabled and configured, without panels."""
    world = World(host, clock, settings, oscar)
    world.at("2026-11-02T10:00")
    oscar.provider("101")
    clinic.enable(host, MANAGER)
    clinic.save(host, MANAGER, name="Example Clinic", site_id="S1", version=1)
    return world


@pytest.fixture
def with_settings(world: World) -> Callable[..., World]:
    """The same clinic with other settings."""

    def changed(**values: Any) -> World:
        world.settings = world.settings.model_copy(update=values)
        return world

    return changed


@pytest.fixture
def environment(world: Any, database_url: str, host_schema: str | None) -> dict[str, str]:
    """The variables of a command that is called in the night of a submission."""
    return {
        "CPAR_DATABASE_URL": database_url,
        "CPAR_HOST_SCHEMA": host_schema or "",
        "CPAR_OUTBOX_FOLDER": str(world.settings.outbox_folder),
        "CPAR_NOW": "2026-11-07T03:20",
    }
