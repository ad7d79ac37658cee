"""Bulk assign, move and remove: the preview says what will happen, the outcome what has, and undo gives it back."""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError

from cpar_plugin.domain.refusals import NotFound, Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock, today
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import (
    Assign,
    BulkResult,
    Move,
    MovedFrom,
    Preview,
    Remove,
    SkipReason,
    StatusChoice,
    history,
    selected,
    skipped,
    undo,
)
from cpar_plugin.services.bulk.history import Undone
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

MakePanel = Callable[..., int]
MRP = "Doctor, No101"
NOTHING: dict[str, Any] = {
    "provider": "",
    "added": 0,
    "leaving": (),
    "joining": (),
    "on_same_panel": 0,
    "without_visit": 0,
    "later_confirmations": 0,
    "mrp_outside": 0,
}


SKIPPED = {
    "already": SkipReason.ALREADY_ON_PANEL,
    "other_status": SkipReason.OTHER_STATUS,
    "not_visible": SkipReason.NOT_VISIBLE,
}


def _seen(**expected: Any) -> Preview:
    skipped = Counter({reason: expected.pop(name) for name, reason in SKIPPED.items() if name in expected})
    return Preview(**NOTHING | expected, skipped=skipped)


@pytest.fixture
def tomorrow(clock: FixedClock) -> Callable[[], None]:
    return lambda: clock.move_to(clock.now() + timedelta(days=1))


