"""Where a connection may go, how it is secured, and what to say when it fails."""

import socket
import ssl
from ipaddress import ip_address

import requests
from urllib3.exceptions import HTTPError, LocationParseError, ReadTimeoutError
from urllib3.util import parse_url

from ..domain.refusals import Refused
from ..settings import Settings
from .deadline import DeadlineError
from .trust import causes, distrusted, trusting, trusting_alike, unusable

# Alerts of TLS (RFC 8446, section 6.2) by which a server refuses a caller, as the end of `SSLError.reason`: it has
# not finished the handshake, so nothing that was sent after it reaches what the server is there for.
_REFUSALS = (
    "ALERT_HANDSHAKE_FAILURE",
    "ALERT_BAD_CERTIFICATE",
    "ALERT_UNSUPPORTED_CERTIFICATE",
    "ALERT_CERTIFICATE_REVOKED",
    "ALERT_CERTIFICATE_EXPIRED",
    "ALERT_CERTIFICATE_UNKNOWN",
    "ALERT_CERTIFICATE_REQUIRED",
    "ALERT_UNKNOWN_CA",
    "ALERT_ACCESS_DENIED",
)

# `requests` raises its own until the answer's head is there, urllib3's while the rest is read.
NETWORK_ERRORS = (requests.RequestException, HTTPError, OSError)


def checked_address(address: str, setting: str) -> str:
    """The address, when patients may be sent there: https, or http on this machine. Raises Refused otherwise."""
    try:
        # As it will be used: what is checked must be what is called.
        url = parse_url(requests.Request("POST", address).prepare().url or "")
    except (requests.RequestException, LocationParseError):
        url = parse_url("")
    if url.scheme not in ("http", "https") or not url.host:
        raise Refused({setting: f"{setting}: enter a full URL, such as https://registry.example/fhir."})
    if url.auth or url.fragment:
        raise Refused({setting: f"{setting}: remove the user name, password and # part."})
    if url.scheme == "http" and not is_loopback(url.host):
        raise Refused({setting: f"{setting}: use https. Plain http would send patient data unprotected."})
    return address


def host_of(address: str) -> str:
    """Host and port for a message, without path and query."""
    return parse_url(address).netloc or address


def registry_context(settings: Settings) -> ssl.SSLContext:
    """How connections to the registry are secured. Raises Refused when a file of the settings cannot be used.

    Made at start, so that a wrong file is reported then instead of at night.
    """
    if not settings.registry_client_certificate:
        return trusting_alike(settings.registry_ca_file, "registry_ca_file", strict=settings.strict_certificates)
    context = trusting(settings.registry_ca_file, "registry_ca_file", strict=settings.strict_certificates)
    try:
        # Without a password callback OpenSSL would ask on the terminal, and a night run would hang.
        context.load_cert_chain(
            settings.registry_client_certificate, settings.registry_client_key, password=lambda: b""
        )
    except (OSError, ValueError) as error:
        raise unusable("registry_client_certificate and registry_client_key", error) from None
    return context


def failure_message(error: Exception, address: str, settings: Settings) -> str:
    """One sentence or two about a connection that failed: what it means and what to check."""
    host = host_of(address)
    chain = list(causes(error))
    if distrust := distrusted(error, host, "Check the URL and registry_ca_file, or contact the registry."):
        return distrust
    if any(isinstance(cause, DeadlineError) for cause in chain):
        return f"{host} was too slow: the call was stopped after {settings.registry_seconds:g} seconds."
    if reason := refusal_of_ours(error):
        return (
            f"{host} requires a client certificate it knows ({reason}): check "
            "registry_client_certificate, and ask the registry which one it has on file."
        )
    for cause in chain:
        if isinstance(cause, ssl.SSLError):
            return (
                f"No secure connection to {host} ({cause.reason or 'TLS failed'}). If it asks for a client "
                "certificate, check registry_client_certificate."
            )
    for cause in chain:
        if isinstance(cause, socket.gaierror):
            return f"The host name {host} cannot be resolved. Check the URL and this machine's network."
        if isinstance(cause, ConnectionRefusedError):
            return f"{host} refused the connection. Check the URL, or wait until the registry is back."
    if isinstance(error, requests.ConnectTimeout):
        return f"No connection to {host} could be made within {settings.registry_connect_seconds:g} seconds."
    if isinstance(error, requests.ReadTimeout | ReadTimeoutError):
        return f"{host} did not answer within {settings.registry_read_seconds:g} seconds."
    if any(isinstance(cause, TimeoutError) for cause in chain):
        return f"{host} stopped receiving the data being sent."
    message = f"The connection to {host} was lost before a complete response arrived."
    if parse_url(address).scheme == "https":
        # A server that misses a client certificate may say so in TLS, or (often) just hang up.
        message += " If this persists, the registry may require a client certificate (registry_client_certificate)."
    return message


def refusal_of_ours(error: BaseException) -> str:
    """The alert by which a server has refused us before it took anything, in the words of OpenSSL; '' for none."""
    reasons = (cause.reason or "" for cause in causes(error) if isinstance(cause, ssl.SSLError))
    return next((reason for reason in reasons if reason.endswith(_REFUSALS)), "")


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine itself."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
