"""Where people land who are not signed in: OSCAR's own sign-in, or the fallback against its table `security`."""

import logging
from http import HTTPStatus
from ipaddress import ip_address, ip_network

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from cpar_plugin.host_kit.clock import today
from cpar_plugin.host_kit.throttle import Throttle

from ..accounts import Pin, account_of
from ..own_sessions import current_sessions
from .frame import home, page, sidecar

log = logging.getLogger(__name__)

_WRONG = (
    "The user name, password or PIN is incorrect, or the account cannot be used here. Try again, or ask an EMR "
    "administrator."
)
_TOO_MANY = "Too many wrong passwords. Wait a minute, then try again."


def signed_out() -> ResponseReturnValue:
    """How to sign in to OSCAR, and on to the page that was asked for as soon as that is done."""
    back_to = _own_path(request.args.get("next", ""))
    if sidecar().host.identity.current():
        return redirect(back_to, HTTPStatus.SEE_OTHER)
    return page(
        "Sign in to OSCAR",
        "signed_out.html",
        oscar=sidecar().settings.oscar_pages,
        back_to=back_to,
        again=url_for("sign_in", next=back_to),
        seconds=f"{sidecar().settings.session_seconds:g}",
    )


def sign_in() -> ResponseReturnValue:
    """The form of the fallback, and who comes in through it."""
    back_to = _own_path(request.values.get("next", ""))
    if request.method == "GET":
        return _sign_in_page(HTTPStatus.OK, "", back_to, "")
    user_name, address = request.form.get("user_name", ""), request.remote_addr or ""
    throttle: Throttle = current_app.extensions["sidecar_throttle"]
    host = sidecar().host
    attempt = throttle.begin(user_name, address, host.clock.now())
    if attempt is None:
        return _sign_in_page(HTTPStatus.TOO_MANY_REQUESTS, _TOO_MANY, back_to, user_name)
    password, pin = request.form.get("password", ""), Pin(request.form.get("pin", ""), _inside(address))
    with host.database.engine.connect() as connection:
        present, day = host.identity.tables_present(), today(host.clock)
        account = account_of(connection, host.tables, present, user_name, password, day, pin)
    if account is None:
        log.warning("A sign-in from %s was refused.", address)
        return _sign_in_page(HTTPStatus.UNPROCESSABLE_ENTITY, _WRONG, back_to, user_name)
    throttle.passed(attempt)
    current_sessions().begin(account)
    return redirect(back_to, HTTPStatus.SEE_OTHER)


def _sign_in_page(status: HTTPStatus, message: str, back_to: str, user_name: str) -> ResponseReturnValue:
    more = {"back_to": back_to, "user_name": user_name, "message": message, "keeps_no_cookie": _keeps_no_cookie()}
    return page("Sign in", "sign_in.html", status, **more)


def _keeps_no_cookie() -> bool:
    """Whether the browser will not keep the session's cookie: over plain HTTP, where cookies are for HTTPS alone.

    Browsers send Fetch Metadata over HTTPS, which a proxy may not have told us of, and on the machine itself, where
    they keep such cookies over HTTP as well.
    """
    plain = not request.is_secure and "Sec-Fetch-Site" not in request.headers
    return plain and bool(current_app.config["SESSION_COOKIE_SECURE"])


def _inside(address: str) -> bool:
    """Whether an address is in one of the clinic's own networks."""
    try:
        ip = ip_address(address)
    except ValueError:
        return False
    return any(ip in ip_network(network) for network in sidecar().settings.inside_networks.split())


def sign_out() -> ResponseReturnValue:
    """End the session of the fallback."""
    current_sessions().end()
    return redirect(url_for("sign_in"), HTTPStatus.SEE_OTHER)


def _own_path(path: str) -> str:
    """The path to go on to, if it is one of this site; a foreign one would send people elsewhere with our word."""
    on_this_site = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if on_this_site else home()
