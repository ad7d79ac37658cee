"""A fleet is a folder of settings files: each is checked by itself, and changes need no restart."""

import logging
import os
from pathlib import Path

import pytest

from cpar_plugin.hooks import Refused
from cpar_plugin.settings import Settings
from oscar_host.fleet.checking import FOLDERS
from oscar_host.sidecar.settings import SidecarSettings

from .conftest import Folder

pytestmark = pytest.mark.databases("one")


def test_each_file_is_a_clinic_named_as_its_file(folder: Folder) -> None:
    folder.add("north")
    folder.add("south-2")
    (folder.clinics / "notes.txt").write_text("no clinic")
    reading = folder.read().read()
    assert [*reading.clinics] == ["north", "south-2"]
    assert not reading.wrong
    assert reading.clinics["north"].address == "/north/cpar"


def test_a_wrong_file_is_named_with_what_to_do_and_all_others_go_on(folder: Folder) -> None:
    folder.add("north")
    folder.add("south", automatic_day="40")
    folder.add("east", database_url="postgresql://clinic/cpar")
    folder.add("west", time_zone="Mars/Olympus", panels_at_once="no number")
    (folder.clinics / "half.ini").write_text("[cp")
    (folder.clinics / "a clinic.ini").write_text("[cpar]")
    reading = folder.read().read()
    assert [*reading.clinics] == ["north"]
    reasons = {name: wrong.reason for name, wrong in reading.wrong.items()}
    assert reasons.keys() == {"south", "east", "west", "half", "a clinic"}
    assert "south.ini" in reasons["south"]
    assert "automatic" in reasons["south"].lower()
    assert "postgresql database is not supported" in reasons["east"]
    assert "Not a time zone" in reasons["west"]
    assert "panels_at_once" in reasons["west"]
    assert "section [cpar]" in reasons["half"]
    assert "letters, digits and hyphens" in reasons["a clinic"]


def test_a_file_whose_name_cannot_be_printed_is_named_all_the_same(folder: Folder) -> None:
    folder.add("north")
    for name in (b"na\xefve.ini", b"two\nlines.ini"):
        (folder.clinics / os.fsdecode(name)).write_text(folder.text())
    fleet = folder.read().read()
    assert [*fleet.clinics] == ["north"]
    assert sorted(fleet.wrong) == ["na\\udcefve", "two\\nlines"]
    for name, wrong in fleet.wrong.items():
        assert wrong.reason.startswith(f"Rename {folder.clinics}/{name}.ini: letters, digits and hyphens")
        wrong.reason.encode()


def test_what_would_be_read_for_ever_is_named_and_stops_no_other_clinic(folder: Folder, tmp_path: Path) -> None:
    folder.add("north")
    os.mkfifo(folder.clinics / "south.ini")
    (folder.clinics / "east.ini").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "secret")
    folder.add("west", secret_key=f"file:{tmp_path}/secret")
    reading = folder.read().read()
    assert [*reading.clinics] == ["north"]
    for name in ("south", "east"):
        assert reading.wrong[name].reason == (
            f"Correct {folder.clinics}/{name}.ini: It cannot be read (not a plain file)."
        )
    assert f"secret_key: the file {tmp_path}/secret cannot be read (not a plain file)." in reading.wrong["west"].reason


def test_a_process_writes_its_log_as_the_fleet_says_whatever_a_clinic_says(folder: Folder) -> None:
    folder.add("north", log_format="json")
    root = logging.getLogger()
    before = [*root.handlers]
    try:
        assert folder.read().read().clinics["north"].settings["log_format"] == "text"
        assert root.handlers == before
    finally:
        root.handlers = before


def test_files_that_come_change_and_go_are_noticed_without_a_restart(folder: Folder) -> None:
    clinics = folder.read()
    assert not clinics.read().clinics
    file = folder.add("north", registry_scope="one")
    assert clinics.read().clinics["north"].settings["registry_scope"] == "one"
    file.write_text(file.read_text().replace("= one", "= two"))
    assert clinics.read().clinics["north"].settings["registry_scope"] == "two"
    file.write_text("nothing")
    assert "north" in clinics.read().wrong
    file.unlink()
    reading = clinics.read()
    assert not reading.clinics
    assert not reading.wrong


