"""Sign-in, search, Master Record and the frame of the embedded EMR."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert, select, update

from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost, open_host
from oscar_host.passwords import hashed

from ..conftest import Place
from ..signing_in import sign_in
from .conftest import Person

pytestmark = pytest.mark.databases("one")

PASSWORD = "a good password"


def _text(response: Any) -> str:
    return re.sub(r"\s+", " ", response.get_data(as_text=True))


@pytest.fixture
def account(emr: OscarHost, app: Flask) -> None:
    """The manager's row of `security`."""
    with emr.database.writing() as connection:
        connection.execute(
            insert(emr.tables.security).values(user_name="penner", password=hashed(PASSWORD), provider_no="301")
        )


def test_a_user_who_signs_in_comes_to_the_search_and_can_sign_out(account: None, nobody: Any) -> None:
    answer = nobody.post("/sign-in", user_name="penner", password=PASSWORD, next="/administration")
    assert (answer.status_code, answer.location) == (303, "/administration")
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie
    assert "Penner, Ada" in _text(nobody.get("/"))
    nobody.post("/sign-out")
    assert nobody.get("/").location.startswith("/sign-in")


def test_a_cookie_that_was_kept_opens_nothing_once_the_session_has_ended(
    account: None, app: Flask, emr: OscarHost, clock: FixedClock
) -> None:
    def sign_in() -> tuple[Person, Person]:
        person, thief = Person(app, None), Person(app, None)
        cookie = person.post("/sign-in", user_name="penner", password=PASSWORD).headers["Set-Cookie"]
        thief.client.set_cookie("oscar_embedded", cookie.partition("=")[2].partition(";")[0])
        assert "Penner, Ada" in _text(thief.get("/"))
        return person, thief

    person, thief = sign_in()
    person.post("/sign-out")
    assert thief.get("/").location.startswith("/sign-in")
    _, thief = sign_in()
    clock.move_to(clock.now() + timedelta(minutes=30))
    assert thief.get("/").status_code == 303
    _, thief = sign_in()
    with emr.database.writing() as connection:
        security = emr.tables.security
        connection.execute(
            update(security).where(security.c.user_name == "penner").values(password=hashed("a better password"))
        )
    assert thief.get("/").status_code == 303


