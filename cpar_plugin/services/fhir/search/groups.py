"""Searching Groups in the database: what search parameters ask of the rows of `GroupSource`."""

from collections.abc import Callable

from sqlalchemy import ColumnElement, exists, false, literal, true

from ....fhir_mappings.panel_group import ATTRIBUTED_TO, CHARACTERISTICS
from ....settings import Settings
from ....store import tables
from ....store.folding import folded, text_fits
from ..access import may_read
from ..practitioner_roles import role_ids_of_panels
from .answers import Rows, Sql
from .values import Reference, Token, is_number


def by_number(rows: Rows) -> ColumnElement[str]:
    """The order of identifiers and of names alike."""
    return folded(rows.columns["number"])


def identifier(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """By panel number."""
    if value.system not in (None, rows.settings.uri_panel_number):
        return false()
    return true() if value.code is None else rows.columns["number"] == value.code


def name(rows: Rows, value: str, modifier: str | None) -> ColumnElement[bool]:
    """By title."""
    return text_fits(literal("CPAR panel ").concat(rows.columns["number"]), modifier, value)


def always(system: Callable[[Settings], str | None], code: str) -> Sql:
    """For what every Group has."""
    return Sql(lambda rows, value, _: true() if value.matches(system(rows.settings), code) else false())


def nothing(_rows: Rows, _value: Token, _modifier: str | None) -> ColumnElement[bool]:
    """For what no Group has: the values of characteristics here are references."""
    return false()


def no_group(_: Rows) -> ColumnElement[bool]:
    """No Group has it."""
    return false()


def attributed(rows: Rows) -> ColumnElement[bool]:
    """Groups of panels with a provider at a facility."""
    return rows.source.key.in_(role_ids_of_panels(rows.connection))


def characteristic(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """By the code of the only characteristic that there is."""
    return attributed(rows) if value.matches(CHARACTERISTICS, ATTRIBUTED_TO) else false()


def exclude(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """Characteristics never exclude anyone."""
    return attributed(rows) if value.matches(None, "false") else false()


def attributed_to(rows: Rows, value: Reference, _: str | None) -> ColumnElement[bool]:
    """By a provider at a facility."""
    roles = role_ids_of_panels(rows.connection)
    fit = (key for key, ids in roles.items() if any(value.matches("PractitionerRole", role_id) for role_id in ids))
    return rows.source.key.in_(list(fit))


def the_clinic(_rows: Rows, value: Reference, _modifier: str | None) -> ColumnElement[bool]:
    """By the only Organization that there is."""
    return true() if value.matches("Organization", "clinic") else false()


def member(rows: Rows, value: Reference, _: str | None) -> ColumnElement[bool]:
    """By a patient."""
    key = value.key or ""
    is_patient = value.kind in (None, "Patient") and key and is_number(key)
    return _has_member(rows, tables.member.c.patient_id == int(key)) if is_patient else false()


def any_member(rows: Rows) -> ColumnElement[bool]:
    """Groups with a member that the caller may read."""
    return _has_member(rows, true())


def _has_member(rows: Rows, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Only members that the caller may read: the answer must not reveal others."""
    of_panel = tables.member.c
    readable = may_read(rows.host, rows.caller, of_panel.patient_id)
    return exists().where(of_panel.panel_id == rows.source.key, condition, readable)
