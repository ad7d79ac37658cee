"""Keys that a client publishes at an address of its own (jwks_uri): fetched with care, kept shortly.

The address is entered by an administrator, but the machine that answers there may be any. So: https with the
certificate checked, no redirects, and no addresses of this machine or of private networks (a setting allows those). The
name is looked up once, and what was checked is what is connected to.
"""

import threading
import time
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field

from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from ...domain.refusals import Refused
from ...settings import Settings
from ...transport.deadline import within
from ...transport.outgoing import SecuredPool
from ...transport.receivers import NotPublic, public_address_of
from ...transport.trust import distrusted, trusting
from .keys import LARGEST_SET, PublicKey, usable

_FIELD = "jwks_url"
_LONGEST = 500
_CACHE_SECONDS = 300.0
_AT_ONCE = 3  # of a process; fewer than it has threads


def checked_address(text: str) -> str:
    """The address of a set of keys as it was entered. Raises Refused (`jwks_url`)."""
    address = text.strip()
    try:
        url = parse_url(address)
    except LocationParseError:
        url = Url()
    if url.scheme != "https" or not url.host or not address.isprintable() or " " in address:
        raise _refused("Enter a full URL starting with https, such as https://client.example/jwks.json.")
    if url.auth or url.fragment or len(address) > _LONGEST:
        raise _refused(f"Remove the user name, password and # part; at most {_LONGEST} characters.")
    return address


def fetch(address: str, settings: Settings) -> dict[str, PublicKey]:
    """The usable keys that are published there now. Raises Refused (`jwks_url`) that says what to check."""
    url = parse_url(checked_address(address))
    assert url.host
    try:
        context = trusting(settings.fhir_jwks_ca_file, "fhir_jwks_ca_file", strict=settings.strict_certificates)
    except Refused as refused:
        raise _refused(str(refused)) from None
    try:
        with (
            within(settings.fhir_jwks_seconds),
            SecuredPool(
                _connected_to(url, settings),
                url.port or 443,
                ssl_context=context,
                server_hostname=url.host.strip("[]"),
                retries=False,
            ) as pool,
        ):
            headers = {"Host": url.netloc or "", "Accept": "application/json", "Accept-Encoding": "identity"}
            with pool.urlopen(
                "GET", url.request_uri, headers=headers, redirect=False, retries=False, preload_content=False
            ) as response:
                if response.status != 200:
                    raise _refused(f"The keys could not be fetched: {url.host} answered with status {response.status}.")
                return usable(_limited(response.read1))
    except (HTTPError, OSError) as error:
        why = distrusted(error, url.host) or "Check the address, its certificate and the network."
        raise _refused(f"The keys could not be fetched from {url.host}. {why}") from None


def check_published(address: str, settings: Settings) -> None:
    """Raises Refused (`jwks_url`) unless a usable key is published there now: better said before the first token."""
    if not fetch(address, settings):
        raise _refused("No usable key is published there: need RSA (for RS384) or EC on P-384 (for ES384), with a kid.")


def _connected_to(url: Url, settings: Settings) -> str:
    """One of the addresses of the name. Raises Refused when any of them is private, and those are not allowed."""
    try:
        return public_address_of(url.host or "", url.port or 443, private=settings.fhir_jwks_private_networks)
    except NotPublic:
        raise _refused(
            f"{url.host} is an address of this machine or of a private network, or otherwise no public one. If the "
            "client really is there, the operator can allow it with the setting fhir_jwks_private_networks."
        ) from None


def _limited(read: Callable[[int], bytes]) -> bytes:
    body = b""
    while chunk := read(16 * 1024):
        body += chunk
        if len(body) > LARGEST_SET:
            raise _refused("The document published there is too long.")
    return body


class Busy(Exception):
    """The keys are needed, and others are being fetched. The next request in a moment finds them."""


@dataclass(slots=True)
class _CachedKeys:
    keys: dict[str, PublicKey] = field(default_factory=dict)  # of the last fetch that worked
    fetched_at: float = float("-inf")
    tried_at: float = float("-inf")
    failure: str = ""  # of the last try
    being_fetched: bool = False


class PublishedKeys:
    """Keeps what was fetched, in this process, for five minutes; looks again at once for a key that it does not know.

    A key that is no longer published stops working within those five minutes, unless its address cannot be asked: keys
    that work outlast a fetch that fails. No caller waits for another's fetch, so that an address which is slow holds
    at most one thread, and all of them together a few. May be shared between threads.
    """

    def __init__(self, settings: Settings, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._settings = settings
        self._monotonic = monotonic
        self._entries: defaultdict[str, _CachedKeys] = defaultdict(_CachedKeys)
        self._looking = threading.Lock()  # held for a look at what is kept, never while something is fetched
        self._places = threading.BoundedSemaphore(_AT_ONCE)

    def find(self, address: str, kid: str) -> PublicKey | None:
        """The key of this id, None when none is published. Raises Refused when the keys cannot be fetched, and Busy."""
        with self._looking:
            entry, now = self._entries[address], self._monotonic()
            key = entry.keys.get(kid)
            fresh = key is not None and now - entry.fetched_at < _CACHE_SECONDS
            to_be_fetched = not fresh and now - entry.tried_at >= self._settings.fhir_jwks_again_seconds
            starts_fetch = to_be_fetched and not entry.being_fetched and self._places.acquire(blocking=False)
            if starts_fetch:
                entry.being_fetched, entry.tried_at = True, now
            elif key is None and (to_be_fetched or entry.being_fetched):
                raise Busy
        if starts_fetch:
            self._fetch(address, entry)
            key = entry.keys.get(kid)
        if key is None and entry.failure:
            raise _refused(entry.failure)
        return key

    def _fetch(self, address: str, entry: _CachedKeys) -> None:
        try:
            entry.keys, entry.fetched_at, entry.failure = fetch(address, self._settings), self._monotonic(), ""
        except Refused as refused:
            entry.failure = str(refused)
        finally:
            with self._looking:
                entry.being_fetched = False
            self._places.release()


def _refused(message: str) -> Refused:
    return Refused({_FIELD: message})
