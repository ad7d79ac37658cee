"""The commands `cpar client ...`: systems that may read panels through the FHIR interface."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import click

from .commands import Sentences, open_host
from .domain.dates import moment_text
from .domain.origins import registered_origins
from .domain.refusals import Refused
from .hooks import Host
from .services.clients import keys, registry
from .services.clients.jwks_url import check_published, fetch
from .services.clients.registry import Client, ClientDraft
from .services.panels import editing as panel_service
from .settings import load

_KEY_FILE = click.Path(exists=True, dir_okay=False, readable=True, path_type=Path)


@click.group("client", cls=Sentences, context_settings={"help_option_names": ["-h", "--help"]})
def command() -> None:
    """Manage clients that read panels through the FHIR interface."""


@command.command("add")
@click.argument("name")
@click.option("--scope", "scopes", required=True, help='Allowed scopes: "system/*.rs", or "system/Group.rs ...".')
@click.option("--jwks", "key_file", type=_KEY_FILE, help="File with the client's public keys (JSON Web Key Set).")
@click.option("--jwks-url", default="", help="The https URL where the client publishes its keys.")
@click.option("--panel", "numbers", multiple=True, metavar="NUMBER", help="Allow only this panel; may be repeated.")
@click.option("--origin", "origins", multiple=True, help="A web page it calls from (https://app.example); repeatable.")
@click.pass_context
def add(
    ctx: click.Context,
    name: str,
    scopes: str,
    key_file: Path | None,
    jwks_url: str,
    numbers: tuple[str, ...],
    origins: tuple[str, ...],
) -> None:
    """Register a system. Without --panel it may read all of the clinic's panels."""
    host = open_host(ctx)
    draft = ClientDraft(
        name=name,
        scopes=scopes,
        jwks_url=jwks_url,
        jwks=_text(key_file) if key_file else "",
        origins=" ".join(origins),
        panels=_panels(host, numbers),
    )
    if jwks_url:
        check_published(jwks_url, load(host.settings))
    client_id = registry.register(host, host.identity.system, draft)
    click.echo(f"{name.strip()} is registered as {client_id}, for {_panels_text(numbers)}.")
    base = load(host.settings).fhir_base_url
    click.echo(f"Token endpoint: {base}/token" if base else _NO_ADDRESS)


_NO_ADDRESS = "Set fhir_base_url: until then, tokens are only issued on this machine."


@command.command("list")
@click.pass_context
def list_clients(ctx: click.Context) -> None:
    """List all clients, revoked ones last."""
    host = open_host(ctx)
    with host.database.engine.connect() as connection:
        clients = registry.every_client(connection)
        numbers = {panel.panel_id: panel.number for panel in panel_service.live_panels(connection, host)}
    for client in clients:
        for line in _lines(client, numbers, host):
            click.echo(line)
    if not clients:
        click.echo("No client is registered.")


@command.command("revoke")
@click.argument("client_id", metavar="CLIENT")
@click.option("--yes", is_flag=True, help="Skip confirmation.")
@click.pass_context
def revoke(ctx: click.Context, client_id: str, yes: bool) -> None:
    """Revoke a client's access immediately and permanently."""
    host = open_host(ctx)
    client = _client(host, client_id)
    if not yes:
        click.confirm(f"Revoke {client.client_id} ({client.name})? This cannot be undone.", abort=True)
    registry.revoke(host, host.identity.system, client_id)
    click.echo(f"{client.client_id} ({client.name}) was revoked. Its tokens are no longer valid.")


@command.command("allow")
@click.argument("client_id", metavar="CLIENT")
@click.pass_context
def allow(ctx: click.Context, client_id: str) -> None:
    """Allow a client that has been on hold since a restore."""
    host = open_host(ctx)
    client = registry.allow(host, host.identity.system, client_id)
    click.echo(f"{client.client_id} ({client.name}) can read again.")


