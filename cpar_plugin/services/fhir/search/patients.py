"""Searching Patients in the database: what each search parameter asks of the rows of `PatientSource`."""

from typing import Any

from sqlalchemy import ColumnElement, Connection, String, and_, false, func, literal, or_, true

from ....domain.identifiers import is_phn
from ....domain.jurisdictions import ALBERTA, SENT
from ....fhir_mappings.identifiers import OTHER_JURISDICTIONS, Gender, emr_codes, jurisdiction_of
from ....hooks import Host
from ....settings import Settings
from ....store.folding import folded, text_fits
from ...roster.valid_dates import is_calendar_date
from ..practitioner_roles import role_ids_of_panels
from ..sources import Source
from .request import Criterion
from .values import Period, Reference, Token, compared, is_number

_GENDERS = "http://hl7.org/fhir/administrative-gender"
_GIVEN = ("given_name", "middle_names", "preferred_name")
_BOOLEANS = {"true": True, "false": False}


class PatientSearch:
    """Conditions and orders over the columns of patients."""

    def __init__(self, connection: Connection, host: Host, settings: Settings, source: Source) -> None:
        self._connection = connection
        self._host = host
        self._settings = settings
        self._source = source
        self._c = source.columns

    def sorted_by(self, name: str) -> ColumnElement[Any]:
        """What `_sort` by this name orders by; never NULL."""
        if name == "birthdate":
            return func.coalesce(self._c["birth_date"], "")
        column = self._c["family_name" if name == "family" else "given_name"]
        return func.coalesce(folded(column), "")

    def present(self, name: str) -> ColumnElement[bool]:
        """Whether a patient has the element at all."""
        match name:
            case "family":
                return self._c["family_name"].is_not(None)
            case "given":
                return or_(*(self._c[one].is_not(None) for one in _GIVEN))
            case "birthdate":
                return func.coalesce(is_calendar_date(self._c["birth_date"]), false())
            case "general-practitioner":
                return self._c["panel_id"].in_(role_ids_of_panels(self._connection))
        return true()  # identifier, active, gender, organization

    def condition(self, criterion: Criterion, value: Any) -> ColumnElement[bool]:
        """Whether a patient fits one value of a parameter."""
        match criterion.parameter.name:
            case "identifier":
                return self._identifier(value)
            case "active":
                return self._active(value)
            case "gender":
                return self._gender(value)
            case "family":
                return text_fits(self._c["family_name"], criterion.modifier, value)
            case "given":
                return or_(*(text_fits(self._c[one], criterion.modifier, value) for one in _GIVEN))
            case "birthdate":
                return self._birthdate(value)
            case "general-practitioner":
                return self._general_practitioner(value)
        assert isinstance(value, Reference)
        return true() if value.matches("Organization", "clinic") else false()

    def _identifier(self, value: Token) -> ColumnElement[bool]:
        records = self._settings.uri_patient_record
        fits: list[ColumnElement[bool]] = []
        if value.system in (None, records):
            fits.append(_is_key(self._source.key, value.code))
        if value.system is None:
            fits.append(self._has_number(value.code))
        elif value.system and (province := jurisdiction_of(value.system, self._settings)):
            theirs = self._c["phn_jurisdiction"] == province
            if province == ALBERTA:
                theirs = self._may_be_alberta
            fits.append(and_(self._has_number(value.code), theirs))
        return or_(false(), *fits)

    def _has_number(self, wanted: str | None) -> ColumnElement[bool]:
        """Whether a patient is given this health number as identifier, any for None: `identifiers.health_number`."""
        province, phn = self._c["phn_jurisdiction"], self._c["phn"]
        fits: ColumnElement[bool]
        albertan: ColumnElement[bool]
        if wanted is None:
            fits, albertan = phn.is_not(None), and_(func.length(phn) == 9, _digits_alone(phn))
        else:
            with_phn = self._host.roster.with_phn(literal(wanted))
            fits = self._source.key.in_(with_phn) if wanted.isascii() else phn == wanted
            albertan = true() if is_phn(wanted) else false()
        of_alberta = and_(self._may_be_alberta, albertan)
        return and_(fits, or_(of_alberta, province.in_(OTHER_JURISDICTIONS)))

    @property
    def _may_be_alberta(self) -> ColumnElement[bool]:
        """`domain.jurisdictions.may_be_alberta`."""
        return func.coalesce(self._c["phn_jurisdiction"], ALBERTA).in_(SENT)

    def _active(self, value: Token) -> ColumnElement[bool]:
        wanted = _BOOLEANS.get(value.code or "")
        if value.system or wanted is None:
            return false()
        active = func.coalesce(self._c["status"], "") == self._host.roster.active_status
        return active if wanted else ~active

    def _gender(self, value: Token) -> ColumnElement[bool]:
        if value.system not in (None, _GENDERS):
            return false()
        if value.code is None:
            return true()
        code = func.upper(func.coalesce(self._c["gender"], ""))
        known = emr_codes(value.code)
        return code.not_in(known) if value.code == Gender.UNKNOWN else code.in_(known)

    def _birthdate(self, value: Period) -> ColumnElement[bool]:
        first, last = value.as_days(self._host.clock.zone)
        born = self._c["birth_date"]
        wanted: ColumnElement[bool] = compared(value.prefix, born, first.isoformat(), last.isoformat())
        return and_(wanted, is_calendar_date(born))

    def _general_practitioner(self, value: Reference) -> ColumnElement[bool]:
        roles = role_ids_of_panels(self._connection)
        panels = [
            panel_id for panel_id, ids in roles.items() if any(value.matches("PractitionerRole", one) for one in ids)
        ]
        return self._c["panel_id"].in_(panels)


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
