"""The clinic that is tortured, its fast clock, and what must hold of it afterwards."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from cpar_plugin.domain.panel import PanelDraft, PanelProvider
from cpar_plugin.hooks import Actor, MigrationSource
from cpar_plugin.host_kit import zone_rules
from cpar_plugin.host_kit.migrations import upgrade
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from cpar_plugin.settings import Settings
from cpar_plugin.store import migrations
from oscar_host.demo.data.staff import PASSWORD
from oscar_host.demo.data.writing import write_staff
from oscar_host.host import OscarHost, open_host
from oscar_host.own_sessions import make_table

MANAGER = Actor(actor_id="401", display_name="Penner, Ruth")
READER = Caller(MANAGER, None, EVERYTHING, None)
SIGN_IN = ("admin", PASSWORD)  # the manager's
PROVIDERS = ("101", "102", "103")
PANELS = 8
DEADLINE_SECONDS = 1.0  # of a call to the registry
# By a provider in no bulk order: they have only patients of the browsers' users.
PANELS_AT_BROWSERS = ("W0", "W1")
PROVIDER_AT_BROWSERS = "104"
PATIENTS_AT_BROWSERS = range(1_000_001, 1_000_021)
BEGIN = datetime(2026, 10, 2, 9, 0, tzinfo=zone_rules.zone())


@dataclass(frozen=True)
class Scene:
    """Everything that a worker has to know."""

    database_url: str
    host_schema: str | None
    registry_url: str
    folder: str  # for the files of exports
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
            registry_seconds=DEADLINE_SECONDS,
            fhir_export_folder=Path(self.folder) / "exports",
            claim_seconds=max(1, int(2 * self.speed)),
            hold_least_patients=5,
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
    make_table(host.database.engine)
    written = BEGIN.replace(tzinfo=None)
    with host.database.session() as session:
        write_staff(session.connection(), host.tables, 1, BEGIN.date())
        numbers = [*range(1, patients + 1), *PATIENTS_AT_BROWSERS]
        session.execute(insert(host.tables.demographic), [_patient(number, written) for number in numbers])
        session.execute(insert(host.tables.appointment), [_visit(number) for number in numbers if number % 9])
    clinic.enable(host, MANAGER)
    clinic.save(host, MANAGER, name="Torture Clinic", site_id="S1", version=1)
    ours = [(f"P{place}", PROVIDERS[place % len(PROVIDERS)]) for place in range(PANELS)]
    ours += [(number, PROVIDER_AT_BROWSERS) for number in PANELS_AT_BROWSERS]
    for place, (number, provider) in enumerate(ours, 1):
        draft = PanelDraft(number, (f"{place:06}",), (PanelProvider(provider, f"12345678{provider[-1]}"),), "")
        editing.create(host, MANAGER, draft)
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
        "provider_no": PROVIDER_AT_BROWSERS if number in PATIENTS_AT_BROWSERS else PROVIDERS[number % len(PROVIDERS)],
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
