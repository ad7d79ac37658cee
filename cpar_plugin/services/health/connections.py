"""Whether what we connect to besides the registry lets us: the mail server, and the addresses of clients' keys."""

import smtplib

from ...domain.refusals import Refused
from ...hooks import Health, Host
from ...settings import Settings
from ..clients.jwks_url import check_published
from ..clients.registry import every_client
from ..submissions import mail


def mail_server(host: Host, settings: Settings) -> Health:
    """Whether the mail server takes our connection and our password. No mail is sent."""
    if not settings.smtp_host:
        return Health.ok("smtp_host is not set: no one is notified by email.")
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
    return Health.ok(f"The mail server {settings.smtp_host} accepts our connection.")


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
