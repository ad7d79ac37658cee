"""The page of the night: what those who operate a fleet see, and who sees it."""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import requests
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Browser, expect

from cpar_plugin import settings as plugin_settings
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.submissions import night_run
from cpar_plugin.services.submissions.run import run_due
from oscar_host.fleet.draining import mark
from oscar_host.fleet.night.pages import create_app
from oscar_host.fleet.night.readings import NightReadings

from ..browser import look, new_page, watch
from ..conftest import ALBERTA
from ..serving import serving
from ..waiting import PATIENCE
from .conftest import Folder, MakeDatabase, fill

CPAR = Path(sys.executable).with_name("cpar")
NIGHT = "2026-11-07T03:20"
CLOCK = FixedClock(datetime(2026, 11, 7, 3, 20, tzinfo=ALBERTA))


def add(folder: Folder, new_database: MakeDatabase, name: str, *, patients: int = 2, **settings: str) -> None:
    url = new_database()
    fill(url, patients=patients)
    folder.add(name, database_url=url, now=NIGHT, **settings)


def run_night(folder: Folder, *names: str) -> None:
    for name in names:
        with folder.read().read().clinic(name).open() as host:
            run_due(host, plugin_settings.load(host.settings), host.clock.now())


@contextmanager
def night(folder: Folder, *, proxy: str = "") -> Iterator[Flask]:
    """The application, once every clinic has been read or attempted."""
    readings = NightReadings(folder.read(), CLOCK, every_seconds=0.2)
    readings.start()
    names = folder.read().read().clinics

    def is_read(gathered: NightReadings) -> bool:
        return all(gathered.of(name).counts or gathered.of(name).unreadable_since for name in names)

    assert readings.wait(is_read, PATIENCE)
    try:
        yield create_app(readings, proxy=proxy)
    finally:
        readings.stop()


def text_of(client: FlaskClient, address: str = "/?show=all") -> str:
    response = client.get(address)
    assert response.status_code == 200
    return " ".join(response.text.split())


def line(page: str, name: str) -> str:
    start = page.index(f'data-label="Clinic">{name}<')
    return page[start : page.index("</tr>", start)]


def test_each_clinic_has_a_line_with_its_state_and_what_needs_doing(folder: Folder, new_database: MakeDatabase) -> None:
    add(folder, new_database, "north")
    add(folder, new_database, "south", transport="fhir", registry_url="http://127.0.0.1:1/fhir")
    add(folder, new_database, "east", patients=0)
    run_night(folder, "north", "south", "east")
    folder.add("west", database_url="postgresql://nowhere/x")
    with night(folder) as app:
        page = text_of(app.test_client())
    assert "<dt>Clinics</dt><dd>4</dd>" in page
    assert "<dt>Panels</dt><dd>3</dd>" in page
    assert "<dt>Sent</dt><dd>1</dd>" in page
    assert "<dt>Retry scheduled</dt><dd>1</dd>" in page
    assert "Finished" in line(page, "north")
    assert "Panels that will be tried again: 1." in line(page, "south")
    assert "Wrong settings" in line(page, "west")
    assert "use SQLite or MariaDB" in line(page, "west")
    assert "Nothing due" in line(page, "east")
    assert page.index(">west<") < page.index(">south<") < page.index(">north<")


def test_no_page_names_a_patient_a_provider_or_a_panel(folder: Folder, new_database: MakeDatabase) -> None:
    add(folder, new_database, "north")
    add(folder, new_database, "south", transport="fhir", registry_url="http://127.0.0.1:1/fhir")
    run_night(folder, "north", "south")
    with night(folder) as app:
        page = text_of(app.test_client()) + app.test_client().get("/metrics").text
    for name in ("0042", "Doctor", "100000000", "Example Clinic", "0001"):
        assert name not in page


