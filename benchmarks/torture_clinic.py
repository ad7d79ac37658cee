"""The clinic that is tortured, its fast clock, and what must hold of it afterwards."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert, select

from cpar_plugin.domain.panel import PanelDraft, PanelProvider
from cpar_plugin.domain.submission import FINAL, State
from cpar_plugin.hooks import Actor, MigrationSource
from cpar_plugin.services import clinic, panels
from cpar_plugin.settings import Settings
from cpar_plugin.store import migrations
from cpar_plugin.store.tables import ledger, left_out, member, panel, snapshot, submission
from oscar_host import zone_rules
from oscar_host.host import OscarHost, open_host
from oscar_host.migrations import upgrade

MANAGER = Actor(actor_id="101", display_name="No101 Doctor")
PROVIDERS = ("101", "102", "103")
PANELS = 8
BEGIN = datetime(2026, 10, 2, 9, 0, tzinfo=zone_rules.zone())
_COLUMNS = ("panel_id", "since", "confirmed_on", "confirmed_how")


@dataclass(frozen=True)
class Scene:
    """Everything that a worker has to know."""

    database_url: str
    host_schema: str | None
    registry_url: str
    started_at: float  # of the machine's clock, seconds
    speed: float  # how many seconds pass in the clinic in one of the machine

    def open(self, clock: Any = None) -> OscarHost:
        return open_host(self.database_url, host_schema=self.host_schema, clock=clock or FastClock(self))

    def settings(self) -> Settings:
        """A claim lasts two seconds of the machine, a few weeks pass in a minute or two, and the blackout is short."""
        return Settings(
            transport="fhir",
            registry_url=self.registry_url,
            registry_read_seconds=5,
            claim_seconds=max(1, int(2 * self.speed)),
            blackout_first_day=20,
            blackout_last_day=22,
        )


class FastClock:
    """The same time for all processes, and many times faster than the machine's."""

    zone = zone_rules.zone()

    def __init__(self, scene: Scene) -> None:
        self._scene = scene

    def now(self) -> datetime:
        passed = datetime.now(UTC).timestamp() - self._scene.started_at
        return (BEGIN + timedelta(seconds=passed * self._scene.speed)).astimezone(UTC)


def set_up(scene: Scene, patients: int) -> None:
    """Tables, providers, patients with and without faults, and panels."""
    host = scene.open()
    host.tables.metadata.create_all(host.database.engine, checkfirst=False)
    folder = Path(str(migrations.__file__)).parent
    upgrade(host.database.engine, MigrationSource(script_location=folder, version_table="cpar_alembic_version"))
    written = BEGIN.replace(tzinfo=None)
    with host.database.session() as session:
        for number in PROVIDERS:
            named = {"provider_no": number, "last_name": "Doctor", "first_name": f"No{number}", "status": "1"}
            session.execute(insert(host.tables.provider).values(**named, ohip_no="", lastUpdateDate=written))
        sees_everybody = {"roleUserGroup": MANAGER.actor_id, "objectName": "_demographic", "privilege": "x"}
        session.execute(insert(host.tables.object_privilege).values(**sees_everybody, priority=0))
        everybody = [_patient(number, written) for number in range(1, patients + 1)]
        session.execute(insert(host.tables.demographic), everybody)
        visits = [_visit(number) for number in range(1, patients + 1) if number % 9]
        session.execute(insert(host.tables.appointment), visits)
    clinic.enable(host, MANAGER)
    clinic.save(host, MANAGER, name="Torture Clinic", site_id="S1", version=1)
    for place in range(PANELS):
        provider = PROVIDERS[place % len(PROVIDERS)]
        draft = PanelDraft(f"P{place}", (f"{place + 1:06}",), (PanelProvider(provider, f"12345678{provider[-1]}"),), "")
        panels.create(host, MANAGER, draft)
    host.database.engine.dispose()


def _patient(number: int, written: datetime) -> dict[str, Any]:
    return {
        "demographic_no": number,
        "last_name": f"Example{number}",
        "first_name": "Pat",
        "year_of_birth": "1980",
        "month_of_birth": "02",
        "date_of_birth": "03",
        "sex": "" if number % 7 == 0 else "F",
        "hin": f"{100000000 + number}",
        "hc_type": "AB",
        "patient_status": "IN" if number % 11 == 0 else "AC",
        "provider_no": PROVIDERS[number % len(PROVIDERS)],
        "lastUpdateDate": written,
    }


