"""The steps of a departure. Each is one transaction that is stored: the way can be gone on with at any time."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, func, insert, select, update
from sqlalchemy.orm import Session

from ...domain.departure import Split, Target, checked_date
from ...domain.departure_texts import DEFAULT_LETTER, RegistryTask, checked_letter
from ...domain.panel_state import PanelState
from ...domain.refusals import NotFound, Refused, Stale
from ...hooks import Actor, Host
from ...store.tables import clinic as clinic_table
from ...store.tables import departure, departure_patient, member, operation, panel
from ...store.types import KEYS
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..panels import states
from . import lists
from .active import is_active

_CHANGED = "Someone else changed this departure in the meantime. Nothing was saved: review it and try again."


@dataclass(frozen=True, slots=True)
class Departure:
    """A departure as it is stored. `split` is None before it was entered; `planned`: who has a panel by it."""

    departure_id: int
    panel_id: int
    leaves_on: date
    administrator_id: str
    split: Split | None
    done: frozenset[RegistryTask]
    letter_text: str
    clinics_letter: str  # the wording in the clinic's settings, which is used where this departure has none
    version: int
    planned: int


@dataclass(frozen=True, slots=True)
class DepartureMove:
    """The move as it was carried out last. `undone` has no patient moved any longer."""

    operation_id: int
    at: datetime
    undone: bool


def current(connection: Connection, panel_id: int) -> Departure | None:
    """The open departure of a panel, None without one."""
    planned = select(func.count()).where(departure_patient.c.departure_id == departure.c.departure_id)
    words = select(clinic_table.c.departure_letter).scalar_subquery().label("clinics_letter")
    query = select(departure, planned.scalar_subquery().label("planned"), words)
    query = query.where(departure.c.open_panel_id == panel_id)
    row = connection.execute(query).one_or_none() if panel_id in KEYS else None
    return _departure(row) if row else None


def save_date(
    host: Host, actor: Actor, panel_id: int, version: int | None, leaves_on: date | None, administrator_id: str
) -> None:
    """Begin a departure, or change its day and who remains as panel administrator ('' for not decided yet).

    `version` is None for the beginning. Raises Refused by field, Stale, and NotFound.
    """
    with host.database.session() as session:
        clinic.lock(session)
        _require_state(session, panel_id)
        before = current(session.connection(), panel_id)
        day = checked_date(leaves_on, host.clock.now().astimezone(host.clock.zone).date())
        known = host.roster.providers().c.provider_id
        ids = session.scalars(select(known).where(known == administrator_id)).all()
        if administrator_id and administrator_id not in ids:
            raise Refused({"administrator_id": "Provider not found in the EMR: select one from the list."})
        values: dict[str, Any] = {"leaves_on": day, "administrator_id": administrator_id}
        if before is None:
            if version is not None:
                raise Stale(_CHANGED)
            begun = {"created_at": host.clock.now(), "created_by": actor.actor_id, "version": 1}
            session.execute(insert(departure).values(panel_id=panel_id, open_panel_id=panel_id, **values, **begun))
        else:
            _change(session, before, version, **values)
        _record(session, host, actor, panel_id, {"step": "date", "leaves_on": day.isoformat()})


def freeze(host: Host, actor: Actor, panel_id: int, version: int) -> None:
    """Set the panel in transition, and its provider's affiliations and caseloads. Raises Stale, NotFound."""
    with host.database.session() as session:
        clinic.lock(session)
        _change(session, required(session.connection(), panel_id), version)
        _set_state(session, panel_id, PanelState.IN_TRANSITION)
        lists.freeze(session, host, panel_id)
        _record(session, host, actor, panel_id, {"step": "freeze"})


def save_tasks(host: Host, actor: Actor, panel_id: int, version: int, done: Collection[RegistryTask]) -> None:
    """Store which tasks are done. Raises Stale, NotFound."""
    with host.database.session() as session:
        clinic.lock(session)
        before = required(session.connection(), panel_id)
        _change(session, before, version, done="\n".join(task for task in RegistryTask if task in done))
        _record(session, host, actor, panel_id, {"step": "registry", "done": sorted(done)})


def save_letter(host: Host, actor: Actor, panel_id: int, version: int, text: str) -> None:
    """Store the words of the letter to patients. Raises Refused (`letter_text`), Stale, NotFound."""
    words = checked_letter(text)
    with host.database.session() as session:
        clinic.lock(session)
        before = required(session.connection(), panel_id)
        _change(session, before, version, letter_text="" if words == before.clinics_letter else words)
        _record(session, host, actor, panel_id, {"step": "letter"})


def cancel(host: Host, actor: Actor, panel_id: int, version: int) -> None:
    """The provider remains: all is active again. Raises Refused once patients are moved, Stale, NotFound."""
    with host.database.session() as session:
        clinic.lock(session)
        before = required(session.connection(), panel_id)
        move = last_move(session.connection(), before)
        if move and not move.undone:
            raise Refused("Patients have been moved already: undo the move first, or end the panel.")
        _change(session, before, version)
        if _require_state(session, panel_id) is PanelState.IN_TRANSITION:
            _set_state(session, panel_id, PanelState.ACTIVE)
            lists.reopen(session, host, panel_id)
        _finish(session, host, before)
        _record(session, host, actor, panel_id, {"step": "cancel"})


