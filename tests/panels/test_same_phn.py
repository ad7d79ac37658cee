"""Who is kept from being sent by somebody else's PHN, and who is only told of it."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import true

from cpar_plugin.domain.cautions import Caution
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import members as panel_members
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.panels.members_query import Criteria, Fate
from cpar_plugin.services.panels.widget import membership
from cpar_plugin.services.roster import member_rows, same_phn
from cpar_plugin.services.roster.same_phn import SamePhn
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

PHN = "100000002"


@pytest.fixture
def member(site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]) -> Callable[..., int]:
    """A patient who would be sent, unless the columns say otherwise, on panel 1 or another."""
    panels: dict[str, int] = {}

    def make(panel: str = "1", *, visited: bool = True, **columns: Any) -> int:
        panels.setdefault(panel, make_panel(panel) if panel not in panels else 0)
        patient_id: int = oscar.patient(**{"hin": PHN} | columns)
        if visited:
            oscar.visit(patient_id)
        one_patient.choose(site, clerk, patient_id, panels[panel], seen_panel_id=None)
        return patient_id

    make.panels = panels  # type: ignore[attr-defined]
    return make


def same(host: OscarHost) -> SamePhn:
    """What the ways of asking say alike."""
    now, how = host.clock.now(), Settings()
    with host.database.engine.connect() as connection:
        whole = same_phn.of_all(connection, host, how, now)
        page = same_phn.of_all(connection, host, how, now, true(), among=[PHN, "12345", "\u0661"])
        one = same_phn.of_one(connection, host, how, now, PHN, true())
        panels = [same_phn.of_panel(connection, host, how, now, panel_id) for panel_id in (1, 2)]
    assert whole.shared == frozenset[str]().union(*(of_panel.shared for of_panel in panels))
    assert (whole.shared, whole.of_others) == (page.shared, page.of_others) == (one.shared, one.of_others)
    return whole


def verdict(host: OscarHost, clerk: Actor, patient_id: int) -> tuple[Any, ...]:
    """The reasons, cautions and other records in the box; the panel's list and the rules say the same."""
    with host.database.engine.connect() as connection:
        box = membership(connection, host, Settings(), patient_id, clerk)
        assert box.panel is not None
        for criteria in (Criteria(), Criteria(fate=Fate.EXCLUDED if box.reasons else Fate.SENT)):
            listing = panel_members.listing(connection, host, clerk, Settings(), box.panel.panel_id, criteria)
            (listed,) = [one for one in listing.members if one.row.patient_id == patient_id]
            assert (listed.reasons, listed.cautions) == (box.reasons, box.cautions)
            assert listed.same_phn == box.same_phn
        rules = same_phn.eligibility(connection, host, Settings(), host.clock.now())
        (row,) = [
            row
            for row in member_rows.member_rows(connection, host, box.panel.panel_id, now=host.clock.now())
            if row.patient_id == patient_id
        ]
        assert rules.reasons(row) == box.reasons
    return box.reasons, box.cautions, box.same_phn


def test_two_who_would_otherwise_be_sent_are_both_excluded_on_whatever_panels(site, clerk, member) -> None:
    one, other = member(), member("2", hin="1000-00002")
    assert same(site) == SamePhn(frozenset({PHN}), frozenset(), {PHN: (one, other)})
    assert verdict(site, clerk, one) == ((Reason.SHARED_PHN,), (), (other,))
    assert verdict(site, clerk, other) == ((Reason.SHARED_PHN,), (), (one,))


OTHERWISE_EXCLUDED = [
    ({"hc_type": "US-AK"}, Reason.OTHER_JURISDICTION),
    ({"hc_type": "SK"}, Reason.OTHER_JURISDICTION),
    ({"patient_status": "IN"}, Reason.NOT_ACTIVE),
    ({"sex": ""}, Reason.NO_GENDER),
    ({"last_name": ""}, Reason.NO_FAMILY_NAME),
    ({"visited": False}, Reason.NO_VISIT),
]


@pytest.mark.parametrize(("faulty", "reason"), OTHERWISE_EXCLUDED)
def test_a_patient_who_is_excluded_for_another_reason_keeps_no_one_from_being_sent(
    site, clerk, member, faulty: dict[str, Any], reason: Reason
) -> None:
    excluded, sent = member("2", **faulty), member()
    assert same(site) == SamePhn(frozenset(), frozenset({PHN}), {PHN: (excluded, sent)})
    assert verdict(site, clerk, excluded) == ((reason,), (), ())
    reasons, cautions, others = verdict(site, clerk, sent)
    assert (reasons, Caution.PHN_OF_ANOTHER in cautions, others) == ((), True, (excluded,))


