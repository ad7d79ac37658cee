"""What OSCAR's record of a patient means, text by text, in Python: the same that `roster` says in SQL."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Final

from cpar_plugin.domain.texts import readable, without_separators

from .card_types import jurisdiction_of

# Columns of `demographic`. A fork may lack one.
TEXTS: Final = (
    "hin",
    "hc_type",
    "last_name",
    "first_name",
    "middleNames",
    "middle_name",
    "pref_name",
    "year_of_birth",
    "month_of_birth",
    "date_of_birth",
    "sex",
    "patient_status",
)
_ACTIVE: Final = "AC"


def record_of(names: Sequence[str]) -> Callable[[Sequence[str | None]], Sequence[str | None]]:
    """From the texts with these names, in their order, to those of `hooks.StoredPatients.record`."""
    in_order = itemgetter(*(names.index(name) if name in names else -1 for name in TEXTS))  # -1: a column not there
    card_types_are_kept = "hc_type" in names

    def record(stored: Sequence[str | None]) -> Sequence[str | None]:
        hin, hc_type, last, first, middle, other_middle, preferred, year, month, day, sex, status = in_order(
            (*stored, None)
        )
        gender, known_status = _filled(sex), _filled(status)
        return (
            _number(hin) if hin else None,
            jurisdiction_of(hc_type.upper() if hc_type else None) if card_types_are_kept else None,
            _seen(last),
            _seen(first),
            _seen(middle) or _seen(other_middle),
            _seen(preferred),
            _birth_date(year, month, day),
            gender.upper() if gender else None,
            _ACTIVE if known_status and known_status.upper() == _ACTIVE else known_status,
        )

    return record


def _number(hin: str) -> str | None:
    return hin if hin.isascii() and hin.isalnum() else without_separators(hin) or None


def _filled(text: str | None) -> str | None:
    return (text.strip(" ") or None) if text else None


def _seen(name: str | None) -> str | None:
    """One of which nothing can be seen stays as it is."""
    return (readable(name) or (name if name.strip(" ") else None)) if name else None


def _birth_date(*texts: str | None) -> str | None:
    year, month, day = map(_filled, texts)
    return f"{year}-{month.rjust(2, '0')}-{day.rjust(2, '0')}" if year and month and day else None
