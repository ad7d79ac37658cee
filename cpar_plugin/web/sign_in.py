"""What a user who is not signed in gets, by what has asked: a page, or a script that shows a list or sends a form."""

from http import HTTPStatus

from flask import redirect, request
from flask.typing import ResponseReturnValue
from markupsafe import Markup

_ENDED = Markup(
    '<p class="cpar-errors" role="alert" tabindex="-1" autofocus>You are signed out: <a href="{}" target="_blank" '
    'rel="noopener">sign in again</a>, then press the button again. Nothing was changed.</p>'
)


def to_sign_in(href: str) -> ResponseReturnValue:
    """A page goes to `href` at once, to sign in there. A script may be in a page of the EMR's with work of its own:
    where it sends a form it gets a sentence to put on top of what is there, else an instruction to leave the page.
    """
    if "HX-Request" not in request.headers:
        return redirect(href, HTTPStatus.SEE_OTHER)
    if request.method == "POST":
        return _ENDED.format(href), HTTPStatus.FORBIDDEN, {"HX-Reswap": "afterbegin", "HX-Reselect": ".cpar-errors"}
    return "", HTTPStatus.NO_CONTENT, {"HX-Redirect": href}
