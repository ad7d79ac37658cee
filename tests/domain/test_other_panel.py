"""Affiliations and caseloads: what can be entered, and the date of the signed form."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.other_panel import other_draft, signed_on
from cpar_plugin.domain.panel_kind import OTHER_KINDS, PanelKind
from cpar_plugin.domain.panel_state import PanelState
from cpar_plugin.domain.refusals import Refused

TODAY = date(2026, 11, 10)


def test_only_cpar_panels_are_submitted_and_every_other_kind_can_be_entered() -> None:
    assert [kind for kind in PanelKind if kind.is_submitted] == [PanelKind.CPAR]
    assert set(OTHER_KINDS) == set(PanelKind) - {PanelKind.CPAR}
    for kind in OTHER_KINDS:
        assert other_draft(kind, f" {kind.label} ").name == kind.label


def test_everything_that_is_wrong_with_an_entry_is_said_at_once() -> None:
    with pytest.raises(Refused) as refused:
        other_draft("cpar", " ", state="gone")
    assert set(refused.value.messages) == {"kind", "name", "state"}
    assert other_draft("caseload", "x", state="ended").state is PanelState.ENDED


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("2026-11-11", "in the future"),
        ("1979-12-31", "before the patient's birth"),
        ("2026-02-30", "year-month-day"),
        ("20260101", "year-month-day"),
        ("yesterday", "year-month-day"),
        ("0001-01-01", "year-month-day"),
    ],
)
def test_a_date_that_cannot_be_that_of_a_signed_form_is_refused_with_what_to_do(text: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        signed_on(text, "signed_on", TODAY, "1980-01-01")


@given(st.dates(date(1900, 1, 1), TODAY), st.integers(0, 40_000))
def test_every_day_from_birth_to_today_is_taken(day: date, older: int) -> None:
    born = day - timedelta(days=min(older, (day - date.min).days))
    assert signed_on(f" {day} ", "signed_on", TODAY, born.isoformat()) == day


def test_no_date_is_no_date_and_an_impossible_date_of_birth_keeps_no_one_from_entering_one() -> None:
    assert signed_on(" ", "signed_on", TODAY, None) is None
    assert signed_on("2020-01-01", "signed_on", TODAY, "2026-00-00") == date(2020, 1, 1)
