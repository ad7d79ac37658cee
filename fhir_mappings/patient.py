"""Patient."""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from ..domain.texts import readable
from ..settings import Settings
from .identifiers import IdentifierType, Refer, Resource, gender, health_number, human_name, identifier, profile

RECORDED_SEX_OR_GENDER = "http://hl7.org/fhir/StructureDefinition/individual-recordedSexOrGender"


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


def patient(
    row: PatientRow, settings: Settings, refer: Refer, *, active_status: str, general_practitioners: Sequence[Resource]
) -> Resource:
    """One patient. `general_practitioners` are references to the PractitionerRoles of the patient's panel.

    What the row lacks, or FHIR cannot say (an impossible birth date, a name of control characters), is left out.
    """
    found: Resource = {"resourceType": "Patient", "id": str(row.patient_id), "meta": profile("patient")}
    code = readable(row.gender)
    if code:
        found["extension"] = [_recorded(code, settings)]
    record = identifier(settings.uri_patient_record, found["id"], IdentifierType.MEDICAL_RECORD)
    number = health_number(row.phn, row.phn_jurisdiction, settings)
    found["identifier"] = [number, record] if number else [record]
    found["active"] = row.status == active_status
    name = human_name(row.family_name, (row.given_name, row.middle_names))
    names = [name] if name else []
    preferred = readable(row.preferred_name)
    if preferred:
        names.append({"use": "usual", "given": [preferred]})
    if names:
        found["name"] = names
    found["gender"] = gender(code)
    born = _day(row.birth_date)
    if born:
        found["birthDate"] = born
    if general_practitioners:
        found["generalPractitioner"] = general_practitioners
    found["managingOrganization"] = {"reference": refer("Organization/clinic")}
    return found


def _recorded(code: str, settings: Settings) -> Resource:
    value = {"coding": [{"system": f"{settings.uri_codes}/emr-gender", "code": code}]}
    return {"url": RECORDED_SEX_OR_GENDER, "extension": [{"url": "value", "valueCodeableConcept": value}]}


def _day(text: str | None) -> str | None:
    try:
        return date.fromisoformat(text).isoformat() if text else None
    except ValueError:
        return None
