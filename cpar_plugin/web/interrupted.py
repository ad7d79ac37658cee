"""A form that was sent after its session had ended: kept for whoever opened it, and offered again after signing in."""

import hmac
from collections.abc import Callable
from datetime import timedelta
from http import HTTPStatus
from typing import Any, Final, TypeVar

from flask import current_app, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.private_keys import holds_private_key
from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.operations import kept
from .rendering import page
from .serving import Needs, Route

LIFETIME: Final = timedelta(hours=1)
_TOKEN_FIELD, _CHECK = "csrf_token", "check_entries"
_CHECK_ENTRIES = (
    "You were signed out before this was done, so nothing was changed. Check what is entered, then press the button "
    "again."
)
_EXPIRED = "What you entered is no longer available"
_ENTER_AGAIN = (
    "It is kept for an hour, for the user who entered it. Nothing was changed: open the page and enter it again."
)

_View = TypeVar("_View", bound=Callable[..., Any])


def shows_entries(view: _View) -> _View:
    """Mark a view that calls `check_entries` or `to_check` before it does what a form with entries asks for."""
    view.shows_entries = True  # type: ignore[attr-defined]
    return view


def check_entries() -> None:
    """Raises Refused where the form is to be shown again as it was entered, before anything is changed."""
    if messages := to_check():
        raise Refused(messages)


def to_check() -> dict[str, str]:
    """Why the form is to be shown again as it was entered, as a message of no field; {} where it is not."""
    return {"": _CHECK_ENTRIES} if _CHECK in request.form else {}


def mark_of(actor: Actor | None) -> str:
    """The actor's mark in forms' tokens, which does not reveal who it is; '' for no one."""
    key = str(current_app.secret_key).encode()
    return hmac.digest(key, f"forms of {actor.actor_id}".encode(), "sha256").hex()[:32] if actor else ""


def keep_form(host: Host, mark: str, back_to: str) -> str:
    """Keep the form of this request for the person with the mark. Returns the address at which it is offered again.

    Raises Refused if it is too large.
    `back_to` is the page with the form. Neither a file nor a private key is kept.
    """
    fields = [
        (name, text)
        for name, text in request.form.items(multi=True)
        if name != _TOKEN_FIELD and not holds_private_key(text)
    ]
    form = {
        "action": request.script_root + request.path,
        "endpoint": request.endpoint,
        "fields": fields,
        "had_files": any(file.filename for file in request.files.values()),
        "back_to": back_to,
    }
    return url_for("cpar.interrupted_form", form=kept.keep(host, mark, form, LIFETIME))


def interrupted_form(host: Host, actor: Actor) -> ResponseReturnValue:
    """What happened, and the form once more: nothing is carried out before the person presses its button."""
    try:
        form = kept.find(host, mark_of(actor), request.args.get("form", ""))
    except kept.Expired:
        return page(host, _EXPIRED, "refusal.html", HTTPStatus.GONE, section="", messages=[_ENTER_AGAIN])
    view = current_app.view_functions.get(form["endpoint"])
    return page(
        host,
        "You were signed out before this was done",
        "interrupted.html",
        section="",
        form=form,
        check=_CHECK if getattr(view, "shows_entries", False) else "",
    )


ROUTES = (Route("/interrupted", interrupted_form, Needs.SIGN_IN),)
