"""Many patients at once: assigned, moved, removed or confirmed as one operation that can be undone."""

from .attach import Attach
from .depart import Depart, ListTarget
from .fill import Fill
from .import_order import Import
from .orders import Assign, Confirm, Move, Order, Remove, Selection
from .scope import SkipReason
from .statuses import StatusChoice, status_choices, status_label
from .update import BulkResult, Joining, MovedFrom, Preview, carry_out, preview

__all__ = [
    "Assign",
    "Attach",
    "BulkResult",
    "Confirm",
    "Depart",
    "Fill",
    "Import",
    "Joining",
    "ListTarget",
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
