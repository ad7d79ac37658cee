"""What people see when something goes wrong, and what the log may hold of it: never a patient's data."""

import logging
import traceback
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

from flask import Flask, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError
from werkzeug.exceptions import HTTPException

from ..identity import SESSION_KEY
from .frame import emr, page

log = logging.getLogger(__name__)

_WORDS = {
    HTTPStatus.NOT_FOUND: "There is no such page. Check the address, or begin at the patient search.",
    HTTPStatus.METHOD_NOT_ALLOWED: "This address is only reached through its form. Begin at the patient search.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "The form is too large. Go back, enter less, and send it once more.",
}
_INCOMPLETE = "The request could not be read. Go back, load the page again, and send it once more."
_OURS = {"cpar_plugin", "oscar_host", "hooks", "fhir_mappings"}
_BROKEN = "Something went wrong here; nothing was changed. Try again. If it stays, tell whoever looks after the EMR."
_PLAIN = Markup(
    '<!doctype html>\n<html lang="en-CA">\n<head><meta charset="utf-8"><title>{title}</title></head>\n'
    "<body>\n<main>\n<h1>{title}</h1>\n<p>{message}</p>\n</main>\n</body>\n</html>\n"
)


def handle_faults(app: Flask) -> None:
    """Answer every fault with a page that says what to do."""
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(CSRFError, _refused)
    app.register_error_handler(Exception, _broken)


def _refused(error: HTTPException) -> ResponseReturnValue:
    if isinstance(error, CSRFError) and SESSION_KEY not in session:
        return _to_sign_in()  # the session has ended, and with it the form's token
    status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
    if status < HTTPStatus.BAD_REQUEST:
        return error
    return _answer(status, status.phrase.capitalize(), _WORDS.get(status, _INCOMPLETE))


def _to_sign_in() -> ResponseReturnValue:
    """And back to the page with the form. A script that has sent it is told to leave that page."""
    page_with_form = urlsplit(request.referrer or "")
    own = page_with_form.netloc == request.host and request.endpoint != "sign_in"
    href = emr().host.pages.sign_in_href(page_with_form.path if own else url_for("search"))
    if request.headers.get("HX-Request"):
        return "", HTTPStatus.NO_CONTENT, {"HX-Redirect": href}
    return redirect(href, HTTPStatus.SEE_OTHER)


def _broken(error: Exception) -> ResponseReturnValue:
    # The places and the kind of the error: its text, and the values of a statement, may be a patient's.
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if _OURS & set(Path(frame.filename).parts)]
    places = [f"{Path(frame.filename).name}:{frame.lineno} {frame.name}" for frame in reversed(frames[-8:])]
    log.error("%s in %s: %s", type(error).__name__, request.endpoint, " < ".join(places))
    return _answer(HTTPStatus.INTERNAL_SERVER_ERROR, "Something went wrong", _BROKEN)


def _answer(status: HTTPStatus, title: str, message: str) -> ResponseReturnValue:
    try:
        return page(title, "message.html", status, message=message, home=True)
    except SQLAlchemyError:
        return _PLAIN.format(title=title, message=message), status
