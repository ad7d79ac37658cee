"""What differs too much from the last submission is held, told, released by a person, and sent once."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, func, select, text, update

from cpar_plugin.domain.guard import Releaser, WindowEnd
from cpar_plugin.domain.refusals import Stale
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.hooks import Actor
from cpar_plugin.services.operations.access import Forbidden
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import releases, requests
from cpar_plugin.services.submissions.notices import notices
from cpar_plugin.services.submissions.status import status
from cpar_plugin.store.tables import member, snapshot, snapshot_piece

HELD, WRITTEN, QUEUED = SubmissionState.HELD, SubmissionState.WRITTEN, SubmissionState.QUEUED


def remove(world: Any, panel_id: int, count: int) -> list[int]:
    """Take the first members off the panel."""
    gone = world.members(panel_id)[:count]
    for patient_id in gone:
        one_patient.remove(world.host, world.manager, patient_id, seen_panel_id=panel_id)
    return gone


@pytest.fixture
def careful(with_settings: Callable[..., Any]) -> Any:
    """A clinic in which two patients are many."""
    return with_settings(hold_least_patients=2)


@pytest.fixture
def held(careful: Any) -> tuple[Any, int, int]:
    """A panel of five, submitted on 3 November; two were taken off, and the submission of the seventh is held."""
    panel = careful.panel(members_count=5, notify="panel@example.com")
    careful.ask(panel)
    careful.run_at("2026-11-03T03:15")
    remove(careful, panel, 2)
    careful.run_at("2026-11-07T03:15")
    assert careful.states(panel) == [WRITTEN, HELD]
    return careful, panel, careful.rows(panel)[-1].submission_id


def snapshots(world: Any) -> tuple[int, int]:
    with world.host.database.engine.connect() as connection:
        tables = (snapshot, snapshot_piece)
        whole, pieces = (connection.scalar(select(func.count()).select_from(counted)) for counted in tables)
    return whole, pieces


def release(world: Any, submission_id: int, actor: Actor | None = None) -> int | None:
    return releases.release(world.host, world.settings, actor or world.manager, submission_id)


def told(world: Any) -> str:
    with world.host.database.engine.connect() as connection:
        found = notices(connection, world.host, world.settings, world.clock.now())
    return " ".join(notice.text for notice in found)


def test_a_submission_that_differs_by_more_than_the_share_is_held_and_builds_no_snapshot(careful: Any) -> None:
    panel = careful.panel(members_count=5)
    careful.ask(panel)
    careful.run_at("2026-11-03T03:15")
    before = snapshots(careful)
    remove(careful, panel, 2)
    careful.run_at("2026-11-07T03:15")
    assert (careful.states(panel), snapshots(careful), len(careful.files())) == ([WRITTEN, HELD], before, 1)
    assert "0 patients would be added and 2 removed since the last submission of 5" in careful.rows(panel)[-1].failure


def test_fewer_patients_than_the_setting_hold_nothing(careful: Any) -> None:
    panel = careful.panel(members_count=5)
    careful.ask(panel)
    careful.run_at("2026-11-03T03:15")
    remove(careful, panel, 1)
    careful.run_at("2026-11-07T03:15")
    assert careful.states(panel) == [WRITTEN, WRITTEN]


def test_a_first_submission_is_never_held(careful: Any) -> None:
    panel = careful.panel(members_count=5)
    careful.run_at("2026-11-07T03:15")
    assert careful.states(panel) == [WRITTEN]


def test_a_held_one_is_notified_as_failures_are(held: tuple[Any, int, int]) -> None:
    world, _, _ = held
    assert "Panel P1: held." in told(world)
    assert any(
        "Panel P1: held." in problem for problem in status(world.host, world.settings, world.clock.now()).problems
    )


def test_a_release_goes_with_the_next_night_run_with_the_data_of_then_once(held: tuple[Any, int, int]) -> None:
    world, panel, submission_id = held
    world.at("2026-11-07T09:00")
    assert release(world, submission_id)
    with pytest.raises(Stale):
        release(world, submission_id)
    remove(world, panel, 1)
    world.run()
    assert world.states(panel)[-1] == QUEUED
    world.run_at("2026-11-08T03:15")
    world.run_at("2026-11-09T03:15")
    assert world.states(panel) == [WRITTEN, HELD, WRITTEN]
    assert len(world.files()) == 2
    with world.host.database.engine.connect() as connection:
        last = world.rows(panel)[-1].snapshot_id
        assert connection.scalar(select(snapshot.c.sent).where(snapshot.c.snapshot_id == last)) == 2
    with pytest.raises(Stale):
        release(world, submission_id)


def test_a_release_in_the_blackout_waits_for_its_end(held: tuple[Any, int, int], with_settings: Any) -> None:
    world, panel, submission_id = held
    with_settings(hold_window_end=WindowEnd.HOLD)
    world.at("2026-11-25T09:00")
    release(world, submission_id)
    assert world.rows(panel)[-1].due_on == date(2026, 12, 1)


def test_a_second_person_who_administers_the_emr_releases_where_the_clinic_wants_two(
    held: tuple[Any, int, int], with_settings: Any
) -> None:
    world, panel, submission_id = held
    with_settings(hold_release_by=Releaser.TWO)
    world.oscar.provider("102")
    world.oscar.provider("103")
    world.oscar.role("102", "doctor")
    world.oscar.role("103", "admin")
    world.oscar.privilege("admin", "_admin", "x")
    assert release(world, submission_id) is None
    for actor_id in ("101", "102"):
        with pytest.raises(Forbidden):
            release(world, submission_id, Actor(actor_id=actor_id, display_name="Someone"))
    assert world.states(panel) == [WRITTEN, HELD]
    assert release(world, submission_id, Actor(actor_id="103", display_name="Someone Else"))
    assert world.states(panel) == [WRITTEN, HELD, QUEUED]


def test_the_window_ends_with_the_last_night_before_the_blackout_which_sends_and_says_so(
    held: tuple[Any, int, int],
) -> None:
    world, panel, _ = held
    world.run_at("2026-11-18T03:15")
    assert world.states(panel)[-1] == HELD
    world.run_at("2026-11-19T03:15")
    assert world.states(panel) == [WRITTEN, HELD, WRITTEN]
    assert "Sent without a release" in told(world)


def test_the_window_may_also_end_without_sending(held: tuple[Any, int, int], with_settings: Any) -> None:
    world, panel, _ = held
    with_settings(hold_window_end=WindowEnd.HOLD)
    world.run_at("2026-11-19T03:15")
    assert world.states(panel) == [WRITTEN, HELD]
    assert "Panel P1: held." in told(world)


def test_what_would_be_held_in_the_last_night_is_sent_and_said(careful: Any) -> None:
    panel = careful.panel(members_count=5)
    careful.ask(panel)
    careful.run_at("2026-11-03T03:15")
    careful.run_at("2026-11-07T03:15")
    remove(careful, panel, 2)
    careful.at("2026-11-18T10:00")
    careful.ask(panel)
    careful.run_at("2026-11-19T03:15")
    assert careful.states(panel) == [WRITTEN, WRITTEN, WRITTEN]
    assert "2 removed" in careful.rows(panel)[-1].guard_note
    assert "Sent without a release" in told(careful)


def test_a_panel_of_whom_none_would_be_sent_is_held_and_an_empty_one_is_passed_by_in_silence(world: Any) -> None:
    first, second = world.panel("A", 1), world.panel("B", 1)
    for panel in (first, second):
        world.ask(panel)
    world.run_at("2026-11-03T03:15")
    with world.oscar.database.writing() as connection:
        connection.execute(update(world.oscar.tables.demographic).values(sex=""))
    with world.host.database.engine.begin() as connection:
        connection.execute(delete(member).where(member.c.panel_id == second))
    world.run_at("2026-11-07T03:15")
    assert (world.states(first), world.states(second)) == ([WRITTEN, HELD], [WRITTEN])
    assert "None of the panel's 1 patients would be submitted; last time 1 were." in world.rows(first)[-1].failure


def test_a_reason_that_jumps_holds_although_nobody_sent_is_lost(careful: Any) -> None:
    panel = careful.panel(members_count=5)
    careful.ask(panel)
    careful.run_at("2026-11-03T03:15")
    for _ in range(2):
        one_patient.choose(careful.host, careful.manager, careful.patient(sex=""), panel, seen_panel_id=None)
    careful.run_at("2026-11-07T03:15")
    assert careful.states(panel) == [WRITTEN, HELD]
    assert "2 more patients than last time would be excluded for this reason: No gender." in (
        careful.rows(panel)[-1].failure
    )


def test_what_a_person_asks_for_is_held_too_and_again(held: tuple[Any, int, int]) -> None:
    world, panel, _ = held
    world.at("2026-11-07T09:00")
    requests.ask(world.host, world.settings, world.manager, panel)
    world.run_at("2026-11-08T03:15")
    assert world.states(panel) == [WRITTEN, HELD, HELD]


@contextmanager
def unreadable(world: Any) -> Iterator[None]:
    """The table of the EMR's patients is not where it was, as while the EMR is updated."""
    emr, name = world.oscar.database, world.oscar.tables.demographic
    schema = f"{name.schema}." if name.schema else ""

    def rename(old: str, new: str) -> None:
        with emr.writing() as connection:
            connection.execute(text(f"ALTER TABLE {schema}{old} RENAME TO {schema}{new}"))

    rename(name.name, "demographic_away")
    yield
    rename("demographic_away", name.name)


