"""`cpar install-fleet`: what it writes, tried by the programs that it is for."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from click.testing import CliRunner

from cpar_plugin.commands import cpar
from oscar_host.commands import register
from oscar_host.fleet.settings import load
from oscar_host.install.fleet_command import command

PROGRAMS = Path(sys.executable).parent
UNITS = [
    "cpar-fleet-web.service",
    "cpar-fleet-web.socket",
    "cpar-fleet-worker@.service",
    "cpar-fleet-beat.service",
    "cpar-fleet-night.service",
]


@pytest.fixture
def written(tmp_path: Path) -> Path:
    result = CliRunner().invoke(command, ["--write", str(tmp_path / "files"), "--programs", str(PROGRAMS)])
    assert result.exit_code == 0, result.output
    return tmp_path / "files"


def systemd_analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if not program:
        pytest.fail("systemd is not installed. Install it with: apt-get install systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_systemd_takes_the_units(written: Path) -> None:
    (written / "cpar-fleet-worker@.service").rename(written / "cpar-fleet-worker@1.service")
    units = [name.replace("@.", "@1.") for name in UNITS]
    result = systemd_analyze("verify", *(str(written / name) for name in units))
    complaints = [line for line in result.stderr.splitlines() if "cpar-fleet" in line]
    assert (result.returncode, complaints) == (0, []), result.stderr


@pytest.mark.parametrize("unit", [name for name in UNITS if name.endswith(".service")])
def test_a_service_is_kept_from_what_it_does_not_need(written: Path, unit: str) -> None:
    file = written / unit
    if "@" in unit:
        file = file.rename(written / unit.replace("@.", "@1."))
    judged = systemd_analyze("security", "--offline=true", "--threshold=25", str(file))  # of 100
    assert judged.returncode == 0, judged.stdout + judged.stderr


def resolved(words: list[str]) -> click.Command:
    """The command that these words call. Raises what click raises where there is none."""
    group = click.Group(commands=dict(cpar.commands))
    register(group)
    context = click.Context(group)
    fleet = group.commands["fleet"].make_context("fleet", words[2:], parent=context, resilient_parsing=True)
    assert isinstance(fleet.command, click.Group)
    found = fleet.command.get_command(fleet, words[2])
    assert found is not None, words
    return found


def test_the_compose_file_runs_commands_that_exist_and_names_what_it_uses(written: Path) -> None:
    content: dict[str, Any] = yaml.safe_load((written / "compose.yaml").read_text())
    services = content["services"]
    assert set(services) == {"broker", "web", "worker", "beat", "night"}
    for name, service in services.items():
        assert ("image" in service) != ("build" in service), name
        assert set(service.get("depends_on", ())) <= set(services)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source.startswith(("/", "./")) or source in content["volumes"], volume
        if service.get("command", [""])[0] == "cpar":
            resolved(service["command"])
    assert services["worker"]["stop_grace_period"] == "10m"
    assert "ports" not in services["broker"]
    assert all(port.startswith("127.0.0.1:") for port in services["web"]["ports"])


def test_the_units_run_commands_that_exist(written: Path) -> None:
    lines = [
        line
        for name in UNITS
        for line in (written / name).read_text().splitlines()
        if line.startswith("ExecStart=") and "/cpar " in line
    ]
    assert len(lines) == 3
    for line in lines:
        resolved(line.split())


def test_the_fleets_file_is_read_once_the_broker_is_named(written: Path, tmp_path: Path) -> None:
    text = (written / "fleet.ini").read_text()
    (tmp_path / "broker-url").write_text("amqp://cpar:x@broker.example:5672/cpar\n")
    (tmp_path / "fleet.ini").write_text(text.replace("/etc/cpar", str(tmp_path)).replace("= json", "= text"))
    fleet = load(tmp_path / "fleet.ini")
    assert fleet.fleet.broker_url == "amqp://cpar:x@broker.example:5672/cpar"
    assert fleet.every_clinic["transport"] == "fhir"


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("--fleet-file", "fleet.ini"),
        ("--programs", "/opt/cpar bin"),
        ("--system-user", "cpar; x"),
        ("--socket", "a\nb"),
    ],
)
def test_a_value_that_would_break_a_file_is_refused_by_its_name(option: str, value: str) -> None:
    result = CliRunner().invoke(command, [option, value])
    assert result.exit_code == 2
    assert option in result.output
