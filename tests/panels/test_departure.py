"""A provider leaves: the patients are divided among panels of colleagues, moved in one operation, and can come back."""

from collections import Counter
from collections.abc import Callable
from datetime import date
from typing import Any, Final

import pytest

from cpar_plugin.domain.departure import Split, Target
from cpar_plugin.domain.departure_texts import RegistryTask
from cpar_plugin.domain.panel_state import PanelState
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import SkipReason, undo
from cpar_plugin.services.departures import due, plan, steps
from cpar_plugin.services.departures.steps import Departure, DepartureMove
from cpar_plugin.services.panels import editing, one_patient
from oscar_host.host import OscarHost

MakePanel = Callable[..., int]
LEAVES_ON: Final = date(2027, 1, 31)


def found_of(host: OscarHost, panel_id: int) -> Departure:
    with host.database.engine.connect() as connection:
        return steps.required(connection, panel_id)


def move_of(host: OscarHost, panel_id: int) -> DepartureMove | None:
    with host.database.engine.connect() as connection:
        return steps.last_move(connection, steps.required(connection, panel_id))


def state_of(host: OscarHost, panel_id: int) -> PanelState:
    with host.database.engine.connect() as connection:
        return editing.get(connection, host, panel_id).state


def frozen(host: OscarHost, actor: Actor, panel_id: int) -> None:
    """A departure whose panel is in transition."""
    steps.save_date(host, actor, panel_id, None, LEAVES_ON, "")
    steps.freeze(host, actor, panel_id, 1)


def planned(host: OscarHost, actor: Actor, panel_id: int, *targets: Target, together: bool = False) -> int:
    split = Split(targets, together)
    return plan.plan(host, actor, panel_id, found_of(host, panel_id).version, split)


def moved(host: OscarHost, actor: Actor, panel_id: int, key: str | None = None) -> bulk.BulkResult:
    return bulk.carry_out(host, actor, plan.order_of(found_of(host, panel_id)), key)


