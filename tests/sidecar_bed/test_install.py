"""`cpar install-oscar`: what it prints and writes, tried by the programs that it is for."""

import re
import shutil
import subprocess
import uuid
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from sqlalchemy import URL

from oscar_host.install.command import command

from .bed import NGINX, PROGRAMS, mariadb_client

FILES = ["cpar.ini", "cpar.service", "cpar.socket", "grants.sql", "nginx-http.conf", "nginx-server.conf"]
LINE = re.compile(r"^(\w+) = (.*)$", re.MULTILINE)


def install(*options: str) -> Result:
    return CliRunner().invoke(command, options)


def written(folder: Path, *options: str) -> Path:
    result = install("--write", str(folder / "files"), *options)
    assert result.exit_code == 0, result.output
    return folder / "files"


def test_it_prints_every_file_with_where_it_belongs() -> None:
    printed = install().output
    assert [name for name in FILES if f"==> {name}: " not in printed] == []
    assert "/etc/cpar/cpar.ini" in printed
    assert printed.count("\nGRANT SELECT ON `oscar`.") == 7


def test_it_writes_what_holds_a_secret_for_no_one_else_to_read(tmp_path: Path) -> None:
    folder = written(tmp_path)
    modes = {file.name: oct(file.stat().st_mode)[-3:] for file in folder.iterdir()}
    assert modes == {name: "600" if name in ("cpar.ini", "grants.sql") else "644" for name in FILES}
    assert oct(folder.stat().st_mode)[-3:] == "700"


def test_files_fit_each_other_and_every_installation_has_its_own_secrets(tmp_path: Path) -> None:
    secrets = set()
    for name in ("one", "other"):
        folder = written(tmp_path / name)
        settings = dict(LINE.findall((folder / "cpar.ini").read_text()))
        match = re.search("IDENTIFIED BY '(.+)'", (folder / "grants.sql").read_text())
        assert match
        assert f":{match[1]}@" in settings["database_url"]
        secrets |= {match[1], settings["secret_key"]}
    assert len(secrets) == 4
    assert min(map(len, secrets)) >= 32


def test_it_replaces_no_file(tmp_path: Path) -> None:
    before = (written(tmp_path) / "cpar.ini").read_text()
    result = install("--write", str(tmp_path / "files"))
    assert result.exit_code == 1
    assert "already exists. Choose another folder" in result.output
    assert (tmp_path / "files/cpar.ini").read_text() == before


def test_the_account_reads_more_only_where_more_is_needed() -> None:
    def tables(*options: str) -> set[str]:
        return set(re.findall(r"GRANT SELECT ON `oscar`\.`(\w+)`", install(*options).output))

    usual = tables()
    assert tables("--sign-in", "password") - usual == {"security"}
    assert "`log`" not in install("--audit", "ledger").output


@pytest.mark.parametrize(
    ("made", "family", "tables"),
    [
        ([], "Open-O, OSCAR or another relative", set()),
        (["ALTER TABLE demographic ADD middle_name TEXT"], "Juno", set()),
        (
            [
                "ALTER TABLE demographic ADD middle_name TEXT",
                "ALTER TABLE secObjPrivilege ADD permission_read INT",
                "CREATE TABLE secDemographicSet (id INT)",
            ],
            "Juno, with its newer roles, with lists closed to single providers",
            {"secRole", "secDemographicSet", "demographicSets"},
        ),
    ],
)
def test_the_grants_are_those_of_the_oscar_that_is_there_and_say_which(
    mariadb_server: URL, made: list[str], family: str, tables: set[str]
) -> None:
    mark = uuid.uuid4().hex[:8]
    oscar, own, account = f"oscar_{mark}", f"cpar_{mark}", f"of_{mark}"
    usual = set(re.findall(r"^GRANT \w+ ON `oscar`\.`(\w+)`", install().output, re.MULTILINE))
    there = [f"CREATE TABLE {name} (id INT)" for name in (*usual, "secRole", "demographicSets")]
    options = ("--oscar-database", oscar, "--own-database", own, "--account", account)
    grants = re.search(r"-- An account.*?(?=^==>)", install(*options).output, re.MULTILINE | re.DOTALL)
    assert grants
    try:
        mariadb_client(mariadb_server, f"CREATE DATABASE {oscar}; USE {oscar}; " + "; ".join(there + made))
        result = mariadb_client(mariadb_server, grants[0])
        assert (result.stdout.splitlines(), result.stderr) == (["OSCAR alongside", family], "")
        shown = mariadb_client(mariadb_server, f"SHOW GRANTS FOR {account}@localhost").stdout
        assert set(re.findall(rf"ON `{oscar}`\.`(\w+)`", shown)) == usual | tables
    finally:
        mariadb_client(mariadb_server, f"DROP DATABASE {oscar}; DROP DATABASE {own}; DROP USER {account}@localhost")


