"""The affiliation and the caseload of one patient, as the box shows them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from sqlalchemy import Connection, select

from ...domain.panel_kind import OTHER_KINDS, OtherKind
from ...domain.panel_state import PanelState
from ...hooks import Host
from ...store.tables import other_member, other_panel
from ...store.types import KEYS
from ..roster.providers import provider_name

NONE_OF_KIND: Final = "None"


@dataclass(frozen=True, slots=True)
class OtherChoice:
    """An affiliation or a caseload that there is."""

    other_panel_id: int
    label: str
    state: PanelState


@dataclass(frozen=True, slots=True)
class ShownOther:
    """What the box shows of one kind. `panel` and what follows it is None for a patient who is on none of it."""

    kind: OtherKind
    choices: tuple[OtherChoice, ...]  # those that the patient can be put on, without the present one
    panel: OtherChoice | None = None
    since: datetime | None = None
    signed_on: date | None = None


def of_patient(connection: Connection, host: Host, patient_id: int) -> Sequence[ShownOther]:
    """One for each kind of which the clinic has any, in one statement."""
    if patient_id not in KEYS:
        return ()
    panel, member, provider = other_panel.c, other_member, host.roster.providers()
    of_this = (member.c.other_panel_id == panel.other_panel_id) & (member.c.kind == panel.kind)
    rows = connection.execute(
        select(
            panel.other_panel_id,
            panel.kind,
            panel.name,
            panel.provider_id,
            panel.state,
            provider.c.family_name,
            provider.c.given_name,
            member.c.since,
            member.c.signed_on,
        )
        .select_from(other_panel)
        .outerjoin(member, of_this & (member.c.patient_id == patient_id))
        .outerjoin(provider, provider.c.provider_id == panel.provider_id)
        .where(panel.live_name.is_not(None))
        .order_by(panel.name, panel.other_panel_id)
    ).all()
    shown = []
    for kind in OTHER_KINDS.values():
        choices, current = [], None
        for row in rows:
            if row.kind != kind:
                continue
            by = provider_name(row.family_name, row.given_name, row.provider_id) if row.provider_id else ""
            label = f"{row.name} ({by})" if by else row.name
            choice = OtherChoice(row.other_panel_id, label, PanelState(row.state))
            if row.since is not None:
                current = (choice, row.since, row.signed_on)
            elif choice.state.takes_patients:
                choices.append(choice)
        if choices or current:
            shown.append(ShownOther(kind, tuple(choices), *(current or ())))
    return shown
