"""`cpar privacy-pack`: the annex about this system that a privacy impact assessment asks for."""

from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Literal

import click
from jinja2 import Environment, PackageLoader, StrictUndefined

from cpar_plugin import settings as plugin_settings
from cpar_plugin.domain.dates import date_text
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.privacy import flows, own_tables, protection, records
from cpar_plugin.services.privacy.document import PackSection, PrivacyPack, markdown
from cpar_plugin.services.privacy.flows import Flow
from cpar_plugin.transport.connection import host_of

from ..audit import NoAuditTrail
from ..host import OscarHost, from_environment
from ..own_sessions import LONGEST, idle
from . import database, emr_tables, roles


@click.command("privacy-pack")
@click.option(
    "--format",
    "kind",
    type=click.Choice(["html", "markdown"]),
    default="html",
    show_default=True,
    help="How to write it.",
)
@click.option("--write", "file", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def command(kind: Literal["html", "markdown"], file: Path | None) -> None:
    """Describe this system for a privacy impact assessment: flows, tables, rights, roles, retention, encryption, logs.

    It names no patient and holds no password. Nothing is changed, and nothing is sent.
    """
    with from_environment() as host:
        text = _html(pack(host)) if kind == "html" else markdown(pack(host))
    if not file:
        click.echo(text, nl=False)
        return
    try:
        file.write_text(text, encoding="utf-8")
    except OSError as error:
        raise click.ClickException(f"{file} cannot be written ({error.strerror}).") from None
    click.echo(f"Written to {file}.")


def pack(host: OscarHost) -> PrivacyPack:
    """The whole document about this host. Raises Refused where settings or database cannot be read."""
    settings = plugin_settings.load(host.settings)
    with host.database.engine.connect() as connection:
        site = clinic.load(connection)
        facts = (
            ("Clinic", site.name or "not entered yet"),
            ("Site ID", site.site_id or "not entered yet"),
            ("Version of the plugin", version("oscar-cpar-plugin")),
            ("Date of this document", date_text(host.clock.now().astimezone(host.clock.zone))),
            ("Integration", "on" if site.enabled else "off"),
        )
        sections: list[PackSection] = [
            flows.section(connection, host, settings, _flows(host)),
            emr_tables.section(host),
            own_tables.section(host.database.engine, emr_tables.OF_HOST),
            database.rights(connection, host),
            roles.section(connection, host),
            records.clients(connection, host),
            records.kept(connection, host, settings, [_sessions(host)]),
            *protection.sections(settings, list(database.encryption(connection, host))),
        ]
    return PrivacyPack("Privacy pack: CPAR panel management", facts, sections)


def _flows(host: OscarHost) -> Iterator[Flow]:
    schema = host.tables.metadata.schema or host.database.engine.url.database or ""
    yield (
        "EMR's database",
        "Plugin",
        "Patients, visits, providers, roles and rights: the columns listed below",
        "A database account of its own; see Database rights",
        f"Database {schema}.",
    )
    in_log = not isinstance(host.audit, NoAuditTrail)
    yield (
        "Plugin",
        "EMR's log",
        "Changes, looks and reads, with record numbers",
        "The account can add rows there and change none",
        "audit = log." if in_log else "Not written (audit = ledger).",
    )
    url = host.settings.get("oscar_url", "")
    session = bool(url) and host.settings.get("sign_in", "session") == "session"
    yield (
        "Plugin",
        "OSCAR",
        "A user's session cookie, to ask who is signed in and, where set so, what they may do; record numbers only",
        "TLS, or on the same machine",
        f"{host_of(url)}; privileges = {host.settings.get('privileges', 'tables')}." if session else flows.NOT_SET,
    )


def _sessions(host: OscarHost) -> tuple[str, str, str]:
    longest = int(LONGEST.total_seconds()) // 3600
    minutes = int(idle(host.settings).total_seconds()) // 60
    here = f"{longest} hours at most, {minutes} minutes without use; removed when the next user signs in"
    return "Sessions of users who sign in with a password", "idle_minutes", here


def _html(document: PrivacyPack) -> str:
    environment = Environment(
        loader=PackageLoader("oscar_host.privacy"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("pack.html").render(pack=document)
