"""The body of a submission on its way out: checked while it streams."""

import hashlib
from collections.abc import Iterator

from .values import DeliveryOutcome, DeliveryResult, Envelope

# Small enough that a slow line moves one within the time-out of the socket.
_CHUNK_BYTES = 16 * 1024


class DamagedError(Exception):
    """The stored body is not what was stored under this hash and length."""


class Body:
    """One reading of an envelope's body. A sized iterable: `requests` sends such with a Content-Length.

    The last chunk is only handed out once length and hash are right: of a damaged snapshot the other side never gets a
    complete body. `begun` says whether any of it was asked for, `whole` whether all of it has passed. `failure` is what
    reading raised, if it did.
    """

    def __init__(self, envelope: Envelope) -> None:
        self._envelope = envelope
        self.begun = False
        self.whole = False
        self.failure: Exception | None = None

    def __len__(self) -> int:
        return self._envelope.body_bytes

    def __iter__(self) -> Iterator[bytes]:
        self.begun = True
        try:
            yield from self._checked()
        except Exception as error:
            self.failure = error
            raise

    def _checked(self) -> Iterator[bytes]:
        digest = hashlib.sha256()
        length = 0
        pending = b""
        for chunk in self._chunks():
            digest.update(chunk)
            length += len(chunk)
            if length > self._envelope.body_bytes:
                raise DamagedError
            if pending:
                yield pending
            pending = chunk
        if length != self._envelope.body_bytes or digest.hexdigest() != self._envelope.sha256:
            raise DamagedError
        yield pending
        self.whole = True

    def _chunks(self) -> Iterator[bytes]:
        for piece in self._envelope.open_body():
            for start in range(0, len(piece), _CHUNK_BYTES):
                yield piece[start : start + _CHUNK_BYTES]


def damaged() -> DeliveryResult:
    """The answer for a body that fails its check: nothing complete has left, and sending it again cannot help."""
    return DeliveryResult(
        outcome=DeliveryOutcome.REFUSED,
        message="The stored submission is damaged and was not sent.",
    )