@pytest.mark.parametrize("count", [60, pytest.param(1800, marks=pytest.mark.large)])
def test_a_departure_to_two_colleagues_loses_no_one_and_puts_no_one_on_two_panels(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any, count: int
) -> None:
    leaving, one, two = make_panel("1"), make_panel("2", "102"), make_panel("3", "103")
    with oscar.at_once():
        ids = [oscar.patient() for _ in range(count)]
        there = oscar.patient(provider_no="102")
    bulk.carry_out(site, clerk, bulk.Assign("101", "AC", leaving))
    one_patient.choose(site, clerk, there, one, seen_panel_id=None)
    before = placed()
    frozen(site, clerk, leaving)
    assert planned(site, clerk, leaving, Target(one, 60), Target(two, 40)) == count
    assert placed() == before
    preview = bulk.preview(site, clerk, plan.order_of(found_of(site, leaving)))
    assert {joining.panel_id: joining.moved for joining in preview.joining} == {
        one: count * 60 // 100,
        two: count * 40 // 100,
    }
    result = moved(site, clerk, leaving, "a" * 32)
    assert (result.moved, result.added, result.removed) == (count, 0, 0)
    assert moved(site, clerk, leaving, "a" * 32) == result
    after = placed()
    assert after.keys() == before.keys()
    assert Counter(after[patient_id].panel_id for patient_id in ids) == {one: count * 60 // 100, two: count * 40 // 100}
    assert after[there] == before[there]
    assert after == replayed()
    undo.undo(site, clerk, result.operation_id or 0)
    assert placed() == replayed() == before
    again = moved(site, clerk, leaving)
    assert again.moved == count
    assert {patient_id: place.panel_id for patient_id, place in placed().items()} == {
        patient_id: place.panel_id for patient_id, place in after.items()
    }


def test_who_is_not_moved_remains_and_is_named_with_the_reason(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    oscar.role("103", "receptionist")
    oscar.privilege("receptionist", "_demographic", "x")
    person = Actor(actor_id="103", display_name="Somebody")
    leaving, one = make_panel("1"), make_panel("2", "102")
    goes, no_rule, inactive, deceased, barred = (
        oscar.patient(last_name=name, patient_status=status)
        for name, status in (("Abbott", "AC"), ("Wong", "AC"), ("Abel", "IN"), ("Adams", "DE"), ("Aziz", "AC"))
    )
    for patient_id in (goes, no_rule, inactive, deceased, barred):
        one_patient.choose(site, clerk, patient_id, leaving, seen_panel_id=None)
    oscar.privilege("receptionist", f"_demographic${barred}", "o")
    frozen(site, person, leaving)
    assert planned(site, person, leaving, Target(one, 0, "A", "C")) == 1
    preview = bulk.preview(site, person, plan.order_of(found_of(site, leaving)))
    assert +preview.skipped == {SkipReason.NO_RULE: 1, SkipReason.OTHER_STATUS: 2, SkipReason.NOT_VISIBLE: 1}
    assert moved(site, person, leaving).moved == 1
    assert {patient_id: place.panel_id for patient_id, place in placed().items()} == {
        goes: one,
        **dict.fromkeys((no_rule, inactive, deceased, barred), leaving),
    }


def test_families_at_one_address_go_together_and_the_last_provider_seen_decides(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    leaving, one, two = make_panel("1"), make_panel("2", "102"), make_panel("3", "103")
    homes = {
        "1 Main St": [oscar.patient(address="1 Main St", city="Edmonton") for _ in range(3)],
        "2 Main St": [oscar.patient(address=address, city="Edmonton") for address in ("2 Main St", " 2 MAIN ST ")],
        "": [oscar.patient(address="", city="Edmonton") for _ in range(4)],
    }
    oscar.visit(homes["2 Main St"][0], "2026-10-05", provider_no="103")
    bulk.carry_out(site, clerk, bulk.Assign("101", "AC", leaving))
    frozen(site, clerk, leaving)
    targets = (Target(one, 50, last_seen=True), Target(two, 50, last_seen=True))
    planned(site, clerk, leaving, *targets, together=True)
    moved(site, clerk, leaving)
    on = {patient_id: place.panel_id for patient_id, place in placed().items()}
    assert len({on[patient_id] for patient_id in homes["1 Main St"]}) == 1
    assert {on[patient_id] for patient_id in homes["2 Main St"]} == {two}
    assert sorted(Counter(on.values()).values()) == [4, 5]


def test_each_step_asks_for_the_one_before_and_for_what_its_reader_has_seen(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    leaving, one, two = make_panel("1"), make_panel("2", "102"), make_panel("3", "103")
    patient_id = oscar.patient()
    one_patient.choose(site, clerk, patient_id, leaving, seen_panel_id=None)
    with pytest.raises(NotFound):
        steps.freeze(site, clerk, leaving, 1)
    for day, administrator in ((date(2020, 1, 1), ""), (LEAVES_ON, "no-one")):
        with pytest.raises(Refused):
            steps.save_date(site, clerk, leaving, None, day, administrator)
    steps.save_date(site, clerk, leaving, None, LEAVES_ON, "102")
    with pytest.raises(Stale):
        steps.save_date(site, clerk, leaving, None, LEAVES_ON, "102")
    with pytest.raises(Refused, match="in transition first"):
        planned(site, clerk, leaving, Target(one, 100))
    steps.freeze(site, clerk, leaving, 1)
    with pytest.raises(Refused, match="the panel itself"):
        planned(site, clerk, leaving, Target(leaving, 100))
    planned(site, clerk, leaving, Target(one, 100))
    seen = plan.order_of(found_of(site, leaving))
    planned(site, clerk, leaving, Target(two, 100))
    for attempt in (bulk.preview, bulk.carry_out):
        with pytest.raises(Stale, match="review it again"):
            attempt(site, clerk, seen)
    assert placed()[patient_id].panel_id == leaving
    steps.save_tasks(site, clerk, leaving, found_of(site, leaving).version, [RegistryTask.LETTERS])
    steps.save_letter(site, clerk, leaving, found_of(site, leaving).version, "Dear {patient}")
    found = found_of(site, leaving)
    assert (found.done, found.letter_text, found.administrator_id) == ({RegistryTask.LETTERS}, "Dear {patient}", "102")
    moved(site, clerk, leaving)
    with pytest.raises(Refused, match="undo the move first"):
        steps.cancel(site, clerk, leaving, found.version)


def test_a_departure_that_is_cancelled_leaves_everything_as_it_was(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    leaving, one = make_panel("1"), make_panel("2", "102")
    one_patient.choose(site, clerk, oscar.patient(), leaving, seen_panel_id=None)
    before = placed()
    frozen(site, clerk, leaving)
    planned(site, clerk, leaving, Target(one, 100))
    undo.undo(site, clerk, moved(site, clerk, leaving).operation_id or 0)
    steps.cancel(site, clerk, leaving, found_of(site, leaving).version)
    assert placed() == before
    assert state_of(site, leaving) is PanelState.ACTIVE
    with pytest.raises(NotFound):
        found_of(site, leaving)
    frozen(site, clerk, leaving)
    assert move_of(site, leaving) is None


def test_the_panel_ends_on_the_day_by_itself_but_never_with_active_patients(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, clock: FixedClock
) -> None:
    leaving, one = make_panel("1"), make_panel("2", "102")
    ids = [oscar.patient(), oscar.patient(patient_status="IN")]
    for patient_id in ids:
        one_patient.choose(site, clerk, patient_id, leaving, seen_panel_id=None)
    frozen(site, clerk, leaving)
    clock.move_to(clock.now().replace(year=2027, month=1, day=30))
    assert due.end_due(site, clock.now()) == 0
    clock.move_to(clock.now().replace(day=31, hour=23))
    assert due.end_due(site, clock.now()) == 0
    assert state_of(site, leaving) is PanelState.IN_TRANSITION
    planned(site, clerk, leaving, Target(one, 100))
    moved(site, clerk, leaving)
    assert due.end_due(site, clock.now()) == 1
    assert state_of(site, leaving) is PanelState.ENDED
    assert due.end_due(site, clock.now()) == 0
