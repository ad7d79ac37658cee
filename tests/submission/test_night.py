"""The calendar, driven by the clock: night run, automatic date, blackout, catch-up, clock changes."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from cpar_plugin.services.submissions import night_run as night
from cpar_plugin.store.tables import night_run


def tick_through(world: Any, first: str, last: str, every: timedelta) -> None:
    """Run at every step of real time between two moments, which have an offset."""
    moment, end = datetime.fromisoformat(first).astimezone(UTC), datetime.fromisoformat(last)
    while moment <= end:
        world.clock.move_to(moment)
        world.run()
        moment += every


def nights(world: Any) -> list[date]:
    with world.host.database.engine.connect() as connection:
        return list(connection.scalars(select(night_run.c.night).order_by(night_run.c.night)))


def test_a_request_goes_with_the_next_night_run_and_not_a_minute_earlier(world: Any) -> None:
    panel = world.panel()
    world.ask(panel)
    world.run()
    world.run_at("2026-11-03T03:14")
    assert world.states(panel) == [SubmissionState.QUEUED]
    world.run_at("2026-11-03T03:15")
    assert world.states(panel) == [SubmissionState.WRITTEN]
    assert len(world.files()) == 1


def test_the_night_run_of_the_seventh_submits_every_panel_that_has_members(world: Any) -> None:
    first, empty, second = world.panel("A", 2), world.panel("B", 0), world.panel("C", 1)
    world.run_at("2026-11-07T03:15")
    assert [world.states(panel) for panel in (first, empty, second)] == [
        [SubmissionState.WRITTEN],
        [],
        [SubmissionState.WRITTEN],
    ]
    assert {row.automatic for row in world.rows(first)} == {date(2026, 11, 7)}


def test_a_night_in_which_nothing_was_requested_begins_with_few_statements(world: Any, statements: list[str]) -> None:
    """A worker of a fleet begins the nights of hundreds of clinics, in nearly all of which this is so."""
    panel = world.panel()
    world.at("2026-11-07T03:15")
    world.host.roster.merged()  # what the database has is known
    statements.clear()
    assert night.begin(world.host, world.settings, world.clock.now())
    assert len(statements) <= 10
    assert world.states(panel) == [SubmissionState.DUE]


def test_a_panel_without_a_member_who_can_be_sent_is_reported_as_such(world: Any) -> None:
    panel = world.panel(members_count=1, sex="")
    world.run_at("2026-11-07T03:15")
    (row,) = world.rows(panel)
    assert row.state == SubmissionState.NOTHING_TO_SEND
    assert "No patient on the panel can be submitted" in row.failure
    assert world.files() == []


def test_a_request_and_the_seventh_in_the_same_night_make_one_submission(world: Any) -> None:
    panel = world.panel()
    world.at("2026-11-06T16:00")
    world.ask(panel)
    world.run_at("2026-11-07T03:15")
    (row,) = world.rows(panel)
    assert (row.state, row.automatic, row.requested_by) == (SubmissionState.WRITTEN, date(2026, 11, 7), "101")


def test_a_request_made_while_the_seventh_is_late_joins_it(world: Any) -> None:
    panel = world.panel()
    world.at("2026-11-07T04:00")
    world.ask(panel)
    assert world.rows(panel)[0].due_on == date(2026, 11, 8)
    world.run_at("2026-11-07T05:00")
    world.run_at("2026-11-08T03:15")
    assert world.states(panel) == [SubmissionState.WRITTEN]


def test_what_is_requested_on_the_nineteenth_in_daytime_goes_on_the_first(world: Any) -> None:
    panel = world.panel()
    world.run_at("2026-11-07T03:15")
    world.at("2026-11-19T10:00")
    world.ask(panel)
    tick_through(world, "2026-11-19T10:00-07:00", "2026-12-01T03:14-07:00", timedelta(hours=2, minutes=7))
    assert world.states(panel) == [SubmissionState.WRITTEN, SubmissionState.QUEUED]
    world.run_at("2026-12-01T03:15")
    assert world.states(panel) == [SubmissionState.WRITTEN, SubmissionState.WRITTEN]


def test_what_is_requested_on_the_eighteenth_still_goes_on_the_nineteenth(world: Any) -> None:
    panel = world.panel()
    world.run_at("2026-11-07T03:15")
    world.at("2026-11-18T10:00")
    world.ask(panel)
    world.run_at("2026-11-19T03:15")
    assert world.states(panel) == [SubmissionState.WRITTEN, SubmissionState.WRITTEN]


def test_a_night_run_is_made_up_until_six(world: Any) -> None:
    panel = world.panel()
    world.ask(panel)
    world.run_at("2026-11-03T05:59")
    assert world.states(panel) == [SubmissionState.WRITTEN]


def test_from_six_on_a_missed_night_waits_for_the_next_one(world: Any) -> None:
    panel = world.panel()
    world.ask(panel)
    for moment in ("2026-11-03T06:00", "2026-11-03T13:00", "2026-11-04T00:10"):
        world.run_at(moment)
    assert world.states(panel) == [SubmissionState.QUEUED]
    world.run_at("2026-11-04T03:15")
    assert world.states(panel) == [SubmissionState.WRITTEN]


@pytest.mark.parametrize("made_up", ["2026-11-08T03:15", "2026-11-19T05:59"])
def test_a_missed_seventh_is_made_up_in_any_night_before_the_blackout(world: Any, made_up: str) -> None:
    panel = world.panel()
    world.run_at(made_up)
    (row,) = world.rows(panel)
    assert (row.state, row.automatic) == (SubmissionState.WRITTEN, date(2026, 11, 7))
    world.run_at("2026-11-20T10:00")
    assert world.states(panel) == [SubmissionState.WRITTEN]


@pytest.mark.parametrize("seen", ["2026-11-20T00:00", "2026-11-25T12:00", "2026-12-03T12:00"])
def test_a_seventh_that_was_not_made_up_before_the_blackout_is_missed_once(world: Any, seen: str) -> None:
    panel, empty = world.panel("A"), world.panel("B", 0)
    world.run_at(seen)
    world.run()
    world.clock.move_to(world.clock.now() + timedelta(hours=5))
    world.run()
    (row,) = world.rows(panel)
    assert (row.state, row.automatic, row.open_panel_id) == (SubmissionState.MISSED, date(2026, 11, 7), None)
    assert "Nov 7, 2026 was missed" in row.failure
    assert world.rows(empty) == []
    world.run_at("2026-12-07T03:15")
    assert world.states(panel) == [SubmissionState.MISSED, SubmissionState.WRITTEN]


def test_a_panel_made_after_the_seventh_has_missed_nothing(world: Any) -> None:
    world.at("2026-11-07T03:16")
    panel = world.panel()
    world.run_at("2026-11-08T03:15")
    world.run_at("2026-11-21T03:15")
    assert world.states(panel) == []


def test_turning_the_integration_on_after_the_seventh_submits_nothing_for_it(world: Any) -> None:
    panel = world.panel()
    clinic.disable(world.host, world.manager)
    world.at("2026-11-07T03:20")
    clinic.enable(world.host, world.manager)
    world.run_at("2026-11-07T03:21")
    world.run_at("2026-11-08T03:15")
    world.run_at("2026-11-21T03:15")
    assert world.states(panel) == []


def test_two_months_without_a_run_are_two_missed_submissions(world: Any) -> None:
    panel = world.panel()
    world.run_at("2026-12-22T10:00")
    assert [(row.state, row.automatic) for row in world.rows(panel)] == [
        (SubmissionState.MISSED, date(2026, 11, 7)),
        (SubmissionState.MISSED, date(2026, 12, 7)),
    ]


def test_the_later_of_two_missed_dates_is_still_made_up(world: Any) -> None:
    panel = world.panel()
    world.run_at("2026-12-09T03:30")
    assert [(row.state, row.automatic) for row in world.rows(panel)] == [
        (SubmissionState.MISSED, date(2026, 11, 7)),
        (SubmissionState.WRITTEN, date(2026, 12, 7)),
    ]


@pytest.mark.parametrize(
    ("asked", "first", "last", "night_of"),
    [
        ("2026-11-02T12:00-07:00", "2026-11-02T23:00-07:00", "2026-11-03T08:00-07:00", date(2026, 11, 3)),
        ("2026-10-31T12:00-06:00", "2026-10-31T22:00-06:00", "2026-11-01T08:00-07:00", date(2026, 11, 1)),
        ("2027-03-13T12:00-07:00", "2027-03-13T22:00-07:00", "2027-03-14T08:00-06:00", date(2027, 3, 14)),
    ],
    ids=["an ordinary night", "the long night", "the short night"],
)
def test_a_night_with_a_clock_change_runs_once_at_a_quarter_past_three(
    world: Any, asked: str, first: str, last: str, night_of: date
) -> None:
    world.at("2026-10-10T10:00")
    clinic.disable(world.host, world.manager)
    world.at(asked)
    clinic.enable(world.host, world.manager)
    panel = world.panel()
    world.ask(panel)
    tick_through(world, first, last, timedelta(minutes=5))
    (row,) = world.rows(panel)
    assert row.state == SubmissionState.WRITTEN
    begun = row.first_attempt_at.astimezone(world.clock.zone)
    assert (begun.date(), f"{begun:%H:%M}") == (night_of, "03:15")
    assert nights(world) == [night_of]


def test_a_clock_that_is_set_back_begins_no_second_night_run(world: Any) -> None:
    panel = world.panel()
    world.run_at("2026-11-07T03:20")
    world.run_at("2026-11-07T03:15")
    world.run_at("2026-11-06T03:15")
    world.run_at("2026-11-07T03:40")
    assert world.states(panel) == [SubmissionState.WRITTEN]


def test_what_came_due_and_was_not_begun_before_the_blackout_goes_back_into_the_queue(world: Any) -> None:
    panel = world.panel()
    world.run_at("2026-11-07T03:15")
    world.at("2026-11-18T10:00")
    world.ask(panel)
    world.at("2026-11-19T03:15")
    assert night.begin(world.host, world.settings, world.clock.now())
    assert world.states(panel)[-1] == SubmissionState.DUE
    world.run_at("2026-11-20T00:01")
    row = world.rows(panel)[-1]
    assert (row.state, row.due_on) == (SubmissionState.QUEUED, date(2026, 12, 1))
    world.run_at("2026-12-01T00:30")
    assert world.states(panel)[-1] == SubmissionState.QUEUED
    world.run_at("2026-12-01T03:15")
    assert world.states(panel) == [SubmissionState.WRITTEN, SubmissionState.WRITTEN]


def test_an_automatic_submission_not_begun_before_the_blackout_is_missed(world: Any) -> None:
    panel = world.panel()
    world.at("2026-11-07T03:15")
    night.begin(world.host, world.settings, world.clock.now())
    world.run_at("2026-11-20T00:01")
    world.run_at("2026-12-01T03:15")
    assert world.states(panel) == [SubmissionState.MISSED]


def test_a_night_run_that_was_cut_short_is_finished_whenever_someone_can(world: Any) -> None:
    panel = world.panel()
    world.at("2026-11-07T03:15")
    night.begin(world.host, world.settings, world.clock.now())
    world.run_at("2026-11-07T09:30")
    assert world.states(panel) == [SubmissionState.WRITTEN]


def test_a_deleted_panel_is_neither_submitted_nor_missed(world: Any) -> None:
    queued, due, gone = world.panel("A"), world.panel("B"), world.panel("C")
    world.ask(queued)
    editing.delete(world.host, world.manager, queued, 1)
    editing.delete(world.host, world.manager, gone, 1)
    world.at("2026-11-07T03:15")
    night.begin(world.host, world.settings, world.clock.now())
    editing.delete(world.host, world.manager, due, 1)
    world.run()
    world.run_at("2026-11-20T10:00")
    assert [world.states(panel) for panel in (queued, due, gone)] == [
        [SubmissionState.CANCELLED],
        [SubmissionState.CANCELLED],
        [],
    ]
    assert world.files() == []


def test_turning_the_integration_off_calls_off_what_is_open(world: Any) -> None:
    panel = world.panel()
    world.ask(panel)
    clinic.disable(world.host, world.manager)
    world.run()
    assert world.states(panel) == [SubmissionState.CANCELLED]
    world.run_at("2026-11-07T03:15")
    assert world.files() == []


def test_records_merged_since_are_followed_before_the_night_run(world: Any) -> None:
    panel = world.panel(members_count=2)
    kept = world.patient()
    retired = kept - 1
    world.oscar.merge(retired, kept)
    world.run_at("2026-11-07T03:15")
    (sent,) = world.files()
    text = sent.read_text()
    assert world.states(panel) == [SubmissionState.WRITTEN]
    assert text.count('"resourceType":"Patient"') == 2
    assert str(100000000 + 3) in text
