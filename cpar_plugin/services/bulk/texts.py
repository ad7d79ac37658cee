"""What people read about bulk operations, by their kind: a kind without words is a type error."""

from dataclasses import dataclass
from typing import assert_never

from ..operations.record import BULK, BulkKind, OperationKind
from .history import BulkOperation
from .scope import SkipReason


@dataclass(frozen=True, slots=True)
class OrderText:
    """An order in words. `verb` is that of its button, `skipped` the heading of those it skipped."""

    verb: str
    skipped: str


def order_text(kind: BulkKind) -> OrderText:
    """The words of an order of this kind."""
    match kind:
        case OperationKind.BULK_ASSIGN:
            return OrderText("Assign", "Not assigned")
        case OperationKind.BULK_FILL:
            return OrderText("Add", "Not added")
        case OperationKind.BULK_MOVE:
            return OrderText("Move", "Not moved")
        case OperationKind.BULK_REMOVE:
            return OrderText("Remove", "Not removed")
        case OperationKind.BULK_CONFIRM:
            return OrderText("Confirm", "Not confirmed")
        case OperationKind.BULK_IMPORT:
            return OrderText("Import", "Not imported")
        case OperationKind.BULK_DEPARTURE:
            return OrderText("Move", "Not moved")
        case OperationKind.BULK_ATTACH:
            return OrderText("Put on Panels", "Not put on a panel")
        case _:
            assert_never(kind)


def summary(operation: BulkOperation) -> str:
    """An operation as a sentence."""
    if operation.kind is OperationKind.BULK_FILL:
        own = f"panel {operation.number}" if operation.number else "the panels"
        return f"Active patients of the providers of {own} added to {'it' if operation.number else 'them'}."
    if operation.kind is OperationKind.BULK_DEPARTURE:
        return f"Patients of panel {operation.from_number} moved to panels of colleagues since its provider leaves."
    if operation.selected is not None:
        condition = "selected on the panel page"
    else:
        condition = f"with status {operation.status}" if operation.status else "without a status"
    match operation.kind:
        case OperationKind.BULK_ASSIGN:
            return f"Patients of {operation.provider} {condition} assigned to panel {operation.number}."
        case OperationKind.BULK_MOVE:
            return f"Patients {condition} moved from panel {operation.from_number} to panel {operation.number}."
        case OperationKind.BULK_REMOVE:
            return f"Patients {condition} removed from panel {operation.from_number}."
        case OperationKind.BULK_CONFIRM:
            return f"Patients {condition} on panel {operation.from_number} confirmed."
        case OperationKind.BULK_IMPORT:
            return f"Patients of an uploaded list assigned to {_import_target(operation)}."
        case OperationKind.BULK_ATTACH:
            return f"Selected patients put on {_proposed_target(operation)}."
        case _:
            assert_never(operation.kind)


def result_text(operation: BulkOperation) -> str:
    """What happened to the patients, on the page of the panel that they were selected on."""
    match operation.kind:
        case OperationKind.BULK_ASSIGN:
            return "assigned to this panel"
        case OperationKind.BULK_FILL:
            return "added to their MRP's panel"
        case OperationKind.BULK_MOVE:
            return f"moved to panel {operation.number}"
        case OperationKind.BULK_REMOVE:
            return "removed from this panel"
        case OperationKind.BULK_CONFIRM:
            return "confirmed"
        case OperationKind.BULK_IMPORT:
            return f"assigned to {_import_target(operation)}"
        case OperationKind.BULK_DEPARTURE:
            return "moved to panels of colleagues"
        case OperationKind.BULK_ATTACH:
            return f"put on {_proposed_target(operation)}"
        case _:
            assert_never(operation.kind)


def _import_target(operation: BulkOperation) -> str:
    return f"panel {operation.number}" if operation.number else "the panels in it"


def _proposed_target(operation: BulkOperation) -> str:
    return f"panel {operation.number}" if operation.number else "the panels proposed for them"


