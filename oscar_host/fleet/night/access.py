"""Who may look at the night: this machine, or those whose client certificate the proxy has verified."""

from http import HTTPStatus
from ipaddress import ip_address
from typing import TYPE_CHECKING, Final

from flask import Request

if TYPE_CHECKING:
    from flask.typing import ResponseReturnValue

VERIFIED: Final = "X-Client-Verify"  # which the proxy sets, whatever a browser sends: nginx's $ssl_client_verify
_SUCCESS: Final = "SUCCESS"
_NAMES: Final = ("localhost", "127.0.0.1", "[::1]")


def is_loopback_address(text: str) -> bool:
    """Whether it is an address that no other machine reaches."""
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return False


def refusal(request: Request, proxy: str) -> "ResponseReturnValue | None":
    """Why a request is not answered; None for one that is.

    `proxy` is the address of the one that verifies client certificates; without one only this machine may ask, by a
    name of its own, so that no page of another site can ask through the operator's browser.
    """
    if proxy:
        if request.remote_addr == proxy and request.headers.get(VERIFIED) == _SUCCESS:
            return None
        return "A client certificate is needed.\n", HTTPStatus.FORBIDDEN, {"Content-Type": "text/plain"}
    host = request.host.rpartition(":")[0] if request.host.rpartition(":")[2].isdigit() else request.host
    if is_loopback_address(request.remote_addr or "") and host in _NAMES:
        return None
    return "Open this page on the machine that serves it.\n", HTTPStatus.FORBIDDEN, {"Content-Type": "text/plain"}
