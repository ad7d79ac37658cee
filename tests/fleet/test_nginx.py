"""nginx's file for the pages of a fleet, as `cpar install-fleet` writes it, in a real nginx before the application."""

import os
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest
import requests
from click.testing import CliRunner
from playwright.sync_api import Browser, expect

from oscar_host.demo.ports import free_ports
from oscar_host.install.fleet_command import command

from ..authority import Authority
from ..browser import look, new_page, watch
from ..sidecar_bed.bed import NGINX
from .conftest import Folder, MakeDatabase
from .test_application import PASSWORD, with_account
from .test_install import reached

pytestmark = pytest.mark.databases("one")
_SERVED = ("--config", "python:oscar_host.fleet.gunicorn_settings", "oscar_host.fleet:app()")


@dataclass(frozen=True)
class Server:
    """The web machine of a fleet."""

    port: int
    plain_port: int
    authority: Authority
    logs: Path

    def get(self, path: str, host: str = "", method: str = "GET", **more: object) -> requests.Response:
        """What a program gets from it."""
        with requests.Session() as session:
            session.trust_env = False
            return session.request(
                method,
                f"https://127.0.0.1:{self.port}{path}",
                headers={"Host": host} if host else {},
                verify=self.authority.file,
                allow_redirects=False,
                timeout=60,
                **more,  # type: ignore[arg-type]
            )

    def leave_off(self, text: bytes) -> None:
        """Send the beginning of a request and go: it is logged before nginx has found where it belongs."""
        context = ssl.create_default_context(cafile=self.authority.file)
        with (
            socket.create_connection(("127.0.0.1", self.port), timeout=60) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as secured,
        ):
            secured.sendall(text)