def test_secrets_come_from_files_and_from_the_environment(
    folder: Folder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "key"
    secret.write_text("k" * 40 + "\n")
    monkeypatch.setenv("NORTH_PASSWORD", "sesame")
    folder.add("north", secret_key=f"file:{secret}", smtp_password="env:NORTH_PASSWORD")
    clinics = folder.read()
    settings = clinics.read().clinics["north"].settings
    assert (settings["secret_key"], settings["smtp_password"]) == ("k" * 40, "sesame")
    secret.write_text("another" * 10)
    assert clinics.read().clinics["north"].settings["secret_key"] == "another" * 10
    secret.unlink()
    reason = clinics.read().wrong["north"].reason
    assert f"secret_key: the file {secret} cannot be read" in reason


def test_what_the_fleet_says_of_every_clinic_counts_unless_its_own_file_says_otherwise(folder: Folder) -> None:
    folder.write(every_clinic=("registry_scope = all",))
    folder.add("north")
    folder.add("south", registry_scope="its own")
    clinics = folder.read().read().clinics
    assert [clinic.settings["registry_scope"] for clinic in clinics.values()] == ["all", "its own"]


def test_relative_paths_are_below_a_folder_of_the_clinics_own(folder: Folder, tmp_path: Path) -> None:
    folder.add("north", outbox_folder="out", fhir_export_folder="/srv/exports")
    folder.add("south", database_url="sqlite:///cpar.db")
    clinics = folder.read().read().clinics
    north, south = clinics["north"].settings, clinics["south"].settings
    assert north["outbox_folder"] == str(tmp_path / "data/north/out")
    assert north["session_folder"] == str(tmp_path / "data/north/sessions")
    assert north["fhir_export_folder"] == "/srv/exports"
    assert south["database_url"] == f"sqlite:///{tmp_path}/data/south/cpar.db"


def test_every_setting_that_is_a_folder_is_the_clinics_own() -> None:
    names = [*Settings.model_fields, *SidecarSettings.model_fields]
    assert {name for name in names if name.endswith("_folder")} == set(FOLDERS)


def test_of_two_files_with_one_database_both_are_named_and_the_second_refused(folder: Folder) -> None:
    url = folder.add("north").read_text().partition("database_url = ")[2]
    folder.add("south", database_url=url)
    reading = folder.read().read()
    assert [*reading.clinics] == ["north"]
    assert "south and north have the same database" in reading.wrong["south"].reason


@pytest.mark.parametrize("setting", ["outbox_folder", "fhir_export_folder"])
def test_of_two_files_with_one_folder_both_are_named_and_the_second_refused(
    folder: Folder, tmp_path: Path, setting: str
) -> None:
    folder.add("north", **{setting: f"{tmp_path}/same"})
    (tmp_path / "link").symlink_to(tmp_path / "same")
    folder.add("south", **{setting: f"{tmp_path}/link"})
    reading = folder.read().read()
    assert [*reading.clinics] == ["north"]
    assert f"south and north have the same {setting} {tmp_path}/link" in reading.wrong["south"].reason


def test_a_folder_of_another_kind_of_another_clinic_is_refused_too(folder: Folder, tmp_path: Path) -> None:
    folder.add("north", outbox_folder="letters")
    folder.add("south", fhir_export_folder=f"{tmp_path}/data/north/letters")
    assert "south and north have the same fhir_export_folder" in folder.read().read().wrong["south"].reason


def test_two_clinics_with_one_folder_of_sessions_have_no_pages_but_submit(folder: Folder) -> None:
    folder.add("north", session_folder="/run/cpar/sessions")
    folder.add("south", session_folder="/run/cpar/sessions")
    folder.add("west")
    clinics = folder.read().read().clinics
    assert [name for name, clinic in clinics.items() if clinic.pages_fault] == ["south"]
    assert "south and north have the same session_folder /run/cpar/sessions" in clinics["south"].pages_fault


@pytest.mark.parametrize(
    ("north", "south", "same"),
    [
        ("mysql://a@DB.example:3306/cpar1", "mysql://a@db.example/cpar2", True),
        ("mysql://a@db.example/cpar1", "mysql://a@db2.example/cpar2", False),
    ],
)
def test_the_database_of_an_emr_belongs_to_one_clinic(folder: Folder, north: str, south: str, same: bool) -> None:
    folder.add("north", database_url=north, host_schema="oscar")
    folder.add("south", database_url=south, host_schema="oscar")
    wrong = folder.read().read().wrong
    assert ("south" in wrong) is same
    assert not same or "south and north have the same database of the EMR" in wrong["south"].reason


@pytest.mark.parametrize(
    ("one", "another", "same"),
    [
        ("mysql://a@db.example/cpar", "mysql+pymysql://b:secret@DB.example:3306/cpar?ssl_ca=/x", True),
        ("mysql://a@127.0.0.1/cpar", "mysql://a@localhost/cpar", True),
        ("mysql://a@db.example/cpar", "mysql://a@db.example/cpar2", False),
        ("mysql://a@db.example/cpar", "mysql://a@db.example:3307/cpar", False),
    ],
)
def test_a_database_is_the_same_however_its_url_is_written(folder: Folder, one: str, another: str, same: bool) -> None:
    folder.add("north", database_url=one)
    folder.add("south", database_url=another)
    assert ("south" in folder.read().read().wrong) is same


def test_two_clinics_with_one_key_or_one_address_have_no_pages_but_submit(folder: Folder) -> None:
    folder.add("east", secret_key="k" * 40)
    folder.add("north", secret_key="k" * 40)
    folder.add("south", context_path="/east/cpar")
    clinics = folder.read().read().clinics
    assert not clinics["east"].pages_fault
    assert "north and east have the same secret_key" in clinics["north"].pages_fault
    assert "south and east have the same address" in clinics["south"].pages_fault


def test_a_fault_of_its_pages_alone_lets_a_clinic_submit(folder: Folder) -> None:
    folder.add("north", secret_key="short")
    assert "secret_key" in folder.read().read().clinics["north"].pages_fault
    folder.write("pages = no")
    assert not folder.read().read().clinics["north"].pages_fault


def test_a_folder_that_is_not_there_is_named_at_start(folder: Folder) -> None:
    folder.write("clinics = elsewhere")
    with pytest.raises(Refused, match=r"elsewhere cannot be read \(No such file"):
        folder.read()


def test_a_clinic_or_all_are_marked_as_draining_by_a_file(folder: Folder) -> None:
    folder.add("north")
    folder.add("south")
    clinics = folder.read()
    (folder.clinics / "north.draining").touch()
    assert clinics.read().draining == {"north"}
    (folder.clinics / ".draining").touch()
    assert clinics.read().draining == {"north", "south"}
