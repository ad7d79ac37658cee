"""A patient of a submission read back: what was told of them, from the stored Patient and their place in the Group."""

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
        pairs = ((one.name, getattr(before, one.name), getattr(self, one.name)) for one in fields(self))
        return [(name, was, is_now) for name, was, is_now in pairs if was != is_now]


def sent_patient(entry: bytes, member: bytes) -> SentPatient:
    """Read the JSON of the Patient's entry and of the Group's member back.

    By what things are, not by their identifier systems: those are settings, and may have been others then.
    """
    patient, place = orjson.loads(entry)["resource"], orjson.loads(member)
    numbers = {one["type"]["coding"][0]["code"]: one["value"] for one in patient["identifier"]}
    names = {one["use"]: one for one in patient.get("name", [])}
    official = names.get("official", {})
    told = dict(map(_extension, place.get("extension", [])))
    return SentPatient(
        patient_id=int(numbers[IdentifierType.MEDICAL_RECORD]),
        family_name=official.get("family", ""),
        given_names=_joined(official.get("given")),
        preferred_name=_joined(names.get("usual", {}).get("given")),
        phn=numbers.get(IdentifierType.HEALTH_NUMBER, ""),
        birth_date=patient.get("birthDate", ""),
        gender=patient["gender"],
        since=datetime.fromisoformat(place["period"]["start"]),
        confirmed_on=_day(told.get("confirmation-date")),
        confirmed_how=_HOW.get(told.get("confirmation-how", ""), ""),
        last_visit_on=_day(told.get("last-visit-date")),
    )


def _extension(found: Resource) -> tuple[str, str]:
    """The last part of its address, and its value, whatever type that has."""
    (value,) = (text for key, text in found.items() if key.startswith("value"))
    return found["url"].rpartition("/")[2], value


def _joined(parts: Iterable[str] | None) -> str:
    return " ".join(parts or ())


def _day(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
