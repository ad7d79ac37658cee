"""What people read about the past, by the kind of operation: a kind without words is refused at import."""

import json
from datetime import date
from enum import StrEnum
from typing import Final

from ...domain.dates import date_text
from ...domain.exhaustive import exhaustive
from ...domain.panel_kind import OtherKind
from ...domain.removal import Removal
from ..operations.record import BULK, OperationKind


class ChangeGroup(StrEnum):
    """Kinds of events as people look for them. The value is what they are called."""

    ONE_PATIENT = "Changes of one patient"
    CONFIRMATIONS = "Confirmations of one patient"
    BULK = "Bulk updates and undos"
    RECORDS = "Merged records"
    CHECKS = "Checks against the card"
    PANEL = "The panel itself"
    SUBMISSIONS = "Submissions"
    CLINIC = "The clinic's settings"


# How an operation came about, after what it did; '' where there is nothing to add.
ORIGIN: Final = exhaustive(
    __name__,
    OperationKind,
    {
        OperationKind.ADD: "",
        OperationKind.MOVE: "",
        OperationKind.REMOVE: "",
        OperationKind.CONFIRM: "",
        **dict.fromkeys(BULK, "bulk update"),
        OperationKind.UNDO: "undo of a bulk update",
        OperationKind.MOVE_BACK: "moved back after an undo",
        OperationKind.MERGE: "records merged",
        OperationKind.UNMERGE: "merge undone",
        OperationKind.KEEP: "kept after a merge was undone",
        OperationKind.ANSWER: "",
        OperationKind.WITHDRAW_ANSWER: "",
        OperationKind.TAKE_EXCLUSIONS: "",
        OperationKind.RELEASE_EXCLUSIONS: "",
        OperationKind.STATE_EXCLUSIONS: "",
        OperationKind.NOTE_EXCLUSIONS: "",
        OperationKind.UNDO_EXCLUSIONS: "",
        OperationKind.RECEIVE_REPORT: "",
        OperationKind.REMOVE_REPORT: "",
        OperationKind.MATCH_REPORT: "",
        OperationKind.WORK_ON_REPORT: "",
        OperationKind.COMPARE_LINES: "",
        OperationKind.END_CONFLICT: "",
        OperationKind.UNDO_WORK: "",
        OperationKind.ENTER_METRICS: "",
        OperationKind.RECORD_LETTER: "",
        OperationKind.WITHDRAW_LETTER: "",
        OperationKind.PLAN_DEPARTURE: "",
        OperationKind.CREATE_PANEL: "",
        OperationKind.EDIT_PANEL: "",
        OperationKind.DELETE_PANEL: "panel deleted",
        OperationKind.CREATE_OTHER: "",
        OperationKind.EDIT_OTHER: "",
        OperationKind.DELETE_OTHER: "deleted",
        OperationKind.ADD_TO_OTHER: "",
        OperationKind.MOVE_IN_OTHER: "",
        OperationKind.REMOVE_FROM_OTHER: "",
        OperationKind.SIGN_OTHER: "",
        OperationKind.BULK_OTHER: "bulk update",
        OperationKind.UNDO_OTHER: "undo of a bulk update",
        OperationKind.MERGE_OTHER: "records merged",
        OperationKind.SETTINGS: "",
        OperationKind.DISMISS_CHECKLIST: "",
        OperationKind.ENABLE: "",
        OperationKind.DISABLE: "",
        OperationKind.REGISTER_CLIENT: "",
        OperationKind.CHANGE_CLIENT: "",
        OperationKind.REVOKE_CLIENT: "",
        OperationKind.HOLD_CLIENT: "",
        OperationKind.ALLOW_CLIENT: "",
        OperationKind.AFTER_RESTORE: "after a restore",
    },
)

