"""What arrives in forms, taken apart. Everything here is text that anyone may have sent."""

from datetime import date

from ..domain.refusals import Refused
from ..store.types import LAST_KEY

INCOMPLETE = "The form was incomplete. Reload the page and submit it again."
_MOST_PAGES = 10**6  # an offset has to be a number that databases know
_MOST_DIGITS = len(str(LAST_KEY))


def number(text: str, field: str, message: str) -> int:
    """A database id from a form. Raises Refused with the message at the field unless it is one."""
    if not (text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS and int(text) <= LAST_KEY):
        raise Refused({field: message})
    return int(text)


def number_or_none(text: str, field: str, message: str) -> int | None:
    """The same, where an empty text means none."""
    return number(text, field, message) if text else None


def day(text: str, field: str, messages: dict[str, str]) -> date | None:
    """A date of a filter, None for none. Notes in `messages` what is no date."""
    text = text.strip()
    if not text:
        return None
    try:
        entered = date.fromisoformat(text)
    except ValueError:
        entered = date.min
    if not 2000 <= entered.year < 3000:
        messages[field] = "Enter a date as year-month-day, for instance 2026-11-07."
        return None
    return entered


def page_number(text: str) -> int:
    """The page of a list, from 1; '' is the first. Raises Refused for what is no number."""
    return min(max(number(text or "1", "", INCOMPLETE), 1), _MOST_PAGES)
