import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.identifiers import (
    facility_id,
    is_phn,
    issued_text,
    phn_check_digit_fits,
    practitioner_id,
)
from cpar_plugin.domain.refusals import Refused

ASCII_DIGITS = "0123456789"


@pytest.mark.parametrize(
    ("typed", "stored"), [("113", "000113"), (" 000113 ", "000113"), ("123456", "123456"), ("7", "000007")]
)
def test_a_facility_id_is_stored_as_six_digits(typed: str, stored: str) -> None:
    assert facility_id(typed) == stored


@pytest.mark.parametrize(
    "typed", ["", "   ", "0", "000000", "1234567", "11a", "-13", "1.5", "1 3", "１１３", "²", "٣", "113;--"]
)
def test_what_is_no_facility_id_is_refused_at_its_field(typed: str) -> None:
    with pytest.raises(Refused) as refused:
        facility_id(typed, "facilities-2")
    assert list(refused.value.messages) == ["facilities-2"]


@given(st.integers(1, 999999), st.integers(0, 6))
def test_padding_never_changes_which_facility_is_meant(number: int, zeros: int) -> None:
    typed = ("0" * zeros + str(number))[-6:] if len(str(number)) < 6 else str(number)
    stored = facility_id(typed)
    assert len(stored) == 6
    assert int(stored) == number
    assert facility_id(stored) == stored


@given(st.text(max_size=12))
def test_any_text_is_a_facility_id_of_six_digits_or_is_refused(typed: str) -> None:
    try:
        assert len(facility_id(typed)) == 6
    except Refused:
        assert (
            not (typed.strip() and set(typed.strip()) <= set(ASCII_DIGITS) and 0 < int(typed) <= 999999)
            or len(typed.strip()) > 6
        )


@given(
    st.text(ASCII_DIGITS, min_size=9, max_size=9), st.sampled_from(["{}{}", "{}-{}", "{} {}", " {}{} ", "{}\u00a0{}"])
)
def test_spaces_and_hyphens_of_a_practitioner_id_are_ignored(digits: str, form: str) -> None:
    assert practitioner_id(form.format(digits[:4], digits[4:])) == digits


@pytest.mark.parametrize("typed", ["", "12345678", "1234567890", "1234-5678x", "１２３４５６７８９", "12345.6789"])
def test_what_is_no_practitioner_id_is_refused(typed: str) -> None:
    with pytest.raises(Refused, match="nine digits"):
        practitioner_id(typed)


def test_an_issued_text_keeps_its_leading_zeros_and_loses_its_margins() -> None:
    assert issued_text("  0042 ", "number", "panel number") == "0042"


@pytest.mark.parametrize(
    ("typed", "message"),
    [
        ("", "Enter the"),
        ("  \t", "Enter the"),
        ("9" * 61, "at most 60"),
        ("00\x0042", "invisible character"),
        ("4\u202e2", "invisible character"),
    ],
)
def test_an_issued_text_that_cannot_be_kept_as_it_is_is_refused(typed: str, message: str) -> None:
    with pytest.raises(Refused, match=message):
        issued_text(typed, "number", "panel number")


@given(st.text(max_size=11))
def test_a_phn_is_nine_ascii_digits_and_nothing_else(text: str) -> None:
    assert is_phn(text) == (len(text) == 9 and all(letter in ASCII_DIGITS for letter in text))


def test_no_phn_is_no_phn() -> None:
    assert not is_phn(None)
    assert not is_phn("１２３４６６７８９")


def test_the_published_sample_fits_the_check_digit() -> None:
    assert phn_check_digit_fits("123466789")


@given(st.text(ASCII_DIGITS, min_size=8, max_size=8))
def test_exactly_one_fifth_digit_fits_the_other_eight(other: str) -> None:
    assert sum(phn_check_digit_fits(other[:4] + digit + other[4:]) for digit in ASCII_DIGITS) == 1


@given(st.text(ASCII_DIGITS, min_size=9, max_size=9), st.integers(0, 8), st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(phn: str, place: int, by: int) -> None:
    wrong = phn[:place] + str((int(phn[place]) + by) % 10) + phn[place + 1 :]
    assert not (phn_check_digit_fits(phn) and phn_check_digit_fits(wrong))
