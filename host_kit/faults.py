"""What users see when something goes wrong, and what the log may hold of it: never a patient's data."""

import logging
import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit

from flask import Flask, current_app, redirect, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError, generate_csrf
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException, RequestEntityTooLarge

from cpar_plugin.hooks import HostBusy, Refused
from cpar_plugin.store.reach import TRY_AGAIN_SECONDS, is_away, took_too_long
from cpar_plugin.web.serving import too_large
from cpar_plugin.web.sign_in import to_sign_in

from .application import BegunByAnother, Interrupted

log = logging.getLogger(__name__)

_INCOMPLETE = "The request could not be read. Go back, reload the page, and submit it again."
_OURS = {"cpar_plugin", "oscar_host", "hooks", "host_kit", "fhir_mappings"}
_NO_HEADERS: Mapping[str, str] = MappingProxyType({})
# Where a script puts the answer into a page, a sentence above what is there.
_IN_PLACE = "Something went wrong: reload the page, then try again."
_ANOTHER = "You are now signed in as {name}"
_BEGUN_BY_ANOTHER = (
    "This form was opened by someone else, so nothing was done. To continue as {name}, open the page again{keep}. If "
    "that is not you, sign in with your own account first."
)
_SIGNED_IN_AGAIN = (
    "You have signed in again since this page was loaded, so nothing was changed: press the button again."
)
_BROKEN_IN_PLACE = "Something went wrong and nothing was changed: try again."
_BROKEN = "Something went wrong on our side; nothing was changed. Try again, or contact your EMR administrator."
_AWAY = "The database is unavailable, so nothing can be shown or changed. Try again in a moment."
_TOO_LONG = "This took too long and was stopped so that others do not have to wait. Try again in a moment."
_BUSY = "The server is busy. Nothing was changed: try again in a moment."
_PLAIN = Markup(
    '<!doctype html>\n<html lang="en-CA">\n<head><meta charset="utf-8"><title>{title}</title></head>\n'
    "<body>\n<main>\n<h1>{title}</h1>\n<p>{message}</p>\n</main>\n</body>\n</html>\n"
)


@dataclass(frozen=True, slots=True)
class FaultPages:
    """How an application shows users that something went wrong.

    `page` makes a page of a title, a message and a status. `begin` says where to restart ("Begin at ..."), `home` is
    that place's address. `signed_out` says whether the session of the current request has ended, and `sign_in_href`
    where to sign in and come back. `keep_form` keeps the request's form for the person with a mark, and returns the
    address at which it is offered again; its second argument is the page with the form.
    """

    page: Callable[[str, str, HTTPStatus], ResponseReturnValue]
    begin: str
    home: Callable[[], str]
    signed_out: Callable[[], bool]
    sign_in_href: Callable[[str], str]
    keep_form: Callable[[str, str], str] | None = None


