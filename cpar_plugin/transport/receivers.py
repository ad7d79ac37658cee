"""Addresses that others have chosen: where they may lead, and a call to one.

The machine that answers there may be any. So: https with the certificate checked, no redirects, and no addresses of
this machine or of private networks, unless a setting allows those. The name is looked up once, and what was checked is
what is connected to.
"""

import ssl
from collections.abc import Mapping

from urllib3.exceptions import HTTPError, LocationParseError
from urllib3.util import Url, parse_url

from ..domain.public_address import is_public
from .connection import is_loopback
from .deadline import DeadlineError, addresses, within
from .outgoing import PlainPool, SecuredPool
from .trust import causes, distrusted

_LARGEST_ANSWER = 64 * 1024  # of which nothing is read but its end


class NotPublic(Exception):
    """The name is one of this machine, of a private network, or otherwise no public one."""


class NotTaken(Exception):
    """A receiver did not take what was sent. The message says why, and repeats nothing that it has answered."""


def public_address_of(host: str, port: int, *, private: bool) -> str:
    """One of the numeric addresses of a name. Raises NotPublic unless all are public, or `private` ones are allowed."""
    ip_addresses = [str(address[0]) for _, address in addresses(host, port)]
    if not private and not all(map(is_public, ip_addresses)):
        raise NotPublic
    return ip_addresses[0]


def parsed(address: str, longest: int) -> Url | None:
    """A full address of http or https without user, password and # part; None for anything else."""
    try:
        url = parse_url(address)
    except LocationParseError:
        return None
    written_well = address.isprintable() and " " not in address and len(address) <= longest
    complete = url.scheme in ("http", "https") and url.host and not url.auth and not url.fragment
    return url if written_well and complete else None


def is_secure(url: Url, *, private: bool) -> bool:
    """Whether patients may be sent there: https, or http on this machine where that is allowed."""
    return url.scheme == "https" or (private and is_loopback(url.host or ""))


def post(
    address: str, body: bytes, headers: Mapping[str, str], context: ssl.SSLContext, *, private: bool, seconds: float
) -> None:
    """Send a body there, within so many seconds. Raises NotTaken unless it is answered with a 2xx status."""
    url = parse_url(address)
    host, secure = url.host or "", url.scheme == "https"
    port = url.port or (443 if secure else 80)
    try:
        with (
            within(seconds),
            _pool(public_address_of(host, port, private=private), port, host, context if secure else None) as pool,
            pool.urlopen(
                "POST",
                url.request_uri,
                body=body,
                headers={**headers, "Host": url.netloc or "", "Accept-Encoding": "identity"},
                redirect=False,
                retries=False,
                preload_content=False,
            ) as response,
        ):
            response.read(_LARGEST_ANSWER)
            if not 200 <= response.status < 300:
                raise NotTaken(f"{host} answered with status {response.status}.")
    except NotPublic:
        raise NotTaken(f"{host} is an address of this machine or of a private network.") from None
    except (HTTPError, OSError) as error:
        raise NotTaken(_reason(error, host, seconds)) from None


def _pool(address: str, port: int, host: str, context: ssl.SSLContext | None) -> PlainPool | SecuredPool:
    if context is None:
        return PlainPool(address, port, retries=False)
    return SecuredPool(address, port, ssl_context=context, server_hostname=host.strip("[]"), retries=False)


def _reason(error: Exception, host: str, seconds: float) -> str:
    if distrust := distrusted(error, host):
        return distrust
    if any(isinstance(cause, DeadlineError) for cause in causes(error)):
        return f"{host} did not answer within {seconds:g} seconds."
    return f"No answer came from {host}: the connection failed."
