"""What there is to do about a patient's panel: one rule for day sheets, and for every list of patients to work on."""

from datetime import date
from enum import StrEnum

from .bands import months_before


class ToDo(StrEnum):
    """Something to do when the patient is here. The order is the order in which it is shown."""

    NOT_PANELED = "not-paneled"
    EXCLUDED = "excluded"
    NOT_CONFIRMED = "not-confirmed"
    COVERAGE = "coverage"


def to_do(
    *,
    active: bool,
    paneled: bool,
    excluded: bool,
    coverage: bool,
    confirmed_on: date | None,
    today: date,
    months: int,
) -> tuple[ToDo, ...]:
    """What there is to do about one patient, in the order of ToDo; empty when all is well.

    `active` is the patient's status in the EMR, `excluded` whether the next submission will go without this member,
    `coverage` whether there is a caution about the member's coverage, which an active patient alone is asked about. The
    last confirmation counts for `months` months. A member who was never confirmed is excluded for just that reason, and
    a patient who is no longer active need not be on a panel.
    """
    if not paneled:
        return (ToDo.NOT_PANELED,) if active else ()
    lapsed = confirmed_on is not None and confirmed_on <= months_before(today, months)
    due = {ToDo.EXCLUDED: excluded, ToDo.NOT_CONFIRMED: lapsed, ToDo.COVERAGE: coverage and active}
    return tuple(one for one, holds in due.items() if holds)
