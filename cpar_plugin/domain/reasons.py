"""Why a member is left out of a submission."""

from enum import StrEnum
from typing import assert_never

from .member import Member


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
    OTHER_JURISDICTION = "other-jurisdiction"
    MALFORMED_PHN = "malformed-phn"
    SHARED_PHN = "shared-phn"
    NO_VISIT = "no-visit"
    VISIT_BEFORE_BIRTH = "visit-before-birth"
    NO_CONFIRMATION = "no-confirmation"


def values(reason: Reason, member: Member) -> tuple[str | None, ...]:
    """The host's texts that a reason about this member is about; none for one about visits and panels."""
    match reason:
        case Reason.NOT_ACTIVE:
            return (member.status,)
        case Reason.NO_FAMILY_NAME:
            return (member.family_name,)
        case Reason.NO_GIVEN_NAME:
            return (member.given_name,)
        case Reason.NO_BIRTH_DATE | Reason.IMPOSSIBLE_BIRTH_DATE | Reason.VISIT_BEFORE_BIRTH:
            return (member.birth_date,)
        case Reason.NO_GENDER:
            return (member.gender,)
        case Reason.NO_PHN | Reason.MALFORMED_PHN | Reason.SHARED_PHN:
            return (member.phn,)
        case Reason.OTHER_JURISDICTION:
            return (member.phn_jurisdiction,)
        case Reason.UNKNOWN_PATIENT | Reason.NO_VISIT | Reason.NO_CONFIRMATION:
            return ()
        case _:
            assert_never(reason)
