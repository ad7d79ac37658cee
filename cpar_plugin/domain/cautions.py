"""What is doubtful about a member who is sent all the same, and which values that is about."""

from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import date
from enum import StrEnum
from typing import Final, assert_never

from . import name_faults
from .birth import birth_date
from .coverage import Coverage, CoverageRules, CoverageUse
from .gender import KNOWN, gender_code
from .identifiers import is_phn, phn_check_digit_fits
from .jurisdictions import UNKNOWN
from .member import Member, stored_names
from .name_faults import unless_program_word
from .texts import readable

_OLDEST: Final = 120  # years: no living person is known to be older
_CENTURY: Final = 1900  # what programs write for an unknown year is often before it


class Caution(StrEnum):
    """What is doubtful about a member who is submitted nevertheless, in the order in which cautions are shown."""

    GIVEN_NAME_MISSING = "given-name-missing"
    PROGRAM_WORD = "program-word"
    HTML_ENTITY = "html-entity"
    BACKSLASH = "backslash"
    DOUBLED_ENCODING = "doubled-encoding"
    LOST_LETTERS = "lost-letters"
    BORN_LONG_AGO = "born-long-ago"
    GENDER_UNKNOWN = "gender-unknown"
    CARD_TYPE_UNKNOWN = "card-type-unknown"
    REPEATED_DIGIT = "repeated-digit"
    DOUBTFUL_PHN = "doubtful-phn"
    PHN_OF_ANOTHER = "phn-of-another"
    PREFERRED_NAME = "preferred-name"
    COVERAGE_ENDED = "coverage-over"  # a reason where the setting says so
    COVERAGE_ENDS_SOON = "coverage-ends-soon"
    COVERAGE_BEGINS_LATER = "coverage-begins-later"
    COVERAGE_UNKNOWN = "coverage-unknown"


_OF_COVERAGE: Mapping[Coverage, Caution] = {
    Coverage.ENDED: Caution.COVERAGE_ENDED,
    Coverage.ENDS_SOON: Caution.COVERAGE_ENDS_SOON,
    Coverage.BEGINS_LATER: Caution.COVERAGE_BEGINS_LATER,
    Coverage.UNKNOWN: Caution.COVERAGE_UNKNOWN,
}
ABOUT_COVERAGE: Final = tuple(_OF_COVERAGE.values())

_OF_NAMES: Mapping[Caution, Callable[[str], bool]] = {
    Caution.PROGRAM_WORD: name_faults.is_program_word,
    Caution.HTML_ENTITY: name_faults.holds_entity,
    Caution.BACKSLASH: name_faults.holds_backslash,
    Caution.DOUBLED_ENCODING: name_faults.is_doubly_encoded,
    Caution.LOST_LETTERS: name_faults.has_lost_letters,
}


def values(caution: Caution, member: Member) -> tuple[str | None, ...]:
    """The host's values that a caution about this member is about: it is another caution once one of them changes."""
    match caution:
        case Caution.GIVEN_NAME_MISSING:
            return stored_names(member)
        case (
            Caution.PROGRAM_WORD
            | Caution.HTML_ENTITY
            | Caution.BACKSLASH
            | Caution.DOUBLED_ENCODING
            | Caution.LOST_LETTERS
        ):
            return tuple(name for name in _names(member) if _OF_NAMES[caution](name))
        case Caution.BORN_LONG_AGO:
            return (member.birth_date,)
        case Caution.GENDER_UNKNOWN:
            return (member.gender,)
        case Caution.CARD_TYPE_UNKNOWN:
            return (member.phn, member.phn_jurisdiction)
        case Caution.REPEATED_DIGIT | Caution.DOUBTFUL_PHN | Caution.PHN_OF_ANOTHER:
            return (member.phn,)
        case Caution.PREFERRED_NAME:
            return (member.given_name, member.preferred_name)
        case (
            Caution.COVERAGE_ENDED
            | Caution.COVERAGE_ENDS_SOON
            | Caution.COVERAGE_BEGINS_LATER
            | Caution.COVERAGE_UNKNOWN
        ):
            return (member.coverage_start, member.coverage_end)
        case _:
            assert_never(caution)


def of_member(
    member: Member, today: date, phns_of_others: Collection[str], coverage: CoverageRules
) -> Iterator[Caution]:
    """What is doubtful about a member who is sent, in the order of Caution.

    `phns_of_others` are the PHNs that excluded members also have. Answers are not considered.
    """
    legal = _names(member)
    if not (readable(member.family_name) and readable(member.given_name)):
        yield Caution.GIVEN_NAME_MISSING
    for caution, is_wrong in _OF_NAMES.items():
        if any(map(is_wrong, legal)):
            yield caution
    born = birth_date(member.birth_date)
    if born and (born.year < _CENTURY or (born.year + _OLDEST, born.month, born.day) < today.timetuple()[:3]):
        yield Caution.BORN_LONG_AGO
    if gender_code(member.gender) not in KNOWN:
        yield Caution.GENDER_UNKNOWN
    if member.phn and is_phn(member.phn):
        if member.phn_jurisdiction == UNKNOWN:
            yield Caution.CARD_TYPE_UNKNOWN
        if len(set(member.phn)) == 1:
            yield Caution.REPEATED_DIGIT
        elif not phn_check_digit_fits(member.phn):
            yield Caution.DOUBTFUL_PHN
        if member.phn in phns_of_others:
            yield Caution.PHN_OF_ANOTHER
    preferred = unless_program_word(member.preferred_name)
    if preferred and preferred != readable(member.given_name):
        yield Caution.PREFERRED_NAME
    if coverage.use is not CoverageUse.OFF:
        yield from _about_coverage(member, today, coverage)


def _about_coverage(member: Member, today: date, coverage: CoverageRules) -> Iterator[Caution]:
    state = coverage.state(member, today)
    if state and state in _OF_COVERAGE:
        yield _OF_COVERAGE[state]


def _names(member: Member) -> list[str]:
    """Those that are sent as legal names."""
    names = (readable(member.family_name), readable(member.given_name), unless_program_word(member.middle_names))
    return [name for name in names if name]
