"""Many patients at once: assigned, moved, removed or confirmed as one operation that can be undone."""

from .orders import Assign, Confirm, Move, Order, Remove, Selection, SkipReason
from .statuses import StatusChoice, status_choices, status_label
from .update import BulkResult, MovedFrom, Preview, carry_out, preview

__all__ = [
    "Assign",
    "BulkResult",
    "Confirm",
    "Move",
    "MovedFrom",
    "Order",
    "Preview",
    "Remove",
    "Selection",
    "SkipReason",
    "StatusChoice",
    "carry_out",
    "preview",
    "status_choices",
    "status_label",
]