def change_since(kind: OperationKind | None, source: str | None, target: str | None, undone_by: str) -> str:
    """What changed for a patient after a bulk operation, from one panel number to another (None: Not Paneled).

    `kind`: of the operation that did; None: no change, so that it was an undo without access that skipped the patient.
    """
    if kind is None:
        return f"Nothing: {undone_by} had no access to the record"
    if source == target:
        change = f"Confirmed on panel {target}"
    elif target is None:
        change = f"Removed from panel {source}"
    elif source is None:
        change = f"Added to panel {target}"
    else:
        change = f"Moved from panel {source} to panel {target}"
    return f"{change} ({_ORIGINS[kind]})" if kind in _ORIGINS else change


_ORIGINS = {
    **dict.fromkeys(BULK, "bulk update"),
    OperationKind.UNDO: "undo of another bulk update",
    OperationKind.MERGE: "records merged",
    OperationKind.UNMERGE: "merge undone",
}


def skip_notice(reason: SkipReason, count: int) -> str:
    """What a preview says of those that an order would skip, after their number."""
    match reason:
        case SkipReason.NOT_VISIBLE:
            return f"whose {'record' if count == 1 else 'records'} you do not have access to will not be changed."
        case SkipReason.OTHER_STATUS:
            return "with a different status will not be changed."
        case SkipReason.OTHER_PANEL:
            return "on another panel will not be changed."
        case SkipReason.ALREADY_ON_PANEL:
            verbs = "is already on the panel and keeps" if count == 1 else "are already on the panel and keep"
            return f"{verbs} their confirmation date."
        case SkipReason.SEVERAL_PANELS:
            return "whose MRP is a provider of several of these panels will not be changed: use Bulk Update for them."
        case SkipReason.KEEPS_PANEL:
            return f"on another panel will stay {'on it' if count == 1 else 'there'}."
        case SkipReason.NO_RULE:
            return "without a panel by these rules will not be changed."
        case SkipReason.DECEASED:
            return "deceased will not be changed."
        case SkipReason.CONFIRMED_TODAY:
            return "already confirmed today will not be changed."
        case _:
            assert_never(reason)


def skip_reason(reason: SkipReason, status_label: str) -> str:
    """Why an operation skipped a patient who had this status then, '' for none."""
    match reason:
        case SkipReason.NOT_VISIBLE:
            return "The person who ran the bulk update had no access to the record"
        case SkipReason.OTHER_STATUS:
            return f"Status is {status_label}" if status_label else "No status"
        case SkipReason.OTHER_PANEL:
            return "On another panel by then"
        case SkipReason.ALREADY_ON_PANEL:
            return "Already on the panel"
        case SkipReason.SEVERAL_PANELS:
            return "The MRP is a provider of several of these panels"
        case SkipReason.KEEPS_PANEL:
            return "On another panel"
        case SkipReason.NO_RULE:
            return "No rule of the departure gave the patient a panel"
        case SkipReason.DECEASED:
            return f"Deceased patients are not confirmed (status {status_label})"
        case SkipReason.CONFIRMED_TODAY:
            return "Already confirmed on that day"
        case _:
            assert_never(reason)


def skip_remedy(reason: SkipReason) -> str:
    """What to do about a patient who was skipped."""
    match reason:
        case SkipReason.NOT_VISIBLE:
            return "Ask someone with access to this record to change it on the patient's page."
        case SkipReason.OTHER_STATUS:
            return "Correct the status, or repeat the Bulk Update with this status."
        case SkipReason.OTHER_PANEL:
            return "Check the patient's panel, and change it on the patient's page if needed."
        case SkipReason.ALREADY_ON_PANEL:
            return "Nothing to do: the confirmation date is unchanged."
        case SkipReason.SEVERAL_PANELS:
            return "Assign the patients of this provider to one of the panels with Bulk Update."
        case SkipReason.KEEPS_PANEL:
            return "Nothing to do if the panel is right. Otherwise move the patient on the patient's page."
        case SkipReason.NO_RULE:
            return "Change the rules of the departure, or move the patient on the patient's page."
        case SkipReason.DECEASED:
            return "Remove the patient from the panel, or correct the status if it is wrong."
        case SkipReason.CONFIRMED_TODAY:
            return "Nothing to do."
        case _:
            assert_never(reason)
