"""The rows of exports: asked for, found by their owners, claimed by a worker, finished, removed.

A claim is a lease, as that of a submission is: a worker that dies loses it when its time is over, and one that has lost
it can no longer write a result. Each attempt writes into a folder that is named by its claim.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import orjson
from sqlalchemy import ColumnElement, Connection, Row, delete, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from ...domain.client_id import number_in
from ...domain.export import ATTEMPTS, OPEN, ExportState
from ...domain.refusals import NotFound
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ...store.types import key_of
from ..clients.caller import Caller
from ..operations import lease
from .files import File, Section, folders, remove_folder

if TYPE_CHECKING:
    from .request import ExportRequest

_TABLE, _FILES = tables.export, tables.export_file
_CANDIDATES = 20
_GAVE_UP = "The export was interrupted several times. Request it again, or contact the clinic's EMR administrator."


class StillRunning(Exception):
    """The caller has an export that is not finished yet."""


@dataclass(frozen=True, slots=True)
class Export:
    """One export. `panels`: the only ones that it is about, None for all. Moments are in UTC."""

    export_id: str
    actor_id: str
    client_id: int | None
    panels: frozenset[int] | None
    request_url: str
    request: "ExportRequest"
    state: ExportState
    claim: str | None
    transaction_time: datetime | None
    expected: int | None
    exported: int
    expires_at: datetime | None
    failure: str | None


def create(
    host: Host, caller: Caller, request: "ExportRequest", panels: frozenset[int] | None, request_url: str
) -> str:
    """Store what was requested; returns the id. Raises StillRunning: one at a time is a rule of the database."""
    export_id = str(uuid4())
    values = {
        "export_id": export_id,
        "actor_id": caller.actor.actor_id,
        "open_actor_id": caller.actor.actor_id,
        "client_id": key_of(number_in(caller.client_id)) if caller.client_id else None,
        "panels": None if panels is None else orjson.dumps(sorted(panels)).decode(),
        "request_url": request_url,
        "request": request.model_dump_json(),
        "created_at": host.clock.now(),
        "state": ExportState.WAITING,
    }
    try:
        with host.database.session() as session:
            session.execute(insert(_TABLE).values(values))
    except IntegrityError:
        raise StillRunning from None
    return export_id


def find(connection: Connection, caller: Caller, export_id: str) -> Export:
    """An export of this caller's. Raises NotFound for everything else."""
    row = connection.execute(select(_TABLE).where(_TABLE.c.export_id == export_id)).one_or_none()
    client = key_of(number_in(caller.client_id)) if caller.client_id else None
    if row is None or (row.actor_id, row.client_id) != (caller.actor.actor_id, client):
        raise NotFound("Export not found, or it has expired.")
    return _export(row)


def files_of(connection: Connection, export_id: str) -> list[File]:
    """What a finished export consists of, by name."""
    rows = connection.execute(select(_FILES).where(_FILES.c.export_id == export_id).order_by(_FILES.c.name))
    return [File(Section(row.section), row.kind, row.name, row.resources, row.patients, row.bytes) for row in rows]


def remove(host: Host, settings: Settings, export: Export) -> None:
    """Remove an export with its files. A worker that is processing it notices, and stops."""
    with host.database.session() as session:
        session.execute(delete(_TABLE).where(_TABLE.c.export_id == export.export_id))
    if export.claim:
        remove_folder(settings.fhir_export_folder, export.claim)


def release_ahead(host: Host, settings: Settings) -> None:
    """Release leases that end later than any can by our clock. The token names the folder with the files: it stays."""
    lease.release_ahead(host, settings, _TABLE, {"claimed_until": None})


def any_waits(host: Host) -> bool:
    """Whether an export wants work, one that a worker has left included. Reads one row."""
    with host.database.engine.connect() as connection:
        query = select(_TABLE.c.export_id).where(_wants_work(host.clock.now())).limit(1)
        return connection.scalar(query) is not None


def take_one(host: Host, settings: Settings) -> Export | None:
    """Claim the oldest export that wants work, one that a worker has left included; None when there is none."""
    with host.database.engine.connect() as connection:
        query = select(_TABLE).where(_wants_work(host.clock.now())).order_by(_TABLE.c.created_at)
        rows = connection.execute(query.limit(_CANDIDATES)).all()
    for row in rows:
        export, was_free = _take(host, settings, row)
        if was_free and row.claim:  # else its worker may just have finished it, and its files are needed
            remove_folder(settings.fhir_export_folder, row.claim)
        if export:
            return export
    return None