def test_how_long_yet_is_estimated_from_the_pace_of_this_night(folder: Folder, new_database: MakeDatabase) -> None:
    urls = [new_database() for _ in range(4)]
    for number, url in enumerate(urls):
        fill(url)
        folder.add(f"clinic-{number}", database_url=url, now=NIGHT)
    run_night(folder, "clinic-0", "clinic-1")
    for name in ("clinic-2", "clinic-3"):
        with folder.read().read().clinic(name).open() as host:
            night_run.begin(host, plugin_settings.load(host.settings), host.clock.now())
    for number, url in enumerate(urls):
        folder.add(f"clinic-{number}", database_url=url, now="2026-11-07T03:30")
    with night(folder) as app:
        page = text_of(app.test_client(), "/")
    assert "<dt>In progress</dt><dd>2</dd>" in page
    assert "<dd>About 10 min, until Nov 7, 2026, 3:30 AM</dd>" in page  # two in ten minutes
    assert "The earliest night run still in progress began Nov 7, 2026, 3:20 AM." in page


def test_before_anything_has_finished_it_is_not_known_how_long_yet(folder: Folder, new_database: MakeDatabase) -> None:
    add(folder, new_database, "north")
    with folder.read().read().clinic("north").open() as host:
        night_run.begin(host, plugin_settings.load(host.settings), host.clock.now())
    with night(folder) as app:
        assert "Not known: no panel has finished in the last 15 minutes" in text_of(app.test_client())


def test_a_dead_database_is_shown_as_unreachable_since_when_and_holds_nothing_up(
    folder: Folder, new_database: MakeDatabase
) -> None:
    add(folder, new_database, "north")
    run_night(folder, "north")
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes connections, and says nothing
        port = silent.getsockname()[1]
        for number in range(6):
            folder.add(f"dead-{number}", database_url=f"mysql+pymysql://cpar@127.0.0.1:{port}/cpar{number}")
        with night(folder) as app:
            page = text_of(app.test_client())
            assert "Finished" in line(page, "north")
            for number in range(6):
                assert "Database unreachable since Nov 7, 2026, 3:20 AM" in line(page, f"dead-{number}")
            assert "cpar fleet doctor dead-0" in line(page, "dead-0")


def test_a_database_that_goes_away_keeps_its_last_numbers(
    folder: Folder, tmp_path: Path, database_kind: str, new_database: MakeDatabase
) -> None:
    add(folder, new_database, "north")
    run_night(folder, "north")
    readings = NightReadings(folder.read(), CLOCK, every_seconds=0.2)
    readings.start()
    try:
        assert readings.wait(lambda all_of: all_of.of("north").counts is not None, PATIENCE)
        (folder.clinics / "north.ini").write_text("[cp")  # as somebody writes it
        assert readings.wait(lambda all_of: "north" in all_of.clinics.read().wrong, PATIENCE)
        readings.wait(lambda _: False, 2)  # the round that sees it
        folder.add("north", database_url="mysql+pymysql://cpar@127.0.0.1:1/gone", now=NIGHT)
        assert readings.wait(lambda all_of: all_of.of("north").unreadable_since is not None, PATIENCE)
        page = text_of(create_app(readings).test_client())
    finally:
        readings.stop()
    assert "Database unreachable since" in line(page, "north")
    assert 'data-label="Sent">1<' in line(page, "north")
    assert "Numbers of Nov 7, 2026, 3:20 AM." in line(page, "north")


def test_a_database_without_tables_names_the_command_that_makes_them(folder: Folder, tmp_path: Path) -> None:
    folder.add("north", database_url=f"sqlite:///{tmp_path}/empty.db")
    with night(folder) as app:
        page = text_of(app.test_client())
    assert "Tables missing" in line(page, "north")
    assert "cpar fleet migrate north" in line(page, "north")


