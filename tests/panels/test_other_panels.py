"""Affiliations and caseloads: lists of the clinic's own, with at most one of each kind for a patient."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime
from threading import Barrier
from typing import Any

import pytest
from sqlalchemy import insert
from sqlalchemy.exc import IntegrityError

from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS, OtherKind, PanelKind
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.services.operations.access import Forbidden
from cpar_plugin.services.other_panels import editing, listing, one_patient
from cpar_plugin.services.other_panels.one_patient import OtherChange
from cpar_plugin.services.panels import one_patient as cpar
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

MakeOther = Callable[..., int]
AFFILIATION, CASELOAD = OTHER_KINDS[PanelKind.AFFILIATION], OTHER_KINDS[PanelKind.CASELOAD]


@pytest.fixture
def make_other(site: OscarHost, clerk: Actor) -> MakeOther:
    """Make an affiliation or a caseload by name."""

    def make(name: str, kind: OtherKind = AFFILIATION, provider_id: str = "") -> int:
        return editing.create(site, clerk, other_draft(kind, name, provider_id))

    return make


def _saved(host: OscarHost, other_panel_id: int) -> listing.OtherPanel:
    with host.database.engine.connect() as connection:
        return listing.get(connection, host, other_panel_id)


def test_a_patient_is_on_one_of_each_kind_and_a_cpar_panel_at_once(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any, make_other: MakeOther, others: Any, placed: Any
) -> None:
    patient, panel = oscar.patient(), make_panel("1")
    affiliation, caseload = make_other("North"), make_other("North", CASELOAD)
    cpar.choose(site, clerk, patient, panel, seen_panel_id=None)
    before = placed()
    choose = one_patient.choose
    assert choose(site, clerk, patient, affiliation, seen_id=None, signed="2026-03-01") is OtherChange.ADDED
    assert choose(site, clerk, patient, caseload, seen_id=None) is OtherChange.ADDED
    assert others() == {
        (patient, AFFILIATION): (affiliation, date(2026, 3, 1)),
        (patient, CASELOAD): (caseload, None),
    }
    south = make_other("South")
    assert choose(site, clerk, patient, south, seen_id=affiliation) is OtherChange.MOVED
    assert others()[patient, AFFILIATION] == (south, date(2026, 3, 1))
    assert one_patient.remove(site, clerk, patient, CASELOAD, seen_id=caseload) is OtherChange.REMOVED
    assert one_patient.remove(site, clerk, patient, CASELOAD, seen_id=None) is OtherChange.UNCHANGED
    assert others() == {(patient, AFFILIATION): (south, date(2026, 3, 1))}
    assert placed() == before


def test_the_database_itself_has_no_room_for_two_of_one_kind_or_for_a_wrong_kind(
    site: OscarHost, oscar: Any, clerk: Actor, make_other: MakeOther
) -> None:
    patient, north, south = oscar.patient(), make_other("North"), make_other("South")
    one_patient.choose(site, clerk, patient, north, seen_id=None)
    row = {"patient_id": patient, "since": datetime(2026, 1, 1, tzinfo=UTC)}
    for values in ({"kind": AFFILIATION, "other_panel_id": south}, {"kind": CASELOAD, "other_panel_id": south}):
        with pytest.raises(IntegrityError), site.database.session() as session:
            session.execute(insert(tables.other_member).values(**row, **values))


def test_of_several_who_choose_at_once_one_wins_and_the_others_are_informed(
    site: OscarHost, oscar: Any, clerk: Actor, make_other: MakeOther, others: Any
) -> None:
    panels = [make_other("North"), make_other("South"), make_other("East")]
    for _ in range(8):
        patient, start = oscar.patient(), Barrier(len(panels))

        def work(panel_id: int, patient: int = patient, start: Barrier = start) -> object:
            start.wait()
            try:
                return one_patient.choose(site, clerk, patient, panel_id, seen_id=None)
            except Stale:
                return Stale

        with ThreadPoolExecutor(len(panels)) as pool:
            results = list(pool.map(work, panels))
        assert sorted(results, key=str) == sorted([OtherChange.ADDED, Stale, Stale], key=str)
        assert others()[patient, AFFILIATION][0] == panels[results.index(OtherChange.ADDED)]


def test_the_date_of_the_signed_form_is_entered_changed_and_taken_away(
    site: OscarHost, oscar: Any, clerk: Actor, make_other: MakeOther, others: Any
) -> None:
    patient, north = oscar.patient(born="1980-05-06"), make_other("North")
    caseload = make_other("Nurse", CASELOAD)
    for wrong in ("2030-01-01", "1980-05-05", "2026-02-31"):
        with pytest.raises(Refused) as refused:
            one_patient.choose(site, clerk, patient, north, seen_id=None, signed=wrong)
        assert set(refused.value.messages) == {"signed_on"}
    with pytest.raises(Refused, match="no signed form"):
        one_patient.choose(site, clerk, patient, caseload, seen_id=None, signed="2026-01-01")
    assert others() == {}
    one_patient.choose(site, clerk, patient, north, seen_id=None)
    for text, day, result in (
        ("1980-05-06", date(1980, 5, 6), OtherChange.SIGNED),
        ("1980-05-06", date(1980, 5, 6), OtherChange.UNCHANGED),
        ("", None, OtherChange.SIGNED),
    ):
        assert one_patient.sign(site, clerk, patient, AFFILIATION, seen_id=north, signed=text) is result
        assert others() == {(patient, AFFILIATION): (north, day)}
    with pytest.raises(Stale):
        one_patient.sign(site, clerk, patient, AFFILIATION, seen_id=None, signed="2026-01-01")
    with pytest.raises(NotFound):
        one_patient.choose(site, clerk, 987654, north, seen_id=None)


def test_one_that_takes_no_one_says_so_and_only_an_administrator_reopens_what_has_ended(
    site: OscarHost, oscar: Any, clerk: Actor, make_other: MakeOther, others: Any
) -> None:
    on_it, new, north, south = oscar.patient(), oscar.patient(), make_other("North"), make_other("South")
    one_patient.choose(site, clerk, on_it, north, seen_id=None)
    for version, state, words in ((1, "in-transition", "is in transition"), (2, "ended", "has ended")):
        editing.edit(site, clerk, north, version, other_draft("affiliation", "North", state=state))
        with pytest.raises(Refused, match=f"The affiliation North {words}: no one can be added"):
            one_patient.choose(site, clerk, new, north, seen_id=None)
        one_patient.sign(site, clerk, on_it, AFFILIATION, seen_id=north, signed=f"2026-01-0{version}")
    assert others() == {(on_it, AFFILIATION): (north, date(2026, 1, 2))}
    manager = Actor(actor_id="no-administrator", display_name="Manager")
    with pytest.raises(Forbidden, match="Only an EMR administrator can reopen"):
        editing.edit(site, manager, north, 3, other_draft("affiliation", "North"))
    one_patient.choose(site, clerk, on_it, south, seen_id=north)
    assert others()[on_it, AFFILIATION] == (south, date(2026, 1, 2))


def test_names_are_unique_within_a_kind_and_free_again_after_a_deletion(
    site: OscarHost, oscar: Any, clerk: Actor, make_other: MakeOther, others: Any
) -> None:
    north, nurse = make_other("North", provider_id="101"), make_other("North", CASELOAD)
    assert make_other("North", provider_id="101") == north
    with pytest.raises(Refused) as refused:
        make_other("North", provider_id="102")
    assert set(refused.value.messages) == {"name"}
    with pytest.raises(Refused) as refused:
        make_other("Unknown", provider_id="987")
    assert set(refused.value.messages) == {"provider_id"}
    with pytest.raises(Refused, match="is and remains a Blended Capitation affiliation"):
        editing.edit(site, clerk, north, 1, other_draft("caseload", "North", "101"))
    patients = [oscar.patient(), oscar.patient()]
    for patient in patients:
        one_patient.choose(site, clerk, patient, north, seen_id=None)
        one_patient.choose(site, clerk, patient, nurse, seen_id=None)
    with pytest.raises(Stale):
        editing.delete(site, clerk, north, 7)
    assert _saved(site, north).members == 2
    assert editing.delete(site, clerk, north, 1) == 2
    assert others() == {(patient, CASELOAD): (nurse, None) for patient in patients}
    with pytest.raises(NotFound):
        one_patient.choose(site, clerk, patients[0], north, seen_id=None)
    assert make_other("North", provider_id="101") != north
