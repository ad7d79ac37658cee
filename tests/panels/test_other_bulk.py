"""Bulk updates of affiliations and caseloads: preview, result, undo, and any sequence of everything."""

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS, OtherKind, PanelKind
from cpar_plugin.domain.refusals import NotFound, Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services.other_panels import bulk, editing, members, one_patient
from cpar_plugin.services.other_panels.bulk import OtherPreview
from cpar_plugin.services.other_panels.orders import ANY_STATUS, OtherAction, OtherOrder
from cpar_plugin.services.roster import merges
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..conftest import place_of_the_emr
from ..examples import examples

place = place_of_the_emr
AFFILIATION, CASELOAD = OTHER_KINDS[PanelKind.AFFILIATION], OTHER_KINDS[PanelKind.CASELOAD]


@pytest.fixture
def make_other(site: OscarHost, clerk: Actor) -> Callable[..., int]:
    """Make one by name."""
    return lambda name, kind=AFFILIATION: editing.create(site, clerk, other_draft(kind, name))


def test_an_order_is_previewed_carried_out_once_and_undone(
    site: OscarHost, oscar: Any, clerk: Actor, make_other: Any, others: Any, placed: Any
) -> None:
    north, south, nurse = make_other("North"), make_other("South"), make_other("Nurse", CASELOAD)
    new, on_other, on_it = (oscar.patient(provider_no="101") for _ in range(3))
    inactive = oscar.patient(provider_no="101", patient_status="IN")
    oscar.patient(provider_no="102")
    one_patient.choose(site, clerk, on_other, south, seen_id=None, signed="2026-01-02")
    one_patient.choose(site, clerk, on_it, north, seen_id=None)
    one_patient.choose(site, clerk, new, nurse, seen_id=None)
    before = others()
    order = OtherOrder(OtherAction.ASSIGN, AFFILIATION, "AC", provider_id="101", to_id=north)
    expected = OtherPreview(added=1, moved=1, same=1, without_date=1)
    assert bulk.preview(site, clerk, order) == expected
    assert others() == before
    operation_id = bulk.carry_out(site, clerk, order, "0" * 32)
    assert operation_id
    assert bulk.carry_out(site, clerk, order, "0" * 32) == operation_id
    assert others() == before | {
        (new, AFFILIATION): (north, None),
        (on_other, AFFILIATION): (north, date(2026, 1, 2)),
    }
    assert (inactive, AFFILIATION) not in others()
    with site.database.engine.connect() as connection:
        operation = bulk.operation_of(connection, site, operation_id)
        assert (operation.done, operation.kind) == (expected, AFFILIATION)
        assert bulk.latest(connection, site) == [operation]
    assert bulk.undo(site, clerk, operation_id) == (2, 0)
    assert others() == before
    with pytest.raises(Refused, match="already been undone"):
        bulk.undo(site, clerk, operation_id)
    assert placed() == {}


def test_moves_and_removals_are_about_one_kind_and_their_undo_leaves_later_changes(
    site: OscarHost, oscar: Any, clerk: Actor, make_other: Any, others: Any
) -> None:
    north, south, nurse = make_other("North"), make_other("South"), make_other("Nurse", CASELOAD)
    patients = [oscar.patient() for _ in range(3)]
    lost = oscar.patient(patient_status="IN")
    for patient in (*patients, lost):
        one_patient.choose(site, clerk, patient, north, seen_id=None, signed="2026-01-02")
        one_patient.choose(site, clerk, patient, nurse, seen_id=None)
    moved = bulk.carry_out(site, clerk, OtherOrder(OtherAction.MOVE, AFFILIATION, "AC", "", north, south), None)
    assert {key: where for key, (where, _) in others().items() if key[1] == AFFILIATION} == {
        **{(patient, AFFILIATION): south for patient in patients},
        (lost, AFFILIATION): north,
    }
    one_patient.sign(site, clerk, patients[0], AFFILIATION, seen_id=south, signed="2026-02-02")
    assert bulk.undo(site, clerk, moved or 0) == (2, 1)
    assert others()[patients[0], AFFILIATION] == (south, date(2026, 2, 2))
    removed = bulk.carry_out(site, clerk, OtherOrder(OtherAction.REMOVE, AFFILIATION, ANY_STATUS, "", north), None)
    assert {key for key in others() if key[1] == AFFILIATION} == {(patients[0], AFFILIATION)}
    assert len(others()) == 1 + 4
    editing.delete(site, clerk, north, 1)
    with pytest.raises(Refused, match="The affiliation North has been deleted since"):
        bulk.undo(site, clerk, removed or 0)


def test_what_is_wrong_with_an_order_is_refused_before_anything_is_done(
    site: OscarHost, oscar: Any, clerk: Actor, make_other: Any, others: Any
) -> None:
    north, nurse = make_other("North"), make_other("Nurse", CASELOAD)
    closed = make_other("Closed")
    oscar.patient(provider_no="101")
    editing.edit(site, clerk, closed, 1, other_draft("affiliation", "Closed", state="in-transition"))
    for order, field in (
        (OtherOrder(OtherAction.ASSIGN, AFFILIATION, "AC", "101", to_id=nurse), "to_id"),
        (OtherOrder(OtherAction.ASSIGN, AFFILIATION, "AC", "101", to_id=closed), "to_id"),
        (OtherOrder(OtherAction.ASSIGN, AFFILIATION, "AC", "987", to_id=north), "provider_id"),
        (OtherOrder(OtherAction.MOVE, AFFILIATION, "AC", "", north, north), "to_id"),
        (OtherOrder(OtherAction.REMOVE, AFFILIATION, "AC", "", nurse), "from_id"),
    ):
        for attempt in (bulk.preview, lambda *given: bulk.carry_out(*given, None)):
            with pytest.raises(Refused) as refused:
                attempt(site, clerk, order)
            assert set(refused.value.messages) == {field}
    with pytest.raises(NotFound):
        bulk.preview(site, clerk, OtherOrder(OtherAction.REMOVE, AFFILIATION, "AC", "", 999))
    assert others() == {}


