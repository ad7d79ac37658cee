"""The settings behind the gear: Clinic Name and Site ID."""

from http import HTTPStatus
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.refusals import Refused, Stale
from ..hooks import Actor, Host
from ..services.operations import clinic as service
from ..services.panels.last_saved import settings_saved
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import Needs, Route


@shows_entries
def settings(host: Host, actor: Actor) -> ResponseReturnValue:
    """The form, and what becomes of it."""
    if request.method == "GET":
        return _form(host)
    name, site_id = request.form.get("name", ""), request.form.get("site_id", "")
    version = number(request.form.get("version", ""), "", INCOMPLETE)
    try:
        check_entries()
        service.save(host, actor, name=name, site_id=site_id, version=version)
    except Stale:
        return _conflict(host, actor, name, site_id)
    except Refused as refused:
        values: dict[str, Any] = {"name": name, "site_id": site_id, "version": version}
        return _form(host, HTTPStatus.UNPROCESSABLE_ENTITY, messages=refused.messages, **values)
    flash("The settings were saved.", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def _conflict(host: Host, actor: Actor, name: str, site_id: str) -> ResponseReturnValue:
    """The form as entered, next to what another user has saved. Saving again replaces that."""
    with host.database.engine.connect() as connection:
        now, saved = service.load(connection), settings_saved(connection, host)
    fields = (("Clinic Name", now.name, name.strip()), ("Site ID", now.site_id, site_id.strip()))
    differences = [(field, [current], [entered]) for field, current, entered in fields if current != entered]
    values: dict[str, Any] = {"name": name, "site_id": site_id, "version": now.version}
    return _form(host, HTTPStatus.CONFLICT, differences=differences, saved=saved, actor_id=actor.actor_id, **values)


def _form(
    host: Host, status: HTTPStatus = HTTPStatus.OK, *, messages: dict[str, str] | None = None, **values: Any
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        now = service.load(connection)
    context = {"name": now.name, "site_id": now.site_id, "version": now.version, **values}
    has_check_in = host.schedule is not None
    return page(
        host, "CPAR settings", "settings.html", status, messages=messages or {}, has_check_in=has_check_in, **context
    )


ROUTES = (Route("/settings", settings, Needs.MANAGEMENT, ("GET", "POST")),)
