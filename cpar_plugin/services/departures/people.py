"""Who goes, or went, where when a provider leaves: counted by panel, and listed for the preview and the letters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, null, select, true, union_all

from ...domain.departure import Split
from ...domain.panel_kind import PanelKind
from ...hooks import Actor, Host
from ...store.tables import departure_patient, ledger, member, other_ledger, other_member, panel
from .active import is_active
from .steps import Departure, DepartureMove

PAGE: Final = 100


class PanelShare(NamedTuple):
    """How many patients go, or went, to a panel; and how many more are on lists alone, and go with it."""

    panel_id: int
    number: str
    patients: int
    on_lists_only: int

    @property
    def letters(self) -> int:
        """How many are written to."""
        return self.patients + self.on_lists_only


class DepartingPatient(NamedTuple):
    """A patient who goes, or went, with a panel, with the address where the host knows it.

    `affiliation_id`: the Blended Capitation affiliation that the patient is on now. `panel_id` is None for one who is
    on a list that ends, and on nothing else of the provider's.
    """

    patient_id: int
    panel_id: int | None
    affiliation_id: int | None
    family_name: str | None
    given_name: str | None
    birth_date: str | None
    address: str | None


@dataclass(frozen=True, slots=True)
class DepartingGroup:
    """Some of them: those who go to a panel, None for all; of these the panel's own, or those on lists alone.

    With `ended_id` those on this list, which ends, who go to no panel.
    """

    to_panel_id: int | None = None
    on_panel: bool | None = None
    ended_id: int | None = None


def shares(
    connection: Connection, host: Host, actor: Actor, found: Departure, move: DepartureMove | None
) -> Sequence[PanelShare]:
    """How many go to each panel, or went there once they were moved, of those that the actor may see."""
    chosen = _chosen(host, actor, found, move).subquery("chosen")
    of_panel = func.sum(chosen.c.on_panel)
    rows = connection.execute(
        select(panel.c.panel_id, panel.c.number, of_panel, func.count() - of_panel)
        .join_from(chosen, panel, panel.c.panel_id == chosen.c.panel_id)
        .group_by(panel.c.panel_id, panel.c.number)
        .order_by(panel.c.number)
    )
    return [PanelShare(panel_id, number, int(own), int(rest)) for panel_id, number, own, rest in rows]


def patients(
    connection: Connection,
    host: Host,
    actor: Actor,
    found: Departure,
    move: DepartureMove | None,
    group: DepartingGroup,
    offset: int,
) -> Sequence[DepartingPatient]:
    """A page of those of a group, by name; and one more where there are more."""
    patient = host.roster.patients()
    if group.ended_id is not None:
        chosen = _on_ended(host, actor, found, group.ended_id).subquery("chosen")
    else:
        chosen = _chosen(host, actor, found, move).subquery("chosen")
    names = (func.coalesce(patient.c.family_name, ""), func.coalesce(patient.c.given_name, ""), chosen.c.patient_id)
    address = host.homes.address(chosen.c.patient_id) if host.homes else null()
    affiliated = and_(other_member.c.patient_id == chosen.c.patient_id, other_member.c.kind == PanelKind.AFFILIATION)
    query = (
        select(
            chosen.c.patient_id,
            chosen.c.panel_id,
            other_member.c.other_panel_id,
            patient.c.family_name,
            patient.c.given_name,
            patient.c.birth_date,
            address,
        )
        .outerjoin_from(chosen, patient, patient.c.patient_id == chosen.c.patient_id)
        .outerjoin(other_member, affiliated)
        .where(
            true() if group.to_panel_id is None else chosen.c.panel_id == group.to_panel_id,
            true() if group.on_panel is None else chosen.c.on_panel == int(group.on_panel),
        )
        .order_by(*names)
        .offset(offset)
        .limit(PAGE + 1)
    )
    return [DepartingPatient(*row) for row in connection.execute(query)]


def ended_only(
    connection: Connection, host: Host, actor: Actor, found: Departure, other_panel_ids: Sequence[int]
) -> dict[int, int]:
    """How many on each of these lists, which end, go to no panel: they are written to as well."""
    return {
        other_panel_id: connection.scalar(
            select(func.count()).select_from(_on_ended(host, actor, found, other_panel_id).subquery())
        )
        or 0
        for other_panel_id in other_panel_ids
    }


def _chosen(host: Host, actor: Actor, found: Departure, move: DepartureMove | None) -> Select[Any]:
    """By patient id and panel, once each: with `on_panel` 1 for the panel's own, 0 for those on lists alone."""
    if move and not move.undone:
        moved = _moved(host, actor, move.operation_id)
        rest = _moved_on_lists(host, actor, found, move.operation_id)
    else:
        moved = _planned(host, actor, found)
        rest = _planned_on_lists(host, actor, found)
    everyone = union_all(moved, rest).subquery("everyone")
    return select(everyone.c.patient_id, everyone.c.panel_id, func.max(everyone.c.on_panel).label("on_panel")).group_by(
        everyone.c.patient_id, everyone.c.panel_id
    )


