"""How a submission leaves the clinic: as a file in a folder, or over HTTPS to the registry's FHIR endpoint."""

from ..settings import Settings
from .folder import Folder
from .values import DeliveryOutcome, DeliveryResult, Envelope, Transport, not_sent

__all__ = ["DeliveryOutcome", "DeliveryResult", "Envelope", "Transport", "for_settings", "not_sent"]


def for_settings(settings: Settings) -> Transport:
    """The transport that the settings name. Raises Refused where it could never work: call it at start."""
    if settings.transport == "folder":
        return Folder(settings.outbox_folder)
    from .fhir_endpoint import FhirEndpoint  # with all that HTTP needs, and folders do not

    return FhirEndpoint(settings)