def test_of_three_one_of_those_who_is_excluded_the_other_two_share_the_number(site, clerk, member) -> None:
    one, excluded, other = member(), member(sex=""), member(hc_type="null")
    assert verdict(site, clerk, one) == ((Reason.SHARED_PHN,), (), (excluded, other))
    assert verdict(site, clerk, excluded)[0] == (Reason.NO_GENDER,)


def test_who_is_on_no_panel_or_has_no_number_of_nine_digits_shares_nothing(site, clerk, oscar, member) -> None:
    alone = member()
    oscar.patient(hin=PHN)
    for hin in ("", "12345", "123456789012", "null", "100000003"):
        member(hin=hin)
        member(hin=hin, sex="")
    result = same_phn_of_all(site)
    assert (result.shared, result.of_others) == (frozenset(), {"100000003"})
    assert verdict(site, clerk, alone)[0] == ()


def test_another_record_is_not_named_to_anyone_who_may_not_see_it(site, clerk, oscar, member) -> None:
    one, hidden = member(), member()
    doctor = Actor(actor_id=oscar.provider("105"), display_name="Penner")
    oscar.privilege("105", "_demographic", "r")
    oscar.privilege("105", f"_demographic${hidden}", "o")
    assert verdict(site, doctor, one) == ((Reason.SHARED_PHN,), (), ())
    assert verdict(site, clerk, one)[2] == (hidden,)


def test_the_box_reads_those_with_the_same_number_only_where_there_are_any(site, clerk, member, statements) -> None:
    alone, one = member(hin="100000003"), member()

    def asked(patient_id: int) -> int:
        with statements() as seen, site.database.engine.connect() as connection:
            membership(connection, site, Settings(), patient_id, clerk)
        return len(seen)

    asked(alone)
    assert (asked(alone), asked(one)) == (2, 2)
    member()
    assert asked(one) == 3


def test_many_with_one_number_cost_no_statement_each(site, clerk, member, statements) -> None:
    def asked() -> int:
        with statements() as seen:
            same_phn_of_all(site)
        return len(seen)

    for _ in range(3):
        member()
    member(hin="100000003")
    member(hin="100000003")
    few = asked()
    for _ in range(5):
        member()
    assert asked() == few


def same_phn_of_all(host: OscarHost) -> SamePhn:
    with host.database.engine.connect() as connection:
        return same_phn.of_all(connection, host, Settings(), host.clock.now())


SPELLINGS = (PHN, "1000-00002", "100 000 002", f"{PHN} ", "\u200b100000002", "10000\u20130002")


@pytest.mark.parametrize(("mine", "theirs"), [(PHN, other) for other in SPELLINGS] + [("1000-00002", "100 000 002")])
def test_a_panel_alone_knows_which_numbers_are_on_other_panels_too(site, oscar, member, mine: str, theirs: str) -> None:
    here, there = member(hin=mine), member("2", hin=theirs)
    member(hin="100000003")
    oscar.patient(hin="100000003")  # on no panel
    assert [sorted(of_panel(site, number).shared) for number in (1, 2)] == [[PHN], [PHN]], (here, there)


def test_many_shared_numbers_are_all_known_to_their_panel(site, oscar, member) -> None:
    """More than are looked up one by one."""
    phns = {str(200_000_000 + number) for number in range(201)}
    for phn in phns:
        member(hin=phn)
        member("2", hin=f"{phn[:3]} {phn[3:]}")
    assert of_panel(site, 1).shared == of_panel(site, 2).shared == phns


def test_what_a_panel_is_asked_for_does_not_read_the_patients_of_others(site, member, statements) -> None:
    """Where no number is shared, it is one statement, answered from the index."""
    member()
    member("2", hin="100000003")
    with statements() as seen:
        assert of_panel(site, 1) == SamePhn()
    assert len(seen) == 1


def of_panel(host: OscarHost, panel_id: int) -> SamePhn:
    with host.database.engine.connect() as connection:
        return same_phn.of_panel(connection, host, Settings(), host.clock.now(), panel_id)
