"""What a bulk operation means for the next submission: before it, after it, and in the submission itself."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.domain.reasons import Reason
from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign, Move, Order, Selection, outlook
from cpar_plugin.services.bulk.outlook import Outlook
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.snapshots import build
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

MakePanel = Callable[..., int]
PHN = "100000002"


def before_it(host: OscarHost, actor: Actor, order: Order) -> Outlook:
    changed = bulk.preview(host, actor, order).changed
    with host.database.engine.connect() as connection:
        return outlook.of_order(connection, host, actor, Settings(), order, changed)


def after_it(host: OscarHost, actor: Actor, operation_id: int | None) -> Outlook:
    assert operation_id
    with host.database.engine.connect() as connection:
        return outlook.of_operation(connection, host, actor, Settings(), operation_id)


def submitted(host: OscarHost, panel_id: int) -> tuple[int, dict[int, str]]:
    """What the submission of a panel makes of its members: how many it has, and whom it excludes why."""
    taken = build.take(host, Settings(), panel_id, now=host.clock.now())
    with host.database.engine.connect() as connection:
        rows = connection.execute(select(tables.exclusion).where(tables.exclusion.c.snapshot_id == taken.snapshot_id))
        return taken.sent, {row.patient_id: row.reasons for row in rows}


@pytest.fixture
def patient(oscar: Any) -> Callable[..., int]:
    """A patient of Dr 101 who would be submitted with a panel, unless the columns say otherwise."""
    numbers = iter(range(300_000_001, 400_000_000))

    def make(*, visited: bool = True, **columns: Any) -> int:
        patient_id: int = oscar.patient(**{"hin": str(next(numbers))} | columns)
        if visited:
            oscar.visit(patient_id)
        return patient_id

    return make


def check(host: OscarHost, actor: Actor, order: Order, panel_id: int, *patients: int) -> Outlook:
    """The preview and the result, which say the same, and of these patients what the panel's submission says."""
    preview = before_it(host, actor, order)
    result = bulk.carry_out(host, actor, order)
    assert after_it(host, actor, result.operation_id) == preview
    _, excluded = submitted(host, panel_id)
    reasons = [excluded[patient_id].split() for patient_id in patients if patient_id in excluded]
    assert (preview.submitted, preview.excluded) == (len(patients) - len(reasons), len(reasons))
    assert preview.reasons == Counter(Reason(code) for codes in reasons for code in codes)
    return preview


def test_an_assignment_says_who_of_its_patients_will_be_submitted_as_the_submission_then_does(
    site: OscarHost, clerk: Actor, patient: Any, make_panel: MakePanel
) -> None:
    panel_id = make_panel("1")
    patients = [
        *(patient() for _ in range(3)),
        patient(hin=""),
        patient(visited=False),
        patient(visited=False, sex="", hin="12"),
        patient(hin=PHN),
        patient(hin="10000-0002"),
    ]
    on_it = patient(provider_no="102")
    one_patient.choose(site, clerk, on_it, panel_id, seen_panel_id=None)
    seen = check(site, clerk, Assign("101", "AC", panel_id), panel_id, *patients)
    assert (seen.submitted, seen.excluded) == (3, 5)
    assert seen.reasons == {
        Reason.NO_PHN: 1,
        Reason.NO_VISIT: 2,
        Reason.NO_CONFIRMATION: 2,
        Reason.NO_GENDER: 1,
        Reason.MALFORMED_PHN: 1,
        Reason.SHARED_PHN: 2,
    }
    assert (seen.also_excluded, seen.also_excluded_more, seen.also_excluded_hidden) == ([], 0, 0)
    assert submitted(site, panel_id)[0] == 4


def test_of_inactive_patients_none_will_be_submitted_and_each_says_so(
    site: OscarHost, clerk: Actor, patient: Any, make_panel: MakePanel
) -> None:
    panel_id = make_panel("1")
    patients = [patient(patient_status="IN", visited=visited) for visited in (True, True, True, False)]
    seen = check(site, clerk, Assign("101", "IN", panel_id), panel_id, *patients)
    assert (seen.submitted, seen.excluded, seen.reasons[Reason.NOT_ACTIVE]) == (0, 4, 4)


def test_a_move_counts_those_whose_confirmation_it_takes_away(
    site: OscarHost, clerk: Actor, oscar: Any, patient: Any, make_panel: MakePanel
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    patients = [patient(), patient(visited=False), patient(), patient(patient_status="IN")]
    for patient_id in patients:
        one_patient.choose(site, clerk, patient_id, one, seen_panel_id=None)
    gone = 9_000_001
    with site.database.session() as session:
        session.execute(
            tables.member.insert().values(patient_id=gone, panel_id=one, since=site.clock.now(), confirmed_on=None)
        )
    moved = (*patients[:2], gone)
    seen = check(site, clerk, Move(one, two, Selection(frozenset(moved))), two, *moved)
    assert seen.reasons == {Reason.NO_VISIT: 1, Reason.NO_CONFIRMATION: 1, Reason.UNKNOWN_PATIENT: 1}


def test_those_with_the_same_phn_who_were_submitted_until_then_are_named_with_their_panel(
    site: OscarHost, clerk: Actor, oscar: Any, patient: Any, make_panel: MakePanel
) -> None:
    one, two, three = make_panel("1"), make_panel("2", "102"), make_panel("3", "103")
    other = patient(hin=PHN, provider_no="102", last_name="Wren", first_name="Pat")
    same_panel = patient(hin="100000003", provider_no="102", last_name="Finch", first_name="Kim")
    closed = patient(hin="100000004", provider_no="102")
    excluded_before = [patient(hin="100000005", provider_no="102") for _ in range(2)]
    inactive = patient(hin="100000006", provider_no="102", patient_status="IN")
    for patient_id, panel_id in (
        (other, two),
        (same_panel, one),
        (closed, three),
        (excluded_before[0], two),
        (excluded_before[1], three),
        (inactive, two),
    ):
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    assert submitted(site, two) == (1, {excluded_before[0]: "shared-phn", inactive: "not-active"})
    new = [patient(hin=f"10000000{digit}") for digit in (2, 3, 4, 5, 6)]
    oscar.provider("401")
    oscar.role("401", "manager")
    oscar.privilege("manager", "_demographic", "x")
    oscar.privilege("manager", f"_demographic${closed}", "o")
    manager = Actor(actor_id="401", display_name="Manager")
    seen = check(site, manager, Assign("101", "AC", one), one, *new)
    assert [person[:5] for person in seen.also_excluded] == [
        ("Finch", "Kim", same_panel, one, "1"),
        ("Wren", "Pat", other, two, "2"),
    ]
    assert [person.other_records for person in seen.also_excluded] == [(new[1],), (new[0],)]
    assert (seen.also_excluded_more, seen.also_excluded_hidden) == (0, 1)
    assert (seen.submitted, seen.reasons) == (1, {Reason.SHARED_PHN: 4})
    assert submitted(site, two)[1][other] == submitted(site, one)[1][same_panel] == "shared-phn"


def test_one_who_is_moved_to_another_panel_excludes_no_one_again(
    site: OscarHost, clerk: Actor, patient: Any, make_panel: MakePanel
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    pair = [patient(hin=PHN, provider_no=mrp) for mrp in ("101", "102")]
    for patient_id in pair:
        one_patient.choose(site, clerk, patient_id, two, seen_panel_id=None)
    seen = check(site, clerk, Assign("101", "AC", one), one, pair[0])
    assert (seen.excluded, seen.also_excluded) == (1, [])
