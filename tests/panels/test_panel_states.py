"""A panel in transition takes no one, a panel that has ended is not submitted either: by whatever way somebody asks."""

from collections.abc import Callable
from dataclasses import replace
from threading import Thread
from typing import Any, Final

import pytest

from cpar_plugin.domain.panel_state import PanelState, why_no_one_is_added
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign, Confirm, Fill, Import, Move, Remove, Selection, undo
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.operations.access import Forbidden
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.panels.widget import membership
from cpar_plugin.services.roster import merges
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from .test_import import csv_text, uploaded

MakePanel = Callable[..., int]
CLOSED: Final = (PanelState.IN_TRANSITION, PanelState.ENDED)
pytestmark = pytest.mark.parametrize("state", CLOSED)


def change_state(host: OscarHost, actor: Actor, panel_id: int, state: PanelState) -> None:
    """As somebody does who edits the panel."""
    with host.database.engine.connect() as connection:
        saved = editing.get(connection, host, panel_id)
    editing.edit(host, actor, panel_id, saved.version, replace(editing.as_draft(saved), state=state))


def test_nobody_is_added_by_any_order_and_each_says_why(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, state: PanelState
) -> None:
    closed, other = make_panel("1"), make_panel("2", "102")
    new, elsewhere = oscar.patient(hin="100000001"), oscar.patient(hin="100000002")
    one_patient.choose(site, clerk, elsewhere, other, seen_panel_id=None)
    upload_id = uploaded(site, clerk, csv_text(("PHN",), ("100000001",)), closed)
    change_state(site, clerk, closed, state)
    before, message = placed(), why_no_one_is_added("1", state)
    orders = (
        Assign("101", "AC", closed),
        Fill(frozenset([closed, other])),
        Move(other, closed, "AC"),
        Move(other, closed, Selection(frozenset([elsewhere]))),
        Import(upload_id, closed),
    )
    for order in orders:
        for attempt in (bulk.preview, bulk.carry_out):
            with pytest.raises(Refused) as refused:
                attempt(site, clerk, order)
            assert str(refused.value) == message
    for patient_id, seen in ((new, None), (elsewhere, other)):
        with pytest.raises(Refused) as refused:
            one_patient.choose(site, clerk, patient_id, closed, seen_panel_id=seen)
        assert str(refused.value) == message
    assert placed() == before


def test_those_on_it_can_be_confirmed_moved_away_and_removed(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, state: PanelState
) -> None:
    closed, other = make_panel("1"), make_panel("2", "102")
    patients = [oscar.patient(hin=f"10000000{place}") for place in range(6)]
    for patient_id in patients:
        one_patient.choose(site, clerk, patient_id, closed, seen_panel_id=None)
    change_state(site, clerk, closed, state)
    one_patient.confirm(site, clerk, patients[0], seen_panel_id=closed)
    one_patient.choose(site, clerk, patients[1], other, seen_panel_id=closed)
    one_patient.remove(site, clerk, patients[2], seen_panel_id=closed)
    for order in (
        Confirm(closed, Selection(frozenset(patients[:1]))),
        Move(closed, other, Selection(frozenset(patients[3:4]))),
        Remove(closed, Selection(frozenset(patients[4:5]))),
    ):
        bulk.carry_out(site, clerk, order)
    panels = {patient_id: one.panel_id for patient_id, one in placed().items()}
    assert panels == {patients[0]: closed, patients[1]: other, patients[3]: other, patients[5]: closed}
    # A list that names those who are on the panel anyway adds nobody.
    upload_id = uploaded(site, clerk, csv_text(("PHN",), ("100000000",)), closed)
    assert bulk.carry_out(site, clerk, Import(upload_id, closed)).operation_id is None


def test_an_undo_puts_back_those_who_were_there_unless_the_panel_has_ended(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any, state: PanelState
) -> None:
    closed, other = make_panel("1"), make_panel("2", "102")
    patients = [oscar.patient() for _ in range(3)]
    bulk.carry_out(site, clerk, Assign("101", "AC", closed))
    before = placed()
    removed = bulk.carry_out(site, clerk, Remove(closed, Selection(frozenset(patients[:1]))))
    moved = bulk.carry_out(site, clerk, Move(closed, other, Selection(frozenset(patients[1:]))))
    one_patient.confirm(site, clerk, patients[2], seen_panel_id=other)
    change_state(site, clerk, closed, state)
    if state is PanelState.ENDED:
        after = placed()
        for done in (removed, moved):
            with pytest.raises(Refused, match=r"Panel 1 has ended"):
                undo.undo(site, clerk, done.operation_id or 0)
        assert placed() == after
        change_state(site, clerk, closed, PanelState.ACTIVE)
    for done in (removed, moved):
        undo.undo(site, clerk, done.operation_id or 0)
    undo.move_back(site, clerk, moved.operation_id or 0)
    assert placed() == replayed() == before


def test_the_box_offers_it_no_longer_but_shows_it_to_those_who_are_on_it(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, state: PanelState
) -> None:
    closed, other = make_panel("1"), make_panel("2", "102")
    on_it, new = oscar.patient(), oscar.patient()
    one_patient.choose(site, clerk, on_it, closed, seen_panel_id=None)
    change_state(site, clerk, closed, state)
    with site.database.engine.connect() as connection:
        shown, of_new = (membership(connection, site, Settings(), patient_id, clerk) for patient_id in (on_it, new))
    assert shown.panel
    assert (shown.panel.panel_id, shown.panel.state) == (closed, state)
    for box in (shown, of_new):
        assert [choice.panel_id for choice in box.choices] == [other]
        assert box.of_mrp == ()


def test_a_merge_of_records_is_followed_all_the_same(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, state: PanelState
) -> None:
    closed = make_panel("1")
    kept, retired = oscar.patient(), oscar.patient()
    one_patient.choose(site, clerk, retired, closed, seen_panel_id=None)
    change_state(site, clerk, closed, state)
    oscar.merge(retired, kept)
    merges.catch_up(site)
    assert {patient_id: one.panel_id for patient_id, one in placed().items()} == {kept: closed}


def test_only_an_administrator_reopens_a_panel_that_has_ended(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, state: PanelState
) -> None:
    oscar.role("103", "receptionist")
    person = Actor(actor_id="103", display_name="Somebody")
    closed = make_panel("1")
    change_state(site, person, closed, state)
    if state is PanelState.ENDED:
        for other in (PanelState.ACTIVE, PanelState.IN_TRANSITION):
            with pytest.raises(Forbidden, match=r"Only an EMR administrator can reopen"):
                change_state(site, person, closed, other)
        change_state(site, clerk, closed, PanelState.ACTIVE)
    else:
        change_state(site, person, closed, PanelState.ACTIVE)
    one_patient.choose(site, clerk, oscar.patient(), closed, seen_panel_id=None)


def test_who_waits_for_the_lock_meets_the_state_that_was_saved_meanwhile(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, state: PanelState
) -> None:
    closed = make_panel("1")
    patient_id, refusals = oscar.patient(), []

    def add() -> None:
        try:
            one_patient.choose(site, clerk, patient_id, closed, seen_panel_id=None)
        except Refused as refused:
            refusals.append(str(refused))

    waiting = Thread(target=add)
    with site.database.session() as session:
        clinic.lock(session)
        waiting.start()
        session.execute(editing.panel.update().values(state=state))
    waiting.join()
    assert refusals == [why_no_one_is_added("1", state)]
    assert placed() == {}
