"""Active patients with their panel, their MRP, and what the four-cut proposes, as SQL."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    exists,
    false,
    func,
    null,
    select,
    true,
)

from ...domain.attachment import UNSEEN_YEARS, AttachmentList, AttachmentTarget
from ...domain.bands import months_before
from ...domain.four_cut import Cut
from ...domain.panel_state import CLOSED
from ...domain.patient_search import words
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member, panel, panel_provider
from ..roster import four_cut
from ..roster.searching import matches

COUNTED: Final = tuple(which for which in AttachmentList if which is not AttachmentList.NOT_SEEN)  # by `everyone`
_DECISION = ("provider_id", "cut", "visits", "all_visits", "same_moment")


@dataclass(frozen=True, slots=True)
class AttachmentCriteria:
    """What the list is narrowed by; `text` is in a name, or a PHN, record number or date of birth."""

    which: AttachmentList = AttachmentList.NO_PANEL
    panel_id: int | None = None  # that the patient is on
    cut: Cut | None = None
    text: str = ""

    @property
    def narrowed(self) -> bool:
        """Whether fewer are shown than are on the list."""
        return bool(self.panel_id or self.cut or self.text)


def everyone(host: Host, actor: Actor, settings: Settings) -> FromClause:
    """Every active patient whom the actor may see: record, panel, proposal, and 1 or 0 for each list of COUNTED.

    Those without a visit that counts, and all where the host cannot say, have NULL for the proposal.
    """
    patient, proposed = host.roster.patients(), _proposals(host, settings)
    source = patient.outerjoin(member, member.c.patient_id == patient.c.patient_id)
    source = source.outerjoin(panel, panel.c.panel_id == member.c.panel_id)
    source = source.outerjoin(proposed, proposed.c.patient_id == patient.c.patient_id)
    on_panel = member.c.panel_id.is_not(None)
    lists: dict[AttachmentList, ColumnElement[bool]] = {
        AttachmentList.NO_PANEL: member.c.panel_id.is_(None),
        AttachmentList.MRP_DIFFERS: and_(on_panel, patient.c.mrp_id.is_not(None), ~_on_own(patient.c.mrp_id)),
        AttachmentList.FOUR_CUT_DIFFERS: and_(
            on_panel, proposed.c.provider_id.is_not(None), ~_on_own(proposed.c.provider_id)
        ),
    }
    return (
        select(
            *(patient.c[name] for name in ("patient_id", "family_name", "given_name", "birth_date", "phn", "mrp_id")),
            member.c.panel_id,
            panel.c.number.label("panel_number"),
            *(proposed.c[name].label(name) for name in _DECISION),
            *(case((condition, 1), else_=0).label(on_list(which)) for which, condition in lists.items()),
        )
        .select_from(source)
        .where(
            patient.c.status == host.roster.active_status,
            host.identity.visible(actor, patient.c.patient_id),
        )
        .cte("everyone")
    )


def on_list(which: AttachmentList) -> str:
    """The column that says whether a row is on this list."""
    return f"on_{which.name.lower()}"


def found(host: Host, actor: Actor, settings: Settings, criteria: AttachmentCriteria) -> Select[Any]:
    """Those of the list that the criteria leave, in no order: the columns of `everyone`."""
    rows = everyone(host, actor, settings)
    return select(rows).where(is_found(host, rows, criteria))


def is_found(host: Host, rows: FromClause, criteria: AttachmentCriteria) -> ColumnElement[bool]:
    """Whether a row of `everyone` is on the list, and the criteria leave it."""
    column = rows.c
    return and_(
        _is_on(host, rows, criteria.which),
        column.panel_id == criteria.panel_id if criteria.panel_id else true(),
        column.cut == criteria.cut.value if criteria.cut else true(),
        *(matches(column, word) for word in words(criteria.text)),
    )


def _is_on(host: Host, rows: FromClause, which: AttachmentList) -> ColumnElement[bool]:
    if which is not AttachmentList.NOT_SEEN:
        return rows.c[on_list(which)] == 1
    now = host.clock.now()
    since = months_before(now.astimezone(host.clock.zone).date(), 12 * UNSEEN_YEARS)
    last_visit_on = host.roster.last_visit_on(rows.c.patient_id, now)
    return and_(rows.c.panel_id.is_not(None), (last_visit_on > since).is_not(true()))  # NULL is not true either


def panels_of_providers() -> FromClause:
    """Each provider of panels that take patients: provider_id, panels (how many), panel_id of one of them."""
    live = panel_provider.join(panel, panel.c.panel_id == panel_provider.c.panel_id)
    return (
        select(
            panel_provider.c.provider_id,
            func.count().label("panels"),
            func.min(panel.c.panel_id).label("panel_id"),
        )
        .select_from(live)
        .where(panel.c.live_number.is_not(None), panel.c.state.not_in(CLOSED))
        .group_by(panel_provider.c.provider_id)
        .subquery("panel_of_provider")
    )


def provider_of(target: AttachmentTarget, rows: FromClause) -> ColumnElement[str]:
    """Whose panel a patient goes to."""
    return rows.c.provider_id if target is AttachmentTarget.FOUR_CUT else rows.c.mrp_id


def _proposals(host: Host, settings: Settings) -> FromClause:
    if host.visits:
        return four_cut.proposals(host, settings.four_cut)
    nothing = (null().label(name) for name in ("patient_id", *_DECISION))
    return select(*nothing).where(false()).cte("proposal")


def _on_own(provider_id: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether this is a provider of the panel that the patient is on."""
    return exists().where(panel_provider.c.panel_id == member.c.panel_id, panel_provider.c.provider_id == provider_id)
