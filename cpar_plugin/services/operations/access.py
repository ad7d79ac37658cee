"""What a request needs before it may proceed. Checked on the server, at every request."""

from ...domain.refusals import NotFound, Refused
from ...hooks import Actor, Host
from . import clinic
from .clinic import Clinic

MANAGE = "CONFIGURE_CPAR_PANEL_CREATE"
# Declared to no host, so that no role is offered it: administrators alone have it.
REGISTER_CLIENTS = "CONFIGURE_CPAR_CLIENTS"
_ADMINISTRATORS_ONLY = (
    "Only an EMR administrator can give another system access to panels, and see who looked at patients. Ask someone "
    "with the admin role."
)


class Forbidden(Exception):
    """The actor may not do this. The message says who can help."""


def require_management(host: Host, actor: Actor) -> None:
    """Raises Forbidden unless the actor manages panels: the `admin` role, or a role with the permission."""
    if not host.identity.has(actor, MANAGE):
        raise Forbidden(
            f"CPAR Panel Management needs the admin role, or a role with the permission {MANAGE}. "
            "Ask an EMR administrator."
        )


def require_administrator(host: Host, actor: Actor, message: str = _ADMINISTRATORS_ONLY) -> None:
    """Raises Forbidden with the message unless the actor is an administrator of the EMR.

    Managing panels is not enough: a client reads all their patients, also those that its registrar may not see.
    """
    if not host.identity.has(actor, REGISTER_CLIENTS):
        raise Forbidden(message)


def require_patient(host: Host, actor: Actor, patient_id: int) -> None:
    """Raises Forbidden unless the actor may see this patient."""
    if not host.identity.may_see(actor, patient_id):
        raise Forbidden("You do not have access to this patient's record. Ask an EMR administrator if you need it.")


def require_enabled(host: Host) -> Clinic:
    """The clinic. Raises NotFound while the integration is turned off."""
    with host.database.engine.connect() as connection:
        site = clinic.load(connection)
    if not site.enabled:
        raise NotFound("The CPAR integration is turned off. Your EMR administrator can turn it on: cpar enable.")
    return site


def require_configured(host: Host) -> Clinic:
    """The clinic. Raises NotFound while turned off, and Refused until the clinic's name and Site ID are entered."""
    site = require_enabled(host)
    if not site.configured:
        raise Refused("Enter the Clinic Name and Site ID in the CPAR Panel Management settings first.")
    return site
