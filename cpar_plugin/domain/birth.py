"""Dates of birth as hosts hold them."""

from datetime import date
from functools import lru_cache


@lru_cache(256)  # few: it is asked several times for each patient
def birth_date(text: str | None) -> date | None:
    """The day that an ISO text names; None when there is no such day."""
    if not text:
        return None
    try:
        born = date.fromisoformat(text)
    except ValueError:
        return None
    # fromisoformat also reads `19800229` and `1980-W09-5`, which are no FHIR dates.
    return born if born.isoformat() == text else None
