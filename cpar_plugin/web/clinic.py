"""The settings behind the gear: Clinic Name and Site ID, and the reasons for removing patients."""

from http import HTTPStatus
from typing import Any

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.refusals import Refused, Stale
from ..domain.removal import RemovalReason
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
    reasons, required = request.form.get("removal_reasons"), None
    if reasons is not None:
        required = "removal_reason_required" in request.form
    version = number(request.form.get("version", ""), "", INCOMPLETE)
    try:
        check_entries()
        service.save(
            host,
            actor,
            name=name,
            site_id=site_id,
            version=version,
            removal_reasons=reasons,
            removal_reason_required=required,
        )
    except Stale:
        return _conflict(host, actor, name, site_id, reasons, required=required)
    except Refused as refused:
        values: dict[str, Any] = {"name": name, "site_id": site_id, "version": version}
        if reasons is not None:
            values |= {"removal_reasons": reasons, "removal_reason_required": required}
        return _form(host, HTTPStatus.UNPROCESSABLE_ENTITY, messages=refused.messages, **values)
    flash("The settings were saved.", "cpar")
    return redirect(url_for("cpar.panels"), HTTPStatus.SEE_OTHER)


def _conflict(
    host: Host, actor: Actor, name: str, site_id: str, reasons: str | None, *, required: bool | None
) -> ResponseReturnValue:
    """The form as entered, next to what another user has saved. Saving again replaces that."""
    with host.database.engine.connect() as connection:
        now, saved = service.load(connection), settings_saved(connection, host)
    fields = [("Clinic Name", [now.name], [name.strip()]), ("Site ID", [now.site_id], [site_id.strip()])]
    values: dict[str, Any] = {"name": name, "site_id": site_id, "version": now.version}
    if reasons is not None:
        entered_reasons = list(filter(None, map(str.strip, reasons.splitlines())))
        fields.append(("More reasons for removing a patient", list(now.removal.own), entered_reasons))
        fields.append(("Require a reason", [_yes(now.removal.required)], [_yes(bool(required))]))
        values |= {"removal_reasons": reasons, "removal_reason_required": required}
    differences = [(field, current, entered) for field, current, entered in fields if current != entered]
    return _form(host, HTTPStatus.CONFLICT, differences=differences, saved=saved, actor_id=actor.actor_id, **values)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _form(
    host: Host, status: HTTPStatus = HTTPStatus.OK, *, messages: dict[str, str] | None = None, **values: Any
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        now = service.load(connection)
    context = {
        "name": now.name,
        "site_id": now.site_id,
        "version": now.version,
        "removal_reasons": "\n".join(now.removal.own),
        "removal_reason_required": now.removal.required,
        "given": [reason.text for reason in RemovalReason],
        "has_check_in": host.schedule is not None,
        **values,
    }
    return page(host, "CPAR settings", "settings.html", status, messages=messages or {}, **context)


ROUTES = (Route("/settings", settings, Needs.MANAGEMENT, ("GET", "POST")),)
