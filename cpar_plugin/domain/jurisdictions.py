"""Who has issued a health number, in the words of the host contract (`hooks.Roster.patients`)."""

from typing import Final

ALBERTA: Final = "AB"
UNKNOWN: Final = "unknown"  # the host keeps card types, and this one's says nothing
SENT: Final = (ALBERTA, UNKNOWN)  # and None, where the host keeps no card types


def may_be_alberta(jurisdiction: str | None) -> bool:
    """Whether the number counts as one of Alberta's: unless another jurisdiction is named."""
    return jurisdiction is None or jurisdiction in SENT
