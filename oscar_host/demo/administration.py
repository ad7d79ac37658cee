"""The administration of the embedded EMR: its entry page, and the pages that only administrators open."""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from flask.typing import ResponseReturnValue

from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor

from .frame import emr, menu, page

SECTION = "Administration"

_NO_MENU = "Your roles do not give access to the administration. Ask an EMR administrator if you need it."
_NO_ADMINISTRATOR = "Only users with the admin role can manage roles. Ask one of them."

View = Callable[..., ResponseReturnValue]


def administration(actor: Actor) -> ResponseReturnValue:
    """Where the administration begins, for everyone who may open a part of it."""
    if not menu(actor):
        return page("Nothing to administer", "message.html", HTTPStatus.FORBIDDEN, message=_NO_MENU, home=True)
    return page("Administration", "administration.html", section=SECTION)


def for_administrators(view: View) -> View:
    """The view for administrators; what it refuses without a form to show it in becomes a page."""

    @wraps(view)
    def answer(actor: Actor, **arguments: int) -> ResponseReturnValue:
        if not emr().host.identity.administers(actor):
            return refusal("No access to this page", HTTPStatus.FORBIDDEN, _NO_ADMINISTRATOR)
        try:
            return view(actor, **arguments)
        except Refused as refused:
            title = "Not found" if isinstance(refused, NotFound) else "Something went wrong"
            return refusal(title, status_of(refused), str(refused))

    return answer


def refusal(title: str, status: HTTPStatus, message: str) -> ResponseReturnValue:
    """A page of the administration that says no, and what to do."""
    return page(title, "message.html", status, section=SECTION, message=message, home=False)


def status_of(refused: Refused) -> HTTPStatus:
    """The status with which a refusal is answered."""
    if isinstance(refused, NotFound):
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.CONFLICT if isinstance(refused, Stale) else HTTPStatus.UNPROCESSABLE_ENTITY
