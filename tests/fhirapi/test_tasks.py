"""Conflicts and mismatches in reports as Tasks: whose they are, how far the work is, and who may read them."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import orjson
import pytest
from flask import Flask
from sqlalchemy import select

from cpar_plugin.domain.report_lines import ReportLineState
from cpar_plugin.domain.reports import ReportKind
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.reports import lines, working
from cpar_plugin.services.reports.lines_query import LinesShown, ReportLineCriteria
from cpar_plugin.services.work_lines.changes import LineAction, LineChange, SeenLine
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..panels.test_registry_reports import receive
from ..signing_in import sign_in
from .rest import MANAGER, PEOPLE, Json, Reader

Check = Callable[[Json], None]
CODES = "https://cpar.invalid/CodeSystem/report-line"
NOTE = "Called Oscar"


def change(host: OscarHost, actor: Actor, line_id: str, wanted: LineChange) -> None:
    criteria = ReportLineCriteria(shown=LinesShown.NOT_CLOSED)
    [line] = [each for each in lines.show(host, actor, Settings(), criteria, 0).lines if each.line_id == int(line_id)]
    working.change_selected(host, actor, [SeenLine((line.line_id,), line.version)], wanted)


def put(state: ReportLineState) -> LineChange:
    return LineChange(LineAction.SET_STATE, state=state, note=NOTE)


def test_a_task_says_what_is_to_do_and_neither_names_nor_what_the_registry_says(
    reader: Reader, panel: int, people: dict[str, int], conflict: str, clock: FixedClock, check_r4: Check
) -> None:
    task = reader.json(f"/Task/{conflict}")
    check_r4(task)
    opened = task["authoredOn"]
    assert {name: task[name] for name in task if name != "meta"} == {
        "resourceType": "Task",
        "id": conflict,
        "status": "requested",
        "businessStatus": {"coding": [{"system": f"{CODES}-state", "code": "open", "display": "Open"}]},
        "intent": "order",
        "code": {
            "coding": [
                {"system": CODES, "code": "conflict", "display": "The patient is on a panel of another clinic too"}
            ]
        },
        "focus": {"reference": f"Group/{panel}"},
        "for": {"reference": f"Patient/{people['oscar']}"},
        "authoredOn": opened,
        "lastModified": opened,
        "restriction": {
            "period": {"end": (clock.now().astimezone(clock.zone).date() + timedelta(days=30)).isoformat()}
        },
    }
    states = reader.json("/CodeSystem/report-line-state")
    assert [concept["code"] for concept in states["concept"]] == list(ReportLineState)
    definition = reader.json("/CodeSystem/report-line")
    assert definition["url"] == CODES
    assert [concept["code"] for concept in definition["concept"]] == ["conflict", "mismatch"]


def test_the_status_is_how_far_the_work_is(
    reader: Reader, site: OscarHost, clerk: Actor, conflict: str, clock: FixedClock, check_r4: Check
) -> None:
    steps = [
        (LineChange(LineAction.TAKE), "accepted"),
        (put(ReportLineState.WAITING), "on-hold"),
        (put(ReportLineState.DONE), "completed"),
        (put(ReportLineState.OURS_IS_RIGHT), "completed"),
        (put(ReportLineState.WILL_NOT_DO), "rejected"),
    ]
    version = 0
    for wanted, status in steps:
        clock.move_to(clock.now() + timedelta(seconds=30))
        change(site, clerk, conflict, wanted)
        answer = reader.get(f"/Task/{conflict}")
        task: Any = answer.json
        check_r4(task)
        assert (task["status"], NOTE in answer.text) == (status, False)
        assert task["lastModified"] > task["authoredOn"]
        assert int(task["meta"]["versionId"]) > version
        version = int(task["meta"]["versionId"])
        assert reader.ids("/Task", {"status": status}) == [conflict]
        assert reader.ids("/Task", {"status": f"http://hl7.org/fhir/task-status|{status}"}) == [conflict]
        assert not reader.ids("/Task", {"status": "requested"})
        state = wanted.state.value if wanted.state else "open"
        assert [coding["code"] for coding in task["businessStatus"]["coding"]] == [state]
        assert reader.ids("/Task", {"business-status": state}) == [conflict]
        others = ",".join(other.value for other in ReportLineState if other.value != state)
        assert not reader.ids("/Task", {"business-status": others})
        assert reader.ids("/Task", {"modified": task["lastModified"], "authored-on": task["authoredOn"]}) == [conflict]
        assert not reader.ids("/Task", {"authored-on": task["lastModified"]})
        assert not reader.ids("/Task", {"modified": f"lt{task['lastModified']}"})
    assert reader.get(f"/Task/{conflict}", If_None_Match=f'W/"{version}"').status_code == 304


def test_each_search_finds_what_is_meant_and_nothing_else(
    reader: Reader, panel: int, people: dict[str, int], conflict: str
) -> None:
    oscar, helene = people["oscar"], people["helene"]
    for found, missed in (
        ({"_id": conflict}, {"_id": "999"}),
        ({"patient": str(oscar)}, {"patient": f"Patient/{helene}"}),
        ({"patient:Patient": str(oscar)}, {"patient": f"Group/{oscar}"}),
        ({"focus": f"Group/{panel}"}, {"focus": "Group/999"}),
        ({"code": "conflict"}, {"code": "mismatch"}),
        ({"code": f"{CODES}|"}, {"code": "http://example.org|conflict"}),
        ({"status": "requested"}, {"status": "completed"}),
        ({"business-status": f"{CODES}-state|open"}, {"business-status": f"{CODES}|open"}),
        ({"authored-on": "ge2020"}, {"authored-on": "lt2020"}),
        ({"modified": "ge2020"}, {"modified": "lt2020"}),
        ({"_lastUpdated": "ge2020"}, {"_lastUpdated": "lt2020"}),
        ({"code:missing": "false", "_sort": "-_id"}, {"status:missing": "true"}),
    ):
        assert (reader.ids("/Task", found), reader.ids("/Task", missed)) == ([conflict], []), (found, missed)


def test_only_conflicts_and_mismatches_of_accepted_members_that_are_not_closed_are_served(
    reader: Reader, site: OscarHost, clerk: Actor, oscar: Any, conflict: str, panel: int, people: dict[str, int]
) -> None:
    outside = oscar.patient(hin="100000009", last_name="Outside", born="1970-01-01", sex="F")
    about_someone = (
        (PEOPLE["trudy"]["hin"], "", "", "", "a"),
        ("100000009", "", "", "", "b"),
        ("", "Tremblay", "1980-02-29", "F", "c"),  # proposed, and accepted by no one
    )
    receive(site, clerk, *about_someone, kind=ReportKind.MISMATCH)
    receive(site, clerk, *about_someone, ("Total", "", "", "", "1"), kind=ReportKind.OTHER)
    found = {
        entry["resource"]["for"]["reference"]: entry["resource"]["code"]["coding"][0]["code"]
        for bundle in reader.pages("/Task", {"_count": "1"})
        for entry in bundle.get("entry", ())
    }
    assert found == {f"Patient/{people['oscar']}": "conflict", f"Patient/{people['trudy']}": "mismatch"}
    receive(site, clerk, ("100000009", "", "", "", "Dr. Else"))  # the next report of conflicts
    assert reader.get(f"/Task/{conflict}").status_code == 410
    assert reader.ids("/Task", {"code": "conflict"}) == []
    one_patient.choose(site, clerk, outside, panel, seen_panel_id=None)
    assert len(reader.ids("/Task", {"patient": str(outside)})) == 2


def test_a_record_that_was_merged_leads_to_the_one_kept(
    reader: Reader, oscar: Any, people: dict[str, int], conflict: str
) -> None:
    oscar.merge(people["oscar"], people["helene"])
    assert reader.ids("/Task", {"patient": str(people["helene"])}) == [conflict]
    assert reader.json(f"/Task/{conflict}")["for"] == {"reference": f"Patient/{people['helene']}"}


def test_a_client_of_other_panels_does_not_learn_of_a_line(
    reader_for: Callable[..., Reader], make_panel: Callable[..., int], panel: int, conflict: str
) -> None:
    other = make_panel("0043", "103")
    scopes = "system/Task.rs"
    assert reader_for("A", scopes=scopes, panels=(panel,)).ids("/Task") == [conflict]
    limited = reader_for("B", scopes=scopes, panels=(other,))
    assert (limited.ids("/Task"), limited.get(f"/Task/{conflict}").status_code) == ([], 404)


def test_a_scope_for_everything_is_not_one_for_tasks(reader_for: Callable[..., Reader], conflict: str) -> None:
    everything = reader_for("Everything", scopes="system/*.rs")
    for path in ("/Task", f"/Task/{conflict}"):
        answer = everything.get(path)
        assert (answer.status_code, "system/Task." in answer.text) == (403, True)
    alone = reader_for("Tasks", scopes="system/Task.rs")
    assert alone.ids("/Task") == [conflict]
    assert alone.get("/Patient").status_code == 403


def test_no_export_has_tasks(reader: Reader, conflict: str) -> None:
    answer = reader.get("/$export", {"_type": "Task"}, Accept="application/fhir+json", Prefer="respond-async")
    assert answer.status_code == 400


def test_each_read_and_search_is_recorded_with_whom(
    reader: Reader, site: OscarHost, people: dict[str, int], conflict: str
) -> None:
    reader.json(f"/Task/{conflict}")
    reader.json("/Task", {"_elements": "status"})
    read = tables.read.c
    with site.database.engine.connect() as connection:
        recorded = connection.execute(select(read.interaction, read.patients).where(read.kind == "Task")).all()
    assert sorted(tuple(each) for each in recorded) == [("read", 1), ("search", 1)]


def test_the_comparison_finds_what_changed_and_what_is_gone(
    reader: Reader, site: OscarHost, clerk: Actor, conflict: str, clock: FixedClock
) -> None:
    refresh.refresh(site, Settings())
    before = reader.json(f"/Task/{conflict}")["meta"]
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert refresh.refresh(site, Settings()).changed == 0
    change(site, clerk, conflict, LineChange(LineAction.TAKE))
    assert refresh.refresh(site, Settings()).changed == 1
    after = reader.json(f"/Task/{conflict}")["meta"]
    assert int(after["versionId"]) > int(before["versionId"])
    assert after["lastUpdated"] > before["lastUpdated"]
    assert reader.ids("/Task", {"_lastUpdated": f"gt{before['lastUpdated']}"}) == [conflict]
    receive(site, clerk, ("100000009", "", "", "", "Dr. Else"))
    assert refresh.refresh(site, Settings()).gone == 1
    assert reader.get(f"/Task/{conflict}").status_code == 410
    clock.move_to(clock.now() + timedelta(minutes=1))
    receive(site, clerk, (PEOPLE["oscar"]["hin"], "", "", "", "Dr. Else"), ("Total", "", "", "", "1"))
    again = reader.json(f"/Task/{conflict}")
    assert int(again["meta"]["versionId"]) > int(after["versionId"])
    assert again["lastModified"] >= again["authoredOn"]


@pytest.mark.usefixtures("staff")
def test_a_person_finds_no_task_of_a_patient_whom_they_may_not_see(
    app: Flask, oscar: Any, people: dict[str, int], conflict: str
) -> None:
    browser = app.test_client()
    sign_in(browser, MANAGER)
    assert browser.get(f"/fhir/Task/{conflict}").status_code == 200
    oscar.privilege(MANAGER, f"_demographic${people['oscar']}", "o")
    assert browser.get(f"/fhir/Task/{conflict}").status_code == 404
    assert "entry" not in orjson.loads(browser.get("/fhir/Task").data)
