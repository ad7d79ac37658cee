"""What is paid for a payable patient in a month, as the clinic has entered it. There is no amount of ours."""

import re
from dataclasses import dataclass
from datetime import date
from typing import Final

from .identifiers import issued_text
from .refusals import Refused

LABEL_LENGTH: Final = 100
_AMOUNT: Final = re.compile(r"\$? ?(\d{1,5})(?:\.(\d{1,2}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class Payment:
    """An amount for each payable patient and month, what it is, and of which day it is known."""

    cents: int
    label: str
    as_of: date

    def of(self, patients: int) -> str:
        """What so many patients are worth in a month."""
        return dollars(self.cents * patients)


def dollars(cents: int) -> str:
    """`$1,234.50`."""
    return f"${cents // 100:,}.{cents % 100:02}"


def entered_payment(amount: str, label: str, as_of: str, today: date) -> Payment | None:
    """What was entered; None where all three are empty: then no amount is shown. Raises Refused by field."""
    if not any(text.strip() for text in (amount, label, as_of)):
        return None
    messages: dict[str, str] = {}
    match = _AMOUNT.fullmatch(amount.strip())
    cents = int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0")) if match else 0
    if not cents:
        messages["amount"] = (
            "Enter the amount for one patient and month, such as 12.50, or leave all three fields empty."
        )
    text, day = "", date.min
    try:
        text = issued_text(label, "label", "name of what is paid", LABEL_LENGTH)
    except Refused as refused:
        messages |= refused.messages
    try:
        day = date.fromisoformat(as_of.strip())
    except ValueError:
        messages["as_of"] = "Enter the date of the agreement or rate as year-month-day, for instance 2026-11-07."
    else:
        if day.year < 2000 or day > today:
            messages["as_of"] = "Enter the date of the agreement or rate: a day from 2000 to today."
    if messages:
        raise Refused(messages)
    return Payment(cents, text, day)
