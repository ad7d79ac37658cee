"""A body while it arrives: hashed and compressed on its way, and a JSON object whose long list is read item by item.

By the decoder of Python's own library, which says where a value ends: parsers of streams are slower, or give the rest
of an object only together with the list.
"""

import codecs
import json
import re
import zlib
from collections.abc import Iterable, Iterator
from hashlib import sha256
from typing import IO, Any, Final, NoReturn

_CHUNK_BYTES: Final = 64 * 1024
_AFTER_VALUE: Final = tuple(" \t\n\r,:]}")
_BLANKS: Final = re.compile(r"[ \t\n\r]*")


class NotAnObject(Exception):
    """What arrived is no JSON object."""


class Arrival:
    """A body in chunks. What is not read by iterating is read by `sha256`."""

    def __init__(self, body: IO[bytes]) -> None:
        self._body = body
        self._digest = sha256()
        self._zip = zlib.compressobj(level=1)
        self._zipped = bytearray()

    def __iter__(self) -> Iterator[bytes]:
        while chunk := self._body.read(_CHUNK_BYTES):
            self._digest.update(chunk)
            self._zipped += self._zip.compress(chunk)
            yield chunk

    def read(self) -> None:
        """Read what is left of it."""
        for _ in self:
            pass

    @property
    def sha256(self) -> str:
        """Of all of it, in hexadecimal digits."""
        self.read()
        return self._digest.hexdigest()

    def zipped(self) -> bytes:
        """All of it, compressed. To be asked once, after `sha256`."""
        return bytes(self._zipped + self._zip.flush())


class ArrivingObject:
    """A JSON object in chunks of UTF-8. No more than one value of it is held at a time."""

    def __init__(self, chunks: Iterable[bytes], listed: str) -> None:
        """`listed`: the name of the list whose items are given one by one, where it is a list."""
        self.others: dict[str, Any] = {}  # the values of the other names, whole after the last item
        self._listed = listed
        self._chunks = iter(chunks)
        self._utf8 = codecs.getincrementaldecoder("utf-8")()
        self._decode = json.JSONDecoder(parse_constant=_refuse).raw_decode
        self._text = ""
        self._at = 0

    def items(self) -> Iterator[Any]:
        """The items of the list, as they arrive. Raises NotAnObject, perhaps after some of them."""
        try:
            yield from self._members()
        except (ValueError, RecursionError):
            raise NotAnObject from None

    def _members(self) -> Iterator[Any]:
        self._take("{")
        end = self._take("}") if self._next() == "}" else ""
        while end != "}":
            name = self._value()
            if not isinstance(name, str):
                raise ValueError
            self._take(":")
            if name == self._listed and self._next() == "[":
                yield from self._items()
            else:
                self.others[name] = self._value()
            end = self._take(",}")
        if self._text[self._at :].strip(" \t\n\r") or self._more():
            raise ValueError

    def _items(self) -> Iterator[Any]:
        self._take("[")
        end = self._take("]") if self._next() == "]" else ""
        while end != "]":
            yield self._value()
            end = self._take(",]")

    def _value(self) -> Any:
        self._next()
        while True:
            try:
                value, end = self._decode(self._text, self._at)
            except json.JSONDecodeError:
                if not self._more():
                    raise
                continue
            if self._text[end : end + 1] in _AFTER_VALUE or not self._more():  # else a number may go on
                self._at = end
                return value

    def _next(self) -> str:
        while True:
            match = _BLANKS.match(self._text, self._at)
            self._at = match.end() if match else self._at
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._more():
                raise ValueError

    def _take(self, expected: str) -> str:
        character = self._next()
        if character not in expected:
            raise ValueError
        self._at += 1
        return character

    def _more(self) -> bool:
        """Read as much again as is held, so that a long value is not begun too often. Whether there was more."""
        parts = [self._text[self._at :]]
        least, read = max(len(parts[0]), 1), 0
        for chunk in self._chunks:
            parts.append(self._utf8.decode(chunk))
            read += len(parts[-1])
            if read >= least:
                break
        else:
            parts.append(self._utf8.decode(b"", final=True))
        self._text, self._at = "".join(parts), 0
        return read > 0


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
