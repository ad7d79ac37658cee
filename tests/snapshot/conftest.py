"""A configured clinic with two panels, and snapshots read back as a registry would read them."""

import hashlib
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any, NamedTuple

import orjson
import pytest
from sqlalchemy import insert, select, update

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from cpar_plugin.services.snapshots import build
from cpar_plugin.services.snapshots.build import Taken
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

SINCE = datetime(2026, 3, 1, 16, 0, tzinfo=UTC)
_ATR = "http://hl7.org/fhir/us/davinci-atr/StructureDefinition/"


class Received(NamedTuple):
    """A snapshot as it is sent, taken apart. Patients by the clinic's own patient id."""

    bundle: dict[str, Any]
    by_type: dict[str, list[dict[str, Any]]]
    patients: dict[int, dict[str, Any]]
    group: dict[str, Any]
    excluded: dict[int, str]

    def changes(self) -> dict[int, str]:
        """The change type of each member, by patient id."""
        ids = {patient["fullUrl"]: patient_id for patient_id, patient in self.patients.items()}
        return {
            ids[member["entity"]["reference"]]: result["valueCode"]
            for member in self.group.get("member", [])
            for result in member["extension"]
            if result["url"] == f"{_ATR}ext-changeType"
        }


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
def site(host: OscarHost, oscar: Any) -> OscarHost:
    """A clinic with the doctors 101 and 102."""
    actor = host.identity.system
    oscar.provider("101", ohip_no="100000001", practitionerNo="12345")
    oscar.provider("102", ohip_no="100000002")
    clinic.enable(host, actor)
    clinic.save(host, actor, name="Example Clinic", site_id="S-1", version=1)
    return host


@pytest.fixture
def make_panel(site: OscarHost) -> Callable[[str], int]:
    """Make a panel by number: two doctors at two facilities."""

    def make(number: str) -> int:
        providers = [("101", "100000001"), ("102", "100000002")]
        return editing.create(site, site.identity.system, panel_draft(number, ["113", "114"], providers))

    return make


@pytest.fixture
def panel_id(make_panel: Callable[[str], int]) -> int:
    return make_panel("P-1")


@pytest.fixture
def join(host: OscarHost, panel_id: int) -> Callable[..., int]:
    """Put a patient on a panel, as the ledger's statements would; returns the patient id."""

    def put(patient_id: int, **columns: Any) -> int:
        values = {
            "patient_id": patient_id,
            "panel_id": panel_id,
            "since": SINCE,
            "confirmed_on": date(2026, 3, 1),
            "confirmed_how": "confirmed by a person",
        }
        with host.database.writing() as connection:
            connection.execute(insert(tables.member).values(values | columns))
        return patient_id

    return put


@pytest.fixture
def valid_member(oscar: Any, join: Callable[..., int]) -> Callable[..., int]:
    """A new patient of the panel whom every rule lets through; `columns` are the EMR's."""
    numbers = iter(range(100_000_001, 999_999_999))

    def make(**columns: Any) -> int:
        patient_id = oscar.patient(**({"hin": str(next(numbers))} | columns))
        oscar.visit(patient_id)
        return join(patient_id)

    return make


@pytest.fixture
def take(host: OscarHost, settings: Settings, panel_id: int) -> Callable[..., Taken]:
    """Take a snapshot of the panel now."""

    def taking(panel: int | None = None) -> Taken:
        return build.take(host, settings, panel or panel_id, now=host.clock.now())

    return taking


@pytest.fixture
def received(host: OscarHost) -> Callable[[Taken], Received]:
    """Read a snapshot back, check its size and hash, and take it apart."""

    def read(taken: Taken) -> Received:
        body = b"".join(build.body(host, taken.snapshot_id))
        assert (len(body), hashlib.sha256(body).hexdigest()) == (taken.body_bytes, taken.sha256)
        bundle = orjson.loads(body)
        assert len(bundle["entry"]) == taken.entries
        by_type: dict[str, list[dict[str, Any]]] = {}
        for entry in bundle["entry"]:
            by_type.setdefault(entry["resource"]["resourceType"], []).append(entry)
        patients = {
            int(result["value"]): entry
            for entry in by_type.get("Patient", [])
            for result in entry["resource"]["identifier"]
            if result["type"]["coding"][0]["code"] == "MR"
        }
        (group,) = by_type["Group"]
        of_snapshot = select(tables.exclusion).where(tables.exclusion.c.snapshot_id == taken.snapshot_id)
        with host.database.engine.connect() as connection:
            excluded = {row.patient_id: row.reasons for row in connection.execute(of_snapshot)}
        return Received(bundle, by_type, patients, group["resource"], excluded)

    return read


@pytest.fixture
def submitted(host: OscarHost) -> Callable[[Taken, str], None]:
    """Write down that a snapshot was submitted and how that ended; an unfinished one keeps its panel busy."""

    def write(taken: Taken, state: str) -> None:
        panel = select(tables.snapshot.c.panel_id).where(tables.snapshot.c.snapshot_id == taken.snapshot_id)
        now = host.clock.now()
        with host.database.writing() as connection:
            panel_id = connection.scalar(panel)
            connection.execute(
                insert(tables.submission).values(
                    panel_id=panel_id,
                    open_panel_id=panel_id if state in ("ready", "sending", "waiting") else None,
                    requested_at=now,
                    requested_by="-1",
                    due_on=now.date(),
                    state=state,
                    snapshot_id=taken.snapshot_id,
                    finished_at=now,
                )
            )

    return write


@pytest.fixture
def change(host: OscarHost, emr: OscarHost) -> Callable[..., None]:
    """Change a patient's record in the EMR, as its own pages would."""

    def write(patient_id: int, **columns: Any) -> None:
        record = host.tables.demographic
        with emr.database.writing() as connection:
            connection.execute(update(record).where(record.c.demographic_no == patient_id).values(columns))

    return write
