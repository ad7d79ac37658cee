"""The floor of a panel, and the amount for a patient: what can be entered, and how long a panel is below."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.floor import REBUILD_DAYS, Floor, FloorKind, PanelSize, entered_floor, status
from cpar_plugin.domain.payment import Payment, entered_payment
from cpar_plugin.domain.refusals import Refused

FLOOR = Floor(FloorKind.PHYSICIANS, 500)
TODAY = date(2026, 11, 10)


def sizes(*patients: int) -> list[PanelSize]:
    return [PanelSize(date(2026, month, 7), count, attached=True) for month, count in enumerate(patients, 1)]


def test_a_floor_is_one_of_the_programs_or_a_number() -> None:
    assert entered_floor("", "17") is None
    assert entered_floor("pcpcm", "") == FLOOR
    assert entered_floor("nurse-practitioners", "17") == Floor(FloorKind.NURSE_PRACTITIONERS, 900)
    assert entered_floor("other", "1,200") == Floor(FloorKind.OTHER, 1200)
    for kind, patients, field in (("other", "", "patients"), ("other", "0", "patients"), ("what", "1", "kind")):
        with pytest.raises(Refused) as refused:
            entered_floor(kind, patients)
        assert list(refused.value.messages) == [field]


def test_the_days_to_rebuild_begin_with_the_first_number_below_the_floor() -> None:
    below = status(FLOOR, sizes(510, 499, 500, 490, 480))
    assert below
    assert (below.distance, below.below_since) == (-20, date(2026, 4, 7))
    assert below.rebuild_until == date(2026, 7, 6)
    assert not below.from_the_first
    at_it = status(FLOOR, sizes(400, 500))
    assert at_it
    assert (at_it.distance, at_it.below_since, at_it.rebuild_until) == (0, None, None)
    assert status(FLOOR, []) is None


@given(st.lists(st.integers(490, 510), min_size=1, max_size=12), st.integers(495, 505))
def test_below_a_floor_every_number_since_then_is_below_it(patients: list[int], floor: int) -> None:
    known = sizes(*patients)
    result = status(Floor(FloorKind.OTHER, floor), known)
    assert result
    assert result.distance == patients[-1] - floor
    assert (result.below_since is None) == (result.distance >= 0)
    if result.below_since:
        since = [size for size in known if size.on >= result.below_since]
        before = [size for size in known if size.on < result.below_since]
        assert all(size.patients < floor for size in since)
        assert not before or before[-1].patients >= floor
        assert result.from_the_first == (not before)
        assert result.rebuild_until == result.below_since + timedelta(days=REBUILD_DAYS)


def test_an_amount_has_a_name_and_a_date_or_there_is_none() -> None:
    assert entered_payment("", " ", "", TODAY) is None
    payment = entered_payment("$12.5", "Base rate", "2026-04-01", TODAY)
    assert payment == Payment(1250, "Base rate", date(2026, 4, 1))
    assert payment.of(1200) == "$15,000.00"
    assert Payment(5, "x", TODAY).of(1) == "$0.05"
    for amount, label, as_of, fields in (
        ("0", "x", "2026-04-01", ["amount"]),
        ("12,5", "x", "2026-04-01", ["amount"]),
        ("-1", "x", "2026-04-01", ["amount"]),
        ("1", "", "", ["label", "as_of"]),
        ("1", "x" * 101, "2026-11-11", ["label", "as_of"]),
        ("", "x", "1999-12-31", ["amount", "as_of"]),
    ):
        with pytest.raises(Refused) as refused:
            entered_payment(amount, label, as_of, TODAY)
        assert list(refused.value.messages) == fields
