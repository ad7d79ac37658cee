"""What is wrong with the records of a real clinic, and how often: so many of each thousand patients.

A patient draws one card of each of the three kinds, so that some have several troubles at once.
"""

from enum import StrEnum

from cpar_plugin.domain.exhaustive import exhaustive


class Standing(StrEnum):
    """Where the patient stands with the clinic."""

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


class Identity(StrEnum):
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


class Attendance(StrEnum):
    """What is unusual about the patient's visits."""

    NEVER = "no appointment"
    ONLY_IN_FUTURE = "appointments in the future only"
    ONLY_MISSED = "cancelled, missed and deleted appointments only"


STANDING = exhaustive(
    __name__,
    Standing,
    {
        Standing.INACTIVE: 50,
        Standing.DECEASED: 28,
        Standing.MOVED: 22,
        Standing.OTHER_STATUS: 12,
        Standing.NO_STATUS: 3,
        Standing.NO_MRP: 30,
        Standing.DANGLING_MRP: 10,
        Standing.FORMER_MRP: 35,
        Standing.MERGED: 8,
        Standing.MERGED_TWICE: 2,
        Standing.MERGE_UNDONE: 2,
    },
)

IDENTITY = exhaustive(
    __name__,
    Identity,
    {
        Identity.NO_PHN: 28,
        Identity.OTHER_PROVINCE: 20,
        Identity.MALFORMED_PHN: 10,
        Identity.SHARED_PHN: 6,
        Identity.DOUBTFUL_PHN: 12,
        Identity.NO_GENDER: 6,
        Identity.RARE_GENDER: 8,
        Identity.NO_GIVEN_NAME: 4,
        Identity.NO_FAMILY_NAME: 3,
        Identity.LONG_NAME: 4,
        Identity.NO_BIRTH_DATE: 3,
        Identity.PART_OF_BIRTH_DATE: 4,
        Identity.IMPOSSIBLE_BIRTH_DATE: 4,
        Identity.UNPADDED_BIRTH_DATE: 40,
        Identity.BORN_AFTER_VISITS: 4,
    },
)

ATTENDANCE = exhaustive(
    __name__,
    Attendance,
    {
        Attendance.NEVER: 45,
        Attendance.ONLY_IN_FUTURE: 20,
        Attendance.ONLY_MISSED: 15,
    },
)
