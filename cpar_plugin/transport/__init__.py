"""How a submission leaves the clinic: as a file in a folder, over HTTPS to the registry, or fetched by the registry."""

from typing import assert_never

from ..settings import Settings
from .folder import Folder
from .values import DeliveryOutcome, DeliveryResult, Envelope, Transport, not_sent

__all__ = ["DeliveryOutcome", "DeliveryResult", "Envelope", "Transport", "for_settings", "not_sent"]


def for_settings(settings: Settings) -> Transport:
    """The transport that the settings name. Raises Refused where it could never work: call it at start."""
    # What needs HTTP is imported with all that belongs to it, which folders do not need.
    match settings.transport:
        case "folder":
            return Folder(settings.outbox_folder)
        case "fhir":
            from .fhir_endpoint import FhirEndpoint

            return FhirEndpoint(settings)
        case "bulk-submit":
            from .bulk_submit import BulkSubmit

            return BulkSubmit(settings)
        case _:
            assert_never(settings.transport)
