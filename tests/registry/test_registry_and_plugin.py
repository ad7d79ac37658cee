"""A panel from the clinic's database to the registry: built by the plugin, judged by what shares nothing with it."""

from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.snapshots import build
from cpar_plugin.settings import Settings
from cpar_plugin.transport import DeliveryOutcome, Envelope, for_settings
from oscar_host.demo.registry.process import RunningRegistry
from oscar_host.host import OscarHost

NAMES = [
    {"last_name": "O'Brien-Smith", "first_name": 'Mary "Molly"'},
    {"last_name": "Lévesque", "first_name": "Zoë Ann"},
    {"last_name": "de la Cruz y Ramírez", "first_name": "José", "sex": "X"},
    {"last_name": "X" * 29, "first_name": "", "sex": "M"},
    {"last_name": "Smith\\", "first_name": "<b>", "sex": "U"},
]


@pytest.fixture
def envelope(host: OscarHost, oscar: Any) -> Any:
    """Takes a snapshot of a panel of this number with the patients above."""

    def take(number: str) -> Envelope:
        actor = host.identity.system
        oscar.provider("101")
        clinic.enable(host, actor)
        clinic.save(host, actor, name="Clinique Étoile & Sons", site_id="S/1 ö", version=1)
        draft = panel_draft(number, ["113", "114"], [("101", "1234-56789")])
        panel_id = editing.create(host, actor, draft)
        for count, name in enumerate(NAMES):
            patient_id = oscar.patient(hin=f"10000000{count}", **name)
            oscar.visit(patient_id)
            one_patient.choose(host, actor, patient_id, panel_id, seen_panel_id=None)
        now = host.clock.now() + timedelta(hours=1)
        taken = build.take(host, Settings(), panel_id, now=now)
        assert taken.sent == len(NAMES)
        return Envelope(
            snapshot_id=taken.snapshot_id,
            panel_number=number,
            taken_at=now,
            sha256=taken.sha256,
            body_bytes=taken.body_bytes,
            entries=taken.entries,
            open_body=partial(build.body, host, taken.snapshot_id),
        )

    return take


@pytest.mark.parametrize("number", ["0042", "A,1|2$", "7/8 ?&=#%", "Größe\\7"])
def test_the_registry_takes_what_the_plugin_builds(number: str, envelope: Any, registry: RunningRegistry) -> None:
    sent = envelope(number)
    answer = for_settings(Settings(transport="fhir", registry_url=registry.fhir_url)).send(sent)
    assert (answer.outcome, answer.detail) == (DeliveryOutcome.DELIVERED, "")
    (held,) = registry.received()
    assert held["identifier"] == f"urn:uuid:{sent.snapshot_id}"
    assert (held["panel_number"], held["members"], held["sha256"]) == (number, len(NAMES), sent.sha256)


def test_the_folder_gets_the_same_bytes(envelope: Any, tmp_path: Path) -> None:
    sent = envelope("0042")
    answer = for_settings(Settings(transport="folder", outbox_folder=tmp_path / "outbox")).send(sent)
    assert answer.outcome is DeliveryOutcome.WRITTEN
    (file,) = (tmp_path / "outbox").iterdir()
    assert file.read_bytes() == b"".join(sent.open_body())
