"""`cpar privacy-pack` says what this system does with data, from the system itself, and names no patient."""

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from playwright.sync_api import Browser
from sqlalchemy import Table, insert

from cpar_plugin.domain.panel import PanelDraft, PanelProvider
from cpar_plugin.hooks import Actor
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.privacy.contents import TABLES
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost
from oscar_host.privacy.command import command
from oscar_host.privacy.emr_tables import EMR_TABLES, OF_HOST
from oscar_host.schema import host_tables

from ..browser import new_page, no_findings, resize
from ..conftest import no_more_rights
from ..pages.conftest import PUBLIC_KEYS

more_rights = no_more_rights
ROOT = Path(__file__).parents[2]
MANAGER = Actor(actor_id="101", display_name="No101 Doctor")
SECRET = "never-to-be-shown"
Pack = Callable[..., str]
# Names that the code has for columns of its own subqueries as well, and of these tables for no other purpose.
NOT_OF_THE_EMR = {"id", "description"}
NOT_READ = {("secObjPrivilege", "provider_no")}


@pytest.fixture
def pack(host: OscarHost, environment: Mapping[str, str], tmp_path: Path) -> Pack:
    """What the command prints for this host, with further CPAR_* variables in small letters."""
    folders = {"outbox_folder": f"{tmp_path / 'outbox'}", "fhir_export_folder": f"{tmp_path / 'exports'}"}
    now = host.clock.now().astimezone(host.clock.zone).replace(tzinfo=None).isoformat()

    def run(*arguments: str, **settings: str) -> str:
        given = {f"CPAR_{name.upper()}": value for name, value in {"now": now, **folders, **settings}.items()}
        result = CliRunner().invoke(command, arguments, env={**environment, **given}, catch_exceptions=False)
        assert result.exit_code == 0, result.output
        return result.output

    return run


@pytest.fixture
def patient(host: OscarHost, oscar: Any, clock: Any, tmp_path: Path) -> list[str]:
    """A clinic in which one patient is everywhere; how the patient may be recognized."""
    number, phn = 734_112_905, "918273645"
    oscar.provider("101")
    oscar.patient(demographic_no=number, last_name="Zwickeldorf", first_name="Quirinella", hin=phn, born="1913-07-29")
    oscar.visit(number)
    oscar.role("101", "doctor")
    oscar.privilege("doctor", "_demographic", "r|w")
    oscar.privilege("101", "_admin.cpar", "w")
    oscar.privilege("doctor", f"_demographic${number}", "o")
    clinic.enable(host, MANAGER)
    clinic.save(host, MANAGER, name="Example Clinic", site_id="S1", version=1)
    panel_id = editing.create(host, MANAGER, PanelDraft("P1", ("000113",), (PanelProvider("101", "123456789"),), ""))
    one_patient.choose(host, MANAGER, number, panel_id, seen_panel_id=None)
    registry.register(
        host,
        MANAGER,
        ClientDraft(name="Kiosk", scopes="system/Group.rs system/Patient.rs", jwks=PUBLIC_KEYS, panels=[panel_id]),
    )
    settings = Settings(outbox_folder=tmp_path / "outbox")
    requests.ask(host, settings, MANAGER, panel_id)
    now = host.clock.now()
    name = "Zwickeldorf Quirinella"
    rows: list[tuple[Table, dict[str, Any]]] = [
        (tables.upload, {"upload_id": "u", "actor_id": "101", "purpose": "import", "created_at": now, "name": name}),
        (tables.upload_piece, {"upload_id": "u", "position": 0, "data": f"{name},{phn}".encode()}),
        (
            tables.read,
            {"at": now, "actor_id": "client-1", "interaction": "read", "kind": "Patient", "patients": 1}
            | {"resource_id": f"{number}", "address": "192.0.2.1"},
        ),
        (
            tables.look,
            {"look_id": 1, "at": now, "actor_id": "101", "role": "doctor", "page": "cpar.panel"}
            | {"path": f"/cpar/patients/{number}", "address": "192.0.2.1"},
        ),
        (tables.look_patient, {"look_id": 1, "patient_id": number}),
        (tables.check_in, {"day": now.date(), "patient_id": number, "answer": "asked", "at": now, "actor_id": "101"}),
        (
            tables.exclusion_line,
            {"patient_id": number, "reason": "no-phn", "panel_id": panel_id, "opened_at": now}
            | {"state": "open", "note": name, "version": 1},
        ),
    ]
    with host.database.session() as session:
        for table, row in rows:
            session.execute(insert(table).values(row))
    run_due(host, settings, now)
    return [f"{number}", "Zwickeldorf", "Quirinella", phn, "1913", "192.0.2.1"]


@pytest.mark.parametrize("name", sorted(tables.metadata.tables))
def test_every_column_of_ours_says_what_it_holds(name: str) -> None:
    for column in tables.metadata.tables[name].c:
        assert TABLES[name].holds(column.name).text, column.name
    assert TABLES[name].text.endswith(".")
    assert set(TABLES[name].columns) <= set(tables.metadata.tables[name].c.keys()), "of a column that there is no more"


def test_no_table_is_described_that_there_is_no_more() -> None:
    assert set(TABLES) == set(tables.metadata.tables)
    for table, described in OF_HOST.items():
        assert set(described.columns) == set(table.c.keys())


def test_every_column_of_the_emr_that_the_code_names_says_what_it_holds() -> None:
    used = {
        name
        for path in (ROOT / "oscar_host").rglob("*.py")
        if not {"demo", "fleet"} & set(path.parts)  # what they ask for is no EMR's
        for name in re.findall(r"\.c\.(\w+)", path.read_text(encoding="utf-8"))
    }
    for table in vars(host_tables()).values():
        if table.name not in EMR_TABLES:
            continue
        described = set(EMR_TABLES[table.name].columns)
        unread = {name for of_table, name in NOT_READ if of_table == table.name}
        assert used & set(table.c.keys()) - NOT_OF_THE_EMR - unread <= described, table.name