def _planned(host: Host, actor: Actor, found: Departure) -> Select[Any]:
    """Those of the plan who are still on the panel."""
    planned = departure_patient.c
    return (
        select(member.c.patient_id, planned.panel_id, literal(1).label("on_panel"))
        .join_from(departure_patient, member, member.c.patient_id == planned.patient_id)
        .where(
            planned.departure_id == found.departure_id,
            member.c.panel_id == found.panel_id,
            host.identity.visible(actor, member.c.patient_id),
        )
    )


def _planned_on_lists(host: Host, actor: Actor, found: Departure) -> Select[Any]:
    """Those of the plan who are on one of the lists that are divided."""
    planned, split = departure_patient.c, found.split or Split()
    return (
        select(other_member.c.patient_id, planned.panel_id, literal(0).label("on_panel"))
        .join_from(departure_patient, other_member, other_member.c.patient_id == planned.patient_id)
        .where(
            planned.departure_id == found.departure_id,
            other_member.c.other_panel_id.in_(split.divided_lists),
            host.identity.visible(actor, other_member.c.patient_id),
        )
    )


def _moved(host: Host, actor: Actor, operation_id: int) -> Select[Any]:
    """Those whom the move put on a panel and who are still on it."""
    on_it = (member.c.patient_id == ledger.c.patient_id) & (member.c.panel_id == ledger.c.to_panel_id)
    return (
        select(ledger.c.patient_id, ledger.c.to_panel_id.label("panel_id"), literal(1).label("on_panel"))
        .join(member, on_it)
        .where(ledger.c.operation_id == operation_id, host.identity.visible(actor, ledger.c.patient_id))
    )


def _moved_on_lists(host: Host, actor: Actor, found: Departure, operation_id: int) -> Select[Any]:
    """Those whom it put on a list, and who are still on it, with the panel that the plan had for them."""
    entry, planned, one = other_ledger.c, departure_patient.c, other_member.c
    return (
        select(entry.patient_id, planned.panel_id, literal(0).label("on_panel"))
        .join_from(
            other_ledger,
            other_member,
            and_(
                one.patient_id == entry.patient_id,
                one.kind == entry.kind,
                one.other_panel_id == entry.to_other_panel_id,
            ),
        )
        .join(
            departure_patient,
            and_(planned.patient_id == entry.patient_id, planned.departure_id == found.departure_id),
        )
        .where(entry.operation_id == operation_id, host.identity.visible(actor, entry.patient_id))
    )


def _on_ended(host: Host, actor: Actor, found: Departure, other_panel_id: int) -> Select[Any]:
    """The active patients of a list who are not in the plan."""
    patient, one, planned = host.roster.patients(), other_member.c, departure_patient.c
    in_plan = select(planned.patient_id).where(
        planned.departure_id == found.departure_id, planned.patient_id == one.patient_id
    )
    no_panel: ColumnElement[Any] = case((literal(1) == 1, null()))
    return (
        select(one.patient_id, no_panel.label("panel_id"), literal(0).label("on_panel"))
        .join_from(other_member, patient, patient.c.patient_id == one.patient_id)
        .where(
            one.other_panel_id == other_panel_id,
            is_active(host, patient),
            host.identity.visible(actor, one.patient_id),
            ~in_plan.exists(),
        )
    )
