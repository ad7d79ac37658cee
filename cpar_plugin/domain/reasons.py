"""Why a member is excluded from a submission, and the words for it."""

from enum import StrEnum
from typing import Self


class Reason(StrEnum):
    """Why a member is excluded from a submission. The order is the order in which reasons are shown.

    Each has its code, which is stored and used in addresses; a `label`; a `remedy`, what a clerk does about it; and
    `about`, the fields of Member with the host's texts that it is about, none for one about visits and panels.
    """

    _value_: str
    label: str
    remedy: str
    about: tuple[str, ...]

    def __new__(cls, code: str, label: str = "", remedy: str = "", *about: str) -> Self:
        if not label or not remedy:
            raise TypeError(f"The reason {code!r} needs a label and a remedy in {__name__}.")
        reason = str.__new__(cls, code)
        reason._value_, reason.label, reason.remedy, reason.about = code, label, remedy, about
        return reason

    UNKNOWN_PATIENT = (
        "unknown-patient",
        "Patient record not found",
        "The record is no longer in the EMR: remove the patient from the panel.",
    )
    NOT_ACTIVE = (
        "not-active",
        "Patient is not active",
        "Correct the patient's status if it is wrong; otherwise remove the patient from the panel.",
        "status",
    )
    NO_FAMILY_NAME = (
        "no-family-name",
        "No family name",
        "Enter the family name as shown on the health care card.",
        "family_name",
    )
    NO_GIVEN_NAME = (
        "no-given-name",
        "No given name",
        "Enter the given name as shown on the health care card.",
        "given_name",
    )
    NO_BIRTH_DATE = ("no-birth-date", "No date of birth", "Enter the patient's date of birth.", "birth_date")
    IMPOSSIBLE_BIRTH_DATE = (
        "impossible-birth-date",
        "Date of birth is impossible",
        "Correct the date of birth: the date does not exist, is in the future, or is in the year 1.",
        "birth_date",
    )
    NO_GENDER = ("no-gender", "No gender", "Enter the patient's gender.", "gender")
    NO_PHN = ("no-phn", "No PHN", "Enter the patient's PHN.", "phn")
    OTHER_JURISDICTION = (
        "other-jurisdiction",
        "Health card from another jurisdiction",
        "Only Alberta PHNs can be submitted: set HC Type to AB if this is an Alberta number, enter an Alberta PHN, or "
        "remove the patient from the panel.",
        "phn_jurisdiction",
    )
    MALFORMED_PHN = (
        "malformed-phn",
        "PHN is not nine digits",
        "Correct the PHN: an Alberta PHN has nine digits.",
        "phn",
    )
    COVERAGE_ENDED = (
        "coverage-ended",
        "Health care coverage has ended",
        "Ask the patient for the health care card, and check the coverage: enter the new end, or remove the patient "
        "from the panel.",
        "coverage_end",
    )
    SHARED_PHN = (
        "shared-phn",
        "PHN is shared with another patient",
        "Another patient who could be submitted has the same PHN: correct one of them, or merge the records.",
        "phn",
    )
    NO_VISIT = (
        "no-visit",
        "No visit in the past",
        "Only patients with a past visit can be submitted: check the patient's appointments.",
    )
    VISIT_BEFORE_BIRTH = (
        "visit-before-birth",
        "Last visit is before the date of birth",
        "Correct the date of birth or the appointment.",
        "birth_date",
    )
    NO_CONFIRMATION = (
        "no-confirmation",
        "No confirmation date",
        "Click Confirm on the patient's page once the attachment is confirmed.",
    )
