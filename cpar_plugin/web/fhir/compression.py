"""Answers sent compressed (gzip) to clients that ask for it.

Only where the request brings its own proof. Compression shows by the length of an answer whether what was asked for
is also in it (the attack named BREACH): another site could let a signed-in browser ask, and measure. No site can let a
browser send a token.
"""

from collections.abc import Iterable, Iterator
from http import HTTPStatus

from flask import Response, request
from isal import isal_zlib

SMALLEST = 1400  # bytes: what is smaller fits into one packet of the network as it is
_GZIP, _LEVEL = 16 + isal_zlib.MAX_WBITS, 1  # fast: what is repeated in resources is short and near
_ENCODING = "gzip"


def compress(response: Response) -> None:
    """Compress an answer if the client asks for it. Its ETag stays: a weak one is the same for every encoding.

    HEAD is answered with the same headers, without the length that is only known once everything is compressed.
    """
    if response.status_code not in (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED):
        return
    response.vary.add("Accept-Encoding")
    if response.status_code == HTTPStatus.NOT_MODIFIED:
        return
    length = response.calculate_content_length() if response.is_sequence else None
    if (length is not None and length < SMALLEST) or not _is_accepted():
        return
    response.headers["Content-Encoding"] = _ENCODING
    if length is None or request.method == "HEAD":
        response.headers.pop("Content-Length", None)
        response.response = _zipped(response.iter_encoded())
    else:
        zipper = isal_zlib.compressobj(level=_LEVEL, wbits=_GZIP)
        response.set_data(bytes(zipper.compress(response.get_data()) + zipper.flush()))


def _is_accepted() -> bool:
    if "Cookie" in request.headers and "Authorization" not in request.headers:
        return False
    return bool(request.accept_encodings[_ENCODING] > 0)


def _zipped(chunks: Iterable[bytes]) -> Iterator[bytes]:
    zipper = isal_zlib.compressobj(level=_LEVEL, wbits=_GZIP)
    for chunk in chunks:
        if compressed := zipper.compress(chunk):
            yield compressed
    yield zipper.flush()
