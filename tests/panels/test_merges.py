"""Records merged in the host: one membership is left, on the record kept."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk, clinic, members, merges
from cpar_plugin.services.bulk import Assign
from cpar_plugin.store import tables
from oscar_host.clock import FixedClock
from oscar_host.host import OscarHost

MakePanel = Callable[..., int]


@pytest.fixture
def add(site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock) -> Callable[[int | None], int]:
    """A new patient, on a panel or on none; each a minute after the one before."""

    def add(panel_id: int | None) -> int:
        patient_id: int = oscar.patient()
        clock.move_to(clock.now() + timedelta(minutes=1))
        if panel_id is not None:
            members.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
        return patient_id

    return add


@pytest.fixture
def reconcile(site: OscarHost) -> Callable[[], int]:
    def reconcile() -> int:
        with site.database.session() as session:
            clinic.lock(session)
            return merges.reconcile(session, site)

    return reconcile


@pytest.fixture(autouse=True)
def _explained(placed: Any, replayed: Any) -> Iterator[None]:
    """Whatever was merged, the ledger explains it."""
    yield
    assert replayed() == placed()


def test_the_record_kept_inherits_panel_and_dates(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any
) -> None:
    retired, kept = add(make_panel("1")), add(None)
    before = placed()
    oscar.merge(retired, kept)
    assert reconcile() == 1
    assert placed() == {kept: before[retired]}


def test_the_membership_of_the_record_kept_wins(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any
) -> None:
    kept, retired = add(make_panel("1")), add(make_panel("2"))
    before = placed()
    oscar.merge(retired, kept)
    assert reconcile() == 1
    assert placed() == {kept: before[kept]}


def test_a_chain_of_merges_ends_at_its_end(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any
) -> None:
    first, second, third = add(make_panel("1")), add(None), add(None)
    before = placed()
    oscar.merge(first, second)
    oscar.merge(second, third)
    assert reconcile() == 1
    assert placed() == {third: before[first]}


def test_of_several_records_merged_into_one_the_latest_membership_is_inherited(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any
) -> None:
    one, two, three, kept = add(make_panel("1")), add(make_panel("2")), add(make_panel("3")), add(None)
    before = placed()
    oscar.merge(three, kept)
    oscar.merge(one, two)
    oscar.merge(two, kept)
    assert reconcile() == 3
    assert placed() == {kept: before[three]}


def test_a_merge_that_was_taken_back_in_time_changes_nothing(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any
) -> None:
    retired, kept = add(make_panel("1")), add(None)
    before = placed()
    oscar.merge(retired, kept, deleted=1)
    assert reconcile() == 0
    assert placed() == before


def test_a_circle_of_merges_loses_nobody(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any
) -> None:
    one, two = add(make_panel("1")), add(make_panel("2"))
    before = placed()
    oscar.merge(one, two)
    oscar.merge(two, one)
    reconcile()
    assert placed() == before


def test_reconciling_again_finds_nothing_and_writes_nothing(
    site: OscarHost, oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any
) -> None:
    retired, kept = add(make_panel("1")), add(None)
    oscar.merge(retired, kept)
    assert [reconcile(), reconcile()] == [1, 0]
    merges.catch_up(site)
    with site.database.engine.connect() as connection:
        kinds = connection.scalars(select(tables.operation.c.kind).where(tables.operation.c.kind == "merge")).all()
    assert len(kinds) == 1


def test_a_preview_and_a_bulk_order_come_after_the_merges(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, add: Any, placed: Any
) -> None:
    panel_id, other = make_panel("1"), make_panel("2")
    retired, kept = add(panel_id), add(None)
    oscar.merge(retired, kept)
    assert bulk.preview(site, clerk, Assign("101", "AC", panel_id)).already == 1
    assert set(placed()) == {kept}
    again = add(None)
    oscar.merge(kept, again)
    outcome = bulk.carry_out(site, clerk, Assign("101", "AC", other))
    assert (outcome.added, outcome.moved) == (0, 1)
    assert set(placed()) == {again}


def test_many_merges_take_as_many_statements_as_one(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, statements: Any
) -> None:
    panel_id = make_panel("1")
    counts = []
    for merged in (1, 20):
        for _ in range(merged):
            oscar.merge(add(panel_id), add(None))
        with statements() as counted:
            assert reconcile() == merged
        counts.append(len(counted))
    assert counts[0] == counts[1]
