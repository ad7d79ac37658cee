"""The split of a panel whose provider leaves."""

import random
from collections import Counter
from datetime import date, timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from cpar_plugin.domain.departure import (
    LeavingPatient,
    Split,
    Target,
    checked_date,
    checked_split,
    divided,
    initial,
    quotas,
)
from cpar_plugin.domain.departure_texts import (
    DEFAULT_LETTER,
    DepartureField,
    RegistryTask,
    checked_letter,
    filled_letter,
)
from cpar_plugin.domain.panel_kind import OTHER_KINDS, PanelKind
from cpar_plugin.domain.refusals import Refused

from ..examples import examples

TODAY = date(2026, 11, 10)


@st.composite
def splits(draw: st.DrawFn) -> Split:
    """Shares that add up to 100, and perhaps ranges of letters, and those seen last."""
    count = draw(st.integers(1, 4))
    cuts = sorted(draw(st.lists(st.integers(0, 100), min_size=count - 1, max_size=count - 1)))
    shares = [after - before for before, after in zip([0, *cuts], [*cuts, 100], strict=True)]
    targets = tuple(
        Target(panel_id, share, *draw(st.sampled_from([("", ""), ("A", "F"), ("S", "Z")])), draw(st.booleans()))
        for panel_id, share in enumerate(shares, start=1)
    )
    return Split(targets, draw(st.booleans()))


PATIENTS = st.lists(
    st.builds(
        LeavingPatient,
        st.integers(1, 10**6),
        st.sampled_from(["", "Abbott", "Élan", "Singh", "Zhou", "7of9"]),
        st.sampled_from([None, 1, 2, 9]),
        st.sampled_from(["", "1 main st", "2 main st", "3 main st"]),
    ),
    max_size=60,
    unique_by=lambda patient: patient.patient_id,
)


@settings(max_examples=examples(100))
@given(splits(), PATIENTS, st.randoms(use_true_random=False))
def test_everyone_has_one_panel_homes_stay_together_and_the_order_of_the_data_is_no_matter(
    split: Split, patients: list[LeavingPatient], chance: random.Random
) -> None:
    chosen = divided(patients, split)
    assert chosen.keys() == {patient.patient_id for patient in patients}
    assert set(chosen.values()) <= {target.panel_id for target in split.targets}
    chance.shuffle(patients)
    assert divided(patients, split) == chosen
    if split.together:
        for home in {patient.home for patient in patients} - {""}:
            assert len({chosen[patient.patient_id] for patient in patients if patient.home == home}) == 1


@settings(max_examples=examples(100))
@given(splits(), st.integers(0, 5000))
def test_shares_add_up_and_none_is_off_by_a_whole_patient(split: Split, count: int) -> None:
    shares = quotas(count, split.targets)
    assert sum(shares.values()) == count
    for target in split.targets:
        assert abs(shares.get(target.panel_id, 0) - count * target.percent / 100) < 1


@settings(max_examples=examples(50))
@given(splits(), st.integers(0, 300))
def test_by_shares_alone_each_panel_gets_exactly_its_own(split: Split, count: int) -> None:
    alone = Split(tuple(Target(target.panel_id, target.percent) for target in split.targets), together=True)
    chosen = divided((LeavingPatient(patient_id, "") for patient_id in range(1, count + 1)), alone)
    assert Counter(chosen.values()) == Counter(quotas(count, alone.targets))


def test_who_was_seen_last_goes_before_the_name_and_the_name_before_the_share() -> None:
    split = Split((Target(1, 100, "A", "M"), Target(2, 0, "N", "Z", last_seen=True)))
    patients = [LeavingPatient(1, "Abbott", 2), LeavingPatient(2, "Abbott"), LeavingPatient(3, "Nolan", 1)]
    assert divided(patients, split) == {1: 2, 2: 1, 3: 2}


def test_a_home_goes_where_most_of_it_would_go_and_of_as_many_to_the_first_panel() -> None:
    split = Split((Target(1, 0, "A", "M"), Target(2, 0, "N", "Z")), together=True)
    names = ("Abbott", "Nolan", "Singh")
    three = [LeavingPatient(place, name, None, "home") for place, name in enumerate(names)]
    assert set(divided(three, split).values()) == {2}
    assert set(divided(three[:2], split).values()) == {1}


