"""Rights told by OSCAR's REST interface: the setting `privileges`."""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import delete

from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from ..serving import serving
from .conftest import MANAGER, NO_RIGHTS, Beside, Person
from .stand_in import HAS_RIGHT, ME, RIGHTS, ROLES, Answer, Question, StandIn

pytestmark = pytest.mark.databases("one")


def listed(page: str) -> set[int]:
    """The patients whom a panel's page shows."""
    return {int(number) for number in re.findall(r'name="selected" value="(\d+)"', page)}


@pytest.fixture
def without_tables(emr: OscarHost, oscar: Any, staff: None) -> None:
    """Nobody has a right in the tables: whatever is allowed then was told by REST."""
    with emr.database.writing() as connection:
        connection.execute(delete(oscar.tables.object_privilege))


@pytest.fixture
def rights(standing_in: StandIn) -> dict[str, set[tuple[str, str, str]]]:
    """By provider, what `hasRight` says yes to: object, letter, patient ('' for all)."""
    given: dict[str, set[tuple[str, str, str]]] = {}

    def has_right(question: Question, provider_id: str) -> Answer:
        asked = question.query
        key = (asked["objectName"], asked["privilege"], asked.get("demographicNo", ""))
        return Answer(200, {"success": key in given.get(provider_id, ()), "message": None})

    standing_in.answers[HAS_RIGHT] = has_right
    standing_in.answers[RIGHTS] = lambda *_: Answer(200, {"roles": [], "privileges": []})
    return given


@pytest.fixture
def panel_with(host: OscarHost, oscar: Any, panel: int) -> Callable[..., int]:
    """Puts new patients with these numbers on a panel."""

    def fill(*numbers: int) -> int:
        for number in numbers:
            patient_id = oscar.patient(demographic_no=number, hin=f"20000000{number}")
            one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
        return panel

    return fill


@pytest.fixture
def rest_site(beside: Beside, without_tables: None) -> Iterator[str]:
    """The application with `privileges = rest`."""
    with serving(beside(privileges="rest")) as address:
        yield address


@pytest.fixture
def roles_site(beside: Beside, without_tables: None) -> Iterator[str]:
    """The application with `privileges = rest-roles`."""
    with serving(beside(privileges="rest-roles")) as address:
        yield address


@pytest.mark.parametrize(("object_name", "letter"), [("_admin", "r"), ("_admin.cpar", "w")])
def test_users_that_oscar_lets_manage_do_manage(
    rest_site: str, rights: dict[str, set[tuple[str, str, str]]], object_name: str, letter: str
) -> None:
    assert Person(rest_site, "manager").get("/panels").status_code == 403
    rights[MANAGER] = {(object_name, letter, "")}
    assert Person(rest_site, "manager").get("/panels").status_code == 200
    assert Person(rest_site, "doctor").get("/panels").status_code == 403


def test_the_widget_is_a_question_about_that_patient(
    rest_site: str, rights: dict[str, set[tuple[str, str, str]]], oscar: Any, standing_in: StandIn
) -> None:
    open_to, closed = oscar.patient(), oscar.patient()
    rights[MANAGER] = {("_demographic", "r", ""), ("_demographic", "r", str(open_to))}
    somebody = Person(rest_site, "manager")
    assert somebody.get(f"/patients/{open_to}/widget").status_code == 200
    assert somebody.get(f"/patients/{closed}/widget").status_code == 403
    asked = [question for question in standing_in.asked if question.path == HAS_RIGHT]
    assert all(question.query["autoRefresh"] == "true" for question in asked)
    assert all(question.headers["cookie"] == "JSESSIONID=manager" for question in asked)