def handle_faults(app: Flask, pages: FaultPages) -> None:
    """Answer every fault with a page that says what to do."""
    messages = {
        HTTPStatus.NOT_FOUND: f"Page not found. Check the address. {pages.begin}",
        HTTPStatus.METHOD_NOT_ALLOWED: f"This address can only be reached through its form. {pages.begin}",
    }

    def begun_by_another(error: BegunByAnother) -> ResponseReturnValue:
        name = error.actor.display_name
        title = _ANOTHER.format(name=name)
        if request.headers.get("HX-Request"):
            message = _BEGUN_BY_ANOTHER.format(name=name, keep="; what you typed stays here until then")
            return _in_place(f"{title}. {message}", HTTPStatus.CONFLICT)
        # No browser keeps what was typed into a page that may not be stored.
        message = _BEGUN_BY_ANOTHER.format(name=name, keep=" and enter it again")
        return pages.page(title, message, HTTPStatus.CONFLICT)

    def interrupted(error: Interrupted) -> ResponseReturnValue:
        if request.headers.get("HX-Request"):
            return _in_place(_SIGNED_IN_AGAIN, HTTPStatus.CONFLICT, {"CPAR-Form-Token": generate_csrf()})
        page_with_form = _page_with_form(pages)
        try:
            address = pages.keep_form(error.mark, page_with_form) if pages.keep_form else page_with_form
        except (Refused, SQLAlchemyError):  # too large, or nothing can be written
            address = page_with_form
        return redirect(address if error.actor else pages.sign_in_href(address), HTTPStatus.SEE_OTHER)

    def refused(error: HTTPException) -> ResponseReturnValue:
        if isinstance(error, (CSRFError, RequestEntityTooLarge)) and pages.signed_out():
            return _to_sign_in(pages)  # the session has ended, and with it the form's token, or room for a file
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        if status < HTTPStatus.BAD_REQUEST:
            return error
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return _answer(pages, status, status.phrase.capitalize(), too_large(_view()))
        return _answer(pages, status, status.phrase.capitalize(), messages.get(status, _INCOMPLETE))

    def broken(error: Exception) -> ResponseReturnValue:
        if is_away(error):
            log.warning("the database cannot be reached: %s in %s", type(error).__name__, request.endpoint)
            return unavailable("The database is unavailable", _AWAY)
        if took_too_long(error):
            log.warning("the database took too long in %s", request.endpoint)
            return unavailable("This took too long", _TOO_LONG)
        _note(error)
        return _answer(pages, HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong", _BROKEN)

    app.register_error_handler(BegunByAnother, begun_by_another)
    app.register_error_handler(Interrupted, interrupted)
    app.register_error_handler(HTTPException, refused)
    app.register_error_handler(CSRFError, refused)
    app.register_error_handler(HostBusy, lambda _: unavailable("The server is busy", _BUSY))
    app.register_error_handler(Exception, broken)


def _view() -> Callable[..., object] | None:
    return current_app.view_functions.get(request.endpoint or "")


def plain_page(title: str, message: str, status: HTTPStatus) -> ResponseReturnValue:
    """A page without any frame, for when nothing may be asked that the frame shows."""
    return _PLAIN.format(title=title, message=message), status


def unavailable(title: str, message: str) -> ResponseReturnValue:
    """The answer while something is down that comes back by itself, with nothing around it that would need it."""
    headers = {"Retry-After": str(TRY_AGAIN_SECONDS)}
    if request.headers.get("HX-Request") or request.headers.get("Sec-Fetch-Dest") == "empty":
        return _in_place(message, HTTPStatus.SERVICE_UNAVAILABLE, headers)
    return _PLAIN.format(title=title, message=message), HTTPStatus.SERVICE_UNAVAILABLE, headers


def _in_place(sentence: str, status: HTTPStatus, headers: Mapping[str, str] = _NO_HEADERS) -> ResponseReturnValue:
    """The answer to a script of htmx, which puts it on top of what is there, whatever the status."""
    fragment = Markup('<p class="cpar-errors" role="alert" tabindex="-1" autofocus>{}</p>').format(sentence)
    return fragment, status, {"HX-Reswap": "afterbegin", "HX-Reselect": ".cpar-errors", **headers}


def _to_sign_in(pages: FaultPages) -> ResponseReturnValue:
    """And back to the page with the form."""
    return to_sign_in(pages.sign_in_href(_page_with_form(pages)))


def _page_with_form(pages: FaultPages) -> str:
    page = urlsplit(request.headers.get("HX-Current-URL") or request.referrer or "")
    own = page.netloc == request.host and request.endpoint != "sign_in"
    return page._replace(scheme="", netloc="").geturl() if own else pages.home()


def _note(error: Exception) -> None:
    # The places and the kind of the error: its text, and the values of a statement, may be a patient's.
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _OURS & set(Path(frame.filename).parts)]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames[-8:])]
    log.error("%s in %s: %s", type(error).__name__, request.endpoint, " < ".join(places))


def _answer(pages: FaultPages, status: HTTPStatus, title: str, message: str) -> ResponseReturnValue:
    if request.headers.get("HX-Request"):
        return _in_place(_BROKEN_IN_PLACE if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _IN_PLACE, status)
    try:
        return pages.page(title, message, status)
    except Exception:  # the frame asks for much of what may have failed just now
        return plain_page(title, message, status)
