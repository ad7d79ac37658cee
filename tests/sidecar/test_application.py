"""The pages beside OSCAR: where they are, what they look like, and where they lead."""

import datetime as dt
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests
from click.testing import CliRunner
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import select

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.host_kit.application import CONTENT_SECURITY_POLICY
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.store.tables import operation
from oscar_host.host import OscarHost
from oscar_host.install.command import command
from oscar_host.sidecar.settings import load

from ..browser import PATIENCE, look, watch
from ..serving import serving
from .conftest import CONTEXT_PATH, DOCTOR, MANAGER, Beside, Person
from .stand_in import ME, Answer, StandIn

pytestmark = pytest.mark.databases("one")

NewPerson = Callable[[str | None], Person]
KEY = "0123456789abcdef" * 4


def test_a_user_who_is_signed_in_to_oscar_opens_the_pages(person: NewPerson) -> None:
    answer = person("manager").get("/panels")
    assert answer.status_code == 200
    assert "Penner, Ada" in answer.text
    assert 'href="/oscar/cpar/panels"' in answer.text


def test_every_page_is_guarded(person: NewPerson) -> None:
    for path in ("/", "/panels", "/sign-in", "/no-such-page"):
        headers = person("manager").get(path).headers
        assert headers["Content-Security-Policy"] == CONTENT_SECURITY_POLICY
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("cookie", "status"), [("manager", 200), ("cpar-role", 200), ("doctor", 403), ("no-rights", 403)]
)
def test_rights_are_those_of_oscars_roles(person: NewPerson, cookie: str, status: int) -> None:
    assert person(cookie).get("/panels").status_code == status


def addresses(app: Flask) -> Iterator[tuple[str, str]]:
    """Every address with a method that it takes; numbers are 1."""
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.endswith("static"):
            for method in sorted((rule.methods or set()) & {"GET", "POST"}):
                yield method, re.sub(r"<[^>]*:?\w+>", "1", rule.rule)


DEFINITIONS = (
    "Basic",
    "CodeSystem",
    "ImplementationGuide",
    "OperationDefinition",
    "SearchParameter",
    "StructureDefinition",
    "ValueSet",
)
OPEN_TO_ALL = {
    "/sign-in",
    *("/fhir/metadata", "/fhir/openapi.json", "/fhir/.well-known/smart-configuration"),
    *(f"/fhir/{kind}{search}" for kind in DEFINITIONS for search in ("", "/_search")),
}


@pytest.mark.parametrize("cookie", [None, "no-rights"])
def test_no_address_opens_to_someone_without_rights(app: Flask, person: NewPerson, cookie: str | None) -> None:
    somebody = person(cookie)
    opened, asked = set(), 0
    for method, path in addresses(app):
        answer = somebody.get(path) if method == "GET" else somebody.post(path)
        asked += 1
        if answer.ok and answer.text and not answer.is_redirect:
            opened.add(path)
    assert asked > 50
    # The check-in list shows only patients whom they may see: here none.
    assert opened - OPEN_TO_ALL == ({"/", "/check-in", "/check-in/slips"} if cookie else set())


def test_outside_of_the_context_path_there_is_nothing(site: str, person: NewPerson) -> None:
    session = person("manager").session
    for path in ("/", "/panels", "/oscar", "/oscar/", "/oscar/panels", "/oscar/cparx/panels"):
        assert session.get(f"{site}{path}", allow_redirects=False, timeout=60).status_code == 404


def test_another_context_path_moves_everything(beside: Beside) -> None:
    app = beside(context_path="/emr7/panels")
    with serving(app) as site:
        session = requests.Session()
        session.cookies.set("JSESSIONID", "manager")
        page = session.get(f"{site}/emr7/panels/cpar/panels", timeout=60)
        assert page.status_code == 200
        assert 'href="/emr7/panels/cpar/panels"' in page.text
        [style] = re.findall(r'<link rel="stylesheet" href="(/emr7/panels/frame[^"]+)"', page.text)
        assert session.get(f"{site}{style}", timeout=60).status_code == 200