def test_a_clinic_added_or_removed_appears_and_disappears_without_a_restart(
    folder: Folder, new_database: MakeDatabase
) -> None:
    add(folder, new_database, "north")
    readings = NightReadings(folder.read(), CLOCK, every_seconds=0.2)
    readings.start()
    try:
        add(folder, new_database, "south")
        assert readings.wait(lambda all_of: all_of.of("south").counts is not None, PATIENCE)
        (folder.clinics / "north.ini").unlink()
        mark(folder.clinics, "south")
        # While another thread looks at the folder, the page has what it was before.
        assert readings.wait(lambda all_of: all_of.clinics.read().draining == {"south"}, PATIENCE)
        page = text_of(create_app(readings).test_client())
    finally:
        readings.stop()
    assert ">north<" not in page
    assert "Draining" in line(page, "south")


def test_it_refreshes_itself_until_its_reader_stops_that(folder: Folder) -> None:
    with night(folder) as app:
        client = app.test_client()
        assert client.get("/").headers["Refresh"] == "15"
        stopped = client.get("/?refresh=off")
        assert "Refresh" not in stopped.headers
        assert "Refresh every 15 seconds" in stopped.text
        assert "<script" not in stopped.text


@pytest.mark.parametrize(
    ("peer", "host", "expected"),
    [
        ("127.0.0.1", "127.0.0.1:8090", 200),
        ("127.0.0.1", "localhost", 200),
        ("::1", "[::1]:8090", 200),
        ("10.0.0.7", "127.0.0.1:8090", 403),
        ("127.0.0.1", "night.example", 403),
        ("127.0.0.1", "localhost.example:8090", 403),
    ],
)
@pytest.mark.parametrize("path", ["/", "/metrics", "/static/night.css"])
def test_without_a_proxy_only_this_machine_is_answered(
    folder: Folder, peer: str, host: str, expected: int, path: str
) -> None:
    with night(folder) as app:
        response = app.test_client().get(path, headers={"Host": host}, environ_overrides={"REMOTE_ADDR": peer})
    assert response.status_code == expected


@pytest.mark.parametrize(
    ("peer", "headers", "expected"),
    [
        ("10.0.0.7", {"X-Client-Verify": "SUCCESS"}, 200),
        ("10.0.0.7", {"X-Client-Verify": "NONE"}, 403),
        ("10.0.0.7", {"X-Client-Verify": "FAILED:expired"}, 403),
        ("10.0.0.7", {}, 403),
        ("10.0.0.8", {"X-Client-Verify": "SUCCESS"}, 403),
        ("127.0.0.1", {"X-Client-Verify": "SUCCESS"}, 403),
        ("127.0.0.1", {"X-Client-Verify": "SUCCESS", "X-Forwarded-For": "10.0.0.7"}, 403),
    ],
)
def test_behind_a_proxy_only_its_word_for_a_client_certificate_counts(
    folder: Folder, peer: str, headers: dict[str, str], expected: int
) -> None:
    with night(folder, proxy="10.0.0.7") as app:
        response = app.test_client().get(
            "/", headers={"Host": "night.example", **headers}, environ_overrides={"REMOTE_ADDR": peer}
        )
    assert response.status_code == expected


def test_it_opens_nothing_of_a_clinic_and_sets_no_cookie(folder: Folder, new_database: MakeDatabase) -> None:
    add(folder, new_database, "north")
    with night(folder) as app:
        client = app.test_client()
        assert "Set-Cookie" not in client.get("/").headers
        for path in ("/north/cpar/", "/oscar/cpar/panels", "/panels", "/fhir/metadata"):
            assert client.get(path).status_code == 404
        assert client.post("/").status_code == 405


def test_a_file_with_an_odd_name_takes_neither_page_nor_metrics_away(folder: Folder) -> None:
    (folder.clinics / os.fsdecode(b"na\xefve.ini")).write_text("")
    with night(folder) as app:
        assert "na\\udcefve" in line(text_of(app.test_client()), "na\\udcefve")
        assert 'cpar_clinic_up{clinic="na\\\\udcefve"} 0.0' in app.test_client().get("/metrics").text


