"""A patient of a submission read back: the submitted data, from the stored Patient and the entry in the Group."""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from datetime import date, datetime
from typing import Any

import orjson

from .identifiers import IdentifierType, Resource
from .panel_group import HOW_CODES

_HOW = {code: how for how, code in HOW_CODES.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class SentPatient:
    """What was sent of one patient. Texts that were not sent are ''. `patient_id` is the clinic's own."""

    patient_id: int
    family_name: str
    given_names: str
    preferred_name: str
    phn: str
    birth_date: str  # ISO
    gender: str  # FHIR's word
    since: datetime
    confirmed_on: date | None
    confirmed_how: str
    last_visit_on: date | None

    def differences(self, before: "SentPatient") -> list[tuple[str, Any, Any]]:
        """Each field that was sent otherwise before: its name, what it was, what it is."""
        pairs = ((field.name, getattr(before, field.name), getattr(self, field.name)) for field in fields(self))
        return [(name, old, new) for name, old, new in pairs if old != new]


def sent_patient(entry: bytes, member: bytes) -> SentPatient:
    """Read the JSON of the Patient's entry and of the Group's member back.

    By what things are, not by their identifier systems: those are settings, and may have been others then.
    """
    patient, membership = orjson.loads(entry)["resource"], orjson.loads(member)
    numbers = {number["type"]["coding"][0]["code"]: number["value"] for number in patient["identifier"]}
    names = {name["use"]: name for name in patient.get("name", [])}
    official = names.get("official", {})
    extensions = dict(map(_extension, membership.get("extension", [])))
    return SentPatient(
        patient_id=int(numbers[IdentifierType.MEDICAL_RECORD]),
        family_name=official.get("family", ""),
        given_names=_names_text(official.get("given")),
        preferred_name=_names_text(names.get("usual", {}).get("given")),
        phn=numbers.get(IdentifierType.HEALTH_NUMBER, ""),
        birth_date=patient.get("birthDate", ""),
        gender=patient["gender"],
        since=datetime.fromisoformat(membership["period"]["start"]),
        confirmed_on=_day(extensions.get("confirmation-date")),
        confirmed_how=_HOW.get(extensions.get("confirmation-how", ""), ""),
        last_visit_on=_day(extensions.get("last-visit-date")),
    )


def _extension(extension: Resource) -> tuple[str, str]:
    """The last part of its address, and its value, whatever type that has."""
    (value,) = (text for key, text in extension.items() if key.startswith("value"))
    return extension["url"].rpartition("/")[2], value


def _names_text(parts: Iterable[str] | None) -> str:
    return " ".join(parts or ())


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
