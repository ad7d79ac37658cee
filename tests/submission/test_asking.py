"""What people ask for: submit, cancel, retry."""

from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from cpar_plugin.services.submissions import history, night_run, requests
from cpar_plugin.settings import Settings
from cpar_plugin.store.tables import submission


def test_a_request_says_with_which_night_run_it_goes(world: Any) -> None:
    panel = world.panel()
    world.at("2026-11-10T03:14")
    assert world.row(world.ask(panel)).due_on == date(2026, 11, 10)
    assert requests.run_date(world.host, world.settings) == date(2026, 11, 10)


def test_asking_again_says_who_asked_and_when_it_goes(world: Any) -> None:
    panel = world.panel()
    world.at("2026-11-19T16:20")
    world.ask(panel)
    with pytest.raises(Stale) as said:
        world.ask(panel)
    assert str(said.value) == (
        "Doctor, No101 already queued this panel (Nov 19, 2026, 4:20 PM). "
        "It will be submitted in the night run on Dec 1, 2026."
    )
    assert world.states(panel) == [SubmissionState.QUEUED]


def test_asking_while_the_night_run_has_it_says_so(world: Any) -> None:
    panel = world.panel()
    world.at("2026-11-07T03:15")
    night_run.begin(world.host, world.settings, world.clock.now())
    with pytest.raises(Stale, match="The automatic submission already includes this panel") as said:
        world.ask(panel)
    assert "Starting" in str(said.value)


def test_a_panel_that_is_gone_cannot_be_requested(world: Any) -> None:
    panel = world.panel()
    editing.delete(world.host, world.manager, panel, 1)
    for unknown in (panel, 4711):
        with pytest.raises(NotFound):
            world.ask(unknown)


def test_nothing_can_be_requested_before_the_clinic_is_set_up(host: Any, settings: Settings, clock: Any) -> None:
    system = host.identity.system
    with pytest.raises(Refused, match="turned off"):
        requests.ask(host, settings, system, 1)
    clinic.enable(host, system)
    with pytest.raises(Refused, match="Clinic Name"):
        requests.ask(host, settings, system, 1)


def test_a_queued_submission_can_be_cancelled_and_requested_again(world: Any) -> None:
    panel = world.panel()
    first = world.ask(panel)
    requests.cancel(world.host, world.manager, first)
    assert world.row(first).failure == "Cancelled by No101 Doctor."
    world.ask(panel)
    assert world.states(panel) == [SubmissionState.CANCELLED, SubmissionState.QUEUED]


def test_what_has_gone_can_no_longer_be_cancelled(world: Any) -> None:
    panel = world.panel()
    asked = world.ask(panel)
    world.run_at("2026-11-03T03:15")
    with pytest.raises(Stale, match="Written to folder"):
        requests.cancel(world.host, world.manager, asked)
    with pytest.raises(NotFound):
        requests.cancel(world.host, world.manager, 4711)


