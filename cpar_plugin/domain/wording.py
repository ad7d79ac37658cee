"""How reasons and cautions are put to people: what each is called, and what a clerk does about it."""

from dataclasses import dataclass, replace

from . import cautions, reasons
from .cautions import Caution
from .member import Member
from .reasons import Reason
from .texts import holds_unseen


@dataclass(frozen=True, slots=True)
class Wording:
    """What a reason or a caution is called, and what a clerk does about it."""

    label: str
    remedy: str


_UNSEEN = "The field contains an invisible character: clear it and type it again."

WORDING: dict[Reason | Caution, Wording] = {
    Reason.UNKNOWN_PATIENT: Wording(
        "Patient record not found", "The record is no longer in the EMR: remove the patient from the panel."
    ),
    Reason.NOT_ACTIVE: Wording(
        "Patient is not active", "Set the patient's status to Active, or remove the patient from the panel."
    ),
    Reason.NO_FAMILY_NAME: Wording("No family name", "Enter the family name as shown on the health care card."),
    Reason.NO_GIVEN_NAME: Wording("No given name", "Enter the given name as shown on the health care card."),
    Reason.NO_BIRTH_DATE: Wording("No date of birth", "Enter the patient's date of birth."),
    Reason.IMPOSSIBLE_BIRTH_DATE: Wording(
        "Date of birth is impossible",
        "Correct the date of birth: the date does not exist, is in the future, or is in the year 1.",
    ),
    Reason.NO_GENDER: Wording("No gender", "Enter the patient's gender."),
    Reason.NO_PHN: Wording("No PHN", "Enter the patient's PHN."),
    Reason.OTHER_JURISDICTION: Wording(
        "Health card from another jurisdiction",
        "Only Alberta PHNs can be submitted: set HC Type to AB if this is an Alberta number, enter an Alberta PHN, or "
        "remove the patient from the panel.",
    ),
    Reason.MALFORMED_PHN: Wording("PHN is not nine digits", "Correct the PHN: an Alberta PHN has nine digits."),
    Reason.SHARED_PHN: Wording(
        "PHN is shared with another patient",
        "Another patient who could be submitted has the same PHN: correct one of them, or merge the records.",
    ),
    Reason.NO_VISIT: Wording(
        "No visit in the past", "Only patients with a past visit can be submitted: check the patient's appointments."
    ),
    Reason.VISIT_BEFORE_BIRTH: Wording(
        "Last visit is before the date of birth", "Correct the date of birth or the appointment."
    ),
    Reason.NO_CONFIRMATION: Wording(
        "No confirmation date", "Click Confirm on the patient's page once the attachment is confirmed."
    ),
    Caution.GIVEN_NAME_MISSING: Wording(
        "No given name",
        "The registry uses it to match patients: enter the given name as shown on the health care card.",
    ),
    Caution.PROGRAM_WORD: Wording(
        "Name looks like a placeholder",
        "The registry uses names to match patients: enter them as shown on the health care card.",
    ),
    Caution.HTML_ENTITY: Wording(
        "Name contains an HTML code such as &amp;", "Replace the code with the character shown on the health care card."
    ),
    Caution.BACKSLASH: Wording(
        "Name contains a backslash", "Delete the backslash; enter the name as shown on the health care card."
    ),
    Caution.DOUBLED_ENCODING: Wording(
        "Name contains garbled letters such as Ã©", "Enter the name with its accents as shown on the health care card."
    ),
    Caution.LOST_LETTERS: Wording(
        "Name contains question marks in place of letters", "Enter the name as shown on the health care card."
    ),
    Caution.BORN_LONG_AGO: Wording(
        "Born before 1900 or more than 120 years ago", "Check the date of birth against the health care card."
    ),
    Caution.GENDER_UNKNOWN: Wording(
        "Gender is unknown", "The registry uses it to match patients: enter the gender if known."
    ),
    Caution.CARD_TYPE_UNKNOWN: Wording(
        "HC Type does not name a province", "The PHN is submitted as an Alberta number: set HC Type to AB if it is one."
    ),
    Caution.REPEATED_DIGIT: Wording(
        "PHN is the same digit repeated", "Enter the PHN as shown on the health care card, or delete it."
    ),
    Caution.DOUBTFUL_PHN: Wording(
        "PHN may contain a typing error", "Check it against the health care card. This check is unofficial."
    ),
    Caution.PHN_OF_ANOTHER: Wording(
        "Another record has the same PHN",
        "That patient will be excluded: check both against the health care card, or merge the records.",
    ),
    Caution.PREFERRED_NAME: Wording(
        "A preferred name is in use",
        "The registry uses the legal name to match patients: check that the first name is the legal one.",
    ),
}


def told_of(member: Member, told: Reason | Caution) -> Wording:
    """The words for this member: they say so where a value cannot be seen, or is not all that can be seen."""
    about = reasons.values(told, member) if isinstance(told, Reason) else cautions.values(told, member)
    if any(text and holds_unseen(text) for text in about):
        return replace(WORDING[told], remedy=f"{_UNSEEN} {WORDING[told].remedy}")
    return WORDING[told]
