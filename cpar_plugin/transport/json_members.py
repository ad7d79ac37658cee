"""Reads a long JSON object member by member, in little memory, from a source that need not mean well.

Not ijson: its parser in C ends the whole process at a number of ten thousand digits, its parser in Python leaves noise
behind where reading stops early. One entry at a time is all that is needed here.
"""

import json
import re
from codecs import iterdecode
from collections.abc import Iterator
from typing import Any, NoReturn

_LONGEST_VALUE = 1024 * 1024
_SPACE = re.compile(r"[ \t\n\r]*")


def members(chunks: Iterator[bytes]) -> Iterator[tuple[str, Any]]:
    """Each member of the object; of a list each item by itself, under the list's name.

    Raises ValueError as soon as it is clear that this is not one whole JSON object, or one with a value of over a
    mebibyte.
    """
    text = _Text(chunks)
    text.take("{")
    if text.peek() == "}":
        text.take("}")
    else:
        yield from _member(text)
        while text.take(",}") == ",":
            yield from _member(text)
    if text.peek():
        raise ValueError("something follows the object")


def _member(text: "_Text") -> Iterator[tuple[str, Any]]:
    name = text.value()
    if not isinstance(name, str):
        raise ValueError("a name is no text")
    text.take(":")
    if text.peek() != "[":
        yield name, text.value()
        return
    text.take("[")
    if text.peek() == "]":
        text.take("]")
        return
    yield name, text.value()
    while text.take(",]") == ",":
        yield name, text.value()


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


class _Text:
    """The text as far as it has come, from where it is being read."""

    _decoder = json.JSONDecoder(parse_constant=_no_constant)

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = iterdecode(chunks, "utf-8")
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """The next character that is not space; empty at the end."""
        while True:
            space = _SPACE.match(self._text, self._at)
            self._at = space.end() if space else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                return ""

    def take(self, expected: str) -> str:
        """The next character that is not space, which is one of those expected."""
        character = self.peek()
        if not character or character not in expected:
            raise ValueError(f"one of {expected} is missing")
        self._at += 1
        return character

    def value(self) -> Any:
        """The next value."""
        self.peek()
        while True:
            try:
                value, end = self._decoder.raw_decode(self._text, self._at)
            except RecursionError:
                raise ValueError("nested too deeply") from None
            except ValueError:
                end = len(self._text)
            if end < len(self._text):  # at the very end a number might continue
                self._at = end
                return value
            if len(self._text) - self._at > _LONGEST_VALUE or not self._more():
                raise ValueError("a value is incomplete or too long")

    def _more(self) -> bool:
        more = next(self._chunks, "")
        self._text = self._text[self._at :] + more
        self._at = 0
        return more != ""
