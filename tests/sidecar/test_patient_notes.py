"""What the scripts in OSCAR's lists of patients ask for, and who is answered."""

from collections.abc import Callable
from typing import Any

import pytest
import requests

from oscar_host.sidecar.loader import MOST_LISTED

from ..serving import serving
from .conftest import Beside, Person

NewPerson = Callable[[str | None], Person]
SCRIPT = {"HX-Request": "true"}


def asked(somebody: Person, patients: object, place: str = "schedule", **more: Any) -> requests.Response:
    return somebody.post("/page/notes", data={"place": place, "patients": patients}, **({"headers": SCRIPT} | more))


def test_one_request_shows_all_patients_of_a_list(person: NewPerson, oscar: Any, panel: int) -> None:
    patients = [oscar.patient() for _ in range(3)]
    answer = asked(person("doctor"), " ".join(map(str, patients)))
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Cache-Control"] == "no-store"
    common = {"title": "Panel", "text": "Not Paneled", "to_do": ["Not Paneled."]}
    assert answer.json()["notes"] == [
        {"patient_id": one, "work_url": f"/oscar/cpar/check-in/{one}", **common} for one in patients
    ]
    assert [(item["label"], item["href"]) for item in answer.json()["menu"]] == [("Check-in", "/oscar/cpar/check-in")]
    assert asked(person("doctor"), str(patients[0]), "search").json()["menu"] == []


@pytest.mark.parametrize("cookie", [None, "no-rights", "gone"])
def test_a_user_who_sees_no_patients_is_shown_nothing(
    person: NewPerson, oscar: Any, panel: int, cookie: str | None
) -> None:
    answer = asked(person(cookie), str(oscar.patient()))
    assert (answer.status_code, answer.text) == (204, "")


@pytest.mark.parametrize(("listing", "setting"), [("schedule", "schedule_marks"), ("search", "search_column")])
def test_each_list_can_be_switched_off(beside: Beside, oscar: Any, panel: int, listing: str, setting: str) -> None:
    patient_id = str(oscar.patient())
    with serving(beside(**{setting: "no"})) as site:
        somebody = Person(site, "doctor")
        statuses = {one: asked(somebody, patient_id, one).status_code for one in ("schedule", "search")}
    assert statuses == {"schedule": 200, "search": 200} | {listing: 204}


@pytest.mark.parametrize(
    "patients", ["1 x", "-1", "1,2", "\u0661", "12345678901", " ".join(map(str, range(MOST_LISTED + 1)))]
)
def test_what_is_no_list_of_numbers_or_too_long_is_refused(person: NewPerson, patients: str) -> None:
    assert asked(person("doctor"), patients).status_code == 400


def test_another_place_is_refused(person: NewPerson) -> None:
    assert asked(person("doctor"), "1", "elsewhere").status_code == 400


def test_a_form_of_another_site_cannot_ask(person: NewPerson, oscar: Any, panel: int) -> None:
    assert asked(person("doctor"), str(oscar.patient()), headers={}).status_code == 400


def test_oscars_pages_need_not_ask_each_time_for_our_scripts(person: NewPerson) -> None:
    answers = [person("doctor").get(f"/frame/{name}.js") for name in ("lists", "no-such-script")]
    assert [answer.status_code for answer in answers] == [200, 404]
    assert ["max-age=600" in answer.headers.get("Cache-Control", "") for answer in answers] == [True, False]
