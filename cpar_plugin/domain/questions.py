"""Which reasons and cautions a person can answer by comparing the record with the health-care card."""

from collections.abc import Iterable
from typing import NamedTuple

from .answers import fingerprint
from .cautions import Caution, values
from .member import Member
from .names import has_one_name
from .reasons import Reason

_BY_ONE_NAME = (Reason.NO_FAMILY_NAME, Reason.NO_GIVEN_NAME)


class Question(NamedTuple):
    """What can be answered: the caution, of which values, and the answer in words."""

    caution: Caution
    fingerprint: str
    answer: str


def questions(doubts: Iterable[Reason | Caution], member: Member) -> dict[Reason | Caution, Question]:
    """Those that can be answered, of all about a member: every caution, and a name that the card lacks too."""
    result: dict[Reason | Caution, Question] = {}
    for doubt in doubts:
        if isinstance(doubt, Caution):
            result[doubt] = _question(doubt, member)
        elif doubt in _BY_ONE_NAME and has_one_name(member):
            result[doubt] = _question(Caution.GIVEN_NAME_MISSING, member)
    return result


def _question(caution: Caution, member: Member) -> Question:
    return Question(caution, fingerprint(caution, values(caution, member)), answer(caution))


def answer(caution: Caution) -> str:
    """The answer in words."""
    if caution is Caution.GIVEN_NAME_MISSING:
        return "Only one name, as shown on the card"
    return "Checked against the card"
