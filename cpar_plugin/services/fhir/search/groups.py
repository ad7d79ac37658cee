"""Searching Groups in the database: what search parameters ask of the rows of `GroupSource`."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import ColumnElement, Select, exists, false, literal, select, true

from ....fhir_mappings.panel_group import ATTRIBUTED_TO, CHARACTERISTICS
from ....settings import Settings
from ....store import tables
from ....store.folding import folded, text_fits
from ..access import may_read
from ..practitioner_roles import role_ids_of_panels
from .answers import Referred, Rows, Sql
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
    return rows.source.key.in_(panels_of_roles(rows, lambda role_id: value.matches("PractitionerRole", role_id)))


def attributed_to_any(rows: Rows, roles: Referred) -> ColumnElement[bool]:
    """By some providers at facilities."""
    return rows.source.key.in_(panels_of_roles(rows, lambda role_id: is_one_of(role_id, roles)))


def roles_attributed(rows: Rows, groups: Select[Any]) -> Referred:
    """The providers at facilities of these Groups."""
    return roles_of(rows, groups.with_only_columns(rows.source.key))


def roles_of(rows: Rows, panel_ids: Select[Any]) -> Referred:
    """The ids of the PractitionerRoles of panels."""
    ids = set(rows.connection.scalars(panel_ids.distinct()))
    roles = role_ids_of_panels(rows.connection, ids) if ids else {}
    return frozenset(role_id for role_ids in roles.values() for role_id in role_ids)


def panels_of_roles(rows: Rows, is_meant: Callable[[str], bool]) -> list[int]:
    """The panels with one of these PractitionerRoles."""
    roles = role_ids_of_panels(rows.connection)
    return [panel_id for panel_id, role_ids in roles.items() if any(map(is_meant, role_ids))]


def is_one_of(resource_id: str, referred: Referred) -> bool:
    """Whether an id of a small kind is among them."""
    return isinstance(referred, frozenset) and resource_id in referred


def of_clinic(_rows: Rows, clinics: Referred) -> ColumnElement[bool]:
    """By the only Organization that there is, if it is meant."""
    return true() if is_one_of("clinic", clinics) else false()


def clinic_of(rows: Rows, resources: Select[Any]) -> Referred:
    """The only Organization that there is, where there is a resource at all."""
    return frozenset({"clinic"}) if rows.connection.execute(resources.limit(1)).first() else frozenset()


def the_clinic(_rows: Rows, value: Reference, _modifier: str | None) -> ColumnElement[bool]:
    """By the only Organization that there is."""
    return true() if value.matches("Organization", "clinic") else false()


def member(rows: Rows, value: Reference, _: str | None) -> ColumnElement[bool]:
    """By a patient."""
    key = value.key or ""
    is_patient = value.kind in (None, "Patient") and key and is_number(key)
    return _has_member(rows, tables.member.c.patient_id == int(key)) if is_patient else false()


def with_members(rows: Rows, patients: Referred) -> ColumnElement[bool]:
    """By patients. The panels are few, and are looked up before."""
    if isinstance(patients, frozenset):
        return false()
    panel_ids = rows.connection.scalars(patients.with_only_columns(tables.member.c.panel_id).distinct())
    return rows.source.key.in_(list(panel_ids))


def members_of(rows: Rows, groups: Select[Any]) -> Referred:
    """The members of these Groups."""
    panel_ids = list(rows.connection.scalars(groups.with_only_columns(rows.source.key)))
    of_panels = select(tables.member.c.patient_id).where(tables.member.c.panel_id.in_(panel_ids))
    return of_panels.correlate(None)


def any_member(rows: Rows) -> ColumnElement[bool]:
    """Groups with a member that the caller may read."""
    return _has_member(rows, true())


def _has_member(rows: Rows, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    """Only members that the caller may read: the answer must not reveal others."""
    of_panel = tables.member.c
    readable = may_read(rows.host, rows.caller, of_panel.patient_id)
    return exists().where(of_panel.panel_id == rows.source.key, condition, readable)
