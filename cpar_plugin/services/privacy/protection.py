"""How connections are secured, what is sealed, and what each log holds."""

import ssl
from collections.abc import Iterator, Sequence
from typing import Final

from ...domain.refusals import Refused
from ...settings import Settings
from ...transport.connection import registry_context
from .document import IN_THIS_SYSTEM, Grid, PackSection, StatementSource

_SEALED: Final = (
    (
        "Searches and interrupted forms",
        "Encrypted (Fernet: AES-128-CBC, HMAC-SHA256); the key is in the address only",
    ),
    ("Access tokens of FHIR clients", "SHA-256 of the token; the token itself is kept nowhere"),
    ("Keys of FHIR clients", "The public part only"),
    ("Contents of submissions", "Compressed, with the SHA-256 of the whole; not encrypted by the plugin"),
    (
        "Files of exports and of the outbox folder",
        "Not encrypted by the plugin; only the service's user can read them",
    ),
    ("All other tables", "Not encrypted by the plugin: the database's or the disk's encryption is the operator's"),
    ("Secrets in the settings", "In a file or in the environment of the service; shown in no page, log or command"),
)
_LOGS: Final = (
    (
        "Plugin's operations and ledger",
        "Every change: user, moment, patient, panel before and after, confirmation and how it came about",
        "Permanently",
    ),
    (
        "Plugin's looks",
        "Every page, print, list and file that showed patients: user, role, moment, page, address, record numbers",
        "look_keep_days",
    ),
    (
        "Plugin's reads through the FHIR interface",
        "Every read, search and export: client or user, moment, address, which resource, how many patients",
        "fhir_read_keep_days",
    ),
    (
        "EMR's own log",
        "The same changes, looks and reads, with record numbers; no names and no PHN",
        "By the EMR",
    ),
    (
        "Log of the service",
        "Errors by their kind, and jobs; no patient data, passwords or cookies",
        "By the operator",
    ),
    (
        "Log of the web server, as the installer sets it up",
        "Address of the caller, moment, the beginning of the page's address, status; not what was searched for",
        "By the operator",
    ),
)


def sections(settings: Settings, of_host: Sequence[tuple[str, str]]) -> Iterator[PackSection]:
    """Connections, of which the host adds its own; what is sealed; and logs."""
    rows = [*of_host, *_connections(settings)]
    yield PackSection(
        "Encryption of connections", StatementSource.SYSTEM, [Grid("Connections", ("Connection", IN_THIS_SYSTEM), rows)]
    )
    yield PackSection(
        "Encryption of what is stored", StatementSource.PRODUCT, [Grid("Stored data", ("What", "How"), _SEALED)]
    )
    yield PackSection("Logs", StatementSource.PRODUCT, [Grid("Logs", ("Log", "Holds", "Kept"), _LOGS)])


def _connections(settings: Settings) -> Iterator[tuple[str, str]]:
    yield "TLS library", ssl.OPENSSL_VERSION
    try:
        context = registry_context(settings)
    except Refused as refused:
        yield "To the registry, mail and key servers", str(refused)
        return
    checked = "RFC 5280, strictly" if settings.strict_certificates else "as Python 3.12 did (strict_certificates = no)"
    authorities = "those of the settings" if settings.registry_ca_file else "the public ones"
    yield "Registry: least version of TLS", context.minimum_version.name.replace("v1_", " 1.").replace("_", " ")
    yield "Registry: ciphers that are offered", ", ".join(cipher["name"] for cipher in context.get_ciphers())
    yield "Registry: certificate authorities", authorities
    yield "How certificates are checked", checked
