"""What two dates say about coverage, and what comes of it."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.cautions import Caution
from cpar_plugin.domain.coverage import Coverage, CoverageRules, CoverageUse, UnknownCoverage, coverage_day
from cpar_plugin.domain.eligibility import Eligibility
from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.wording import advice_for, wording_for

from .test_eligibility import RULES, TERMS, TODAY, Row

SOON = CoverageRules(CoverageUse.CAUTION, 30)
NO_DAYS = ("0000-00-00", "0001-01-01", "1900-01-01", "9999-12-31", "2026-02-30", "2026-00-00", "20261201", "soon", " ")


@dataclass(frozen=True)
class Dates:
    coverage_start: str | None = None
    coverage_end: str | None = None
    phn_jurisdiction: str | None = "AB"


def rules(use: CoverageUse, days: int = 30) -> Eligibility:
    return replace(RULES, coverage=CoverageRules(use, days))


@pytest.mark.parametrize(
    ("dates", "state"),
    [
        (Dates(coverage_end="2026-11-09"), Coverage.ENDED),
        (Dates(coverage_end="2026-11-10"), Coverage.ENDS_SOON),  # the last day itself is covered
        (Dates(coverage_end="2026-12-10"), Coverage.ENDS_SOON),
        (Dates(coverage_end="2026-12-11"), Coverage.CURRENT),
        (Dates(coverage_start="2026-11-10", coverage_end="2030-01-01"), Coverage.CURRENT),
        (Dates(coverage_start="2026-11-11", coverage_end="2030-01-01"), Coverage.BEGINS_LATER),
        (Dates(coverage_start="2026-11-11"), Coverage.BEGINS_LATER),
        (Dates(coverage_start="2026-11-11", coverage_end="2026-11-20"), Coverage.BEGINS_LATER),
        (Dates(coverage_start="2026-11-11", coverage_end="2026-11-09"), Coverage.UNKNOWN),
        (Dates(coverage_start="2020-01-01", coverage_end="2019-12-31"), Coverage.UNKNOWN),
        (Dates(coverage_start="2020-01-01"), Coverage.NOT_ENTERED),
        (Dates(), Coverage.NOT_ENTERED),
        (Dates(coverage_start="0001-01-01", coverage_end="2026-11-09"), Coverage.ENDED),
        (Dates(coverage_end="2026-11-09", phn_jurisdiction="BC"), None),
        (Dates(coverage_end="2026-11-09", phn_jurisdiction="unknown"), Coverage.ENDED),
        (Dates(coverage_end="2026-11-09", phn_jurisdiction=None), Coverage.ENDED),
    ],
)
def test_the_dates_say_what_coverage_is_today(dates: Dates, state: Coverage | None) -> None:
    assert SOON.state(dates, TODAY) is state


@pytest.mark.parametrize("text", [*NO_DAYS, "", None])
def test_what_is_no_day_is_unknown_and_what_was_not_entered_is_not(text: str | None) -> None:
    assert coverage_day(text) is None
    expected = Coverage.UNKNOWN if text else Coverage.NOT_ENTERED
    assert SOON.state(Dates(coverage_end=text), TODAY) is expected
    assert SOON.state(Dates(coverage_start=text), TODAY) is expected
    assert SOON.state(Dates(coverage_start=text, coverage_end="2026-11-09"), TODAY) is Coverage.ENDED


ZERO = "0000-00-00"


@pytest.mark.parametrize(
    ("dates", "unknown_with"),
    [
        (Dates(), "all"),
        (Dates("", ""), "all"),
        (Dates("2020-01-01"), "all"),
        (Dates(ZERO, ZERO), "zero all"),
        (Dates(ZERO), "zero all"),
        (Dates("2020-01-01", ZERO), "zero all"),
        (Dates(coverage_end="9999-12-31"), "unusable zero all"),
        (Dates("2020-01-01", "2026-02-30"), "unusable zero all"),
        (Dates("9999-12-31"), "unusable zero all"),
        (Dates("2020-01-01", "2019-01-01"), "unusable zero all"),
        (Dates(ZERO, "2020-01-01"), ""),
        (Dates("2020-01-01", "2030-01-01"), ""),
    ],
)
def test_the_setting_says_whose_coverage_is_unknown_which_is_something_to_check(
    dates: Dates, unknown_with: str
) -> None:
    row = Row(coverage_start=dates.coverage_start, coverage_end=dates.coverage_end)
    for setting in UnknownCoverage:
        watched = replace(RULES, coverage=CoverageRules(CoverageUse.CAUTION, 30, setting))
        is_unknown = setting in unknown_with.split()
        assert (watched.coverage.state(dates, TODAY) is Coverage.UNKNOWN) is is_unknown
        assert (Caution.COVERAGE_UNKNOWN in watched.cautions(row)) is is_unknown
        assert watched.reasons(row) == ()


def test_the_setting_says_whether_an_end_is_nothing_a_caution_or_a_reason() -> None:
    ended = Row(coverage_end="2026-11-09")
    off, caution, exclude = (rules(use) for use in CoverageUse)
    assert (off.reasons(ended), off.cautions(ended)) == ((), ())
    assert (caution.reasons(ended), caution.cautions(ended)) == ((), (Caution.COVERAGE_ENDED,))
    assert exclude.reasons(ended) == (Reason.COVERAGE_ENDED,)
    later, soon = Row(coverage_start="2026-11-11"), Row(coverage_end="2026-11-11")
    assert (exclude.reasons(later), exclude.cautions(later)) == ((), (Caution.COVERAGE_BEGINS_LATER,))
    assert (exclude.reasons(soon), exclude.cautions(soon)) == ((), (Caution.COVERAGE_ENDS_SOON,))


def test_the_card_of_another_province_is_excluded_for_that_alone() -> None:
    row = Row(phn_jurisdiction="BC", coverage_end="2020-01-01")
    assert rules(CoverageUse.EXCLUDE).reasons(row) == (Reason.OTHER_JURISDICTION,)


def test_the_words_name_the_day_of_one_member_and_not_in_advice_for_many() -> None:
    row = Row(coverage_end="2026-11-09")
    wording = wording_for(TERMS, row, Caution.COVERAGE_ENDED)
    assert wording.label == "Health care coverage has ended (Nov 9, 2026)"
    assert advice_for(TERMS, row, Caution.COVERAGE_ENDED).label == "Health care coverage has ended"


days_or_nonsense = (
    st.none() | st.sampled_from(NO_DAYS) | st.dates(TODAY - timedelta(60), TODAY + timedelta(60)).map(str)
)


@given(st.builds(Dates, days_or_nonsense, days_or_nonsense), st.integers(0, 60))
def test_every_pair_of_dates_says_one_thing_and_only_an_end_in_the_past_excludes(dates: Dates, days: int) -> None:
    row = Row(coverage_start=dates.coverage_start, coverage_end=dates.coverage_end)
    state = CoverageRules(CoverageUse.CAUTION, days).state(dates, TODAY)
    assert state in Coverage
    excluded = rules(CoverageUse.EXCLUDE, days).reasons(row) == (Reason.COVERAGE_ENDED,)
    assert excluded is (state is Coverage.ENDED)
    if excluded:
        assert dates.coverage_end is not None
        assert date.fromisoformat(dates.coverage_end) < TODAY
