"""What the status of an appointment in OSCAR says of it."""

from typing import Any

from sqlalchemy import ColumnElement, case, func, or_

from cpar_plugin.host_kit.sql import constant, letters, seen

# The first letter of a status says what became of an appointment; capitals and small letters differ.
NO_VISIT = ("C", "N", "D")  # cancelled, no-show, deleted
# To do, day sheet printed, here, picked, empty room, customized 1 to 6, confirmed, billed. Any other counts as well.
VISIT = ("t", "T", "H", "P", "E", "a", "b", "c", "d", "e", "f", "h", "B")
_VISIT_IN_EITHER_CASE = tuple(letter for letter in VISIT if letter.upper() not in NO_VISIT)


def is_attended(status: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a status says that somebody was seen.

    OSCAR's own letters are looked for first: nearly every status begins with one of them, and it is quick.

    Most quickly as they are stored, where no collation can take one for a letter of NO_VISIT.
    """
    first = func.substr(letters(status), constant(1), constant(1))
    is_own = first.in_([constant(letter) for letter in VISIT])
    as_stored = status.in_([constant(letter) for letter in _VISIT_IN_EITHER_CASE])
    return or_(status.is_(None), as_stored, is_own, first_letter(status).not_in(NO_VISIT))


def first_letter(status: ColumnElement[Any]) -> ColumnElement[str]:
    """Of an appointment's status, '' for none. Most begin with a letter; others are looked at more closely."""
    first = func.substr(letters(status), constant(1), constant(1))
    letter = func.coalesce(func.substr(seen(status), constant(1), constant(1)), constant(""))
    return case((first.between(constant("A"), constant("z")), first), else_=letter)