def _take(host: Host, settings: Settings, row: Row[Any]) -> tuple[Export | None, bool]:
    """The export, None where it was tried too often; and whether it was still free."""
    now, token = host.clock.now(), str(uuid4())
    of_export = _TABLE.c.export_id == row.export_id
    with host.database.session() as session:
        if row.attempts >= ATTEMPTS:
            return None, _end(
                session, settings, [of_export, _wants_work(now)], now, ExportState.FAILED, failure=_GAVE_UP
            )
        claimed = session.execute(
            update(_TABLE)
            .where(of_export, _wants_work(now))
            .values(
                state=ExportState.RUNNING,
                **lease.leased(settings, token, now),
                attempts=_TABLE.c.attempts + 1,
                transaction_time=None,
                expected=None,
                exported=0,
            )
        )
        if not claimed.rowcount:  # type: ignore[attr-defined]
            return None, False
        return _export(session.execute(select(_TABLE).where(of_export)).one()), True


def hold(host: Host, settings: Settings, export: Export, **progress: Any) -> bool:
    """Keep the claim, and write down how far the work has come. False when the claim is lost."""
    with host.database.session() as session:
        until = host.clock.now() + settings.claim_time
        renewed = session.execute(update(_TABLE).where(*_claimed(export)).values(claimed_until=until, **progress))
        return bool(renewed.rowcount)  # type: ignore[attr-defined]


def release(host: Host, export: Export, until: datetime | None = None) -> None:
    """Release the export to any worker from then on. Without a moment: at once, and as if it had not been tried."""
    values: dict[str, Any] = {"state": ExportState.WAITING, "claimed_until": until}
    if until is None:
        values["attempts"] = _TABLE.c.attempts - 1
    with host.database.session() as session:
        session.execute(update(_TABLE).where(*_claimed(export)).values(values))


def finish(host: Host, settings: Settings, export: Export, files: list[File]) -> bool:
    """The files are complete. False when the claim is lost."""
    rows = [
        {
            "export_id": export.export_id,
            "name": file.name,
            "section": file.section,
            "kind": file.kind,
            "resources": file.resources,
            "patients": file.patients,
            "bytes": file.bytes,
        }
        for file in files
    ]
    with host.database.session() as session:
        ended = _end(session, settings, _claimed(export), host.clock.now(), ExportState.COMPLETED)
        if ended and rows:
            session.execute(insert(_FILES), rows)
    return ended


def fail(host: Host, settings: Settings, export: Export, failure: str) -> None:
    """Nothing will come of it. `failure` says why, and what to do; no patient data."""
    with host.database.session() as session:
        _end(session, settings, _claimed(export), host.clock.now(), ExportState.FAILED, failure=failure)


def _end(
    session: Session,
    settings: Settings,
    conditions: list[ColumnElement[bool]],
    now: datetime,
    state: ExportState,
    failure: str | None = None,
) -> bool:
    ended = session.execute(
        update(_TABLE)
        .where(*conditions)
        .values(
            state=state,
            open_actor_id=None,
            claimed_until=None,
            finished_at=now,
            expires_at=now + timedelta(hours=settings.fhir_export_keep_hours),
            failure=failure,
        )
    )
    return bool(ended.rowcount)  # type: ignore[attr-defined]


def forget(host: Host, settings: Settings) -> None:
    """Remove exports that have expired, those of revoked clients, and folders that no longer belong to an attempt."""
    client, claims = tables.client, folders(settings.fhir_export_folder)  # before their rows: a claim comes first
    revoked = select(client.c.client_id).where(client.c.revoked_at.is_not(None))
    expired = or_(_TABLE.c.expires_at <= host.clock.now(), _TABLE.c.client_id.in_(revoked))
    with host.database.engine.connect() as connection:
        ended = connection.scalars(select(_TABLE.c.export_id).where(expired)).all()
        live_claims = set(connection.scalars(select(_TABLE.c.claim).where(~expired, _TABLE.c.claim.is_not(None))))
    if ended:
        with host.database.session() as session:
            session.execute(delete(_TABLE).where(_TABLE.c.export_id.in_(ended)))
    for claim in set(claims) - live_claims:
        remove_folder(settings.fhir_export_folder, claim)


def oldest(connection: Connection) -> datetime | None:
    """When the oldest export finished that is kept; None where there is none."""
    earliest: datetime | None = connection.scalar(select(func.min(_TABLE.c.finished_at)))
    return earliest


def _wants_work(now: datetime) -> ColumnElement[bool]:
    return _TABLE.c.state.in_(OPEN) & lease.is_free(_TABLE, now)


def _claimed(export: Export) -> list[ColumnElement[bool]]:
    return [
        _TABLE.c.export_id == export.export_id,
        _TABLE.c.claim == export.claim,
        _TABLE.c.state == ExportState.RUNNING,
    ]


def _export(row: Row[Any]) -> Export:
    from .request import ExportRequest  # with all of the interface, which the removal of old exports does not need

    return Export(
        export_id=row.export_id,
        actor_id=row.actor_id,
        client_id=row.client_id,
        panels=None if row.panels is None else frozenset(orjson.loads(row.panels)),
        request_url=row.request_url,
        request=ExportRequest.model_validate_json(row.request),
        state=ExportState(row.state),
        claim=row.claim,
        transaction_time=row.transaction_time,
        expected=row.expected,
        exported=row.exported,
        expires_at=row.expires_at,
        failure=row.failure,
    )
