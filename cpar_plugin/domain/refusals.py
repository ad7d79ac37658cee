"""How a rule says no."""

from ..hooks.faults import Refused

__all__ = ["NotFound", "Refused", "Stale"]


class Stale(Refused):
    """Someone else changed the thing in the meantime: review it as it is now and decide again."""


class NotFound(Refused):
    """There is no such thing, or no longer."""
