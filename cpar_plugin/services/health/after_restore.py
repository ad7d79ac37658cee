"""After our tables were restored from a backup: what they no longer know, and must not continue as if they did.

Clients that were revoked since live again, submissions that were made since may be made twice, and systems that read us
hold what is newer than ours. Here it is listed and corrected. Called while nothing else uses the tables.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Table, delete, func, select, update
from sqlalchemy.orm import Session

from ...domain.submission import SubmissionState
from ...domain.subscription import SubscriptionStatus
from ...hooks import Actor, Host
from ...settings import Settings
from ...store import tables
from ...store.versions import later, number_at, to_the_second
from ...transport.folder import written
from ..clients import registry
from ..clients.registry import Client
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..submissions import night_run, texts

_RESTORED = "The clinic has restored a backup. Read the panels again, and make a new subscription."
_OURSELVES = "restore"
_CHANGES = (OperationKind.REGISTER_CLIENT, OperationKind.CHANGE_CLIENT, OperationKind.ALLOW_CLIENT)


@dataclass(frozen=True, slots=True)
class Open:
    """A submission that the tables have as not finished."""

    panel_number: str
    state: SubmissionState
    requested_at: datetime


@dataclass(frozen=True, slots=True)
class RestoreFindings:
    """What an operator has to know before work resumes. Moments are in UTC.

    `last_work_at`: the last work in the tables, which is about when the backup was made; None where they have
    of none. `clients`: those that may read, each with when it was last changed. `open`: submissions that go on unless
    they are held. `automatic`: automatic dates that no night run in these tables has covered. `unknown_files`: what was
    written to the outbox folder and is unknown to the tables, by name: so it was made after the backup.
    """

    last_work_at: datetime | None
    clients: Sequence[tuple[Client, datetime]]
    open: Sequence[Open]
    automatic: Sequence[date]
    unknown_files: Sequence[str]


def look(host: Host, settings: Settings) -> RestoreFindings:
    """What has to be done. Changes nothing."""
    now = host.clock.now()
    with host.database.engine.connect() as connection:
        return RestoreFindings(
            last_work_at=_last_work_at(connection),
            clients=_clients(connection),
            open=_open(connection),
            automatic=night_run.unprocessed_dates(connection, settings.calendar(host.clock.zone), now),
            unknown_files=unknown_files(connection, settings),
        )


def unknown_files(connection: Connection, settings: Settings, after: datetime | None = None) -> list[str]:
    """Submissions in the outbox folder that the tables do not know, those taken `after` a moment alone."""
    files = [file for file in written(settings.outbox_folder) if after is None or file.taken_at > after]
    snapshot_ids = set(connection.scalars(select(tables.snapshot.c.snapshot_id))) if files else set()
    return sorted(file.name for file in files if file.snapshot_id not in snapshot_ids)


def carry_out(
    host: Host, settings: Settings, actor: Actor, *, hold_clients: bool, hold_submissions: bool
) -> list[Client]:
    """Give everything that others hold a later version, end tokens and exports, and hold what is to be held.

    One transaction. Returns the clients that it put on hold.
    """
    now, calendar = host.clock.now(), settings.calendar(host.clock.zone)
    with host.database.session() as session:
        clinic.lock(session)
        _move_versions(session, now)
        session.execute(delete(tables.client_token))
        session.execute(delete(tables.export))
        _end_subscriptions(session, now)
        clients = registry.hold(session, host, actor) if hold_clients else []
        if hold_submissions:
            night_run.end_open(session, now, texts.RESTORED)
            for automatic in night_run.unprocessed_dates(session.connection(), calendar, now):
                night_run.mark_date(session, host, calendar, automatic, now, texts.RESTORED)
        session.execute(update(tables.clinic).values(restored_at=now))
        detail = {"hold_clients": hold_clients, "hold_submissions": hold_submissions}
        record.begin(session, host, actor, OperationKind.AFTER_RESTORE, detail=detail)
    return clients


def _move_versions(session: Session, now: datetime) -> None:
    """Whatever others have from before, of resources or in an open form, is older than what is here."""
    number, moment = number_at(now), to_the_second(now)
    for table in (tables.patient_version, tables.resource_version):
        session.execute(update(table).values(version=later(table.c.version, number), last_updated=moment))
    panel = tables.panel.c
    group: dict[str, Any] = {"group_version": later(panel.group_version, number), "group_changed_at": moment}
    session.execute(update(tables.panel).values(group))
    minutes = number // 60_000  # a version of a form has 32 bits
    forms: tuple[Table, ...] = (tables.panel, tables.clinic, tables.client)
    for table in forms:
        session.execute(update(table).values(version=later(table.c.version, minutes)))


def _end_subscriptions(session: Session, now: datetime) -> None:
    """Numbers of events that were given since the backup would be given again, which receivers take for doubles."""
    row = tables.subscription
    values: dict[str, Any] = {"status": SubscriptionStatus.OFF, "failure": _RESTORED, "turned_off_by": _OURSELVES}
    values |= {"version": later(row.c.version, number_at(now)), "changed_at": to_the_second(now)}
    session.execute(update(row).values(values))
    session.execute(delete(tables.patient_change))


def _last_work_at(connection: Connection) -> datetime | None:
    moments: tuple[ColumnElement[Any], ...] = (tables.heartbeat.c.at, tables.operation.c.at, tables.read.c.at)
    latest = [connection.scalar(select(func.max(moment))) for moment in moments]
    return max((moment for moment in latest if moment), default=None)


def _clients(connection: Connection) -> list[tuple[Client, datetime]]:
    operation = tables.operation.c
    changes = (
        select(operation.detail, operation.at).where(operation.kind.in_(_CHANGES)).order_by(operation.operation_id)
    )
    changed_at = {orjson.loads(detail).get("client"): at for detail, at in connection.execute(changes)}
    clients = (client for client in registry.every_client(connection) if not (client.revoked_at or client.held_at))
    return [(client, changed_at.get(client.client_id, client.created_at)) for client in clients]


def _open(connection: Connection) -> list[Open]:
    submission, panel = tables.submission, tables.panel
    query = (
        select(panel.c.number, submission.c.state, submission.c.requested_at)
        .join_from(submission, panel, panel.c.panel_id == submission.c.panel_id)
        .where(submission.c.open_panel_id.is_not(None))
        .order_by(panel.c.number)
    )
    return [Open(row.number, SubmissionState(row.state), row.requested_at) for row in connection.execute(query)]
