"""Searching Tasks in the database: what search parameters ask of the rows of `TaskSource`."""

from sqlalchemy import ColumnElement, and_, case, false, or_

from ....domain.report_lines import ReportLineState
from ....fhir_mappings import task
from .answers import Rows, within
from .values import Period, Reference, Token, is_number


def patient(rows: Rows, value: Reference, _: str | None) -> ColumnElement[bool]:
    """By the patient whom it is for."""
    return _refers(rows.columns["patient_id"], "Patient", value)


def focus(rows: Rows, value: Reference, _: str | None) -> ColumnElement[bool]:
    """By the Group of the panel that the patient is on."""
    return _refers(rows.columns["panel_id"], "Group", value)


def code(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """By conflict or mismatch."""
    system = task.codes(rows.settings)
    return rows.columns["kind"].in_([kind for kind in task.CODE_DISPLAYS if value.matches(system, kind)])


def status(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """By R4's status, which comes of the line's state and of whether someone has taken it."""
    state, owner_id = rows.columns["state"], rows.columns["owner_id"]
    fitting = (
        and_(state == each.value, owner_id.is_not(None) if is_taken else owner_id.is_(None))
        for each in ReportLineState
        for is_taken in (True, False)
        if value.matches(task.STATUSES, task.status(each, is_taken=is_taken))
    )
    return or_(false(), *fitting)


def business_status(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """By the line's state: what is completed was done, fixed in the record, or ours is right."""
    system = task.states(rows.settings)
    return rows.columns["state"].in_([state.value for state in ReportLineState if value.matches(system, state.value)])


def authored_on(rows: Rows, value: Period, _: str | None) -> ColumnElement[bool]:
    """By when the line came, or came back: it is due a number of days later."""
    return within(rows.columns["opened_at"], value)


def modified(rows: Rows, value: Period, _: str | None) -> ColumnElement[bool]:
    """By when someone last changed it, as in the resource."""
    opened_at, changed_at = rows.columns["opened_at"], rows.columns["changed_at"]
    return within(case((changed_at > opened_at, changed_at), else_=opened_at), value)


def _refers(column: ColumnElement[int], kind: str, value: Reference) -> ColumnElement[bool]:
    is_meant = value.kind in (None, kind) and value.key and is_number(value.key)
    return column == int(value.key or 0) if is_meant else false()
