"""The numbers of a clinic's last night, as those who operate many clinics see them."""

from datetime import timedelta
from typing import Any

import pytest

from cpar_plugin.domain.pace import LATELY, time_left
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.submissions import night_run
from cpar_plugin.services.submissions.night_counts import NightCounts, night_counts
from cpar_plugin.services.submissions.texts import Stage


def counts(world: Any) -> NightCounts:
    with world.host.database.engine.connect() as connection:
        return night_counts(connection, world.clock.now())


def test_a_clinic_without_a_night_has_its_panels_and_nothing_else(world: Any) -> None:
    world.panel()
    found = counts(world)
    assert (found.panels, found.began_at, found.in_progress, found.states.total()) == (1, None, 0, 0)
    assert found.is_configured
    assert found.enabled_at is not None


def test_each_panel_of_the_night_counts_once_by_what_became_of_it(world: Any) -> None:
    full, other, empty = world.panel("P1"), world.panel("P2"), world.panel("P3", last_name="")
    world.run_at("2026-11-07T03:20")
    found = counts(world)
    assert found.of(Stage.DELIVERED) == 2
    assert found.of(Stage.NOTHING_TO_SEND) == 1
    assert found.states.total() == found.finished_lately == 3
    assert found.panel_ids == {SubmissionState.NOTHING_TO_SEND: (empty,)}
    assert {full, other} & set(found.panel_ids) == set()
    assert found.began_at == found.read_at
    assert found.beat_at is not None


def test_what_is_sent_again_after_it_failed_counts_by_its_last_attempt(with_settings: Any) -> None:
    world = with_settings(transport="fhir", registry_url="http://127.0.0.1:1/fhir")
    panel = world.panel()
    world.run_at("2026-11-07T03:20")
    assert counts(world).retried == 1
    assert counts(world).panel_ids == {SubmissionState.WAITING: (panel,)}
    world = with_settings(transport="folder")
    world.run_at("2026-11-07T03:40")
    assert counts(world).states == {SubmissionState.WRITTEN: 1}


def test_a_request_for_the_next_night_hides_nothing_of_this_one(world: Any) -> None:
    panel = world.panel()
    world.run_at("2026-11-07T03:20")
    world.ask(panel)
    assert counts(world).states == {SubmissionState.WRITTEN: 1}


def test_another_night_begins_at_nothing(world: Any) -> None:
    world.panel()
    world.run_at("2026-11-07T03:20")
    world.run_at("2026-11-08T03:20")
    found = counts(world)
    assert (found.states.total(), found.finished_lately) == (0, 0)
    assert found.began_at == world.clock.now()


def test_a_date_that_is_made_up_for_counts_in_its_night_also_by_a_clock_that_is_behind(world: Any) -> None:
    world.panel()
    world.at("2026-11-08T03:20")
    night_run.begin(world.host, world.settings, world.clock.now())
    world.run_at("2026-11-08T03:18:30")
    world.at("2026-11-08T03:21")
    assert counts(world).states == {SubmissionState.WRITTEN: 1}


def test_a_night_that_a_clock_began_which_was_ahead_hides_nothing_of_the_last_one(world: Any) -> None:
    world.panel()
    world.run_at("2026-11-07T03:20")
    began_at = world.clock.now()
    world.run_at("2026-11-10T03:20")
    world.at("2026-11-08T02:00")
    found = counts(world)
    assert (found.states, found.began_at) == ({SubmissionState.WRITTEN: 1}, began_at)


def test_what_finished_earlier_than_lately_does_not_count_for_the_pace(world: Any) -> None:
    world.panel()
    world.run_at("2026-11-07T03:20")
    world.at("2026-11-07T03:50")
    found = counts(world)
    assert (found.of(Stage.DELIVERED), found.finished_lately, found.ran_for) == (1, 0, LATELY)


def test_a_clinic_that_is_turned_off_says_so(world: Any) -> None:
    clinic.disable(world.host, world.manager)
    assert counts(world).enabled_at is None


@pytest.mark.parametrize(
    ("remaining", "finished", "during", "expected"),
    [
        (0, 0, timedelta(0), timedelta(0)),
        (5, 0, LATELY, None),
        (5, 3, timedelta(0), None),
        (10, 30, timedelta(minutes=15), timedelta(minutes=5)),
    ],
)
def test_what_remains_takes_as_long_as_the_latest_took(
    remaining: int, finished: int, during: timedelta, expected: timedelta | None
) -> None:
    assert time_left(remaining, finished, during) == expected
