"""Why a patient is removed, as forms ask for it and send it."""

from collections.abc import Mapping

from ..domain.removal import Removal, RemovalRules, entered_removal
from ..hooks import Host
from ..services.operations import clinic


def rules_of(host: Host) -> RemovalRules:
    """The reasons that the clinic offers."""
    with host.database.engine.connect() as connection:
        return clinic.load(connection).removal


def removal_of(host: Host, form: Mapping[str, str]) -> Removal:
    """The reason and the note of a form. Raises Refused (`reason`, `note`)."""
    return entered_removal(form.get("reason", ""), form.get("note", ""), rules_of(host))
