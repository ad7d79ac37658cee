"""The affiliations and caseloads of a provider who leaves: divided by the same rules as the panel, or ended with it."""

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from sqlalchemy import Connection, func, select, update
from sqlalchemy.orm import Session

from ...domain.departure import Split
from ...domain.other_panel import why_none_is_added
from ...domain.panel_kind import OTHER_KINDS, OtherKind
from ...domain.panel_state import PanelState
from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ...store.tables import other_ledger, other_member, other_panel, panel_provider
from ..bulk import Depart
from ..other_panels import listing
from ..other_panels.listing import OtherPanel
from .active import is_active

Moves = Mapping[tuple[int, int], int]
"""How many patients go, or went, from one list to another."""


class ListCounts(NamedTuple):
    """The active patients of a list whom the actor may see, and those of them without a date of the signed form."""

    patients: int
    without_date: int


def of_provider(connection: Connection, host: Host, panel_id: int) -> list[OtherPanel]:
    """Those of the panel's providers that have not ended, by kind and name."""
    ids = set(connection.scalars(select(panel_provider.c.provider_id).where(panel_provider.c.panel_id == panel_id)))
    found = listing.live(connection, host)
    return [one for one in found if one.provider_id in ids and one.state is not PanelState.ENDED]


def labels(connection: Connection, host: Host) -> Mapping[int, str]:
    """What people call each list that there is."""
    return {one.other_panel_id: one.label for one in listing.live(connection, host)}


def open_lists(connection: Connection, host: Host, leaving: Collection[OtherPanel]) -> list[OtherPanel]:
    """Those that can take the patients of the leaving ones."""
    ids, kinds = {one.other_panel_id for one in leaving}, {one.kind for one in leaving}
    found = listing.live(connection, host)
    return [one for one in found if one.kind in kinds and one.state.takes_patients and one.other_panel_id not in ids]


def by_kind(found: Sequence[OtherPanel], leaving: Sequence[OtherPanel]) -> dict[OtherKind, list[OtherPanel]]:
    """Those of each kind that the provider has."""
    return {kind: [one for one in found if one.kind == kind] for kind in dict.fromkeys(one.kind for one in leaving)}


def require_open(connection: Connection, host: Host, panel_id: int, split: Split) -> None:
    """Raises Refused where a list is no longer the provider's, or one that patients would go to takes no one."""
    leaving = {one.other_panel_id for one in of_provider(connection, host, panel_id)}
    if not leaving >= {*split.divided_lists, *split.ended_lists}:
        raise Refused("An affiliation or caseload is no longer this provider's: reload the page.")
    live = {one.other_panel_id: one for one in listing.live(connection, host)}
    for target in split.targets:
        for kind in OTHER_KINDS.values() if split.divided_lists else ():
            other_id = target.list_of(kind)
            one = live.get(other_id)
            if other_id and (one is None or one.kind != kind or other_id in leaving):
                raise Refused({"targets": f"For each panel choose one {kind.noun} that is offered."})
            if one and not one.state.takes_patients:
                raise Refused({"targets": why_none_is_added(one.kind, one.name, one.state)})


def set_state(session: Session, other_panel_ids: Collection[int], state: PanelState) -> None:
    """Set these to a state. Needs `clinic.lock`."""
    row = other_panel.c.other_panel_id.in_(other_panel_ids), other_panel.c.state != state
    session.execute(update(other_panel).where(*row).values(state=state, version=other_panel.c.version + 1))


def freeze(session: Session, host: Host, panel_id: int) -> None:
    """Set those of the provider in transition."""
    _set_all(session, host, panel_id, PanelState.IN_TRANSITION)


def reopen(session: Session, host: Host, panel_id: int) -> None:
    """Set those of the provider active again."""
    _set_all(session, host, panel_id, PanelState.ACTIVE)


def _set_all(session: Session, host: Host, panel_id: int, state: PanelState) -> None:
    set_state(session, [one.other_panel_id for one in of_provider(session.connection(), host, panel_id)], state)


def end(session: Session, host: Host, split: Split) -> None:
    """End those that end with the departure, and of those divided the ones without an active patient left."""
    active = _active_members(session.connection(), host, split.divided_lists)
    set_state(
        session, [*split.ended_lists, *(one for one in split.divided_lists if one not in active)], PanelState.ENDED
    )


def _active_members(connection: Connection, host: Host, other_panel_ids: Collection[int]) -> set[int]:
    """Those of these that have an active patient, whoever may see them."""
    patient = host.roster.patients()
    query = select(other_member.c.other_panel_id).join(patient, patient.c.patient_id == other_member.c.patient_id)
    of_these = other_member.c.other_panel_id.in_(other_panel_ids)
    return set(connection.scalars(query.where(of_these, is_active(host, patient)).distinct()))


def counts(connection: Connection, host: Host, actor: Actor, other_panel_ids: Sequence[int]) -> dict[int, ListCounts]:
    """Of each of these: how many could be moved."""
    patient, one = host.roster.patients(), other_member.c
    rows = connection.execute(
        select(one.other_panel_id, func.count(), func.count() - func.count(one.signed_on))
        .join_from(other_member, patient, patient.c.patient_id == one.patient_id)
        .where(
            one.other_panel_id.in_(other_panel_ids),
            is_active(host, patient),
            host.identity.visible(actor, one.patient_id),
        )
        .group_by(one.other_panel_id)
    )
    return {other_panel_id: ListCounts(*map(int, row)) for other_panel_id, *row in rows}


def planned_moves(connection: Connection, host: Host, actor: Actor, order: Depart) -> Moves:
    """How many would go from each list to each."""
    if not order.divided_lists:
        return {}
    changes = order.list_changes(host, actor)
    source, target = other_member.c.other_panel_id, order.to_list()
    one_by_one = changes.with_only_columns(source.label("source"), target.label("target")).subquery()
    rows = connection.execute(
        select(one_by_one.c.source, one_by_one.c.target, func.count()).group_by(
            one_by_one.c.source, one_by_one.c.target
        )
    )
    return {(source_id, target_id): count for source_id, target_id, count in rows}


def done_moves(connection: Connection, host: Host, actor: Actor, operation_id: int) -> Moves:
    """How many an operation has put from each list on each, of those whom the actor may see."""
    entry = other_ledger.c
    columns = entry.from_other_panel_id, entry.to_other_panel_id
    rows = connection.execute(
        select(*columns, func.count())
        .where(entry.operation_id == operation_id, host.identity.visible(actor, entry.patient_id))
        .group_by(*columns)
    )
    return {(source_id, target_id): count for source_id, target_id, count in rows}
