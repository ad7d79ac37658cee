"""Patient."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from functools import cache, partial
from typing import Protocol

from ..domain.eligibility import birth_date
from ..domain.texts import readable
from ..settings import Settings
from .identifiers import IdentifierType, Refer, Resource, gender, health_number, human_name, identifier, profile

RECORDED_SEX_OR_GENDER = "http://hl7.org/fhir/StructureDefinition/individual-recordedSexOrGender"


class LinkType(StrEnum):
    """How another record of the same person stands to this one (FHIR's LinkType)."""

    REPLACED_BY = "replaced-by"


class PatientRow(Protocol):
    """A patient as `hooks.Roster.patients` has it."""

    @property
    def patient_id(self) -> int: ...
    @property
    def phn(self) -> str | None: ...
    @property
    def phn_jurisdiction(self) -> str | None: ...
    @property
    def family_name(self) -> str | None: ...
    @property
    def given_name(self) -> str | None: ...
    @property
    def middle_names(self) -> str | None: ...
    @property
    def preferred_name(self) -> str | None: ...
    @property
    def birth_date(self) -> str | None: ...
    @property
    def gender(self) -> str | None: ...
    @property
    def status(self) -> str | None: ...


Mapping = Callable[[PatientRow, Sequence[Resource]], Resource]


def patients(settings: Settings, refer: Refer, *, active_status: str) -> Mapping:
    """Prepare the mapping of patients: what all of them share is made once, since there may be very many.

    The mapping takes a row and the references to the PractitionerRoles of the patient's panel. What the row lacks, or
    FHIR cannot say (an impossible birth date, a name of control characters), is left out.
    """
    meta = profile("patient")
    records = settings.uri_patient_record
    clinic = {"reference": refer("Organization/clinic")}
    recorded = cache(partial(_recorded, f"{settings.uri_codes}/emr-gender"))

    def patient(row: PatientRow, general_practitioners: Sequence[Resource]) -> Resource:
        found: Resource = {"resourceType": "Patient", "id": str(row.patient_id), "meta": meta}
        code = readable(row.gender)
        if code:
            found["extension"] = [recorded(code)]
        record = identifier(records, found["id"], IdentifierType.MEDICAL_RECORD)
        number = health_number(row.phn, row.phn_jurisdiction, settings)
        found["identifier"] = [number, record] if number else [record]
        found["active"] = row.status == active_status
        names = _names(row)
        if names:
            found["name"] = names
        found["gender"] = gender(code)
        if birth_date(row.birth_date):
            found["birthDate"] = row.birth_date
        if general_practitioners:
            found["generalPractitioner"] = general_practitioners
        found["managingOrganization"] = clinic
        return found

    return patient


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


def _names(row: PatientRow) -> list[Resource]:
    official = human_name(row.family_name, row.given_name, row.middle_names)
    preferred = readable(row.preferred_name)
    names = [official] if official else []
    if preferred:
        names.append({"use": "usual", "given": [preferred]})
    return names


def _recorded(system: str, code: str) -> Resource:
    value = {"coding": [{"system": system, "code": code}]}
    return {"url": RECORDED_SEX_OR_GENDER, "extension": [{"url": "value", "valueCodeableConcept": value}]}