@pytest.mark.parametrize(
    ("accepted", "content_type", "parser"),
    [
        ("", "text/plain", "prometheus_client.parser"),
        (
            "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5",
            "application/openmetrics-text",
            "prometheus_client.openmetrics.parser",
        ),
    ],
    ids=["text", "OpenMetrics"],
)
def test_prometheus_reads_the_same_numbers(
    folder: Folder, new_database: MakeDatabase, accepted: str, content_type: str, parser: str
) -> None:
    add(folder, new_database, "north")
    add(folder, new_database, "south", transport="fhir", registry_url="http://127.0.0.1:1/fhir")
    run_night(folder, "north", "south")
    folder.add("dead", database_url="mysql+pymysql://cpar@127.0.0.1:1/gone")
    with night(folder) as app:
        response = app.test_client().get("/metrics", headers={"Accept": accepted})
    assert response.content_type.startswith(content_type)
    samples: dict[tuple[str, Any, Any], float] = {
        (one.name, one.labels.get("clinic"), one.labels.get("state")): one.value
        for family in import_module(parser).text_string_to_metric_families(response.text)
        for one in family.samples
    }
    assert samples["cpar_clinic_up", "north", None] == 1
    assert samples["cpar_clinic_up", "dead", None] == 0
    assert samples["cpar_clinic_panels", "north", None] == 1
    assert samples["cpar_clinic_night_panels", "north", "delivered"] == 1
    assert samples["cpar_clinic_night_panels", "south", "retried"] == 1
    assert samples["cpar_fleet_clinics", None, "unreadable"] == 1
    assert samples["cpar_fleet_panels_in_progress", None, None] == 0
    assert samples["cpar_clinic_night_run_timestamp_seconds", "north", None] == CLOCK.now().timestamp()


@pytest.mark.databases("one")
def test_the_page_is_plain_fits_each_width_and_is_used_by_keyboard(
    folder: Folder, new_database: MakeDatabase, chromium: Browser
) -> None:
    add(folder, new_database, "north")
    add(folder, new_database, "a-clinic-with-a-rather-long-name-in-the-fleet", patients=0)
    add(folder, new_database, "south", transport="fhir", registry_url="http://127.0.0.1:1/fhir")
    run_night(folder, "north", "south")
    folder.add("dead", database_url="mysql+pymysql://cpar@127.0.0.1:1/gone")
    folder.add("wrong", database_url="postgresql://nowhere/x")
    complaints: list[str] = []
    with night(folder) as app, serving(app) as site:
        page = new_page(chromium, base_url=site)
        watch(page, complaints)
        page.goto("/?show=all&refresh=off")
        look(page, "fleet-night")
        page.set_viewport_size({"width": 1280, "height": 800})
        page.goto("/?show=all")
        names = []
        for _ in range(4):
            page.keyboard.press("Tab")
            names.append(page.evaluate("document.activeElement.textContent"))
        assert names == ["Stop refreshing", "Now", "Needs attention (3)", "All clinics"]
        page.keyboard.press("Shift+Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/?show=attention")
        expect(page.get_by_role("row")).to_have_count(4)
        page.context.close()
    assert complaints == []


def test_the_command_serves_it_on_this_machine(folder: Folder) -> None:
    command = [CPAR, "fleet", "night", "--port", "0"]
    environment = os.environ | {"CPAR_FLEET": str(folder.file)}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            said = process.stdout.readline()
            address = re.search(r"http://127\.0\.0\.1:\d+/", said)
            assert address, said
            assert "The fleet has no clinics yet" in requests.get(f"{address[0]}?show=all", timeout=60).text
        finally:
            process.terminate()
    assert process.returncode == 0


@pytest.mark.parametrize("address", ["0.0.0.0", "10.0.0.7", "emr.example"])
def test_the_command_refuses_an_address_that_others_reach_without_a_proxy(folder: Folder, address: str) -> None:
    result = subprocess.run(
        [CPAR, "fleet", "night", "--address", address],
        env=os.environ | {"CPAR_FLEET": str(folder.file)},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 2
    assert "name the proxy that verifies client certificates" in result.stderr
