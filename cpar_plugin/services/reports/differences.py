"""What a report says of a patient against the record, in SQL. Call `store.folding.can_fold` on the connection first."""

from typing import assert_never

from sqlalchemy import ColumnElement, FromClause, and_, func, or_

from ...domain.gender import OTHER_CODES, OTHER_LETTER
from ...domain.heaps import COMPARED, CompareAs
from ...domain.list_columns import ColumnField
from ..uploads.matching import key_of_name

COLUMN_OF = {field: field.value.replace("-", "_") for field in COMPARED}  # of rows of reports, and of the roster


def differs(field: ColumnField, reported: ColumnElement[str], patient: FromClause) -> ColumnElement[bool]:
    """Whether a record has something else in a field of COMPARED than a report; not where the report has nothing."""
    return and_(reported != "", ~same(field, reported, patient))


def same(field: ColumnField, reported: ColumnElement[str], patient: FromClause) -> ColumnElement[bool]:
    """Whether a record has in a field of COMPARED what a report has: true or false, never NULL.

    What is equal as it is, or but for capitals, is not folded: that is slow where there are many.
    """
    own = func.coalesce(patient.c[COLUMN_OF[field]], "")
    match COMPARED[field]:
        case CompareAs.TEXT:
            return own == reported
        case CompareAs.NAME:
            return or_(own == reported, func.upper(own) == func.upper(reported), _same_key(own, reported))
        case CompareAs.GIVEN_NAMES:
            with_middle = own.concat(" ").concat(func.coalesce(patient.c.middle_names, ""))
            plain = or_(own == reported, func.upper(own) == func.upper(reported), _same_key(own, reported))
            return or_(plain, _same_key(with_middle, reported))
        case CompareAs.GENDER:
            return or_(own == reported, and_(reported == OTHER_LETTER, own.in_(OTHER_CODES)))
        case _:
            assert_never(COMPARED[field])


def _same_key(own: ColumnElement[str], reported: ColumnElement[str]) -> ColumnElement[bool]:
    return key_of_name(own) == key_of_name(reported)
