"""What there is to do about a patient's panel."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.bands import months_before
from cpar_plugin.domain.to_do import ToDo, to_do

TODAY = date(2026, 11, 10)


def found(
    *,
    active: bool = True,
    paneled: bool = True,
    excluded: bool = False,
    coverage: bool = False,
    confirmed_on: date | None = TODAY,
) -> tuple[ToDo, ...]:
    return to_do(
        active=active,
        paneled=paneled,
        excluded=excluded,
        coverage=coverage,
        confirmed_on=confirmed_on,
        today=TODAY,
        months=12,
    )


def test_a_member_who_is_well_and_was_confirmed_lately_needs_nothing() -> None:
    assert found() == ()


@pytest.mark.parametrize(
    ("confirmed_on", "due"),
    [
        (date(2025, 11, 11), ()),
        (date(2025, 11, 10), (ToDo.NOT_CONFIRMED,)),
        (date(2020, 2, 29), (ToDo.NOT_CONFIRMED,)),
        (None, ()),  # its own reason to be excluded
    ],
)
def test_a_confirmation_counts_for_so_many_months(confirmed_on: date | None, due: tuple[ToDo, ...]) -> None:
    assert found(confirmed_on=confirmed_on) == due


def test_an_active_patient_belongs_on_a_panel_and_another_does_not() -> None:
    assert found(paneled=False, confirmed_on=None) == (ToDo.NOT_PANELED,)
    assert found(paneled=False, confirmed_on=None, active=False) == ()


def test_several_things_are_reported_in_one_order() -> None:
    assert found(excluded=True, confirmed_on=date(2020, 1, 1)) == (ToDo.EXCLUDED, ToDo.NOT_CONFIRMED)


def test_active_members_are_asked_about_their_coverage_and_others_are_not() -> None:
    assert found(coverage=True) == (ToDo.COVERAGE,)
    assert found(coverage=True, active=False) == ()
    assert found(coverage=True, paneled=False, active=False) == ()


@given(
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.booleans(),
    st.none() | st.dates(date(1990, 1, 1), TODAY),
    st.integers(1, 120),
)
def test_what_is_reported_is_so_and_nothing_is_left_unreported(
    active: bool, paneled: bool, excluded: bool, coverage: bool, confirmed_on: date | None, months: int
) -> None:
    due = to_do(
        active=active,
        paneled=paneled,
        excluded=excluded,
        coverage=coverage,
        confirmed_on=confirmed_on,
        today=TODAY,
        months=months,
    )
    assert due == tuple(one for one in ToDo if one in due)
    assert (ToDo.NOT_PANELED in due) == (active and not paneled)
    assert (ToDo.EXCLUDED in due) == (excluded and paneled)
    assert (ToDo.COVERAGE in due) == (coverage and paneled and active)
    still_counts = confirmed_on is None or months_before(TODAY, months) < confirmed_on
    assert (ToDo.NOT_CONFIRMED in due) == (paneled and not still_counts)
    if confirmed_on and ToDo.NOT_CONFIRMED in due:
        assert TODAY - confirmed_on >= timedelta(days=28 * months)
