"""Several people at once, each in a thread and with a connection of their own, against the real databases."""

from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import event

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign, Move, Remove, history, undo
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.panels.one_patient import MemberChange
from cpar_plugin.services.roster import merges
from oscar_host.host import OscarHost

MakePanel = Callable[..., int]
Work = Callable[[], Any]


def _result(work: Work) -> Any:
    try:
        return work()
    except Refused as refused:
        return type(refused)


def _at_once(*work: Work) -> list[Any]:
    """What each returned or raised, all of them started at the same moment."""
    start = Barrier(len(work))

    def begin(one: Work) -> Any:
        start.wait()
        return _result(one)

    with ThreadPoolExecutor(len(work)) as pool:
        return list(pool.map(begin, work))


@pytest.fixture
def choose(site: OscarHost, clerk: Actor) -> Callable[[int, int], Work]:
    """Work that puts a patient, who was seen on no panel, on one."""
    return lambda patient_id, panel_id: (
        lambda: one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    )


def test_of_two_who_assign_the_same_patient_one_wins_and_the_other_is_informed(
    oscar: Any, make_panel: MakePanel, choose: Any, placed: Any, replayed: Any
) -> None:
    one, two = make_panel("1"), make_panel("2")
    for _ in range(15):
        patient_id = oscar.patient()
        results = _at_once(choose(patient_id, one), choose(patient_id, two))
        assert sorted(results, key=str) == sorted([MemberChange.ADDED, Stale], key=str)
        assert placed()[patient_id].panel_id == (one, two)[results.index(MemberChange.ADDED)]
    assert replayed() == placed()


def test_of_two_who_choose_the_same_panel_one_adds_and_the_other_finds_it_done(
    oscar: Any, make_panel: MakePanel, choose: Any, placed: Any, replayed: Any
) -> None:
    panel_id = make_panel("1")
    for _ in range(5):
        patient_id = oscar.patient()
        assert sorted(_at_once(*[choose(patient_id, panel_id)] * 3)) == ["added", "unchanged", "unchanged"]
    assert replayed() == placed()


def test_a_panel_deleted_while_others_add_to_it_has_no_members_left(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, choose: Any, placed: Any, replayed: Any
) -> None:
    patients = [oscar.patient() for _ in range(8)]
    for number in range(4):
        panel_id = make_panel(str(number))
        results = _at_once(
            *(choose(patient_id, panel_id) for patient_id in patients[:4]),
            lambda panel_id=panel_id: editing.delete(site, clerk, panel_id, 1),
            *(choose(patient_id, panel_id) for patient_id in patients[4:]),
        )
        removed = results.pop(4)
        assert Counter(results) == Counter({MemberChange.ADDED: removed, NotFound: 8 - removed}) - Counter()
        assert placed() == replayed() == {}


