"""Data flows: from where to where, what, and how it is protected."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import Connection, select

from ...domain.subscription import SubscriptionStatus
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ...transport.connection import host_of
from ..clients.registry import every_client
from .document import IN_THIS_SYSTEM, Grid, PackSection, StatementSource

NOT_SET: Final = "Not set up."
COLUMNS: Final = ("From", "To", "What", "Protected by", IN_THIS_SYSTEM)
Flow = tuple[str, str, str, str, str]


def section(connection: Connection, host: Host, settings: Settings, of_host: Iterator[Flow]) -> PackSection:
    """Every flow; those that only the host knows come first."""
    return PackSection(
        "Data flows",
        StatementSource.BOTH,
        [Grid("Data flows", COLUMNS, [*of_host, *_flows(connection, host, settings)])],
        "Nothing else is sent anywhere: no telemetry, no fonts, scripts or pictures from other servers.",
    )


def _flows(connection: Connection, host: Host, settings: Settings) -> Iterator[Flow]:
    yield _submission(settings)
    yield (
        "Plugin",
        "Sign-in server of the registry",
        "Client id and secret, for an access token; no patient data",
        "TLS, certificate checked",
        f"{host_of(settings.registry_token_url)}." if settings.registry_token_url else NOT_SET,
    )
    clients = [client for client in every_client(connection) if client.revoked_at is None]
    address = host_of(settings.fhir_base_url) if settings.fhir_base_url else "this machine only"
    reach = f"Registered clients: {len(clients)}. Reached at: {address}."
    yield (
        "FHIR client",
        "Plugin",
        "Signed proof of identity, requests, and confirmations of patients where its scopes allow it",
        "TLS of the web server; a key pair and short-lived tokens",
        reach,
    )
    yield (
        "Plugin",
        "FHIR client",
        "Patients of its panels: record number, PHN, names, birth date, gender, confirmation, last visit",
        "The same; each read is recorded before it is answered",
        reach,
    )
    urls = sorted({host_of(client.jwks_url) for client in clients if client.jwks_url})
    yield (
        "Plugin",
        "Server with a client's public keys",
        "A request for the keys; no patient data",
        "TLS, certificate checked; public addresses only, unless set otherwise",
        f"{', '.join(urls)}." if urls else NOT_SET,
    )
    yield (
        "Plugin",
        "Receiver of a subscription",
        "That something happened on a panel: numbers, record numbers, or whole patients, as its client has chosen",
        "TLS, certificate checked; public addresses only, unless set otherwise; each one with patients recorded",
        f"{', '.join(receivers)}." if (receivers := _receivers(connection)) else NOT_SET,
    )
    secured = "with STARTTLS" if settings.smtp_starttls else "without encryption"
    yield (
        "Plugin",
        "Mail server",
        "That a submission failed, the panel number, and a link; no patient data",
        "STARTTLS where set, certificate checked",
        f"{settings.smtp_host}:{settings.smtp_port}, {secured}." if settings.smtp_host else NOT_SET,
    )
    yield (
        "Scheduler in the EMR's process",
        "Plugin",
        "The moment; no patient data",
        "Stays within the process",
        f"Night run at {settings.night_run_at:%H:%M}; FHIR resources every {settings.fhir_refresh_minutes} minutes.",
    )
    yield (
        "Plugin",
        "Files of bulk exports",
        "Patients as FHIR clients read them",
        "Readable by the service's user only",
        f"{settings.fhir_export_folder}, for {settings.fhir_export_keep_hours} hours.",
    )
    yield (
        "User's browser",
        "Plugin",
        "Lists of patients for an import, and reports of the registry",
        "TLS of the web server; a list is open to its owner only",
        f"Lists are kept for {settings.upload_keep_hours} hours at most; for reports see Retention.",
    )
    yield (
        "Plugin",
        "User's browser",
        "Pages, prints and CSV files with patients",
        "TLS of the web server; rights checked at each request, and the look recorded",
        f"Panel box recorded by the plugin, too: {'yes' if settings.record_box else 'no'}.",
    )
    yield (
        "Operator at a shell",
        "Plugin",
        "Commands; of these, cpar history shows a patient, and the look is recorded",
        "Rights of the operating system",
        "Users of this machine who can read the settings.",
    )


def _receivers(connection: Connection) -> list[str]:
    """Where notifications are sent."""
    row = tables.subscription.c
    endpoints = connection.scalars(select(row.endpoint).where(row.status != SubscriptionStatus.OFF))
    return sorted(set(map(host_of, endpoints)))


def _submission(settings: Settings) -> Flow:
    what = (
        "The clinic, providers and facilities of a panel; of each patient who is submitted: PHN, record number, names, "
        "birth date, gender, and the dates of panel, confirmation and last visit"
    )
    if settings.transport == "folder":
        here = f"As files in {settings.outbox_folder}, which are kept until someone removes them."
        return ("Plugin", "Outbox folder", what, "Readable by the service's user only", here)
    if settings.transport == "bulk-submit":
        here = f"{host_of(settings.registry_url)} fetches it from {host_of(settings.fhir_base_url)}."
        protection = "TLS; a key for one submission, for 25 hours at most and while it is under way"
        return ("Plugin", "Registry (CPAR)", what, protection, here)
    certificate = "with" if settings.registry_client_certificate else "without"
    here = f"{host_of(settings.registry_url)}, {certificate} a client certificate."
    return ("Plugin", "Registry (CPAR)", what, "TLS, certificate checked; no redirects, no proxy", here)
