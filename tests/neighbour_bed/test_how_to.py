"""The page for system administrators, followed from its first command to its last.

What a test cannot do to the machine is done in a folder that stands for it: what is installed from elsewhere is there
already, and systemd's part, to start what a unit says, is played by a few lines of shell.
"""

import os
import ssl
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing, suppress
from http.client import HTTPSConnection
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, expect
from sqlalchemy import URL

from ..authority import Authority
from ..browser import PATIENCE, watch
from ..conftest import Oscar as OscarRows
from ..project.test_docs import BESIDE_OSCAR, blocks
from .bed import NGINX, PROGRAMS, mariadb_client
from .conftest import master_record, sign_in
from .installed import DOCTOR
from .oscar import WRONG_SIGN_INS, Oscar, free_port

SOMEBODY_ELSE = "127.0.0.2"  # a loopback address as good as any other

SHELL = r"""
set -euo pipefail
apt-get() { :; }
useradd() { :; }
python3() { :; }
runuser() { shift 3; "$@"; }
mariadb() { command mariadb --no-defaults $MARIADB "$@"; }
nginx() { "$PROXY" -p "$MACHINE" -e "$MACHINE/nginx.log" -c "$MACHINE/nginx.conf" "$@"; }
install() {
    local kept=()
    while [ $# -gt 0 ]; do case $1 in -[og]) shift 2 ;; *) kept+=("$1"); shift ;; esac; done
    command install "${kept[@]}"
}
of_the_unit() { sed -n "s/^$1=//p" "$MACHINE/etc/systemd/system/cpar.service"; }
systemctl() {
    case $* in
    daemon-reload) ;;
    "enable --now cpar")
        cd "$MACHINE/var/lib/cpar"
        env $(of_the_unit Environment) $(of_the_unit ExecStartPre) >>"$MACHINE/service.log" 2>&1
        env $(of_the_unit Environment) $(of_the_unit ExecStart) >>"$MACHINE/service.log" 2>&1 </dev/null &
        echo $! >"$MACHINE/service.pid"
        cd - >/dev/null
        ;;
    "reload nginx") nginx ;;
    *) return 1 ;;
    esac
}
"""


@pytest.fixture
def machine(names: tuple[str, str]) -> Iterator[Path]:
    """A folder in place of `/`; what runs in it is ended afterwards."""
    with tempfile.TemporaryDirectory(prefix="cpar-") as name:
        folder = Path(name)
        for part in ("opt/cpar/bin", "var/lib/cpar", "etc/nginx/conf.d", "etc/nginx/snippets", "etc/systemd/system"):
            (folder / part).mkdir(parents=True)
        for program in ("cpar", "gunicorn"):
            (folder / "opt/cpar/bin" / program).symlink_to(PROGRAMS / program)
        (folder / "opt/cpar/bin/pip").write_text("#!/bin/sh\n")
        (folder / "opt/cpar/bin/pip").chmod(0o755)
        yield folder
        for pid in ("service.pid", "nginx.pid"):
            with suppress(FileNotFoundError, psutil.NoSuchProcess):
                process = psutil.Process(int((folder / pid).read_text()))
                process.terminate()
                process.wait()


@pytest.fixture
def names(mariadb_server: URL) -> Iterator[tuple[str, str]]:
    """Names of this test's own, in place of `cpar`: of the database and of the account."""
    mark = uuid.uuid4().hex[:8]
    yield f"cpar_docs_{mark}", f"docs_{mark}"
    mariadb_client(mariadb_server, f"DROP DATABASE IF EXISTS cpar_docs_{mark}; DROP USER IF EXISTS docs_{mark};")
    mariadb_client(mariadb_server, f"DROP USER IF EXISTS docs_{mark}@localhost;")


@pytest.fixture
def oscar(tmp_path: Path) -> Iterator[Oscar]:
    """The OSCAR that runs on the machine, with the line of the page in its server.xml."""
    [valve] = blocks(BESIDE_OSCAR.read_text(encoding="utf-8"), "xml")
    oscar = Oscar(tmp_path, free_port(), valve)
    oscar.start()
    yield oscar
    oscar.stop()


