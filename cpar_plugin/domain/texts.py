"""Texts as people and programs have left them: what cannot be seen in them, and the same texts made fit to travel."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

Ranges = tuple[tuple[int, int], ...]  # of code points, the first and the last of each

# Unicode's separators and control characters, and a sign that shows nothing: in a name each is a blank.
BLANKS: Final[Ranges] = (
    (0x00, 0x1F),
    (0x7F, 0xA0),
    (0x1680, 0x1680),
    (0x2000, 0x200A),
    (0x2028, 0x2029),
    (0x202F, 0x202F),
    (0x205F, 0x205F),
    (0x2800, 0x2800),
    (0x3000, 0x3000),
)
# Unicode's Default_Ignorable_Code_Point and its annotation marks: zero-width, bidirectional, fillers. Names lose them.
NOTHING: Final[Ranges] = (
    (0xAD, 0xAD),
    (0x34F, 0x34F),
    (0x61C, 0x61C),
    (0x115F, 0x1160),
    (0x17B4, 0x17B5),
    (0x180B, 0x180F),
    (0x200B, 0x200F),
    (0x202A, 0x202E),
    (0x2060, 0x206F),
    (0x3164, 0x3164),
    (0xFE00, 0xFE0F),
    (0xFEFF, 0xFEFF),
    (0xFFA0, 0xFFA0),
    (0xFFF0, 0xFFFB),
    (0xFFFE, 0xFFFF),
    (0x1BCA0, 0x1BCA3),
    (0x1D173, 0x1D17A),
    (0xE0000, 0xE0FFF),
)
# Unicode's dash punctuation (Pd), the minus sign and other hyphens.
DASHES: Final[Ranges] = (
    (0x2D, 0x2D),
    (0x58A, 0x58A),
    (0x5BE, 0x5BE),
    (0x1400, 0x1400),
    (0x1806, 0x1806),
    (0x2010, 0x2015),
    (0x2043, 0x2043),
    (0x2212, 0x2212),
    (0x2E17, 0x2E17),
    (0x2E1A, 0x2E1A),
    (0x2E3A, 0x2E3B),
    (0x2E40, 0x2E40),
    (0x2E5D, 0x2E5D),
    (0x301C, 0x301C),
    (0x3030, 0x3030),
    (0x30A0, 0x30A0),
    (0xFE31, 0xFE32),
    (0xFE58, 0xFE58),
    (0xFE63, 0xFE63),
    (0xFF0D, 0xFF0D),
    (0x10EAD, 0x10EAD),
)
_SURROGATES: Final[Ranges] = ((0xD800, 0xDFFF),)  # what no text of a file or database can hold
SPACE: Final[Ranges] = ((0x20, 0x20),)
SEPARATORS: Final = (*SPACE, *BLANKS, *NOTHING, *DASHES)  # in an identifier they say nothing


def _one_of(ranges: Iterable[tuple[int, int]], more: str = "") -> re.Pattern[str]:
    return re.compile("[" + "".join(rf"\U{first:08x}-\U{last:08x}" for first, last in ranges) + "]" + more)


# What every keyboard has, and the letters of Europe's languages: nothing of it is unseen. Databases ask for the same.
_USUAL = re.compile("[ -~\u00c0-\u024f]*")
_UNSEEN = _one_of((*BLANKS, *NOTHING, *_SURROGATES))
_BLANK = _one_of((*SPACE, *BLANKS), "+")
_NOTHING = _one_of((*NOTHING, *_SURROGATES), "+")
_SEPARATOR = _one_of((*SEPARATORS, *_SURROGATES), "+")


def readable(text: str | None) -> str | None:
    """The text on one line, trimmed, without what cannot be seen. None when nothing is left that can be seen.

    Blanks in a text of the usual letters stay as they were typed; in any other several are one.
    """
    if not text:
        return None
    if (text.isascii() and text.isprintable()) or _USUAL.fullmatch(text):
        return text.strip() or None
    return _BLANK.sub(" ", _NOTHING.sub("", text)).strip() or None


@lru_cache(256)  # few: they are names of patients, of which no more are kept than a row or a clinic's habits need
def readable_name(text: str | None) -> str | None:
    """The same of a name or a code, of which many are alike: it is asked several times for each patient."""
    return readable(text)


def holds_unseen(text: str) -> bool:
    """Whether the text holds a character that cannot be seen, other than a space."""
    # The first two questions are quick and answer for nearly all.
    return not (text.isascii() and text.isprintable()) and _UNSEEN.search(text) is not None


def without_separators(text: str) -> str:
    """An identifier without blanks, dashes of any kind, and what cannot be seen."""
    return _SEPARATOR.sub("", text)
