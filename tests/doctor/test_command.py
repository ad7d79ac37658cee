"""The command on a terminal and in a pipe, with settings that are wrong, and beside an OSCAR."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from cpar_plugin import plugin
from cpar_plugin.hooks import HealthCheck, Manifest, Plugins, hookimpl
from oscar_host.doctor.command import command
from oscar_host.sidecar.rights import note_in

from ..sidecar.stand_in import Answer, StandIn, running
from .conftest import Doctor, examine

CPAR = Path(sys.executable).with_name("cpar")


def plain(environment: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("CPAR_")} | dict(environment)


def test_each_check_is_a_line_and_what_is_not_well_has_a_second_one(
    host: Any, environment: dict[str, str], folders: dict[str, str]
) -> None:
    unmoved = {"CPAR_TIME_ZONE": "America/Regina"}  # there, old and new time zone rules say the same
    result = CliRunner().invoke(command, [], env=environment | folders | unmoved)
    assert result.exit_code == 0
    lines = result.output.splitlines()
    at = lines.index("warning  cpar-clinic: The integration is turned off: nothing will be shown or submitted.")
    assert lines[at + 1] == "         How to fix: Run: cpar enable"
    assert "ok       cpar-submissions: No submission failed, was rejected or was missed." in lines
    assert lines[-1].endswith(" 0 failures.")


def test_a_failure_ends_with_one_and_names_what_was_not_checked(folders: dict[str, str]) -> None:
    result = CliRunner().invoke(command, [], env={"CPAR_DATABASE_URL": "sqlite:////no/such/folder/cpar.db", **folders})
    assert result.exit_code == 1
    *_, skipped, summary = result.output.splitlines()
    assert skipped.startswith("Not checked because of the failures above: connection, ")
    assert summary.endswith(" 1 failure.")


def test_colours_are_for_terminals_only(environment: dict[str, str], folders: dict[str, str], host: Any) -> None:
    variables = plain(environment | folders | {"TERM": "xterm-256color"})
    piped = subprocess.run([CPAR, "doctor"], env=variables, capture_output=True, text=True, check=False)
    assert "\x1b[" not in piped.stdout
    ours, theirs = pty.openpty()
    with subprocess.Popen([CPAR, "doctor"], env=variables, stdout=theirs, stderr=subprocess.DEVNULL) as process:
        os.close(theirs)
        shown = b"".join(_until_closed(ours))
        process.wait()
    os.close(ours)
    assert b"\x1b[32mok" in shown


def _until_closed(descriptor: int) -> Iterator[bytes]:
    try:
        while data := os.read(descriptor, 4096):
            yield data
    except OSError:  # Linux tells the end of a terminal so
        return


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({}, "Set CPAR_DATABASE_URL"),
        ({"CPAR_DATABASE_URL": "nonsense:not-to-be-shown"}, "Not a database URL"),
        ({"CPAR_DATABASE_URL": "sqlite:///x.db", "CPAR_AUDIT": "no"}, "Set audit to log"),
        ({"CPAR_SETTINGS": "/no/such/file.ini"}, "cannot be read"),
    ],
)
def test_settings_that_do_not_even_open_the_host_are_the_only_thing_said(settings: dict[str, str], said: str) -> None:
    report = examine(settings)
    assert list(report.checks) == ["settings"]
    assert said in report["settings"].message
    assert "database" in report.not_checked
    assert "not-to-be-shown" not in report.text


def test_wrong_settings_of_the_plugin_are_named_and_the_emr_is_looked_at_all_the_same(doctor: Doctor) -> None:
    report = doctor(smtp_port="not-a-port", automatic_day="25")
    assert "smtp_port" in report["cpar-settings"].message
    assert "not-a-port" not in report.text
    assert report["oscar-tables"].level == "ok"
    assert report["merges"].level == "ok"


def test_days_that_contradict_each_other_are_named(doctor: Doctor) -> None:
    assert "automatic date" in doctor(automatic_day="25")["cpar-settings"].message


def test_a_way_out_that_cannot_work_is_named(doctor: Doctor) -> None:
    report = doctor(transport="fhir", registry_url="http://registry.example/fhir")
    assert "https" in report["cpar-settings"].message
    assert report["cpar-registry"].level == "failure"


@pytest.mark.parametrize(("mode", "level"), [(0o600, "ok"), (0o640, "ok"), (0o644, "warning")])
def test_a_file_of_settings_that_everyone_can_read_is_a_warning(
    mode: int, level: str, tmp_path: Path, doctor: Doctor
) -> None:
    file = tmp_path / "cpar.ini"
    file.write_text("[cpar]\n")
    file.chmod(mode)
    assert doctor(settings=str(file))["settings"].level == level


def test_a_check_that_raises_is_a_failure_and_the_others_go_on(doctor: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ill:
        @hookimpl
        def emr_manifest(self) -> Manifest:
            return Manifest(name="ill", version="1", contract="~=1.0")

        @hookimpl
        def emr_health_checks(self) -> Sequence[HealthCheck]:
            return [HealthCheck(name="ill", run=lambda: 1 / 0, needs_database=False)]  # type: ignore[arg-type, return-value]

    def load(plugins: Plugins) -> None:
        plugins.add(Ill(), "ill")
        plugins.add(plugin, "cpar")

    monkeypatch.setattr(Plugins, "load_installed", load)
    report = doctor()
    assert (report["ill"].level, "ZeroDivisionError" in report["ill"].message) == ("failure", True)
    assert report["cpar-exports"].level == "ok"
    assert report["plugins"].message == f"ill 1, CPAR {plugin.emr_manifest().version}."


@pytest.fixture
def oscar_rest() -> Iterator[StandIn]:
    with running() as stand_in:
        yield stand_in


def test_an_oscar_that_answers_is_fine_and_one_that_does_not_a_failure(doctor: Doctor, oscar_rest: StandIn) -> None:
    beside = {"oscar_url": oscar_rest.url, "secret_key": "0123456789abcdef" * 4}
    assert doctor()["oscar"].level == "ok"
    assert doctor(**beside)["oscar"].message == "OSCAR responds, and recognizes no one without a session."
    oscar_rest.signed_out = Answer(503, "Busy")
    report = doctor(**beside)["oscar"]
    assert (report.level, "oscar_url" in report.remedy) == ("failure", True)
    assert doctor(oscar_url=oscar_rest.url)["oscar"].level == "failure"  # without a key the pages do not start


def test_an_oscar_that_names_someone_for_a_session_of_no_one_is_a_failure(doctor: Doctor, oscar_rest: StandIn) -> None:
    oscar_rest.signed_out = Answer(200, {"providerNo": "101"})
    report = doctor(oscar_url=oscar_rest.url, secret_key="0123456789abcdef" * 4)["oscar"]
    assert (report.level, "Stop the application" in report.remedy) == ("failure", True)


def test_an_oscar_that_cannot_show_all_rights_is_a_warning_where_they_are_requested(
    doctor: Doctor, oscar_rest: StandIn, tmp_path: Path
) -> None:
    folder = tmp_path / "sessions"
    beside = {"oscar_url": oscar_rest.url, "secret_key": "0123456789abcdef" * 4, "session_folder": str(folder)}
    assert doctor(**beside, privileges="rest")["oscar"].level == "ok"
    folder.mkdir()
    note_in(folder).touch()
    report = doctor(**beside, privileges="rest")["oscar"]
    assert (report.level, "Set privileges = tables" in report.remedy) == ("warning", True)
    assert doctor(**beside)["oscar"].level == "ok"
