"""How every page of the plugin is served: who asks, may they, is it their own form, and what a refusal looks like."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from typing import Any, assert_never
from urllib.parse import urlsplit

from flask import g, make_response, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import validate_csrf
from werkzeug.exceptions import HTTPException
from wtforms.validators import ValidationError

from ..domain.refusals import NotFound, Refused, Stale
from ..hooks import Actor, Host, is_polled, largest_body
from ..services.operations import access
from ..services.operations.kept import Expired
from ..store.types import LAST_KEY
from . import looks
from .rendering import fragment, page
from .return_address import patient_page
from .searches import EXPIRED, SEARCH_AGAIN
from .sign_in import to_sign_in
from .tabs import Tab, open_tab

LARGEST_FORM = 256 * 1024
ID = f"int(max={LAST_KEY})"  # a larger number is no address

View = Callable[..., ResponseReturnValue]

_TOO_OLD = "This form has expired or came from another site. Go back, reload the page, and submit it again."
_WORDS = {HTTPStatus.BAD_REQUEST: "The form was incomplete. Go back and submit it again."}
_MEGABYTE = 1024 * 1024


class Needs(Enum):
    """The right that a page asks for."""

    THE_PATIENT = "may see the patient"
    MANAGEMENT = "may manage panels"
    ADMINISTRATION = "administers the EMR"
    SIGN_IN = "is signed in"


@dataclass(frozen=True, slots=True)
class Route:
    """An address, the view that answers it, and the right without which it does not.

    The view is called with the host, the actor and the parts of the address. Its name is the endpoint's name.
    """

    path: str
    view: View
    needs: Needs
    methods: tuple[str, ...] = ("GET",)


def serve(host: Host, tab: Tab | None, route: Route, **arguments: Any) -> ResponseReturnValue:
    """Answer one request, by a page below the tab.

    Whom it shows is recorded before it leaves. Refusals become pages: 400, 403, 404, 409, 410, 413 or 422, each with
    what to do.
    """
    request.max_content_length = largest_body(route.view) or LARGEST_FORM
    actor = host.identity.current()
    if actor is None:
        return to_sign_in(host.pages.sign_in_href(_back_to(host, route, arguments)))
    open_tab(tab, actor)
    shown = looks.begin(host, actor)
    try:
        _check_right(host, actor, route.needs, arguments)
        if request.method == "POST":
            validate_csrf(request.form.get("csrf_token", ""))
        answer = route.view(host, actor, **arguments)
        shown.record()
        return answer
    except access.Forbidden as forbidden:
        return refusal(host, HTTPStatus.FORBIDDEN, str(forbidden))
    except ValidationError:
        return refusal(host, HTTPStatus.BAD_REQUEST, _TOO_OLD)
    except HTTPException as error:
        status = HTTPStatus(error.code or HTTPStatus.INTERNAL_SERVER_ERROR)
        if status is HTTPStatus.REQUEST_ENTITY_TOO_LARGE:
            return refusal(host, status, too_large(route.view))
        return refusal(host, status, _WORDS.get(status, status.description))
    except Expired:
        return _expired(host, route, arguments)
    except Refused as refused:
        return refusal(host, status_of(refused), *refused.messages.values())


def too_large(view: Callable[..., Any] | None) -> str:
    """What to do about a request that is larger than the view receives."""
    if largest := largest_body(view):
        return (
            f"The file is larger than {largest // _MEGABYTE} MB. Go back, and upload the list alone, or a part of it."
        )
    return "The form is too large. Go back, enter less, and submit it again."


def status_of(refused: Refused) -> HTTPStatus:
    """404 for what is not there, 409 for the slower one of two users, 422 for everything else."""
    match refused:
        case NotFound():
            return HTTPStatus.NOT_FOUND
        case Stale():
            return HTTPStatus.CONFLICT
        case _:
            return HTTPStatus.UNPROCESSABLE_ENTITY


def refusal(host: Host, status: HTTPStatus, *messages: str) -> ResponseReturnValue:
    """The page that says no, and what to do; to a script the words alone, to be put inside of what it has asked for."""
    if request.headers.get("HX-Request"):
        response = make_response(fragment(host, "refusal_in_place.html", messages=messages), status)
        response.headers["HX-Reswap"] = "innerHTML"
        response.headers["HX-Reselect"] = ".cpar-errors"
        return response
    return page(host, _TITLES.get(status, "Something went wrong"), "refusal.html", status, messages=messages)


def _expired(host: Host, route: Route, arguments: dict[str, Any]) -> ResponseReturnValue:
    """A search that is no longer kept, or is another person's, and the list to search again in."""
    view = route.view.__name__ if "GET" in route.methods else "panels"
    again = url_for(f"cpar.{view}", **(arguments if view != "panels" else {}))
    return page(host, EXPIRED, "refusal.html", HTTPStatus.GONE, messages=[SEARCH_AGAIN], again=again)


_TITLES = {
    HTTPStatus.FORBIDDEN: "No access to this page",
    HTTPStatus.NOT_FOUND: "Not found",
    HTTPStatus.CONFLICT: "Someone else made a change",
}


def _check_right(host: Host, actor: Actor, needs: Needs, arguments: dict[str, Any]) -> None:
    match needs:
        case Needs.SIGN_IN:
            return
        case Needs.THE_PATIENT:
            pass
        case Needs.MANAGEMENT:
            access.require_management(host, actor)
        case Needs.ADMINISTRATION:
            access.require_administrator(host, actor)
        case _:
            assert_never(needs)
    if "patient_id" in arguments:
        access.require_patient(host, actor, arguments["patient_id"])
    if needs is not Needs.THE_PATIENT or request.method == "POST":
        g.cpar_clinic = access.require_enabled(host)
        g.cpar_enabled = True  # so that the menu around the page does not ask again


def _back_to(host: Host, route: Route, arguments: dict[str, Any]) -> str:
    if route.needs is Needs.THE_PATIENT:
        return patient_page(host, arguments["patient_id"])
    if is_polled(route.view):  # it is no page: back to the one that has asked
        asking = urlsplit(request.headers.get("HX-Current-URL", ""))
        return asking.path if asking.netloc == request.host else url_for("cpar.panels")
    return request.script_root + request.path if "GET" in route.methods else url_for("cpar.panels")