@command.command("keys")
@click.argument("client_id", metavar="CLIENT")
@click.option("--add", "key_file", type=_KEY_FILE, help="Add the public keys in this file.")
@click.option("--remove", "kid", default="", metavar="KID", help="Remove the key with this id.")
@click.option("--url", "jwks_url", default="", help="Use the keys published at this https URL from now on.")
@click.pass_context
def client_keys(ctx: click.Context, client_id: str, key_file: Path | None, kid: str, jwks_url: str) -> None:
    """Show or change the public keys of a system. To change over: add the new key, and later remove the old one."""
    if bool(key_file) + bool(kid) + bool(jwks_url) > 1:
        raise click.UsageError("Use only one of --add, --remove and --url.")
    host = open_host(ctx)
    client = _client(host, client_id)
    if jwks_url:
        check_published(jwks_url, load(host.settings))
        _change(host, client, jwks_url=jwks_url, jwks="")
    elif key_file:
        jwks = client.jwks
        added = _text(key_file)
        _change(host, client, jwks_url="", jwks=keys.with_keys(jwks, added) if jwks else added)
    elif kid:
        if not client.jwks:
            raise Refused(f"This client publishes its own keys at {client.jwks_url}: remove the key there.")
        _change(host, client, jwks_url="", jwks=keys.without_key(client.jwks, kid))
    for line in _key_lines(_client(host, client_id), host):
        click.echo(line)


@command.command("origins")
@click.argument("client_id", metavar="CLIENT")
@click.option("--add", "added", default="", metavar="ORIGIN", help="Let this web page call, e.g., https://app.example.")
@click.option("--remove", "removed", default="", metavar="ORIGIN", help="No longer let this web page call.")
@click.pass_context
def client_origins(ctx: click.Context, client_id: str, added: str, removed: str) -> None:
    """Show or change the web pages from which a system may call in a browser."""
    if added and removed:
        raise click.UsageError("Use only one of --add and --remove.")
    host = open_host(ctx)
    client = _client(host, client_id)
    origins = client.origins.split()
    if removed:
        gone = registered_origins(removed)
        if gone not in origins:
            raise Refused(f"{client.client_id} has no origin {removed}.")
        origins.remove(gone)
    if added or removed:
        draft = replace(_draft(client), origins=" ".join([*origins, added]))
        registry.change(host, host.identity.system, client.client_id, client.version, draft)
    for origin in _client(host, client_id).origins.split():
        click.echo(origin)


def _client(host: Host, client_id: str) -> Client:
    with host.database.engine.connect() as connection:
        return registry.live_client(connection, client_id)


def _change(host: Host, client: Client, *, jwks_url: str, jwks: str) -> None:
    draft = replace(_draft(client), jwks_url=jwks_url, jwks=jwks)
    registry.change(host, host.identity.system, client.client_id, client.version, draft)


def _draft(client: Client) -> ClientDraft:
    return ClientDraft(
        name=client.name,
        scopes=client.scopes,
        panels=client.panels,
        jwks_url=client.jwks_url or "",
        jwks=client.jwks or "",
        origins=client.origins,
    )


def _panels(host: Host, numbers: Sequence[str]) -> list[int]:
    with host.database.engine.connect() as connection:
        panel_ids = {panel.number: panel.panel_id for panel in panel_service.live_panels(connection, host)}
    missing = [number for number in numbers if number not in panel_ids]
    if missing:
        raise Refused(f"There is no panel {', '.join(missing)}. Enter the panel number as issued.")
    return [panel_ids[number] for number in numbers]


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        raise Refused(f"{file.name} cannot be read as text.") from None


def _lines(client: Client, numbers: dict[int, str], host: Host) -> Iterator[str]:
    status = "  REVOKED" if client.revoked_at else "  ON HOLD" if client.held_at else ""
    yield f"{client.client_id}  {client.name}{status}"
    yield f"  scopes      {client.scopes}"
    yield f"  panels      {_panels_text([numbers.get(panel_id, 'deleted panel') for panel_id in client.panels])}"
    yield f"  keys        {client.jwks_url or ', '.join(keys.usable(client.jwks or ''))}"
    if client.origins:
        yield f"  origins     {', '.join(client.origins.split())}"
    yield f"  last token  {_moment(client.last_used_at, host)}"


def _key_lines(client: Client, host: Host) -> Iterator[str]:
    if client.jwks_url:
        yield f"{client.client_id} publishes its keys at {client.jwks_url}. Current keys:"
    published = fetch(client.jwks_url, load(host.settings)) if client.jwks_url else None
    for key in (keys.usable(client.jwks or "") if published is None else published).values():
        yield f"{key.kid}  {key.algorithm} ({key.label})"


def _panels_text(numbers: Sequence[str]) -> str:
    return ", ".join(numbers) if numbers else "all of the clinic's panels"


def _moment(value: datetime | None, host: Host) -> str:
    return moment_text(value, host.clock.zone) if value else "never"
