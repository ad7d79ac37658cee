"""Why a patient is removed, as forms ask for it and send it."""

from collections.abc import Mapping

from ..domain.removal import Removal, RemovalRules, entered_removal
from ..hooks import Host
from ..services.operations import clinic


def rules_of(host: Host) -> RemovalRules:
    """The reasons that the clinic offers."""
    with host.database.engine.connect() as connection:
        return clinic.load(connection).removal


def removal_of(host: Host, form: Mapping[str, str], patient_id: int | None = None) -> Removal:
    """The reason and the note of a form, or the reason beside the button of one patient in a list.

    Raises Refused (`reason`, `note`).
    """
    reason = form.get("reason" if patient_id is None else f"reason-{patient_id}", "")
    return entered_removal(reason, form.get("note", ""), rules_of(host))
