"""Who did what and when: one operation for each change, and one line of the host's audit trail with it."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final, Literal, get_args

import orjson
from sqlalchemy import Select, insert, select, update

from ...domain.client_id import number_in
from ...domain.exhaustive import exhaustive
from ...hooks import Actor, AuditEvent, AuditTrailOfMany, Host
from ...store import tables

if TYPE_CHECKING:
    from sqlalchemy.orm import Session


class OperationKind(StrEnum):
    """What an operation did."""

    ADD = "add"
    MOVE = "move"
    REMOVE = "remove"
    CONFIRM = "confirm"
    BULK_ASSIGN = "bulk-assign"
    BULK_FILL = "bulk-fill"
    BULK_MOVE = "bulk-move"
    BULK_REMOVE = "bulk-remove"
    BULK_CONFIRM = "bulk-confirm"
    BULK_IMPORT = "bulk-import"
    BULK_DEPARTURE = "bulk-departure"
    BULK_ATTACH = "bulk-attach"
    UNDO = "undo"
    MOVE_BACK = "move-back"
    MERGE = "merge"
    UNMERGE = "unmerge"
    KEEP = "keep"
    ANSWER = "answer"
    WITHDRAW_ANSWER = "withdraw-answer"
    TAKE_EXCLUSIONS = "take-exclusions"
    RELEASE_EXCLUSIONS = "release-exclusions"
    STATE_EXCLUSIONS = "state-exclusions"
    NOTE_EXCLUSIONS = "note-exclusions"
    UNDO_EXCLUSIONS = "undo-exclusions"
    RECEIVE_REPORT = "receive-report"
    REMOVE_REPORT = "remove-report"
    MATCH_REPORT = "match-report"
    WORK_ON_REPORT = "work-on-report"
    COMPARE_LINES = "compare-lines"
    END_CONFLICT = "end-conflict"
    UNDO_WORK = "undo-work"
    ENTER_METRICS = "enter-metrics"
    RECORD_LETTER = "record-letter"
    WITHDRAW_LETTER = "withdraw-letter"
    PLAN_DEPARTURE = "plan-departure"
    CREATE_PANEL = "create-panel"
    EDIT_PANEL = "edit-panel"
    DELETE_PANEL = "delete-panel"
    # Of affiliations and caseloads, which have a ledger of their own.
    CREATE_OTHER = "create-other"
    EDIT_OTHER = "edit-other"
    DELETE_OTHER = "delete-other"
    ADD_TO_OTHER = "add-to-other"
    MOVE_IN_OTHER = "move-in-other"
    REMOVE_FROM_OTHER = "remove-from-other"
    SIGN_OTHER = "sign-other"
    BULK_OTHER = "bulk-other"
    UNDO_OTHER = "undo-other"
    MERGE_OTHER = "merge-other"
    SETTINGS = "settings"
    DISMISS_CHECKLIST = "dismiss-checklist"
    ENABLE = "enable"
    DISABLE = "disable"
    REGISTER_CLIENT = "register-client"
    CHANGE_CLIENT = "change-client"
    REVOKE_CLIENT = "revoke-client"
    HOLD_CLIENT = "hold-client"
    ALLOW_CLIENT = "allow-client"
    AFTER_RESTORE = "after-restore"


BulkKind = Literal[
    OperationKind.BULK_ASSIGN,
    OperationKind.BULK_FILL,
    OperationKind.BULK_MOVE,
    OperationKind.BULK_REMOVE,
    OperationKind.BULK_CONFIRM,
    OperationKind.BULK_IMPORT,
    OperationKind.BULK_DEPARTURE,
    OperationKind.BULK_ATTACH,
]
BULK: Final[dict[OperationKind, BulkKind]] = {kind: kind for kind in get_args(BulkKind)}

_LINES_AT_ONCE: Final = 10_000
_MEMBER, _PANEL, _SETTINGS, _CLIENT = "cparPanelMember", "cparPanel", "cparSettings", "cparFhirClient"
_REPORT: Final = "cparReport"
_OTHER, _OTHER_MEMBER = "cparOtherPanel", "cparOtherPanelMember"
_AUDIT: Final[Mapping[OperationKind, tuple[str, str]]] = exhaustive(
    __name__,
    OperationKind,
    {
        OperationKind.ADD: ("add", _MEMBER),
        OperationKind.MOVE: ("update", _MEMBER),
        OperationKind.REMOVE: ("delete", _MEMBER),
        OperationKind.CONFIRM: ("update", _MEMBER),
        OperationKind.BULK_ASSIGN: ("add", _MEMBER),
        OperationKind.BULK_FILL: ("add", _MEMBER),
        OperationKind.BULK_MOVE: ("update", _MEMBER),
        OperationKind.BULK_REMOVE: ("delete", _MEMBER),
        OperationKind.BULK_CONFIRM: ("update", _MEMBER),
        OperationKind.BULK_IMPORT: ("add", _MEMBER),
        OperationKind.BULK_DEPARTURE: ("update", _MEMBER),
        OperationKind.BULK_ATTACH: ("add", _MEMBER),
        OperationKind.UNDO: ("update", _MEMBER),
        OperationKind.MOVE_BACK: ("update", _MEMBER),
        OperationKind.MERGE: ("update", _MEMBER),
        OperationKind.UNMERGE: ("update", _MEMBER),
        OperationKind.KEEP: ("update", _MEMBER),
        OperationKind.ANSWER: ("update", _MEMBER),
        OperationKind.WITHDRAW_ANSWER: ("update", _MEMBER),
        OperationKind.TAKE_EXCLUSIONS: ("update", _MEMBER),
        OperationKind.RELEASE_EXCLUSIONS: ("update", _MEMBER),
        OperationKind.STATE_EXCLUSIONS: ("update", _MEMBER),
        OperationKind.NOTE_EXCLUSIONS: ("update", _MEMBER),
        OperationKind.UNDO_EXCLUSIONS: ("update", _MEMBER),
        OperationKind.RECEIVE_REPORT: ("add", _REPORT),
        OperationKind.REMOVE_REPORT: ("delete", _REPORT),
        OperationKind.MATCH_REPORT: ("update", _REPORT),
        OperationKind.WORK_ON_REPORT: ("update", _REPORT),
        OperationKind.COMPARE_LINES: ("update", _REPORT),
        OperationKind.END_CONFLICT: ("update", _REPORT),
        OperationKind.UNDO_WORK: ("update", _REPORT),
        OperationKind.ENTER_METRICS: ("update", _PANEL),
        OperationKind.RECORD_LETTER: ("add", _REPORT),
        OperationKind.WITHDRAW_LETTER: ("delete", _REPORT),
        OperationKind.PLAN_DEPARTURE: ("update", _PANEL),
        OperationKind.CREATE_PANEL: ("add", _PANEL),
        OperationKind.EDIT_PANEL: ("update", _PANEL),
        OperationKind.DELETE_PANEL: ("delete", _PANEL),
        OperationKind.CREATE_OTHER: ("add", _OTHER),
        OperationKind.EDIT_OTHER: ("update", _OTHER),
        OperationKind.DELETE_OTHER: ("delete", _OTHER),
        OperationKind.ADD_TO_OTHER: ("add", _OTHER_MEMBER),
        OperationKind.MOVE_IN_OTHER: ("update", _OTHER_MEMBER),
        OperationKind.REMOVE_FROM_OTHER: ("delete", _OTHER_MEMBER),
        OperationKind.SIGN_OTHER: ("update", _OTHER_MEMBER),
        OperationKind.BULK_OTHER: ("update", _OTHER_MEMBER),
        OperationKind.UNDO_OTHER: ("update", _OTHER_MEMBER),
        OperationKind.MERGE_OTHER: ("update", _OTHER_MEMBER),
        OperationKind.SETTINGS: ("update", _SETTINGS),
        OperationKind.DISMISS_CHECKLIST: ("update", _SETTINGS),
        OperationKind.ENABLE: ("update", _SETTINGS),
        OperationKind.DISABLE: ("update", _SETTINGS),
        OperationKind.REGISTER_CLIENT: ("add", _CLIENT),
        OperationKind.CHANGE_CLIENT: ("update", _CLIENT),
        OperationKind.REVOKE_CLIENT: ("delete", _CLIENT),
        OperationKind.HOLD_CLIENT: ("update", _CLIENT),
        OperationKind.ALLOW_CLIENT: ("update", _CLIENT),
        OperationKind.AFTER_RESTORE: ("update", _SETTINGS),
    },
)


def begin(
    session: "Session",
    host: Host,
    actor: Actor,
    kind: OperationKind,
    *,
    panel_id: int | None = None,
    from_panel_id: int | None = None,
    undoes: int | None = None,
    form_key: str | None = None,
    patient_id: int | None = None,
    client_id: str | None = None,
    detail: dict[str, Any] | None = None,
) -> int:
    """Store an operation, and record it in the host's audit trail. Returns the operation's id.

    Needs `clinic.lock` when the operation changes memberships: their ids then have the order of the changes.
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
    by = f", by {actor.display_name}" if number_in(actor.actor_id) else ""  # the host knows its people's names alone
    parts = {"operation": operation_id, "panel": panel_id, "from panel": from_panel_id, "undoes operation": undoes}
    host.audit.record(
        session,
        AuditEvent(
            actor=actor,
            action=action,
            noun=noun,
            key=client_id or str(panel_id or from_panel_id or operation_id) if noun != _SETTINGS else "clinic",
            patient_id=patient_id,
            detail=f"{kind}: " + ", ".join(f"{name} {number}" for name, number in parts.items() if number) + by,
        ),
    )
    return operation_id


