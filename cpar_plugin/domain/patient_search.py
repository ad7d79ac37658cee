"""What people type to find a patient in a list: parts of names, a PHN, a record number, or a date of birth."""

from .identifiers import is_phn
from .texts import readable, without_separators


def words(text: str) -> list[str]:
    """Each is looked for by itself. A number with separators is one word, and a date stays a date."""
    line = readable(text.replace(",", " ")) or ""
    return [line] if is_phn(without_separators(line)) else line.split()


def digits_of(word: str) -> str:
    """The digits of a word that is a number or a date, without separators; '' for a part of a name."""
    digits = without_separators(word)
    return digits if digits.isascii() and digits.isdigit() else ""
