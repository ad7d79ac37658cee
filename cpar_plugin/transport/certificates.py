"""Until when certificates are good: the registry's and our own."""

import socket
import ssl
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from requests.utils import DEFAULT_CA_BUNDLE_PATH
from urllib3.util import parse_url

from ..settings import Settings

_HTTPS = 443


def server_certificate_ends(address: str, settings: Settings) -> datetime:
    """The aware moment at which the certificate of an https address ends, after a connection as a submission makes it.

    Raises OSError, `ssl.SSLError` included: `connection.failure_message` says what that means.
    """
    url = parse_url(address)
    name = (url.host or "").strip("[]")
    context = ssl.create_default_context(cafile=settings.registry_ca_file or DEFAULT_CA_BUNDLE_PATH)
    if settings.registry_client_certificate:
        context.load_cert_chain(settings.registry_client_certificate, settings.registry_client_key)
    with (
        socket.create_connection((name, url.port or _HTTPS), timeout=settings.registry_connect_seconds) as connected,
        context.wrap_socket(connected, server_hostname=name) as secured,
    ):
        certificate = secured.getpeercert()
    assert certificate  # it was verified
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def client_certificate_ends(settings: Settings) -> datetime:
    """The aware moment at which our own certificate ends. Raises OSError, and ValueError for a file that is none."""
    content = Path(settings.registry_client_certificate).read_bytes()
    return x509.load_pem_x509_certificate(content).not_valid_after_utc
