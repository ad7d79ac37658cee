"""The page of an affiliation or a caseload: who is found, in which order, and what is done with those selected."""

from datetime import date
from typing import Any

import pytest

from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS, PanelKind
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services.other_panels import bulk, editing, listing, members, one_patient, selected
from cpar_plugin.services.other_panels.bulk import OtherPreview
from cpar_plugin.services.other_panels.members import OtherCriteria, OtherSort
from cpar_plugin.services.other_panels.selected import OtherSelected
from oscar_host.host import OscarHost

AFFILIATION = OTHER_KINDS[PanelKind.AFFILIATION]


@pytest.fixture
def north(site: OscarHost, clerk: Actor) -> int:
    return editing.create(site, clerk, other_draft("affiliation", "North"))


def done(host: OscarHost, actor: Actor, other_id: int, action: OtherSelected, ids: Any, **more: Any) -> int | None:
    with host.database.engine.connect() as connection:
        panel = listing.get(connection, host, other_id)
    return bulk.carry_out(host, actor, selected.order_for(host, panel, action, ids, **more), None)


def result(host: OscarHost, operation_id: int | None) -> OtherPreview:
    with host.database.engine.connect() as connection:
        return bulk.operation_of(connection, host, operation_id or 0).done


def test_patients_are_searched_sorted_and_counted(site: OscarHost, oscar: Any, clerk: Actor, north: int) -> None:
    ids = {
        name: oscar.patient(last_name=name, first_name="Pat", born=f"19{year}-02-03", hin=f"1000000{year}")
        for name, year in (("Brown", 80), ("adams", 95), ("Chan", 60))
    }
    dates = {"Brown": "2026-03-01", "adams": "", "Chan": "2026-01-01"}
    for name, patient_id in ids.items():
        one_patient.choose(site, clerk, patient_id, north, seen_id=None, signed=dates[name])

    def listed(**criteria: Any) -> list[str]:
        with site.database.engine.connect() as connection:
            page = members.members_page(connection, site, clerk, north, OtherCriteria(**criteria), 1)
            everyone = members.all_members(connection, site, clerk, north, OtherCriteria(**criteria))
            assert [row.patient_id for row in everyone] == [row.patient_id for row in page.rows]
            found = members.found(connection, site, clerk, north, OtherCriteria(**criteria))
        assert found == {row.patient_id for row in page.rows}
        assert (page.total, page.matching, page.without_date) == (3, len(page.rows), 1)
        return [row.family_name or "" for row in page.rows]

    assert listed() == ["adams", "Brown", "Chan"]
    assert listed(sort=OtherSort.NAME, descending=True) == ["Chan", "Brown", "adams"]
    assert listed(sort=OtherSort.BORN) == ["Chan", "Brown", "adams"]
    assert listed(sort=OtherSort.SIGNED) == ["adams", "Chan", "Brown"]
    assert listed(sort=OtherSort.RECORD, descending=True) == ["Chan", "adams", "Brown"]
    assert listed(undated=True) == ["adams"]
    assert listed(text="BRO pat") == ["Brown"]
    assert listed(text="1000-00095") == ["adams"]
    assert listed(text="1960-02-03") == ["Chan"]
    assert listed(text=str(ids["Brown"])) == ["Brown"]
    assert listed(text="nobody") == []


def test_those_selected_get_a_date_are_moved_and_removed_and_each_is_undone(
    site: OscarHost, oscar: Any, clerk: Actor, north: int, others: Any
) -> None:
    south = editing.create(site, clerk, other_draft("affiliation", "South"))
    old, other, newborn, left = (
        oscar.patient(born=born) for born in ("1980-01-01",) * 2 + ("2026-10-01", "1980-01-01")
    )
    elsewhere = oscar.patient()
    for patient_id in (old, other, newborn, left):
        one_patient.choose(site, clerk, patient_id, north, seen_id=None)
    one_patient.choose(site, clerk, elsewhere, south, seen_id=None)
    before = others()
    signing = done(site, clerk, north, OtherSelected.SIGN, {old, other, newborn, elsewhere}, signed="2026-05-06")
    assert result(site, signing) == OtherPreview(dated=2, before_birth=1)
    day = date(2026, 5, 6)
    assert others() == before | {(old, AFFILIATION): (north, day), (other, AFFILIATION): (north, day)}
    assert done(site, clerk, north, OtherSelected.SIGN, {old, newborn}, signed="2026-05-06") is None
    dated = others()
    moving = done(site, clerk, north, OtherSelected.MOVE, {old, elsewhere}, to_id=south)
    assert others() == dated | {(old, AFFILIATION): (south, day)}
    bulk.undo(site, clerk, moving or 0)
    assert others() == dated
    removing = done(site, clerk, north, OtherSelected.REMOVE, {old, other})
    assert others().keys() == before.keys() - {(old, AFFILIATION), (other, AFFILIATION)}
    bulk.undo(site, clerk, removing or 0)
    bulk.undo(site, clerk, signing or 0)
    assert others() == before


@pytest.mark.parametrize(
    ("action", "more", "field"),
    [
        (OtherSelected.SIGN, {"signed": ""}, "signed_on"),
        (OtherSelected.SIGN, {"signed": "2031-01-01"}, "signed_on"),
        (OtherSelected.MOVE, {}, "to_id"),
        (OtherSelected.REMOVE, {"ids": ()}, "selected"),
        (OtherSelected.REMOVE, {"ids": range(1, 1002)}, "selected"),
    ],
)
def test_what_is_missing_is_refused_at_its_field(
    site: OscarHost, oscar: Any, clerk: Actor, north: int, action: OtherSelected, more: dict[str, Any], field: str
) -> None:
    ids = more.pop("ids", [oscar.patient()])
    with pytest.raises(Refused) as refused:
        done(site, clerk, north, action, ids, **more)
    assert set(refused.value.messages) == {field}


def test_a_caseload_has_no_dates_to_enter(site: OscarHost, oscar: Any, clerk: Actor) -> None:
    nurse = editing.create(site, clerk, other_draft("caseload", "Nurse"))
    with pytest.raises(Refused):
        done(site, clerk, nurse, OtherSelected.SIGN, [oscar.patient()], signed="2026-05-06")
