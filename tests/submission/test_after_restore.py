"""A backup, submissions, a restore: what may have been submitted is listed, and does not go twice by itself."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from cpar_plugin.commands import cpar
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.health import restored
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.submissions import status

from ..backup import Backup, backup  # noqa: F401

CPAR = Path(sys.executable).with_name("cpar")


@pytest.fixture
def settings_of_a_call(world: Any, environment: dict[str, str]) -> dict[str, str]:
    return environment | {"CPAR_OUTBOX_FOLDER": str(world.settings.outbox_folder), "CPAR_NOW": "2026-11-08T10:00"}


@pytest.fixture
def call(settings_of_a_call: dict[str, str]) -> Any:
    def called(*arguments: str) -> Result:
        return CliRunner().invoke(cpar, ["after-restore", *arguments], env=settings_of_a_call)

    return called


@pytest.fixture
def panels_of_a_restored_clinic(world: Any, backup: Backup) -> tuple[int, int]:  # noqa: F811
    """P1 and P2, of which the second was asked for. The backup is of the 6th: what went on the 7th is lost."""
    world.at("2026-11-06T10:00")
    panels = world.panel("P1"), world.panel("P2")
    world.ask(panels[1])
    world.run_at("2026-11-06T10:01")
    backup.make()
    world.run_at("2026-11-07T03:20")
    assert [world.states(panel) for panel in panels] == [[SubmissionState.WRITTEN], [SubmissionState.WRITTEN]]
    backup.restore()
    world.at("2026-11-08T10:00")
    return panels


def test_it_lists_and_changes_nothing_where_no_one_can_be_asked(
    world: Any, call: Any, panels_of_a_restored_clinic: tuple[int, int]
) -> None:
    result = call("--submissions", "hold")
    assert result.exit_code == 1
    files = [f"  {file.name}" for file in world.files()]
    assert result.output.splitlines() == [
        "Last activity recorded in these tables: Nov 6, 2026, 10:01 AM.",
        "Later activity is lost. It may reappear or be repeated as follows:",
        "FHIR clients with access, including any revoked later: none",
        "Submissions that will continue, including any completed later: 1",
        "  Panel P2: queued, requested Nov 6, 2026, 10:00 AM",
        "Automatic submissions that will run, possibly a second time: Nov 7, 2026",
        "Submissions in the outbox folder that are not in these tables: 2",
        *files,
        "The registry, and the EMR's audit trail (cparSubmission, cparFhirClient), show what was done since.",
        "Error: Nothing was changed. Choose: --clients hold|keep --submissions hold|keep",
    ]
    assert [world.states(panel) for panel in panels_of_a_restored_clinic] == [[], [SubmissionState.QUEUED]]
    with world.host.database.engine.connect() as connection:
        assert clinic.restored_at(connection) is None


def test_what_is_held_does_not_go_again_until_someone_asks_for_it(
    world: Any, call: Any, panels_of_a_restored_clinic: tuple[int, int]
) -> None:
    first, second = panels_of_a_restored_clinic
    assert restored.completed(world.host, world.settings).level == "warning"
    result = call("--clients", "hold", "--submissions", "hold")
    assert result.exit_code == 0, result.output
    for moment in ("2026-11-08T10:01", "2026-11-09T03:20", "2026-11-20T10:00"):
        world.run_at(moment)
    assert world.states(first) == [SubmissionState.MISSED]
    assert world.states(second) == [SubmissionState.CANCELLED, SubmissionState.MISSED]
    assert len(world.files()) == 2
    assert "Check what the registry has on file." in world.rows(first)[0].failure
    state = status.status(world.host, world.settings, world.clock.now())
    assert "A backup was restored (cpar after-restore completed Nov 8, 2026, 10:00 AM)." in state.facts
    health = restored.completed(world.host, world.settings)
    assert (health.level, health.message) == (
        "ok",
        "A backup was restored; cpar after-restore completed Nov 8, 2026, 10:00 AM.",
    )
    world.ask(first)
    world.run_at("2026-12-01T03:20")
    assert len(world.files()) == 3


def test_what_is_kept_goes_once_more(world: Any, call: Any, panels_of_a_restored_clinic: tuple[int, int]) -> None:
    assert call("--clients", "keep", "--submissions", "keep").exit_code == 0
    world.run_at("2026-11-09T03:20")
    assert [world.states(panel) for panel in panels_of_a_restored_clinic] == [
        [SubmissionState.WRITTEN],
        [SubmissionState.WRITTEN],
    ]
    assert len(world.files()) == 4


def test_what_was_begun_when_the_backup_was_made_has_failed(
    world: Any,
    call: Any,
    backup: Backup,  # noqa: F811
) -> None:
    panel = world.panel("P1")
    world.ask(panel)
    folder = world.settings.outbox_folder
    folder.write_text("in its way")
    world.run_at("2026-11-07T03:20")
    assert world.states(panel) == [SubmissionState.WAITING]
    backup.make()
    backup.restore()
    world.at("2026-11-08T10:00")
    assert "Panel P1: retry scheduled" in call().output
    assert call("--clients", "keep", "--submissions", "hold").exit_code == 0
    folder.unlink()
    world.run_at("2026-11-08T10:20")
    assert world.states(panel) == [SubmissionState.FAILED]


@pytest.mark.parametrize(
    ("answers", "expected"), [("n\nn\n", SubmissionState.WRITTEN), ("\n\n", SubmissionState.MISSED)]
)
def test_at_a_terminal_it_asks(
    world: Any,
    settings_of_a_call: dict[str, str],
    panels_of_a_restored_clinic: tuple[int, int],
    answers: str,
    expected: SubmissionState,
) -> None:
    ours, theirs = pty.openpty()
    with os.fdopen(ours, "w") as keyboard, os.fdopen(theirs, "r") as terminal:
        asked = subprocess.Popen(
            [CPAR, "after-restore"],
            env=os.environ | settings_of_a_call,
            stdin=terminal,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        assert asked.stdout
        keyboard.write(answers)
        keyboard.flush()
        said, _ = asked.communicate()
    assert "Put all FHIR clients on hold until each is allowed again? [Y/n]" in said
    assert "Hold submissions that may already have been sent? [Y/n]" in said
    world.run_at("2026-11-09T03:20")
    assert world.states(panels_of_a_restored_clinic[0]) == [expected]
