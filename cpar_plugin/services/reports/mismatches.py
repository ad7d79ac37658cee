"""The field of a record that a row of a report is about, and whether it is what the registry has, in SQL.

Call `store.folding.can_fold` on the connection first.
"""

from sqlalchemy import ColumnElement, FromClause, and_, case, func, or_, true

from ...domain.heaps import COMPARED_BY_CODE
from ...domain.list_columns import ColumnField
from ...store.json_text import text_of
from ...store.tables import report_row
from .differences import COLUMN_OF, same

_row = report_row.c


def own_value(patient: FromClause) -> ColumnElement[str | None]:
    """What the record has in the field that does not match, '' for nothing; NULL where no record is certain."""
    code = text_of(_row.details, ColumnField.MISMATCH)
    values = (
        (code == each, func.coalesce(patient.c[COLUMN_OF[field]], "")) for each, field in COMPARED_BY_CODE.items()
    )
    return case((and_(_row.accepted == true(), patient.c.patient_id.is_not(None)), case(*values)))


def is_fixed(patient: FromClause) -> ColumnElement[bool]:
    """Whether that is what the registry has: not where the report does not say the registry's value."""
    code, value = (text_of(_row.details, field) for field in (ColumnField.MISMATCH, ColumnField.REGISTRY_VALUE))
    value = func.coalesce(value, "")
    fixed = or_(*(and_(code == each, same(field, value, patient)) for each, field in COMPARED_BY_CODE.items()))
    certain = and_(_row.accepted == true(), patient.c.patient_id.is_not(None))
    return and_(certain, value != "", func.coalesce(fixed, 0) == 1)
