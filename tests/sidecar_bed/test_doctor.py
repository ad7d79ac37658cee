"""`cpar doctor` beside an OSCAR: what browsers get through nginx, right and broken on purpose."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from oscar_host.doctor.command import command

from .bed import FOR_OSCAR, Bed

CHECKS = (
    "browser-address",
    "redirects",
    "base-href",
    "session-cookie",
    "record-script",
    "menu-script",
    "client-address",
    "nginx-log",
)
Doctor = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture
def doctor(bed: Bed, tmp_path: Path) -> Doctor:
    """What the checks say, with other lines in the settings."""

    def look(**settings: str) -> dict[str, dict[str, str]]:
        own = {"oscar_ca_file": bed.authority, "nginx_file": f"{bed.folder}/nginx.conf"} | settings
        kept = [
            line for line in (bed.files / "cpar.ini").read_text().splitlines() if line.partition(" = ")[0] not in own
        ]
        file = tmp_path / "cpar.ini"
        file.write_text("\n".join([*kept, *(f"{name} = {value}" for name, value in own.items())]) + "\n")
        file.chmod(0o600)
        result = CliRunner().invoke(command, ["--json"], env=bed.environment | {"CPAR_SETTINGS": str(file)})
        outcome: list[dict[str, str]] = json.loads(result.stdout)["checks"]
        return {one["name"]: one for one in outcome if one["name"] in CHECKS}

    return look


def levels(found: dict[str, dict[str, str]]) -> dict[str, str]:
    return {name: one["level"] for name, one in found.items() if one["level"] != "ok"}


def test_by_the_book_everything_that_browsers_get_is_right_and_found_from_nginxs_files(
    bed: Bed, doctor: Doctor
) -> None:
    questions = len(bed.oscar.log())
    report = doctor()
    assert (tuple(report), levels(report)) == (CHECKS, {})
    assert bed.site in report["browser-address"]["message"]
    assert len(bed.oscar.log()) - questions <= 1, "only the check of REST leaves a line in OSCAR's log"


def test_without_the_line_in_server_xml_pages_and_cookie_are_reported_with_that_line(bed: Bed, doctor: Doctor) -> None:
    bed.restart_nginx(oscar_server=bed.oscar.plain_url.removesuffix("/oscar"))
    report = doctor(oscar_url=bed.oscar.plain_url)
    assert levels(report) == {"base-href": "failure", "session-cookie": "warning"}
    assert "RemoteIpValve" in report["base-href"]["remedy"]


def test_a_block_as_nginx_has_it_by_default_is_reported_with_what_it_needs(bed: Bed, doctor: Doctor) -> None:
    bed.restart_nginx(
        oscar_server=bed.oscar.plain_url.removesuffix("/oscar"), for_oscar="proxy_set_header Host $http_host;"
    )
    report = doctor(oscar_url=bed.oscar.plain_url)
    wrong = {"redirects": "failure", "base-href": "failure", "session-cookie": "warning", "client-address": "warning"}
    assert levels(report) == wrong
    assert "proxy_http_version 1.1" in report["redirects"]["remedy"]
    assert "X-Forwarded-For $remote_addr" in report["client-address"]["remedy"]


@pytest.mark.parametrize("more", [{"log_format": "combined"}, {"headers": "error_log /dev/null info;"}])
def test_a_log_that_would_hold_whole_addresses_of_ours_is_reported(
    bed: Bed, doctor: Doctor, more: dict[str, str]
) -> None:
    bed.restart_nginx(**more)
    report = doctor()
    assert levels(report) == {"nginx-log": "warning"}
    assert "cpar_site" in report["nginx-log"]["remedy"]


def test_where_tls_was_there_before_nothing_is_asked_of_tomcat(bed: Bed, doctor: Doctor) -> None:
    bed.restart_nginx(oscar_server=bed.oscar.secure_url.removesuffix("/oscar"), for_oscar=FOR_OSCAR)
    assert levels(doctor(oscar_url=bed.oscar.secure_url)) == {}


def test_scripts_that_nginx_does_not_put_into_the_pages_are_reported(bed: Bed, doctor: Doctor) -> None:
    bed.restart_nginx("--into-page", "append")
    assert levels(doctor()) == {"record-script": "warning", "menu-script": "warning"}


@pytest.mark.parametrize(
    ("settings", "level", "remedy"),
    [
        ({"nginx_file": "/no/such/file"}, "warning", "Set oscar_browser_url"),
        ({"oscar_browser_url": "https://127.0.0.1:9/oscar"}, "warning", "oscar_browser_url"),
        ({"oscar_ca_file": ""}, "warning", "oscar_ca_file"),
    ],
)
def test_an_address_that_is_not_known_or_does_not_answer_is_reported_and_no_more_is_asked(
    doctor: Doctor, settings: dict[str, str], level: str, remedy: str
) -> None:
    report = doctor(**settings)
    assert levels(report) == {"browser-address": level}
    assert len(report) == 1
    assert remedy in report["browser-address"]["remedy"]


def test_a_block_without_our_part_is_reported(bed: Bed, doctor: Doctor) -> None:
    bed.restart_nginx("--own-database", "another")  # a folder of files of its own
    part = bed.folder / "own-database-another/nginx-server.conf"
    text = part.read_text()
    part.write_text("")
    bed.restart_nginx("--own-database", "another")
    report = doctor(oscar_browser_url=f"{bed.site}/oscar")
    part.write_text(text)
    assert levels(report) == {"browser-address": "failure"}
    assert "nginx-server.conf" in report["browser-address"]["remedy"]
