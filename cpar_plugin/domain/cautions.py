"""What is doubtful about a member who is sent all the same, and which values that is about."""

from collections.abc import Iterator
from enum import StrEnum
from typing import assert_never

from .identifiers import is_phn, phn_check_digit_fits
from .member import Member, names_as_held
from .texts import readable


class Caution(StrEnum):
    """What is doubtful about a member who is sent all the same. The order is the order in which cautions are told."""

    GIVEN_NAME_MISSING = "given-name-missing"
    GENDER_UNKNOWN = "gender-unknown"
    DOUBTFUL_PHN = "doubtful-phn"
    PREFERRED_NAME = "preferred-name"


def values(caution: Caution, member: Member) -> tuple[str | None, ...]:
    """The host's values that a caution about this member is about: it is another caution once one of them changes."""
    match caution:
        case Caution.GIVEN_NAME_MISSING:
            return names_as_held(member)
        case Caution.GENDER_UNKNOWN:
            return (member.gender,)
        case Caution.DOUBTFUL_PHN:
            return (member.phn,)
        case Caution.PREFERRED_NAME:
            return (member.given_name, member.preferred_name)
        case _:
            assert_never(caution)


def found(member: Member) -> Iterator[Caution]:
    """What is doubtful about a member who is sent, in the order of Caution."""
    if not (readable(member.family_name) and readable(member.given_name)):
        yield Caution.GIVEN_NAME_MISSING
    if member.gender == "U":
        yield Caution.GENDER_UNKNOWN
    if member.phn and is_phn(member.phn) and not phn_check_digit_fits(member.phn):
        yield Caution.DOUBTFUL_PHN
    if member.preferred_name and member.preferred_name != member.given_name:
        yield Caution.PREFERRED_NAME