def test_the_script_is_in_the_record_of_carlos_too() -> None:
    printed = install("--into-page", "filter", "--oscar-url", "http://127.0.0.1:8080/carlos").output
    _, _, location = printed.partition("location ~ ^/carlos/demographic/DemographicEdit$ {")
    assert "/carlos/cpar/frame/record.js" in location.partition("}")[0]


@pytest.mark.parametrize("way", ["append", "filter", "include"])
@pytest.mark.parametrize("oscar", ["http://127.0.0.1:8080/oscar", "https://10.0.0.7:8443/emr/kai_19.1"])
def test_nginx_takes_the_configuration(tmp_path: Path, way: str, oscar: str) -> None:
    folder = written(
        tmp_path,
        *("--into-page", way, "--oscar-url", oscar, "--server-name", "emr.example", "--log-folder", str(tmp_path)),
    )
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"pid {tmp_path}/pid; events {{ }} http {{ client_body_temp_path {tmp_path}/a; proxy_temp_path {tmp_path}/b;"
        f" fastcgi_temp_path {tmp_path}/c; uwsgi_temp_path {tmp_path}/d; scgi_temp_path {tmp_path}/e;"
        f" access_log {tmp_path}/f; include {folder}/nginx-http.conf;"
        f" server {{ listen 127.0.0.1:1; include {folder}/nginx-server.conf; }} }}\n"
    )
    tried = [NGINX, "-t", "-p", str(tmp_path), "-e", str(tmp_path / "log"), "-c", str(configuration)]
    result = subprocess.run(tried, capture_output=True, text=True, check=False)
    # Nothing is asked for ports: that none below 1024 may be opened by anybody is no fault of the configuration.
    assert "syntax is ok" in result.stderr, result.stderr


def systemd_analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    program = shutil.which("systemd-analyze")
    if not program:
        pytest.fail("systemd is not installed. Install it with: apt-get install systemd")
    return subprocess.run([program, *arguments], capture_output=True, text=True, check=False)


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    folder = written(tmp_path, "--programs", str(PROGRAMS))
    result = systemd_analyze("verify", str(folder / "cpar.service"), str(folder / "cpar.socket"))
    complaints = [line for line in result.stderr.splitlines() if "cpar." in line]
    assert (result.returncode, complaints) == (0, []), result.stderr


@pytest.mark.parametrize("programs", ["/opt/cpar/bin", "/home/oscar/cpar/bin"])
def test_the_service_is_kept_from_what_it_does_not_need(tmp_path: Path, programs: str) -> None:
    unit = written(tmp_path, "--programs", programs) / "cpar.service"
    judged = systemd_analyze("security", "--offline=true", "--threshold=25", str(unit))  # of 100
    assert judged.returncode == 0, judged.stdout + judged.stderr
    seen = {"/opt/cpar/bin": "ProtectHome=yes", "/home/oscar/cpar/bin": "ProtectHome=read-only"}
    assert seen[programs] in unit.read_text()


def test_the_unit_names_the_programs_as_it_was_called_itself(tmp_path: Path) -> None:
    (tmp_path / "cpar-0.1.0").symlink_to(PROGRAMS.parent)
    (tmp_path / "cpar").symlink_to("cpar-0.1.0")
    called = subprocess.run([tmp_path / "cpar/bin/cpar", "install-oscar"], capture_output=True, text=True, check=True)
    assert f"\nExecStart={tmp_path}/cpar/bin/gunicorn " in called.stdout


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--oscar-url", "http://127.0.0.1:8080", "write it like http://127.0.0.1:8080/oscar"),
        ("--oscar-url", "http://127.0.0.1:8080/oscar; }", "write it like http://127.0.0.1:8080/oscar"),
        ("--oscar-url", "http://10.0.0.7:8080/oscar", "use https"),
        ("--server-name", "emr.example; deny all", "write it like emr.example"),
        ("--oscar-database", "oscar`; DROP DATABASE x", "write it like oscar"),
        ("--own-database", "oscar", "choose a name other than OSCAR's"),
        ("--account", "cpar'", "write it like cpar"),
        ("--mariadb", "localhost", "write it like /run/mysqld/mysqld.sock"),
        ("--socket", "/run/a b", "write it like /run/cpar/cpar.sock"),
    ],
)
def test_a_wrong_value_is_reported_with_a_right_one(option: str, value: str, message: str) -> None:
    result = install(option, value)
    assert result.exit_code != 0
    assert message in f"{result.output} {result.exception}"
    assert "IDENTIFIED" not in result.output
