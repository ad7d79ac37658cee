"""Comparing names by their sound, on either database: the first four signs of the original Soundex, as MariaDB has it.

Letters beyond A to Z count as vowels, but a first one is compared without accents.
"""

from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement

from .folding import folded_text
from .sqlite_functions import give

NAME = "cpar_sounded"
_SIGNS = 4
_CODES = dict(zip("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "01230120022455012623010202", strict=True))
_VOWEL = "0"
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")


@lru_cache(4096)
def sound_of(text: str) -> str:
    """`T651` for Tremblay and for Trembley; '' for a text without letters."""
    letters = [letter for letter in text if letter in _LETTERS or letter >= "\u00c0"]
    if not letters:
        return ""
    codes = [_CODES.get(letter.upper(), _VOWEL) if letter.isascii() else _VOWEL for letter in letters]
    sound, before = folded_text(letters[0])[:1].upper(), codes[0]
    for code in codes[1:]:
        if code not in (_VOWEL, before):
            sound += code
            before = code
    return sound[:_SIGNS].ljust(_SIGNS, "0")


class sounded(FunctionElement[str]):  # noqa: N801  # spelled like the function that it is
    """How a name sounds, to be compared with `sound_of`. Call `can_sound` on the connection first."""

    name = NAME
    type = String()
    inherit_cache = True


@compiles(sounded)
def _called(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    return f"{NAME}({compiler.process(element.clauses, **context)})"


@compiles(sounded, "mysql", "mariadb")
def _built_in(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    text = f"CONVERT({compiler.process(element.clauses, **context)} USING utf8mb4)"
    return f"(CONVERT(SUBSTR(SOUNDEX({text}), 1, {_SIGNS}) USING utf8mb4) COLLATE utf8mb4_unicode_520_ci)"


def can_sound(connection: Connection) -> None:
    """Give an SQLite connection the function, which it does not have by itself. Nothing to do elsewhere."""
    give(connection, NAME, sound_of)
