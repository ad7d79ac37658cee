"""The pages about coverage: the list, on paper and as a file, the box, the panel's page, check-in, and turned off."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask

from cpar_plugin.hooks import Plugins
from cpar_plugin.services.panels import one_patient
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from ..browser import OpenTab, no_findings, picture, resize
from ..conftest import NOW, place_of_the_emr
from .conftest import MANAGER, Person

pytestmark = pytest.mark.databases("one")

place = place_of_the_emr

TODAY = NOW.date()
PRINTED = ("coverage-print", "/cpar/coverage/print")


def text_of(answer: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", answer.get_data(as_text=True)))


def person_at(host: OscarHost, **settings: str) -> Person:
    """A manager of the same clinic with other settings."""
    plugins = Plugins()
    plugins.load_installed()
    return Person(create_app(replace(host, settings={**host.settings, **settings}), plugins), MANAGER)


@pytest.fixture
def member(host: OscarHost, oscar: Any, panel: int) -> Callable[..., int]:
    def make(name: str, **columns: Any) -> int:
        patient_id: int = oscar.patient(last_name=name, hin="", provider_no="101", **columns)
        one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
        return patient_id

    return make


@pytest.fixture
def clinic(member: Callable[..., int], oscar: Any) -> dict[str, int]:
    members = {
        "ended": member("Ended", hc_renew_date=TODAY - timedelta(days=10)),
        "soon": member("Soon", hc_renew_date=TODAY + timedelta(days=20), ver="AB"),
        "later": member("Later", eff_date=TODAY + timedelta(days=5)),
        "useless": member("Useless", hc_renew_date=date(9999, 12, 31)),
        "current": member("Current", hc_renew_date=TODAY + timedelta(days=400)),
    }
    oscar.visit(members["ended"], TODAY + timedelta(days=2), status="t")
    return members


def test_the_list_shows_who_to_look_at_by_date_with_the_next_appointment(
    clinic: dict[str, int], manager: Any, panel: int
) -> None:
    page = manager.get(f"/cpar/panels/{panel}/coverage")
    words = text_of(page)
    assert re.findall(r"ENDED|LATER|SOON|USELESS|CURRENT", words) == ["ENDED", "LATER", "SOON", "USELESS"]
    assert "Oct 31, 2026 Nov 12, 2026" in words
    assert "from Nov 15, 2026 None" in words
    unknown = text_of(manager.get(f"/cpar/panels/{panel}/coverage?show=unknown"))
    assert "USELESS" in unknown
    assert "9999-12-31" in unknown
    assert "ENDED" in text_of(manager.get("/cpar/coverage"))


def test_the_file_and_the_paper_hold_what_the_list_has_found(clinic: dict[str, int], manager: Any, panel: int) -> None:
    file = manager.get(f"/cpar/panels/{panel}/coverage/export?show=ended")
    assert f"coverage-panel-0042-{TODAY}.csv" in file.headers["Content-Disposition"]
    head, *rows = file.get_data(as_text=True).lstrip("\ufeff").splitlines()
    assert head.endswith("Coverage,Coverage begins,Coverage ends,Version of the card,Next appointment")
    assert [row.split(",")[1] for row in rows] == ["Ended"]
    assert rows[0].endswith("Ended,,2026-10-31,,2026-11-12")
    paper = text_of(manager.get("/cpar/coverage/print"))
    assert re.findall(r"ENDED|LATER|SOON|USELESS|CURRENT", paper) == ["ENDED", "LATER", "SOON", "USELESS"]


def test_a_search_is_posted_and_stays_out_of_the_address(clinic: dict[str, int], manager: Any, panel: int) -> None:
    answer = manager.post(f"/cpar/panels/{panel}/coverage", text="soon", show="")
    assert answer.status_code == 303
    assert "soon" not in answer.location
    words = text_of(manager.get(answer.location))
    assert "SOON" in words
    assert "ENDED" not in words


@pytest.mark.parametrize("query", ["show=over", "sort=phn", "sort=--date", "page=x"])
def test_what_the_page_does_not_offer_is_refused(clinic: dict[str, int], manager: Any, panel: int, query: str) -> None:
    assert manager.get(f"/cpar/panels/{panel}/coverage?{query}").status_code == 422


def test_a_panel_that_is_not_there_has_no_list(clinic: dict[str, int], manager: Any) -> None:
    for verb in ("", "/print", "/export"):
        assert manager.get(f"/cpar/panels/999/coverage{verb}").status_code == 404


def test_the_box_the_panels_page_and_check_in_say_it(
    host: OscarHost, clinic: dict[str, int], oscar: Any, manager: Any, reception: Any, panel: int
) -> None:
    page = text_of(manager.get(f"/cpar/panels/{panel}"))
    assert "Coverage: 1 ended, 1 ending soon, 1 not begun, 1 unknown." in page
    patient = oscar.patient(last_name="Fine", hin="100000001", hc_renew_date=TODAY - timedelta(days=10))
    oscar.visit(patient)
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    box = text_of(reception.get(f"/cpar/patients/{patient}/panel"))
    assert "Will be submitted, but check: Health care coverage has ended (Oct 31, 2026)." in box
    assert "EMR field: Health Card Renew Date." in box
    oscar.visit(patient, TODAY, "16:00", "t")
    desk = text_of(reception.get("/cpar/check-in"))
    assert "Health care coverage has ended (Oct 31, 2026)." in desk
    assert "Please show your health card at the front desk." in text_of(reception.get("/cpar/check-in/slips"))


def test_with_the_setting_exclude_the_patient_is_excluded_for_that_reason(
    host: OscarHost, clinic: dict[str, int], oscar: Any, panel: int
) -> None:
    patient = oscar.patient(last_name="Fine", hin="100000001", hc_renew_date=TODAY - timedelta(days=10))
    oscar.visit(patient)
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    manager = person_at(host, coverage="exclude")
    box = text_of(manager.get(f"/cpar/patients/{patient}/panel"))
    assert "Will be excluded from the next submission. Health care coverage has ended (Oct 31, 2026)." in box
    assert "Health care coverage has ended" in text_of(manager.get("/cpar/exclusions"))


def test_turned_off_nothing_is_said_and_the_list_is_not_there(
    host: OscarHost, clinic: dict[str, int], panel: int
) -> None:
    manager = person_at(host, coverage="off")
    assert "Coverage" not in text_of(manager.get(f"/cpar/panels/{panel}"))
    assert "Coverage" not in text_of(manager.get("/cpar/panels"))
    answer = manager.get("/cpar/coverage")
    assert answer.status_code == 404
    assert "Coverage is turned off here" in text_of(answer)


def test_the_pages_look_right_in_every_width(app: Flask, clinic: dict[str, int], panel: int, open_tab: OpenTab) -> None:
    tab = open_tab(MANAGER)
    for name, address in (
        ("coverage", f"/cpar/panels/{panel}/coverage"),
        ("coverage-clinic", "/cpar/coverage"),
        PRINTED,
    ):
        for width in (390, 800, 1280):
            resize(tab, width, 900)
            tab.goto(address)
            assert tab.evaluate("document.documentElement.scrollWidth") <= width
            no_findings(tab, f"{name}, {width} pixels wide")
            picture(tab, f"{name}-{width}")
