import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.texts import readable


@pytest.mark.parametrize(
    ("typed", "travels"),
    [
        ("Tremblay", "Tremblay"),
        ("  O'Brien-Lefèvre ", "O'Brien-Lefèvre"),
        ("Mac\tDonald\r\n", "Mac Donald"),
        ("Ng\x00uyen", "Ng uyen"),
        ("a\u00a0b", "a b"),
        ("X", "X"),
        ("👩‍👧", "👩‍👧"),
        ("\ud800Ng\ufffe", "Ng"),
    ],
)
def test_a_text_travels_on_one_line_without_control_characters(typed: str, travels: str) -> None:
    assert readable(typed) == travels


@pytest.mark.parametrize("typed", [None, "", " ", "\t\n", "\x00\x1f\x7f", "\u200b\u00a0", "\ufeff", "\ud800"])
def test_a_text_in_which_nothing_can_be_read_is_no_text(typed: str | None) -> None:
    assert readable(typed) is None


@given(st.text(alphabet=st.characters()))
def test_what_is_readable_is_clean_and_stays_as_it_is(typed: str) -> None:
    clean = readable(typed)
    if clean is not None:
        assert clean == clean.strip() != ""
        assert {unicodedata.category(letter) for letter in clean}.isdisjoint({"Cc", "Cs"})
        assert readable(clean) == clean


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S")), min_size=1))
def test_letters_digits_and_signs_are_never_touched(typed: str) -> None:
    assert readable(typed) == typed
