"""A new version replaces the old one worker by worker, and brings the tables up to date, while a night runs."""

import os
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from sqlalchemy import create_engine, inspect

import cpar_plugin
from cpar_plugin.domain.submission import SubmissionState
from oscar_host.fleet.draining import mark, unmark

from ..conftest import MakeDatabase
from .conftest import PROGRAM, FleetAtWork

NAMES = ("north", "south", "west")
PANELS = 3
SAID = "this is the next version"
MIGRATION = '''"""What the next version keeps of a submission."""

import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "next", "{head}", None, None


def upgrade() -> None:
    op.add_column("cpar_submission", sa.Column("next_note", sa.String(20), nullable=True))
    op.create_index("cpar_submission_next", "cpar_submission", ["state", "next_note"], if_not_exists=True)
'''


@pytest.fixture
def next_version(tmp_path: Path) -> dict[str, str]:
    """The environment of programs that run the next version: this one, with a migration more, and it says so."""
    here, there = Path(cpar_plugin.__file__).parents[1], tmp_path / "next"
    for package in ("cpar_plugin", "oscar_host"):
        shutil.copytree(here / package, there / package, ignore=shutil.ignore_patterns("__pycache__"))
    versions = there / "cpar_plugin" / "store" / "migrations" / "versions"
    texts = [file.read_text() for file in versions.glob("0*.py")]
    revisions = {file.name[:4] for file in versions.glob("0*.py")}
    (head,) = (one for one in revisions if not any(f'down_revision = "{one}"' in text for text in texts))
    (versions / "9999_next.py").write_text(MIGRATION.format(head=head))
    with (there / "oscar_host" / "__init__.py").open("a") as file:
        file.write(f'\nimport sys\nprint("{SAID}", file=sys.stderr)\n')
    return {"PYTHONPATH": str(there)}


@pytest.mark.large
def test_a_new_version_takes_over_worker_by_worker_while_the_night_runs(
    fleet: FleetAtWork, new_database: MakeDatabase, next_version: dict[str, str]
) -> None:
    for name in NAMES:
        fleet.clinic(name, new_database, PANELS)
    fleet.be_patient()
    for name in ("south", "west"):
        mark(fleet.folder.clinics, name)
    fleet.registry.behave("slow", seconds=0.5)
    workers, beat = [fleet.worker(), fleet.worker()], fleet.beat()
    fleet.wait(lambda: fleet.states()[SubmissionState.DELIVERED] > 0, "the first is delivered")
    migrate = [str(PROGRAM), "fleet", "migrate"]
    environment = {**os.environ, "CPAR_FLEET": str(fleet.folder.file), **next_version}
    result = subprocess.run(migrate, env=environment, capture_output=True, text=True, check=True)
    assert SAID in result.stderr
    fleet.registry.behave("slow", seconds=2)
    unmark(fleet.folder.clinics, "south")
    fleet.wait(lambda: fleet.states()[SubmissionState.SENDING] > 0, "the old ones have panels in hand")
    for worker in workers:
        worker.send_signal(signal.SIGTERM)
        fleet.start("worker", "--processes", "2", **next_version)
        assert worker.wait(timeout=120) == 0
    fleet.start("beat", **next_version)
    beat.send_signal(signal.SIGTERM)
    assert beat.wait(timeout=120) == 0
    unmark(fleet.folder.clinics, "west")
    fleet.wait_until_delivered(len(NAMES) * PANELS)
    fleet.check()
    assert {row.attempts for name in NAMES for row in fleet.rows(name)} == {1}
    assert SAID in fleet.log("worker")
    assert SAID in fleet.log("beat")
    for url in fleet.urls.values():
        engine = create_engine(url)
        assert "next_note" in {column["name"] for column in inspect(engine).get_columns("cpar_submission")}
        engine.dispose()
