"""What is wrong with the records of a real clinic, and how often: so many of each thousand patients.

A patient draws one card of each of the three kinds, so that some have several troubles at once.
"""

from enum import StrEnum

from cpar_plugin.domain.exhaustive import exhaustive


class RecordFlaw(StrEnum):
    """The state of the patient's record at the clinic."""

    INACTIVE = "inactive"
    DECEASED = "deceased"
    MOVED = "moved"
    OTHER_STATUS = "status in the clinic's own words"
    NO_STATUS = "no status"
    NO_MRP = "no MRP"
    DANGLING_MRP = "MRP who is no provider"
    FORMER_MRP = "MRP who has left"
    MERGED = "merged into another record"
    MERGED_TWICE = "merged, and another one into it"
    MERGE_UNDONE = "merged, then split again"


class IdentityFlaw(StrEnum):
    """What is unusual about who the patient is said to be."""

    NO_PHN = "no PHN"
    OTHER_PROVINCE = "PHN of another province"
    MALFORMED_PHN = "malformed PHN"
    SHARED_PHN = "PHN of another patient"
    DOUBTFUL_PHN = "PHN whose check digit fails"
    NO_GENDER = "no gender"
    RARE_GENDER = "gender O, T, X or U"
    NO_GIVEN_NAME = "no given name"
    NO_FAMILY_NAME = "no family name"
    LONG_NAME = "name cut to its column"
    NO_BIRTH_DATE = "no birth date"
    PART_OF_BIRTH_DATE = "birth date with an empty part"
    IMPOSSIBLE_BIRTH_DATE = "impossible birth date"
    UNPADDED_BIRTH_DATE = "birth date without leading zeros"
    BORN_AFTER_VISITS = "born after the last visit"


class AttendanceFlaw(StrEnum):
    """What is unusual about the patient's visits."""

    NEVER = "no appointment"
    ONLY_IN_FUTURE = "appointments in the future only"
    ONLY_MISSED = "cancelled, missed and deleted appointments only"


RECORD_STATUS = exhaustive(
    __name__,
    RecordFlaw,
    {
        RecordFlaw.INACTIVE: 50,
        RecordFlaw.DECEASED: 28,
        RecordFlaw.MOVED: 22,
        RecordFlaw.OTHER_STATUS: 12,
        RecordFlaw.NO_STATUS: 3,
        RecordFlaw.NO_MRP: 30,
        RecordFlaw.DANGLING_MRP: 10,
        RecordFlaw.FORMER_MRP: 35,
        RecordFlaw.MERGED: 8,
        RecordFlaw.MERGED_TWICE: 2,
        RecordFlaw.MERGE_UNDONE: 2,
    },
)

IDENTITY = exhaustive(
    __name__,
    IdentityFlaw,
    {
        IdentityFlaw.NO_PHN: 28,
        IdentityFlaw.OTHER_PROVINCE: 20,
        IdentityFlaw.MALFORMED_PHN: 10,
        IdentityFlaw.SHARED_PHN: 6,
        IdentityFlaw.DOUBTFUL_PHN: 12,
        IdentityFlaw.NO_GENDER: 6,
        IdentityFlaw.RARE_GENDER: 8,
        IdentityFlaw.NO_GIVEN_NAME: 4,
        IdentityFlaw.NO_FAMILY_NAME: 3,
        IdentityFlaw.LONG_NAME: 4,
        IdentityFlaw.NO_BIRTH_DATE: 3,
        IdentityFlaw.PART_OF_BIRTH_DATE: 4,
        IdentityFlaw.IMPOSSIBLE_BIRTH_DATE: 4,
        IdentityFlaw.UNPADDED_BIRTH_DATE: 40,
        IdentityFlaw.BORN_AFTER_VISITS: 4,
    },
)

ATTENDANCE = exhaustive(
    __name__,
    AttendanceFlaw,
    {
        AttendanceFlaw.NEVER: 45,
        AttendanceFlaw.ONLY_IN_FUTURE: 20,
        AttendanceFlaw.ONLY_MISSED: 15,
    },
)
