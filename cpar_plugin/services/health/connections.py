"""Whether what we connect to besides the registry lets us: the mail server, and the addresses of clients' keys."""

import smtplib
from typing import Final

from sqlalchemy import func, select

from ...domain.refusals import Refused
from ...hooks import Health, Host
from ...settings import Settings
from ...store.tables import panel
from ..clients.jwks_url import check_published
from ..clients.registry import every_client
from ..submissions import mail

_LONGEST_WAIT: Final = 10.0  # seconds


def mail_server(host: Host, settings: Settings) -> Health:
    """Whether the mail server takes our connection and our password. No mail is sent."""
    if not settings.smtp_host:
        return Health.ok("smtp_host is not set: no one is notified by email.")
    # An operator looks on.
    settings = settings.model_copy(update={"smtp_seconds": min(settings.smtp_seconds, _LONGEST_WAIT)})
    try:
        with mail.server(settings) as server:
            server.noop()
    except Refused as refused:
        return Health.failure(str(refused), "Correct that setting.")
    except (OSError, smtplib.SMTPException) as error:
        why = mail.failure_message(error, settings)
        return Health.failure(
            f"The mail server {settings.smtp_host} cannot be used: {why}",
            "Check smtp_host, smtp_port, smtp_starttls, smtp_user and smtp_password; for your own authority, "
            "smtp_ca_file. Email is retried for a week.",
        )
    secured = "with STARTTLS" if settings.smtp_starttls else "without encryption"
    signed_in = f", signed in as {settings.smtp_user}" if settings.smtp_user else ""
    return Health.ok(f"The mail server {settings.smtp_host} accepts our connection ({secured}{signed_in}).")


def mail_addresses(host: Host, settings: Settings) -> Health:
    """Whether those whom panels name for failed submissions can be told. Reads one row."""
    with host.database.engine.connect() as connection:
        named = panel.c.deleted_at.is_(None), panel.c.notify != ""
        panels = connection.scalar(select(func.count()).select_from(panel).where(*named)) or 0
    if not panels:
        return Health.ok("No panel has an email address for failed submissions.")
    if not settings.smtp_host:
        return Health.warning(
            f"Panels with an email address for failed submissions: {panels}. No mail server is set, so no one is "
            "notified.",
            "Set smtp_host and smtp_from, or remove the addresses under Edit on the Panels tab.",
        )
    if not settings.public_url:
        return Health.ok(
            f"Panels with an email address for failed submissions: {panels}. public_url is not set: emails say where "
            "to look, without a link."
        )
    return Health.ok(f"Panels with an email address for failed submissions: {panels}.")


def client_keys(host: Host, settings: Settings) -> Health:
    """Whether the keys of every registered client that names an address of them can be fetched there now."""
    with host.database.engine.connect() as connection:
        clients = [client for client in every_client(connection) if client.jwks_url and client.revoked_at is None]
    if not clients:
        return Health.ok("No registered client has a JWKS URL.")
    failures = []
    for client in clients:
        assert client.jwks_url
        try:
            check_published(client.jwks_url, settings)
        except Refused as refused:
            failures.append(f"{client.client_id}: {refused}")
    if failures:
        return Health.failure(
            f"Keys cannot be fetched, so these clients cannot get tokens. {' '.join(failures)}",
            "Contact the operator of that system; for its own authority, set fhir_jwks_ca_file.",
        )
    return Health.ok(f"The keys of all clients can be fetched ({len(clients)}).")