@pytest.mark.parametrize("back_to", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\nb", ""])
def test_sign_in_leads_to_no_other_site(account: None, nobody: Any, back_to: str) -> None:
    assert nobody.post("/sign-in", user_name="penner", password=PASSWORD, next=back_to).location == "/"


@pytest.mark.parametrize(
    "entered",
    [("penner", "wrong"), ("nobody", PASSWORD), ("penner", ""), ("", ""), ("penner", "x" * 4000), ("🙈", "🙈")],
)
def test_a_wrong_name_or_password_is_refused_with_the_same_words(
    account: None, nobody: Any, entered: tuple[str, str]
) -> None:
    answer = nobody.post("/sign-in", user_name=entered[0], password=entered[1])
    assert answer.status_code == 422
    assert "The user name or password is incorrect" in _text(answer)
    assert nobody.get("/").status_code == 303


@pytest.mark.parametrize(
    "barred",
    [
        {"b_ExpireSet": 1, "date_ExpireDate": date(2026, 11, 9)},
        {"b_ExpireSet": 1, "date_ExpireDate": None},
        {"forcePasswordReset": 1},
        {"usingMfa": 1},
    ],
)
def test_an_account_that_is_barred_is_refused(
    account: None, emr: OscarHost, nobody: Any, barred: dict[str, Any]
) -> None:
    with emr.database.writing() as connection:
        connection.execute(update(emr.tables.security).values(**barred))
    assert nobody.post("/sign-in", user_name="penner", password=PASSWORD).status_code == 422


def test_a_password_that_the_emr_keeps_in_an_older_form_signs_in(account: None, emr: OscarHost, nobody: Any) -> None:
    with emr.database.writing() as connection:
        connection.execute(update(emr.tables.security).values(password="cleartext"))
    assert nobody.post("/sign-in", user_name="penner", password="cleartext").status_code == 303


@pytest.mark.databases("both")
def test_a_fork_without_second_factors_has_accounts_too(
    account: None, emr: OscarHost, place: Place, clock: FixedClock
) -> None:
    with emr.database.writing() as connection:
        for column in ("forcePasswordReset", "usingMfa"):
            connection.exec_driver_sql(f"ALTER TABLE {emr.tables.security.fullname} DROP COLUMN {column}")
    with open_host(place.url, host_schema=place.host_schema, clock=clock) as host:
        somebody = Person(create_app(host, Plugins()), None)
        assert somebody.post("/sign-in", user_name="penner", password=PASSWORD).status_code == 303
        assert somebody.get("/").status_code == 200


def test_an_account_that_expires_on_no_day_of_the_calendar_is_refused(
    account: None, emr: OscarHost, nobody: Any
) -> None:
    with emr.database.writing() as connection:
        connection.exec_driver_sql(
            f"UPDATE {emr.tables.security.fullname} SET b_ExpireSet = 1, date_ExpireDate = '0000-00-00'"
        )
    assert nobody.post("/sign-in", user_name="penner", password=PASSWORD).status_code == 422


def test_a_provider_who_is_no_longer_active_is_signed_out_at_once(
    account: None, emr: OscarHost, manager: Any, nobody: Any
) -> None:
    assert manager.get("/").status_code == 200
    with emr.database.writing() as connection:
        connection.execute(update(emr.tables.provider).values(status="0"))
    assert manager.get("/").status_code == 303
    assert nobody.post("/sign-in", user_name="penner", password=PASSWORD).status_code == 422


def test_after_five_wrong_passwords_a_name_has_to_wait_a_minute(account: None, nobody: Any, clock: FixedClock) -> None:
    for _ in range(5):
        nobody.post("/sign-in", user_name="penner", password="wrong")
    assert nobody.post("/sign-in", user_name="penner", password=PASSWORD).status_code == 429
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert nobody.post("/sign-in", user_name="penner", password=PASSWORD).status_code == 303


@pytest.mark.databases("both")
@pytest.mark.parametrize(
    ("search_text", "expected"),
    [
        ("zwi", ["ZWICKY"]),
        ("ZWICKY, q", ["ZWICKY"]),
        ("zwicky, x", []),
        ("98765-4321", ["ZWICKY"]),
        ("77", ["O&#39;NEIL"]),
        ("o'", ["O&#39;NEIL"]),
        ("%", []),
        ("_", []),
        ("icky", []),
        ("🙈", []),
        ("zwicky, 🙈", []),
    ],
)
def test_a_patient_is_found_by_the_beginning_of_the_name_phn_or_number(
    oscar: Any, reception: Any, search_text: str, expected: list[str]
) -> None:
    oscar.patient(last_name="Zwicky", first_name="Quirin", hin="987654321")
    oscar.patient(last_name="O'Neil", first_name="Ann", demographic_no=77, hin="111111111")
    page = _text(reception.see("/", search_text=search_text))
    assert [name for name in ("ZWICKY", "O&#39;NEIL") if f"{name}," in page] == expected


@pytest.mark.databases("both")
def test_many_patients_come_in_pages(oscar: Any, reception: Any) -> None:
    for number in range(30):
        oscar.patient(last_name=f"Same{number:02}")
    answer = reception.post("/", search_text="same").location
    first = _text(reception.get(answer))
    assert first.count("SAME") == 25
    assert "Next page" in first
    second = _text(reception.get(f"{answer}&page=1"))
    assert second.count("SAME") == 5
    assert "Previous page" in second
    assert reception.get(f"{answer}&page=nonsense").status_code == 200


@pytest.mark.databases("both")
def test_a_patient_that_someone_may_not_see_is_not_found(oscar: Any, reception: Any) -> None:
    patient = oscar.patient(last_name="Zwicky")
    oscar.privilege("receptionist", f"_demographic${patient}", "o")
    assert "ZWICKY" not in _text(reception.see("/", search_text="zwicky"))


@pytest.mark.databases("both")
def test_who_is_found_is_shown_with_mrp_and_panel(
    host: OscarHost, oscar: Any, reception: Any, panel: int, make_panel: Any
) -> None:
    patient, other = oscar.patient(last_name="Zwicky", provider_no="102"), oscar.patient(last_name="Zwicky")
    oscar.patient(last_name="Zwicky", provider_no="")
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    page = _text(reception.see("/", search_text="zwicky"))
    assert '<th scope="col">MRP</th> <th scope="col">Panel</th>' in page
    cells = re.findall(r"<td[^>]*>Active</td> <td[^>]*>([^<]*)</td> <td[^>]*>([^<]*)</td> <td[^>]*>(\d+)</td>", page)
    assert [cell for cell in cells if cell[2] in (str(patient), str(other))] == [
        ("Tremblay, Hélène", "0042", str(patient)),
        ("Okafor, Adaeze", "Not Paneled", str(other)),
    ]
    log = host.tables.log
    with host.database.engine.connect() as connection:
        looks = connection.execute(select(log.c.data).where(log.c.content == "cparPanelMember")).scalars().all()
    assert any(f"{patient} {other}" in look for look in looks)


@pytest.mark.databases("both")
def test_a_record_merged_away_is_not_found_and_not_shown(oscar: Any, reception: Any) -> None:
    retired, kept = oscar.patient(last_name="Old"), oscar.patient(last_name="New")
    oscar.merge(retired, kept)
    assert "Old" not in _text(reception.post("/", search_text="old"))
    assert reception.get(f"/patients/{retired}").status_code == 404


def test_the_master_record_shows_a_patient_with_nearly_nothing(oscar: Any, reception: Any) -> None:
    patient = oscar.patient(last_name="", first_name="", born="--", sex="", hin=None, provider_no=None)
    page = _text(reception.get(f"/patients/{patient}"))
    assert "(no name)" in page
    assert "Not Paneled" in page


def test_opening_a_record_is_written_to_the_log(host: OscarHost, oscar: Any, reception: Any) -> None:
    patient = oscar.patient()
    reception.get(f"/patients/{patient}")
    with host.database.engine.connect() as connection:
        row = connection.execute(select(host.tables.log).order_by(host.tables.log.c.id.desc())).first()
    assert row is not None
    assert (row.action, row.content, row.demographic_no, row.provider_no) == ("read", "demographic", patient, "201")


def test_the_administration_offers_its_own_pages_and_what_the_plugins_bring(
    manager: Any, reception: Any, cpar_role: Any
) -> None:
    own = [("Manage Role", ["Create New Role", "All Roles"]), ("User Management", ["Assign Role to Provider"])]
    assert _menu(manager) == [("CII/CPAR", ["CPAR Panel Management", "FHIR Clients", "Who Looked at Patients"]), *own]
    assert _menu(cpar_role) == [("CII/CPAR", ["CPAR Panel Management"])]
    assert "Administration" not in _text(reception.get("/"))


def _menu(person: Any) -> list[tuple[str, list[str]]]:
    """The sections of the administration with their entries."""
    menu = _text(person.get("/administration")).partition('<nav class="side"')[2].partition("</nav>")[0]
    sections = [section.partition("</h2>") for section in menu.split("<h2>")[1:]]
    return [(title, re.findall(r">([^<]+)</a>", entries)) for title, _, entries in sections]


def test_without_plugins_the_emr_works_and_shows_nothing_of_them(host: OscarHost, staff: None, oscar: Any) -> None:
    app = create_app(host, Plugins())
    client = app.test_client()
    sign_in(client, "201")
    page = client.get(f"/patients/{oscar.patient()}").get_data(as_text=True)
    assert "Master Record" in page
    assert "cpar" not in page


@pytest.mark.databases("both")
def test_a_database_that_is_away_gives_a_page_not_a_stack_trace(emr: OscarHost, manager: Any) -> None:
    with emr.database.writing() as connection:
        emr.tables.user_role.drop(connection)
    answer = manager.get("/")
    assert answer.status_code == 500
    assert "Something went wrong" in _text(answer)
    assert "secUserRole" not in _text(answer)
