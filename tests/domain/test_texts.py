import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.texts import holds_unseen, readable, without_separators


@pytest.mark.parametrize(
    ("typed", "travels"),
    [
        ("Tremblay", "Tremblay"),
        ("  O'Brien-Lefèvre ", "O'Brien-Lefèvre"),
        ("Mac\tDonald\r\n", "Mac Donald"),
        ("Ng\x00uyen", "Ng uyen"),
        ("a\u00a0b", "a b"),
        ("X", "X"),
        ("👩‍👧", "👩👧"),
        ("Mary\u2009Ann\u202f\u3000Jo", "Mary Ann Jo"),
        ("\u202eNg\u202c", "Ng"),
        ("Zo\u00ad\u200bé", "Zoé"),
        ("\u2067Ali\u2069\ufeff", "Ali"),
        ("\ud800Ng\ufffe", "Ng"),
    ],
)
def test_a_text_travels_on_one_line_without_control_characters(typed: str, travels: str) -> None:
    assert readable(typed) == travels


@pytest.mark.parametrize(
    "typed", [None, "", " ", "\t\n", "\x00\x1f\x7f", "\u200b\u00a0", "\ufeff", "\u202e", "\u3164\u2800", "\ud800"]
)
def test_a_text_in_which_nothing_can_be_read_is_no_text(typed: str | None) -> None:
    assert readable(typed) is None


@given(st.text(alphabet=st.characters()))
def test_what_is_readable_is_clean_and_does_not_change(typed: str) -> None:
    clean = readable(typed)
    if clean is not None:
        assert clean == clean.strip() != ""
        assert {unicodedata.category(letter) for letter in clean}.isdisjoint({"Cc", "Cs"})
        assert readable(clean) == clean


_FILLERS = "\u115f\u1160\u2800\u3164\uffa0"  # letters and a sign that show nothing


@given(st.text(alphabet=st.characters(categories=("L", "N", "P", "S"), exclude_characters=_FILLERS), min_size=1))
def test_letters_digits_and_signs_are_never_touched(typed: str) -> None:
    assert readable(typed) == typed
    assert not holds_unseen(typed)


def test_every_blank_of_unicode_is_a_blank_and_every_other_that_shows_nothing_goes() -> None:
    """Of its categories: separators and controls, and of the format characters all that are not shown as a sign."""
    shown = "ARABIC", "SYRIAC", "KAITHI", "EGYPTIAN"  # signs around numbers and letters
    for letter in map(chr, range(0x110000)):
        match unicodedata.category(letter):
            case "Zs" | "Zl" | "Zp" | "Cc":
                assert readable(f"a{letter}b") == "a b", hex(ord(letter))
            case "Cf" if not unicodedata.name(letter, "").startswith(shown) or letter == "\u061c":
                assert readable(f"a{letter}b") == "ab", hex(ord(letter))
                assert holds_unseen(letter)


def test_every_dash_of_unicode_and_all_that_cannot_be_seen_separates_digits() -> None:
    dashes = [letter for letter in map(chr, range(0x110000)) if unicodedata.category(letter) == "Pd"]
    for separator in (*dashes, "\u2212", "\u00ad", *" \t\r\n\u00a0\u2009\u202f\u200b\u202e\u2066\ufeff"):
        assert without_separators(f"{separator}12345{separator}6789{separator}") == "123456789", hex(ord(separator))
    assert without_separators("12345.6789/_A") == "12345.6789/_A"
