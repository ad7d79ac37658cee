"""Affiliations and caseloads: what they are, and the date of the form that a patient has signed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final, TypeVar

from .birth import birth_date
from .dates import date_text
from .identifiers import TEXT_LENGTH, issued_text
from .panel_kind import OTHER_KINDS, OtherKind, PanelKind, other_kind_of
from .panel_state import PanelState, state_of
from .refusals import Refused

_FIRST_YEAR: Final = 1900

Checked = TypeVar("Checked")


@dataclass(frozen=True, slots=True)
class OtherDraft:
    """An affiliation or a caseload as it was entered, checked. `provider_id` is '' where it is of no one provider."""

    kind: OtherKind
    name: str
    provider_id: str = ""
    state: PanelState = PanelState.ACTIVE


def other_draft(kind: str, name: str, provider_id: str = "", state: str = PanelState.ACTIVE) -> OtherDraft:
    """Check what was entered. Raises Refused with a message for each field: `kind`, `name`, `state`."""
    messages: dict[str, str] = {}

    def checked(check: Callable[[], Checked], otherwise: Checked) -> Checked:
        try:
            return check()
        except Refused as refused:
            messages.update(refused.messages)
            return otherwise

    draft = OtherDraft(
        checked(lambda: other_kind_of(kind), OTHER_KINDS[PanelKind.CASELOAD]),
        checked(lambda: issued_text(name, "name", "name", TEXT_LENGTH), ""),
        provider_id.strip(),
        checked(lambda: state_of(state), PanelState.ACTIVE),
    )
    if messages:
        raise Refused(messages)
    return draft


def signed_on(text: str, field: str, today: date, born: str | None) -> date | None:
    """The date of a signed form as it was typed (ISO), None where none was entered.

    `born` is the date of birth as the EMR has it. Raises Refused: for what is no date, a day that is still to come, and
    one before the patient's birth.
    """
    text = text.strip()
    if not text:
        return None
    day = birth_date(text)
    if day is None or day.year < _FIRST_YEAR:
        raise Refused({field: "Enter the date of the signed form as year-month-day, for instance 2026-11-07."})
    if day > today:
        raise Refused({field: "The date of the signed form is in the future: correct it."})
    birthday = birth_date(born)
    if birthday and day < birthday:
        raise Refused(
            {field: f"The date of the signed form is before the patient's birth ({date_text(birthday)}): correct it."}
        )
    return day


def listed_signed_on(text: str, today: date) -> date | None:
    """The date of a signed form in a list, whose dates are ISO by now; None for none, and for what can be none."""
    day = birth_date(text)
    return day if day and day.year >= _FIRST_YEAR and day <= today else None


def why_none_is_added(kind: OtherKind, name: str, state: PanelState) -> str:
    """Why a patient cannot be put on it, and what to do."""
    what = "is in transition" if state is PanelState.IN_TRANSITION else "has ended"
    return f"The {kind.noun} {name} {what}: no one can be added to it. Select another {kind.noun}."
