"""Searching Patients in the database: what search parameters ask of the rows of `PatientSource`."""

from typing import Any

from sqlalchemy import ColumnElement, Select, String, and_, false, func, literal, or_, true

from ....domain.gender import Gender
from ....domain.identifiers import is_phn
from ....domain.jurisdictions import ALBERTA, SENT
from ....fhir_mappings.identifiers import OTHER_JURISDICTIONS, emr_codes, jurisdiction_of
from ....hooks import StatusKind
from ....store.folding import folded, text_fits
from ....store.sounding import sound_of, sounded
from ...roster.valid_dates import is_calendar_date
from ..practitioner_roles import role_ids_of_panels
from . import groups
from .answers import Referred, Rows
from .values import Period, Reference, Token, compared, is_number

_GENDERS = "http://hl7.org/fhir/administrative-gender"
_GIVEN = ("given_name", "middle_names", "preferred_name")
_BOOLEANS = {"true": True, "false": False}


def by_family(rows: Rows) -> ColumnElement[Any]:
    """The order of family names."""
    return func.coalesce(folded(rows.columns["family_name"]), "")


def by_given(rows: Rows) -> ColumnElement[Any]:
    """The order of given names."""
    return func.coalesce(folded(rows.columns["given_name"]), "")


def by_birth_date(rows: Rows) -> ColumnElement[Any]:
    """The order of birth dates."""
    return func.coalesce(rows.columns["birth_date"], "")


def family(rows: Rows, value: str, modifier: str | None) -> ColumnElement[bool]:
    """By family name."""
    return text_fits(rows.columns["family_name"], modifier, value)


def has_family(rows: Rows) -> ColumnElement[bool]:
    """Patients with a family name."""
    return rows.columns["family_name"].is_not(None)


def given(rows: Rows, value: str, modifier: str | None) -> ColumnElement[bool]:
    """By any given name."""
    return or_(*(text_fits(rows.columns[column], modifier, value) for column in _GIVEN))


def has_given(rows: Rows) -> ColumnElement[bool]:
    """Patients with a given name."""
    return or_(*(rows.columns[column].is_not(None) for column in _GIVEN))


def has_practitioner(rows: Rows) -> ColumnElement[bool]:
    """Patients whose panel has a provider at a facility."""
    return rows.columns["panel_id"].in_(role_ids_of_panels(rows.connection))


def identifier(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """By record number or health number."""
    records = rows.settings.uri_patient_record
    fits: list[ColumnElement[bool]] = []
    if value.system in (None, records):
        fits.append(_is_key(rows.source.key, value.code))
    if value.system is None:
        fits.append(_has_number(rows, value.code))
    elif value.system and (province := jurisdiction_of(value.system, rows.settings)):
        of_province = rows.columns["phn_jurisdiction"] == province
        if province == ALBERTA:
            of_province = _may_be_alberta(rows)
        fits.append(and_(_has_number(rows, value.code), of_province))
    return or_(false(), *fits)


def _has_number(rows: Rows, number: str | None) -> ColumnElement[bool]:
    """Whether a patient is given this health number as identifier, any for None: `identifiers.health_number`."""
    province, phn = rows.columns["phn_jurisdiction"], rows.columns["phn"]
    fits: ColumnElement[bool]
    albertan: ColumnElement[bool]
    if number is None:
        fits, albertan = phn.is_not(None), and_(func.length(phn) == 9, _digits_alone(phn))
    else:
        with_phn = rows.host.roster.with_phn(literal(number))
        fits = rows.source.key.in_(with_phn) if number.isascii() else phn == number
        albertan = true() if is_phn(number) else false()
    of_alberta = and_(_may_be_alberta(rows), albertan)
    return and_(fits, or_(of_alberta, province.in_(OTHER_JURISDICTIONS)))


def _may_be_alberta(rows: Rows) -> ColumnElement[bool]:
    """`domain.jurisdictions.may_be_alberta`."""
    return func.coalesce(rows.columns["phn_jurisdiction"], ALBERTA).in_(SENT)


def active(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """By whether the clinic's record is active."""
    is_active = _BOOLEANS.get(value.code or "")
    if value.system or is_active is None:
        return false()
    active = func.coalesce(rows.columns["status"], "") == rows.host.roster.active_status
    return active if is_active else ~active


def gender(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """By FHIR's code, which may correspond to several of the EMR's."""
    if value.system not in (None, _GENDERS):
        return false()
    if value.code is None:
        return true()
    code = func.upper(func.coalesce(rows.columns["gender"], ""))
    codes = emr_codes(value.code)
    return code.not_in(codes) if value.code == Gender.UNKNOWN else code.in_(codes)


def born(rows: Rows) -> ColumnElement[bool]:
    """Patients with a birth date: an impossible one is not shown, so it is not found either."""
    return func.coalesce(is_calendar_date(rows.columns["birth_date"]), false())


def birthdate(rows: Rows, value: Period, _: str | None) -> ColumnElement[bool]:
    """By birth date."""
    first, last = value.as_days(rows.host.clock.zone)
    date = rows.columns["birth_date"]
    fits: ColumnElement[bool] = compared(value.prefix, date, first.isoformat(), last.isoformat())
    return and_(fits, is_calendar_date(date))


def general_practitioner(rows: Rows, value: Reference, _: str | None) -> ColumnElement[bool]:
    """By a provider at a facility of the patient's panel."""
    panels = groups.panels_of_roles(rows, lambda role_id: value.matches("PractitionerRole", role_id))
    return rows.columns["panel_id"].in_(panels)


def of_practitioners(rows: Rows, roles: Referred) -> ColumnElement[bool]:
    """By some providers at facilities of the patient's panel."""
    return rows.columns["panel_id"].in_(groups.panels_of_roles(rows, lambda role_id: groups.is_one_of(role_id, roles)))


def practitioners_of(rows: Rows, patients: Select[Any]) -> Referred:
    """The providers at facilities of the panels of these patients."""
    return groups.roles_of(rows, patients.with_only_columns(rows.columns["panel_id"]))


def name(rows: Rows, value: str, modifier: str | None) -> ColumnElement[bool]:
    """By any family or given name."""
    return or_(family(rows, value, modifier), given(rows, value, modifier))


def has_name(rows: Rows) -> ColumnElement[bool]:
    """Patients with a family or given name."""
    return or_(has_family(rows), has_given(rows))


def phonetic(rows: Rows, value: str, _: str | None) -> ColumnElement[bool]:
    """By a family or given name that sounds so."""
    sound = sound_of(value)
    columns = (rows.columns[column] for column in ("family_name", *_GIVEN))
    return or_(*(sounded(column) == sound for column in columns)) if sound else false()


def deceased(rows: Rows, value: Token, _: str | None) -> ColumnElement[bool]:
    """By whether the clinic's record says that the patient has died."""
    is_deceased = _BOOLEANS.get(value.code or "")
    if value.system or is_deceased is None:
        return false()
    kinds = rows.host.roster.status_kinds
    statuses = [status for status, kind in kinds.items() if kind is StatusKind.DECEASED]
    status = func.coalesce(rows.columns["status"], "")
    return status.in_(statuses) if is_deceased else status.not_in(statuses)


def _is_key(key: ColumnElement[int], code: str | None) -> ColumnElement[bool]:
    """The row with this number; any row for None."""
    if code is None:
        return true()
    return key == int(code) if is_number(code) else false()


def _digits_alone(text: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether nothing but digits is in the text. Portable, unlike patterns."""
    for digit in "0123456789":
        text = func.replace(text, digit, "", type_=String())
    return text == ""
