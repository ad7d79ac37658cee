"""Where the patients of a provider who leaves go: worked out by the rules, and stored."""

from collections import Counter
from collections.abc import Iterator, Mapping

from sqlalchemy import null, select
from sqlalchemy.orm import Session

from ...domain.departure import LeavingPatient, Split, divided
from ...domain.panel_kind import OTHER_KINDS
from ...domain.panel_state import PanelState, why_no_one_is_added
from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ...store.tables import member, other_member, panel, panel_provider
from ..bulk import Depart, ListTarget
from ..operations import clinic, record
from ..operations.record import OperationKind
from ..roster import merges
from . import lists, steps
from .active import is_active
from .steps import Departure

AT_ONCE = 1000


def plan(host: Host, actor: Actor, panel_id: int, version: int, split: Split) -> int:
    """Work out by the rules where everyone goes whom the actor may see, and store it. Returns how many have a panel.

    They are the members of the panel, and the patients of the affiliations and caseloads that are divided with it.

    Nothing is moved. Raises Refused unless the panel is in transition and the others take patients, Stale, NotFound.
    """
    with host.database.session() as session:
        clinic.lock(session)
        before = steps.required(session.connection(), panel_id)
        merges.reconcile(session, host)
        if session.scalar(select(panel.c.state).where(panel.c.panel_id == panel_id)) != PanelState.IN_TRANSITION:
            raise Refused("Set the panel in transition first, so that no one is added after the preview.")
        _require_open(session, panel_id, split)
        lists.require_open(session.connection(), host, panel_id, split)
        lists.set_state(session, [*split.divided_lists, *split.ended_lists], PanelState.IN_TRANSITION)
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
    """The active patients whom the actor may see, with what the rules ask for and the host can say."""
    patient, now = host.roster.patients(), host.clock.now()
    last_seen = any(target.last_seen for target in split.targets)
    leaving = select(member.c.patient_id).where(member.c.panel_id == panel_id)
    if split.divided_lists:
        on_lists = select(other_member.c.patient_id).where(other_member.c.other_panel_id.in_(split.divided_lists))
        leaving = leaving.union(on_lists)  # type: ignore[assignment]
    one = leaving.subquery("leaving")
    seen_by = host.visits.last_provider(one.c.patient_id, now) if host.visits and last_seen else null()
    home = host.homes.address(one.c.patient_id) if host.homes and split.together else null()
    panel_of = _panel_of_provider(session, split)
    rows = session.execute(
        select(
            one.c.patient_id,
            patient.c.family_name,
            seen_by.label("seen_by"),
            home.label("home"),
            member.c.panel_id.label("on_panel"),
        )
        .join_from(one, patient, patient.c.patient_id == one.c.patient_id)
        .outerjoin(member, member.c.patient_id == one.c.patient_id)
        .where(is_active(host, patient), host.identity.visible(actor, one.c.patient_id)),
        execution_options={"yield_per": AT_ONCE},
    )
    for row in rows:
        home_key = " ".join((row.home or "").casefold().split())
        seen_on = panel_of.get(row.seen_by)
        on_panel = row.on_panel if row.on_panel != panel_id else None
        yield LeavingPatient(row.patient_id, row.family_name or "", seen_on, home_key, on_panel)


def _panel_of_provider(session: Session, split: Split) -> Mapping[str | None, int]:
    """The first of these panels that a provider is on."""
    order = {target.panel_id: place for place, target in enumerate(split.targets)}
    rows = session.execute(select(panel_provider).where(panel_provider.c.panel_id.in_(order))).all()
    return {row.provider_id: row.panel_id for row in sorted(rows, key=lambda row: -order[row.panel_id])}


def order_of(found: Departure) -> Depart:
    """The order that carries out the plan as it is stored."""
    split = found.split or Split()
    targets = tuple(
        ListTarget(kind, target.panel_id, other_panel_id)
        for target in split.targets
        for kind in OTHER_KINDS.values()
        if (other_panel_id := target.list_of(kind))
    )
    return Depart(found.panel_id, found.departure_id, found.version, split.divided_lists, targets)
