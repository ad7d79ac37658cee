"""Why a member is left out of a submission."""

from enum import StrEnum


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
