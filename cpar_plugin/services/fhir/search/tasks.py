"""Searching Tasks in the database: what search parameters ask of the rows of `TaskSource`."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, false, or_

from ....domain.report_lines import ReportLineState
from ....fhir_mappings import task
from ....store import tables
from .answers import Referred, Rows, within
from .values import Period, Reference, Token, is_number


def patient(rows: Rows, value: Reference, _: str | None) -> ColumnElement[bool]:
    """By the patient whom it is for."""
    return _refers(rows.columns["patient_id"], "Patient", value)


def of_patients(rows: Rows, patients: Referred) -> ColumnElement[bool]:
    """By patients."""
    if isinstance(patients, frozenset):
        return false()
    return rows.columns["patient_id"].in_(patients.with_only_columns(tables.member.c.patient_id))


def patients_of(rows: Rows, of_patients: Select[Any]) -> Referred:
    """The patients whom these Tasks are for."""
    return of_patients.with_only_columns(rows.columns["patient_id"]).correlate(None)


def of_panels(rows: Rows, groups: Referred) -> ColumnElement[bool]:
    """By Groups. They are few, and are looked up before."""
    if isinstance(groups, frozenset):
        return false()
    panel_ids = rows.connection.scalars(groups.with_only_columns(tables.panel.c.panel_id))
    return rows.columns["panel_id"].in_(list(panel_ids))


def panels_of(rows: Rows, of_panels: Select[Any]) -> Referred:
    """The Groups of the panels that the patients are on."""
    panel_ids = rows.connection.scalars(of_panels.with_only_columns(rows.columns["panel_id"]).distinct())
    return frozenset(map(str, panel_ids))


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
