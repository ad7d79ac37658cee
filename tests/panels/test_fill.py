"""Panels filled with the active patients of their own providers, as one operation."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.refusals import NotFound
from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Fill, Joining, SkipReason, history, outlook, skipped, texts, undo
from cpar_plugin.services.bulk.fill import fillable
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.panels.without_panel import providers_without_panel
from cpar_plugin.services.roster.csv_file import csv_file
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

MakePanel = Callable[..., int]


def _where(placed: Callable[[], Any]) -> dict[int, int]:
    return {patient_id: one.panel_id for patient_id, one in placed().items()}


def test_each_panel_gets_the_active_patients_of_its_providers_and_undo_takes_them_off(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    one, two = make_panel("1"), make_panel("2", "102", "103")
    mine, of_two, of_three = oscar.patient(), oscar.patient(provider_no="102"), oscar.patient(provider_no="103")
    oscar.visit(mine, "2026-10-05")
    oscar.patient(patient_status="IN")
    oscar.patient(provider_no="")
    oscar.patient(provider_no="999")
    order = Fill(frozenset([one, two]))
    preview = bulk.preview(site, clerk, order)
    assert preview.joining == (
        Joining(one, 1, 0, Counter({reason: reason is SkipReason.OTHER_STATUS for reason in SkipReason})),
        Joining(two, 2, 0, Counter(dict.fromkeys(SkipReason, 0))),
    )
    assert (preview.added, preview.leaving, preview.without_visit, preview.mrp_outside) == (3, (), 2, 0)
    result = bulk.carry_out(site, clerk, order)
    assert (result.added, result.moved) == (3, 0)
    assert _where(placed) == {mine: one, of_two: two, of_three: two}
    assert placed()[mine].confirmed_how == "last visit"
    assert (placed()[of_two].confirmed_on, placed()[of_two].confirmed_how) == (None, None)
    assert replayed() == placed()
    assert bulk.carry_out(site, clerk, order).operation_id is None
    undo.undo(site, clerk, result.operation_id or 0)
    assert placed() == {}


def test_those_on_another_panel_stay_unless_they_are_to_be_moved(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    one, two, other = make_panel("1"), make_panel("2", "102"), make_panel("3", "103")
    new, elsewhere, on_own = oscar.patient(), oscar.patient(), oscar.patient()
    one_patient.choose(site, clerk, elsewhere, other, seen_panel_id=None)
    one_patient.choose(site, clerk, on_own, one, seen_panel_id=None)
    staying = bulk.preview(site, clerk, Fill(frozenset([one, two])))
    assert (staying.changed, staying.skipped[SkipReason.KEEPS_PANEL]) == (1, 1)
    assert staying.skipped[SkipReason.ALREADY_ON_PANEL] == 1
    moving = bulk.preview(site, clerk, Fill(frozenset([one, two]), move=True))
    assert (moving.added, [(left.number, left.emptied) for left in moving.leaving]) == (1, [("3", True)])
    assert [(joined.panel_id, joined.added, joined.moved) for joined in moving.joining] == [(one, 1, 1)]
    assert moving.later_confirmations == 1
    bulk.carry_out(site, clerk, Fill(frozenset([one, two]), move=True))
    assert _where(placed) == {new: one, elsewhere: one, on_own: one}


def test_an_mrp_on_several_of_the_panels_does_not_say_which_one_is_meant(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    one, both = make_panel("1"), make_panel("2", "101", "102")
    doubtful, on_one, clear = oscar.patient(), oscar.patient(), oscar.patient(provider_no="102")
    one_patient.choose(site, clerk, on_one, both, seen_panel_id=None)
    preview = bulk.preview(site, clerk, Fill(frozenset([one, both])))
    assert preview.skipped[SkipReason.SEVERAL_PANELS] == preview.skipped[SkipReason.ALREADY_ON_PANEL] == 1
    assert preview.changed == 1
    result = bulk.carry_out(site, clerk, Fill(frozenset([one, both])))
    assert _where(placed) == {on_one: both, clear: both}
    lines = b"".join(csv_file(skipped.export(site, clerk, result.operation_id or 0))).decode()
    assert [str(doubtful) in line for line in lines.splitlines() if "several of these panels" in line] == [True]
    assert bulk.preview(site, clerk, Fill(frozenset([one]))).added == 1  # one panel alone is no doubt


def test_the_preview_says_by_panel_who_will_be_excluded_and_the_result_says_the_same(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    for columns in ({"hin": "100000001"}, {"hin": ""}, {"provider_no": "102", "hin": "100000002", "sex": ""}):
        oscar.visit(oscar.patient(**columns))
    oscar.patient(provider_no="102", hin="100000003")
    order = Fill(frozenset([one, two]))
    changed = bulk.preview(site, clerk, order).changed
    with site.database.engine.connect() as connection:
        before = outlook.of_order(connection, site, clerk, Settings(), order, changed)
    assert (before.submitted, before.excluded) == (1, 3)
    assert before.by_panel[one].reasons == {Reason.NO_PHN: 1}
    assert before.by_panel[two].reasons == {Reason.NO_GENDER: 1, Reason.NO_VISIT: 1, Reason.NO_CONFIRMATION: 1}
    assert before.by_panel[two].patients == 2
    result = bulk.carry_out(site, clerk, order)
    with site.database.engine.connect() as connection:
        assert outlook.of_operation(connection, site, clerk, Settings(), result.operation_id or 0) == before


def test_patients_that_the_actor_may_not_see_are_neither_added_nor_counted_as_fillable(
    site: OscarHost, oscar: Any, make_panel: MakePanel, placed: Any
) -> None:
    panel_id, open_one, closed = make_panel("1"), oscar.patient(), oscar.patient()
    oscar.provider("401")
    oscar.role("401", "manager")
    oscar.privilege("manager", "_demographic", "x")
    oscar.privilege("manager", f"_demographic${closed}", "o")
    manager = Actor(actor_id="401", display_name="Manager")
    with site.database.engine.connect() as connection:
        assert fillable(connection, site, manager, panel_id) == 1
    assert bulk.preview(site, manager, Fill(frozenset([panel_id]))).skipped[SkipReason.NOT_VISIBLE] == 1
    bulk.carry_out(site, manager, Fill(frozenset([panel_id])))
    assert set(placed()) == {open_one}


def test_a_panel_that_is_gone_is_refused_and_one_transaction_has_one_line_in_the_audit_trail(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel
) -> None:
    one, two = make_panel("1"), make_panel("2", "102")
    oscar.patient()
    with pytest.raises(NotFound):
        bulk.carry_out(site, clerk, Fill(frozenset([one, 4711])))
    result = bulk.carry_out(site, clerk, Fill(frozenset([one, two])))
    log = site.tables.log
    with site.database.engine.connect() as connection:
        of_operation = log.c.data.startswith("bulk-fill"), log.c.demographic_no.is_(None)
        rows = connection.execute(select(log.c.action, log.c.content).where(*of_operation)).all()
        operation = history.one(connection, site, result.operation_id or 0)
    assert [tuple(row) for row in rows] == [("add", "cparPanelMember")]
    assert texts.summary(operation) == "Active patients of the providers of the panels added to them."


def test_providers_without_a_panel_come_with_their_active_patients(
    site: OscarHost, oscar: Any, make_panel: MakePanel
) -> None:
    make_panel("1")
    for columns in ({}, {"provider_no": "103"}, {"provider_no": "103"}, {"provider_no": "102", "patient_status": "IN"}):
        oscar.patient(**columns)
    oscar.provider("104", status="0")
    with site.database.engine.connect() as connection:
        result = providers_without_panel(connection, site)
    assert [(one.provider_id, one.patients) for one in result] == [("103", 2), ("102", 0)]
    assert result[0].practitioner_id == "100000003"