@pytest.mark.parametrize(
    ("privileges", "shown"),
    [
        ([], {1, 2, 3}),
        (None, {1, 2, 3}),
        ([("_demographic$1", "o"), ("_demographic$2", "r")], {3}),
        ([("_demographic$1", "r|o")], {2, 3}),
        ([("_Demographic$1 ", "x"), ("_demographic$1", "d")], {2, 3}),
        ([("_demographic$1", "d"), ("_demographic$2", "")], {1, 2, 3}),
        ({"objectName": "_demographic$3", "privilege": "o"}, {1, 2}),  # a list of one, as older ones write it
        ([("_demographic$3", None)], {1, 2, 3}),
        ([("_demographic$x", "o"), ("_admin", "x")], {1, 2, 3}),
    ],
)
def test_lists_leave_out_the_patients_that_a_privilege_closes(
    rest_site: str,
    rights: dict[str, set[tuple[str, str, str]]],
    standing_in: StandIn,
    panel_with: Callable[..., int],
    privileges: Any,
    shown: set[int],
) -> None:
    panel_id = panel_with(1, 2, 3)
    rights[MANAGER] = {("_admin", "r", ""), ("_demographic", "r", "")}
    if isinstance(privileges, list):
        privileges = [{"objectName": name, "privilege": privilege} for name, privilege in privileges]
    standing_in.answers[RIGHTS] = lambda *_: Answer(200, {"roles": {"roleName": "admin"}, "privileges": privileges})
    page = Person(rest_site, "manager").get(f"/panels/{panel_id}").text
    assert listed(page) == shown


def test_without_the_right_to_records_no_privilege_for_one_patient_opens_a_record(
    rest_site: str,
    rights: dict[str, set[tuple[str, str, str]]],
    standing_in: StandIn,
    panel_with: Callable[..., int],
) -> None:
    panel_id = panel_with(1, 2)
    rights[MANAGER] = {("_admin", "r", "")}
    named = {"objectName": "_demographic$2", "privilege": "r"}
    standing_in.answers[RIGHTS] = lambda *_: Answer(200, {"privileges": named})
    page = Person(rest_site, "manager").get(f"/panels/{panel_id}").text
    assert listed(page) == set()


def test_where_oscar_cannot_show_all_rights_the_tables_show_them(
    beside: Beside,
    oscar: Any,
    rights: dict[str, set[tuple[str, str, str]]],
    standing_in: StandIn,
    panel_with: Callable[..., int],
    caplog: pytest.LogCaptureFixture,
) -> None:
    panel_id = panel_with(1, 2)
    oscar.privilege("admin", "_demographic$1", "o")
    standing_in.answers[RIGHTS] = lambda *_: Answer(500)
    rights[MANAGER] = {("_admin", "r", ""), ("_demographic", "r", "")}
    with serving(beside(privileges="rest")) as first, serving(beside(privileges="rest")) as second:
        for site in (first, second, first):
            answer = Person(site, "manager").get(f"/panels/{panel_id}")
            assert (answer.status_code, listed(answer.text)) == (200, {2})
        asked = [question.path for question in standing_in.asked]
        assert asked.count(RIGHTS) == 1
        assert Person(second, "doctor").get("/patients/1/widget").status_code == 200  # by the tables, as all is now
    assert [question.path for question in standing_in.asked[len(asked) :]] == [ME]
    assert caplog.text.count("rights are read from its tables") == 1


@pytest.mark.parametrize("said", [True, "true", {"success": True}, {"success": "true"}])
def test_every_yes_is_understood(rest_site: str, rights: object, standing_in: StandIn, said: object) -> None:
    standing_in.answers[HAS_RIGHT] = lambda *_: Answer(200, said if isinstance(said, dict) else {"success": said})
    assert Person(rest_site, "manager").get("/panels").status_code == 200


@pytest.mark.parametrize("said", [False, "false"])
def test_every_no_is_understood(rest_site: str, rights: object, standing_in: StandIn, said: object) -> None:
    standing_in.answers[HAS_RIGHT] = lambda *_: Answer(200, {"success": said})
    assert Person(rest_site, "manager").get("/panels").status_code == 403


@pytest.mark.parametrize(
    "nonsense",
    [
        Answer(200, {}),
        Answer(200, {"success": 1}),
        Answer(200, {"success": "yes"}),
        Answer(500),
        Answer(404),
        Answer(200, "<p>"),
    ],
)
def test_nonsense_is_no_right(rest_site: str, rights: object, standing_in: StandIn, nonsense: Answer) -> None:
    standing_in.answers[HAS_RIGHT] = lambda *_: nonsense
    assert Person(rest_site, "manager").get("/panels").status_code == 503


