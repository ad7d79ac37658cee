"""What the registry says about a refusal may name a patient: it is shown in the history, and nowhere else."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import load
from oscar_host.demo.registry.process import running
from oscar_host.host import OscarHost

from ..conftest import ALBERTA

pytestmark = pytest.mark.databases("one")

NIGHT = datetime(2026, 11, 11, 3, 15, tzinfo=ALBERTA)
WORDS = "the registry has been told to refuse"


@pytest.fixture
def refused(host: OscarHost, oscar: Any, panel: int, clock: FixedClock, tmp_path: Path) -> None:
    """A submission that a registry has refused."""
    patient = oscar.patient()
    oscar.visit(patient)
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    requests.ask(host, load(host.settings), host.identity.system, panel)
    clock.move_to(NIGHT)
    with running(tmp_path / "registry", ["--behave", "refuse"]) as registry:
        run_due(host, load({"transport": "fhir", "registry_url": registry.fhir_url}), clock.now())


def test_the_words_of_a_refusal_are_in_the_history_and_on_no_other_page(refused: None, manager: Any) -> None:
    history = manager.get("/cpar/submissions").get_data(as_text=True)
    assert "The registry rejected the submission (status 422: business-rule)." in history
    assert WORDS in history
    home = manager.get("/").get_data(as_text=True)
    assert "Panel 0042: " in home
    assert WORDS not in home
