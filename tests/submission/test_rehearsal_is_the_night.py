"""A rehearsal says what the night does, for any changes: the same patients, and as many on each list as it counts."""

from collections import Counter
from contextlib import closing
from datetime import timedelta
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select, update

from cpar_plugin.domain.guard import SentBefore, SubmissionOutlook
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import undo
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.snapshots import build
from cpar_plugin.services.snapshots.outlook import Standing
from cpar_plugin.services.submissions import changes, history
from cpar_plugin.services.submissions.changes import ChangeKind
from cpar_plugin.services.submissions.rehearsal import Rehearsal
from cpar_plugin.services.submissions.searched_list import SnapshotCriteria
from cpar_plugin.store.tables import exclusion, member, snapshot, snapshot_piece

PATIENTS, CHANGES = 14, 25


def change(world: Any, chance: Random, patients: list[int], panel: int, other: int) -> None:
    """One change as people make them, or as the EMR does."""
    patient_id = chance.choice(patients)
    with world.host.database.engine.connect() as connection:
        on = connection.scalar(select(member.c.panel_id).where(member.c.patient_id == patient_id))
        members = set(connection.scalars(select(member.c.patient_id).where(member.c.panel_id == panel)))
        members = sorted(members & set(patients))
    match chance.randrange(6):
        case 0:
            target = chance.choice((panel, other))
            if target != on:
                one_patient.choose(world.host, world.manager, patient_id, target, seen_panel_id=on)
        case 1:
            if on is not None:
                one_patient.remove(world.host, world.manager, patient_id, seen_panel_id=on)
        case 2:
            if members:
                taken = set(chance.sample(members, min(3, len(members))))
                order = bulk.selected.order_for(bulk.selected.SelectedAction.MOVE, panel, taken, other)
                result = bulk.carry_out(world.host, world.manager, order)
                if result.operation_id and chance.random() < 0.4:
                    undo.undo(world.host, world.manager, result.operation_id)
        case 3:
            if members:
                taken = set(chance.sample(members, min(3, len(members))))
                order = bulk.selected.order_for(bulk.selected.SelectedAction.CONFIRM, panel, taken, None)
                bulk.carry_out(world.host, world.manager, order)
        case _:
            record = world.oscar.tables.demographic
            values = chance.choice(
                ({"sex": ""}, {"sex": "F"}, {"last_name": f"Other{chance.random():.4f}"}, {"patient_status": "IN"})
            )
            with world.oscar.database.writing() as connection:
                connection.execute(update(record).where(record.c.demographic_no == patient_id).values(**values))


@pytest.mark.parametrize("seed", [1, 2, pytest.param(range(3, 20), id="many", marks=pytest.mark.large)])
def test_a_rehearsal_says_what_the_night_does(with_settings: Any, seed: int | range) -> None:
    world = with_settings(hold_least_patients=1000)
    panel, other = world.panel("A", 0), world.panel("B", 0)
    patients = [world.patient() for _ in range(PATIENTS)]
    for patient_id in patients[: PATIENTS // 2]:
        one_patient.choose(world.host, world.manager, patient_id, panel, seen_panel_id=None)
    world.ask(panel)
    world.run_at("2026-11-03T03:15")
    for number in [seed] if isinstance(seed, int) else seed:
        chance = Random(number)
        world.clock.move_to(world.clock.now() + timedelta(hours=6))
        for _ in range(CHANGES):
            change(world, chance, patients[1:], panel, other)  # without anyone left it would be held
        listed, counted = rehearsed(world, panel)
        assert {standing: len(ids) for standing, ids in listed.items()} == counted
        assert told_to_the_guard(world, panel) == counted
        submission_id = world.ask(panel)
        world.clock.move_to(
            world.settings.calendar(world.host.clock.zone).moment(
                world.row(submission_id).due_on, world.settings.night_run_at
            )
        )
        world.run()
        assert listed == submitted(world, submission_id)


def rehearsed(world: Any, panel: int) -> tuple[dict[Standing, set[int]], dict[Standing, int]]:
    """The patients of each list, and how many it counts. Each of them has a cause."""
    lists: dict[Standing, set[int]] = {}
    for standing in (Standing.ADDED, Standing.REMOVED, Standing.CHANGED, Standing.EXCLUDED):
        with (
            world.host.database.engine.connect() as connection,
            closing(
                Rehearsal(connection, world.host, world.settings, world.host.identity.system, panel, standing)
            ) as listing,
        ):
            rows = list(listing.find(SnapshotCriteria()).rows())
            outlook, through = listing.forecast.outlook, listing.through
        lists[standing] = {row.patient.patient_id for row in rows}
        assert len(rows) == len(lists[standing])
    causes: Counter[Standing] = Counter()
    for one in through:
        causes[one.standing] += one.patients
    counted = {
        Standing.ADDED: outlook.added,
        Standing.REMOVED: outlook.removed,
        Standing.CHANGED: outlook.changed,
        Standing.EXCLUDED: outlook.excluded,
    }
    assert all(causes[standing] >= number for standing, number in counted.items())
    assert causes[Standing.CHANGED] == outlook.changed
    return lists, counted


class StoppedError(Exception):
    """The guard's."""


def told_to_the_guard(world: Any, panel: int) -> dict[Standing, int]:
    """The numbers on which the night decides. Of a snapshot that it stops nothing remains."""
    told: list[SubmissionOutlook] = []

    def stop(_: SentBefore | None, expected: SubmissionOutlook) -> None:
        told.append(expected)
        raise StoppedError

    stored = (snapshot_piece, exclusion, snapshot)
    counts = [select(func.count()).select_from(table) for table in stored]
    with world.host.database.engine.connect() as connection:
        before = [connection.scalar(count) for count in counts]
    with pytest.raises(StoppedError):
        build.take(world.host, world.settings, panel, now=world.clock.now(), guard=stop)
    with world.host.database.engine.connect() as connection:
        assert [connection.scalar(count) for count in counts] == before
    (expected,) = told
    return {
        Standing.ADDED: expected.added,
        Standing.REMOVED: expected.removed,
        Standing.CHANGED: expected.changed,
        Standing.EXCLUDED: expected.excluded,
    }


def submitted(world: Any, submission_id: int) -> dict[Standing, set[int]]:
    """What the night has made of it."""
    with world.host.database.engine.connect() as connection:
        of = history.one(connection, world.host, submission_id)
        since = changes.before(connection, of)
        ids = connection.scalars(select(exclusion.c.patient_id).where(exclusion.c.snapshot_id == of.snapshot_id))
        excluded = set(ids)
    assert since is not None, (of.state, of.failure)
    found: dict[Standing, set[int]] = {standing: set() for standing in (Standing(kind.value) for kind in ChangeKind)}
    for difference in changes.all_differences(world.host, since, of):
        found[Standing(difference.kind.value)].add(difference.patient_id)
    return {**found, Standing.EXCLUDED: excluded}