def _visit(number: int) -> dict[str, Any]:
    return {
        "provider_no": "101",
        "appointment_date": date(2026, 1, 1) + timedelta(days=number % 200),
        "start_time": time(9, 30),
        "demographic_no": number,
        "status": "B",
    }


def check(host: OscarHost, received: list[dict[str, Any]]) -> tuple[list[str], dict[str, Any]]:
    """What is wrong (nothing, one hopes), and counts that show what was going on. Every request must be finished."""
    with host.database.engine.connect() as connection:
        members = {
            row.patient_id: tuple(row)[1:] for row in connection.execute(select(member.c.patient_id, *_of(member)))
        }
        live = set(connection.scalars(select(panel.c.panel_id).where(panel.c.deleted_at.is_(None))))
        requests = connection.execute(select(submission)).all()
        taken = {row.snapshot_id: row for row in connection.execute(select(snapshot))}
        named = Counter(connection.scalars(select(left_out.c.snapshot_id)))
        changes = connection.execute(select(ledger).order_by(ledger.c.operation_id, ledger.c.patient_id)).all()
    wrong = [f"patient on a panel that is gone: {patient}" for patient, row in members.items() if row[0] not in live]
    wrong += _wrong_ledger(changes, members)
    wrong += [f"submission {row.submission_id} is not finished: {row.state}" for row in requests if not _finished(row)]
    wrong += _wrong_registry(requests, taken, received)
    for row in requests:
        if row.snapshot_id and row.snapshot_id in taken and named[row.snapshot_id] != taken[row.snapshot_id].left_out:
            wrong.append(f"submission {row.submission_id}: not all who were left out are named")
    counts = {
        "submissions": dict(Counter(str(row.state) for row in requests)),
        "reasons of failures": dict(Counter(row.failure for row in requests if row.state == State.FAILED)),
        "attempts": sum(row.attempts for row in requests),
        "registry holds": len(received),
        "arrivals at the registry": sum(one["arrivals"] for one in received),
        "changes of membership": len(changes),
        "members": len(members),
    }
    return wrong, counts


def _of(table: Any, prefix: str = "") -> list[Any]:
    return [table.c[prefix + name] for name in _COLUMNS]


def _finished(row: Any) -> bool:
    return State(row.state) in FINAL and row.open_panel_id is None and row.finished_at is not None and row.claim is None


def _wrong_ledger(changes: Any, members: dict[int, tuple[Any, ...]]) -> list[str]:
    """The ledger, played from its beginning, gives the memberships; each change begins where the last one ended."""
    nobody = (None,) * len(_COLUMNS)
    played: dict[int, tuple[Any, ...]] = {}
    wrong = []
    for row in changes:
        before = tuple(getattr(row, f"from_{name}") for name in _COLUMNS)
        if played.get(row.patient_id, nobody) != before:
            wrong.append(f"operation {row.operation_id}, patient {row.patient_id}: does not follow the one before")
        played[row.patient_id] = tuple(getattr(row, f"to_{name}") for name in _COLUMNS)
    standing = {patient: row for patient, row in played.items() if row != nobody}
    return wrong + [
        f"patient {key}: not as in the ledger" for key in {*standing, *members} if standing.get(key) != members.get(key)
    ]


def _wrong_registry(requests: Any, taken: dict[str, Any], received: list[dict[str, Any]]) -> list[str]:
    """At most one distinct snapshot for each request, and exactly one, with our hash, for each delivered one."""
    there: dict[str, list[dict[str, Any]]] = {}
    for one in received:
        there.setdefault(one["identifier"].removeprefix("urn:uuid:"), []).append(one)
    known = {row.snapshot_id for row in requests if row.snapshot_id}
    wrong = [f"the registry holds {identifier}, which no request sent" for identifier in there.keys() - known]
    for row in requests:
        arrived = there.get(row.snapshot_id or "", [])
        if len(arrived) > 1:
            wrong.append(f"submission {row.submission_id}: {len(arrived)} different contents arrived")
        if row.state == State.DELIVERED and len(arrived) != 1:
            wrong.append(f"submission {row.submission_id}: delivered, but the registry does not hold it")
        if any(one["sha256"] != taken[row.snapshot_id].sha256 for one in arrived):
            wrong.append(f"submission {row.submission_id}: other bytes arrived than were stored")
    return wrong