def test_those_whom_the_first_rules_decide_about_count_in_the_shares() -> None:
    split = Split((Target(1, 50, "A", "A"), Target(2, 50)))
    patients = [LeavingPatient(place, "Abbott" if place < 6 else "Wong") for place in range(10)]
    assert Counter(divided(patients, split).values()) == {1: 6, 2: 4}


def test_without_shares_who_has_no_rule_has_no_panel() -> None:
    patients = [LeavingPatient(1, "Abbott"), LeavingPatient(2, "Wong")]
    assert divided(patients, Split((Target(1, 0, "A", "C"),))) == {1: 1}


@pytest.mark.parametrize(("name", "letter"), [("élan", "E"), ("", "A"), ("7of9", "A"), ("李", "Z"), ("  van Dam", "V")])
def test_a_name_counts_as_a_letter(name: str, letter: str) -> None:
    assert initial(name) == letter


@pytest.mark.parametrize(
    ("targets", "field"),
    [
        ([], "targets"),
        ([Target(1)], "targets"),
        ([Target(1, 60), Target(2, 30)], "targets"),
        ([Target(1, 101)], "percent-0"),
        ([Target(1, 0, "A", "")], "range-0"),
        ([Target(1, 0, "C", "A")], "range-0"),
        ([Target(1, 0, "A", "M"), Target(2, 0, "M", "Z")], "range-1"),
    ],
)
def test_rules_that_cannot_be_are_refused_at_their_field(targets: list[Target], field: str) -> None:
    with pytest.raises(Refused) as refused:
        checked_split(targets, together=False)
    assert field in refused.value.messages


def test_each_panel_with_a_rule_needs_a_list_of_each_kind_that_is_divided() -> None:
    affiliation, caseload = OTHER_KINDS[PanelKind.AFFILIATION], OTHER_KINDS[PanelKind.CASELOAD]
    targets = [Target(1, 50, affiliation_id=7, caseload_id=8), Target(2, 50, caseload_id=9), Target(3)]
    with pytest.raises(Refused) as refused:
        checked_split(targets, together=False, divided_lists={4: affiliation, 5: caseload})
    assert refused.value.messages.keys() == {"affiliation-1"}
    split = checked_split(targets, together=False, divided_lists={5: caseload}, ended_lists=[4])
    assert (split.divided_lists, split.ended_lists) == ((5,), (4,))
    assert [target.list_of(caseload) for target in split.targets] == [8, 9]


def test_who_is_on_the_panel_of_a_colleague_already_goes_there() -> None:
    split = Split((Target(1, 0, "A", "Z"), Target(2, 100)))
    assert divided([LeavingPatient(1, "Abbott", on_panel=2), LeavingPatient(2, "Abbott", on_panel=9)], split) == {
        1: 2,
        2: 1,
    }


def test_the_day_is_today_or_later_within_two_years() -> None:
    assert checked_date(TODAY, TODAY) == TODAY
    for day in (None, TODAY - timedelta(days=1), TODAY + timedelta(days=731)):
        with pytest.raises(Refused, match="day"):
            checked_date(day, TODAY)


def test_the_letter_is_filled_once_and_knows_its_fields_only() -> None:
    values = {field: f"<{field}>" for field in DepartureField} | {DepartureField.PATIENT: "{clinic}"}
    assert "Dear {clinic}\n" in filled_letter(checked_letter(DEFAULT_LETTER), values)
    without = filled_letter("A\n\n{affiliation}\n\nB", values | {DepartureField.AFFILIATION: ""})
    assert without == "A\n\nB"
    assert filled_letter("A {affiliation}B", values | {DepartureField.AFFILIATION: ""}) == "A B"
    for text in ("", "Dear {name}", "a" * 5000):
        with pytest.raises(Refused):
            checked_letter(text)
    assert all(task.text.endswith(".") for task in RegistryTask)
