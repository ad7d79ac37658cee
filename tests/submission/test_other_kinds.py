"""Only CPAR panels are submitted: what the registry gets is the same whatever affiliations and caseloads there are."""

from typing import Any

from sqlalchemy import select

from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS
from cpar_plugin.services.other_panels import editing, one_patient
from cpar_plugin.services.submissions import requests
from cpar_plugin.store import tables


def test_affiliations_and_caseloads_are_never_submitted(world: Any) -> None:
    panel = world.panel("P1", members_count=2)
    for _ in range(2):
        world.patient()
    host, actor = world.host, world.host.identity.system
    roster = host.roster.patients()
    with host.database.engine.connect() as connection:
        everyone = list(connection.scalars(select(roster.c.patient_id)))
        paneled = set(connection.scalars(select(tables.member.c.patient_id)))
    assert len(paneled) == 2 < len(everyone)
    for kind in OTHER_KINDS.values():
        other = editing.create(host, actor, other_draft(kind, "P1"))  # by the name that a panel has as its number
        for patient in everyone:
            one_patient.choose(host, actor, patient, other, seen_id=None)
    answer = requests.ask_all(host, world.settings, world.manager)
    assert (answer.queued, answer.skipped) == (["P1"], {})
    world.run_at("2026-11-07T03:20")
    with host.database.engine.connect() as connection:
        sent = connection.execute(
            select(tables.submission.c.panel_id, tables.snapshot.c.sent).join(
                tables.snapshot, tables.snapshot.c.snapshot_id == tables.submission.c.snapshot_id
            )
        ).all()
        assert [(row.panel_id, row.sent) for row in sent] == [(panel, len(paneled))]
        assert set(connection.scalars(select(tables.member.c.patient_id))) == paneled
