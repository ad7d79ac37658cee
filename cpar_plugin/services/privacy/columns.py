"""How it is said what a column holds, and the names that mean the same in every table."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final


class About(StrEnum):
    """Who or what a column tells something about."""

    PATIENT = "patient"
    STAFF = "staff"
    CLINIC = "clinic"
    SYSTEM = "system"


@dataclass(frozen=True, slots=True)
class Holds:
    """What a column holds, and about whom."""

    text: str
    about: About = About.SYSTEM


def of_patient(text: str) -> Holds:
    """Something about a patient."""
    return Holds(text, About.PATIENT)


def of_staff(text: str) -> Holds:
    """Something about a user of the EMR, or a provider."""
    return Holds(text, About.STAFF)


def of_clinic(text: str) -> Holds:
    """Something about the clinic or its panels."""
    return Holds(text, About.CLINIC)


# Names that mean the same in every table.
EVERYWHERE: Final[Mapping[str, Holds]] = {
    "patient_id": of_patient("Record number of a patient in the EMR"),
    "actor_id": of_staff("User of the EMR, or FHIR client, who did it"),
    "provider_id": of_staff("Provider, by the EMR's id"),
    "panel_id": of_clinic("Panel, by the plugin's id"),
    "from_panel_id": of_clinic("Panel before the operation"),
    "to_panel_id": of_clinic("Panel after the operation"),
    "other_panel_id": of_clinic("Affiliation or caseload, by the plugin's id"),
    "signed_on": of_patient("Date of the signed affiliation form"),
    "signed_text": of_patient("The same as in the file, where it is no date"),
    "position": Holds("Order"),
    "client_id": Holds("FHIR client, by number"),
    "operation_id": Holds("Operation, by number"),
    "snapshot_id": Holds("Snapshot, by its random identifier"),
    "upload_id": Holds("Uploaded list, by its random identifier"),
    "export_id": Holds("Bulk export, by its random identifier"),
    "row_number": Holds("Row in the uploaded file"),
    "at": Holds("When"),
    "created_at": Holds("When it was created"),
    "version": Holds("Count of changes, so that no one overwrites another's"),
    "digest": Holds("Hash of the content, to see changes; the content cannot be read from it"),
    "last_updated": Holds("When it last changed"),
    "gone_at": Holds("When it ceased to exist"),
    "claim": Holds("Random identifier of the process that works on it"),
    "claimed_until": Holds("Until when that process keeps it to itself"),
    "attempts": Holds("Number of attempts"),
    "expires_at": Holds("When it expires"),
    "address": Holds("Network address that the request came from"),
    "page": Holds("Name of the page"),
    "reason": of_patient("Why"),
    "note": of_patient("Note of a user"),
    "removal_reasons": of_clinic("The clinic's own reasons for removing a patient"),
    "removal_reason_required_at": Holds("Since when a reason is required"),
}


@dataclass(frozen=True, slots=True)
class TableHolds:
    """What a table is for, and what its columns hold where their names do not say it everywhere."""

    text: str
    columns: Mapping[str, Holds] = field(default_factory=dict)

    def holds(self, column: str) -> Holds:
        """What the column holds. Raises KeyError where no one has described it."""
        return self.columns.get(column) or EVERYWHERE[column]
