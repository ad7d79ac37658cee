"""What OSCAR's own pages fetch of ours: a patient's boxes, entries of the Administration, notes on listed patients.

The scripts in `static/` fetch it and put it in place.
"""

from enum import StrEnum
from http import HTTPStatus
from typing import assert_never

from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue

from cpar_plugin.store.types import LAST_KEY

from .frame import sidecar
from .settings import SidecarSettings

MOST_LISTED = 2_000  # patients that a script asks for at once
_KEPT_SECONDS = 600
_NOTHING = ("", HTTPStatus.NO_CONTENT)
_LONGEST_NUMBER = 10  # digits


class ListPage(StrEnum):
    """Where in OSCAR patients are listed."""

    SCHEDULE = "schedule"
    SEARCH = "search"


def add_loader(app: Flask) -> None:
    """Add the addresses. Each answers 204 where there is nothing that the person who asks may see."""
    app.add_url_rule(f"/page/patients/<int(max={LAST_KEY}):patient_id>", "page_boxes", _boxes)
    app.add_url_rule("/page/menu", "page_menu", _menu)
    app.add_url_rule("/page/notes", "page_notes", notes, methods=["POST"])
    app.after_request(_keep_scripts)


def _keep_scripts(response: Response) -> Response:
    """OSCAR's pages, loaded all day long, wait for no question whether a script of ours is still the same."""
    if request.endpoint == "static" and response.status_code < HTTPStatus.BAD_REQUEST:
        response.cache_control.no_cache = None
        response.cache_control.max_age = _KEPT_SECONDS
    return response


def _boxes(patient_id: int) -> ResponseReturnValue:
    host, plugins = sidecar().host, sidecar().plugins
    actor = host.identity.current()
    if actor is None or not host.identity.may_see(actor, patient_id):
        return _NOTHING
    widgets = plugins.emr_demographic_widgets(host, actor, patient_id)
    return render_template("sidecar/boxes.html", widgets=widgets) if widgets else _NOTHING


def _menu() -> ResponseReturnValue:
    host, plugins = sidecar().host, sidecar().plugins
    actor = host.identity.current()
    items = plugins.emr_admin_menu(host, actor) if actor else ()
    return render_template("sidecar/menu.html", items=items) if items else _NOTHING


def notes() -> ResponseReturnValue:
    """What is said of the patients in a list, as JSON, and for the day sheet what the plugins add to its menu.

    Posted, for a clinic's day does not fit into an address.

    It changes nothing, so that it needs no form's token: the header, which no form of another site can send, is enough.
    """
    if "HX-Request" not in request.headers:
        return "", HTTPStatus.BAD_REQUEST
    numbers = request.form.get("patients", "").split()
    place = request.form.get("place", "")
    if place not in list(ListPage) or len(numbers) > MOST_LISTED or not all(map(_is_number, numbers)):
        return "", HTTPStatus.BAD_REQUEST
    if not _is_enabled(ListPage(place), sidecar().settings):
        return _NOTHING
    host = sidecar().host
    actor = host.identity.current()
    if actor is None:
        return _NOTHING
    plugins = sidecar().plugins
    patient_notes = plugins.emr_patient_notes(host, actor, {int(number) for number in numbers})
    if not patient_notes:
        return _NOTHING
    menu = plugins.emr_schedule_menu(host, actor) if place == ListPage.SCHEDULE else ()
    answer = jsonify(notes=patient_notes, menu=menu)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= _LONGEST_NUMBER


def _is_enabled(place: ListPage, settings: SidecarSettings) -> bool:
    match place:
        case ListPage.SCHEDULE:
            return settings.schedule_marks
        case ListPage.SEARCH:
            return settings.search_column
        case _:
            assert_never(place)