@pytest.mark.parametrize(
    "nonsense",
    [
        {},
        {"privileges": ["_admin"]},
        {"privileges": [{"objectName": 7}]},
        {"privileges": [{"objectName": "a", "privilege": 7}]},
        [],
    ],
)
def test_a_list_of_rights_that_makes_no_sense_shows_no_one(
    rest_site: str,
    rights: dict[str, set[tuple[str, str, str]]],
    standing_in: StandIn,
    panel_with: Callable[..., int],
    nonsense: object,
) -> None:
    panel_id = panel_with(1)
    rights[MANAGER] = {("_admin", "r", ""), ("_demographic", "r", "")}
    standing_in.answers[RIGHTS] = lambda *_: Answer(200, nonsense)
    assert Person(rest_site, "manager").get(f"/panels/{panel_id}").status_code == 503


def test_a_session_that_ends_between_two_questions_has_no_rights(
    rest_site: str, rights: object, standing_in: StandIn
) -> None:
    standing_in.answers[HAS_RIGHT] = lambda *_: Answer(401)
    standing_in.answers[RIGHTS] = lambda *_: Answer(401)
    assert Person(rest_site, "manager").get("/panels").status_code == 403


def test_outside_of_a_request_the_tables_show(beside: Beside, standing_in: StandIn) -> None:
    identity = beside(privileges="rest").extensions["sidecar"].host.identity
    assert identity.has(Actor(actor_id=MANAGER, display_name=""), "CONFIGURE_CPAR_PANEL_CREATE")
    assert not identity.has(Actor(actor_id=NO_RIGHTS, display_name=""), "CONFIGURE_CPAR_PANEL_CREATE")
    assert standing_in.asked == []


@pytest.mark.parametrize(
    ("permissions", "status"),
    [
        ([{"permission": "CONFIGURE_CPAR_PANEL_CREATE"}], 200),
        ({"permission": "CONFIGURE_CPAR_PANEL_CREATE"}, 200),
        (["CONFIGURE_CPAR_PANEL_CREATE"], 200),
        ([{"permission": "ADMIN_READ"}], 200),
        ([{"permission": "CONFIGURE_CPAR_PANEL_READ"}, {"permission": "DEMOGRAPHIC_READ"}], 403),
        ([], 403),
        (None, 403),
        ([{"permission": 7}, {}, None], 403),
    ],
)
def test_one_branch_of_juno_says_the_names_of_permissions(
    roles_site: str, standing_in: StandIn, permissions: object, status: int
) -> None:
    body = {"roles": [], "securityPermissions": permissions}
    standing_in.answers[ROLES] = lambda *_: Answer(200, {"body": body, "error": None, "status": "SUCCESS"})
    assert Person(roles_site, "manager").get("/panels").status_code == status


def test_the_names_of_permissions_also_open_patients(roles_site: str, standing_in: StandIn, oscar: Any) -> None:
    patient = oscar.patient()
    names: list[str] = []
    standing_in.answers[ROLES] = lambda *_: Answer(
        200, {"securityPermissions": [{"permission": name} for name in names]}
    )
    somebody = Person(roles_site, "doctor")
    assert somebody.get(f"/patients/{patient}/widget").status_code == 403
    names.append("DEMOGRAPHIC_READ")
    assert somebody.get(f"/patients/{patient}/widget").status_code == 200


@pytest.mark.parametrize("nonsense", [Answer(200, []), Answer(200, {"roles": []}), Answer(404), Answer(200, "null")])
def test_a_branch_that_says_no_permissions_lets_no_one_in(
    roles_site: str, standing_in: StandIn, nonsense: Answer
) -> None:
    standing_in.answers[ROLES] = lambda *_: nonsense
    assert Person(roles_site, "manager").get("/panels").status_code == 503


def test_who_is_signed_in_is_kept_but_no_right(
    rest_site: str, rights: dict[str, set[tuple[str, str, str]]], standing_in: StandIn
) -> None:
    rights[MANAGER] = {("_admin", "r", "")}
    somebody = Person(rest_site, "manager")
    assert somebody.get("/panels").status_code == 200
    del rights[MANAGER]
    assert somebody.get("/panels").status_code == 403
    assert sum(question.path == ME for question in standing_in.asked) == 1
