"""Rehearsals are made by themselves before the automatic date, and those who are told of failures are told."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import insert

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import notices
from cpar_plugin.store.tables import rehearsal

from .test_notices import Box, box  # noqa: F401

HELD, WRITTEN = SubmissionState.HELD, SubmissionState.WRITTEN


@pytest.fixture
def watched(with_settings: Any, box: Box) -> tuple[Any, int, list[int]]:  # noqa: F811
    """A clinic with a mail server and a panel of five that was submitted on 3 November; two were taken off since."""
    mail = {"smtp_host": "127.0.0.1", "smtp_port": box.port, "smtp_from": "cpar@clinic.example"}
    world = with_settings(hold_least_patients=2, public_url="https://emr.example", **mail)
    panel = world.panel("0042", 5, notify="panel@clinic.example")
    world.ask(panel)
    world.run_at("2026-11-03T03:15")
    return world, panel, remove(world, panel, 2)


def remove(world: Any, panel_id: int, count: int) -> list[int]:
    gone: list[int] = world.members(panel_id)[:count]
    for patient_id in gone:
        one_patient.remove(world.host, world.manager, patient_id, seen_panel_id=panel_id)
    return gone


def messages(world: Any) -> list[str]:
    with world.host.database.engine.connect() as connection:
        return [notice.text for notice in notices.notices(connection, world.host, world.settings, world.clock.now())]


def test_what_would_be_held_is_notified_days_before_and_mailed_once(
    watched: tuple[Any, int, list[int]],
    box: Box,  # noqa: F811
) -> None:
    world, panel, _ = watched
    world.run_at("2026-11-03T23:00")
    assert (messages(world), box.mails) == ([], [])
    world.run_at("2026-11-04T03:15")
    (text,) = messages(world)
    assert text.startswith("Panel 0042: would be held in the night run of Nov 7, 2026. 0 patients would be added and 2")
    world.run_at("2026-11-04T03:16")
    world.run_at("2026-11-05T03:15")
    (mail,) = box.mails
    assert (mail["To"], mail["Subject"]) == ("panel@clinic.example", "CPAR panel 0042: would be held")
    assert f"https://emr.example/cpar/panels/{panel}/rehearsal" in mail.get_content()
    world.run_at("2026-11-07T03:15")
    assert world.states(panel) == [WRITTEN, HELD]


def test_what_was_corrected_is_no_longer_said_after_the_next_night(watched: tuple[Any, int, list[int]]) -> None:
    world, panel, gone = watched
    world.run_at("2026-11-04T03:15")
    assert len(messages(world)) == 1
    for patient_id in gone:
        one_patient.choose(world.host, world.manager, patient_id, panel, seen_panel_id=None)
    assert len(messages(world)) == 1
    world.run_at("2026-11-05T03:15")
    assert messages(world) == []


def test_a_swing_after_the_first_rehearsal_is_notified_after_the_next_night(with_settings: Any) -> None:
    world = with_settings(hold_least_patients=2)
    panel = world.panel("0042", 5)
    world.ask(panel)
    world.run_at("2026-11-03T03:15")
    world.run_at("2026-11-04T03:15")
    assert messages(world) == []
    remove(world, panel, 2)
    world.run_at("2026-11-05T03:15")
    assert "would be held" in messages(world)[0]


def test_without_days_nothing_is_rehearsed(watched: tuple[Any, int, list[int]], with_settings: Any) -> None:
    world, _, _ = watched
    with_settings(rehearsal_days=0)
    for day in (4, 5, 6):
        world.run_at(f"2026-11-0{day}T03:15")
    assert messages(world) == []


def test_a_worker_that_died_is_replaced_when_its_lease_is_over(watched: tuple[Any, int, list[int]]) -> None:
    world, panel, _ = watched
    world.at("2026-11-04T03:15")
    until = world.clock.now() + timedelta(minutes=5)
    with world.host.database.engine.begin() as connection:
        connection.execute(insert(rehearsal).values(panel_id=panel, claim="of one that died", claimed_until=until))
    world.run()
    assert messages(world) == []
    world.run_at("2026-11-04T03:21")
    assert "would be held" in messages(world)[0]
