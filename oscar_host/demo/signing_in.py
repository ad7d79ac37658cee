"""Sign-in and sign-out of the embedded EMR."""

from http import HTTPStatus

from flask import current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue

from cpar_plugin.host_kit.clock import today
from cpar_plugin.host_kit.throttle import Throttle

from ..accounts import account_of
from ..own_sessions import current_sessions
from .frame import emr, page

_WRONG = "The user name or password is incorrect, or the account is locked. Try again, or ask an EMR administrator."
_TOO_MANY = "Too many wrong passwords. Wait a minute, then try again."


def sign_in() -> ResponseReturnValue:
    """The form, and who comes in through it."""
    back_to = _own_path(request.values.get("next", ""))
    if request.method == "GET":
        return page("Sign in", "sign_in.html", back_to=back_to, user_name="", message="")
    user_name, password = request.form.get("user_name", ""), request.form.get("password", "")
    throttle: Throttle = current_app.extensions["emr_throttle"]
    host = emr().host
    attempt = throttle.begin(user_name, request.remote_addr or "", host.clock.now())
    if attempt is None:
        return _sign_in_page(HTTPStatus.TOO_MANY_REQUESTS, _TOO_MANY, back_to, user_name)
    with host.database.engine.connect() as connection:
        present, day = host.identity.tables_present(), today(host.clock)
        account = account_of(connection, host.tables, present, user_name, password, day)
    if account is None:
        return _sign_in_page(HTTPStatus.UNPROCESSABLE_ENTITY, _WRONG, back_to, user_name)
    throttle.passed(attempt)
    current_sessions().begin(account)
    return redirect(back_to, HTTPStatus.SEE_OTHER)


def _sign_in_page(status: HTTPStatus, message: str, back_to: str, user_name: str) -> ResponseReturnValue:
    return page("Sign in", "sign_in.html", status, back_to=back_to, user_name=user_name, message=message)


def sign_out() -> ResponseReturnValue:
    """End the session."""
    current_sessions().end()
    return redirect(url_for("sign_in"), HTTPStatus.SEE_OTHER)


def _own_path(path: str) -> str:
    """The path to go on to, if it is one of this site; a foreign one would send people elsewhere with our word."""
    on_this_site = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if on_this_site else url_for("search")
