"""Who did what and when: one operation for each change, and one line of the host's audit trail with it."""

from enum import StrEnum
from typing import Any

import orjson
from sqlalchemy import insert, update
from sqlalchemy.orm import Session

from ...hooks import Actor, AuditEvent, Host
from ...store import tables


class Kind(StrEnum):
    """What an operation did."""

    ADD = "add"
    MOVE = "move"
    REMOVE = "remove"
    CONFIRM = "confirm"
    BULK_ASSIGN = "bulk-assign"
    BULK_MOVE = "bulk-move"
    BULK_REMOVE = "bulk-remove"
    BULK_CONFIRM = "bulk-confirm"
    UNDO = "undo"
    MERGE = "merge"
    UNMERGE = "unmerge"
    KEEP = "keep"
    ANSWER = "answer"
    WITHDRAW_ANSWER = "withdraw-answer"
    CREATE_PANEL = "create-panel"
    EDIT_PANEL = "edit-panel"
    DELETE_PANEL = "delete-panel"
    SETTINGS = "settings"
    ENABLE = "enable"
    DISABLE = "disable"
    REGISTER_CLIENT = "register-client"
    CHANGE_CLIENT = "change-client"
    REVOKE_CLIENT = "revoke-client"
    HOLD_CLIENT = "hold-client"
    ALLOW_CLIENT = "allow-client"
    AFTER_RESTORE = "after-restore"


BULK = frozenset({Kind.BULK_ASSIGN, Kind.BULK_MOVE, Kind.BULK_REMOVE, Kind.BULK_CONFIRM})

_MEMBER, _PANEL, _SETTINGS, _CLIENT = "cparPanelMember", "cparPanel", "cparSettings", "cparFhirClient"
_AUDIT: dict[Kind, tuple[str, str]] = {
    Kind.ADD: ("add", _MEMBER),
    Kind.MOVE: ("update", _MEMBER),
    Kind.REMOVE: ("delete", _MEMBER),
    Kind.CONFIRM: ("update", _MEMBER),
    Kind.BULK_ASSIGN: ("add", _MEMBER),
    Kind.BULK_MOVE: ("update", _MEMBER),
    Kind.BULK_REMOVE: ("delete", _MEMBER),
    Kind.BULK_CONFIRM: ("update", _MEMBER),
    Kind.UNDO: ("update", _MEMBER),
    Kind.MERGE: ("update", _MEMBER),
    Kind.UNMERGE: ("update", _MEMBER),
    Kind.KEEP: ("update", _MEMBER),
    Kind.ANSWER: ("update", _MEMBER),
    Kind.WITHDRAW_ANSWER: ("update", _MEMBER),
    Kind.CREATE_PANEL: ("add", _PANEL),
    Kind.EDIT_PANEL: ("update", _PANEL),
    Kind.DELETE_PANEL: ("delete", _PANEL),
    Kind.SETTINGS: ("update", _SETTINGS),
    Kind.ENABLE: ("update", _SETTINGS),
    Kind.DISABLE: ("update", _SETTINGS),
    Kind.REGISTER_CLIENT: ("add", _CLIENT),
    Kind.CHANGE_CLIENT: ("update", _CLIENT),
    Kind.REVOKE_CLIENT: ("delete", _CLIENT),
    Kind.HOLD_CLIENT: ("update", _CLIENT),
    Kind.ALLOW_CLIENT: ("update", _CLIENT),
    Kind.AFTER_RESTORE: ("update", _SETTINGS),
}


def begin(
    session: Session,
    host: Host,
    actor: Actor,
    kind: Kind,
    *,
    panel_id: int | None = None,
    from_panel_id: int | None = None,
    undoes: int | None = None,
    form_key: str | None = None,
    patient_id: int | None = None,
    client_id: str | None = None,
    detail: dict[str, Any] | None = None,
) -> int:
    """Write down an operation, and tell the host's audit trail. Returns the operation's id.

    Needs `clinic.lock` when the operation changes memberships: their ids then follow one another as the changes do.
    `detail` holds no patient data.
    """
    inserted = session.execute(
        insert(tables.operation).values(
            kind=kind,
            at=host.clock.now(),
            actor_id=actor.actor_id,
            panel_id=panel_id,
            from_panel_id=from_panel_id,
            undoes=undoes,
            form_key=form_key,
            detail=orjson.dumps((detail or {}) | ({"client": client_id} if client_id else {})).decode(),
        )
    )
    operation_id = int(inserted.inserted_primary_key[0])  # type: ignore[attr-defined]
    action, noun = _AUDIT[kind]
    parts = {"operation": operation_id, "panel": panel_id, "from panel": from_panel_id, "undoes operation": undoes}
    host.audit.record(
        session,
        AuditEvent(
            actor=actor,
            action=action,
            noun=noun,
            key=client_id or str(panel_id or from_panel_id or operation_id) if noun != _SETTINGS else "clinic",
            patient_id=patient_id,
            detail=f"{kind}: " + ", ".join(f"{name} {number}" for name, number in parts.items() if number),
        ),
    )
    return operation_id


def conclude(session: Session, operation_id: int, detail: dict[str, Any]) -> None:
    """Complete the detail of an operation of this same transaction with what came of it."""
    text = orjson.dumps(detail).decode()
    session.execute(update(tables.operation).where(tables.operation.c.operation_id == operation_id).values(detail=text))
