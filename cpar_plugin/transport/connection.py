"""Where a connection may go, how it is secured, and what to say when it fails."""

import socket
import ssl
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import requests
from urllib3.exceptions import HTTPError, LocationParseError, ReadTimeoutError
from urllib3.util import parse_url

from ..domain.refusals import Refused
from ..settings import Settings

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
        raise Refused({setting: f"{setting}: give a whole address, for instance https://registry.example/fhir."})
    if url.auth or url.fragment:
        raise Refused({setting: f"{setting}: leave out the user name, the password and the # part."})
    if url.scheme == "http" and not is_loopback(url.host):
        raise Refused({setting: f"{setting}: use https. Plain http would send patients unprotected."})
    return address


def host_of(address: str) -> str:
    """Host and port for a message, without path and query."""
    return parse_url(address).netloc or address


def check_certificates(settings: Settings) -> None:
    """Raises Refused when a file of the certificate settings cannot be used, instead of failing in the night."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if settings.registry_ca_file:
        try:
            context.load_verify_locations(Path(settings.registry_ca_file))
        except (OSError, ValueError) as error:
            raise _unusable("registry_ca_file", error) from None
    if settings.registry_client_certificate:
        try:
            # Without a password callback OpenSSL would ask on the terminal, and a night run would stand still.
            context.load_cert_chain(
                settings.registry_client_certificate, settings.registry_client_key, password=lambda: b""
            )
        except (OSError, ValueError) as error:
            raise _unusable("registry_client_certificate and registry_client_key", error) from None


def open_session(settings: Settings) -> requests.Session:
    """A session that verifies the other side and takes nothing from the environment.

    `trust_env` off: a proxy, a CA bundle or a .netrc that stands in some shell's environment must not decide where
    patients go and who may read along.
    """
    session = requests.Session()
    session.trust_env = False
    session.verify = settings.registry_ca_file or True
    if settings.registry_client_certificate:
        session.cert = (settings.registry_client_certificate, settings.registry_client_key)
    session.headers["User-Agent"] = "oscar-cpar-plugin"
    return session


def failure_message(error: Exception, address: str, settings: Settings) -> str:
    """One sentence or two about a connection that failed: what it means and what to check."""
    host = host_of(address)
    causes = list(_causes(error))
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return (
                f"The certificate of {host} could not be verified ({cause.verify_message.rstrip('.')}), so nothing "
                "was sent. Check the address and registry_ca_file, or tell the registry."
            )
    for cause in causes:
        if isinstance(cause, ssl.SSLError):
            return (
                f"There is no secure connection to {host} ({cause.reason or 'TLS failed'}). If it asks for a client "
                "certificate, check registry_client_certificate."
            )
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return f"The name {host} is not known here. Check the address and this machine's network."
        if isinstance(cause, ConnectionRefusedError):
            return f"Nothing answers at {host}. Check the address, or wait until the registry is back."
    if isinstance(error, requests.ConnectTimeout):
        return f"There was no connection to {host} within {settings.registry_connect_seconds:g} seconds."
    if isinstance(error, requests.ReadTimeout | ReadTimeoutError):
        return f"{host} did not answer within {settings.registry_read_seconds:g} seconds."
    if any(isinstance(cause, TimeoutError) for cause in causes):
        return f"{host} stopped taking the data that was being sent."
    broke = f"The connection to {host} broke before there was a whole answer."
    if parse_url(address).scheme == "https":
        # A server that misses a client certificate may say so in TLS, or (often) just hang up.
        broke += " If this lasts: the registry may be asking for a client certificate (registry_client_certificate)."
    return broke


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def is_loopback(host: str) -> bool:
    """Whether a name or address means this machine itself."""
    try:
        return host == "localhost" or ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _unusable(setting: str, error: Exception) -> Refused:
    reason = (error.strerror if isinstance(error, OSError) else None) or "not a usable file of this kind"
    return Refused({setting: f"{setting}: cannot be used ({reason}). Give PEM files; the key without a passphrase."})