def test_the_files_of_the_frame_and_of_the_plugin_are_both_there(person: NewPerson, site: str) -> None:
    page = person("manager").get("/panels").text
    files = re.findall(r'(?:href|src)="(/oscar/cpar/(?:frame|static)/[^"]+)"', page)
    assert {name.rpartition("/")[2].partition("?")[0] for name in files} >= {"sidecar.css", "icon.svg", "cpar.css"}
    for file in files:
        assert requests.get(f"{site}{file}", timeout=60).status_code == 200


def test_the_beginning_leads_to_what_one_may_open(person: NewPerson) -> None:
    assert "CPAR Panel Management" in person("cpar-role").get().text
    assert "CPAR Panel Management" not in person("doctor").get().text
    assert "Check-in" in person("doctor").get().text
    assert person(None).get().headers["Location"] == "/oscar/cpar/sign-in?next=%2Foscar%2Fcpar%2F"


def test_a_patient_has_the_page_in_oscar(person: NewPerson, oscar: Any, panel: int) -> None:
    patient = oscar.patient()
    page = person("doctor").get(f"/patients/{patient}/panel").text
    master_record = (
        f"/oscar/demographic/demographiccontrol.jsp?demographic_no={patient}&displaymode=edit&dboperation=search_detail"
    )
    assert master_record in page.replace("&amp;", "&")


def test_a_form_of_the_widget_leads_back_to_oscars_page_of_the_patient(
    person: NewPerson, oscar: Any, panel: int
) -> None:
    patient = oscar.patient()
    somebody = person("doctor")
    token = re.search(r'name="csrf_token" value="([^"]+)"', somebody.get(f"/patients/{patient}/widget").text)
    assert token
    answer = somebody.post(
        f"/patients/{patient}/choose", data={"csrf_token": token[1], "panel_id": panel, "seen_panel_id": ""}
    )
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/oscar/demographic/demographiccontrol.jsp?demographic_no=")
    assert "0042" in somebody.get(f"/patients/{patient}/widget").text


def test_a_form_of_another_site_changes_nothing(person: NewPerson, oscar: Any, panel: int) -> None:
    patient = oscar.patient()
    somebody = person("doctor")
    answer = somebody.post(f"/patients/{patient}/choose", data={"panel_id": panel, "seen_panel_id": ""})
    assert answer.status_code == 400
    assert "Not Paneled" in somebody.get(f"/patients/{patient}/widget").text


@pytest.mark.parametrize(
    ("site", "status"), [("same-origin", 303), ("none", 303), ("same-site", 400), ("cross-site", 400)]
)
def test_a_form_with_its_token_is_taken_unless_a_browser_says_that_another_site_has_sent_it(
    beside: Beside, oscar: Any, panel: int, site: str, status: int
) -> None:
    patient = oscar.patient()
    with serving(beside(trusted_proxies="1")) as address:
        somebody = Person(address, "doctor")
        somebody.session.headers["X-Forwarded-Proto"] = "https"
        token = re.search(r'name="csrf_token" value="([^"]+)"', somebody.get(f"/patients/{patient}/widget").text)
        assert token
        answer = somebody.post(
            f"/patients/{patient}/choose",
            data={"csrf_token": token[1], "panel_id": panel, "seen_panel_id": ""},
            headers={"Sec-Fetch-Site": site, "Origin": "null"},
        )
        assert answer.status_code == status
        assert ("Not Paneled" in somebody.get(f"/patients/{patient}/widget").text) == (status == 400)


@pytest.mark.parametrize(
    ("path", "status", "where"),
    [("/nowhere", 404, "afterbegin"), ("/bulk/1/undo", 405, "afterbegin"), ("/panels/999", 404, "innerHTML")],
)
def test_to_a_script_every_fault_is_one_sentence_and_no_page(
    person: NewPerson, path: str, status: int, where: str
) -> None:
    answer = person("manager").get(path, headers={"HX-Request": "true"})
    assert answer.status_code == status
    assert answer.headers["HX-Reswap"] == where
    assert 'role="alert"' in answer.text
    assert "<html" not in answer.text


