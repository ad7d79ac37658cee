"""The panel of one patient: add, move, remove, confirm, and what the widget reads."""

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.panels.one_patient import MemberChange
from cpar_plugin.services.panels.widget import PanelChoice, ShownMembership, membership
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

from ..conftest import ALBERTA, NOW

MakePanel = Callable[..., int]
NOBODYS = [0, -5, 12345, 2**63, 10**30]


def _membership(host: OscarHost, patient_id: int) -> ShownMembership:
    with host.database.engine.connect() as connection:
        return membership(connection, host, load(host.settings), patient_id)


@pytest.fixture
def choose(site: OscarHost, clerk: Actor) -> Callable[..., MemberChange]:
    return lambda patient_id, panel_id, seen=None: one_patient.choose(
        site, clerk, patient_id, panel_id, seen_panel_id=seen
    )


def test_a_patient_on_no_panel_is_not_paneled_and_can_choose_any(
    site: OscarHost, oscar: Any, make_panel: MakePanel
) -> None:
    one, two = make_panel("1"), make_panel("2", "102", "103")
    assert _membership(site, oscar.patient()) == ShownMembership(
        enabled=True,
        known=True,
        name="EXAMPLE, Pat",
        choices=(PanelChoice(one, "1 (Doctor, No101)"), PanelChoice(two, "2 (Doctor, No102; Doctor, No103)")),
        of_mrp=(PanelChoice(one, "1 (Doctor, No101)"),),
    )


