"""Whether the registry can be reached, accepts our login, and until when certificates are valid. No patient is sent."""

from datetime import datetime, timedelta
from typing import Final

from ...domain.dates import date_text
from ...domain.refusals import Refused
from ...hooks import Health, Host
from ...settings import Settings
from ...transport import for_settings
from ...transport.certificates import client_certificate_ends, objections, server_certificate_ends
from ...transport.connection import NETWORK_ERRORS, failure_message, host_of, registry_context
from ...transport.deadline import within
from ...transport.outgoing import Session
from ...transport.sign_in import ClientCredentials, SignInError

_LONGEST_WAIT: Final = 10.0  # seconds: an operator looks on
_SOON: Final = timedelta(days=21)
_FOLDER: Final = Health.ok("Submissions go to a folder: no registry is called.")
_ASK: Final = "If all settings are correct, contact the registry. Submissions wait and are retried for a day."


def reachable(host: Host, settings: Settings) -> Health:
    """Whether the registry answers: asks for its CapabilityStatement, and takes any answer."""
    if health := _not_applicable(settings):
        return health
    address, impatient = settings.registry_url.rstrip("/"), _impatient(settings)
    try:
        with (
            within(impatient.registry_seconds),
            Session(registry_context(impatient)) as session,
            session.get(
                f"{address}/metadata",
                headers={"Accept": "application/fhir+json"},
                timeout=(impatient.registry_connect_seconds, impatient.registry_read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response,
        ):
            status = response.status_code
    except NETWORK_ERRORS as error:
        return Health.failure(failure_message(error, address, impatient), _ASK)
    if 300 <= status < 400:
        return Health.warning(
            f"{host_of(address)} redirects callers (status {status}); submissions do not follow redirects.",
            "Ask the registry for its URL and set registry_url.",
        )
    if status >= 500:
        return Health.warning(f"{host_of(address)} responds, but reports an internal error (status {status}).", _ASK)
    return Health.ok(f"{host_of(address)} answers (status {status}).")


def sign_in(host: Host, settings: Settings) -> Health:
    """Whether there is an access token for us. Gets one, and throws it away."""
    if health := _not_applicable(settings):
        return health
    if not settings.registry_token_url:
        return Health.ok("registry_token_url is not set: submissions are sent without an access token.")
    impatient = _impatient(settings)
    try:
        with within(impatient.registry_seconds), Session(registry_context(impatient)) as session:
            ClientCredentials(impatient).token(session)
    except SignInError as error:
        return Health.failure(error.answer.message, _ASK)
    return Health.ok(f"{host_of(settings.registry_token_url)} issues an access token to us.")


def certificate(host: Host, settings: Settings) -> Health:
    """For how long the certificates of the registry and of its sign-in are good."""
    if health := _not_applicable(settings):
        return health
    impatient = _impatient(settings)
    addresses = [
        url for url in (settings.registry_url, settings.registry_token_url) if url.lower().startswith("https:")
    ]
    ends: dict[str, datetime] = {}
    for address in addresses:
        try:
            ends[host_of(address)] = server_certificate_ends(address, impatient)
        except OSError as error:
            message = f"{failure_message(error, address, impatient)} {_objections(address, impatient)}"
            return Health.failure(message.rstrip(), _ASK)
    if not ends:
        return Health.ok("The registry is on this machine, without a certificate.")
    validity = "; ".join(f"{name}: {_days_left(end, host)}" for name, end in ends.items())
    if min(ends.values()) - host.clock.now() < _SOON:
        return Health.warning(
            f"The registry's certificate expires soon. {validity}.",
            "Notify the registry: nothing can be submitted once it has expired.",
        )
    refused = "" if settings.strict_certificates else " ".join(_objections(address, impatient) for address in addresses)
    if refused.strip():
        return Health.warning(
            f"{validity}. Accepted only because strict_certificates is no: {refused.strip()}",
            "Ask the registry to have it reissued according to RFC 5280; then remove strict_certificates.",
        )
    return Health.ok(f"The registry's certificate is valid. {validity}.")


def client_certificate(host: Host, settings: Settings) -> Health:
    """For how long our own certificate is good."""
    if health := _not_applicable(settings):
        return health
    if not settings.registry_client_certificate:
        return Health.ok("registry_client_certificate is not set: no client certificate is sent.")
    try:
        end = client_certificate_ends(settings)
    except (OSError, ValueError):
        return Health.failure(
            "registry_client_certificate cannot be read.", "Use a PEM file that the application can read."
        )
    days_left = _days_left(end, host)
    get = "Get a new one from its issuer, and set registry_client_certificate and registry_client_key."
    if end <= host.clock.now():
        return Health.failure(f"Our certificate has expired: {days_left}.", get)
    if end - host.clock.now() < _SOON:
        return Health.warning(f"Our certificate expires soon: {days_left}.", get)
    return Health.ok(f"Our certificate is valid: {days_left}.")


def _not_applicable(settings: Settings) -> Health | None:
    """Why the registry is not called, None where it is."""
    if settings.transport == "folder":
        return _FOLDER
    try:
        for_settings(settings)
    except Refused as refused:
        return Health.failure(str(refused), "Correct that setting, then check again.")
    return None


def _objections(address: str, settings: Settings) -> str:
    return objections(address, settings.registry_ca_file, settings.registry_seconds)


def _impatient(settings: Settings) -> Settings:
    names = ("registry_connect_seconds", "registry_read_seconds", "registry_seconds")
    return settings.model_copy(update={name: min(getattr(settings, name), _LONGEST_WAIT) for name in names})


def _days_left(end: datetime, host: Host) -> str:
    return f"{max((end - host.clock.now()).days, 0)} days left, until {date_text(end.astimezone(host.clock.zone))}"