def test_bulk_orders_and_single_patients_do_not_get_into_each_others_way(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, choose: Any, placed: Any, replayed: Any
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    patients = [oscar.patient() for _ in range(40)]

    def singly() -> list[Any]:
        return [_result(choose(patient_id, two)) for patient_id in patients]

    def in_bulk() -> bulk.BulkResult:
        return bulk.carry_out(site, clerk, Assign("101", "AC", one))

    results, outcome = _at_once(singly, in_bulk)
    before = results.count(MemberChange.ADDED)
    assert Counter(results) == Counter({MemberChange.ADDED: before, Stale: 40 - before}) - Counter()
    assert (outcome.added, outcome.moved) == (40 - before, before)
    assert {where.panel_id for where in placed().values()} == {one}
    assert len(placed()) == 40
    assert replayed() == placed()


def test_two_bulk_orders_for_the_same_patients_come_one_after_the_other(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    for _ in range(20):
        oscar.patient()
    outcomes = _at_once(
        lambda: bulk.carry_out(site, clerk, Assign("101", "AC", one)),
        lambda: bulk.carry_out(site, clerk, Assign("101", "AC", two)),
    )
    assert sorted((outcome.added, outcome.moved) for outcome in outcomes) == [(0, 20), (20, 0)]
    assert len({where.panel_id for where in placed().values()}) == 1
    assert replayed() == placed()


def test_of_two_who_undo_the_same_operation_one_does_it(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    panel_id = make_panel("1")
    oscar.patient()
    for _ in range(4):
        operation_id = bulk.carry_out(site, clerk, Assign("101", "AC", panel_id)).operation_id
        assert operation_id is not None
        results = _at_once(*[lambda operation_id=operation_id: undo.undo(site, clerk, operation_id)] * 2)
        assert Counter(results) == Counter([history.Undone(1, 0), undo.UndoneAlready])
        assert placed() == replayed() == {}


def test_those_who_create_the_same_panel_at_once_get_one_and_who_wants_another_of_its_number_is_refused(
    site: OscarHost, clerk: Actor
) -> None:
    for number in range(4):
        draft = panel_draft(str(number), ["113"], [("101", "100000001")])
        other = panel_draft(str(number), ["114"], [("101", "100000001")])
        results = _at_once(*[lambda draft=draft: editing.create(site, clerk, draft)] * 3)
        assert len(set(results)) == 1
        assert _result(lambda other=other: editing.create(site, clerk, other)) is Refused
    with site.database.engine.connect() as connection:
        assert len(editing.live_panels(connection, site)) == 4


def test_of_several_who_send_the_same_form_at_once_one_is_carried_out_and_all_see_its_result(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    panel_id = make_panel("1")
    for number in range(4):
        oscar.patient()
        key = f"form {number}"
        results = _at_once(*[lambda key=key: bulk.carry_out(site, clerk, Assign("101", "AC", panel_id), key)] * 3)
        assert results[0].added == 1
        assert results[0] == results[1] == results[2]
    assert len(placed()) == 4
    assert replayed() == placed()


def test_of_two_who_edit_a_panel_at_once_one_does_it_and_the_other_is_informed(
    site: OscarHost, clerk: Actor, make_panel: MakePanel
) -> None:
    panel_id = make_panel("1")
    for version in range(1, 5):
        drafts = [panel_draft(f"{version}-{who}", ["113"], [("101", "100000001")]) for who in range(2)]
        results = _at_once(*(lambda d=draft, v=version: editing.edit(site, clerk, panel_id, v, d) for draft in drafts))
        assert sorted(results, key=str) == sorted([None, Stale], key=str)
        with site.database.engine.connect() as connection:
            assert editing.get(connection, site, panel_id).number == drafts[results.index(None)].number


def test_a_panel_deleted_during_a_bulk_assignment_to_it_has_no_members_left(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    for _ in range(10):
        oscar.patient()
    for number in range(4):
        panel_id = make_panel(str(number))
        assigned, removed = _at_once(
            lambda panel_id=panel_id: bulk.carry_out(site, clerk, Assign("101", "AC", panel_id)),
            lambda panel_id=panel_id: editing.delete(site, clerk, panel_id, 1),
        )
        assert (assigned is NotFound and removed == 0) or (assigned.added == 10 and removed == 10)
        assert placed() == replayed() == {}


def test_an_undo_during_a_move_gives_back_or_leaves_alone_but_never_both(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    patients = [oscar.patient() for _ in range(10)]
    for _ in range(4):
        operation_id = bulk.carry_out(site, clerk, Assign("101", "AC", one)).operation_id
        assert operation_id is not None
        undone, moved = _at_once(
            lambda operation_id=operation_id: undo.undo(site, clerk, operation_id),
            lambda: bulk.carry_out(site, clerk, Move(one, two, "AC")),
        )
        if undone is Refused:  # the move was first: everybody has been changed since
            assert moved.moved == 10
            assert {where.panel_id for where in placed().values()} == {two}
        else:
            assert (undone.restored, moved.operation_id) == (10, None)
            assert not set(placed()) & set(patients)
        assert replayed() == placed()
        bulk.carry_out(site, clerk, Remove(two, "AC"))


def test_of_two_who_give_one_practitioner_id_to_two_providers_one_is_refused(site: OscarHost, clerk: Actor) -> None:
    for number in range(4):
        digits = f"30000000{number}"
        drafts = [panel_draft(f"{number}-{who}", ["113"], [(who, digits)]) for who in ("101", "102")]
        results = _at_once(*(lambda draft=draft: editing.create(site, clerk, draft) for draft in drafts))
        assert results.count(Refused) == 1


def test_a_user_who_waits_too_long_for_someone_elses_change_is_informed(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, choose: Any, database_kind: str, placed: Any
) -> None:
    panel_id, patient_id = make_panel("1"), oscar.patient()
    impatient = {"sqlite": "PRAGMA busy_timeout = 100", "mariadb": "SET innodb_lock_wait_timeout = 1"}[database_kind]
    site.database.engine.dispose()
    event.listen(site.database.engine, "connect", lambda connection, _: connection.cursor().execute(impatient))
    with site.database.session() as session:
        clinic.lock(session)
        with pytest.raises(Refused, match="try again shortly"):
            choose(patient_id, panel_id)()
    assert placed() == {}
    assert choose(patient_id, panel_id)() is MemberChange.ADDED


def test_two_workers_reconcile_a_merge_once(
    site: OscarHost, oscar: Any, make_panel: MakePanel, choose: Any, placed: Any, replayed: Any
) -> None:
    panel_id = make_panel("1")

    def reconcile() -> int:
        with site.database.session() as session:
            clinic.lock(session)
            return merges.reconcile(session, site)

    for _ in range(3):
        retired, kept = oscar.patient(), oscar.patient()
        choose(retired, panel_id)()
        oscar.merge(retired, kept)
        assert sorted(_at_once(reconcile, reconcile)) == [0, 1]
        assert kept in placed()
        assert retired not in placed()
    assert replayed() == placed()
