"""Create, edit and delete affiliations and caseloads."""

from dataclasses import asdict
from typing import Final

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from ...domain.other_panel import OtherDraft
from ...domain.panel_state import PanelState
from ...domain.refusals import Refused, Stale
from ...hooks import Actor, Host
from ...store import other_ledger as ledger
from ...store.tables import other_member, other_panel
from ..operations import access, clinic, other_memberships, record
from ..operations.record import OperationKind
from .listing import OtherPanel, get

_REOPEN: Final = "Only an EMR administrator can reopen what has ended. Ask someone with the admin role."
_STALE: Final = "Someone else changed this in the meantime. Nothing was saved: review it and try again."


def create(host: Host, actor: Actor, draft: OtherDraft) -> int:
    """Create it. Returns its id; that of an existing one that is exactly the same.

    Raises Refused with a message for each field, named as in `other_draft`.
    """
    with host.database.session() as session:
        clinic.lock(session)
        named = select(other_panel.c.other_panel_id).where(
            other_panel.c.kind == draft.kind, other_panel.c.live_name == draft.name
        )
        existing_id: int | None = session.scalar(named)
        if existing_id is not None and as_draft(get(session.connection(), host, existing_id)) == draft:
            return existing_id
        _check(session, host, draft, existing_id, None)
        inserted = session.execute(
            insert(other_panel).values(**_head(draft), kind=draft.kind, version=1, created_at=host.clock.now())
        )
        other_panel_id = int(inserted.inserted_primary_key[0])  # type: ignore[attr-defined]
        detail = {"other_panel": other_panel_id, **asdict(draft)}
        record.begin(session, host, actor, OperationKind.CREATE_OTHER, detail=detail)
    return other_panel_id


def edit(host: Host, actor: Actor, other_panel_id: int, version: int, draft: OtherDraft) -> None:
    """Make it what the draft says. The kind remains: patients would change what they are on, unseen.

    Raises Refused with a message for each field, NotFound, Stale when `version` is out of date, and Forbidden to reopen
    one that has ended without being an administrator.
    """
    with host.database.session() as session:
        clinic.lock(session)
        saved = get(session.connection(), host, other_panel_id)
        if as_draft(saved) == draft:
            return
        if saved.version != version:
            raise Stale(_STALE)
        if saved.kind != draft.kind:
            raise Refused({"kind": f"This is and remains a {saved.kind.label}: create another one instead."})
        if saved.state is PanelState.ENDED and draft.state is not PanelState.ENDED:
            access.require_administrator(host, actor, _REOPEN)
        named = select(other_panel.c.other_panel_id).where(
            other_panel.c.kind == draft.kind,
            other_panel.c.live_name == draft.name,
            other_panel.c.other_panel_id != other_panel_id,
        )
        _check(session, host, draft, session.scalar(named), saved)
        changed = update(other_panel).where(other_panel.c.other_panel_id == other_panel_id)
        session.execute(changed.values(**_head(draft), version=version + 1))
        detail = {"other_panel": other_panel_id, **asdict(draft)}
        record.begin(session, host, actor, OperationKind.EDIT_OTHER, detail=detail)


def delete(host: Host, actor: Actor, other_panel_id: int, version: int) -> int:
    """Delete it: its members are on none of its kind afterwards, the ledger remains. Returns how many there were.

    Raises NotFound, and Stale when `version` is out of date.
    """
    with host.database.session() as session:
        clinic.lock(session)
        saved = get(session.connection(), host, other_panel_id)
        if saved.version != version:
            raise Stale(_STALE)
        operation_id = record.begin(session, host, actor, OperationKind.DELETE_OTHER)
        member = other_member.c
        leaving = select(member.patient_id, member.kind, *ledger.columns(), *ledger.NONE)
        removed = ledger.append(session, operation_id, leaving.where(member.other_panel_id == other_panel_id))
        other_memberships.carry_out(session, operation_id)
        detail = {"other_panel": other_panel_id, "kind": saved.kind, "name": saved.name, "removed": removed}
        record.conclude(session, operation_id, detail)
        deletion = update(other_panel).where(other_panel.c.other_panel_id == other_panel_id)
        session.execute(deletion.values(live_name=None, deleted_at=host.clock.now(), version=version + 1))
    return removed


def as_draft(saved: OtherPanel) -> OtherDraft:
    """One as it would have to be entered."""
    return OtherDraft(saved.kind, saved.name, saved.provider_id, saved.state)


def _head(draft: OtherDraft) -> dict[str, str]:
    return {
        "name": draft.name,
        "live_name": draft.name,
        "provider_id": draft.provider_id,
        "state": draft.state,
    }


def _check(session: Session, host: Host, draft: OtherDraft, same_name_id: int | None, saved: OtherPanel | None) -> None:
    messages: dict[str, str] = {}
    if same_name_id is not None:
        messages["name"] = f"Another {draft.kind.noun} already has this name: enter another one, or edit that one."
    provider = host.roster.providers().c.provider_id
    known = saved is not None and saved.provider_id == draft.provider_id  # one who has left the EMR may remain
    if (
        draft.provider_id
        and not known
        and session.scalar(select(provider).where(provider == draft.provider_id)) is None
    ):
        messages["provider_id"] = "Provider not found in the EMR: select one from the list."
    if messages:
        raise Refused(messages)