def end(host: Host, actor: Actor, panel_id: int, version: int) -> None:
    """End the panel now, with whoever is still on it, and the lists that end with it. Raises Stale, NotFound."""
    with host.database.session() as session:
        clinic.lock(session)
        before = required(session.connection(), panel_id)
        _change(session, before, version)
        _end(session, host, actor, before)


def end_without_patients(host: Host, panel_id: int, today: date) -> bool:
    """End the panel, whose provider has left by today, unless active patients are left. Returns whether it ended.

    A panel with active patients is never ended without a person: they would no longer be submitted, unseen.
    """
    with host.database.session() as session:
        clinic.lock(session)
        before = current(session.connection(), panel_id)
        if not before or before.leaves_on > today or active_members(session.connection(), host, panel_id):
            return False
        _end(session, host, host.identity.system, before)
        return True


def active_members(connection: Connection, host: Host, panel_id: int) -> int:
    """How many members of a panel are active patients, whoever may see them."""
    patient = host.roster.patients()
    query = select(func.count()).select_from(member.join(patient, patient.c.patient_id == member.c.patient_id))
    return connection.scalar(query.where(member.c.panel_id == panel_id, is_active(host, patient))) or 0


def last_move(connection: Connection, found: Departure) -> DepartureMove | None:
    """The move of this departure, None before it."""
    undoing = operation.alias("undoing")
    row = connection.execute(
        select(operation.c.operation_id, operation.c.at, operation.c.detail, undoing.c.operation_id.label("undone"))
        .outerjoin(undoing, undoing.c.undoes == operation.c.operation_id)
        .where(operation.c.kind == OperationKind.BULK_DEPARTURE, operation.c.from_panel_id == found.panel_id)
        .order_by(operation.c.operation_id.desc())
        .limit(1)
    ).one_or_none()
    if row is None or orjson.loads(row.detail)["departure"] != found.departure_id:
        return None
    return DepartureMove(row.operation_id, row.at, row.undone is not None)


def required(connection: Connection, panel_id: int) -> Departure:
    """The open departure of a panel. Raises NotFound."""
    found = current(connection, panel_id)
    if found is None:
        raise NotFound("No departure is under way for this panel. Enter the day on which its provider leaves first.")
    return found


def store_plan(session: Session, before: Departure, version: int, split: Split, plan: dict[int, int]) -> None:
    """Store the rules and where each patient goes by them. Needs `clinic.lock`. Raises Stale."""
    _change(session, before, version, split=orjson.dumps(asdict(split)).decode())
    _forget_plan(session, before)
    rows = [
        {"departure_id": before.departure_id, "patient_id": patient_id, "panel_id": to_panel_id}
        for patient_id, to_panel_id in plan.items()
    ]
    if rows:
        session.execute(insert(departure_patient), rows)


def _forget_plan(session: Session, before: Departure) -> None:
    session.execute(delete(departure_patient).where(departure_patient.c.departure_id == before.departure_id))


def _end(session: Session, host: Host, actor: Actor, before: Departure) -> None:
    _set_state(session, before.panel_id, PanelState.ENDED)
    if before.split:
        lists.end(session, host, before.split)
    states.cancel_requests(session, before.panel_id, host.clock.now(), "The panel has ended.")
    _finish(session, host, before)
    _record(session, host, actor, before.panel_id, {"step": "end"})


def _finish(session: Session, host: Host, before: Departure) -> None:
    _forget_plan(session, before)
    row = departure.c.departure_id == before.departure_id
    session.execute(update(departure).where(row).values(open_panel_id=None, finished_at=host.clock.now()))


def _change(session: Session, before: Departure, version: int | None, **values: Any) -> None:
    if before.version != version:
        raise Stale(_CHANGED)
    row = departure.c.departure_id == before.departure_id
    session.execute(update(departure).where(row).values(version=before.version + 1, **values))


def _require_state(session: Session, panel_id: int) -> PanelState:
    """The state of a live panel that has not ended."""
    query = select(panel.c.state).where(panel.c.panel_id == panel_id, panel.c.live_number.is_not(None))
    state = session.scalar(query) if panel_id in KEYS else None
    if state is None:
        raise NotFound("Panel not found. It may have been deleted.")
    if state == PanelState.ENDED:
        raise Refused("This panel has ended: its provider has left already.")
    return PanelState(state)


def _set_state(session: Session, panel_id: int, state: PanelState) -> None:
    row = panel.c.panel_id == panel_id, panel.c.state != state
    session.execute(update(panel).where(*row).values(state=state, version=panel.c.version + 1))


def _record(session: Session, host: Host, actor: Actor, panel_id: int, detail: dict[str, Any]) -> None:
    record.begin(session, host, actor, OperationKind.PLAN_DEPARTURE, panel_id=panel_id, detail=detail)


def _departure(row: Row[Any]) -> Departure:
    split = None
    if row.split:
        entered = orjson.loads(row.split)
        split = Split(
            targets=tuple(Target(**target) for target in entered["targets"]),
            together=entered["together"],
            divided_lists=tuple(entered["divided_lists"]),
            ended_lists=tuple(entered["ended_lists"]),
        )
    return Departure(
        departure_id=row.departure_id,
        panel_id=row.panel_id,
        leaves_on=row.leaves_on,
        administrator_id=row.administrator_id,
        split=split,
        done=frozenset(RegistryTask(code) for code in row.done.splitlines()),
        letter_text=row.letter_text or row.clinics_letter or DEFAULT_LETTER.strip(),
        clinics_letter=row.clinics_letter or DEFAULT_LETTER.strip(),
        version=row.version,
        planned=row.planned,
    )
