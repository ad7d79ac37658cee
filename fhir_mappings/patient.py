"""Patient."""

from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache, lru_cache
from json.encoder import encode_basestring as quoted
from typing import Any, NamedTuple, Protocol

import orjson

from ..domain.birth import birth_date
from ..domain.gender import gender_code
from ..domain.member import Named
from ..domain.name_faults import unless_program_word
from ..domain.names import legal_names
from ..hooks import StatusKind
from ..settings import Settings
from .identifiers import IdentifierType, Refer, Resource, gender, health_number, identifier, profile

RECORDED_SEX_OR_GENDER = "http://hl7.org/fhir/StructureDefinition/individual-recordedSexOrGender"


class LinkType(StrEnum):
    """How another record of the same person is related to this one (FHIR's LinkType)."""

    REPLACED_BY = "replaced-by"


class PatientRow(Named, Protocol):
    """A patient as `hooks.Roster.patients` has it, and what was answered to cautions about them."""

    @property
    def patient_id(self) -> int: ...
    @property
    def phn(self) -> str | None: ...
    @property
    def phn_jurisdiction(self) -> str | None: ...
    @property
    def preferred_name(self) -> str | None: ...
    @property
    def birth_date(self) -> str | None: ...
    @property
    def gender(self) -> str | None: ...
    @property
    def status(self) -> str | None: ...


class Statuses(NamedTuple):
    """The EMR's words for patients who are active, and who are deceased."""

    active: str
    deceased: frozenset[str]

    @classmethod
    def of(cls, kinds: Mapping[str, StatusKind]) -> "Statuses":
        """From what the statuses of a host mean (`hooks.Roster.status_kinds`)."""
        (active,) = (status for status, kind in kinds.items() if kind is StatusKind.ACTIVE)
        return cls(active, frozenset(status for status, kind in kinds.items() if kind is StatusKind.DECEASED))


TextMapping = Callable[[PatientRow, str], bytes]
# System and value of the first identifier, and the patient as JSON without braces, type and id.
PatientTextMapping = Callable[[PatientRow, str], tuple[str, str, str]]
_GENDERS = 256


def patient_texts(settings: Settings, refer: Refer, *, statuses: Statuses) -> TextMapping:
    """Prepare the mapping of patients to JSON: there may be very many, and a dict takes twice as long.

    It takes a row and the references to the PractitionerRoles of the panel, `as_text`.
    """
    mapping = patient_members(settings, refer, statuses=statuses)

    def patient(row: PatientRow, general_practitioners: str) -> bytes:
        _, _, members = mapping(row, general_practitioners)
        return f'{{"resourceType":"Patient","id":"{row.patient_id}",{members}}}'.encode()

    return patient


def patient_members(settings: Settings, refer: Refer, *, statuses: Statuses) -> PatientTextMapping:
    """The same without type and id. What all patients share is made once.

    What the row lacks, or FHIR cannot say (an impossible birth date, a name of control characters), is omitted.
    """
    meta = as_text(profile("patient"))
    record = _identifier(settings.uri_patient_record, IdentifierType.MEDICAL_RECORD)
    clinic = as_text({"reference": refer("Organization/clinic")})

    @cache
    def numbered(system: str) -> str:
        return _identifier(system, IdentifierType.HEALTH_NUMBER)

    @lru_cache(_GENDERS)
    def gendered(code: str | None) -> tuple[str, str]:
        emr_gender = gender_code(code)
        extension = [_code_extension(f"{settings.uri_codes}/emr-gender", emr_gender)] if emr_gender else []
        return (f'"extension":{as_text(extension)},' if extension else "", gender(emr_gender))

    def patient(row: PatientRow, general_practitioners: str) -> tuple[str, str, str]:
        key = row.patient_id
        extension, sex = gendered(row.gender)
        number = health_number(row.phn, row.phn_jurisdiction, settings)
        numbers = f"{numbered(number[0])}{quoted(number[1])}}}," if number else ""
        active = "true" if row.status == statuses.active else "false"
        names = _names(row)
        name = f'"name":[{names}],' if names else ""
        born = f'"birthDate":"{row.birth_date}",' if birth_date(row.birth_date) else ""
        deceased = '"deceasedBoolean":true,' if row.status in statuses.deceased else ""
        roles = f'"generalPractitioner":{general_practitioners},' if general_practitioners != "[]" else ""
        members = (
            f'"meta":{meta},{extension}"identifier":[{numbers}{record}"{key}"}}],"active":{active},{name}'
            f'"gender":"{sex}",{born}{deceased}{roles}"managingOrganization":{clinic}'
        )
        system, value = number or (settings.uri_patient_record, str(key))
        return system, value, members

    return patient


def as_text(value: Any) -> str:
    """A part of a resource as JSON."""
    return orjson.dumps(value).decode()


def _identifier(system: str, kind: IdentifierType) -> str:
    """An identifier as JSON, up to its value."""
    return as_text(identifier(system, "", kind)).removesuffix('""}')


def retired_patient(retired_id: int, kept_id: int, settings: Settings, refer: Refer) -> Resource:
    """A record that the clinic has merged away: it says only which record is kept."""
    record = identifier(settings.uri_patient_record, str(retired_id), IdentifierType.MEDICAL_RECORD)
    return {
        "resourceType": "Patient",
        "id": str(retired_id),
        "meta": profile("patient"),
        "identifier": [record],
        "active": False,
        "managingOrganization": {"reference": refer("Organization/clinic")},
        "link": [{"other": {"reference": refer(f"Patient/{kept_id}")}, "type": LinkType.REPLACED_BY.value}],
    }


def _names(row: PatientRow) -> str:
    """Its names as JSON, joined by commas; "" for none."""
    family, given, middle = legal_names(row)
    preferred = unless_program_word(row.preferred_name) if row.preferred_name else None
    if family and given and not middle and not preferred:  # nearly everyone
        return f'{{"use":"official","family":{quoted(family)},"given":[{quoted(given)}]}}'
    names = []
    if family or given or middle:
        parts = f',"family":{quoted(family)}' if family else ""
        if given or middle:
            parts += f',"given":[{",".join([quoted(name) for name in (given, middle) if name])}]'
        names.append(f'{{"use":"official"{parts}}}')
    if preferred:
        names.append(f'{{"use":"usual","given":[{quoted(preferred)}]}}')
    return ",".join(names)


@lru_cache(64)
def _code_extension(system: str, code: str) -> Resource:
    value = {"coding": [{"system": system, "code": code}]}
    return {"url": RECORDED_SEX_OR_GENDER, "extension": [{"url": "value", "valueCodeableConcept": value}]}
