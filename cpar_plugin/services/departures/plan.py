"""Where the patients of a provider who leaves go: worked out by the rules, stored, and listed for the preview."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, func, null, select, true
from sqlalchemy.orm import Session

from ...domain.departure import LeavingPatient, Split, divided
from ...domain.panel_state import PanelState, why_no_one_is_added
from ...domain.refusals import Refused
from ...hooks import Actor, Host, StatusKind
from ...store.tables import departure_patient, ledger, member, panel, panel_provider
from ..bulk import Depart
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..roster import merges
from . import steps
from .steps import Departure, DepartureMove

AT_ONCE = 1000
PAGE = 100


class PanelShare(NamedTuple):
    """How many patients go, or went, to a panel."""

    panel_id: int
    number: str
    patients: int


class DepartingPatient(NamedTuple):
    """A patient who goes, or went, to a panel, with the address where the host knows it."""

    patient_id: int
    panel_id: int
    family_name: str | None
    given_name: str | None
    birth_date: str | None
    address: str | None


def plan(host: Host, actor: Actor, panel_id: int, version: int, split: Split) -> int:
    """Work out by the rules where the members go whom the actor may see, and store it. Returns how many have a panel.

    Nothing is moved. Raises Refused unless the panel is in transition and the others take patients, Stale, NotFound.
    """
    with host.database.session() as session:
        clinic.lock(session)
        before = steps.required(session.connection(), panel_id)
        merges.reconcile(session, host)
        if session.scalar(select(panel.c.state).where(panel.c.panel_id == panel_id)) != PanelState.IN_TRANSITION:
            raise Refused("Set the panel in transition first, so that no one is added after the preview.")
        _require_open(session, panel_id, split)
        chosen = divided(_leaving(session, host, actor, panel_id, split), split)
        steps.store_plan(session, before, version, split, chosen)
        counts = {str(to_panel_id): count for to_panel_id, count in sorted(Counter(chosen.values()).items())}
        detail = {"step": "split", "panels": counts}
        record.begin(session, host, actor, OperationKind.PLAN_DEPARTURE, panel_id=panel_id, detail=detail)
    return len(chosen)


def _require_open(session: Session, panel_id: int, split: Split) -> None:
    ids = {target.panel_id for target in split.targets}
    rows = session.execute(
        select(panel.c.panel_id, panel.c.number, panel.c.state).where(
            panel.c.panel_id.in_(ids - {panel_id}), panel.c.live_number.is_not(None)
        )
    ).all()
    if len(rows) != len(ids):
        raise Refused({"targets": "One of these panels has been deleted, or is the panel itself: review the list."})
    for row in rows:
        if not PanelState(row.state).takes_patients:
            raise Refused({"targets": why_no_one_is_added(row.number, PanelState(row.state))})


def _leaving(session: Session, host: Host, actor: Actor, panel_id: int, split: Split) -> Iterator[LeavingPatient]:
    """The active members whom the actor may see, with what the rules ask for and the host can say."""
    patient, now = host.roster.patients(), host.clock.now()
    last_seen = any(target.last_seen for target in split.targets)
    seen_by = host.visits.last_provider(member.c.patient_id, now) if host.visits and last_seen else null()
    home = host.homes.address(member.c.patient_id) if host.homes and split.together else null()
    active = [status for status, kind in host.roster.status_kinds.items() if kind is StatusKind.ACTIVE]
    panel_of = _panel_of_provider(session, split)
    rows = session.execute(
        select(member.c.patient_id, patient.c.family_name, seen_by.label("seen_by"), home.label("home"))
        .select_from(member.join(patient, patient.c.patient_id == member.c.patient_id))
        .where(
            member.c.panel_id == panel_id,
            patient.c.status.in_(active),
            host.identity.visible(actor, member.c.patient_id),
        ),
        execution_options={"yield_per": AT_ONCE},
    )
    for row in rows:
        home_key = " ".join((row.home or "").casefold().split())
        yield LeavingPatient(row.patient_id, row.family_name or "", panel_of.get(row.seen_by), home_key)


def _panel_of_provider(session: Session, split: Split) -> Mapping[str | None, int]:
    """The first of these panels that a provider is on."""
    order = {target.panel_id: place for place, target in enumerate(split.targets)}
    rows = session.execute(select(panel_provider).where(panel_provider.c.panel_id.in_(order))).all()
    return {row.provider_id: row.panel_id for row in sorted(rows, key=lambda row: -order[row.panel_id])}


def order_of(found: Departure) -> Depart:
    """The order that carries out the plan as it is stored."""
    return Depart(found.panel_id, found.departure_id, found.version)


def _planned(host: Host, actor: Actor, departure_id: int) -> Select[Any]:
    """Those of the plan who are still on the panel, by patient id and target."""
    return (
        select(member.c.patient_id, departure_patient.c.panel_id)
        .join_from(departure_patient, member, member.c.patient_id == departure_patient.c.patient_id)
        .where(departure_patient.c.departure_id == departure_id, host.identity.visible(actor, member.c.patient_id))
    )


def _moved(host: Host, actor: Actor, operation_id: int) -> Select[Any]:
    """Those whom the move put on a panel and who are still on it."""
    on_it = (member.c.patient_id == ledger.c.patient_id) & (member.c.panel_id == ledger.c.to_panel_id)
    return (
        select(ledger.c.patient_id, ledger.c.to_panel_id.label("panel_id"))
        .join(member, on_it)
        .where(ledger.c.operation_id == operation_id, host.identity.visible(actor, ledger.c.patient_id))
    )


def heaps(
    connection: Connection, host: Host, actor: Actor, found: Departure, move: DepartureMove | None
) -> Sequence[PanelShare]:
    """How many go to each panel, or went there once they were moved, of those that the actor may see."""
    chosen = _chosen(host, actor, found, move)
    rows = connection.execute(
        select(panel.c.panel_id, panel.c.number, func.count())
        .join_from(chosen, panel, panel.c.panel_id == chosen.c.panel_id)
        .group_by(panel.c.panel_id, panel.c.number)
        .order_by(panel.c.number)
    )
    return [PanelShare(*row) for row in rows]


def patients(
    connection: Connection,
    host: Host,
    actor: Actor,
    found: Departure,
    move: DepartureMove | None,
    to_panel_id: int | None,
    offset: int,
) -> Sequence[DepartingPatient]:
    """A page of those who go, or went, to a panel, None for all, by name; and one more where there are more."""
    chosen, patient = _chosen(host, actor, found, move), host.roster.patients()
    names = (func.coalesce(patient.c.family_name, ""), func.coalesce(patient.c.given_name, ""), chosen.c.patient_id)
    address = host.homes.address(chosen.c.patient_id) if host.homes else null()
    query = (
        select(chosen, patient.c.family_name, patient.c.given_name, patient.c.birth_date, address)
        .outerjoin_from(chosen, patient, patient.c.patient_id == chosen.c.patient_id)
        .where(true() if to_panel_id is None else chosen.c.panel_id == to_panel_id)
        .order_by(*names)
        .offset(offset)
        .limit(PAGE + 1)
    )
    return [DepartingPatient(*row) for row in connection.execute(query)]


def _chosen(host: Host, actor: Actor, found: Departure, move: DepartureMove | None) -> Any:
    if move and not move.undone:
        return _moved(host, actor, move.operation_id).subquery("chosen")
    return _planned(host, actor, found.departure_id).subquery("chosen")