def record_patients(session: "Session", host: Host, actor: Actor, kind: OperationKind, operation_id: int) -> None:
    """A line of the host's audit trail under each patient that an operation of this same transaction has changed."""
    entry = tables.ledger.c
    ids = select(entry.patient_id).where(entry.operation_id == operation_id)
    _record_each(session, host, actor, kind, operation_id, ids)


def record_others(session: "Session", host: Host, actor: Actor, kind: OperationKind, operation_id: int) -> None:
    """The same of an operation on affiliations or caseloads."""
    entry = tables.other_ledger.c
    ids = select(entry.patient_id).where(entry.operation_id == operation_id).distinct()
    _record_each(session, host, actor, kind, operation_id, ids)


def _record_each(
    session: "Session", host: Host, actor: Actor, kind: OperationKind, operation_id: int, ids: Select[int]
) -> None:
    action, noun = _AUDIT[kind]
    key, detail = f"operation {operation_id}", f"{kind}: operation {operation_id}"
    event = AuditEvent(actor=actor, action=action, noun=noun, key=key, detail=detail)
    for portion in _portions(session, ids):
        if isinstance(host.audit, AuditTrailOfMany):
            host.audit.record_each(session, event, portion)
        else:
            about = (event._replace(patient_id=patient_id) for patient_id in session.scalars(portion))
            host.audit.record(session, *about)


def _portions(session: "Session", ids: Select[int]) -> Iterator[Select[int]]:
    """Each of at most ten thousand, by number. The host's own pages write into its trail too: none waits long."""
    [patient_id] = ids.selected_columns
    rest = ids = ids.order_by(patient_id)
    while last := session.scalar(rest.offset(_LINES_AT_ONCE - 1).limit(1)):
        yield rest.where(patient_id <= last)
        rest = ids.where(patient_id > last)
    yield rest


def conclude(session: "Session", operation_id: int, detail: dict[str, Any]) -> None:
    """Complete the detail of an operation of this same transaction with what came of it."""
    text = orjson.dumps(detail).decode()
    session.execute(update(tables.operation).where(tables.operation.c.operation_id == operation_id).values(detail=text))
