"""Look at everything that the FHIR interface serves, so that what changed in the EMR is known to have changed.

Everything is one stream; only what differs from before is written, some at a time, each time in a transaction of its
own. Memory does not grow with the panels.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import Connection, Row, Table, delete, exists, insert, select
from sqlalchemy.orm import Session

from ...fhir_mappings.identifiers import relative
from ...fhir_mappings.patient import retired_patient
from ...hooks import Host
from ...settings import Settings
from ...store import ledger, tables
from ...store import versions as stored_versions
from ..clients.caller import EVERYTHING, Caller
from ..operations import clinic, heartbeat
from ..roster import merges
from .directory import KINDS as DIRECTORY
from .directory import DirectorySource
from .groups import GroupSource
from .patient_rows import read_member
from .patients import PatientSource
from .practitioner_roles import roles_of_panels
from .tasks import TaskSource
from .versions import digest, digest_of, of_keys

T = TypeVar("T")
_STREAMED = 200
_WRITTEN = 1000


@dataclass(slots=True)
class Refreshed:
    """How many resources have changed, how many are gone, and how many members were seen by the clinic since."""

    changed: int = 0
    gone: int = 0
    visits: int = 0


def run(host: Host, settings: Settings) -> None:
    """Refresh while the integration is on and the clinic configured, as a job."""
    with host.database.engine.connect() as connection:
        site = clinic.load(connection)
    if site.enabled and site.configured:
        refresh(host, settings)
        heartbeat.beat(host, heartbeat.FHIR)


def refresh(host: Host, settings: Settings) -> Refreshed:
    """Compare everything with how it stood. Raises Refused when a change of memberships takes too long."""
    report = Refreshed()
    merges.catch_up(host)
    _refresh_visits(host, report)
    caller = Caller(host.identity.system, None, EVERYTHING, panels=None)
    _refresh_directory(host, settings, caller, report)
    _refresh_patients(host, settings, caller, report)
    _refresh_tasks(host, settings, caller, report)
    with host.database.engine.connect() as connection:
        groups = GroupSource(host, settings, caller)
        groups.versioned(connection, connection.execute(groups.select()).all())
    return report


def _refresh_visits(host: Host, report: Refreshed) -> None:
    """Freeze the last visit of each member; where one has changed, the Group has. Lists are sorted by them too."""
    member, frozen = tables.member, tables.last_visit
    now = host.clock.now()
    query = select(
        member.c.patient_id, host.roster.last_visit_on(member.c.patient_id, now).label("visit"), frozen.c.last_visit_on
    ).select_from(member.outerjoin(frozen, frozen.c.patient_id == member.c.patient_id))
    with host.database.engine.connect() as connection:
        differing = (row for row in _streamed(connection, query) if row.visit != row.last_visit_on)
        for batch in _batches((row.patient_id, row.visit) for row in differing):
            with host.database.session() as session:
                clinic.lock(session)  # so that no one else changes panels, or freezes the same visits
                report.visits += _freeze(session, dict(batch), host.clock.now())
    with host.database.session() as session:
        session.execute(delete(frozen).where(~exists().where(member.c.patient_id == frozen.c.patient_id)))
    heartbeat.beat(host, heartbeat.VISITS, now)


def _freeze(session: Session, last_visits: dict[int, date | None], now: datetime) -> int:
    member, frozen = tables.member, tables.last_visit
    before = select(frozen.c.patient_id, frozen.c.last_visit_on).where(frozen.c.patient_id.in_(last_visits))
    frozen_visits = {row.patient_id: row.last_visit_on for row in session.execute(before)}
    visits = {patient_id: day for patient_id, day in last_visits.items() if frozen_visits.get(patient_id) != day}
    session.execute(delete(frozen).where(frozen.c.patient_id.in_(visits)))
    rows = [{"patient_id": patient_id, "last_visit_on": day} for patient_id, day in visits.items() if day]
    if rows:
        session.execute(insert(frozen), rows)
    concerned = session.scalars(select(member.c.panel_id).where(member.c.patient_id.in_(visits)).distinct())
    ledger.move_groups(session, concerned.all(), now)
    return len(visits)


def _refresh_directory(host: Host, settings: Settings, caller: Caller, report: Refreshed) -> None:
    version = tables.resource_version
    for kind in DIRECTORY:
        with host.database.engine.connect() as connection:
            stored = connection.execute(
                select(version).where(version.c.kind == kind, version.c.gone_at.is_(None))
            ).all()
            current_ids = {
                version_.resource_id
                for version_ in DirectorySource(host, settings, caller, kind).everything(connection)
            }
        missing = [(kind, row.resource_id) for row in stored if row.resource_id not in current_ids]
        _forget(host, version, missing, report)


def _refresh_patients(host: Host, settings: Settings, caller: Caller, report: Refreshed) -> None:
    with host.database.engine.connect() as connection:
        for batch in _batches(_changed_patients(connection, host, settings, caller)):
            with host.database.session() as session:
                stored_versions.put(session, tables.patient_version, batch, host.clock.now())
            report.changed += len(batch)
    with host.database.engine.connect() as connection:
        for missing in _batches(_patients_gone(connection, host)):
            _forget(host, tables.patient_version, missing, report)


def _refresh_tasks(host: Host, settings: Settings, caller: Caller, report: Refreshed) -> None:
    source = TaskSource(host, settings, caller)
    with host.database.engine.connect() as connection:
        for batch in _batches(source.changed(_streamed(connection, source.select()))):
            with host.database.session() as session:
                stored_versions.put(session, tables.resource_version, batch, host.clock.now())
            report.changed += len(batch)
    with host.database.engine.connect() as connection:
        for missing in _batches((TaskSource.kind, row.resource_id) for row in _streamed(connection, source.gone())):
            _forget(host, tables.resource_version, missing, report)


def _changed_patients(
    connection: Connection, host: Host, settings: Settings, caller: Caller
) -> Iterator[dict[str, Any]]:
    source, roles = PatientSource(host, settings, caller), roles_of_panels(connection)
    mapping = source.mapping()
    for member_read in map(read_member, _streamed(connection, source.select())):
        content = digest_of(mapping(member_read, roles.get(member_read.panel_id, "[]")))
        if content != member_read.digest:
            yield {"patient_id": member_read.patient_id, "digest": content}
    merged, member, version = host.roster.merged(), tables.member, tables.patient_version
    retired = (
        select(merged.c.retired_id, merged.c.kept_id, version.c.digest)
        .select_from(merged.join(member, member.c.patient_id == merged.c.kept_id))
        .outerjoin(version, version.c.patient_id == merged.c.retired_id)
    )
    for row in _streamed(connection, retired):
        content = digest(retired_patient(row.retired_id, row.kept_id, settings, relative))
        if content != row.digest:
            yield {"patient_id": row.retired_id, "digest": content}


def _patients_gone(connection: Connection, host: Host) -> Iterator[tuple[int]]:
    """Who was there and is neither a member with a record now, nor merged into one."""
    version, member, record, merged = (
        tables.patient_version,
        tables.member,
        host.roster.patients(),
        host.roster.merged(),
    )
    kept_member = member.alias("kept")
    query = (
        select(version.c.patient_id)
        .select_from(
            version.outerjoin(member, member.c.patient_id == version.c.patient_id)
            .outerjoin(record, record.c.patient_id == member.c.patient_id)
            .outerjoin(merged, merged.c.retired_id == version.c.patient_id)
            .outerjoin(kept_member, kept_member.c.patient_id == merged.c.kept_id)
        )
        .where(version.c.gone_at.is_(None), record.c.patient_id.is_(None), kept_member.c.patient_id.is_(None))
    )
    for row in _streamed(connection, query):
        yield (row.patient_id,)


def _forget(host: Host, table: Table, keys: list[Any], report: Refreshed) -> None:
    if keys:
        with host.database.session() as session:
            stored_versions.mark_gone(session, table, of_keys(table, keys), host.clock.now())
    report.gone += len(keys)


def _streamed(connection: Connection, query: Any) -> Iterator[Row[Any]]:
    with connection.execute(query.execution_options(yield_per=_STREAMED)) as result:
        for rows in result.partitions():
            yield from rows


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, _WRITTEN)):
        yield batch