@pytest.fixture
def failed(world: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A panel whose submission of the 7th failed, and its submission: the folder stood in the way for a day."""
    panel = world.panel()
    folder = world.settings.outbox_folder
    folder.write_text("a file where the folder should be")
    for moment in ("2026-11-07T03:15", "2026-11-07T12:00", "2026-11-08T12:00"):
        world.run_at(moment)
    assert world.states(panel) == [SubmissionState.FAILED]
    folder.unlink()
    world.failed_panel, world.failed = panel, world.rows(panel)[0].submission_id
    return world


def test_a_retry_goes_at_once_with_a_new_snapshot(failed: Any) -> None:
    requests.retry(failed.host, failed.settings, failed.manager, failed.failed)
    failed.run()
    before, after = failed.rows(failed.failed_panel)
    assert (before.state, after.state) == (SubmissionState.FAILED, SubmissionState.WRITTEN)
    assert before.snapshot_id != after.snapshot_id


def test_a_retry_in_the_blackout_waits_for_its_end(failed: Any) -> None:
    failed.at("2026-11-20T10:00")
    again = requests.retry(failed.host, failed.settings, failed.manager, failed.failed)
    failed.run()
    assert (failed.row(again).state, failed.row(again).due_on) == (SubmissionState.QUEUED, date(2026, 12, 1))


def test_only_the_latest_submission_can_be_tried_again_and_only_once(failed: Any) -> None:
    requests.retry(failed.host, failed.settings, failed.manager, failed.failed)
    with pytest.raises(Stale, match="already"):
        requests.retry(failed.host, failed.settings, failed.manager, failed.failed)
    failed.run()
    with pytest.raises(Stale, match="later submission"):
        requests.retry(failed.host, failed.settings, failed.manager, failed.failed)
    with pytest.raises(Stale, match="Only a failed submission"):
        requests.retry(failed.host, failed.settings, failed.manager, failed.rows(failed.failed_panel)[-1].submission_id)
    with pytest.raises(NotFound):
        requests.retry(failed.host, failed.settings, failed.manager, 4711)


def test_a_panel_without_patients_is_not_submitted(world: Any) -> None:
    panel = world.panel("0042", 0)
    with pytest.raises(Refused, match="Panel 0042 has no patients, so there is nothing to submit"):
        world.ask(panel)
    assert world.rows(panel) == []


def test_all_that_failed_are_retried_at_once(failed: Any) -> None:
    other, empty = failed.panel("P2"), failed.panel("P3", 0)
    requests.ask(failed.host, failed.settings, failed.manager, other)
    failed.settings.outbox_folder.write_text("in the way")
    for moment in ("2026-11-10T03:15", "2026-11-10T12:00", "2026-11-11T12:00"):
        failed.run_at(moment)
    failed.settings.outbox_folder.unlink()
    assert failed.states(other) == [SubmissionState.FAILED]
    assert requests.retry_all(failed.host, failed.settings, failed.manager) is None
    failed.run()
    for panel in (failed.failed_panel, other):
        assert failed.states(panel) == [SubmissionState.FAILED, SubmissionState.WRITTEN]
    assert failed.rows(empty) == []
    with pytest.raises(Stale, match="No failed submission is left to retry"):
        requests.retry_all(failed.host, failed.settings, failed.manager)


def test_in_the_blackout_all_that_failed_wait_for_its_end(failed: Any) -> None:
    failed.at("2026-11-20T10:00")
    assert requests.retry_all(failed.host, failed.settings, failed.manager) == date(2026, 12, 1)
    assert failed.states(failed.failed_panel) == [SubmissionState.FAILED, SubmissionState.QUEUED]


def test_a_submission_that_was_delivered_on_retry_advises_nothing(failed: Any) -> None:
    def advice() -> list[str]:
        with failed.host.database.engine.connect() as connection:
            return [row.advice for row in history.history(connection, failed.host, panel_id=failed.failed_panel)]

    assert advice() == ["Press Retry to submit the panel as it is now."]
    requests.retry(failed.host, failed.settings, failed.manager, failed.failed)
    failed.run()
    assert advice() == ["", ""]


@pytest.mark.parametrize("left", [False, True])
def test_what_the_next_automatic_submission_replaces_is_in_doubt_only_where_something_was_sent(
    world: Any, left: bool
) -> None:
    panel = world.panel()
    world.settings.outbox_folder.write_text("in the way")
    world.ask(panel)
    for moment in ("2026-12-06T12:00", "2026-12-07T03:14"):
        world.run_at(moment)
    with world.host.database.session() as session:
        moved = {"state": SubmissionState.WAITING, "in_doubt_since": world.clock.now() if left else None}
        session.execute(update(submission).values(**moved, next_attempt_at=world.clock.now() + timedelta(hours=8)))
    world.run_at("2026-12-07T03:15")
    failure = world.rows(panel)[0].failure
    assert ("Delivery was not confirmed" in failure) == left
    assert ("Nothing was sent" in failure) != left


def test_asking_for_all_panels_is_asking_for_each_and_says_which_were_skipped_why(world: Any) -> None:
    first, second, third = (world.panel(number) for number in ("1", "2", "3"))
    empty = world.panel("4", members_count=0)
    world.at("2026-11-19T16:20")
    asked_before = world.ask(first)
    world.at("2026-11-20T09:00")
    alone = world.row(requests.ask(world.host, world.settings, world.manager, second))
    requests.cancel(world.host, world.manager, alone.submission_id)
    asked = requests.ask_all(world.host, world.settings, world.manager)
    assert (asked.due_on, asked.queued) == (date(2026, 12, 1), ["2", "3"])
    assert asked.skipped == {
        "Doctor, No101 already queued this panel (Nov 19, 2026, 4:20 PM). "
        "It will be submitted in the night run on Dec 1, 2026.": ["1"],
        "No patients.": ["4"],
    }
    assert [row.submission_id for row in world.rows(first)] == [asked_before]
    assert world.rows(empty) == []
    own = ("submission_id", "panel_id", "open_panel_id", "state", "finished_at", "failure")
    as_one = {name: value for name, value in alone._mapping.items() if name not in own}
    for panel_id in (second, third):
        row = world.rows(panel_id)[-1]
        assert {name: row._mapping[name] for name in as_one} == as_one
        assert (row.state, row.open_panel_id) == (SubmissionState.QUEUED, panel_id)
    with world.host.database.engine.connect() as connection:
        log = world.host.tables.log.c
        lines = connection.execute(select(log.action, log.data).where(log.content == "cparSubmission")).all()
    assert sorted(data for action, data in lines if action == "add") == sorted(
        f"panel {panel_id}" for panel_id in (first, second, second, third)
    )
    again = requests.ask_all(world.host, world.settings, world.manager)
    assert (again.queued, sum(map(len, again.skipped.values()))) == ([], 4)


def test_asking_for_all_panels_takes_the_same_number_of_statements_however_many(
    world: Any, statements: list[str]
) -> None:
    counts = []
    for numbers in (range(3), range(3, 20)):
        for number in numbers:
            world.panel(str(number))
        statements.clear()
        requests.ask_all(world.host, world.settings, world.manager)
        counts.append(len(statements))
    assert counts[0] <= 6
    assert counts[1] <= counts[0] + 1  # who had asked before is looked up


def test_all_panels_are_refused_before_the_clinic_is_set_up(host: Any, settings: Settings) -> None:
    clinic.enable(host, host.identity.system)
    with pytest.raises(Refused, match="Clinic Name"):
        requests.ask_all(host, settings, host.identity.system)
