"""Whether what operator and clinic have entered is enough to work with."""

from ...domain.refusals import Refused
from ...hooks import Health, Host
from ...settings import Settings
from ...transport import for_settings
from ..operations import clinic


def settings_fit(host: Host, settings: Settings) -> Health:
    """Whether the settings fit together, the way out included. Opens certificates, connects to nothing."""
    try:
        for_settings(settings)
    except Refused as refused:
        return Health.failure(
            f"Nothing can be submitted. {refused}", "Correct that setting. Submissions wait until then."
        )
    destination = "a folder" if settings.transport == "folder" else "the registry"
    if settings.transport == "bulk-submit":
        destination = f"the registry, which fetches them from {settings.fhir_base_url}"
    lenient = (
        ""
        if settings.strict_certificates
        else " strict_certificates is no: certificates are checked as in Python 3.12."
    )
    return Health.ok(f"The settings are consistent. Submissions go to {destination}.{lenient}")


def clinic_entered(host: Host, settings: Settings) -> Health:
    """Whether the integration is on and the clinic has said who it is. Reads one row."""
    with host.database.engine.connect() as connection:
        site = clinic.load(connection)
    if not site.enabled:
        return Health.warning("The integration is turned off: nothing will be shown or submitted.", "Run: cpar enable")
    if not site.configured:
        return Health.warning(
            "The Clinic Name and Site ID have not been entered: no panel can be created.",
            "Enter them in the CPAR Panel Management settings.",
        )
    return Health.ok("The integration is on, and the Clinic Name and Site ID have been entered.")
