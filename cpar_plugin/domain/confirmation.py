"""How a confirmation date came about: an inferred date never looks like a conversation with the patient."""

from datetime import date
from enum import StrEnum

from ..hooks.values import StatusKind


class ConfirmedHow(StrEnum):
    """Where a member's confirmation date comes from."""

    ON_ADDING = "on adding"
    LAST_VISIT = "last visit"
    AT_CHECK_IN = "asked at check-in"  # the patient said so, to whoever pressed the key
    BY_PERSON = "confirmed by a person"  # one patient, with a button of their own
    FROM_LIST = "confirmed from the list"  # many patients, selected together
    IMPORTED = "imported"  # the last visit of one whom an uploaded list put on the panel


def may_confirm(confirmed_on: date | None, today: date, status: StatusKind | None) -> bool:
    """Whether Confirm is offered: only when the confirmation date is not today, and never for the deceased."""
    return confirmed_on != today and status is not StatusKind.DECEASED
