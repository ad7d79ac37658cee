"""Create, edit and delete panels."""

from collections.abc import Sequence
from dataclasses import asdict

import sqlalchemy as sa
from sqlalchemy.orm import Session

from ...domain.panel import PanelDraft, PanelProvider
from ...domain.refusals import NotFound, Refused, Stale
from ...hooks import Actor, Host
from ...store import ledger
from ...store.tables import member, panel, panel_facility, panel_provider, practitioner
from ...store.types import KEYS
from ..operations import clinic, memberships, record
from ..operations.record import OperationKind
from ..roster.providers import provider_name
from . import states
from .listing import Panel, PanelProviderName, get, live_panels, provider_choices

__all__ = [
    "Panel",
    "PanelProviderName",
    "as_draft",
    "create",
    "create_several",
    "delete",
    "edit",
    "get",
    "live_panels",
    "provider_choices",
]


def create(host: Host, actor: Actor, draft: PanelDraft) -> int:
    """Create a panel. Returns its id; that of an existing panel where one is exactly the same.

    Raises Refused with a message for each field, named as in `panel_draft`.
    """
    with host.database.session() as session:
        clinic.lock(session)
        return _create(session, host, actor, draft)


def create_several(host: Host, actor: Actor, drafts: Sequence[PanelDraft]) -> list[int]:
    """Create all of these panels, or none. Returns their ids.

    Raises Refused with a message for each field, named as in `panel_draft` with the panel's place in front: `2-number`.
    """
    panel_ids: list[int] = []
    with host.database.session() as session:
        clinic.lock(session)
        for place, draft in enumerate(drafts):
            try:
                panel_ids.append(_create(session, host, actor, draft))
            except Refused as refused:
                raise Refused({f"{place}-{field}": text for field, text in refused.messages.items()}) from None
    return panel_ids


def _create(session: Session, host: Host, actor: Actor, draft: PanelDraft) -> int:
    existing_id: int | None = session.scalar(sa.select(panel.c.panel_id).where(panel.c.live_number == draft.number))
    if existing_id is not None and as_draft(get(session.connection(), host, existing_id)) == draft:
        return existing_id
    _refuse_number_in_use(session, draft.number)
    inserted = session.execute(sa.insert(panel).values(**_head(draft), version=1, created_at=host.clock.now()))
    panel_id = int(inserted.inserted_primary_key[0])  # type: ignore[attr-defined]
    _replace_parts(session, host, panel_id, draft)
    record.begin(session, host, actor, OperationKind.CREATE_PANEL, panel_id=panel_id, detail=asdict(draft))
    return panel_id


def edit(host: Host, actor: Actor, panel_id: int, version: int, draft: PanelDraft) -> None:
    """Make the panel what the draft says. A Practitioner ID changes for its provider, whatever the panel.

    Nothing is done where the panel is already the same. Raises Refused with a message for each field, NotFound,
    Stale when `version` is out of date, and Forbidden to reopen an ended panel without being an administrator.
    """
    with host.database.session() as session:
        clinic.lock(session)
        saved = get(session.connection(), host, panel_id)
        if as_draft(saved) == draft:
            return
        _live_number(session, panel_id, version)
        states.require_allowed(host, actor, saved.state, draft.state)
        _refuse_number_in_use(session, draft.number, but_of=panel_id)
        changed = sa.update(panel).where(panel.c.panel_id == panel_id)
        session.execute(changed.values(**_head(draft), version=version + 1))
        _replace_parts(session, host, panel_id, draft)
        if not draft.state.is_submitted:
            states.cancel_requests(session, panel_id, host.clock.now(), "The panel has ended.")
        record.begin(session, host, actor, OperationKind.EDIT_PANEL, panel_id=panel_id, detail=asdict(draft))


def delete(host: Host, actor: Actor, panel_id: int, version: int) -> int:
    """Delete a panel: its members become Not Paneled, what is queued is cancelled. Returns how many members it had.

    A submission under way finishes; history and ledger stay. Raises NotFound, and Stale when `version` is out of date.
    """
    with host.database.session() as session:
        clinic.lock(session)
        number = _live_number(session, panel_id, version)
        now = host.clock.now()
        operation_id = record.begin(session, host, actor, OperationKind.DELETE_PANEL, panel_id=panel_id)
        leaving = sa.select(member.c.patient_id, *ledger.columns(), *ledger.NONE).where(member.c.panel_id == panel_id)
        members = ledger.append(session, operation_id, leaving)
        memberships.carry_out(session, operation_id)
        record.conclude(session, operation_id, {"number": number, "removed": members})
        states.cancel_requests(session, panel_id, now, "The panel was deleted.")
        deletion = sa.update(panel).where(panel.c.panel_id == panel_id)
        session.execute(deletion.values(live_number=None, deleted_at=now, version=version + 1))
    return members


def as_draft(saved: Panel) -> PanelDraft:
    """A panel as it would have to be entered."""
    providers = tuple(PanelProvider(provider.provider_id, provider.practitioner_id) for provider in saved.providers)
    return PanelDraft(saved.number, saved.facilities, providers, saved.notify, saved.state)


def _head(draft: PanelDraft) -> dict[str, str]:
    return {
        "number": draft.number,
        "live_number": draft.number,
        "notify": draft.notify,
        "state": draft.state,
    }


