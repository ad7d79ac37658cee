"""Lines of reports as work: all that are found change at once, and a change is kept, shown, and undone."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.domain.check_in import CheckInAnswer
from cpar_plugin.domain.csv_columns import CsvColumn
from cpar_plugin.domain.refusals import NotFound, Refused
from cpar_plugin.domain.report_lines import ReportLineState, overdue_before
from cpar_plugin.domain.reports import ReportKind
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.conflicts import ending, evidence, letters
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.reports import comparing, line_history, lines, listing, of_patient, removing, working
from cpar_plugin.services.reports.lines_csv import HEAD, export
from cpar_plugin.services.reports.lines_query import LinesShown, ReportLineCriteria, ReportLineSort
from cpar_plugin.services.work_lines import people
from cpar_plugin.services.work_lines.changes import NO_ONE, LineAction, LineChange, SeenLine
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from .test_registry_reports import HEADER, receive

TAKE = LineChange(LineAction.TAKE)


@pytest.fixture
def colleague(oscar: Any) -> Actor:
    """Another person who manages panels."""
    oscar.provider("401", last_name="Penner", first_name="Ada")
    oscar.role("401", "manager")
    for name in ("_demographic", "_admin"):
        oscar.privilege("manager", name, "x")
    return Actor(actor_id="401", display_name="Penner, Ada")


def report_of(host: OscarHost, actor: Actor, *phns: str, kind: ReportKind = ReportKind.CONFLICT) -> None:
    """A report about these, with a total so that no two files are the same."""
    rows = [(phn, "", "", "", "Dr. Else") for phn in phns]
    receive(host, actor, *rows, ("Total", "", "", "", str(host.clock.now())), kind=kind)


def shown(host: OscarHost, actor: Actor, **criteria: Any) -> list[lines.ReportLine]:
    return list(lines.show(host, actor, Settings(), ReportLineCriteria(**criteria), 0).lines)


def phns(found: list[lines.ReportLine]) -> list[str]:
    return [line.listed_phn for line in found]


def test_all_lines_that_are_found_change_and_those_of_others_stay_unless_asked_for(
    site: OscarHost, oscar: Any, clerk: Actor, colleague: Actor
) -> None:
    numbers = [str(phn) for phn in range(100_000_001, 100_000_006)]
    for phn in numbers:
        oscar.patient(hin=phn)
    report_of(site, clerk, *numbers)
    report_of(site, clerk, numbers[0], kind=ReportKind.MISMATCH)
    first = shown(site, clerk)[0]
    working.change_selected(site, colleague, [SeenLine((first.line_id,), first.version)], TAKE)
    waiting = working.to_state(ReportLineState.WAITING, "Wrote to them")
    result = working.change_all(site, clerk, ReportLineCriteria(kind=ReportKind.CONFLICT), waiting)
    assert (result.changed, result.skipped) == (4, 1)
    assert {line.note for line in shown(site, clerk, state=ReportLineState.WAITING)} == {"Wrote to them"}
    assert len(shown(site, clerk, kind=ReportKind.MISMATCH)) == 1
    assert phns(shown(site, clerk, owner_id="401")) == [numbers[0]]
    result = working.change_all(site, clerk, ReportLineCriteria(owner_id="401"), LineChange(LineAction.RELEASE))
    assert (result.changed, result.skipped) == (1, 0)
    assert len(shown(site, clerk, owner_id=NO_ONE)) == 6
    everyone = working.change_all(site, clerk, ReportLineCriteria(), people.to_person(site, "401"))
    assert (everyone.changed, {line.owner for line in shown(site, clerk)}) == (6, {"Penner, Ada"})


def test_lines_are_assigned_to_those_alone_who_may_manage_panels(site: OscarHost, oscar: Any, colleague: Actor) -> None:
    oscar.provider("402", last_name="Reception")
    with pytest.raises(Refused, match="Reception, No402 may not manage panels"):
        people.to_person(site, "402")
    for owner_id in ("", "nobody"):
        with pytest.raises(Refused):
            people.to_person(site, owner_id)
    assert people.to_person(site, colleague.actor_id).owner_id == "401"


def test_no_line_is_offered_to_the_system_nor_counted_for_who_may_not_see_the_patient(
    site: OscarHost, oscar: Any, clerk: Actor, colleague: Actor
) -> None:
    kept, barred, retired = (oscar.patient(hin=phn) for phn in ("100000001", "100000002", "100000003"))
    oscar.provider(site.identity.system.actor_id, last_name="System")
    with site.database.engine.connect() as connection:
        offered = people.people(connection, site)
        assert "401" in offered
        assert site.identity.system.actor_id not in offered
    report_of(site, clerk, "100000001", "100000002", "100000003", "100000009")
    oscar.privilege("401", f"_demographic${barred}", "o")
    oscar.merge(retired, barred)
    with site.database.engine.connect() as connection:
        assert lines.to_do(connection, site, clerk) == 4
        assert lines.to_do(connection, site, colleague) == 2, f"record {kept}, and one who is not found"


def test_a_line_that_a_report_opens_or_closes_is_changed_by_who_uploaded_it(
    site: OscarHost, oscar: Any, clerk: Actor, colleague: Actor, clock: FixedClock
) -> None:
    oscar.patient(hin="100000001")
    report_of(site, clerk, "100000001")
    [line] = shown(site, clerk)
    for phns_of_report in (("100000009",), ("100000001",)):
        clock.move_to(clock.now() + timedelta(days=1))
        report_of(site, colleague, *phns_of_report)
        conflict = working.change_selected(site, clerk, [SeenLine((line.line_id,), line.version)], TAKE).conflicts
        [faster] = conflict
        assert (faster.changed_by, faster.changed_at) == ("Penner, Ada", clock.now())


def test_lines_of_reports_about_a_panel_close_when_the_panel_is_deleted(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, make_panel: Callable[..., int]
) -> None:
    panel_id = make_panel("0042")
    oscar.patient(hin="100000001")
    oscar.patient(hin="100000002")
    report_of(site, clerk, "100000002")
    receive(site, clerk, ("100000001", "", "", "", "Dr. Else"), panel_id=panel_id)
    clock.move_to(clock.now() + timedelta(days=1))
    editing.delete(site, clerk, panel_id, version=1)
    deleted_at = clock.now()
    clock.move_to(clock.now() + timedelta(hours=1))
    comparing.compare_to_show(site)
    assert phns(shown(site, clerk)) == ["100000002"], "lines about all panels are open"
    [line] = shown(site, clerk, shown=LinesShown.CLOSED)
    assert (line.closed_at, line.panel_deleted, line.listed_phn) == (deleted_at, True, "100000001")
    event = line_history.history_of(site, clerk, Settings(), line.line_id).events[0]
    assert (event.text, event.by) == ("Closed: the panel of the report was deleted", "Automatic")
    rows = list(export(site, clerk, Settings(), ReportLineCriteria(shown=LinesShown.CLOSED)))
    assert rows[1][HEAD.index(CsvColumn.WHY_CLOSED)] == "Panel deleted"


def test_a_patient_is_one_line_for_reports_about_one_panel_and_about_all(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, make_panel: Callable[..., int]
) -> None:
    one, other = make_panel("0042"), make_panel("0043")
    for phn in ("100000001", "100000002", "100000003"):
        oscar.patient(hin=phn)

    def report(panel_id: int | None, *numbers: str) -> int:
        clock.move_to(clock.now() + timedelta(days=1))
        rows = [(phn, "", "", "", "Dr. Else") for phn in numbers]
        return receive(site, clerk, *rows, ("Total", "", "", "", str(clock.now())), panel_id=panel_id)

    report(None, "100000001", "100000002")
    lines_of_all = {line.listed_phn: line.line_id for line in shown(site, clerk)}
    report(one, "100000001", "100000003")
    found = {line.listed_phn: (line.line_id, line.times) for line in shown(site, clerk)}
    assert (len(found), found["100000001"]) == (3, (lines_of_all["100000001"], 1)), "no second line"
    report(other, "100000003")
    assert len(shown(site, clerk)) == 3, "a report about one panel closes no line of another"
    report(one, "100000002")
    assert sorted(phns(shown(site, clerk))) == ["100000002", "100000003"], "the one that this panel had is gone"
    mistake = report(None, "100000001")
    assert phns(shown(site, clerk)) == ["100000001"], "a report about all panels closes what it no longer has"
    texts = [event.text for event in line_history.history_of(site, clerk, Settings(), 1).events]
    assert [text.split()[0] for text in texts] == ["Back", "Gone:", "In"]
    removing.remove(site, clerk, mistake, 0)
    assert sorted(phns(shown(site, clerk))) == ["100000002", "100000003"]
    report(other, "100000009")
    assert sorted(phns(shown(site, clerk))) == ["100000002", "100000009"], "about the panel again"


def test_a_report_of_an_earlier_month_that_is_uploaded_later_changes_no_line(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock
) -> None:
    for phn in ("100000001", "100000002"):
        oscar.patient(hin=phn)

    def dated(day: str, phn: str) -> int:
        clock.move_to(clock.now() + timedelta(hours=1))
        return receive(site, clerk, (phn, "", "", "", "Dr. Else", day), header=(*HEADER, "Report date"))

    november = dated("2026-11-05", "100000001")
    before = shown(site, clerk)
    october = dated("2026-10-05", "100000002")
    assert shown(site, clerk) == before
    with site.database.engine.connect() as connection:
        outdated = {each.report_id: each.is_outdated for each in listing.reports(connection, site)}
    assert outdated == {november: False, october: True}
    texts = [event.text for event in line_history.history_of(site, clerk, Settings(), before[0].line_id).events]
    assert texts == ["In the report report.csv"]
    dated("2026-11-07", "100000002")
    assert phns(shown(site, clerk)) == ["100000002"], "another one of the same month follows"


def test_an_undo_restores_what_nobody_has_changed_since_and_says_which_lines_stay(
    site: OscarHost, oscar: Any, clerk: Actor, colleague: Actor, clock: FixedClock
) -> None:
    numbers = [str(phn) for phn in range(100_000_001, 100_000_005)]
    patients = [oscar.patient(hin=phn) for phn in numbers]
    report_of(site, clerk, *numbers)
    working.change_all(site, clerk, ReportLineCriteria(), LineChange(LineAction.NOTE, note="Before"))
    why = working.to_state(ReportLineState.WILL_NOT_DO, "Moved away")
    wrong = working.change_all(site, clerk, ReportLineCriteria(), why).operation_id
    assert wrong
    clock.move_to(clock.now() + timedelta(days=30))
    one, *_ = shown(site, clerk, shown=LinesShown.NOT_CLOSED)
    working.change_selected(site, colleague, [SeenLine((one.line_id,), one.version)], TAKE)
    clock.move_to(clock.now() + timedelta(hours=1))
    report_of(site, clerk, *numbers[:3])  # the last one is gone
    undone = working.undo(site, clerk, wrong)
    assert (undone.restored, undone.changed_since) == (2, 2)
    assert [(one.patient_id, one.owner, one.closed) for one in undone.conflicts] == [
        (patients[0], "Penner, Ada", False),
        (patients[3], "", True),
    ]
    states = {line.listed_phn: (line.state, line.note) for line in shown(site, clerk, shown=LinesShown.NOT_CLOSED)}
    assert states == {
        numbers[0]: (ReportLineState.WILL_NOT_DO, "Moved away"),
        numbers[1]: (ReportLineState.OPEN, "Before"),
        numbers[2]: (ReportLineState.OPEN, "Before"),
    }
    with pytest.raises(Refused, match="already been undone"):
        working.undo(site, clerk, wrong)
    with pytest.raises(NotFound):
        working.undo(site, clerk, wrong + 100)
    log = site.tables.log
    with site.database.engine.connect() as connection:
        logged = connection.scalars(select(log.c.data).where(log.c.demographic_no == patients[1])).all()
    assert "line of a report: undo" in logged
    assert not any("Moved away" in text for text in logged)


def test_the_history_of_a_line_says_who_changed_what_and_in_which_reports_it_was(
    site: OscarHost, oscar: Any, clerk: Actor, colleague: Actor, clock: FixedClock
) -> None:
    oscar.patient(hin="100000001")
    oscar.patient(hin="100000002")

    def a_month_later(*numbers: str) -> None:
        clock.move_to(clock.now() + timedelta(days=30))
        report_of(site, clerk, *numbers)

    a_month_later("100000001", "100000002")
    line = shown(site, clerk)[0]
    clock.move_to(clock.now() + timedelta(minutes=1))
    working.change_selected(site, colleague, [SeenLine((line.line_id,), line.version)], TAKE)
    a_month_later("100000002")
    a_month_later("100000001", "100000002")
    clock.move_to(clock.now() + timedelta(minutes=1))
    working.change_all(site, colleague, ReportLineCriteria(), working.to_state(ReportLineState.DONE, "Theirs"))
    found = line_history.history_of(site, clerk, Settings(), line.line_id)
    assert (found.line.state, found.line.times) == (ReportLineState.DONE, 2)
    assert [(event.text, event.by, event.lines) for event in found.events] == [
        ("Open \u2192 Done; Note: Theirs", "Penner, Ada", 2),
        ("Back in the report report.csv", "Automatic", 0),
        ("Gone: not in report.csv", "Automatic", 0),
        ("Taken by Penner, Ada", "Penner, Ada", 1),
        ("In the report report.csv", "Automatic", 0),
    ]
    undoable = found.events[0].operation_id
    assert undoable
    with site.database.engine.connect() as connection:
        assert line_history.lines_of(connection, colleague, undoable) == 2
        assert line_history.lines_of(connection, clerk, undoable) == 0  # a change of someone else
    working.undo(site, clerk, undoable)
    found = line_history.history_of(site, clerk, Settings(), line.line_id)
    assert found.events[0].text == "Undone: Done \u2192 Open; Note cleared"
    assert found.events[1].text.endswith("(undone later)")
    oscar.privilege("401", f"_demographic${found.line.patient_id}", "o")
    with pytest.raises(NotFound):
        line_history.history_of(site, colleague, Settings(), line.line_id)


def test_lines_are_overdue_after_the_days_of_the_setting(site: OscarHost, clerk: Actor, clock: FixedClock) -> None:
    report_of(site, clerk, "100000001")

    def overdue(days: int) -> list[bool]:
        before = overdue_before(clock.now(), days, clock.zone)
        listing = lines.show(site, clerk, Settings(report_due_days=days), ReportLineCriteria(opened_before=before), 0)
        return [line.overdue for line in listing.lines]

    assert overdue(30) == []
    clock.move_to(clock.now() + timedelta(days=30))
    assert overdue(30) == []  # due today
    assert overdue(29) == [True]
    [line] = shown(site, clerk)
    assert line.due == clock.now().astimezone(clock.zone).date()
    assert lines.show(site, clerk, Settings(report_due_days=0), ReportLineCriteria(), 0).lines[0].due is None


def test_the_list_is_narrowed_and_sorted_by_panel_and_mrp_and_is_exported_as_it_is(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel_id = make_panel("7")
    paneled = oscar.patient(hin="100000001", last_name="Zed", first_name="Uma", provider_no="101")
    one_patient.choose(site, clerk, paneled, panel_id, seen_panel_id=None)
    oscar.patient(hin="100000002", last_name="Abel", provider_no="")
    report_of(site, clerk, "100000001", "100000002", "100000003")
    assert phns(shown(site, clerk, sort=ReportLineSort.NAME))[1:] == ["100000002", "100000001"]
    assert phns(shown(site, clerk, sort=ReportLineSort.PANEL, descending=True))[0] == "100000001"
    assert phns(shown(site, clerk, panel_id=panel_id)) == ["100000001"]
    assert phns(shown(site, clerk, mrp_id="101")) == ["100000001"]
    listing = lines.show(site, clerk, Settings(), ReportLineCriteria(), 0)
    assert list(listing.mrps) == ["101"]
    head, *rows = export(site, clerk, Settings(), ReportLineCriteria(panel_id=panel_id))
    assert head == HEAD
    [row] = (dict(zip(HEAD, row, strict=True)) for row in rows)
    assert (row["Record"], row["Panel"], row["Details"]) == (paneled, "7", "Other provider: Dr. Else")
    assert len(list(export(site, clerk, Settings(), ReportLineCriteria()))) == 4


def test_a_patient_s_box_says_what_is_to_do_until_it_is_done_also_after_a_merge(
    site: OscarHost, oscar: Any, clerk: Actor
) -> None:
    patient, kept = oscar.patient(hin="100000001"), oscar.patient(hin="")
    report_of(site, clerk, "100000001")
    assert of_patient.to_do_of(site, kept) == []
    [found] = of_patient.to_do_of(site, patient)
    assert (found.kind, found.since) == (ReportKind.CONFLICT, site.clock.now())
    oscar.merge(patient, kept)
    assert of_patient.to_do_of(site, kept) == [found]
    with site.database.engine.connect() as connection:
        assert lines.to_do(connection, site, clerk) == 1
    working.change_all(site, clerk, ReportLineCriteria(), working.to_state(ReportLineState.DONE, ""))
    assert of_patient.to_do_of(site, kept) == []
    with site.database.engine.connect() as connection:
        assert lines.to_do(connection, site, clerk) == 0


def test_how_a_conflict_ended_is_in_the_history_of_its_line(site: OscarHost, oscar: Any, clerk: Actor) -> None:
    oscar.patient(hin="100000001")
    report_of(site, clerk, "100000001")
    [line] = shown(site, clerk)

    def read() -> evidence.ConflictLine:
        with site.database.engine.connect() as connection:
            return evidence.required(connection, site, clerk, Settings(), line.line_id)

    letters.send(site, clerk, read(), "Else Clinic")
    ending.ask(site, clerk, read())
    with site.database.session() as session:
        clinic.lock(session)
        ending.learn(session, site, clerk, read().patient_id or 0, CheckInAnswer.CONFIRMED)
    ending.reopen(site, clerk, read())
    events = line_history.history_of(site, clerk, Settings(), line.line_id).events
    assert [event.text for event in events if not event.text.startswith("In the report")] == [
        "Opened again",
        "The patient says: this clinic. Write to the other clinic.; Waiting \u2192 Open",
        "Ask the patient",
        "Ours: a letter to the other clinic; Open \u2192 Waiting",
    ]
    assert {(event.by, event.operation_id) for event in events} == {("Automatic", None)}  # undone on the page of it
