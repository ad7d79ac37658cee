"""How a rule says no."""

from ..hooks.faults import Refused

__all__ = ["NotFound", "Refused", "Stale"]


class Stale(Refused):
    """Somebody else has changed the thing meanwhile: look at it as it is now and decide again."""


class NotFound(Refused):
    """There is no such thing, or no longer."""
