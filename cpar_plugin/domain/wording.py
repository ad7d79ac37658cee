"""How reasons and cautions are put to people: what each is called, and what a clerk does about it."""

from dataclasses import dataclass, replace

from . import cautions
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
    **{reason: Wording(reason.label, reason.remedy) for reason in Reason},
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


def wording_for(member: Member, doubt: Reason | Caution) -> Wording:
    """The words for this member: they say so where a value cannot be seen, or is not all that can be seen."""
    about = (
        [getattr(member, field) for field in doubt.about]
        if isinstance(doubt, Reason)
        else cautions.values(doubt, member)
    )
    if any(text and holds_unseen(text) for text in about):
        return replace(WORDING[doubt], remedy=f"{_UNSEEN} {WORDING[doubt].remedy}")
    return WORDING[doubt]