GROUP: Final = exhaustive(
    __name__,
    OperationKind,
    {
        OperationKind.ADD: ChangeGroup.ONE_PATIENT,
        OperationKind.MOVE: ChangeGroup.ONE_PATIENT,
        OperationKind.REMOVE: ChangeGroup.ONE_PATIENT,
        OperationKind.CONFIRM: ChangeGroup.CONFIRMATIONS,
        **dict.fromkeys(BULK, ChangeGroup.BULK),
        OperationKind.UNDO: ChangeGroup.BULK,
        OperationKind.MOVE_BACK: ChangeGroup.BULK,
        OperationKind.MERGE: ChangeGroup.RECORDS,
        OperationKind.UNMERGE: ChangeGroup.RECORDS,
        OperationKind.KEEP: ChangeGroup.RECORDS,
        OperationKind.ANSWER: ChangeGroup.CHECKS,
        OperationKind.WITHDRAW_ANSWER: ChangeGroup.CHECKS,
        # Work on the list of exclusions, and on reports, is of no panel, as settings are: no panel's history shows it.
        OperationKind.TAKE_EXCLUSIONS: ChangeGroup.CLINIC,
        OperationKind.RELEASE_EXCLUSIONS: ChangeGroup.CLINIC,
        OperationKind.STATE_EXCLUSIONS: ChangeGroup.CLINIC,
        OperationKind.NOTE_EXCLUSIONS: ChangeGroup.CLINIC,
        OperationKind.UNDO_EXCLUSIONS: ChangeGroup.CLINIC,
        OperationKind.RECEIVE_REPORT: ChangeGroup.CLINIC,
        OperationKind.REMOVE_REPORT: ChangeGroup.CLINIC,
        OperationKind.MATCH_REPORT: ChangeGroup.CLINIC,
        OperationKind.WORK_ON_REPORT: ChangeGroup.CLINIC,
        OperationKind.COMPARE_LINES: ChangeGroup.CLINIC,
        OperationKind.END_CONFLICT: ChangeGroup.CLINIC,
        OperationKind.UNDO_WORK: ChangeGroup.CLINIC,
        OperationKind.ENTER_METRICS: ChangeGroup.PANEL,
        OperationKind.RECORD_LETTER: ChangeGroup.CLINIC,
        OperationKind.WITHDRAW_LETTER: ChangeGroup.CLINIC,
        OperationKind.PLAN_DEPARTURE: ChangeGroup.PANEL,
        OperationKind.CREATE_PANEL: ChangeGroup.PANEL,
        OperationKind.EDIT_PANEL: ChangeGroup.PANEL,
        OperationKind.DELETE_PANEL: ChangeGroup.PANEL,
        # They are of no CPAR panel: no panel's history shows them.
        OperationKind.CREATE_OTHER: ChangeGroup.CLINIC,
        OperationKind.EDIT_OTHER: ChangeGroup.CLINIC,
        OperationKind.DELETE_OTHER: ChangeGroup.CLINIC,
        OperationKind.ADD_TO_OTHER: ChangeGroup.CLINIC,
        OperationKind.MOVE_IN_OTHER: ChangeGroup.CLINIC,
        OperationKind.REMOVE_FROM_OTHER: ChangeGroup.CLINIC,
        OperationKind.SIGN_OTHER: ChangeGroup.CLINIC,
        OperationKind.BULK_OTHER: ChangeGroup.CLINIC,
        OperationKind.UNDO_OTHER: ChangeGroup.CLINIC,
        OperationKind.MERGE_OTHER: ChangeGroup.CLINIC,
        OperationKind.SETTINGS: ChangeGroup.CLINIC,
        OperationKind.DISMISS_CHECKLIST: ChangeGroup.CLINIC,
        OperationKind.ENABLE: ChangeGroup.CLINIC,
        OperationKind.DISABLE: ChangeGroup.CLINIC,
        OperationKind.REGISTER_CLIENT: ChangeGroup.CLINIC,
        OperationKind.CHANGE_CLIENT: ChangeGroup.CLINIC,
        OperationKind.REVOKE_CLIENT: ChangeGroup.CLINIC,
        OperationKind.HOLD_CLIENT: ChangeGroup.CLINIC,
        OperationKind.ALLOW_CLIENT: ChangeGroup.CLINIC,
        OperationKind.AFTER_RESTORE: ChangeGroup.CLINIC,
    },
)

# What an operation is called that has changed no membership, on a panel's page.
OTHER: Final = {
    **dict.fromkeys(OperationKind, "No patient was changed"),
    OperationKind.KEEP: "Kept on the panel after a merge was undone",
    OperationKind.ANSWER: "Checked against the card",
    OperationKind.WITHDRAW_ANSWER: "Check withdrawn",
    OperationKind.ENTER_METRICS: "Metrics of the registry changed",
    OperationKind.PLAN_DEPARTURE: "Departure of the provider changed",
    OperationKind.CREATE_PANEL: "Panel created",
    OperationKind.EDIT_PANEL: "Panel edited",
    OperationKind.DELETE_PANEL: "Panel deleted",
}


def kinds_of(group: ChangeGroup) -> list[OperationKind]:
    """The kinds of operations in a group: none for submissions, which are none."""
    return [kind for kind in OperationKind if GROUP[kind] is group]


def membership_text(source: str | None, target: str | None, *, confirmed: bool) -> str:
    """What became of a membership, from one panel number to another; None: Not Paneled.

    `confirmed`: whether it has a confirmation afterwards, for one that stays on its panel.
    """
    if source is None and target is None:
        return "Not changed"
    if source == target:
        return f"Confirmed on panel {target}" if confirmed else f"Confirmation on panel {target} removed"
    if target is None:
        return f"Removed from panel {source}"
    return f"Added to panel {target}" if source is None else f"Moved from panel {source} to panel {target}"


def other_text(kind: OtherKind, source: str | None, target: str | None, signed_on: date | None) -> str:
    """What became of a membership of an affiliation or a caseload, by its names; None: on none of the kind."""
    signed = f", form signed {date_text(signed_on)}" if signed_on else ""
    match source, target:
        case None, None:
            return "Not changed"
        case None, _:
            return f"Added to {kind.noun} {target}{signed}"
        case _, None:
            return f"Removed from {kind.noun} {source}"
        case _ if source != target:
            return f"Moved from {kind.noun} {source} to {target}{signed}"
        case _:
            return f"On {kind.noun} {target}{signed or ', date of the signed form removed'}"


def with_origin(text: str, kind: OperationKind, detail: str) -> str:
    """The same with how it came about, and with the reason in the operation's detail (JSON), where there is one."""
    origin = ORIGIN[kind]
    if kind in (OperationKind.REMOVE, OperationKind.BULK_REMOVE):
        origin = ": ".join(filter(None, (origin, Removal.stored(json.loads(detail)).text)))
    return f"{text} ({origin})" if origin else text


def counts_text(kind: OperationKind, added: int, removed: int, kept: int) -> str:
    """What an operation did to a panel, in numbers of patients: `12 patients added, 3 removed`."""
    kept_text = "confirmed" if kind in _CONFIRMING else "with another confirmation"
    parts = [(count, verb) for count, verb in ((added, "added"), (removed, "removed"), (kept, kept_text)) if count]
    if not parts:
        return "No patient was changed"
    count, verb = parts[0]
    first = f"{count:,} {'patient' if count == 1 else 'patients'} {verb}"
    return ", ".join([first, *(f"{count:,} {verb}" for count, verb in parts[1:])])


_CONFIRMING = (OperationKind.CONFIRM, OperationKind.BULK_CONFIRM)
