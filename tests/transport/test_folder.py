"""A submission as a file."""

import os
import resource
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cpar_plugin.settings import Settings
from cpar_plugin.transport import DeliveryOutcome, DeliveryResult, Envelope, for_settings

Put = Callable[..., Envelope]

KILLED_WHILE_WRITING = """
import os, pathlib, sys
from datetime import UTC, datetime
from cpar_plugin.transport import Envelope
from cpar_plugin.transport.folder import Folder

def killed():
    yield b"{" * 100_000
    os.kill(os.getpid(), 9)

Folder(pathlib.Path(sys.argv[1])).send(Envelope(
    snapshot_id=sys.argv[2], panel_number="0042", taken_at=datetime(2026, 11, 10, 10, 0, tzinfo=UTC),
    sha256="0" * 64, body_bytes=200_000, entries=2, open_body=killed,
))
"""


def send(folder: Path, envelope: Envelope) -> DeliveryResult:
    return for_settings(Settings(transport="folder", outbox_folder=folder)).send(envelope)


def test_the_file_holds_the_submission_and_is_written_not_delivered(
    tmp_path: Path, envelope: Put, submission: bytes
) -> None:
    answer = send(tmp_path / "outbox", envelope(submission))
    assert answer.outcome is DeliveryOutcome.WRITTEN
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.name == "0042-20261110T100000Z-6f1c54a7-31c4-4d77-9a38-3d2b4d0c3b11.json"
    assert file.read_bytes() == submission


def test_only_the_user_it_runs_as_may_read_file_and_folder(tmp_path: Path, envelope: Put, submission: bytes) -> None:
    old = os.umask(0)
    try:
        send(tmp_path / "outbox", envelope(submission))
    finally:
        os.umask(old)
    (file,) = (tmp_path / "outbox").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700


def test_the_same_snapshot_written_again_remains_one_file(tmp_path: Path, envelope: Put, submission: bytes) -> None:
    outcomes = [send(tmp_path, envelope(submission)).outcome for _ in range(3)]
    assert outcomes == [DeliveryOutcome.WRITTEN] * 3
    assert len(list(tmp_path.iterdir())) == 1


@pytest.mark.parametrize("number", ["../../etc/x", "a/b", ".hidden", "Größe 7", "a\x00b", "*?"])
def test_no_panel_number_leads_out_of_the_folder(number: str, tmp_path: Path, envelope: Put, submission: bytes) -> None:
    folder = tmp_path / "deep" / "outbox"
    folder.mkdir(parents=True)
    assert send(folder, envelope(submission, panel_number=number)).outcome is DeliveryOutcome.WRITTEN
    (file,) = folder.iterdir()
    assert file.name[0] != "."
    assert file.name.isascii()
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == [file]


@pytest.mark.parametrize("lie", [{"sha256": "0" * 64}, {"body_bytes": 7}, {"body_bytes": 10_000_000}])
def test_a_damaged_snapshot_is_refused_and_leaves_no_file(
    lie: dict[str, object], tmp_path: Path, envelope: Put, submission: bytes
) -> None:
    answer = send(tmp_path, envelope(submission, **lie))
    assert answer.outcome is DeliveryOutcome.REFUSED
    assert "damaged" in answer.message
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_reported_and_leaves_nothing_half_written(tmp_path: Path, envelope: Put) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        answer = send(tmp_path, envelope(400))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.outcome is DeliveryOutcome.NOT_SENT
    assert str(tmp_path) in answer.message
    assert list(tmp_path.iterdir()) == []
    assert send(tmp_path, envelope(400)).outcome is DeliveryOutcome.WRITTEN


def test_a_folder_that_cannot_be_is_reported(tmp_path: Path, envelope: Put, submission: bytes) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / "not" / "there"):
        answer = send(folder, envelope(submission))
        assert answer.outcome is DeliveryOutcome.NOT_SENT
        assert str(folder) in answer.message


def test_what_a_killed_attempt_left_behind_is_cleared_away(tmp_path: Path, envelope: Put, submission: bytes) -> None:
    sent = envelope(submission)
    subprocess.run([sys.executable, "-c", KILLED_WHILE_WRITING, tmp_path, sent.snapshot_id], check=False)
    (leftover,) = tmp_path.iterdir()
    assert leftover.name[0] == "."
    assert stat.S_IMODE(leftover.stat().st_mode) == 0o600
    assert send(tmp_path, sent).outcome is DeliveryOutcome.WRITTEN
    (file,) = tmp_path.iterdir()
    assert file.read_bytes() == submission


def test_an_error_of_the_store_is_the_callers(tmp_path: Path, envelope: Put, submission: bytes) -> None:
    def broken() -> Iterator[bytes]:
        yield submission[:100]
        raise OSError("the database is gone")

    with pytest.raises(OSError, match="the database is gone"):
        send(tmp_path, envelope(submission, open_body=broken))
    assert list(tmp_path.iterdir()) == []
