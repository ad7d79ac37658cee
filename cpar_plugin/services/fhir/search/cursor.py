"""Where a search continues, as an opaque text.

It holds the search values, which may be patient data, and appears in addresses: it is encrypted, and cannot be forged.
"""

import zlib
from base64 import urlsafe_b64encode
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import orjson
from cryptography.fernet import Fernet, InvalidToken

from .page import Position
from .request import Pairs
from .values import BadSearch

LONGEST = 8000  # characters


class Cursors:
    """Makes cursors and reads them back, with a key drawn from the application's secret."""

    def __init__(self, secret: str | bytes) -> None:
        raw = secret.encode() if isinstance(secret, str) else secret
        self._fernet = Fernet(urlsafe_b64encode(sha256(b"cpar search cursor\0" + raw).digest()))

    def written(self, kind: str, pairs: Pairs, position: Position) -> str:
        """The text for a search of this kind that continues at a position."""
        content = {
            "kind": kind,
            "pairs": pairs,
            "began": position.began.timestamp(),
            "after": [_plain(key) for key in position.after],
            "member": position.member,
            "total": position.total,
        }
        return self._fernet.encrypt(zlib.compress(orjson.dumps(content))).decode().rstrip("=")

    def read(self, kind: str, text: str) -> tuple[list[tuple[str, str]], Position]:
        """The search's parameters, and where it continues. Raises BadSearch for a cursor that we did not issue."""
        try:
            if len(text) > LONGEST or not text.isascii() or "=" in text:
                raise InvalidToken
            content = orjson.loads(zlib.decompress(self._fernet.decrypt(text + "=" * (-len(text) % 4))))
        except InvalidToken:
            content = {}
        if content.get("kind") != kind:
            raise BadSearch("This is not a page of this search. Start the search again.")
        pairs = [(name, value) for name, value in content["pairs"]]
        after = tuple(_key(key) for key in content["after"])
        began = datetime.fromtimestamp(content["began"], UTC)
        return pairs, Position(began, after, content["member"], content["total"])


def _plain(key: Any) -> Any:
    return {"moment": key.timestamp()} if isinstance(key, datetime) else key


def _key(key: Any) -> Any:
    return datetime.fromtimestamp(key["moment"], UTC) if isinstance(key, dict) else key