def test_adding_a_patient_confirms_today(
    site: OscarHost, oscar: Any, make_panel: MakePanel, choose: Callable[..., MemberChange]
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    assert choose(patient_id, panel_id) is MemberChange.ADDED
    seen = _membership(site, patient_id)
    assert seen.panel == PanelChoice(panel_id, "1 (Doctor, No101)")
    assert seen.since == NOW
    assert (seen.confirmed_on, seen.confirmed_how) == (date(2026, 11, 10), ConfirmedHow.ON_ADDING)
    assert not seen.may_confirm


def test_today_is_the_day_in_the_clinic_not_in_greenwich(
    site: OscarHost, oscar: Any, clock: FixedClock, make_panel: MakePanel, choose: Callable[..., MemberChange]
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    clock.move_to(datetime(2026, 11, 10, 23, 30, tzinfo=ALBERTA))
    choose(patient_id, panel_id)
    assert _membership(site, patient_id).confirmed_on == date(2026, 11, 10)


def test_choosing_another_panel_moves_the_patient_and_confirms_today(
    site: OscarHost,
    oscar: Any,
    clock: FixedClock,
    make_panel: MakePanel,
    choose: Callable[..., MemberChange],
    placed: Any,
) -> None:
    one, two, patient_id = make_panel("1"), make_panel("2", "102"), oscar.patient()
    choose(patient_id, one)
    clock.move_to(clock.now() + timedelta(days=9))
    assert choose(patient_id, two, one) is MemberChange.MOVED
    assert placed() == {patient_id: (two, clock.now(), date(2026, 11, 19), "on adding")}


def test_choosing_the_panel_that_the_patient_is_on_changes_nothing(
    oscar: Any, clock: FixedClock, make_panel: MakePanel, choose: Callable[..., MemberChange], placed: Any
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    choose(patient_id, panel_id)
    before = placed()
    clock.move_to(clock.now() + timedelta(days=9))
    assert choose(patient_id, panel_id, panel_id) is MemberChange.UNCHANGED
    assert choose(patient_id, panel_id) is MemberChange.UNCHANGED
    assert placed() == before


def test_an_mrp_outside_the_panel_is_allowed_and_flagged(
    site: OscarHost, oscar: Any, make_panel: MakePanel, choose: Callable[..., MemberChange]
) -> None:
    panel_id = make_panel("1", "101", "103")
    flags = {}
    for mrp in ("101", "103", "102", "", "gone"):
        patient_id = oscar.patient(provider_no=mrp)
        choose(patient_id, panel_id)
        flags[mrp] = _membership(site, patient_id).mrp_outside
    assert flags == {"101": False, "103": False, "102": True, "": False, "gone": True}


def test_the_mrp_is_never_changed(
    site: OscarHost, oscar: Any, make_panel: MakePanel, choose: Callable[..., MemberChange]
) -> None:
    patient_id = oscar.patient(provider_no="102")
    choose(patient_id, make_panel("1", "101"))
    with site.database.engine.connect() as connection:
        assert connection.scalar(select(site.tables.demographic.c.provider_no)) == "102"


def test_confirming_says_that_a_person_did_it_and_when(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    clock: FixedClock,
    make_panel: MakePanel,
    choose: Callable[..., MemberChange],
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    choose(patient_id, panel_id)
    assert one_patient.confirm(site, clerk, patient_id, seen_panel_id=panel_id) is MemberChange.UNCHANGED
    clock.move_to(clock.now() + timedelta(days=1))
    assert _membership(site, patient_id).may_confirm
    assert one_patient.confirm(site, clerk, patient_id, seen_panel_id=panel_id) is MemberChange.CONFIRMED
    seen = _membership(site, patient_id)
    assert (seen.confirmed_on, seen.confirmed_how) == (date(2026, 11, 11), ConfirmedHow.BY_PERSON)
    assert seen.since == NOW
    assert not seen.may_confirm


def test_a_member_without_a_date_can_be_confirmed(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    bulk.carry_out(site, clerk, bulk.Assign("101", "AC", panel_id))
    assert _membership(site, patient_id).may_confirm
    assert one_patient.confirm(site, clerk, patient_id, seen_panel_id=panel_id) is MemberChange.CONFIRMED


def test_a_removed_patient_is_not_paneled_and_can_come_back(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, choose: Callable[..., MemberChange], placed: Any
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    choose(patient_id, panel_id)
    assert one_patient.remove(site, clerk, patient_id, seen_panel_id=panel_id) is MemberChange.REMOVED
    assert placed() == {}
    assert one_patient.remove(site, clerk, patient_id, seen_panel_id=panel_id) is MemberChange.UNCHANGED
    assert choose(patient_id, panel_id) is MemberChange.ADDED


def test_a_user_who_saw_another_panel_is_informed_and_nothing_is_lost(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, choose: Callable[..., MemberChange], placed: Any
) -> None:
    one, two, three, patient_id = make_panel("1"), make_panel("2"), make_panel("3"), oscar.patient()
    choose(patient_id, two)
    before = placed()
    for seen in (None, one):
        for attempt in (
            lambda seen=seen: choose(patient_id, three, seen),
            lambda seen=seen: one_patient.remove(site, clerk, patient_id, seen_panel_id=seen),
            lambda seen=seen: one_patient.confirm(site, clerk, patient_id, seen_panel_id=seen),
        ):
            with pytest.raises(Stale, match="moved this patient to panel 2"):
                attempt()
    assert placed() == before


def test_a_user_who_saw_a_panel_that_the_patient_has_left_is_informed(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, choose: Callable[..., MemberChange], placed: Any
) -> None:
    one, two, patient_id = make_panel("1"), make_panel("2"), oscar.patient()
    with pytest.raises(Stale, match="removed this patient from the panel in the meantime"):
        choose(patient_id, two, one)
    with pytest.raises(Stale, match="removed this patient from the panel in the meantime"):
        one_patient.confirm(site, clerk, patient_id, seen_panel_id=one)
    with pytest.raises(Refused, match="Add the patient to a panel"):
        one_patient.confirm(site, clerk, patient_id, seen_panel_id=None)
    assert placed() == {}


def test_a_patient_that_the_emr_does_not_have_cannot_be_added(
    site: OscarHost, clerk: Actor, make_panel: MakePanel, choose: Callable[..., MemberChange]
) -> None:
    panel_id = make_panel("1")
    for patient_id in NOBODYS:
        with pytest.raises(NotFound, match="Record not found"):
            choose(patient_id, panel_id)
        assert one_patient.remove(site, clerk, patient_id, seen_panel_id=None) is MemberChange.UNCHANGED
        assert _membership(site, patient_id).panel is None


def test_a_panel_that_is_not_there_cannot_be_chosen(oscar: Any, choose: Callable[..., MemberChange]) -> None:
    patient_id = oscar.patient()
    for panel_id in NOBODYS:
        with pytest.raises(NotFound, match="select another"):
            choose(patient_id, panel_id)


def test_a_deleted_panel_cannot_be_chosen_and_is_not_offered(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, choose: Callable[..., MemberChange]
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    choose(patient_id, panel_id)
    editing.delete(site, clerk, panel_id, 1)
    assert _membership(site, patient_id).panel is None
    assert _membership(site, patient_id).choices == ()
    with pytest.raises(NotFound, match="select another"):
        choose(patient_id, panel_id)


def test_a_record_merged_away_cannot_be_added(
    oscar: Any, make_panel: MakePanel, choose: Callable[..., MemberChange]
) -> None:
    retired, kept = oscar.patient(), oscar.patient()
    oscar.merge(retired, kept)
    with pytest.raises(NotFound, match="the record that was kept"):
        choose(retired, make_panel("1"))


def test_a_member_that_the_emr_no_longer_has_can_be_seen_and_removed(
    site: OscarHost,
    emr: OscarHost,
    oscar: Any,
    clerk: Actor,
    make_panel: MakePanel,
    choose: Callable[..., MemberChange],
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    choose(patient_id, panel_id)
    with emr.database.writing() as connection:
        connection.execute(site.tables.demographic.delete())
    assert _membership(site, patient_id).panel == PanelChoice(panel_id, "1 (Doctor, No101)")
    assert one_patient.remove(site, clerk, patient_id, seen_panel_id=panel_id) is MemberChange.REMOVED


def test_the_widget_reads_everything_in_two_statements(
    site: OscarHost, oscar: Any, make_panel: MakePanel, choose: Callable[..., MemberChange], statements: Any
) -> None:
    patients = [oscar.patient(hin=str(100_000_010 + number)) for number in range(5)]
    for number in range(9):
        panel_id = make_panel(str(number), "101", "102", "103")
    for patient_id in patients:
        choose(patient_id, panel_id)
    with statements() as counted:
        assert len(_membership(site, patients[0]).choices) == 9
    assert len(counted) == 2


def test_the_widget_knows_that_the_integration_is_off(site: OscarHost, oscar: Any, clerk: Actor) -> None:
    clinic.disable(site, clerk)
    assert not _membership(site, oscar.patient()).enabled


def test_the_audit_trail_names_patient_and_panel_but_no_identifier(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    clock: FixedClock,
    make_panel: MakePanel,
    choose: Callable[..., MemberChange],
) -> None:
    one, two, patient_id = make_panel("1"), make_panel("2"), oscar.patient(hin="987654321")
    choose(patient_id, one)
    choose(patient_id, two, one)
    clock.move_to(clock.now() + timedelta(days=1))
    one_patient.confirm(site, clerk, patient_id, seen_panel_id=two)
    one_patient.remove(site, clerk, patient_id, seen_panel_id=two)
    log = site.tables.log.c
    logged = select(log.action, log.contentId, log.demographic_no, log.data).where(log.content == "cparPanelMember")
    with site.database.engine.connect() as connection:
        rows = connection.execute(logged.order_by(log.id)).all()
    assert [row[:3] for row in rows] == [
        ("add", str(one), patient_id),
        ("update", str(two), patient_id),
        ("update", str(two), patient_id),
        ("delete", str(two), patient_id),
    ]
    assert "987654321" not in repr(rows)


def test_the_ledger_says_every_step(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    clock: FixedClock,
    make_panel: MakePanel,
    choose: Callable[..., MemberChange],
    placed: Any,
    replayed: Any,
) -> None:
    one, two, patient_id = make_panel("1"), make_panel("2"), oscar.patient()
    choose(patient_id, one)
    choose(patient_id, two, one)
    clock.move_to(clock.now() + timedelta(days=1))
    one_patient.confirm(site, clerk, patient_id, seen_panel_id=two)
    assert replayed() == placed() != {}
    one_patient.remove(site, clerk, patient_id, seen_panel_id=two)
    assert replayed() == placed() == {}
