"""Who goes out with a submission, who is left out, and why. No patient is left out without a named reason."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Protocol

from .identifiers import is_phn, phn_check_digit_fits
from .texts import readable


class Member(Protocol):
    """A member of a panel with what the host knows of the patient. Texts that are missing are None."""

    @property
    def known(self) -> bool: ...  # False when the host's roster no longer has the patient
    @property
    def status(self) -> str | None: ...
    @property
    def family_name(self) -> str | None: ...
    @property
    def given_name(self) -> str | None: ...
    @property
    def preferred_name(self) -> str | None: ...
    @property
    def birth_date(self) -> str | None: ...
    @property
    def gender(self) -> str | None: ...
    @property
    def phn(self) -> str | None: ...
    @property
    def phn_jurisdiction(self) -> str | None: ...
    @property
    def last_visit_on(self) -> date | None: ...
    @property
    def confirmed_on(self) -> date | None: ...


class Reason(StrEnum):
    """Why a member is left out of a submission. The order is the order in which reasons are told."""

    UNKNOWN_PATIENT = "unknown-patient"
    NOT_ACTIVE = "not-active"
    NO_FAMILY_NAME = "no-family-name"
    NO_GIVEN_NAME = "no-given-name"
    NO_BIRTH_DATE = "no-birth-date"
    IMPOSSIBLE_BIRTH_DATE = "impossible-birth-date"
    NO_GENDER = "no-gender"
    NO_PHN = "no-phn"
    OTHER_PROVINCE = "other-province"
    MALFORMED_PHN = "malformed-phn"
    SHARED_PHN = "shared-phn"
    NO_VISIT = "no-visit"
    VISIT_BEFORE_BIRTH = "visit-before-birth"
    NO_CONFIRMATION = "no-confirmation"


class Caution(StrEnum):
    """What is doubtful about a member who is sent all the same."""

    GIVEN_NAME_MISSING = "given-name-missing"
    GENDER_UNKNOWN = "gender-unknown"
    DOUBTFUL_PHN = "doubtful-phn"
    PREFERRED_NAME = "preferred-name"


@dataclass(frozen=True, slots=True)
class Wording:
    """What a reason is called, and what a clerk does about it."""

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


@dataclass(frozen=True, slots=True)
class Eligibility:
    """The rules of one run, with what they need to know beside the member.

    `active_status` is the host's word for an active patient, `today` the civil date of the clinic, `shared_phns` the
    PHNs that more than one active member has.
    """

    active_status: str
    today: date
    shared_phns: Collection[str] = frozenset()
    given_name_required: bool = False

    def reasons(self, member: Member) -> tuple[Reason, ...]:
        """Why the member is left out, in the order of Reason; empty for one who is sent."""
        if not member.known:
            return (Reason.UNKNOWN_PATIENT,)
        return tuple(self._found(member, birth_date(member.birth_date)))

    def _found(self, member: Member, born: date | None) -> Iterator[Reason]:
        if member.status != self.active_status:
            yield Reason.NOT_ACTIVE
        if not readable(member.family_name):
            yield Reason.NO_FAMILY_NAME
        if self.given_name_required and not readable(member.given_name):
            yield Reason.NO_GIVEN_NAME
        if not member.birth_date:
            yield Reason.NO_BIRTH_DATE
        elif born is None or born > self.today:
            yield Reason.IMPOSSIBLE_BIRTH_DATE
        if not readable(member.gender):
            yield Reason.NO_GENDER
        if not member.phn:
            yield Reason.NO_PHN
        elif member.phn_jurisdiction not in (None, "AB"):
            yield Reason.OTHER_PROVINCE
        elif not is_phn(member.phn):
            yield Reason.MALFORMED_PHN
        elif member.phn in self.shared_phns:
            yield Reason.SHARED_PHN
        if member.last_visit_on is None:
            yield Reason.NO_VISIT
        elif born is not None and member.last_visit_on < born:
            yield Reason.VISIT_BEFORE_BIRTH
        if member.confirmed_on is None:
            yield Reason.NO_CONFIRMATION

    def cautions(self, member: Member) -> tuple[Caution, ...]:
        """What is doubtful about a member who is sent."""
        found = []
        if not readable(member.given_name):
            found.append(Caution.GIVEN_NAME_MISSING)
        if member.gender == "U":
            found.append(Caution.GENDER_UNKNOWN)
        if member.phn and is_phn(member.phn) and not phn_check_digit_fits(member.phn):
            found.append(Caution.DOUBTFUL_PHN)
        if member.preferred_name and member.preferred_name != member.given_name:
            found.append(Caution.PREFERRED_NAME)
        return tuple(found)


def birth_date(text: str | None) -> date | None:
    """The day that an ISO text names; None when there is no such day."""
    if not text:
        return None
    try:
        born = date.fromisoformat(text)
    except ValueError:
        return None
    # fromisoformat also reads `19800229` and `1980-W09-5`, which are no FHIR dates.
    return born if born.isoformat() == text else None
