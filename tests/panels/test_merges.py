"""Records merged in the host: one membership is left, on the record kept."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, given, settings
from sqlalchemy import select, update

from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.roster import merges
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..examples import examples

MakePanel = Callable[..., int]


@pytest.fixture
def add(site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock) -> Callable[[int | None], int]:
    """A new patient, on a panel or on none; each a minute after the one before."""

    def add(panel_id: int | None) -> int:
        patient_id: int = oscar.patient()
        clock.move_to(clock.now() + timedelta(minutes=1))
        if panel_id is not None:
            one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
        return patient_id

    return add


@pytest.fixture
def reconcile(site: OscarHost) -> Callable[[], int]:
    def reconcile() -> int:
        with site.database.session() as session:
            clinic.lock(session)
            return merges.reconcile(session, site)

    return reconcile


@pytest.fixture
def split(oscar: Any) -> Callable[[int], None]:
    """Undo the merges of a record."""

    def split(retired: int) -> None:
        merge = oscar.tables.demographic_merged
        with oscar.database.writing() as connection:
            connection.execute(update(merge).where(merge.c.demographic_no == retired).values(deleted=1))

    return split


@pytest.fixture
def confirm(site: OscarHost, clerk: Actor, clock: FixedClock, placed: Any) -> Callable[[int], None]:
    """Confirm a membership, a day later."""

    def confirm(patient_id: int) -> None:
        clock.move_to(clock.now() + timedelta(days=1))
        one_patient.confirm(site, clerk, patient_id, seen_panel_id=placed()[patient_id].panel_id)

    return confirm


@pytest.fixture(autouse=True)
def _explained(placed: Any, replayed: Any) -> Iterator[None]:
    """Whatever was merged, the ledger explains it."""
    yield
    assert replayed() == placed()


def group_version(site: OscarHost, panel_id: int) -> int:
    panel = tables.panel.c
    with site.database.engine.connect() as connection:
        return connection.execute(select(panel.group_version).where(panel.panel_id == panel_id)).scalar_one()


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


def test_a_circle_of_merges_loses_no_one(
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
    assert bulk.preview(site, clerk, Assign("101", "AC", panel_id)).skipped[bulk.SkipReason.ALREADY_ON_PANEL] == 1
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


@pytest.mark.parametrize("later", ["retired", "kept"])
def test_on_the_same_panel_the_later_confirmation_remains_and_both_come_back(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any, confirm: Any, later: str
) -> None:
    panel_id = make_panel("1")
    record = {"kept": add(panel_id), "retired": add(panel_id)}
    confirm(record[later])
    before = placed()
    oscar.merge(record["retired"], record["kept"])
    reconcile()
    latest = before[record[later]]
    remaining = before[record["kept"]]._replace(confirmed_on=latest.confirmed_on, confirmed_how=latest.confirmed_how)
    assert placed() == {record["kept"]: remaining}
    split(record["retired"])
    reconcile()
    assert placed() == before


def test_a_date_wins_over_none_and_none_over_nothing(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, site: OscarHost
) -> None:
    panel_id = make_panel("1")
    one, two = add(panel_id), add(panel_id)
    with site.database.writing() as connection:
        undated = update(tables.member).where(tables.member.c.patient_id == two)
        connection.execute(undated.values(confirmed_on=None, confirmed_how=None))
        entry = update(tables.ledger).where(tables.ledger.c.patient_id == two)
        connection.execute(entry.values(to_confirmed_on=None, to_confirmed_how=None))
    before = placed()
    oscar.merge(one, two)
    reconcile()
    assert placed()[two].confirmed_on == before[one].confirmed_on


@pytest.mark.parametrize("own_panel", [False, True], ids=["an inheritance", "an own panel"])
def test_a_merge_undone_gives_everyone_their_own_back(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any, own_panel: bool
) -> None:
    retired, kept = add(make_panel("1")), add(make_panel("2") if own_panel else None)
    before = placed()
    oscar.merge(retired, kept)
    reconcile()
    assert set(placed()) == {kept}
    split(retired)
    reconcile()
    assert placed() == before


def test_an_inheritance_changed_since_remains_and_is_listed(
    site: OscarHost, oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any, confirm: Any
) -> None:
    retired, kept = add(make_panel("1")), add(None)
    before = placed()
    oscar.merge(retired, kept)
    reconcile()
    confirm(kept)
    confirmed = placed()
    split(retired)
    reconcile()
    assert placed() == before | confirmed
    with site.database.engine.connect() as connection:
        assert connection.execute(select(tables.inherited.c.kept_id, tables.inherited.c.retired_id)).all() == [
            (kept, retired)
        ]
    oscar.merge(retired, kept)
    assert reconcile() == 1
    assert placed() == confirmed


def test_an_inheritance_that_someone_has_removed_remains_removed(
    site: OscarHost, clerk: Actor, oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any
) -> None:
    retired, kept = add(make_panel("1")), add(None)
    before = placed()
    oscar.merge(retired, kept)
    reconcile()
    one_patient.remove(site, clerk, kept, seen_panel_id=before[retired].panel_id)
    split(retired)
    reconcile()
    assert placed() == before


def test_a_patient_who_was_put_on_a_panel_in_the_meantime_remains_there(
    site: OscarHost, clerk: Actor, oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any
) -> None:
    retired, kept, other = add(make_panel("1")), add(None), make_panel("2")
    oscar.merge(retired, kept)
    reconcile()
    split(retired)
    one_patient.choose(site, clerk, retired, other, seen_panel_id=None)
    reconcile()
    assert {key: one.panel_id for key, one in placed().items()} == {retired: other}


def test_no_one_comes_back_to_a_panel_that_was_deleted(
    site: OscarHost, clerk: Actor, oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any
) -> None:
    panel_id = make_panel("1")
    retired, kept = add(panel_id), add(None)
    oscar.merge(retired, kept)
    reconcile()
    editing.delete(site, clerk, panel_id, version=1)
    split(retired)
    reconcile()
    assert placed() == {}


@pytest.mark.parametrize("followed_between", [False, True])
@pytest.mark.parametrize("which", [0, 1], ids=["its beginning", "its end"])
def test_a_chain_that_is_undone_at_one_place_holds_at_the_other(
    oscar: Any,
    make_panel: MakePanel,
    add: Any,
    reconcile: Any,
    placed: Any,
    split: Any,
    followed_between: bool,
    which: int,
) -> None:
    chain = [add(make_panel("1")), add(None), add(None)]
    before = placed()[chain[0]]
    oscar.merge(chain[0], chain[1])
    if followed_between:
        reconcile()
    oscar.merge(chain[1], chain[2])
    reconcile()
    assert placed() == {chain[2]: before}
    split(chain[which])
    reconcile()
    assert placed() == {chain[which]: before}


def test_a_chain_that_is_undone_from_its_beginning_gives_no_one_what_they_had_inherited(
    make_panel: MakePanel, oscar: Any, add: Any, reconcile: Any, placed: Any, split: Any
) -> None:
    first, between, last = add(make_panel("1")), add(None), add(make_panel("2"))
    before = placed()
    for retired, kept in ((first, between), (between, last)):
        oscar.merge(retired, kept)
        reconcile()
    for retired in (first, between):
        split(retired)
        reconcile()
    assert placed() == before


def test_of_two_merged_into_one_the_other_remains_merged(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any
) -> None:
    one, two, kept = add(make_panel("1")), add(make_panel("2")), add(None)
    before = placed()
    oscar.merge(two, kept)
    reconcile()
    oscar.merge(one, kept)
    reconcile()
    assert placed() == {kept: before[two]}
    split(two)
    reconcile()
    assert placed() == {two: before[two], kept: before[one]}


def test_a_record_merged_elsewhere_takes_its_membership_along(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any
) -> None:
    record, kept, other = add(make_panel("1")), add(None), add(None)
    before = placed()
    oscar.merge(record, kept)
    reconcile()
    split(record)
    oscar.merge(record, other)
    reconcile()
    assert placed() == {other: before[record]}


def test_a_record_merged_elsewhere_leaves_the_group_as_it_was_where_no_one_else_is_on_the_panel_then(
    site: OscarHost, clerk: Actor, oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any
) -> None:
    panel_id = make_panel("1")
    remaining, record, kept = add(panel_id), add(panel_id), add(None)
    oscar.merge(record, kept)
    reconcile()
    one_patient.remove(site, clerk, kept, seen_panel_id=panel_id)
    before, version = placed(), group_version(site, panel_id)
    split(record)
    oscar.merge(record, remaining)
    assert reconcile() == 1
    assert (placed(), group_version(site, panel_id)) == (before, version)
    split(record)
    reconcile()
    assert set(placed()) == {remaining, record}
    assert group_version(site, panel_id) > version


def test_a_circle_that_comes_and_goes_loses_no_one(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any
) -> None:
    one, two = add(make_panel("1")), add(None)
    before = placed()
    oscar.merge(one, two)
    reconcile()
    oscar.merge(two, one)
    reconcile()
    assert {key.panel_id for key in placed().values()} == {before[one].panel_id}
    split(one)
    reconcile()
    assert placed() == before


def test_many_merges_undone_take_as_many_statements_as_one(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, statements: Any, split: Any, placed: Any
) -> None:
    panel_id, counts = make_panel("1"), []
    for merged in (1, 20):
        pairs = [(add(panel_id), add(None)) for _ in range(merged)]
        for retired, kept in pairs:
            oscar.merge(retired, kept)
        reconcile()
        for retired, _ in pairs:
            split(retired)
        with statements() as counted:
            assert reconcile() == 0
        counts.append(len(counted))
        assert {retired for retired, _ in pairs} <= set(placed())
    assert counts[0] == counts[1]


@settings(max_examples=examples(5), suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_merges_that_are_all_undone_leave_everyone_as_they_were(
    oscar: Any, make_panel: MakePanel, add: Any, reconcile: Any, placed: Any, split: Any, data: st.DataObject
) -> None:
    panel_ids = [make_panel(str(uuid4())) for _ in range(2)]
    records = [add(one) for one in data.draw(st.lists(st.sampled_from([*panel_ids, None]), min_size=2, max_size=5))]

    def membership() -> dict[int, Any]:  # an example that is broken off leaves its records behind
        return {key: one for key, one in placed().items() if key in records}

    before, live, retired = membership(), list(records), []
    for _ in range(data.draw(st.integers(1, len(records) - 1))):
        one, kept = data.draw(st.permutations(live))[:2]
        oscar.merge(one, kept)
        live.remove(one)
        retired.append(one)
        if data.draw(st.booleans()):
            reconcile()
    for one in data.draw(st.permutations(retired)):
        split(one)
        if data.draw(st.booleans()):
            reconcile()
    reconcile()
    assert membership() == before
