"""Who and what the FHIR interface reads, and for whom."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import orjson
import pytest
from sqlalchemy import text

from cpar_plugin.domain.refusals import NotFound
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.clients.caller import Caller
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.fhir.access import Gone
from cpar_plugin.services.fhir.groups import GroupSource
from cpar_plugin.services.fhir.kept_members import KeptMembers
from cpar_plugin.services.fhir.sources import KINDS, LARGE, Source, everything, read, source
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from ..conftest import NOW_IN_UTC

SETTINGS = Settings()
Check = Callable[[dict[str, Any]], None]


def client(*panel_ids: int) -> Caller:
    return Caller(
        Actor(actor_id="client:1", display_name="A client"),
        "1",
        frozenset({("*", "read")}),
        panels=frozenset(panel_ids) or None,
    )


def served(host: OscarHost, caller: Caller, kind: str) -> dict[str, Any]:
    """Everything of a kind, by id."""
    with host.database.engine.connect() as connection:
        if kind in LARGE:
            result: Source = source(host, SETTINGS, caller, kind)
            rows = connection.execute(result.select().order_by(result.key)).all()
            all_of_it = result.versioned(connection, rows)
        else:
            all_of_it = everything(connection, host, SETTINGS, caller, kind)
    return {one.resource_id: one.resource for one in all_of_it}


def one(host: OscarHost, caller: Caller, kind: str, resource_id: object) -> dict[str, Any]:
    with host.database.engine.connect() as connection:
        return read(connection, host, SETTINGS, caller, kind, str(resource_id)).resource


def whole_group(host: OscarHost, caller: Caller, panel_id: int) -> dict[str, Any]:
    with host.database.engine.connect() as connection:
        groups = GroupSource(host, SETTINGS, caller)
        body = b"".join(groups.body(connection, groups.read(connection, str(panel_id))))
    result: dict[str, Any] = orjson.loads(body)
    return result


def test_everything_of_the_panels_is_there_and_valid(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any, check_r4: Check
) -> None:
    first, second = make_panel("A1", "101", "102"), make_panel("A2", "103")
    patients = [oscar.patient(last_name=f"Name{place}") for place in range(3)]
    for patient_id, panel_id in zip(patients, (first, first, second), strict=True):
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    oscar.patient(last_name="On no panel")
    results = {kind: served(site, client(), kind) for kind in KINDS}
    for resources in results.values():
        for resource in resources.values():
            check_r4(resource)
            assert one(site, client(), resource["resourceType"], resource["id"]) == resource
    assert {kind: list(resources) for kind, resources in results.items()} == {
        "Organization": ["clinic"],
        "Location": ["000113"],
        "Practitioner": ["101", "102", "103"],
        "PractitionerRole": ["101-000113", "102-000113", "103-000113"],
        "Patient": [str(patient_id) for patient_id in patients],
        "Group": [str(first), str(second)],
        "Subscription": [],
        "Task": [],
    }
    assert results["Group"][str(first)]["quantity"] == 2
    assert [role["reference"] for role in results["Patient"][str(patients[0])]["generalPractitioner"]] == [
        "PractitionerRole/101-000113",
        "PractitionerRole/102-000113",
    ]


@pytest.fixture
def two_panels(site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any) -> tuple[int, int, list[int]]:
    """Two panels, and their members: the first two are on the first panel, the last one is on the second."""
    first, second = make_panel("A1", "101"), make_panel("A2", "102")
    patients = [oscar.patient() for _ in range(3)]
    for patient_id, panel_id in zip(patients, (first, first, second), strict=True):
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    return first, second, patients


def test_a_client_of_one_panel_sees_that_panel_and_what_belongs_to_it_only(
    site: OscarHost, two_panels: tuple[int, int, list[int]]
) -> None:
    first, second, patients = two_panels
    caller = client(first)
    assert {kind: list(served(site, caller, kind)) for kind in KINDS} == {
        "Organization": ["clinic"],
        "Location": ["000113"],
        "Practitioner": ["101"],
        "PractitionerRole": ["101-000113"],
        "Patient": [str(patients[0]), str(patients[1])],
        "Group": [str(first)],
        "Subscription": [],
        "Task": [],
    }
    for kind, resource_id in (
        ("Patient", patients[2]),
        ("Group", second),
        ("Practitioner", "102"),
        ("PractitionerRole", "102-000113"),
    ):
        with pytest.raises(NotFound) as refused:
            one(site, caller, kind, resource_id)
        assert not isinstance(refused.value, Gone)


def test_a_patient_not_on_a_panel_is_shown_to_no_one(site: OscarHost, oscar: Any, two_panels: Any) -> None:
    with pytest.raises(NotFound) as refused:
        one(site, client(), "Patient", oscar.patient())
    assert not isinstance(refused.value, Gone)


@pytest.mark.parametrize("kind", KINDS)
def test_an_id_that_can_be_none_is_not_found(site: OscarHost, two_panels: Any, kind: str) -> None:
    for resource_id in ("0", "01", "-1", "1e3", "１", "9" * 19, "9" * 400, "x", "1 or 1=1", ""):
        with pytest.raises(NotFound):
            one(site, client(), kind, resource_id)


def test_who_left_the_panels_is_gone_and_a_patient_who_comes_back_is_there_again(
    site: OscarHost, clerk: Actor, two_panels: tuple[int, int, list[int]]
) -> None:
    first, second, patients = two_panels
    before = one(site, client(), "Patient", patients[0])
    one_patient.remove(site, clerk, patients[0], seen_panel_id=first)
    for caller in (client(), client(first)):
        with pytest.raises(Gone):
            one(site, caller, "Patient", patients[0])
    with pytest.raises(NotFound) as refused:
        one(site, client(second), "Patient", patients[0])
    assert not isinstance(refused.value, Gone)
    assert refresh.refresh(site, SETTINGS).gone == 1
    one_patient.choose(site, clerk, patients[0], first, seen_panel_id=None)
    assert int(one(site, client(), "Patient", patients[0])["meta"]["versionId"]) > int(before["meta"]["versionId"])


def test_a_deleted_panel_is_gone_with_its_members_and_providers(
    site: OscarHost, clerk: Actor, two_panels: tuple[int, int, list[int]]
) -> None:
    _, second, patients = two_panels
    keys = [("Group", second), ("Patient", patients[2]), ("Practitioner", "102"), ("PractitionerRole", "102-000113")]
    for key in keys:
        one(site, client(), *key)
    editing.delete(site, clerk, second, 1)
    for key in keys:
        with pytest.raises(Gone):
            one(site, client(), *key)


def test_a_record_merged_away_leads_to_the_one_kept(
    site: OscarHost, oscar: Any, two_panels: tuple[int, int, list[int]], check_r4: Check
) -> None:
    first, second, patients = two_panels
    retired = oscar.patient()
    oscar.merge(retired, patients[0])
    for caller in (client(), client(first)):
        result = one(site, caller, "Patient", retired)
        check_r4(result)
        assert (result["active"], result["link"][0]["other"]["reference"]) == (False, f"Patient/{patients[0]}")
    with pytest.raises(NotFound):
        one(site, client(second), "Patient", retired)
    assert str(retired) not in served(site, client(), "Patient")


def test_a_member_merged_away_leads_to_the_one_kept_as_soon_as_the_panels_follow(
    site: OscarHost, oscar: Any, two_panels: tuple[int, int, list[int]]
) -> None:
    first, _, patients = two_panels
    kept = oscar.patient()
    oscar.merge(patients[0], kept)
    refresh.refresh(site, SETTINGS)
    assert one(site, client(), "Patient", patients[0])["link"][0]["other"]["reference"] == f"Patient/{kept}"
    assert [result["entity"]["reference"] for result in whole_group(site, client(), first)["member"]] == [
        f"Patient/{patients[1]}",
        f"Patient/{kept}",
    ]


def test_patients_that_a_person_may_not_see_in_the_emr_they_do_not_read_here(
    site: OscarHost, oscar: Any, two_panels: tuple[int, int, list[int]]
) -> None:
    first, _, patients = two_panels
    oscar.role("103", "doctor")
    oscar.privilege("doctor", "_demographic", "r")
    oscar.privilege("103", f"_demographic${patients[0]}", "o")
    person = Caller(Actor(actor_id="103", display_name="Doctor"), None, client().scopes, panels=None)
    assert list(served(site, person, "Patient")) == [str(patients[1]), str(patients[2])]
    with pytest.raises(NotFound) as refused:
        one(site, person, "Patient", patients[0])
    assert not isinstance(refused.value, Gone)
    group = whole_group(site, person, first)
    assert (len(group["member"]), group["quantity"]) == (1, 2)
    into_a_hidden_one, hidden_itself, neither = (oscar.patient() for _ in range(3))
    oscar.merge(into_a_hidden_one, patients[0])
    oscar.privilege("103", f"_demographic${hidden_itself}", "o")
    oscar.merge(hidden_itself, patients[1])
    oscar.merge(neither, patients[1])
    for retired in (into_a_hidden_one, hidden_itself):
        with pytest.raises(NotFound):
            one(site, person, "Patient", retired)
    assert one(site, person, "Patient", neither)["active"] is False


def test_a_group_says_each_member_with_confirmation_and_last_visit(
    site: OscarHost, oscar: Any, two_panels: tuple[int, int, list[int]], check_r4: Check
) -> None:
    first, _, patients = two_panels
    oscar.visit(patients[0], "2026-10-05")
    assert "last-visit-date" not in str(whole_group(site, client(), first))
    refresh.refresh(site, SETTINGS)
    group = whole_group(site, client(), first)
    check_r4(group)
    assert group["quantity"] == len(group["member"]) == 2
    own = "https://cpar.invalid/StructureDefinition"
    assert group["member"][0] == {
        "extension": [
            {"url": f"{own}/confirmation-date", "valueDate": "2026-11-10"},
            {"url": f"{own}/confirmation-how", "valueCode": "on-adding"},
            {"url": f"{own}/last-visit-date", "valueDate": "2026-10-05"},
        ],
        "entity": {"reference": f"Patient/{patients[0]}"},
        "period": {"start": NOW_IN_UTC},
    }


def test_an_empty_panel_is_a_group_without_members(site: OscarHost, make_panel: Any, check_r4: Check) -> None:
    group = whole_group(site, client(), make_panel("A1"))
    check_r4(group)
    assert group["quantity"] == 0
    assert "member" not in group


def test_an_inactive_patient_remains_a_member_and_is_an_inactive_patient(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any
) -> None:
    panel_id, patient_id = make_panel("A1"), oscar.patient(patient_status="IN")
    one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    group = whole_group(site, client(), panel_id)
    assert group["quantity"] == 1
    assert "inactive" not in group["member"][0]
    assert one(site, client(), "Patient", patient_id)["active"] is False


def test_before_the_clinic_is_configured_there_is_nothing(host: OscarHost) -> None:
    assert [result for kind in KINDS for result in served(host, client(), kind)] == []


def test_members_are_in_order_with_their_own_days_whichever_the_database_reads_first(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any, clock: FixedClock
) -> None:
    panel = make_panel("A1")
    patients = [oscar.patient(last_name=f"Name{place}") for place in range(12)]
    for patient_id in reversed(patients):
        one_patient.choose(site, clerk, patient_id, panel, seen_panel_id=None)
        clock.move_to(clock.now() + timedelta(days=1, minutes=1))
    with site.database.engine.connect() as connection:
        if connection.dialect.name == "sqlite":
            connection.execute(text("PRAGMA reverse_unordered_selects = ON"))
        groups = GroupSource(site, SETTINGS, client())
        group = groups.read(connection, str(panel))
        held = groups.held(connection, [group])
        assert held
        assert held.patient_ids == patients
        members = orjson.loads(b"".join(groups.body(connection, group, held)))["member"]
    assert [member["entity"]["reference"] for member in members] == [f"Patient/{number}" for number in patients]
    began = [datetime.fromisoformat(member["period"]["start"]) for member in members]
    assert began == sorted(began, reverse=True)
    assert len(set(began)) == 12
    days = [
        extension["valueDate"] for member in members for extension in member["extension"] if "valueDate" in extension
    ]
    assert days == sorted(days, reverse=True)
    assert len(set(days)) == 12


def members_held(host: OscarHost, caller: Caller, panel_id: int, kept: KeptMembers) -> tuple[list[int], list[Any]]:
    """The patients, and the members as they are sent, to be kept from one call to the next."""
    with host.database.engine.connect() as connection:
        groups = GroupSource(host, SETTINGS, caller)
        group = groups.read(connection, str(panel_id))
        held = groups.held(connection, [group], kept)
        assert held
        members = orjson.loads(b"".join(groups.body(connection, group, held))).get("member", [])
    return list(held.patient_ids), members


def test_members_that_are_kept_are_never_out_of_date(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any, clock: FixedClock
) -> None:
    panel, other = make_panel("A1"), make_panel("A2")
    first, second = oscar.patient(), oscar.patient()
    kept = KeptMembers()

    def assert_as_read_now(*patients: int) -> None:
        for caller in (client(), client(panel)):
            for _ in range(2):
                ids, members = members_held(site, caller, panel, kept)
                assert (ids, members) == (list(patients), whole_group(site, caller, panel).get("member", []))

    assert_as_read_now()
    one_patient.choose(site, clerk, first, panel, seen_panel_id=None)
    assert_as_read_now(first)
    one_patient.choose(site, clerk, second, panel, seen_panel_id=None)
    assert_as_read_now(first, second)
    oscar.visit(second, "2026-10-05")
    refresh.refresh(site, SETTINGS)
    assert_as_read_now(first, second)
    clock.move_to(clock.now() + timedelta(days=1))
    one_patient.confirm(site, clerk, first, seen_panel_id=panel)
    assert_as_read_now(first, second)
    one_patient.choose(site, clerk, first, other, seen_panel_id=panel)
    assert_as_read_now(second)
    assert members_held(site, client(), other, kept)[0] == [first]


def test_members_are_kept_of_the_groups_that_were_read_last(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any, statements: list[str]
) -> None:
    panels = [make_panel(f"A{place}") for place in range(17)]
    kept = KeptMembers()

    def many_statements(panel: int) -> int:
        statements.clear()
        members_held(site, client(), panel, kept)
        return len(statements)

    for panel in panels:
        many_statements(panel)
    assert [many_statements(panel) for panel in (panels[1], panels[16], panels[0], panels[2])] == [3, 3, 4, 4]


def test_what_is_kept_for_clients_is_not_what_a_person_is_given(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any
) -> None:
    panel, open_to_all, barred = make_panel("A1"), oscar.patient(), oscar.patient()
    for patient_id in (open_to_all, barred):
        one_patient.choose(site, clerk, patient_id, panel, seen_panel_id=None)
    oscar.role("103", "doctor")
    oscar.privilege("doctor", "_demographic", "r")
    oscar.privilege("103", f"_demographic${barred}", "o")
    person = Caller(Actor(actor_id="103", display_name="Doctor"), None, client().scopes, panels=None)
    kept = KeptMembers()
    for caller, patients in ((person, [open_to_all]), (client(), [open_to_all, barred]), (person, [open_to_all])):
        assert members_held(site, caller, panel, kept)[0] == patients


def test_a_read_is_a_few_statements_and_writes_nothing_when_nothing_has_changed(
    site: OscarHost, two_panels: tuple[int, int, list[int]], statements: list[str]
) -> None:
    first, _, patients = two_panels
    keys = [("Patient", patients[0], 1), ("Group", first, 3), ("PractitionerRole", "101-000113", 4)]
    for kind in KINDS:
        served(site, client(), kind)
    for kind, resource_id, many in keys:
        statements.clear()
        one(site, client(), kind, resource_id)
        assert len(statements) == many, statements
        assert all(statement.startswith("SELECT") for statement in statements)
    statements.clear()
    served(site, client(), "Patient")
    assert len(statements) == 2
