"""The list of exclusions over all panels: it says what submissions would exclude, and lines open and close with it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update

from cpar_plugin.domain.exclusion_lines import Closing, LineState
from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.exclusions import changing, compare, due, line_history, listing
from cpar_plugin.services.exclusions.lines_query import LineCriteria, LineKey, LineSort
from cpar_plugin.services.exclusions.listing import ExclusionLine, LineListing
from cpar_plugin.services.operations import access
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.retention import retention
from cpar_plugin.services.snapshots import build
from cpar_plugin.services.work_lines import people
from cpar_plugin.services.work_lines.changes import NO_ONE, LineAction, LineChange, LineConflict, SeenLine
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..examples import examples

MakePanel = Callable[..., int]
Member = Callable[..., int]
Correct = Callable[..., None]
TAKE = LineChange(LineAction.TAKE)


@pytest.fixture
def member(site: OscarHost, oscar: Any, clerk: Actor) -> Member:
    """A patient who would be submitted with this panel, unless the columns say otherwise."""
    numbers = iter(range(300_000_001, 400_000_000))

    def make(panel_id: int, *, visited: bool = True, **columns: Any) -> int:
        patient_id: int = oscar.patient(**{"hin": str(next(numbers))} | columns)
        if visited:
            oscar.visit(patient_id)
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
        return patient_id

    return make


@pytest.fixture
def correct(emr: OscarHost) -> Correct:
    """What a clerk does in the EMR."""

    def change(patient_id: int, **columns: Any) -> None:
        record = emr.tables.demographic
        with emr.database.writing() as connection:
            connection.execute(update(record).where(record.c.demographic_no == patient_id).values(**columns))

    return change


def shown(host: OscarHost, actor: Actor, at_once: int = 100, **criteria: Any) -> LineListing:
    return listing.show(host, actor, Settings(), LineCriteria(**criteria), at_once)


def keys(page: LineListing) -> list[tuple[int, str]]:
    return [(line.key.patient_id, line.key.reason.value) for line in page.lines]


def seen(line: ExclusionLine) -> SeenLine:
    return SeenLine(line.key, line.version)


def excluded_by_snapshots(host: OscarHost, *panel_ids: int) -> set[tuple[int, str, int]]:
    """What submissions of these panels would exclude: patient, reason, panel."""
    result = set()
    for panel_id in panel_ids:
        taken = build.take(host, Settings(), panel_id, now=host.clock.now())
        with host.database.engine.connect() as connection:
            exclusion = tables.exclusion
            rows = connection.execute(select(exclusion).where(exclusion.c.snapshot_id == taken.snapshot_id))
            result |= {(row.patient_id, reason, panel_id) for row in rows for reason in row.reasons.split()}
    return result


def open_lines(host: OscarHost) -> set[tuple[int, str, int]]:
    line = tables.exclusion_line.c
    with host.database.engine.connect() as connection:
        query = select(line.patient_id, line.reason, line.panel_id).where(line.closed_at.is_(None))
        return {tuple(row) for row in connection.execute(query)}


def test_each_reason_of_each_patient_is_a_line_whichever_panel_it_is(
    site: OscarHost, clerk: Actor, make_panel: MakePanel, member: Member
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    member(one)
    no_phn = member(one, hin="", last_name="Berg")
    odd = member(two, sex="", visited=False, last_name="Abel")
    page = shown(site, clerk)
    assert keys(page) == [(odd, "no-gender"), (odd, "no-visit"), (no_phn, "no-phn")]
    assert (page.submitted, page.excluded, page.hidden, page.matching) == (1, 2, 0, 3)
    assert page.reasons == {Reason.NO_GENDER: 1, Reason.NO_VISIT: 1, Reason.NO_PHN: 1}
    assert [line.panel_number for line in page.lines] == ["2", "2", "1"]
    assert {line.state for line in page.lines} == {LineState.OPEN}
    assert open_lines(site) == excluded_by_snapshots(site, one, two)
    with site.database.engine.connect() as connection:
        assert listing.excluded_by_panel(connection) == {one: 1, two: 1}


def test_a_line_closes_by_itself_when_the_reason_is_gone_and_keeps_its_note_if_it_comes_back(
    site: OscarHost,
    clerk: Actor,
    make_panel: MakePanel,
    member: Member,
    correct: Correct,
    clock: FixedClock,
) -> None:
    patient = member(make_panel("1"), hin="")
    (line,) = shown(site, clerk).lines
    assert line.age == 0
    changing.change_selected(site, clerk, [seen(line)], LineChange(LineAction.TAKE))
    (line,) = shown(site, clerk).lines
    changing.change_selected(site, clerk, [seen(line)], LineChange(LineAction.NOTE, note="Called on Tuesday"))
    clock.move_to(clock.now() + timedelta(days=3))
    (line,) = shown(site, clerk).lines
    assert line.age == 3
    correct(patient, hin="100000002")
    page = shown(site, clerk)
    assert (page.lines, page.excluded, page.submitted, page.matching) == ([], 0, 1, 0)
    (closed,) = shown(site, clerk, closed=True).lines
    assert (closed.closing, closed.closed_at, closed.owner_id) == (Closing.REASON_GONE, clock.now(), clerk.actor_id)
    clock.move_to(clock.now() + timedelta(days=2))
    correct(patient, hin="")
    compare.compare_patients(site, Settings(), [patient])
    (again,) = shown(site, clerk).lines
    assert (again.note, again.owner_id, again.age) == ("Called on Tuesday", clerk.actor_id, 0)
    assert shown(site, clerk, closed=True).lines == []


def test_a_patient_who_is_moved_keeps_the_line_and_one_who_leaves_loses_it(
    site: OscarHost, clerk: Actor, make_panel: MakePanel, member: Member
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    moves, leaves = member(one, hin="", last_name="A"), member(one, hin="", last_name="B")
    page = shown(site, clerk)
    changing.change_selected(site, clerk, list(map(seen, page.lines)), LineChange(LineAction.NOTE, note="Card expired"))
    one_patient.choose(site, clerk, moves, two, seen_panel_id=one)
    one_patient.remove(site, clerk, leaves, seen_panel_id=one)
    page = shown(site, clerk)
    assert [(line.key.patient_id, line.panel_id, line.note) for line in page.lines] == [(moves, two, "Card expired")]
    (closed,) = shown(site, clerk, closed=True).lines
    assert (closed.key.patient_id, closed.closing) == (leaves, Closing.NOT_ON_PANEL)
    assert open_lines(site) == {(moves, "no-phn", two)}


def test_the_second_of_two_who_take_a_line_is_shown_who_has_it(
    site: OscarHost, clerk: Actor, oscar: Any, make_panel: MakePanel, member: Member
) -> None:
    oscar.provider("401", last_name="Penner", first_name="Ada")
    first = Actor(actor_id="401", display_name="Penner, Ada")
    panel_id = make_panel("1")
    patients = [member(panel_id, hin="", last_name=name) for name in ("A", "B")]
    lines = list(map(seen, shown(site, clerk).lines))
    oscar.role("401", "manager")
    oscar.privilege("manager", "_demographic", "x")
    assert changing.change_selected(site, first, lines[:1], LineChange(LineAction.TAKE)).changed == 1
    result = changing.change_selected(site, clerk, lines, LineChange(LineAction.TAKE))
    assert result.changed == 1
    [conflict] = result.conflicts
    assert conflict == LineConflict(
        key=(patients[0], Reason.NO_PHN),
        patient_id=patients[0],
        owner="Penner, Ada",
        changed_by="Penner, Ada",
        changed_at=site.clock.now(),
        closed=False,
    )
    owners = {line.key.patient_id: line.owner_id for line in shown(site, clerk).lines}
    assert owners == {patients[0]: "401", patients[1]: clerk.actor_id}
    assert [line.key.patient_id for line in shown(site, clerk, owner_id="401").lines] == [patients[0]]
    everything = changing.change_all(site, clerk, LineCriteria(), changing.to_state(LineState.WAITING))
    assert (everything.changed, everything.skipped) == (1, 1)
    assert [line.key.patient_id for line in shown(site, clerk, state=LineState.WAITING).lines] == [patients[1]]


def test_every_change_is_in_the_audit_trail_without_the_note(
    site: OscarHost, clerk: Actor, make_panel: MakePanel, member: Member
) -> None:
    patient = member(make_panel("1"), hin="")
    for change in (
        LineChange(LineAction.TAKE),
        changing.to_state(LineState.WITH_PATIENT),
        LineChange(LineAction.NOTE, note="New card is in the mail"),
        LineChange(LineAction.RELEASE),
    ):
        (line,) = shown(site, clerk).lines
        assert changing.change_selected(site, clerk, [seen(line)], change).changed == 1
    (line,) = shown(site, clerk).lines
    assert (line.state, line.note, line.owner) == (LineState.WITH_PATIENT, "New card is in the mail", "")
    log = site.tables.log
    with site.database.engine.connect() as connection:
        rows = connection.execute(select(log.c.action, log.c.data).where(log.c.demographic_no == patient)).all()
        everything = " ".join(connection.scalars(select(log.c.data)))
        operations = connection.scalars(select(tables.operation.c.kind).order_by(tables.operation.c.operation_id)).all()
    assert [data for _, data in rows if "exclusion" in data] == [
        "exclusion no-phn: take",
        "exclusion no-phn: state: Asked the patient",
        "exclusion no-phn: note",
        "exclusion no-phn: release",
    ]
    assert operations[-4:] == ["take-exclusions", "state-exclusions", "note-exclusions", "release-exclusions"]
    assert "mail" not in everything


def test_exclusions_are_assigned_have_a_history_and_a_change_is_undone(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, make_panel: MakePanel, member: Member
) -> None:
    oscar.provider("401", last_name="Penner", first_name="Ada")
    oscar.role("401", "manager")
    for name in ("_demographic", "_admin"):
        oscar.privilege("manager", name, "x")
    panel_id = make_panel("1")
    one, two = member(panel_id, hin="", last_name="Abel"), member(panel_id, hin="", last_name="Berg")
    shown(site, clerk)
    clock.move_to(clock.now() + timedelta(hours=1))
    everyone = LineCriteria()
    changing.change_all(site, clerk, everyone, LineChange(LineAction.NOTE, note="Asked by phone"))
    clock.move_to(clock.now() + timedelta(hours=1))
    assigned = changing.change_all(site, clerk, everyone, people.to_person(site, "401"))
    assert assigned.operation_id
    assert {line.owner for line in shown(site, clerk).lines} == {"Penner, Ada"}
    with site.database.engine.connect() as connection:
        assert line_history.lines_of(connection, clerk, assigned.operation_id) == 2
    clock.move_to(clock.now() + timedelta(hours=1))
    changing.change_selected(site, clerk, [seen(shown(site, clerk).lines[1])], TAKE)
    clock.move_to(clock.now() + timedelta(hours=1))
    undone = changing.undo(site, clerk, assigned.operation_id)
    assert (undone.restored, undone.changed_since, [each.patient_id for each in undone.conflicts]) == (1, 1, [two])
    texts = [each.event.text for each in line_history.history_of(site, clerk, one).events]
    assert texts == ["Undone: Released", "Taken by Penner, Ada (undone later)", "Note: Asked by phone", "Excluded"]
    [first] = [line for line in shown(site, clerk).lines if line.key.patient_id == one]
    assert (first.owner, first.note) == ("", "Asked by phone")
    with pytest.raises(Refused, match="already been undone"):
        changing.undo(site, clerk, assigned.operation_id)
    barred = Actor(actor_id="401", display_name="Penner, Ada")
    oscar.privilege("401", f"_demographic${one}", "o")
    with pytest.raises(access.Forbidden):
        line_history.history_of(site, barred, one)


def test_pages_follow_each_other_by_every_sort_in_both_directions(
    site: OscarHost, clerk: Actor, make_panel: MakePanel, member: Member, clock: FixedClock
) -> None:
    panels = [make_panel("9"), make_panel("10", "102")]
    for number in range(7):
        member(panels[number % 2], hin="", sex="" if number % 3 else "F", last_name="ABCABCA"[number])
        clock.move_to(clock.now() + timedelta(days=number % 2))
        shown(site, clerk)
    for sort in LineSort:
        for descending in (False, True):
            whole = keys(shown(site, clerk, sort=sort, descending=descending))
            assert len(set(whole)) == len(whole) == 11
            pages, after = [], None
            while True:
                page = shown(site, clerk, 3, sort=sort, descending=descending, after=after)
                pages.append(keys(page))
                if not page.later:
                    break
                after = page.lines[-1].key
            assert [key for part in pages for key in part] == whole, (sort, descending)
            back = shown(site, clerk, 3, sort=sort, descending=descending, before=page.lines[0].key)
            assert keys(back) == pages[-2]


def test_a_page_that_began_at_a_line_closed_since_goes_on_from_there(
    site: OscarHost, clerk: Actor, make_panel: MakePanel, member: Member, correct: Correct
) -> None:
    panel_id = make_panel("1")
    patients = [member(panel_id, hin="", last_name=name) for name in "ABC"]
    first = shown(site, clerk, 1)
    correct(patients[0], hin="100000007")
    page = shown(site, clerk, 1, after=first.lines[0].key)
    assert keys(page) == [(patients[1], "no-phn")]
    with site.database.session() as session:
        session.execute(delete(tables.exclusion_line).where(tables.exclusion_line.c.patient_id == patients[0]))
    assert shown(site, clerk, 1, after=LineKey(patients[0], Reason.NO_PHN)).restarted


def test_who_may_not_see_a_patient_neither_sees_nor_changes_the_line(
    site: OscarHost, clerk: Actor, oscar: Any, make_panel: MakePanel, member: Member
) -> None:
    panel_id = make_panel("1")
    closed, visible = member(panel_id, hin="", last_name="A"), member(panel_id, hin="", last_name="B")
    lines = list(map(seen, shown(site, clerk).lines))
    oscar.provider("401")
    oscar.role("401", "manager")
    oscar.privilege("manager", "_demographic", "x")
    oscar.privilege("401", f"_demographic${closed}", "o")
    barred = Actor(actor_id="401", display_name="Barred")
    page = shown(site, barred)
    assert (keys(page), page.hidden, page.excluded, page.reasons.total()) == ([(visible, "no-phn")], 1, 1, 1)
    for result in (
        changing.change_selected(site, barred, lines, LineChange(LineAction.TAKE)),
        changing.change_all(site, barred, LineCriteria(), LineChange(LineAction.TAKE)),
    ):
        assert (result.changed, list(result.conflicts), result.skipped) == (1, [], 0)
    assert keys(shown(site, clerk, owner_id=NO_ONE)) == [(closed, "no-phn")]


def test_the_scheduler_compares_at_once_what_was_changed_here_and_everyone_now_and_then(
    site: OscarHost,
    clerk: Actor,
    make_panel: MakePanel,
    member: Member,
    correct: Correct,
    clock: FixedClock,
) -> None:
    def work() -> set[tuple[int, str, int]]:
        due.compare_due(site, Settings(), clock.now())
        return open_lines(site)

    panel_id = make_panel("1")
    one = member(panel_id, hin="")
    assert work() == {(one, "no-phn", panel_id)}
    two = member(panel_id, sex="")
    correct(one, sex="")
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert work() == {(one, "no-phn", panel_id), (two, "no-gender", panel_id)}
    clock.move_to(clock.now() + timedelta(minutes=14))
    assert work() == {(one, "no-phn", panel_id), (one, "no-gender", panel_id), (two, "no-gender", panel_id)}
    correct(two, sex="F")
    clock.move_to(clock.now() + timedelta(minutes=15))
    assert (two, "no-gender", panel_id) not in work()
    assert len(shown(site, clerk, closed=True).lines) == 1
    clock.move_to(clock.now() + timedelta(days=61))
    retention.carry_out(site, Settings(), clock.now())
    assert shown(site, clerk, closed=True).lines == []


def test_two_with_one_phn_are_excluded_until_one_is_corrected(
    site: OscarHost, clerk: Actor, make_panel: MakePanel, member: Member, correct: Correct
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    pair = member(one, hin="100000002", last_name="A"), member(two, hin="100000002", last_name="B")
    page = shown(site, clerk)
    assert [(line.key, line.same_phn) for line in page.lines] == [
        ((pair[0], Reason.SHARED_PHN), (pair[1],)),
        ((pair[1], Reason.SHARED_PHN), (pair[0],)),
    ]
    correct(pair[0], hin="100000004")
    assert shown(site, clerk).lines == []


@pytest.mark.parametrize("database_kind", ["mariadb"])  # SQLite has one writer at a time
def test_a_page_does_not_wait_for_a_comparison_of_everyone_that_is_under_way(
    site: OscarHost, clerk: Actor, make_panel: MakePanel, member: Member, correct: Correct, statements: Any
) -> None:
    patient = member(make_panel("1"), hin="")
    shown(site, clerk)
    correct(patient, hin="100000002")
    with site.database.session() as session, statements() as sent:
        session.execute(select(tables.exclusion_comparison).with_for_update())
        assert keys(shown(site, clerk)) == [(patient, "no-phn")]
        assert [statement for statement in sent if statement.endswith("FOR UPDATE NOWAIT")]  # else a minute later
    assert keys(shown(site, clerk)) == []


def test_of_records_that_are_merged_the_kept_one_has_the_line_and_after_the_unmerge_each_its_own(
    site: OscarHost,
    emr: OscarHost,
    clerk: Actor,
    oscar: Any,
    make_panel: MakePanel,
    member: Member,
    clock: FixedClock,
) -> None:
    panel_id = make_panel("1")
    kept, retired = oscar.patient(hin=""), member(panel_id, hin="")
    oscar.visit(kept)
    (line,) = shown(site, clerk).lines
    changing.change_selected(site, clerk, [seen(line)], LineChange(LineAction.NOTE, note="Ask for the card"))
    merged = emr.tables.demographic_merged
    with emr.database.writing() as connection:
        connection.execute(merged.insert().values(demographic_no=retired, merged_to=kept, deleted=0))
    clock.move_to(clock.now() + timedelta(minutes=15))
    due.compare_due(site, Settings(), clock.now())
    assert open_lines(site) == {(kept, "no-phn", panel_id)}
    with emr.database.writing() as connection:
        connection.execute(update(merged).values(deleted=1))
    clock.move_to(clock.now() + timedelta(minutes=15))
    due.compare_due(site, Settings(), clock.now())
    assert open_lines(site) == {(retired, "no-phn", panel_id)}
    assert [line.note for line in shown(site, clerk).lines] == ["Ask for the card"]


COLUMNS = st.fixed_dictionaries(
    {},
    optional={
        "hin": st.sampled_from(["", "12", "100000002", "100000003", "1000-00002", "100000004"]),
        "hc_type": st.sampled_from(["BC", "", "AB"]),
        "sex": st.sampled_from(["", "M", "Z"]),
        "patient_status": st.sampled_from(["IN", "DE", ""]),
        "last_name": st.sampled_from(["", "\u200b", "王", "Wren"]),
        "year_of_birth": st.sampled_from(["", "2031", "0001", "1890", "2026"]),
    },
)
PATIENT = st.tuples(st.integers(0, 2), st.booleans(), st.booleans(), COLUMNS)  # panel, visited, confirmed


@settings(max_examples=examples(8), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=st.lists(PATIENT, min_size=1, max_size=8), after=st.lists(PATIENT, min_size=1, max_size=8))
def test_lines_are_what_the_snapshots_of_all_panels_would_exclude(
    site: OscarHost, emr: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, before: list[Any], after: list[Any]
) -> None:
    records, visits = emr.tables.demographic, emr.tables.appointment
    with emr.database.writing() as connection:
        for table in (tables.exclusion_line, tables.member, visits, records):
            connection.execute(delete(table))
        connection.execute(update(tables.exclusion_comparison).values(whole_at=None))
        panel_ids = list(connection.scalars(select(tables.panel.c.panel_id)))
    if not panel_ids:
        drafts = [panel_draft(str(number), ["113"], [("101", "100000001")]) for number in range(2)]
        panel_ids = [editing.create(site, clerk, draft) for draft in drafts]

    def put(patients: list[Any]) -> None:
        """These patients, each on a panel or none; the first of those before are replaced."""
        with emr.database.writing() as connection:
            for place, (panel, _, confirmed, _) in enumerate(patients, start=1):
                for table in (visits, records):
                    connection.execute(delete(table).where(table.c.demographic_no == place))
                connection.execute(delete(tables.member).where(tables.member.c.patient_id == place))
                if panel < 2:
                    confirmed_on = clock.now().date() if confirmed else None
                    row = {"patient_id": place, "panel_id": panel_ids[panel], "since": clock.now()}
                    connection.execute(tables.member.insert().values(**row, confirmed_on=confirmed_on))
        for place, (_, visited, _, columns) in enumerate(patients, start=1):
            oscar.patient(**{"demographic_no": place, "hin": f"20000000{place}"} | columns)
            if visited:
                oscar.visit(place)

    put(before)
    due.compare_due(site, Settings(), clock.now())
    assert open_lines(site) == excluded_by_snapshots(site, *panel_ids)
    put(after)
    clock.move_to(clock.now() + timedelta(minutes=15))
    due.compare_due(site, Settings(), clock.now())
    expected = excluded_by_snapshots(site, *panel_ids)
    assert open_lines(site) == expected
    page = shown(site, clerk)
    assert {(*line.key, line.panel_id) for line in page.lines} == expected
    assert page.excluded == len({patient_id for patient_id, _, _ in expected})
