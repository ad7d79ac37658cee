"""A departure whose process is killed between any two statements: no one is lost, and no one is on two panels."""

import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS, PanelKind
from cpar_plugin.domain.panel_state import PanelState
from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk
from cpar_plugin.services.other_panels import bulk as other_bulk
from cpar_plugin.services.other_panels import editing as other_editing
from cpar_plugin.services.other_panels import listing
from cpar_plugin.services.other_panels.orders import OtherAction, OtherOrder
from cpar_plugin.services.panels import editing
from oscar_host.host import OscarHost

from ..conftest import Place
from . import departing

ROOT = Path(__file__).parents[2]
PATIENTS, STEPS = 12, 6


def _run(place: Place, host: OscarHost, panel_id: int, targets: tuple[int, int], kill_at: int) -> int:
    """Its exit code."""
    now = host.clock.now().isoformat()
    url = place.url if isinstance(place.url, str) else place.url.render_as_string(hide_password=False)
    arguments = (url, place.host_schema or "", now, str(panel_id), ",".join(map(str, targets)), str(kill_at))
    command = [sys.executable, "-m", "tests.panels.departing", *arguments]
    result = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert result.returncode in (0, departing.NOTHING_LEFT, -signal.SIGKILL), result.stdout
    return result.returncode


@pytest.mark.databases("in turn")
@pytest.mark.parametrize(
    ("patients", "stride"),
    [
        (PATIENTS, 11),
        pytest.param(PATIENTS, 1, marks=pytest.mark.large),
        pytest.param(1800, 4, marks=pytest.mark.large),
    ],
)
def test_whoever_goes_on_after_a_kill_comes_to_the_same_end(
    site: OscarHost,
    place: Place,
    oscar: Any,
    clerk: Actor,
    make_panel: Callable[..., int],
    placed: Any,
    replayed: Any,
    others: Any,
    patients: int,
    stride: int,
) -> None:
    leaving, one, two = make_panel("1"), make_panel("2", "102"), make_panel("3", "103")
    with oscar.at_once():
        ids = {oscar.patient(address=f"{number // 3} Main St") for number in range(patients)}
    bulk.carry_out(site, clerk, bulk.Assign("101", "AC", leaving))
    mine, *theirs = (
        other_editing.create(site, clerk, other_draft("affiliation", name, name)) for name in ("101", "102", "103")
    )
    affiliated = OtherOrder(OtherAction.ASSIGN, OTHER_KINDS[PanelKind.AFFILIATION], "AC", "101", to_id=mine)
    other_bulk.carry_out(site, clerk, affiliated, None)
    list_of = dict(zip((leaving, one, two), (mine, *theirs), strict=True))
    kills, code, kill_at, completed = 0, 0, 1, 0
    while code != departing.NOTHING_LEFT:
        # Within each step, each process dies a little later than the one before, until one survives it.
        code = _run(place, site, leaving, (one, two), kill_at)
        kills += code < 0
        completed += code == 0
        kill_at = kill_at + stride if code < 0 else 1
        now = {patient_id: there.panel_id for patient_id, there in placed().items()}
        assert now.keys() == ids
        assert set(now.values()) in ({leaving}, {one, two})
        assert placed() == replayed()
        assert {patient_id: where for (patient_id, _), (where, _) in others().items()} == {
            patient_id: list_of[panel_id] for patient_id, panel_id in now.items()
        }
    assert completed == STEPS
    assert kills > STEPS
    assert Counter(now.values()) == {one: patients // 2, two: patients - patients // 2}
    with site.database.engine.connect() as connection:
        assert editing.get(connection, site, leaving).state is PanelState.ENDED
        assert listing.get(connection, site, mine).state is PanelState.ENDED
