"""Why a patient is removed, as forms ask for it and send it."""

from collections.abc import Mapping

from ..domain.refusals import Refused
from ..domain.removal import Removal, RemovalRules, entered_removal
from ..hooks import Host
from ..services.operations import clinic


def rules_of(host: Host) -> RemovalRules:
    """The reasons that the clinic offers."""
    with host.database.engine.connect() as connection:
        return clinic.load(connection).removal


def removal_of(host: Host, form: Mapping[str, str], patient_id: int | None = None) -> Removal:
    """The reason and the note of a form, or the reason beside the button of one patient in a list.

    Raises Refused (the field of the reason, `note`).
    """
    field = "reason" if patient_id is None else f"reason-{patient_id}"
    try:
        return entered_removal(form.get(field, ""), form.get("note", ""), rules_of(host))
    except Refused as refused:
        raise Refused({field if name == "reason" else name: text for name, text in refused.messages.items()}) from None