def test_an_administrator_comes_from_an_empty_machine_to_the_box_in_the_master_record(
    machine: Path,
    names: tuple[str, str],
    oscar: Oscar,
    rows: OscarRows,
    options: list[str],
    mariadb_server: URL,
    chromium: Browser,
) -> None:
    page = BESIDE_OSCAR.read_text(encoding="utf-8")
    [server] = blocks(page, "nginx")
    port = oscar.site_port
    own, account = names
    authority = Authority(machine)
    certificate, key = authority.issue("127.0.0.1")
    for old, new in (
        ("/etc/ssl/emr.example.pem", certificate),
        ("/etc/ssl/emr.example.key", key),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("http://127.0.0.1:8080", oscar.url.removesuffix("/oscar")),
        ("/etc/", f"{machine}/etc/"),
    ):
        assert old in server
        server = server.replace(old, new)
    (machine / "etc/nginx/conf.d/oscar.conf").write_text(server)
    temporary = " ".join(
        f"{kind}_temp_path {machine}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (machine / "nginx.conf").write_text(
        f"{user} pid {machine}/nginx.pid; events {{ }} http {{ {temporary} access_log {machine}/access.log;"
        f" include {machine}/etc/nginx/conf.d/*.conf; }}\n"
    )
    here = [
        *("--oscar-url", oscar.url, "--oscar-database", str(rows.tables.metadata.schema), "--own-database", own),
        *("--account", account, "--programs", f"{machine}/opt/cpar/bin", "--log-folder", str(machine)),
        *("--settings-file", f"{machine}/etc/cpar/cpar.ini", "--state-folder", f"{machine}/var/lib/cpar"),
        *("--socket", f"{machine}/app.sock", *options),
    ]
    commands = "\n".join(blocks(page, "sh"))
    for old, new in (
        ("install-oscar ", f"install-oscar {' '.join(here)} "),
        ("/opt/cpar", f"{machine}/opt/cpar"),
        ("/root/cpar", f"{machine}/root/cpar"),
        (" /etc/", f" {machine}/etc/"),
        ("=/etc/", f"={machine}/etc/"),
    ):
        assert old in commands
        commands = commands.replace(old, new) if old != "/opt/cpar" else commands.replace("\n/opt", f"\n{machine}/opt")
    commands = commands.replace(" /opt/cpar", f" {machine}/opt/cpar")
    socket = mariadb_server.query.get("unix_socket")
    place = f"--socket={socket}" if socket else f"--host={mariadb_server.host} --port={mariadb_server.port or 3306}"
    log = machine / "shell.log"  # a pipe would stay open as long as what is started here
    with log.open("wb") as out:
        done = subprocess.run(
            ["bash", "-c", SHELL + commands],
            cwd=machine,
            env={
                "PATH": f"{os.environ['PATH']}:/usr/sbin",
                "LANG": "C.UTF-8",
                "MACHINE": str(machine),
                "PROXY": NGINX,
                "MARIADB": f"--user={mariadb_server.username} {place}",
                "MYSQL_PWD": str(mariadb_server.password or ""),
            },
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=out,
            check=False,
        )
    assert done.returncode == 0, log.read_text()
    assert "The CPAR integration is on." in log.read_text()
    _guess_passwords(port, authority)
    blocked: list[str] = []
    browser = chromium.new_context(
        base_url=f"https://127.0.0.1:{port}", ignore_https_errors=True, viewport={"width": 1000, "height": 700}
    )
    browser.set_default_timeout(PATIENCE)
    with closing(browser):
        person = browser.new_page()
        watch(person, blocked)
        sign_in(person, DOCTOR)
        assert person.url.startswith("https:"), "OSCAR sends people on to http"
        person.goto(master_record(rows.patient()))
        expect(person.locator(".rightSection > #plugin-boxes")).to_contain_text("Panel (CPAR)")
        person.wait_for_load_state("networkidle")
    assert blocked == []
    assert {line.address for line in oscar.log() if line.action == "failed"} == {SOMEBODY_ELSE}


def _guess_passwords(port: int, authority: Authority) -> None:
    """From one computer, until OSCAR lets nobody in from there."""
    context = ssl.create_default_context(cafile=authority.file)
    for _ in range(WRONG_SIGN_INS):
        guess = HTTPSConnection("127.0.0.1", port, source_address=(SOMEBODY_ELSE, 0), context=context)
        with closing(guess):
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            guess.request("POST", "/oscar/login.do", "username=x&password=-", form)
            assert guess.getresponse().status == 302
