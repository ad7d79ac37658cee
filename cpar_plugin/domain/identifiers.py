"""The identifiers of the registry. What is publicly known of their form is checked, nothing more."""

from .refusals import Refused
from .texts import without_separators

PHN_LENGTH = 9
TEXT_LENGTH = 60
CLINIC_NAME_LENGTH = 100

_PHN_LUHN_DOUBLED = (8, 6, 3, 1)
_PHN_LUHN_SINGLE = (7, 5, 2, 0)
_LUHN_DOUBLE = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)


def _ascii_digits(text: str) -> bool:
    return text.isascii() and text.isdigit()


def facility_id(text: str, field: str = "facility_id") -> str:
    """The Facility ID or WDFA key as six digits, zero-padded (`113` -> `000113`).

    Raises Refused unless it is one to six digits, not all of them zero.
    """
    digits = text.strip()
    if not _ascii_digits(digits) or len(digits) > 6 or int(digits) == 0:
        raise Refused({field: "Enter the Facility ID or WDFA key as issued: digits only, up to six."})
    return digits.zfill(6)


def practitioner_id(text: str, field: str = "practitioner_id") -> str:
    """The PPHS Practitioner ID as nine digits; separators are ignored. Raises Refused otherwise."""
    digits = without_separators(text)
    if not _ascii_digits(digits) or len(digits) != 9:
        raise Refused({field: "Enter the Practitioner ID as issued: nine digits, such as 1234-56789."})
    return digits


def issued_text(text: str, field: str, label: str, length: int = TEXT_LENGTH) -> str:
    """A text as it was issued (panel number, site ID, clinic name): trimmed, leading zeros kept.

    Raises Refused when it is empty, longer than `length` characters or holds a control character.
    """
    trimmed = text.strip()
    if not trimmed:
        raise Refused({field: f"Enter the {label}."})
    if len(trimmed) > length:
        raise Refused({field: f"The {label} is too long: at most {length} characters."})
    if not trimmed.isprintable():
        raise Refused({field: f"The {label} contains an invisible character: type it again."})
    return trimmed


def is_phn(text: str | None) -> bool:
    """Whether it has the form of an Alberta PHN: nine digits."""
    return text is not None and len(text) == PHN_LENGTH and text.isascii() and text.isdigit()


def phn_check_digit(phn: str) -> int:
    """The digit that belongs in the fifth place of these nine: the Luhn check digit of the other eight.

    The rule is unofficial (no public text states it): good for a warning, never for a refusal.
    """
    doubled = sum(_LUHN_DOUBLE[int(phn[place])] for place in _PHN_LUHN_DOUBLED)
    single = sum(int(phn[place]) for place in _PHN_LUHN_SINGLE)
    return -(doubled + single) % 10


def phn_check_digit_fits(phn: str) -> bool:
    """Whether the fifth digit of nine is the check digit of the other eight."""
    return phn_check_digit(phn) == int(phn[4])
