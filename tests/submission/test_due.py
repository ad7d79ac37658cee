"""What a fleet asks a clinic: what is due, and when something is next; and one panel at a time."""

from collections.abc import Callable
from datetime import UTC, datetime, time
from typing import Any

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.submissions.due import DueWork, due_work
from cpar_plugin.services.submissions.lease import take_one
from cpar_plugin.services.submissions.one_panel import PanelWork, submit_one
from cpar_plugin.services.submissions.run import RunReport, begin_due
from cpar_plugin.services.submissions.way_out import way_out

from .conftest import World


def due(world: World) -> DueWork:
    return due_work(world.host, world.settings, world.clock.now())


def begin(world: World) -> RunReport:
    report = RunReport()
    begin_due(world.host, world.settings, world.clock.now(), report)
    return report


def submit(world: World, at_most: int = 2) -> PanelWork | None:
    return submit_one(world.host, world.settings, way_out(world.settings), at_most=at_most)


def moment(world: World, text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=world.host.clock.zone).astimezone(UTC)


def test_without_requests_the_next_night_run_is_next(world: World) -> None:
    assert due(world) == DueWork(next_at=moment(world, "2026-11-03T03:15"))


def test_the_next_night_run_is_that_of_the_clinics_own_time_and_calendar(with_settings: Callable[..., World]) -> None:
    world = with_settings(night_run_at=time(1, 30), blackout_first_day=3, blackout_last_day=4)
    assert due(world).next_at == moment(world, "2026-11-05T01:30")


def test_a_night_is_begun_once_and_its_panels_are_submitted_one_at_a_time(world: World) -> None:
    panels = [world.panel(f"P{number}") for number in range(3)]
    asked = world.ask(panels[2])
    world.at("2026-11-07T03:15")
    assert due(world).begins
    assert begin(world).night_begun
    assert not begin(world).night_begun
    work = due(world)
    assert (work.people, work.automatic, work.under_way, work.begins) == (1, 2, 0, False)
    assert [type(count) for count in (work.people, work.automatic, work.under_way)] == [int] * 3  # so many tasks
    first = submit(world)
    assert first is not None
    assert (first.submission_id, first.panel_id, first.state) == (asked, panels[2], SubmissionState.WRITTEN)
    assert [submit(world) is None for _ in range(3)] == [False, False, True]
    assert [world.states(panel) for panel in panels] == [[SubmissionState.WRITTEN]] * 3
    assert due(world).waiting == 0


def test_no_more_panels_of_a_clinic_are_under_way_than_allowed(world: World) -> None:
    panels = [world.panel(f"P{number}") for number in range(3)]
    world.at("2026-11-07T03:15")
    begin(world)
    claim = take_one(world.host, world.settings, world.clock.now)
    assert claim is not None
    work = due(world)
    assert (work.automatic, work.under_way) == (2, 1)
    assert work.next_at == world.clock.now() + world.settings.claim_time
    assert submit(world, at_most=1) is None
    assert submit(world, at_most=2) is not None
    assert [len(world.states(panel)) for panel in panels] == [1, 1, 1]


def test_a_retry_is_due_when_its_pause_is_over(with_settings: Callable[..., Any]) -> None:
    world = with_settings(transport="fhir", registry_url="http://127.0.0.1:9/fhir")
    world.panel()
    world.at("2026-11-07T03:15")
    begin(world)
    tried = submit(world)
    assert tried is not None
    assert tried.state == SubmissionState.WAITING
    assert due(world) == DueWork(next_at=moment(world, "2026-11-07T03:16"))
    world.at("2026-11-07T03:16")
    assert due(world).automatic == 1


def test_nothing_is_due_while_the_integration_is_off(world: World) -> None:
    world.panel()
    clinic.disable(world.host, world.manager)
    world.at("2026-11-07T03:15")
    assert due(world) == DueWork()
    assert submit(world) is None
