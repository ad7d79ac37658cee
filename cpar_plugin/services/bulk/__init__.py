"""Many patients at once: assigned, moved, removed or confirmed as one operation that can be undone."""

from .update import (
    Assign,
    Move,
    MovedFrom,
    Order,
    Outcome,
    Preview,
    Remove,
    StatusChoice,
    carry_out,
    preview,
    status_choices,
    status_label,
)

__all__ = [
    "Assign",
    "Move",
    "MovedFrom",
    "Order",
    "Outcome",
    "Preview",
    "Remove",
    "StatusChoice",
    "carry_out",
    "preview",
    "status_choices",
    "status_label",
]