def test_assigning_puts_the_patients_of_an_mrp_on_the_panel_with_their_last_visit_as_confirmation(
    site: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    panel_id = make_panel("1")
    seen, never_seen = oscar.patient(), oscar.patient()
    oscar.visit(seen, "2026-09-01")
    oscar.visit(seen, "2026-10-05")
    oscar.visit(seen, "2026-10-09", status="C")
    oscar.visit(never_seen, "2026-12-01")
    oscar.patient(provider_no="102")
    oscar.patient(provider_no="")
    order = Assign("101", "AC", panel_id)
    assert bulk.preview(site, clerk, order) == _seen(provider=MRP, added=2, without_visit=1)
    assert placed() == {}
    outcome = bulk.carry_out(site, clerk, order)
    assert outcome == BulkResult(outcome.operation_id, added=2, moved=0, removed=0)
    assert placed() == {
        seen: (panel_id, clock.now(), date(2026, 10, 5), "last visit"),
        never_seen: (panel_id, clock.now(), None, None),
    }
    assert replayed() == placed()


def test_those_already_on_the_panel_remain_untouched(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, tomorrow: Callable[[], None]
) -> None:
    panel_id, already, new = make_panel("1"), oscar.patient(), oscar.patient()
    oscar.visit(already, "2026-01-05")
    one_patient.choose(site, clerk, already, panel_id, seen_panel_id=None)
    before = placed()[already]
    tomorrow()
    order = Assign("101", "AC", panel_id)
    assert bulk.preview(site, clerk, order) == _seen(provider=MRP, added=1, already=1, without_visit=1)
    assert bulk.carry_out(site, clerk, order).added == 1
    assert placed()[already] == before
    assert set(placed()) == {already, new}


def test_assigning_moves_patients_from_other_panels_and_says_from_which(
    site: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    one, two, three = make_panel("1"), make_panel("2", "102"), make_panel("3", "103")
    patients = [oscar.patient() for _ in range(5)]
    stranger = oscar.patient(provider_no="102")
    for patient_id in (*patients[:3], stranger):
        one_patient.choose(site, clerk, patient_id, two, seen_panel_id=None)
    one_patient.choose(site, clerk, patients[3], three, seen_panel_id=None)
    oscar.visit(patients[0], "2026-11-09")
    oscar.visit(patients[1], "2026-11-10", status="B")
    order = Assign("101", "AC", one)
    assert bulk.preview(site, clerk, order) == _seen(
        provider=MRP,
        added=1,
        leaving=(MovedFrom(two, "2", 3, emptied=False), MovedFrom(three, "3", 1, emptied=True)),
        without_visit=3,
        later_confirmations=3,  # one has a visit of the same day as the confirmation
    )
    outcome = bulk.carry_out(site, clerk, order)
    assert (outcome.added, outcome.moved, outcome.removed) == (1, 4, 0)
    assert placed()[patients[0]] == (one, clock.now(), date(2026, 11, 9), "last visit")
    assert placed()[patients[2]] == (one, clock.now(), None, None)
    assert placed()[stranger].panel_id == two
    assert replayed() == placed()


def test_only_the_chosen_status_is_assigned_letter_by_letter(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    panel_id = make_panel("1")
    by_status = {status: oscar.patient(patient_status=status) for status in ("AC", "ac", "IN", "DE", "VIP", "", None)}
    for status in ("IN", "VIP", ""):
        order = Assign("101", status, panel_id)
        expected = 2 if status == "" else 1
        before = len(placed())
        assert bulk.preview(site, clerk, order).added == expected
        assert bulk.preview(site, clerk, order).skipped[SkipReason.OTHER_STATUS] == 7 - expected
        bulk.carry_out(site, clerk, order)
        assert len(placed()) == before + expected
    assert set(placed()) == {by_status[status] for status in ("IN", "VIP", "", None)}


def test_the_choice_of_statuses_is_what_patients_have_in_the_words_of_the_host(site: OscarHost, oscar: Any) -> None:
    for status in ("DE", "VIP", "IN", "VIP", None):
        oscar.patient(patient_status=status)
    with site.database.engine.connect() as connection:
        assert bulk.status_choices(connection, site) == [
            StatusChoice("AC", "Active"),
            StatusChoice("DE", "Deceased"),
            StatusChoice("IN", "Inactive"),
            StatusChoice("", "No status"),
            StatusChoice("VIP", "VIP"),
        ]


def test_patients_that_the_actor_may_not_see_are_not_changed_and_counted(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    panel_id, open_record, closed_record = make_panel("1"), oscar.patient(), oscar.patient()
    manager = Actor(actor_id="103", display_name="Doctor")
    oscar.role("103", "doctor")
    oscar.privilege("doctor", "_demographic", "x")
    oscar.privilege("103", f"_demographic${closed_record}", "o")
    order = Assign("101", "AC", panel_id)
    assert bulk.preview(site, manager, order) == _seen(provider=MRP, added=1, not_visible=1, without_visit=1)
    bulk.carry_out(site, manager, order)
    assert set(placed()) == {open_record}
    bulk.carry_out(site, clerk, order)
    assert bulk.preview(site, manager, Remove(panel_id, "AC")) == _seen(
        leaving=(MovedFrom(panel_id, "1", 1, emptied=False),), not_visible=1
    )
    bulk.carry_out(site, manager, Remove(panel_id, "AC"))
    assert set(placed()) == {closed_record}


def test_those_not_changed_and_those_changed_are_everyone_that_an_order_is_about(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel
) -> None:
    one = make_panel("1")
    manager = Actor(actor_id="103", display_name="Doctor")
    oscar.role("103", "doctor")
    oscar.privilege("doctor", "_demographic", "x")
    for closed in (False, True):
        for status in ("AC", "IN", None, "x" * 20):
            for already in (False, True):
                patient_id = oscar.patient(patient_status=status)
                if already:
                    one_patient.choose(site, clerk, patient_id, one, seen_panel_id=None)
                if closed:
                    oscar.privilege("103", f"_demographic${patient_id}", "o")
    operation_id = bulk.carry_out(site, manager, Assign("101", "AC", one)).operation_id
    assert operation_id is not None
    kept, entry = tables.skipped.c, tables.ledger.c
    with site.database.engine.connect() as connection:
        kept_rows = connection.execute(select(kept.patient_id, kept.reason, kept.status)).all()
        changed = connection.scalars(select(entry.patient_id).where(entry.operation_id == operation_id)).all()
        counted = skipped.counted(connection, site, manager, operation_id)
        by_clerk = skipped.counted(connection, site, clerk, operation_id)
    assert changed == [1]
    assert sorted(changed) + sorted(row.patient_id for row in kept_rows) == list(range(1, 17))
    assert Counter(row.reason for row in kept_rows) == {"not-visible": 8, "other-status": 6, "already-on-panel": 1}
    assert {row.status for row in kept_rows} == {"AC", "IN", "", "x" * 20}
    assert dict(counted.by_reason) == {
        "Already on the panel": 1,
        "Status is Inactive": 2,
        "No status": 2,
        f"Status is {'x' * 20}": 2,
    }
    assert counted.hidden == 8
    assert by_clerk.hidden == 0
    assert by_clerk.listed == 15


def test_selected_members_that_are_skipped_are_stored_with_the_reason(
    site: OscarHost,
    oscar: Any,
    clock: FixedClock,
    clerk: Actor,
    make_panel: MakePanel,
    placed: Any,
    replayed: Any,
    tomorrow: Callable[[], None],
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    due, confirmed, moved, removed = (oscar.patient() for _ in range(4))
    deceased = oscar.patient(patient_status="DE")
    for patient_id in (due, confirmed, moved, removed, deceased):
        one_patient.choose(site, clerk, patient_id, one, seen_panel_id=None)
    since = clock.now()
    tomorrow()
    one_patient.confirm(site, clerk, confirmed, seen_panel_id=one)
    one_patient.choose(site, clerk, moved, two, seen_panel_id=one)
    one_patient.remove(site, clerk, removed, seen_panel_id=one)
    others = {patient_id: where for patient_id, where in placed().items() if patient_id != due}
    order = selected.order_for(selected.SelectedAction.CONFIRM, one, [due, confirmed, moved, removed, deceased])
    preview = bulk.preview(site, clerk, order)
    assert (preview.on_same_panel, preview.leaving, preview.later_confirmations) == (1, (), 0)
    result = bulk.carry_out(site, clerk, order)
    assert result == BulkResult(result.operation_id, confirmed=1)
    assert placed() == others | {due: (one, since, today(clock), "confirmed from the list")} == replayed()
    assert result.operation_id is not None
    with site.database.engine.connect() as connection:
        rows = connection.execute(select(tables.skipped.c.patient_id, tables.skipped.c.reason)).all()
        operation = history.one(connection, site, result.operation_id)
    assert dict(rows) == {confirmed: "confirmed-today", moved: "other-panel", deceased: "deceased"}  # type: ignore[arg-type]
    assert (operation.selected, operation.changed, operation.skipped) == (5, 1, 4)


def test_an_mrp_outside_the_panel_is_allowed_and_flagged_in_the_preview(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel
) -> None:
    one, two = make_panel("1", "101"), make_panel("2", "102", "103")
    for mrp in ("101", "101", "103", ""):
        oscar.patient(provider_no=mrp)
    assert bulk.preview(site, clerk, Assign("101", "AC", two)).mrp_outside == 2
    assert bulk.preview(site, clerk, Assign("101", "AC", one)).mrp_outside == 0
    bulk.carry_out(site, clerk, Assign("101", "AC", one))
    bulk.carry_out(site, clerk, Assign("103", "AC", one))
    assert bulk.preview(site, clerk, Move(one, two, "AC")).mrp_outside == 2


def test_bulk_never_changes_the_mrp(site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel) -> None:
    oscar.patient()
    one, two = make_panel("1", "102"), make_panel("2", "102")
    bulk.carry_out(site, clerk, Assign("101", "AC", one))
    bulk.carry_out(site, clerk, Move(one, two, "AC"))
    with site.database.engine.connect() as connection:
        assert connection.scalars(select(site.tables.demographic.c.provider_no)).all() == ["101"]


def test_moving_takes_the_chosen_status_along_and_counts_those_it_leaves_behind(
    site: OscarHost,
    oscar: Any,
    clock: FixedClock,
    clerk: Actor,
    make_panel: MakePanel,
    placed: Any,
    replayed: Any,
    tomorrow: Callable[[], None],
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    active, inactive = oscar.patient(), oscar.patient(patient_status="IN")
    oscar.visit(active, "2026-10-05")
    for patient_id in (active, inactive):
        one_patient.choose(site, clerk, patient_id, one, seen_panel_id=None)
    left = placed()[inactive]
    tomorrow()
    order = Move(one, two, "AC")
    assert bulk.preview(site, clerk, order) == _seen(
        leaving=(MovedFrom(one, "1", 1, emptied=False),), other_status=1, later_confirmations=1, mrp_outside=1
    )
    outcome = bulk.carry_out(site, clerk, order)
    assert (outcome.added, outcome.moved, outcome.removed) == (0, 1, 0)
    assert placed() == {active: (two, clock.now(), date(2026, 10, 5), "last visit"), inactive: left}
    assert replayed() == placed()


def test_removing_takes_off_the_chosen_status_and_says_when_the_panel_is_emptied(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    panel_id = make_panel("1")
    active, inactive = oscar.patient(), oscar.patient(patient_status="IN")
    for patient_id in (active, inactive):
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    assert bulk.preview(site, clerk, Remove(panel_id, "AC")) == _seen(
        leaving=(MovedFrom(panel_id, "1", 1, emptied=False),), other_status=1
    )
    outcome = bulk.carry_out(site, clerk, Remove(panel_id, "AC"))
    assert (outcome.added, outcome.moved, outcome.removed) == (0, 0, 1)
    assert set(placed()) == {inactive}
    assert bulk.preview(site, clerk, Remove(panel_id, "IN")).leaving[0].emptied
    assert replayed() == placed()


def test_members_that_the_emr_no_longer_has_go_with_those_without_a_status(
    site: OscarHost, emr: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    with emr.database.writing() as connection:
        connection.execute(site.tables.demographic.delete())
    assert bulk.preview(site, clerk, Remove(panel_id, "AC")).skipped[SkipReason.OTHER_STATUS] == 1
    assert bulk.carry_out(site, clerk, Remove(panel_id, "")).removed == 1
    assert placed() == {}


def test_an_order_for_no_one_does_nothing_and_says_so(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel
) -> None:
    one, two = make_panel("1"), make_panel("2")
    oscar.patient(provider_no="102")
    nothing = BulkResult(None, added=0, moved=0, removed=0)
    for order in (Assign("101", "AC", one), Move(one, two, "AC"), Remove(one, "x" * 500), Assign("102", "'; --", one)):
        assert bulk.preview(site, clerk, order).changed == 0
        assert bulk.carry_out(site, clerk, order) == nothing


def test_an_mrp_that_the_emr_does_not_have_is_refused(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    oscar.patient()
    panel_id = make_panel("1")
    for provider_id in ("", "999", "101 ", "1" * 500, "%", "101' OR '1'='1"):
        for attempt in (bulk.preview, bulk.carry_out):
            with pytest.raises(Refused) as refused:
                attempt(site, clerk, Assign(provider_id, "AC", panel_id))
            assert set(refused.value.messages) == {"provider_id"}
    assert placed() == {}


def test_a_panel_that_is_not_there_is_not_found(site: OscarHost, clerk: Actor, make_panel: MakePanel) -> None:
    live, deleted = make_panel("1"), make_panel("2")
    editing.delete(site, clerk, deleted, 1)
    for gone in (deleted, 0, -1, 999, 2**63, 10**30):
        for order in (Assign("101", "AC", gone), Move(live, gone, "AC"), Move(gone, live, "AC"), Remove(gone, "AC")):
            for attempt in (bulk.preview, bulk.carry_out):
                with pytest.raises(NotFound, match="select another"):
                    attempt(site, clerk, order)


def test_a_move_to_the_same_panel_is_refused(site: OscarHost, clerk: Actor, make_panel: MakePanel) -> None:
    panel_id = make_panel("1")
    with pytest.raises(Refused) as refused:
        bulk.carry_out(site, clerk, Move(panel_id, panel_id, "AC"))
    assert set(refused.value.messages) == {"panel_id"}


def test_undo_restores_panel_date_and_how_exactly(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    make_panel: MakePanel,
    placed: Any,
    replayed: Any,
    tomorrow: Callable[[], None],
) -> None:
    one, two = make_panel("1"), make_panel("2")
    patients = [oscar.patient() for _ in range(4)]
    oscar.visit(patients[0])
    one_patient.choose(site, clerk, patients[0], two, seen_panel_id=None)
    one_patient.choose(site, clerk, patients[1], one, seen_panel_id=None)
    for order in (Assign("101", "AC", one), Move(one, two, "AC"), Remove(two, "AC")):
        before = placed()
        tomorrow()
        outcome = bulk.carry_out(site, clerk, order)
        changed = outcome.added + outcome.moved + outcome.removed
        assert changed >= 3
        assert outcome.operation_id is not None
        assert placed() != before
        assert undo.undo(site, clerk, outcome.operation_id) == Undone(restored=changed, changed_since=0)
        assert placed() == before == replayed()
        bulk.carry_out(site, clerk, order)


def test_undo_leaves_alone_and_counts_who_was_changed_since(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    make_panel: MakePanel,
    placed: Any,
    replayed: Any,
    tomorrow: Callable[[], None],
) -> None:
    one, two = make_panel("1"), make_panel("2")
    confirmed, moved, removed, untouched = (oscar.patient() for _ in range(4))
    operation_id = bulk.carry_out(site, clerk, Assign("101", "AC", one)).operation_id
    assert operation_id is not None
    tomorrow()
    one_patient.confirm(site, clerk, confirmed, seen_panel_id=one)
    one_patient.choose(site, clerk, moved, two, seen_panel_id=one)
    one_patient.remove(site, clerk, removed, seen_panel_id=one)
    now = placed()
    assert undo.undo(site, clerk, operation_id) == Undone(restored=1, changed_since=3)
    assert placed() == {patient_id: where for patient_id, where in now.items() if patient_id != untouched}
    assert replayed() == placed()


def test_who_went_away_and_came_back_was_changed_since(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, tomorrow: Callable[[], None]
) -> None:
    one, patient_id = make_panel("1"), oscar.patient()
    other = oscar.patient()
    operation_id = bulk.carry_out(site, clerk, Assign("101", "AC", one)).operation_id
    assert operation_id is not None
    tomorrow()
    one_patient.remove(site, clerk, patient_id, seen_panel_id=one)
    one_patient.choose(site, clerk, patient_id, one, seen_panel_id=None)
    assert undo.undo(site, clerk, operation_id) == Undone(restored=1, changed_since=1)
    assert set(placed()) == {patient_id} != {other}


def test_operations_can_be_undone_one_after_the_other_backwards(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, tomorrow: Callable[[], None]
) -> None:
    one, two = make_panel("1"), make_panel("2")
    for _ in range(3):
        oscar.patient()
    states, operations = [placed()], []
    for order in (Assign("101", "AC", one), Move(one, two, "AC"), Remove(two, "AC")):
        tomorrow()
        operations.append(bulk.carry_out(site, clerk, order).operation_id)
        states.append(placed())
    for operation_id, state in zip(reversed(operations), reversed(states[:-1]), strict=True):
        assert operation_id is not None
        assert undo.undo(site, clerk, operation_id).changed_since == 0
        assert placed() == state


def test_an_operation_is_undone_at_most_once(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    oscar.patient()
    order = Assign("101", "AC", make_panel("1"))
    operation_id = bulk.carry_out(site, clerk, order).operation_id
    assert operation_id is not None
    undo.undo(site, clerk, operation_id)
    bulk.carry_out(site, clerk, order)
    before = placed()
    with pytest.raises(Refused, match="already been undone"):
        undo.undo(site, clerk, operation_id)
    assert placed() == before


def test_undo_is_refused_once_a_panel_concerned_is_deleted(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    one, two, three = make_panel("1"), make_panel("2"), make_panel("3")
    first, second = oscar.patient(), oscar.patient()
    one_patient.choose(site, clerk, first, two, seen_panel_id=None)
    assigned = bulk.carry_out(site, clerk, Assign("101", "AC", one)).operation_id
    removed = bulk.carry_out(site, clerk, Remove(one, "AC")).operation_id
    assert assigned is not None
    assert removed is not None
    editing.delete(site, clerk, three, 1)
    editing.delete(site, clerk, two, 1)
    with pytest.raises(Refused, match="Panel 2 has since been deleted"):
        undo.undo(site, clerk, assigned)
    assert undo.undo(site, clerk, removed) == Undone(restored=2, changed_since=0)
    assert set(placed()) == {first, second}


def test_there_is_nothing_to_undo_when_everyone_was_changed_since(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    operation_id = bulk.carry_out(site, clerk, Assign("101", "AC", panel_id)).operation_id
    assert operation_id is not None
    one_patient.remove(site, clerk, patient_id, seen_panel_id=panel_id)
    with pytest.raises(Refused, match="nothing to undo"):
        undo.undo(site, clerk, operation_id)
    assert placed() == {}


def test_an_undo_goes_on_when_those_left_can_be_moved_back(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    operation_id = bulk.carry_out(site, clerk, Assign("101", "AC", panel_id)).operation_id
    assert operation_id is not None
    one_patient.confirm(site, clerk, patient_id, seen_panel_id=panel_id)
    assert undo.undo(site, clerk, operation_id) == Undone(restored=0, changed_since=1)
    assert undo.move_back(site, clerk, operation_id) == 1
    assert placed() == {}


def test_an_operation_that_never_was_is_not_found(site: OscarHost, clerk: Actor) -> None:
    for operation_id in (0, -1, 12345, 2**63, 10**30):
        with pytest.raises(NotFound):
            undo.undo(site, clerk, operation_id)


def test_only_bulk_operations_are_undone(site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel) -> None:
    make_panel("1")
    with pytest.raises(Refused, match="patient's page"):
        undo.undo(site, clerk, 1)


_BREAK = {
    "sqlite": "CREATE TRIGGER broken BEFORE INSERT ON cpar_member WHEN NEW.patient_id = {} "
    "BEGIN SELECT RAISE(ABORT, 'broken'); END",
    "mariadb": "CREATE TRIGGER broken BEFORE INSERT ON cpar_member FOR EACH ROW "
    "IF NEW.patient_id = {} THEN SIGNAL SQLSTATE '45000'; END IF",
}


def test_an_order_that_fails_half_way_leaves_nothing_behind(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    make_panel: MakePanel,
    placed: Any,
    replayed: Any,
    database_kind: str,
) -> None:
    one, two = make_panel("1"), make_panel("2")
    first, _, third = (oscar.patient() for _ in range(3))
    one_patient.choose(site, clerk, first, two, seen_panel_id=None)
    before = placed()
    with site.database.writing() as connection:
        connection.execute(text(_BREAK[database_kind].format(third)))
    try:
        with pytest.raises(DBAPIError):
            bulk.carry_out(site, clerk, Assign("101", "AC", one))
    finally:
        with site.database.writing() as connection:
            connection.execute(text("DROP TRIGGER broken"))
    assert placed() == replayed() == before
    assert bulk.carry_out(site, clerk, Assign("101", "AC", one)).added == 2


def test_an_order_takes_the_same_number_of_statements_for_one_patient_and_for_many(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, statements: Any
) -> None:
    one, two = make_panel("1"), make_panel("2")
    oscar.patient()
    counts = []
    for _ in range(2):
        with statements() as counted:
            for order in (Assign("101", "AC", one), Move(one, two, "AC"), Remove(two, "AC")):
                bulk.preview(site, clerk, order)
                bulk.carry_out(site, clerk, order)
        counts.append(len(counted))
        for _ in range(40):
            oscar.patient()
    assert counts[0] == counts[1]


def test_each_patient_has_a_line_of_the_emrs_log_where_there_are_more_than_one_statement_writes(
    site: OscarHost, emr: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel
) -> None:
    panel_id, first, log, record = make_panel("1"), oscar.patient(), emr.tables.log.c, emr.tables.demographic
    ids = range(first, first + 20_001)
    with emr.database.writing() as connection:
        columns = record.c.patient_status, record.c.provider_no, record.c.lastUpdateDate
        row = connection.execute(select(*columns)).mappings().one()
        connection.execute(insert(record), [{**row, "demographic_no": patient_id} for patient_id in ids[1:]])
    outcome = bulk.carry_out(site, clerk, Assign("101", "AC", panel_id))
    lines = select(log.demographic_no).where(log.contentId == f"operation {outcome.operation_id}")
    with emr.database.engine.connect() as connection:
        assert sorted(connection.scalars(lines)) == list(ids)
