"""How reasons and cautions are put to people: what each is called, and what a clerk does about it."""

from dataclasses import dataclass

from .cautions import Caution
from .reasons import Reason


@dataclass(frozen=True, slots=True)
class Wording:
    """What a reason or a caution is called, and what a clerk does about it."""

    label: str
    mend: str


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
        "Date of birth is impossible", "Correct the date of birth: there is no such day, or it lies in the future."
    ),
    Reason.NO_GENDER: Wording("No gender", "Enter the patient's gender."),
    Reason.NO_PHN: Wording("No PHN", "Enter the patient's PHN."),
    Reason.OTHER_PROVINCE: Wording(
        "Health card of another province", "The registry takes Alberta PHNs: enter one, or remove the patient."
    ),
    Reason.MALFORMED_PHN: Wording("PHN is not nine digits", "Correct the PHN: an Alberta PHN has nine digits."),
    Reason.SHARED_PHN: Wording(
        "PHN is shared with another patient", "Two active members have this PHN: correct one, or merge the records."
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
    Caution.GENDER_UNKNOWN: Wording(
        "Gender is unknown", "The registry matches on it: enter the gender if you know it."
    ),
    Caution.DOUBTFUL_PHN: Wording(
        "PHN may have a typing error", "Compare it with the health-care card. The check is unofficial."
    ),
    Caution.PREFERRED_NAME: Wording(
        "A preferred name is in use",
        "The registry matches on the legal name: check that the first name is the legal one.",
    ),
}