@contextmanager
def running(folder: Folder, root: Path, by: Literal["path", "name"], *options: str) -> Iterator[Server]:
    """nginx with the file that the command writes, and gunicorn as its unit starts it."""
    files, (port, plain_port) = root / "files", free_ports(2)
    authority = Authority(root)
    certificate, key = authority.issue("127.0.0.1")
    (root / "fleet.pem").write_bytes(Path(certificate).read_bytes())
    (root / "fleet.key").write_bytes(Path(key).read_bytes())
    arguments = ["--write", str(files), "--by", by, "--server-name", "emr.localhost", "--socket", f"{root}/fleet.sock"]
    arguments += ["--tls-folder", str(root), "--log-folder", str(root), *options]
    result = CliRunner().invoke(command, arguments)
    assert result.exit_code == 0, result.output
    text = (files / "nginx-fleet.conf").read_text()
    for before, after in {
        "listen 80;": f"listen 127.0.0.1:{plain_port};",
        "listen 443": f"listen 127.0.0.1:{port}",
    }.items():
        assert text.count(before) == 1
        text = text.replace(before, after)
    temporary = "".join(
        f"{kind}_temp_path {root}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""  # who may enter the folder of a test
    main = f"{user} pid {root}/pid; events {{ }} http {{ {temporary} access_log {root}/other; {text} }}\n"
    (root / "nginx.conf").write_text(main)
    folder.write("trusted_proxies = 1", f"by = {by}", "domain = emr.localhost")
    environment = {"CPAR_FLEET": str(folder.file), "PATH": "/usr/bin:/bin", "HOME": str(root)}
    served = [sys.executable, "-m", "gunicorn", "--bind", f"unix:{root}/fleet.sock", *_SERVED]
    nginx = [NGINX, "-p", str(root), "-e", str(root / "log"), "-c", str(root / "nginx.conf"), "-g", "daemon off;"]
    with (
        subprocess.Popen(served, env=environment, cwd=root, stderr=subprocess.PIPE, text=True) as application,
        subprocess.Popen(nginx) as proxy,
    ):
        try:
            assert application.stderr
            assert any("Booting worker" in line for line in application.stderr)
            reached(port)
            yield Server(port, plain_port, authority, root)
        finally:
            proxy.terminate()
            application.terminate()
            application.communicate()


@pytest.mark.parametrize(
    ("by", "north", "south"),
    [
        ("path", "127.0.0.1:{port}/north/cpar", "127.0.0.1:{port}/emr/south/cpar"),
        ("name", "north.emr.localhost:{port}/oscar/cpar", "south.emr.localhost:{port}/oscar/cpar"),
    ],
)
def test_users_sign_in_at_their_clinic_through_nginx(
    folder: Folder,
    tmp_path: Path,
    new_database: MakeDatabase,
    chromium: Browser,
    by: Literal["path", "name"],
    north: str,
    south: str,
) -> None:
    for name in ("north", "south"):
        of_path = {"context_path": "/emr/south/cpar"} if (by, name) == ("path", "south") else {}
        folder.add(name, database_url=with_account(new_database()), https_only="yes", **of_path)
    complaints: list[str] = []
    with running(folder, tmp_path, by) as server:
        page = new_page(chromium, ignore_https_errors=True)
        watch(page, complaints)
        page.goto(f"https://{north.format(port=server.port)}")
        page.get_by_label("User name").fill("okafor")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
        assert page.url.startswith(f"https://{north.format(port=server.port)}/")
        [cookie] = page.context.cookies()
        assert cookie["secure"]
        page.goto(f"https://{south.format(port=server.port)}/panels")
        expect(page.get_by_label("Password")).to_be_visible()
        page.context.close()
        answer = server.get(
            "/north/cpar/fhir/metadata" if by == "path" else "/oscar/cpar/fhir/metadata", "north.emr.localhost"
        )
        assert answer.json()["resourceType"] == "CapabilityStatement"
    assert complaints == []


def test_what_nginx_refuses_has_the_form_of_the_pages_and_no_log_has_a_whole_address(
    folder: Folder, tmp_path: Path
) -> None:
    folder.add("north")
    with running(folder, tmp_path, "path") as server:
        assert server.get("/north/cpar").headers["Location"] == "/north/cpar/"
        assert server.get("/elsewhere").status_code == 404
        assert server.get("/nowhere/cpar/panels").status_code == 404
        large = server.get("/north/cpar/panels", method="POST", data=b"x" * 3_000_000)
        assert (large.status_code, "Request too large" in large.text) == (413, True)
        large = server.get("/north/cpar/fhir/Group", method="POST", data=b"x" * 3_000_000)
        assert (large.status_code, large.json()["resourceType"]) == (413, "OperationOutcome")
        assert server.get("/north/cpar/import", method="POST", data=b"x" * 3_000_000).status_code != 413
        assert server.get("/cpar-refused/page").status_code == 404
        server.get("/north/cpar/patients?search=Tremblay")
        assert server.get("/north/cpar/patients?search=Tremblay", host="x" * 40_000).status_code == 431
        server.leave_off(b"GET /north/cpar/panels?search=Tremblay HTTP/1.1\r\nHost: north\r\n")
        server.get("/north/cpar/fhir/Patient?identifier=100000000")
        plain = requests.get(f"http://127.0.0.1:{server.plain_port}/north/cpar/", allow_redirects=False, timeout=60)
        assert (plain.status_code, plain.headers["Location"]) == (308, "https://127.0.0.1/north/cpar/")
    logs = "".join(
        (tmp_path / name).read_text() for name in ("cpar-access.log", "cpar-error.log", "cpar-site.log", "log")
    )
    assert '"GET /north/cpar/patients"' in logs
    assert '"GET /north/cpar/fhir/Patient"' in logs
    assert "Tremblay" not in logs
    assert "100000000" not in logs


def test_who_asks_too_much_is_asked_to_wait(folder: Folder, tmp_path: Path) -> None:
    folder.add("north")
    with running(folder, tmp_path, "path", "--address-requests", "1") as server:
        answers = [server.get("/north/cpar/sign-in") for _ in range(12)]
        refused = [answer for answer in answers if answer.status_code == 429]
        assert refused
        assert answers[0].status_code == 200
        assert "Too many requests came from this address. Try again in a moment." in refused[0].text
        assert int(refused[0].headers["Retry-After"]) > 0


def test_a_clinic_that_comes_needs_no_change_of_nginx(folder: Folder, tmp_path: Path, chromium: Browser) -> None:
    with running(folder, tmp_path, "path") as server:
        assert server.get("/north/cpar/sign-in").status_code == 404
        folder.add("north")
        assert server.get("/north/cpar/sign-in").status_code == 200
        folder.add("south", automatic_day="99")
        assert server.get("/south/cpar/sign-in").status_code == 503
        page = new_page(chromium, ignore_https_errors=True)
        page.goto(f"https://127.0.0.1:{server.port}/south/cpar/panels")
        expect(page.get_by_role("heading")).to_have_text("These pages are not available")
        look(page, "fleet-not-available")
        page.context.close()
