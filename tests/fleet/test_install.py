"""`cpar install-fleet`: what it writes, tried by the programs that it is for."""

import os
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
import requests
import yaml
from click.testing import CliRunner

from cpar_plugin.commands import cpar
from oscar_host.commands import register
from oscar_host.demo.ports import free_ports
from oscar_host.fleet.settings import load
from oscar_host.install.fleet_command import command

from ..authority import Authority
from ..sidecar_bed.bed import NGINX
from ..waiting import wait_until
from .conftest import Folder

PROGRAMS = Path(sys.executable).parent
PAGE = Path(__file__).parents[2] / "docs/how-to/run-a-fleet.md"
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
    assert set(services) == {"broker", "web", "worker", "beat", "night", "operator"}
    for name, service in services.items():
        assert ("image" in service) != ("build" in service), name
        assert set(service.get("depends_on", ())) <= set(services)
        for volume in service.get("volumes", ()):
            source = volume.partition(":")[0]
            assert source.startswith(("/", "./")) or source in content["volumes"], volume
        if service.get("command", [""])[0] == "cpar":
            resolved(service["command"])
    assert services["worker"]["stop_grace_period"] == "10m"
    assert services["operator"]["profiles"]  # it is no service that is started
    for name in ("web", "worker", "beat", "night", "operator"):
        writable = {volume for volume in services[name]["volumes"] if not volume.endswith(":ro")}
        of_clinics = {"/etc/cpar/clinics:/etc/cpar/clinics"} if name == "operator" else set()
        assert writable == {"data:/var/lib/cpar"} | of_clinics
    assert "ports" not in services["broker"]
    assert all(port.startswith("127.0.0.1:") for port in services["web"]["ports"])


def test_the_page_says_to_whom_the_files_that_containers_read_belong(written: Path) -> None:
    [number] = re.findall(r"useradd .*--uid (\d+) ", (written / "Dockerfile").read_text())
    assert f"chown -R {number}:{number} /etc/cpar/clinics /etc/cpar/broker-url\n" in PAGE.read_text(encoding="utf-8")


def test_the_page_puts_each_file_where_it_belongs(written: Path) -> None:
    commands = "".join(re.findall(r"```bash\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL))
    folders = {
        "service": "/etc/systemd/system",
        "socket": "/etc/systemd/system",
        "ini": "/etc/cpar",
        "conf": "/etc/(rabbitmq|rabbitmq/conf.d|nginx/conf.d)",
    }
    for file in written.iterdir():
        if folder := folders.get(file.suffix.removeprefix(".")):
            assert re.search(rf"install -m 644 .*\b{file.name}.* {folder}$", commands, re.MULTILINE), file.name


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


def test_the_web_unit_serves_from_the_socket_that_systemd_hands_it(folder: Folder, tmp_path: Path) -> None:
    program = shutil.which("systemd-socket-activate")
    if not program:
        pytest.fail("systemd is not installed. Install it with: apt-get install systemd")
    folder.add("north")
    options = ["--programs", str(PROGRAMS), "--fleet-file", str(folder.file), "--state-folder", str(tmp_path)]
    result = CliRunner().invoke(
        command, ["--write", str(tmp_path / "files"), "--socket", f"{tmp_path}/fleet.sock", *options]
    )
    assert result.exit_code == 0, result.output
    of_socket = (tmp_path / "files/cpar-fleet-web.socket").read_text()
    of_service = (tmp_path / "files/cpar-fleet-web.service").read_text()
    [listens] = [line.partition("=")[2] for line in of_socket.splitlines() if line.startswith("ListenStream=")]
    [start] = [line.partition("=")[2] for line in of_service.splitlines() if line.startswith("ExecStart=")]
    [variables] = [line.partition("=")[2] for line in of_service.splitlines() if line.startswith("Environment=")]
    given = [f"--setenv={variable}" for variable in variables.split()]
    with subprocess.Popen([program, "--listen", listens, *given, *start.split()], cwd=tmp_path) as process:
        try:
            assert b"200 OK" in answer_from(Path(listens), "/north/cpar/sign-in")
            assert b"404 NOT FOUND" in answer_from(Path(listens), "/south/cpar/sign-in").upper()
        finally:
            process.terminate()


def answer_from(file: Path, path: str) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        wait_until(lambda: connection.connect_ex(str(file)) == 0)  # the file is there before anyone listens
        connection.sendall(f"GET {path} HTTP/1.1\r\nHost: emr.example\r\nConnection: close\r\n\r\n".encode())
        return b"".join(iter(lambda: connection.recv(65536), b""))


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


def test_nginx_lets_in_those_with_a_client_certificate_of_the_operators_authority_alone(
    written: Path, tmp_path: Path
) -> None:
    """The page itself refuses what did not come with the proxy's word."""
    for name in ("ours", "other"):
        (tmp_path / name).mkdir()
    ours, other = Authority(tmp_path / "ours"), Authority(tmp_path / "other", name="Another Authority")
    certificate, key = ours.issue("127.0.0.1")
    port, inside = free_ports(2)
    (tmp_path / "clinics").mkdir()
    (tmp_path / "fleet.ini").write_text(f"[fleet]\nclinics = {tmp_path}/clinics\n")
    text = (written / "nginx-night.conf").read_text()
    for before, after in {
        "listen 8443": f"listen 127.0.0.1:{port}",
        "127.0.0.1:8090": f"127.0.0.1:{inside}",
        "/etc/nginx/tls/night.pem": certificate,
        "/etc/nginx/tls/night.key": key,
        "/etc/nginx/tls/operators.pem": ours.file,
    }.items():
        assert before in text
        text = text.replace(before, after)
    folders = "".join(
        f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "nginx.conf").write_text(
        f"pid {tmp_path}/pid; events {{ }} http {{ {folders} access_log {tmp_path}/access; {text} }}\n"
    )
    nginx = [NGINX, "-p", str(tmp_path), "-e", str(tmp_path / "log"), "-c", str(tmp_path / "nginx.conf")]
    night = [PROGRAMS / "cpar", "fleet", "night", "--port", str(inside), "--proxy", "127.0.0.1"]
    environment = os.environ | {"CPAR_FLEET": str(tmp_path / "fleet.ini")}
    with (
        subprocess.Popen(night, env=environment, stdout=subprocess.PIPE, text=True) as page,
        subprocess.Popen([*nginx, "-g", "daemon off;"]) as proxy,
    ):
        try:
            assert page.stdout
            assert "The night: " in page.stdout.readline()
            url = f"https://127.0.0.1:{port}/"
            reached(port)

            def ask(*pair: str, **headers: str) -> requests.Response:
                return requests.get(url, cert=pair or None, verify=ours.file, headers=headers, timeout=60)

            assert ask(*ours.issue("operator.example")).status_code == 200
            assert ask(**{"X-Client-Verify": "SUCCESS"}).status_code == 400
            assert ask(*other.issue("operator.example"), **{"X-Client-Verify": "SUCCESS"}).status_code == 400
            assert requests.get(f"http://127.0.0.1:{inside}/", timeout=60).status_code == 403
        finally:
            proxy.terminate()
            page.terminate()


def reached(port: int) -> None:
    def is_reached() -> bool:
        with socket.socket() as one:
            return one.connect_ex(("127.0.0.1", port)) == 0

    wait_until(is_reached)
