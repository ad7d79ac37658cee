"""What a clinic does on its first day, and what of it is done."""

from collections.abc import Mapping
from enum import StrEnum


class FirstStep(StrEnum):
    """A step, in the order in which they are done."""

    CLINIC = "clinic"
    PANELS = "panels"
    PRACTITIONER_IDS = "practitioner-ids"
    PATIENTS = "patients"
    MAIL = "mail"
    EXCLUSIONS = "exclusions"


def steps(
    *, configured: bool, panels: int, providers_without_id: int, members: int, recipients: bool, exclusions_seen: bool
) -> Mapping[FirstStep, bool]:
    """Whether each step is done.

    `recipients`: somebody is notified by email of a failed submission. There is nothing to see of exclusions before
    there are members.
    """
    return {
        FirstStep.CLINIC: configured,
        FirstStep.PANELS: panels > 0,
        FirstStep.PRACTITIONER_IDS: panels > 0 and providers_without_id == 0,
        FirstStep.PATIENTS: members > 0,
        FirstStep.MAIL: recipients,
        FirstStep.EXCLUSIONS: members > 0 and exclusions_seen,
    }
