"""Any sequence of operations, against a model that is written as plainly as possible.

After each step the database holds what the model holds, so that nobody is ever on two panels, lost or confirmed by
accident; at the end the ledger alone explains every membership.
"""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import update

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock, today
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign, Fill, Move, Remove, history, undo
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.roster import merges
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..examples import examples

Where = tuple[int, Any, date | None, str | None]
VISITS = (None, date(2026, 3, 2), date(2026, 11, 9))
STATUSES = ("AC", "AC", "AC", "IN", "")  # mostly one, so that orders meet
DOCTORS = ("101", "102", "103")
MRPS = ("101", "101", "101", "102")


def _forget_everything(oscar: Any) -> None:
    own = [table for table in reversed(tables.metadata.sorted_tables) if table is not tables.clinic]
    emr = oscar.tables
    theirs = [emr.appointment, emr.demographic_merged, emr.demographic, emr.log]
    with oscar.database.writing() as connection:
        connection.execute(update(tables.operation).values(undoes=None))
        for table in (*own, *theirs):
            connection.execute(table.delete())


class AnySequence(RuleBasedStateMachine):
    """What people and the EMR do, in any order."""

    def __init__(
        self, host: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, placed: Any, replayed: Any
    ) -> None:
        super().__init__()
        self.host, self.oscar, self.clock, self.clerk = host, oscar, clock, clerk
        self.read, self.replay = placed, replayed
        self.patients: dict[int, tuple[str, str, date | None]] = {}
        self.kept: dict[int, int] = {}  # by record merged away
        self.where: dict[int, Where] = {}
        self.panels: list[int] = []
        self.doctor: dict[int, str] = {}  # by panel
        self.done: dict[int, dict[int, tuple[Where | None, Where | None]]] = {}  # bulk operations
        self.undone: set[int] = set()

    @initialize()
    def an_empty_clinic_with_three_panels(self) -> None:
        _forget_everything(self.oscar)
        for number, (provider_id, digits) in enumerate(
            zip(DOCTORS, ("100000001", "100000002", "100000003"), strict=True)
        ):
            draft = panel_draft(str(number), ["113"], [(provider_id, digits)])
            self.panels.append(editing.create(self.host, self.clerk, draft))
            self.doctor[self.panels[-1]] = provider_id
        for visit in VISITS:
            self.a_new_patient("101", "AC", visit)

    # The model

    def today(self) -> date:
        return today(self.clock)

    def end(self, patient_id: int) -> int:
        while patient_id in self.kept:
            patient_id = self.kept[patient_id]
        return patient_id

    def last_visit(self, patient_id: int) -> date | None:
        visits = [visit for record, (_, _, visit) in self.patients.items() if self.end(record) == patient_id]
        return max((visit for visit in visits if visit), default=None)

    def after_merges(self) -> dict[int, Where]:
        where = dict(self.where)
        leaving = {patient_id: where.pop(patient_id) for patient_id in list(where) if patient_id in self.kept}
        for kept in {self.end(patient_id) for patient_id in leaving}:
            theirs = [(*left, patient_id) for patient_id, left in leaving.items() if self.end(patient_id) == kept]
            theirs.sort(key=lambda one: (one[1], one[4]), reverse=True)
            panel_id, since, *_ = where.get(kept) or theirs[0]
            dated = [one[2:4] for one in (where.get(kept), *theirs) if one and one[0] == panel_id and one[2]]
            where[kept] = (panel_id, since, *max(dated, key=lambda one: one[0], default=(None, None)))
        return where

    def by_last_visit(self, patient_id: int, panel_id: int) -> Where:
        visit = self.last_visit(patient_id)
        return (panel_id, self.clock.now(), visit, "last visit" if visit else None)

    def carry_out(
        self, order: bulk.Order, chosen: Callable[[int], bool], becomes: Callable[[int], Where | None]
    ) -> None:
        self.where = self.after_merges()
        records = [record for record in self.patients.keys() | self.where.keys() if record not in self.kept]
        changes = {
            patient_id: (self.where.get(patient_id), becomes(patient_id))
            for patient_id in records
            if chosen(patient_id)
        }
        preview = bulk.preview(self.host, self.clerk, order)
        outcome = bulk.carry_out(self.host, self.clerk, order)
        assert preview.changed == len(changes) == outcome.added + outcome.moved + outcome.removed
        assert preview.added == outcome.added == sum(before is None for before, _ in changes.values())
        after = [entry[1] for entry in changes.values() if entry[1]]
        assert preview.without_visit == sum(where[2] is None for where in after)
        assert preview.later_confirmations == sum(
            bool(before and after and before[2] and (after[2] is None or before[2] > after[2]))
            for before, after in changes.values()
        )
        self.apply({patient_id: after for patient_id, (_, after) in changes.items()})
        if changes:
            assert outcome.operation_id is not None
            self.done[outcome.operation_id] = changes
        else:
            assert outcome.operation_id is None

    def apply(self, changes: dict[int, Where | None]) -> None:
        for patient_id, after in changes.items():
            self.where.pop(patient_id, None)
            if after:
                self.where[patient_id] = after

    def on(self, patient_id: int) -> int | None:
        return self.where[patient_id][0] if patient_id in self.where else None

    # What happens in the EMR

    @rule(mrp=st.sampled_from(MRPS), status=st.sampled_from(STATUSES), visit=st.sampled_from(VISITS))
    def a_new_patient(self, mrp: str, status: str, visit: date | None) -> None:
        patient_id = self.oscar.patient(provider_no=mrp, patient_status=status)
        if visit:
            self.oscar.visit(patient_id, visit)
        self.patients[patient_id] = (mrp, status, visit)

    @rule(data=st.data())
    def two_records_are_merged(self, data: st.DataObject) -> None:
        live = sorted(self.patients.keys() - self.kept.keys())
        if len(live) > 1:
            retired, kept = data.draw(st.permutations(live))[:2]
            self.oscar.merge(retired, kept)
            self.kept[retired] = kept

    @rule(hours=st.sampled_from([1, 24]))
    def time_goes_by(self, hours: int) -> None:
        self.clock.move_to(self.clock.now() + timedelta(hours=hours))

    # What people do

    @rule(data=st.data(), seen_right=st.booleans())
    def somebody_chooses_a_panel(self, data: st.DataObject, seen_right: bool) -> None:
        patient_id = data.draw(st.sampled_from(sorted(self.patients)))
        panel_id = data.draw(st.sampled_from(self.panels))
        now = self.on(patient_id)
        seen = now if seen_right else data.draw(st.sampled_from([None, *self.panels]))
        try:
            one_patient.choose(self.host, self.clerk, patient_id, panel_id, seen_panel_id=seen)
        except NotFound:
            assert patient_id in self.kept
        except Stale:
            assert seen != now != panel_id
        else:
            assert patient_id not in self.kept
            assert now in (seen, panel_id)
            if now != panel_id:
                self.where[patient_id] = (panel_id, self.clock.now(), self.today(), "on adding")

    @rule(data=st.data())
    def somebody_removes_a_patient(self, data: st.DataObject) -> None:
        patient_id = data.draw(st.sampled_from(sorted(self.patients)))
        seen = data.draw(st.sampled_from([None, *self.panels]))
        try:
            one_patient.remove(self.host, self.clerk, patient_id, seen_panel_id=seen)
        except Stale:
            assert self.on(patient_id) not in (None, seen)
        else:
            assert self.on(patient_id) in (None, seen)
            self.where.pop(patient_id, None)

    @precondition(lambda self: self.where)
    @rule(data=st.data())
    def somebody_confirms_a_member(self, data: st.DataObject) -> None:
        patient_id = data.draw(st.sampled_from(sorted(self.where)))
        panel_id, since, confirmed_on, _ = self.where[patient_id]
        one_patient.confirm(self.host, self.clerk, patient_id, seen_panel_id=panel_id)
        if confirmed_on != self.today():
            self.where[patient_id] = (panel_id, since, self.today(), "confirmed by a person")

    @rule(data=st.data(), move=st.booleans())
    def somebody_fills_panels(self, data: st.DataObject, move: bool) -> None:
        panel_ids = data.draw(st.lists(st.sampled_from(self.panels), min_size=1, unique=True))
        own = {self.doctor[panel_id]: panel_id for panel_id in panel_ids}

        def chosen(patient_id: int) -> bool:
            mrp, status, _ = self.patients[patient_id]
            now = self.on(patient_id)
            return mrp in own and status == "AC" and (now is None or (move and now != own[mrp]))

        self.carry_out(
            Fill(frozenset(panel_ids), move),
            chosen,
            lambda patient_id: self.by_last_visit(patient_id, own[self.patients[patient_id][0]]),
        )

    @rule(data=st.data(), mrp=st.sampled_from(MRPS), status=st.sampled_from(STATUSES))
    def somebody_assigns_in_bulk(self, data: st.DataObject, mrp: str, status: str) -> None:
        panel_id = data.draw(st.sampled_from(self.panels))
        self.carry_out(
            Assign(mrp, status, panel_id),
            lambda patient_id: self.patients[patient_id][:2] == (mrp, status) and self.on(patient_id) != panel_id,
            lambda patient_id: self.by_last_visit(patient_id, panel_id),
        )

    @precondition(lambda self: len(self.panels) > 1)
    @rule(data=st.data(), status=st.sampled_from(STATUSES))
    def somebody_moves_in_bulk(self, data: st.DataObject, status: str) -> None:
        source, target = data.draw(st.permutations(self.panels))[:2]
        self.carry_out(
            Move(source, target, status),
            lambda patient_id: self.patients[patient_id][1] == status and self.on(patient_id) == source,
            lambda patient_id: self.by_last_visit(patient_id, target),
        )

    @rule(data=st.data(), status=st.sampled_from(STATUSES))
    def somebody_removes_in_bulk(self, data: st.DataObject, status: str) -> None:
        panel_id = data.draw(st.sampled_from(self.panels))
        self.carry_out(
            Remove(panel_id, status),
            lambda patient_id: self.patients[patient_id][1] == status and self.on(patient_id) == panel_id,
            lambda _: None,
        )

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def somebody_undoes_a_bulk_operation(self, data: st.DataObject) -> None:
        operation_id = data.draw(st.sampled_from(sorted(self.done)))
        changes = self.done[operation_id]
        concerned = {where[0] for change in changes.values() for where in change if where}
        where = self.after_merges()
        restored = {
            patient_id: before for patient_id, (before, after) in changes.items() if where.get(patient_id) == after
        }
        try:
            undone = undo.undo(self.host, self.clerk, operation_id)
        except Refused:
            assert operation_id in self.undone or not concerned <= set(self.panels) or not restored
        else:
            assert operation_id not in self.undone
            assert concerned <= set(self.panels)
            assert undone == history.Undone(len(restored), len(changes) - len(restored))
            self.where = where
            self.apply(restored)
            self.undone.add(operation_id)

    @precondition(lambda self: len(self.panels) > 1)
    @rule(data=st.data())
    def somebody_deletes_a_panel(self, data: st.DataObject) -> None:
        panel_id = data.draw(st.sampled_from(self.panels))
        members_of = [patient_id for patient_id in self.where if self.on(patient_id) == panel_id]
        assert editing.delete(self.host, self.clerk, panel_id, 1) == len(members_of)
        self.panels.remove(panel_id)
        self.apply(dict.fromkeys(members_of))

    @rule()
    def the_night_run_follows_merges(self) -> None:
        with self.host.database.session() as session:
            clinic.lock(session)
            assert merges.reconcile(session, self.host) == len(self.where.keys() & self.kept.keys())
        self.where = self.after_merges()

    @invariant()
    def the_database_holds_what_the_model_holds(self) -> None:
        assert self.read() == self.where

    def teardown(self) -> None:
        assert self.replay() == self.read()


@pytest.mark.databases("in turn")
@pytest.mark.hypothesis
def test_any_sequence_keeps_to_the_rules_and_the_ledger_explains_it(
    site: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, placed: Any, replayed: Any
) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: AnySequence(site, oscar, clock, clerk, placed, replayed),
        settings=settings(
            max_examples=examples(6),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
