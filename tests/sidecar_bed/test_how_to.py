"""The pages for system administrators, followed from their first command to their last."""

import os
import ssl
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from http.client import HTTPSConnection
from pathlib import Path

import pytest
import requests
from playwright.sync_api import Browser, expect
from sqlalchemy import URL

from oscar_host.demo.ports import free_port

from ..authority import Authority
from ..browser import PATIENCE, watch
from ..conftest import Oscar as OscarRows
from ..project.test_docs import BACK_UP, BESIDE_OSCAR, REMOVE, UPDATE, blocks
from .bed import mariadb_client
from .conftest import master_record, sign_in
from .installed import DOCTOR, MANAGER
from .machine import Machine
from .oscar import PASSWORD, WRONG_SIGN_INS, Oscar
from .traffic import PEOPLE, Traffic

SOMEBODY_ELSE = "127.0.0.2"  # a loopback address as good as any other


@pytest.fixture
def machine(
    names: tuple[str, str], oscar: Oscar, rows: OscarRows, options: list[str], mariadb_server: URL
) -> Iterator[Machine]:
    """A folder in place of `/`; what runs in it is ended afterwards."""
    own, account = names
    schema = str(rows.tables.metadata.schema)
    with tempfile.TemporaryDirectory(prefix="of-a-clinic-") as name:
        here = [
            *("--oscar-url", oscar.url, "--oscar-database", schema, "--own-database", own, "--account", account),
            *("--settings-file", f"{name}/etc/cpar/cpar.ini", "--state-folder", f"{name}/var/lib/cpar"),
            *("--log-folder", f"{name}/var/log/nginx"),
            *("--socket", f"{name}/app.sock", *options),
        ]
        machine = Machine(Path(name), mariadb_server, schema, own, account, here)
        yield machine
        machine.stop()


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


@pytest.mark.large
def test_an_administrator_comes_from_an_empty_machine_to_the_box_and_in_the_end_back_to_an_empty_machine(
    machine: Machine, oscar: Oscar, rows: OscarRows, chromium: Browser
) -> None:
    page = BESIDE_OSCAR.read_text(encoding="utf-8")
    [server] = blocks(page, "nginx")
    port, folder = oscar.site_port, machine.folder
    authority = Authority(folder)
    certificate, key = authority.issue("127.0.0.1")
    for old, new in (
        ("/etc/ssl/emr.example.pem", certificate),
        ("/etc/ssl/emr.example.key", key),
        ("listen 443", f"listen 127.0.0.1:{port}"),
        ("http://127.0.0.1:8080", oscar.url.removesuffix("/oscar")),
        ("/etc/", f"{folder}/etc/"),
    ):
        assert old in server
        server = server.replace(old, new)
    (folder / "etc/nginx/conf.d/oscar.conf").write_text(server)
    temporary = " ".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(
        f"{user} pid {folder}/nginx.pid; events {{ }} http {{ {temporary} access_log {folder}/access.log;"
        f" include {folder}/etc/nginx/conf.d/*.conf; }}\n"
    )
    assert "The CPAR integration is on." in machine.follow(*blocks(page, "sh"))
    _guess_passwords(port, authority)
    blocked: list[str] = []
    browser = chromium.new_context(
        base_url=f"https://127.0.0.1:{port}", ignore_https_errors=True, viewport={"width": 1000, "height": 700}
    )
    browser.set_default_timeout(PATIENCE)
    with closing(browser):
        page_of_oscar = browser.new_page()
        watch(page_of_oscar, blocked)
        sign_in(page_of_oscar, DOCTOR)
        assert page_of_oscar.url.startswith("https:"), "OSCAR sends people on to http"
        page_of_oscar.goto(master_record(rows.patient()))
        expect(page_of_oscar.locator(".rightSection > #plugin-boxes")).to_contain_text("Panel (CPAR)")
        page_of_oscar.wait_for_load_state("networkidle")
    assert blocked == []
    assert {line.address for line in oscar.log() if line.action == "failed"} == {SOMEBODY_ELSE}

    person = requests.Session()
    person.trust_env = False
    person.verify = authority.file
    site = f"https://127.0.0.1:{port}"
    person.post(f"{site}/oscar/login.do", data={"username": DOCTOR, "password": PASSWORD}, timeout=60)
    every_night, put_back, evidence = blocks(BACK_UP.read_text(encoding="utf-8"), "sh")
    machine.follow(every_night)
    mariadb_client(
        machine.server, f"USE {machine.own}; UPDATE cpar_clinic SET enabled_at = NULL; DROP TABLE cpar_read;"
    )
    (folder / "etc/cpar/cpar.ini").unlink()
    said = machine.follow(put_back, evidence)
    assert "No submission will continue on its own." in said
    assert "A backup was restored; cpar after-restore completed" in said
    assert " 0 failures." in said
    assert "Panel (CPAR)" in person.get(f"{site}/oscar/cpar/page/patients/{rows.patient()}", timeout=60).text

    *update, stop, start = blocks(UPDATE.read_text(encoding="utf-8"), "sh")
    traffic = _traffic(site, authority)
    with traffic.flowing():
        said = machine.follow(*update)
    assert (traffic.lost, min(traffic.reads, traffic.forms) > PEOPLE) == ([], True)
    assert " 0 failures." in said
    assert "has changed" not in said
    assert (folder / "opt/cpar").readlink() == Path("cpar-0.2.0")
    machine.follow(stop)
    assert requests.get(f"{site}/oscar/cpar/panels", verify=authority.file, timeout=60).status_code == 502
    machine.follow(start)
    assert "Panel (CPAR)" in person.get(f"{site}/oscar/cpar/page/patients/{rows.patient()}", timeout=60).text

    assert machine.ours() != []
    machine.follow(*blocks(REMOVE.read_text(encoding="utf-8"), "sh"))
    assert machine.ours() == []
    left = f"SHOW DATABASES LIKE '{machine.own}'; SELECT user FROM mysql.user WHERE user = '{machine.account}';"
    assert mariadb_client(machine.server, left).stdout == ""
    machine.follow("nginx -s stop", f"while [ -s {folder}/nginx.pid ]; do sleep 0.1; done", "nginx")
    assert person.get(f"{site}/oscar/", timeout=60).status_code == 200
    assert person.get(f"{site}/oscar/cpar/", timeout=60).status_code == 404


def _traffic(site: str, authority: Authority) -> Traffic:
    manager = requests.Session()
    manager.trust_env, manager.verify = False, authority.file
    manager.post(f"{site}/oscar/login.do", data={"username": MANAGER, "password": PASSWORD}, timeout=60)
    return Traffic(site, dict(manager.cookies), authority.file)


def _guess_passwords(port: int, authority: Authority) -> None:
    """From one computer, until OSCAR lets nobody in from there."""
    context = ssl.create_default_context(cafile=authority.file)
    for _ in range(WRONG_SIGN_INS):
        guess = HTTPSConnection("127.0.0.1", port, source_address=(SOMEBODY_ELSE, 0), context=context)
        with closing(guess):
            form = {"Content-Type": "application/x-www-form-urlencoded"}
            guess.request("POST", "/oscar/login.do", "username=x&password=-", form)
            assert guess.getresponse().status == 302
