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
    mend: str


_UNSEEN = "The field holds a character that cannot be seen: empty it and type it in again."

WORDING: dict[Reason | Caution, Wording] = {
    Reason.UNKNOWN_PATIENT: Wording(
        "Patient record is gone", "The EMR no longer has this record: remove the patient from the panel."
    ),
    Reason.NOT_ACTIVE: Wording(
        "Patient is not active", "Set the patient's status to Active, or remove the patient from the panel."
    ),
    Reason.NO_FAMILY_NAME: Wording("No family name", "Enter the family name as on the health-care card."),
    Reason.NO_GIVEN_NAME: Wording("No given name", "Enter the given name as on the health-care card."),
    Reason.NO_BIRTH_DATE: Wording("No date of birth", "Enter the patient's date of birth."),
    Reason.IMPOSSIBLE_BIRTH_DATE: Wording(
        "Date of birth is impossible",
        "Correct the date of birth: there is no such day, it lies in the future, or it is of the year 1.",
    ),
    Reason.NO_GENDER: Wording("No gender", "Enter the patient's gender."),
    Reason.NO_PHN: Wording("No PHN", "Enter the patient's PHN."),
    Reason.OTHER_JURISDICTION: Wording(
        "Health card of another jurisdiction",
        "The registry takes Alberta PHNs: set HC Type to AB if this is an Alberta number, enter one, or remove the "
        "patient.",
    ),
    Reason.MALFORMED_PHN: Wording("PHN is not nine digits", "Correct the PHN: an Alberta PHN has nine digits."),
    Reason.SHARED_PHN: Wording(
        "PHN is shared with another patient",
        "Another member who could be sent has this PHN too: correct one, or merge the records.",
    ),
    Reason.NO_VISIT: Wording(
        "No visit in the past", "The registry takes patients who were seen: check the patient's appointments."
    ),
    Reason.VISIT_BEFORE_BIRTH: Wording(
        "Last visit is before the date of birth", "Correct the date of birth or the appointment."
    ),
    Reason.NO_CONFIRMATION: Wording(
        "No confirmation date", "Press Confirm on the patient's page once the attachment is confirmed."
    ),
    Caution.GIVEN_NAME_MISSING: Wording(
        "No given name", "The registry matches on it: enter the given name as on the health-care card."
    ),
    Caution.PROGRAM_WORD: Wording(
        "A name is what programs write for no name",
        "The registry matches on the names: enter them as on the health-care card.",
    ),
    Caution.HTML_ENTITY: Wording(
        "A name holds an HTML code such as &amp;", "Replace the code by its character, as on the health-care card."
    ),
    Caution.BACKSLASH: Wording(
        "A name holds a backslash", "Delete the backslash before the apostrophe, as on the health-care card."
    ),
    Caution.DOUBLED_ENCODING: Wording(
        "A name holds damaged letters such as Ã©", "Enter the name with its accents as on the health-care card."
    ),
    Caution.LOST_LETTERS: Wording(
        "A name holds question marks in place of letters", "Enter the name as on the health-care card."
    ),
    Caution.BORN_LONG_AGO: Wording(
        "Born before 1900 or more than 120 years ago", "Compare the date of birth with the health-care card."
    ),
    Caution.GENDER_UNKNOWN: Wording(
        "Gender is unknown", "The registry matches on it: enter the gender if you know it."
    ),
    Caution.CARD_TYPE_UNKNOWN: Wording(
        "HC Type says no province", "It is sent as an Alberta number: set HC Type to AB if this is an Alberta number."
    ),
    Caution.REPEATED_DIGIT: Wording(
        "PHN is one digit nine times", "Enter the PHN as on the health-care card, or delete it."
    ),
    Caution.DOUBTFUL_PHN: Wording(
        "PHN may have a typing error", "Compare it with the health-care card. The check is unofficial."
    ),
    Caution.PHN_OF_ANOTHER: Wording(
        "Another record has this PHN too",
        "That member is left out: compare both with the health-care card, or merge the records.",
    ),
    Caution.PREFERRED_NAME: Wording(
        "A preferred name is in use",
        "The registry matches on the legal name: check that the first name is the legal one.",
    ),
}


def told_of(member: Member, told: Reason | Caution) -> Wording:
    """The words for this member: they say so where a value cannot be seen, or is not all that can be seen."""
    about = reasons.values(told, member) if isinstance(told, Reason) else cautions.values(told, member)
    if any(text and holds_unseen(text) for text in about):
        return replace(WORDING[told], mend=f"{_UNSEEN} {WORDING[told].mend}")
    return WORDING[told]
