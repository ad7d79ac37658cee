"""What is wrong with some names: marks that programs have left in them."""

import re
from typing import Final

from .texts import readable

_PROGRAM_WORDS: Final = frozenset({"null", "none", "n/a", "undefined"})  # what programs write for "nothing"
_AROUND: Final = " .,;:'\"()[]<>{}-"
_ENTITY: Final = re.compile(r"&(#\d+|#x[0-9a-f]+|[a-z][a-z0-9]*);", re.IGNORECASE)
_BACKSLASH: Final = re.compile(r"\\['\"`\u2019]")
_LOST: Final = re.compile(r"\?\?|\ufffd")
# UTF-8 read as Windows-1252 or Latin-1, whose second part is perhaps one that cannot be seen: `Ã©`, `â€™`, `RenÃ`.
_SECOND_BYTES: Final = "".join(
    bytes([code]).decode("cp1252", "ignore") or chr(code) for code in range(0x80, 0xC0) if code not in (0xA0, 0xAD)
)
_SECOND_SIGNS: Final = "".join(character for character in _SECOND_BYTES if not character.isalpha())
_DOUBLED: Final = re.compile(
    rf"[\u00c2\u00c3][{re.escape(_SECOND_BYTES)}]|[\u00c4\u00c5][{re.escape(_SECOND_SIGNS)}]"
    r"|\u00e2[\u20ac\u201a]|(?<=[a-z])[\u00c2\u00c3]|[\u00c2\u00c3](?=\s|$)"
)


def is_program_word(name: str) -> bool:
    """Whether it is what a program writes where there is nothing, such as `null` or `(none)`."""
    return name.casefold().strip(_AROUND) in _PROGRAM_WORDS


def holds_entity(name: str) -> bool:
    """Whether it holds a character as HTML writes it, such as `&#39;` or `&amp;`."""
    return _ENTITY.search(name) is not None


def holds_backslash(name: str) -> bool:
    r"""Whether there is a backslash before an apostrophe or a quotation mark: `O\'Brien`."""
    return _BACKSLASH.search(name) is not None


def is_doubly_encoded(name: str) -> bool:
    """Whether accented letters were encoded twice, such as `RenÃ©e` for `Renée`."""
    return not name.isascii() and _DOUBLED.search(name) is not None


def has_lost_letters(name: str) -> bool:
    """Whether letters were replaced by question marks: `Ren??`."""
    return _LOST.search(name) is not None


def unless_program_word(text: str | None) -> str | None:
    """The name, if there is one: what programs write where there is nothing is no name that has to be sent."""
    name = readable(text)
    return None if name is None or is_program_word(name) else name
