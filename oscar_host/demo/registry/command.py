"""`cpar registry`: a registry to talk to."""

import ssl
from pathlib import Path

import click

from .app import create_app
from .behaviour import KINDS, MOMENTS, Behaviour, Conduct
from .process import end_with_standard_input
from .server import serve, tls
from .store import Store
from .tokens import Tokens

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command("registry")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=5010, show_default=True, type=click.IntRange(0, 65535), help="0 takes any free one.")
@click.option("--folder", default="registry-data", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--behave", "kind", default="ok", show_default=True, type=click.Choice(KINDS))
@click.option("--when", default="before", show_default=True, type=click.Choice(MOMENTS), help="Storing the submission.")
@click.option("--share", default=1.0, show_default=True, type=click.FloatRange(0, 1), help="Of the submissions.")
@click.option("--seed", default=1, show_default=True, help="Of the chance which submissions.")
@click.option("--status", default=0, help="Of a failure (503) or a refusal (422).")
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(0, 3600), help="How slow.")
@click.option("--client-id", default="", help="With --client-secret: ask for OAuth client credentials.")
@click.option("--client-secret", default="", envvar="CPAR_REGISTRY_CLIENT_SECRET")
@click.option("--token-seconds", default=300.0, show_default=True, type=click.FloatRange(0), help="A token's life.")
@click.option("--certificate", type=_FILE, help="With --key: listen with TLS.")
@click.option("--key", type=_FILE)
@click.option("--client-ca", type=_FILE, help="Ask for a client certificate of this authority.")
@click.option("--with-standard-input", is_flag=True, hidden=True)
def command(
    *,
    host: str,
    port: int,
    folder: Path,
    kind: str,
    when: str,
    share: float,
    seed: int,
    status: int,
    seconds: float,
    client_id: str,
    client_secret: str,
    token_seconds: float,
    certificate: Path | None,
    key: Path | None,
    client_ca: Path | None,
    with_standard_input: bool,
) -> None:
    """Run a small registry for demos and tests.

    It takes panel submissions at /fhir, checks them against FHIR R4, keeps them in a folder, and shows them at /. Send
    it no real patients. --behave makes it slow or faulty; tests change that while it runs (POST /_behaviour).
    """
    if bool(client_id) != bool(client_secret):
        raise click.UsageError("Give --client-id and --client-secret together.")
    if bool(certificate) != bool(key) or (client_ca and not certificate):
        raise click.UsageError("Give --certificate and --key together; --client-ca needs both.")
    try:
        behaviour = Behaviour(kind, when, share, seed, status, seconds)
        context = tls(certificate, key, client_ca) if certificate and key else None
        tokens = Tokens(client_id, client_secret, token_seconds) if client_id else None
        server = serve(create_app(Store(folder), Conduct(behaviour), tokens), host, port, context)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    except ssl.SSLError as error:
        raise click.ClickException(f"Certificate, key or client CA cannot be used: {error.reason}.") from None
    except OSError as error:
        raise click.ClickException(f"Cannot start at {host}:{port} with {folder}: {error.strerror}.") from None
    if with_standard_input:
        end_with_standard_input()
    scheme = "https" if context else "http"
    name = f"[{host}]" if ":" in host else host
    click.echo(f"Registry: {scheme}://{name}:{server.port}/ shows what it received.")
    click.echo(f"It accepts submissions at {scheme}://{name}:{server.port}/fhir. Press Ctrl+C to stop it.")
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        click.echo("The registry has stopped.")