def test_no_patient_is_in_it(pack: Pack, patient: list[str]) -> None:
    for text in (pack(), pack("--format", "markdown")):
        assert "Example Clinic" in text
        assert [mark for mark in patient if mark in text] == []


def test_the_same_system_gives_the_same_text(pack: Pack, patient: list[str]) -> None:
    assert pack() == pack()
    assert pack("--format", "markdown") == pack("--format", "markdown")


@pytest.mark.databases("one")
def test_it_says_how_this_system_is_set_and_shows_no_secret(pack: Pack, patient: list[str], tmp_path: Path) -> None:
    text = pack(
        "--format",
        "markdown",
        transport="fhir",
        registry_url=f"https://user:{SECRET}@registry.example/{SECRET}",
        registry_token_url="https://login.example/token",
        registry_client_id="us",
        registry_client_secret=SECRET,
        smtp_host="mail.example",
        smtp_from="cpar@clinic.example",
        smtp_password=SECRET,
        smtp_starttls="yes",
        fhir_base_url="https://emr.example/fhir",
        snapshot_keep_days="400",
        audit="ledger",
    )
    assert SECRET not in text
    assert "| registry.example, without a client certificate. |" in text
    assert "| login.example. |" in text
    assert "| mail.example:25, with STARTTLS. |" in text
    assert "Registered clients: 1. Reached at: emr.example." in text
    assert "| Not written (audit = ledger). |" in text
    assert "| Contents of submissions | snapshot_keep_days | 400 days" in text
    assert "| client-1 | Kiosk | system/Group.rs system/Patient.rs | 1 of them | never |" in text
    assert f"As files in {tmp_path / 'outbox'}" in pack("--format", "markdown")
    assert "TLS 1.2" in text


def test_roles_are_named_with_their_rights_and_how_many_have_them(pack: Pack, patient: list[str]) -> None:
    text = pack("--format", "markdown")
    assert "| doctor | read, write | - | - | 1 |" in text
    assert "| (single users, by themselves) | - | write | - | - |" in text  # not by whom
    assert "| Rules that close the record of one patient to someone | 1 |" in text


def test_the_rights_are_those_that_the_server_lists(pack: Pack, patient: list[str], database_kind: str) -> None:
    text = pack("--format", "markdown")
    if database_kind == "sqlite":
        assert "SQLite: a file, without accounts." in text
    else:
        rights = dict(re.findall(r"^\| \\`.+?\\`\.\\`(\w+)\\` \| (.+) \|$", text, re.MULTILINE))
        assert rights["log"] == "INSERT"
        assert rights["demographic"] == "SELECT"
        assert "ALL PRIVILEGES" in text


def test_each_section_says_where_its_statements_come_from(pack: Pack) -> None:
    text = pack("--format", "markdown")
    sections = text.split("\n## ")[1:]
    assert len(sections) == 10
    for section in sections:
        _, source, *_ = section.split("\n\n")
        assert source.startswith(
            ("*Read from the running system.", "*About the product", "*The column “In this system”")
        )


@pytest.mark.databases("one")
@pytest.mark.parametrize("transport", ["folder", "fhir"])
def test_every_server_and_folder_of_the_settings_is_in_the_flows(pack: Pack, transport: str) -> None:
    places = {
        name: f"{name.replace('_', '-')}.example"
        for name in Settings.model_fields
        if name.endswith(("_url", "_host", "_folder")) and name != "public_url"  # a link in mails
    }
    values = {name: f"https://{place}" if name.endswith("_url") else place for name, place in places.items()}
    needed = {"registry_client_id": "us", "registry_client_secret": SECRET, "smtp_from": "cpar@clinic.example"}
    flows, _, _ = pack("--format", "markdown", transport=transport, **values, **needed).partition(
        "## Tables of the EMR"
    )
    unused = {"registry_url", "registry_token_url"} if transport == "folder" else {"outbox_folder"}
    assert {name for name, place in places.items() if place not in flows} <= unused


@pytest.mark.databases("one")
def test_every_setting_of_how_long_is_in_it(pack: Pack) -> None:
    text = pack("--format", "markdown")
    names = [name for name in Settings.model_fields if "_keep_" in name]
    assert len(names) > 5
    assert [name for name in names if f"| {name} |" not in text] == []
    assert "12 hours at most, 30 minutes without use" in text


@pytest.mark.databases("one")
def test_it_is_written_to_a_file_and_a_folder_that_is_not_there_is_said(pack: Pack, tmp_path: Path) -> None:
    assert pack("--write", str(tmp_path / "pack.html")) == f"Written to {tmp_path / 'pack.html'}.\n"
    assert (tmp_path / "pack.html").read_text(encoding="utf-8") == pack()


@pytest.mark.databases("one")
def test_the_page_passes_axe_and_prints_every_column(
    pack: Pack, patient: list[str], tmp_path: Path, chromium: Browser
) -> None:
    pack("--write", str(tmp_path / "pack.html"))
    page = new_page(chromium, viewport={"width": 390, "height": 800})
    page.goto(f"file://{tmp_path / 'pack.html'}")
    no_findings(page, "privacy pack")
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.emulate_media(media="print")
    resize(page, 700, 900)  # of a sheet
    assert page.evaluate("[...document.querySelectorAll('.scroll')].every(one => one.scrollWidth <= one.clientWidth)")
    page.context.close()