def test_a_user_who_is_signed_out_learns_where_to_sign_in_and_gets_on_from_there(
    person: NewPerson, standing_in: StandIn, clock: FixedClock
) -> None:
    somebody = person("later")
    sign_in = somebody.get("/panels").headers["Location"].removeprefix(CONTEXT_PATH)
    page = somebody.get(sign_in)
    assert page.status_code == 200
    assert 'href="/oscar/" target="_blank" rel="noopener"' in page.text
    assert 'href="/oscar/cpar/sign-in?next=/oscar/cpar/panels"' in page.text
    standing_in.sessions["later"] = MANAGER
    assert "wait 15 seconds" in somebody.get(sign_in).text
    clock.move_to(clock.now() + dt.timedelta(seconds=15))
    answer = somebody.get(sign_in)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/oscar/cpar/panels")


def test_a_script_is_asked_to_leave_the_page_when_the_session_has_ended(person: NewPerson) -> None:
    answer = person("gone").get("/patients/1/widget", headers={"HX-Request": "true"})
    assert answer.status_code == 204
    assert answer.headers["HX-Redirect"].startswith("/oscar/cpar/sign-in?next=")


def test_a_form_is_carried_out_as_the_user_who_opened_it_and_as_no_one_else(
    person: NewPerson, host: OscarHost, oscar: Any, panel: int
) -> None:
    browser, patient = person("doctor"), oscar.patient()
    opened = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(f"/patients/{patient}/widget").text)
    assert opened
    form = {"csrf_token": opened[1], "panel_id": panel, "seen_panel_id": ""}
    for cookie, status in (("manager", 409), ("gone", 403), ("doctor", 200)):
        browser.session.cookies.set("JSESSIONID", cookie, path="/oscar")
        if cookie != "gone":
            browser.get("/panels")  # forms that are opened now are theirs
        answer = browser.post(
            f"/patients/{patient}/choose", data=form, headers={"HX-Request": "true", "HX-Target": "cpar-widget"}
        )
        assert answer.status_code == status
        assert ("You are now signed in as Penner, Ada. " in answer.text) == (status == 409)
        assert ("You are signed out" in answer.text) == (status == 403)
    with host.database.engine.connect() as connection:
        by_people = select(operation.c.actor_id).where(operation.c.actor_id != host.identity.system.actor_id)
        assert connection.scalars(by_people).all() == [DOCTOR]


def test_an_oscar_at_another_address_is_where_its_links_lead(beside: Beside, oscar: Any) -> None:
    patient = oscar.patient()
    with serving(beside(oscar_address="https://emr.example/oscar/")) as site:
        page = Person(site, "doctor").get(f"/patients/{patient}/panel").text
    assert "https://emr.example/oscar/demographic/demographiccontrol.jsp?demographic_no=" in page


