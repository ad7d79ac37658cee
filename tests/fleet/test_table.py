"""A fleet may be a table of settings instead of a folder: what an operator and the clinics see is the same."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import create_engine, text

from cpar_plugin.hooks import Refused
from oscar_host.fleet.application import FleetApplication
from oscar_host.fleet.command import command
from oscar_host.fleet.table_store import TableStore

from .conftest import Folder, MakeDatabase, fill
from .test_application import serving

NIGHT = "2026-11-07T03:20"


def run(*arguments: str, input: str | None = None) -> Result:
    return CliRunner().invoke(command, arguments, input=input, catch_exceptions=True)


class ClinicTable:
    """What an operator does with the table in SQL."""

    def __init__(self, url: str) -> None:
        TableStore(url).make_table()
        self.url = url

    def do(self, sql: str, **values: str | bytes) -> None:
        engine = create_engine(self.url)
        with engine.begin() as connection:
            connection.execute(text(sql), values)
        engine.dispose()

    def add(self, name: str, settings: str, state: str = "active") -> None:
        self.do(
            "INSERT INTO cpar_fleet_clinic (name, settings, state) VALUES (:name, :settings, :state)",
            name=name,
            settings=settings,
            state=state,
        )

    def states(self) -> dict[str, str]:
        engine = create_engine(self.url)
        with engine.connect() as connection:
            rows = connection.execute(text("SELECT name, state FROM cpar_fleet_clinic")).all()
        engine.dispose()
        return {row.name: row.state for row in rows}


@pytest.fixture
def table(folder: Folder, new_database: MakeDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ClinicTable:
    """A fleet whose clinics are in a table; the URL of its database is in a file of its own."""
    url = new_database()
    (tmp_path / "fleet-url").write_text(f"{url}\n")
    folder.write(f"clinics_url = file:{tmp_path}/fleet-url")
    monkeypatch.setenv("CPAR_FLEET", str(folder.file))
    return ClinicTable(url)


def test_each_row_is_a_clinic_and_a_wrong_one_is_named_while_all_others_go_on(
    folder: Folder, table: ClinicTable, new_database: MakeDatabase
) -> None:
    url = new_database()
    fill(url)
    table.add("north", folder.text(database_url=url, now=NIGHT))
    table.add("south", folder.text(automatic_day="40"))
    table.add("east", "no settings")
    table.add("west", folder.text(), state="on holiday")
    table.add("a clinic", folder.text())
    result = run("run-due")
    assert result.exit_code == 1
    assert "north: Written to folder: 1." in result.output
    assert "south: Problem: Correct the row south of cpar_fleet_clinic: " in result.output
    assert "Correct the row east of cpar_fleet_clinic: It must be an INI file with a section [cpar]." in result.output
    assert "Correct the row west of cpar_fleet_clinic: state: write active, draining or removed." in result.output
    assert "Rename the row a clinic of cpar_fleet_clinic: letters, digits and hyphens" in result.output
    assert "Clinics: 5. With problems: 4." in result.output


def test_a_row_with_bytes_is_read_as_text_and_one_that_is_none_is_named(
    folder: Folder, table: ClinicTable, new_database: MakeDatabase
) -> None:
    def add(name: bytes, settings: bytes) -> None:
        table.do(
            "INSERT INTO cpar_fleet_clinic (name, settings) VALUES (:name, :settings)", name=name, settings=settings
        )

    add(b"north", folder.text().encode())
    if table.url.startswith("sqlite"):  # MariaDB takes none of these
        add(b"south", b"# caf\xe9\n" + folder.text().encode())
        add(b"na\xefve", folder.text().encode())
    add(b"two\nlines", folder.text().encode())
    fleet = folder.read().read()
    assert [*fleet.clinics] == ["north"]
    reasons = {name: wrong.reason for name, wrong in fleet.wrong.items()}
    if table.url.startswith("sqlite"):
        assert reasons.pop("south") == "Correct the row south of cpar_fleet_clinic: It is not text in UTF-8."
        assert reasons.pop("na\\udcefve").startswith("Rename the row na\\udcefve of cpar_fleet_clinic: letters")
    assert reasons.keys() == {"two\\nlines"}


def test_of_two_rows_with_one_database_the_second_in_the_order_of_names_is_refused(
    folder: Folder, table: ClinicTable, new_database: MakeDatabase
) -> None:
    url = new_database()
    for name in ("south", "north"):
        table.add(name, folder.text(database_url=url))
    fleet = folder.read().read()
    assert [*fleet.clinics] == ["north"]
    assert fleet.wrong["south"].reason.startswith("south and north have the same database.")


def test_rows_that_come_change_and_go_are_noticed_without_a_restart(folder: Folder, table: ClinicTable) -> None:
    clinics = folder.read()
    assert not clinics.read().clinics
    table.add("north", folder.text(registry_scope="one"))
    assert clinics.read().clinics["north"].settings["registry_scope"] == "one"
    table.do("UPDATE cpar_fleet_clinic SET settings = REPLACE(settings, 'scope = one', 'scope = two')")
    assert clinics.read().clinics["north"].settings["registry_scope"] == "two"
    table.do("UPDATE cpar_fleet_clinic SET state = 'draining'")
    assert clinics.read().draining == {"north"}
    table.do("UPDATE cpar_fleet_clinic SET state = 'on holiday'")
    assert "north" in clinics.read().wrong
    table.do("DELETE FROM cpar_fleet_clinic")
    assert not clinics.read().clinics
    assert not clinics.read().wrong


def test_a_row_names_its_secrets_and_does_not_hold_them(folder: Folder, table: ClinicTable, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    secret.write_text("k" * 40 + "\n")
    table.add("north", folder.text(secret_key=f"file:{secret}"))
    clinics = folder.read()
    assert clinics.read().clinics["north"].settings["secret_key"] == "k" * 40
    secret.write_text("another" * 10)
    assert clinics.read().clinics["north"].settings["secret_key"] == "another" * 10


@pytest.fixture
def site(folder: Folder, table: ClinicTable) -> Iterator[str]:
    with serving(FleetApplication(folder.read())) as address:
        yield address


def test_pages_of_a_clinic_are_served_as_soon_as_its_row_is_there(
    folder: Folder, table: ClinicTable, site: str
) -> None:
    def status() -> int:
        return requests.get(f"{site}/north/cpar/sign-in", timeout=60).status_code

    assert status() == 404
    assert run("add", "north", "--settings", "-", input=folder.text()).exit_code == 0
    assert status() == 200
    assert run("remove", "north").exit_code == 0
    assert status() == 404


def test_commands_change_the_table(folder: Folder, table: ClinicTable, new_database: MakeDatabase) -> None:
    url = new_database()
    fill(url)
    settings = folder.text(database_url=url, now=NIGHT, transport="fhir", registry_url="https://127.0.0.1:1/fhir")
    result = run("add", "north", "--settings", "-", input=settings)
    assert (result.exit_code, result.output) == (0, "north has been added. Its pages: /north/cpar\n")
    again = run("add", "north", "--settings", "-", input=settings)
    assert "The fleet has a clinic north already: the row north of cpar_fleet_clinic" in str(again.exception)
    assert run("run-due").exit_code == 0
    refused = run("remove", "north")
    assert "Submissions of north that are queued or in progress: 1. Run first" in str(refused.exception)
    assert run("drain", "north").exit_code == 0
    assert table.states() == {"north": "draining"}
    assert "north: Warning: It is draining" in run("status").output
    assert run("drain", "--all").exit_code == 0
    assert table.states() == {"north": "draining", "*": "draining"}
    assert "Clinics: 1. With problems: 0." in run("status").output
    assert run("drain", "north", "--end").exit_code == 3
    assert "north: Warning: It is draining" in run("status").output
    assert run("drain", "--all", "--end").exit_code == 0
    assert "draining" not in run("status").output
    assert run("drain", "north").exit_code == 0
    result = run("remove", "north")
    assert result.output.endswith("are kept in the row north of cpar_fleet_clinic, whose state is removed\n")
    assert "Clinics: 0." in run("status").output
    assert run("add", "north", "--settings", "-", input=settings).exit_code == 0
    assert table.states() == {"north": "active"}


@pytest.mark.parametrize("kept_in", ["folder", "table"])
def test_of_two_who_add_a_clinic_at_a_time_the_second_is_refused(
    folder: Folder, request: pytest.FixtureRequest, kept_in: str
) -> None:
    if kept_in == "table":
        request.getfixturevalue("table")
    one, other = folder.read(), folder.read()
    one.store.add("north", folder.text())
    with pytest.raises(Refused, match=r"Someone else has just added north\."):
        other.store.add("north", folder.text())
    assert [*folder.read().read().clinics] == ["north"]


@pytest.mark.parametrize("kept_in", ["folder", "table"])
def test_a_clinic_is_changed_only_to_settings_that_can_be_used(
    folder: Folder, request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, kept_in: str
) -> None:
    monkeypatch.setenv("CPAR_FLEET", str(folder.file))
    if kept_in == "table":
        request.getfixturevalue("table")
    settings = folder.text(registry_scope="one")
    assert "no clinic north" in str(run("add", "north", "--replace", "--settings", "-", input=settings).exception)
    assert run("add", "north", "--settings", "-", input=settings).exit_code == 0
    wrong = run("add", "north", "--replace", "--settings", "-", input=f"{settings}\nautomatic_day = 40")
    assert wrong.exit_code == 1
    assert folder.read().read().clinics["north"].settings["registry_scope"] == "one"
    changed = settings.replace("scope = one", "scope = two")
    result = run("add", "north", "--replace", "--settings", "-", input=changed)
    assert (result.exit_code, result.output) == (0, "north has been changed. Its pages: /north/cpar\n")
    assert folder.read().read().clinics["north"].settings["registry_scope"] == "two"
    if kept_in == "folder":
        assert [(file.name, file.stat().st_mode & 0o777) for file in folder.clinics.iterdir()] == [("north.ini", 0o600)]


def test_a_fleet_whose_table_cannot_be_read_says_so_without_its_password(
    folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("clinics_url = mysql+pymysql://fleet:sesame@127.0.0.1:1/fleet")
    monkeypatch.setenv("CPAR_FLEET", str(folder.file))
    result = run("status")
    assert result.exit_code == 1
    assert "the table cpar_fleet_clinic cannot be used (OperationalError)" in str(result.exception)
    assert "sesame" not in str(result.exception) + result.output
    folder.write("clinics_url = postgresql://fleet:sesame@127.0.0.1/fleet")
    assert "clinics_url: A postgresql database is not supported" in str(run("status").exception)


def test_the_table_is_made_by_migrate(folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.write("clinics_url = sqlite:///fleet.db")
    monkeypatch.setenv("CPAR_FLEET", str(folder.file))
    assert "cpar fleet migrate makes the table" in str(run("status").exception)
    assert run("migrate").exit_code == 0
    status = run("status")
    assert status.exit_code == 3
    assert "Warning: There is no clinic in the table cpar_fleet_clinic." in status.output
    assert (tmp_path / "fleet.db").exists()


def test_while_the_table_is_away_its_clinics_go_on_as_they_were(folder: Folder, table: ClinicTable) -> None:
    table.add("north", folder.text())
    clinics = folder.read()
    table.do("DROP TABLE cpar_fleet_clinic")
    with pytest.raises(Refused):
        folder.read()
    assert [*clinics.read().clinics] == ["north"]