def test_the_file_has_everyone_with_the_date_of_the_form(
    site: OscarHost, oscar: Any, clerk: Actor, make_other: Any
) -> None:
    north = make_other("North")
    first, second = oscar.patient(last_name="Adams"), oscar.patient(last_name="Baker", patient_status="DE")
    one_patient.choose(site, clerk, second, north, seen_id=None)
    one_patient.choose(site, clerk, first, north, seen_id=None, signed="2026-01-02")
    head, *rows = members.export(site, clerk, north)
    assert [row[0] for row in rows] == [first, second]
    assert [row[head.index("Form signed")] for row in rows] == [date(2026, 1, 2), None]


_STEPS = st.lists(
    st.tuples(
        st.sampled_from(["choose", "remove", "sign", "assign", "move", "clear", "undo", "merge", "delete", "close"]),
        st.integers(0, 5),
        st.integers(0, 5),
        st.sampled_from(["", "2026-01-02", "2026-03-04"]),
    ),
    max_size=25,
)


@pytest.mark.databases("in turn")
@settings(max_examples=examples(40), deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(_STEPS)
def test_a_patient_is_on_at_most_one_panel_of_each_kind_whatever_is_done_in_whatever_order(
    site: OscarHost, oscar: Any, clerk: Actor, others: Any, steps: list[tuple[str, int, int, str]]
) -> None:
    _forget(site, oscar)
    panels: list[tuple[int, OtherKind]] = []
    for place in range(6):
        kind = (AFFILIATION, CASELOAD)[place % 2]
        panels.append((editing.create(site, clerk, other_draft(kind, f"Panel {place}")), kind))
    patients = [oscar.patient(provider_no=("101", "102")[place % 2]) for place in range(6)]
    done: list[int] = []
    merged: set[int] = set()
    for step, first, second, signed in steps:
        panel_id, kind = panels[second]
        target = next(each for each, its_kind in panels if its_kind == kind and each != panel_id)
        patient = patients[first]
        now = others().get((patient, kind))
        seen = now[0] if now else None
        before = others()
        try:
            match step:
                case "choose":
                    text = signed if kind is AFFILIATION else ""
                    one_patient.choose(site, clerk, patient, panel_id, seen_id=seen, signed=text)
                case "remove":
                    one_patient.remove(site, clerk, patient, kind, seen_id=seen)
                case "sign":
                    one_patient.sign(site, clerk, patient, kind, seen_id=seen, signed=signed)
                case "assign" | "move" | "clear":
                    done.append(bulk.carry_out(site, clerk, _order(step, kind, panel_id, target), None) or 0)
                case "undo":
                    bulk.undo(site, clerk, done[first % len(done)] if done else 0)
                case "merge":
                    if patient not in merged and patients[second] not in merged and first != second:
                        merged.add(patient)
                        oscar.merge(patient, patients[second])
                    merges.catch_up(site)
                case "delete":
                    editing.delete(site, clerk, panel_id, 1)
                case _:
                    draft = other_draft(kind, f"Panel {second}", state="in-transition")
                    editing.edit(site, clerk, panel_id, 1, draft)
        except Refused:
            assert others() == before or step in ("assign", "move", "clear", "undo")  # merges are followed first
        _at_most_one_of_each_kind(site, others())
    assert not {patient for patient, _ in others()} & merged or merges.catch_up(site)


def _order(step: str, kind: OtherKind, panel_id: int, target: int) -> OtherOrder:
    if step == "assign":
        return OtherOrder(OtherAction.ASSIGN, kind, "AC", "101", to_id=panel_id)
    if step == "move":
        return OtherOrder(OtherAction.MOVE, kind, ANY_STATUS, "", panel_id, target)
    return OtherOrder(OtherAction.REMOVE, kind, ANY_STATUS, "", panel_id)


def _at_most_one_of_each_kind(site: OscarHost, now: dict[tuple[int, str], tuple[int, date | None]]) -> None:
    """Each on a live panel, which is of that kind."""
    panel = tables.other_panel.c
    with site.database.engine.connect() as connection:
        live = select(panel.other_panel_id, panel.kind).where(panel.live_name.is_not(None))
        kinds = {row.other_panel_id: row.kind for row in connection.execute(live)}
        members_now = connection.execute(select(tables.other_member)).all()
    assert len(members_now) == len({(row.patient_id, row.kind) for row in members_now}) == len(now)
    assert all(kinds[where] == kind for (_, kind), (where, _) in now.items())


def _forget(site: OscarHost, oscar: Any) -> None:
    own = (tables.other_member, tables.other_ledger, tables.other_panel, tables.operation)
    with site.database.session() as session:
        session.execute(update(tables.operation).values(undoes=None))
        for table in own:
            session.execute(table.delete())
    emr = oscar.tables
    with oscar.database.writing() as connection:
        for table in (emr.demographic_merged, emr.demographic):
            connection.execute(table.delete())
