"""An answer to a caution stands exactly as long as the values that it is about."""

from dataclasses import dataclass, replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.answers import FINGERPRINT_LENGTH, fingerprint
from cpar_plugin.domain.cautions import Caution, values
from cpar_plugin.domain.coverage import CoverageRules, CoverageUse
from cpar_plugin.domain.eligibility import Eligibility
from cpar_plugin.domain.names import legal_names
from cpar_plugin.domain.reasons import Reason

TEXTS = st.none() | st.sampled_from(["", "Suharto", "Zoé", "123456789", "U"]) | st.text(max_size=8)


@dataclass(frozen=True)
class Row:
    known: bool = True
    status: str | None = "AC"
    family_name: str | None = "Tremblay"
    given_name: str | None = "Zoé"
    middle_names: str | None = None
    preferred_name: str | None = "Zo"
    birth_date: str | None = "1980-02-29"
    gender: str | None = "U"
    phn: str | None = "123456789"
    phn_jurisdiction: str | None = "AB"
    coverage_start: str | None = None
    coverage_end: str | None = None
    last_visit_on: date | None = date(2026, 5, 4)
    confirmed_on: date | None = date(2026, 6, 1)
    answers: str | None = None


ROWS = st.builds(
    Row,
    **dict.fromkeys(("family_name", "given_name", "middle_names", "preferred_name", "gender", "phn"), TEXTS),
    **dict.fromkeys(("coverage_start", "coverage_end"), st.sampled_from([None, "2026-11-09", "2026-11-11", "soon"])),
)
RULES = Eligibility(active_status="AC", today=date(2026, 11, 10), coverage=CoverageRules(CoverageUse.CAUTION))
STRICT = replace(RULES, given_name_required=True)


def answered(row: Row, *cautions: Caution) -> Row:
    marks = [f"{one.value}={fingerprint(one, values(one, row))}" for one in cautions]
    return replace(row, answers=" ".join(filter(None, [row.answers, *marks])))


@given(ROWS, st.sets(st.sampled_from(Caution)))
def test_what_was_answered_is_reported_no_more_and_all_else_still_is(row: Row, cautions: set[Caution]) -> None:
    answered_row = answered(row, *cautions)
    assert set(RULES.cautions(answered_row)) == set(RULES.cautions(row)) - cautions
    assert set(RULES.answered(answered_row)) == set(RULES.cautions(row)) & cautions


@given(ROWS, ROWS, st.sampled_from(Caution))
def test_an_answer_is_valid_exactly_until_the_values_change(row: Row, other: Row, caution: Caution) -> None:
    later = replace(other, answers=answered(row, caution).answers)
    same = values(caution, row) == values(caution, other)
    assert (caution in RULES.answered(later)) == (same and caution in RULES.cautions(other))


@given(ROWS, st.sampled_from(Caution))
def test_no_value_can_be_read_from_an_answer(row: Row, caution: Caution) -> None:
    mark = fingerprint(caution, values(caution, row))
    assert len(mark) == FINGERPRINT_LENGTH
    assert set(mark) <= set("0123456789abcdef")


@pytest.mark.parametrize(("family", "given_name"), [("Suharto", None), (None, "Suharto"), (" ", "Suharto")])
def test_a_person_with_one_name_is_sent_with_it_as_family_name(family: str | None, given_name: str | None) -> None:
    row = Row(family_name=family, given_name=given_name, preferred_name=None)
    assert STRICT.reasons(row) == (Reason.NO_FAMILY_NAME if given_name else Reason.NO_GIVEN_NAME,)
    answered_row = answered(row, Caution.GIVEN_NAME_MISSING)
    assert STRICT.reasons(answered_row) == ()
    assert legal_names(answered_row) == ("Suharto", None, None)
    assert RULES.answered(answered_row) == (Caution.GIVEN_NAME_MISSING,)


def test_a_second_name_that_comes_later_takes_the_answer_away() -> None:
    answered_row = answered(Row(family_name=None, given_name="Suharto"), Caution.GIVEN_NAME_MISSING)
    assert legal_names(replace(answered_row, family_name="Hadi")) == ("Hadi", "Suharto", None)
    assert legal_names(replace(answered_row, given_name="Sukarno")) == (None, "Sukarno", None)
    assert legal_names(replace(answered_row, middle_names="Bin")) == (None, "Suharto", "Bin")


@given(ROWS)
def test_no_one_without_any_name_is_sent(row: Row) -> None:
    nameless = answered(replace(row, family_name="\u200b", given_name=None), *Caution)
    assert Reason.NO_FAMILY_NAME in RULES.reasons(nameless)


@given(ROWS, st.sets(st.sampled_from(Caution)))
def test_no_answer_leaves_anyone_out(row: Row, cautions: set[Caution]) -> None:
    for rules in (RULES, STRICT):
        assert set(rules.reasons(answered(row, *cautions))) <= set(rules.reasons(row))
