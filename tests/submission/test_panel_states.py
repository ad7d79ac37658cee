"""A panel in transition is submitted as before; one that has ended is not, by whatever way."""

from dataclasses import replace
from typing import Any

import pytest

from cpar_plugin.domain.panel_state import PanelState
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.panels import editing
from cpar_plugin.services.submissions import requests


def _change_state(world: Any, panel_id: int, state: PanelState) -> None:
    with world.host.database.engine.connect() as connection:
        saved = editing.get(connection, world.host, panel_id)
    editing.edit(
        world.host, world.host.identity.system, panel_id, saved.version, replace(editing.as_draft(saved), state=state)
    )


def test_a_panel_in_transition_goes_with_the_automatic_submission_and_one_that_has_ended_does_not(world: Any) -> None:
    leaving, ended = world.panel("P1"), world.panel("P2")
    _change_state(world, leaving, PanelState.IN_TRANSITION)
    _change_state(world, ended, PanelState.ENDED)
    world.run_at("2026-11-07T03:20")
    assert world.states(leaving) == [SubmissionState.WRITTEN]
    assert world.states(ended) == []


def test_what_is_queued_is_called_off_when_the_panel_ends_and_nothing_more_can_be_asked_for(world: Any) -> None:
    ended, other = world.panel("P1"), world.panel("P2")
    queued = world.ask(ended)
    _change_state(world, ended, PanelState.ENDED)
    row = world.row(queued)
    assert (row.state, row.failure) == (SubmissionState.CANCELLED, "The panel has ended.")
    with pytest.raises(Refused, match=r"Panel P1 has ended and is not submitted\. Move its patients"):
        world.ask(ended)
    answer = requests.ask_all(world.host, world.settings, world.manager)
    assert (answer.queued, answer.skipped) == (["P2"], {"Ended.": ["P1"]})
    world.run_at("2026-11-07T03:20")
    assert world.states(ended) == [SubmissionState.CANCELLED]
    assert world.states(other) == [SubmissionState.WRITTEN]


def test_a_panel_that_was_reopened_is_submitted_again(world: Any) -> None:
    panel_id = world.panel("P1")
    _change_state(world, panel_id, PanelState.ENDED)
    _change_state(world, panel_id, PanelState.ACTIVE)
    world.run_at("2026-11-07T03:20")
    assert world.states(panel_id) == [SubmissionState.WRITTEN]
