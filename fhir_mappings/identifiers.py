"""Identifiers and codes: which system, which code. The ministry's own URIs are settings."""

import re
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256
from typing import Any

from ..domain.gender import KNOWN, Gender, gender_code
from ..domain.identifiers import is_phn
from ..domain.jurisdictions import ALBERTA, may_be_alberta
from ..domain.texts import readable
from ..settings import Settings

Resource = dict[str, Any]
Refer = Callable[[str], str]

CA_BASELINE = "http://hl7.org/fhir/ca/baseline/StructureDefinition/profile-"
_IDENTIFIER_TYPES = "http://terminology.hl7.org/CodeSystem/v2-0203"
_HEALTH_NUMBER = "https://fhir.infoway-inforoute.ca/NamingSystem/ca-{}-patient-healthcare-id"
_PROVINCES = ("BC", "SK", "MB", "QC", "NB", "NS", "PE", "NL", "NT", "NU", "YT")
_ELSEWHERE = {province: _HEALTH_NUMBER.format(province.lower()) for province in _PROVINCES}
_ELSEWHERE["ON"] = "https://fhir.infoway-inforoute.ca/NamingSystem/ca-on-patient-hcn"
OTHER_JURISDICTIONS = tuple(_ELSEWHERE)  # besides AB, those whose health numbers have a published system
_ID = re.compile(r"[A-Za-z0-9.-]{1,64}")


class IdentifierType(StrEnum):
    """What an identifier is (HL7 v2 table 0203)."""

    HEALTH_NUMBER = "JHN"
    MEDICAL_RECORD = "MR"
    PROVIDER_NUMBER = "PRN"
    LICENCE = "LN"


_TYPES = {kind: {"coding": [{"system": _IDENTIFIER_TYPES, "code": kind.value}]} for kind in IdentifierType}
_GENDERS = {"M": Gender.MALE, "F": Gender.FEMALE}
_UNKNOWN = Gender.UNKNOWN.value
_GENDER_CODES = {code: _GENDERS.get(code, Gender.OTHER).value for code in KNOWN}


def gender(code: str | None) -> str:
    """The FHIR code for the EMR's: M, F, X, O (other) and T (transgender) are known, anything else is unknown."""
    return _GENDER_CODES.get(gender_code(code) or "", _UNKNOWN)


def emr_codes(code: str) -> list[str]:
    """The EMR's codes of this FHIR gender; for `unknown` those that have a gender."""
    return [emr_code for emr_code, fhir_code in _GENDER_CODES.items() if fhir_code == code or code == _UNKNOWN]


def jurisdiction_of(system: str, settings: Settings) -> str | None:
    """The province whose health numbers have this system (`AB`); None for another system."""
    if system == settings.uri_phn:
        return ALBERTA
    return next((province for province, province_system in _ELSEWHERE.items() if province_system == system), None)


def identifier(system: str, value: str, kind: IdentifierType | None = None) -> Resource:
    """One identifier. The type holds system and code only, as CA Baseline fixes it."""
    if kind is None:
        return {"system": system, "value": value}
    return {"type": _TYPES[kind], "system": system, "value": value}


def health_number(number: str | None, jurisdiction: str | None, settings: Settings) -> tuple[str, str] | None:
    """System and value of the provincial health number, Alberta's where no jurisdiction is given or known.

    None for a number that has not the form of Alberta's, and for a jurisdiction without a published system.
    """
    if jurisdiction is None or may_be_alberta(jurisdiction):
        return (settings.uri_phn, number) if number is not None and is_phn(number) else None
    value = readable(number)
    system = _ELSEWHERE.get(jurisdiction)
    return (system, value) if system and value else None


def resource_id(text: str) -> str:
    """A host's id as a FHIR id: as it is where FHIR allows it (letters, digits, `-`, `.`, at most 64), else a hash."""
    return text if _ID.fullmatch(text) else sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def role_id(provider_id: str, facility_id: str) -> str:
    """The id of the PractitionerRole of a provider at a facility."""
    return resource_id(f"{provider_id}-{facility_id}")


def relative(reference: str) -> str:
    """References as a REST interface and a bulk export have them: `Patient/1`."""
    return reference


def profile(name: str) -> Resource:
    """`meta` that claims a CA Baseline profile."""
    return {"profile": [CA_BASELINE + name]}


def human_name(family: str | None, given: str | None, middle: str | None = None) -> Resource | None:
    """The official name. None without a family or a given name: neither FHIR nor CA Baseline has a use for it."""
    name: Resource = {"use": "official"}
    if family_name := readable(family):
        name["family"] = family_name
    if given_names := [part for part in (readable(given), readable(middle)) if part]:
        name["given"] = given_names
    return name if len(name) > 1 else None