def test_a_roster_that_cannot_be_read_is_held(world: Any) -> None:
    panel, never_sent = world.panel(members_count=1), world.panel("P2", 1)
    world.ask(panel)
    world.run_at("2026-11-03T03:15")
    with unreadable(world):
        for minute in range(15, 30, 2):
            world.run_at(f"2026-11-07T03:{minute}")
    assert (world.states(panel), world.states(never_sent)) == ([WRITTEN, HELD], [SubmissionState.FAILED])
    assert "could not be read" in world.rows(panel)[-1].failure
    release(world, world.rows(panel)[-1].submission_id)
    world.run_at("2026-11-08T03:15")
    assert world.states(panel) == [WRITTEN, HELD, WRITTEN]


def test_a_roster_that_can_be_read_again_in_time_holds_nothing(world: Any) -> None:
    panel = world.panel(members_count=1)
    world.ask(panel)
    world.run_at("2026-11-03T03:15")
    with unreadable(world):
        world.run_at("2026-11-07T03:15")
        world.run_at("2026-11-07T03:17")
    world.run_at("2026-11-07T03:19")
    assert world.states(panel) == [WRITTEN, WRITTEN]


def test_where_the_contents_of_the_last_submission_are_gone_its_numbers_still_hold(careful: Any) -> None:
    panel = careful.panel(members_count=5)
    careful.ask(panel)
    careful.run_at("2026-11-03T03:15")
    with careful.host.database.engine.begin() as connection:
        connection.execute(delete(snapshot_piece))
    remove(careful, panel, 2)
    careful.ask(panel)
    careful.run_at("2026-11-04T03:15")
    assert careful.states(panel) == [WRITTEN, WRITTEN]  # who was added or removed is not known
    with careful.host.database.engine.begin() as connection:
        connection.execute(delete(snapshot_piece))
    with careful.oscar.database.writing() as connection:
        connection.execute(update(careful.oscar.tables.demographic).values(sex=""))
    careful.run_at("2026-11-07T03:15")
    assert careful.states(panel) == [WRITTEN, WRITTEN, HELD]