def test_no_page_says_anything_of_an_oscar_that_fails_but_that_it_does(person: NewPerson, standing_in: StandIn) -> None:
    standing_in.answers[ME] = lambda *_: Answer(500, "secret of the server")
    for path in ("/", "/panels", "/sign-in", "/no-such-page"):
        answer = person("manager").get(path)
        assert answer.status_code in (404, 503)
        assert "secret" not in answer.text
        assert standing_in.url not in answer.text


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"secret_key": ""}, "secret_key"),
        ({"secret_key": "short"}, "secret_key"),
        ({"oscar_url": ""}, "oscar_url"),
        ({"oscar_url": "oscar"}, "oscar_url"),
        ({"oscar_url": "http://oscar.example/oscar"}, "use https"),
        ({"oscar_url": "https://me:secret-word@oscar.example/oscar"}, "oscar_url"),
        ({"oscar_url": "https://oscar.example/oscar?x=secret-word"}, "oscar_url"),
        ({"oscar_address": "oscar"}, "oscar_address"),
        ({"oscar_address": "javascript:secret-word"}, "oscar_address"),
        ({"context_path": "cpar"}, "context_path"),
        ({"context_path": "/"}, "context_path"),
        ({"context_path": "/oscar/cpar/"}, "context_path"),
        ({"oscar_cookies": ""}, "oscar_cookies"),
        ({"oscar_cookies": "JSESSIONID; secret-word"}, "oscar_cookies"),
        ({"sign_in": "secret-word"}, "sign_in"),
        ({"sign_in": "password", "privileges": "rest"}, "privileges"),
        ({"privileges": "secret-word"}, "privileges"),
        ({"inside_networks": "10.0.0.0/8 secret-word"}, "inside_networks"),
        ({"trusted_proxies": "-1"}, "trusted_proxies"),
        ({"oscar_seconds": "0"}, "oscar_seconds"),
    ],
    ids=repr,
)
def test_a_wrong_setting_stops_the_start_with_its_name_and_never_its_value(wrong: dict[str, str], named: str) -> None:
    with pytest.raises(Refused, match=named) as refused:
        load({"secret_key": KEY, "oscar_url": "http://127.0.0.1:8080/oscar"} | wrong)
    assert "secret-word" not in str(refused.value)
    assert KEY not in repr(load({"secret_key": KEY, "oscar_url": "https://oscar.example/oscar"}))


@pytest.fixture
def tab(chromium: Browser, site: str) -> Iterator[Callable[[str | None], Page]]:
    """Opens a browser of its own with this value of OSCAR's cookie; no page may log an error or break the policy."""
    contexts = []
    complaints: list[str] = []

    def opened(cookie: str | None) -> Page:
        context = chromium.new_context(base_url=site, viewport={"width": 1280, "height": 800})
        contexts.append(context)
        if cookie:
            context.add_cookies([{"name": "JSESSIONID", "value": cookie, "domain": "127.0.0.1", "path": "/oscar"}])
        page = context.new_page()
        page.set_default_timeout(PATIENCE)
        watch(page, complaints)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def test_the_pages_look_right_in_a_browser(tab: Callable[[str | None], Page], panel: int) -> None:
    page = tab("manager")
    page.goto(f"{CONTEXT_PATH}/")
    look(page, "beside-oscar-home")
    page.get_by_role("main").get_by_role("link", name="CPAR Panel Management").click()
    look(page, "beside-oscar-panels")
    page.get_by_role("link", name="New Panel").click()
    page.wait_for_url("**/oscar/cpar/panels/new")


def test_the_way_to_sign_in_looks_right_in_a_browser(tab: Callable[[str | None], Page]) -> None:
    page = tab(None)
    page.goto(f"{CONTEXT_PATH}/panels")
    look(page, "beside-oscar-signed-out")


def test_every_page_has_a_name_in_nginx_log(app: Flask) -> None:
    printed = CliRunner().invoke(command, []).output
    known = [
        re.compile(result.replace(r"\$", "[$]"))
        for result in re.findall(r'^    "~(\^\(\?P<cpar_.+?)" \$', printed, re.M)
    ]

    def logged(path: str) -> str:
        return next((result[1] for pattern in known if (result := pattern.match(path))), "")

    firsts = {"/".join(path.split("/")[:2]).rstrip("/") for _, path in addresses(app)}
    assert {logged(f"/oscar/cpar{first}/7?x=y") for first in firsts} == {f"/oscar/cpar{first}" for first in firsts}
    kinds = {path.split("/")[2] for _, path in addresses(app) if path.startswith("/fhir/")} - {"", "1"}
    assert {logged(f"/fhir/{kind}/7?x=y") for kind in kinds} == {f"/fhir/{kind}" for kind in kinds}
    assert [logged("/oscar/cpar/987654321/panels"), logged("/fhir/987654321")] == ["/oscar/cpar", "/fhir"]
