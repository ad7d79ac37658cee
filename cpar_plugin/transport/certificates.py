"""Certificates looked at by themselves: until when they are good, and which of them strict checking refuses."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from urllib3.util import parse_url

from ..settings import Settings
from .connection import registry_context
from .deadline import LimitedTLS, connected, within
from .strictness import authorities, objection

_HTTPS = 443


def server_certificate_ends(address: str, settings: Settings) -> datetime:
    """The aware moment at which the certificate of an https address ends, after a connection as a submission makes it.

    Raises OSError, `ssl.SSLError` included (`connection.failure_message` says what that means), and Refused for files
    of the settings.
    """
    with _connected(address, registry_context(settings), settings.registry_seconds) as secured:
        certificate = secured.getpeercert()
    assert certificate  # it was verified
    return datetime.fromtimestamp(ssl.cert_time_to_seconds(str(certificate["notAfter"])), UTC)


def objections(address: str, ca_file: str, seconds: float) -> str:
    """Which certificates of an https address strict checking refuses, by name, and for what; empty for none.

    Looks at what the server shows, which before Python 3.13 is its own certificate alone, and at the authorities in the
    file that may have issued it. The connection is made without trust: it is closed before anything is said on it.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.sslsocket_class = LimitedTLS
    try:
        with _connected(address, context, seconds) as secured:
            own = secured.getpeercert(binary_form=True)
            chain = getattr(secured, "get_unverified_chain", list)() or [own]
        server_certificates = [x509.load_der_x509_certificate(certificate) for certificate in chain if certificate]
        trusted = authorities(Path(ca_file).read_bytes()) if ca_file else []
    except (OSError, ValueError):
        return ""
    issuers = {certificate.issuer for certificate in server_certificates}
    issued_by = [
        certificate
        for certificate in trusted
        if certificate.subject in issuers and certificate not in server_certificates
    ]
    sentences = [objection(certificate, authority=place > 0) for place, certificate in enumerate(server_certificates)]
    sentences += [objection(certificate, authority=True) for certificate in issued_by]
    return " ".join(filter(None, sentences))


def client_certificate_ends(settings: Settings) -> datetime:
    """The aware moment at which our own certificate ends. Raises OSError, and ValueError for a file that is none."""
    content = Path(settings.registry_client_certificate).read_bytes()
    return x509.load_pem_x509_certificate(content).not_valid_after_utc


@contextmanager
def _connected(address: str, context: ssl.SSLContext, seconds: float) -> Iterator[ssl.SSLSocket]:
    url = parse_url(address)
    name = (url.host or "").strip("[]")
    with (
        within(seconds),
        connected(name, url.port or _HTTPS) as connection,
        context.wrap_socket(connection, server_hostname=name) as secured,
    ):
        yield secured
