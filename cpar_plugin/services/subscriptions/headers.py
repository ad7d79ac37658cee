"""Headers of notifications: what a receiver knows us by. They are secret, and sealed in the database.

The key is derived from the host's setting `secret_key`, which is in no database and no backup of one.
"""

import hmac
import re
from base64 import urlsafe_b64encode
from collections.abc import Sequence

import orjson
from cryptography.fernet import Fernet, InvalidToken

from ...domain.refusals import Refused
from ...fhir_mappings.subscription import HIDDEN
from ...hooks import Host

_MOST, _LONGEST = 10, 2000
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([ -~]*)")
_OURS = frozenset(
    {
        "accept-encoding",
        "connection",
        "content-encoding",
        "content-length",
        "content-type",
        "expect",
        "host",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)


def checked_headers(lines: Sequence[str], kept: dict[str, str]) -> dict[str, str]:
    """Names and values of lines such as `Authorization: Bearer x`. `***` is the value that is `kept` under the name.

    Raises Refused, which never repeats one.
    """
    headers: dict[str, str] = {}
    if len(lines) > _MOST:
        raise Refused(f"channel.header: at most {_MOST} headers.")
    for line in lines:
        match = _HEADER.fullmatch(line) if len(line) <= _LONGEST else None
        if not match:
            raise Refused(f"channel.header: write each as Name: value, in ASCII, with at most {_LONGEST} characters.")
        name, value = match[1], match[2].strip()
        if name.lower() in _OURS or name.lower() in map(str.lower, headers):
            raise Refused("channel.header: one of the headers is set by this server, or is there twice. Remove it.")
        if value == HIDDEN:
            if name not in kept:
                raise Refused("channel.header: *** means a value that is stored. Send the value itself.")
            value = kept[name]
        headers[name] = value
    return headers


def sealed(host: Host, headers: dict[str, str]) -> bytes | None:
    """What is stored of them; None for none. Raises Refused where the operator has set no `secret_key`."""
    if not headers:
        return None
    box = _box(host)
    if box is None:
        raise Refused("channel.header: this server cannot keep secrets yet. Its operator can set secret_key.")
    return box.encrypt(orjson.dumps(headers))


def opened(host: Host, data: bytes | None) -> dict[str, str]:
    """The same, opened. Raises Refused when they were sealed with another key."""
    if data is None:
        return {}
    box = _box(host)
    try:
        headers: dict[str, str] | None = orjson.loads(box.decrypt(data)) if box else None
    except InvalidToken:
        headers = None
    if headers is None:
        raise Refused("The headers can no longer be read, as this server has another secret_key: send them again.")
    return headers


def _box(host: Host) -> Fernet | None:
    secret = host.settings.get("secret_key", "")
    if not secret:
        return None
    return Fernet(urlsafe_b64encode(hmac.digest(secret.encode(), b"headers of subscriptions", "sha256")))
