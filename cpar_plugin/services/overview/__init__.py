"""The members of a panel, or of all, from afar: numbers in bands, months and nights of submission."""

from .continuity import Continuity, continuity
from .members import Members, members
from .months import Month, months
from .next_submission import NextSubmission
from .submissions import Night, nights

__all__ = [
    "Continuity",
    "Members",
    "Month",
    "NextSubmission",
    "Night",
    "continuity",
    "members",
    "months",
    "nights",
]