def _live_number(session: Session, panel_id: int, version: int) -> str:
    query = sa.select(panel.c.live_number, panel.c.version).where(panel.c.panel_id == panel_id)
    row = session.execute(query).one_or_none() if panel_id in KEYS else None
    if row is None or row.live_number is None:
        raise NotFound("Panel not found. It may have been deleted.")
    if row.version != version:
        raise Stale("Someone else changed this panel in the meantime. Nothing was saved: review it and try again.")
    return str(row.live_number)


def _refuse_number_in_use(session: Session, number: str, *, but_of: int | None = None) -> None:
    other_panel_id = session.scalar(sa.select(panel.c.panel_id).where(panel.c.live_number == number))
    if other_panel_id not in (None, but_of):
        raise Refused({"number": "Another panel already has this number: correct the number, or edit that panel."})


def _replace_parts(session: Session, host: Host, panel_id: int, draft: PanelDraft) -> None:
    of_panel = panel_provider.c.panel_id == panel_id
    before = set(session.scalars(sa.select(panel_provider.c.provider_id).where(of_panel)))
    _refuse_unknown_providers(session, host, draft, before)
    session.execute(sa.delete(panel_facility).where(panel_facility.c.panel_id == panel_id))
    session.execute(sa.delete(panel_provider).where(of_panel))
    session.execute(
        sa.insert(panel_facility),
        [
            {"panel_id": panel_id, "position": place, "facility_id": facility}
            for place, facility in enumerate(draft.facilities)
        ],
    )
    session.execute(
        sa.insert(panel_provider),
        [
            {"panel_id": panel_id, "position": place, "provider_id": provider.provider_id}
            for place, provider in enumerate(draft.providers)
        ],
    )
    _set_practitioner_ids(session, host, panel_id, draft.providers)


def _refuse_unknown_providers(session: Session, host: Host, draft: PanelDraft, before: set[str]) -> None:
    """A provider who has left the EMR may stay on a panel, but not be added to one."""
    provider_table = host.roster.providers()
    ids = [provider.provider_id for provider in draft.providers]
    provider_ids = before | set(
        session.scalars(sa.select(provider_table.c.provider_id).where(provider_table.c.provider_id.in_(ids)))
    )
    messages = {
        f"providers-{place}": "Provider not found in the EMR: select one from the list."
        for place, provider_id in enumerate(ids)
        if provider_id not in provider_ids
    }
    if messages:
        raise Refused(messages)


def _set_practitioner_ids(session: Session, host: Host, panel_id: int, providers: tuple[PanelProvider, ...]) -> None:
    """One Practitioner ID for each provider, and no two providers with the same."""
    practitioner_ids = {provider.provider_id: provider.practitioner_id for provider in providers}
    same_digits = practitioner.c.practitioner_id.in_(practitioner_ids.values())
    on_live_panels = sa.select(panel_provider.c.provider_id).join(panel).where(panel.c.live_number.is_not(None))
    # The ID of a provider who is no longer on any panel is free again.
    session.execute(
        sa.delete(practitioner).where(same_digits, practitioner.c.provider_id.not_in(on_live_panels.scalar_subquery()))
    )
    _refuse_ids_of_others(session, host, providers)
    of_providers = practitioner.c.provider_id.in_(practitioner_ids)
    entered = sa.select(practitioner.c.provider_id, practitioner.c.practitioner_id).where(of_providers)
    before = {row.provider_id: row.practitioner_id for row in session.execute(entered)}
    session.execute(sa.delete(practitioner).where(of_providers))
    session.execute(
        sa.insert(practitioner),
        [{"provider_id": provider_id, "practitioner_id": digits} for provider_id, digits in practitioner_ids.items()],
    )
    # Users who are editing another panel of these providers have to see the new ID first.
    changed = [
        provider_id for provider_id, digits in practitioner_ids.items() if before.get(provider_id, digits) != digits
    ]
    panel_ids = sa.select(panel_provider.c.panel_id).where(panel_provider.c.provider_id.in_(changed))
    session.execute(
        sa.update(panel)
        .where(panel.c.panel_id.in_(panel_ids), panel.c.panel_id != panel_id)
        .values(version=panel.c.version + 1)
    )


def _refuse_ids_of_others(session: Session, host: Host, providers: tuple[PanelProvider, ...]) -> None:
    provider_table = host.roster.providers()
    of_others = (
        sa.select(practitioner, provider_table.c.family_name, provider_table.c.given_name)
        .outerjoin(provider_table, provider_table.c.provider_id == practitioner.c.provider_id)
        .where(
            practitioner.c.practitioner_id.in_([provider.practitioner_id for provider in providers]),
            practitioner.c.provider_id.not_in([provider.provider_id for provider in providers]),
        )
    )
    owners = {
        row.practitioner_id: provider_name(row.family_name, row.given_name, row.provider_id)
        for row in session.execute(of_others)
    }
    messages = {
        f"practitioner_ids-{place}": f"This Practitioner ID belongs to {owners[provider.practitioner_id]}: correct it."
        for place, provider in enumerate(providers)
        if provider.practitioner_id in owners
    }
    if messages:
        raise Refused(messages)
