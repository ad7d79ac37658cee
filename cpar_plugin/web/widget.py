"""The panel widget of the patient page, and its three actions."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ..domain.refusals import Stale
from ..hooks import Actor, Host, Widget
from ..services import access, members
from .inputs import number, number_or_none
from .rendering import fragment, page
from .serving import ID, Needs, Route

TITLE = "Panel (CPAR)"
NOT_PANELED = "Not Paneled"
AS_BUTTONS = 10
_ORDER = 10
_CHOOSE = "Select a panel from the list."


def widgets(host: Host, patient_id: int) -> list[Widget]:
    """The widget for a patient page of the host; none while the integration is off. One SQL statement."""
    with host.database.engine.connect() as connection:
        membership = members.membership(connection, host, patient_id)
    if not membership.enabled:
        return []
    return [
        Widget(
            key="cpar",
            title=TITLE,
            body=_body(host, patient_id, membership),
            refresh_url=url_for("cpar.widget", patient_id=patient_id),
            summary=membership.panel.label if membership.panel else NOT_PANELED,
            href=url_for("cpar.patient_panel", patient_id=patient_id),
            order=_ORDER,
        )
    ]


def _body(host: Host, patient_id: int, membership: members.Membership) -> Markup:
    return fragment(
        host,
        "widget.html",
        patient_id=patient_id,
        membership=membership,
        others=[panel for panel in membership.choices if panel != membership.panel],
        as_buttons=AS_BUTTONS,
        not_paneled=NOT_PANELED,
    )


def _current(host: Host, patient_id: int) -> Markup:
    with host.database.engine.connect() as connection:
        membership = members.membership(connection, host, patient_id)
    if not membership.enabled:
        access.require_enabled(host)
    return _body(host, patient_id, membership)


def widget(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """The bare fragment, for a host whose page fetches it."""
    return str(_current(host, patient_id))


def patient_panel(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """The widget as a page of its own, for a host that only links to it."""
    return _page(host, patient_id)


def _page(host: Host, patient_id: int, status: HTTPStatus = HTTPStatus.OK, message: str = "") -> ResponseReturnValue:
    return page(
        host,
        TITLE,
        "patient_panel.html",
        status,
        section="",
        widget=_current(host, patient_id),
        message=message,
        patient_href=host.pages.patient_href(patient_id),
    )


def choose_panel(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Add the patient to a panel, or move to another."""
    panel_id = number(request.form.get("panel_id", ""), "panel_id", _CHOOSE)
    return _changed(host, patient_id, partial(members.choose, host, actor, patient_id, panel_id))


def confirm_panel(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Set the confirmation date to today."""
    return _changed(host, patient_id, partial(members.confirm, host, actor, patient_id))


def leave_panel(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Remove the patient from the current panel."""
    return _changed(host, patient_id, partial(members.remove, host, actor, patient_id))


def _changed(host: Host, patient_id: int, change: Callable[..., members.Change]) -> ResponseReturnValue:
    """Back to the patient's page; for whoever was slower, the panel as it is now, to decide again."""
    try:
        change(seen_panel_id=_seen())
    except Stale as stale:
        return _page(host, patient_id, HTTPStatus.CONFLICT, str(stale))
    return redirect(host.pages.patient_href(patient_id), HTTPStatus.SEE_OTHER)


def _seen() -> int | None:
    return number_or_none(request.form.get("seen_panel_id", ""), "", "Load the patient's page again and choose anew.")


_PATIENT = f"/patients/<{ID}:patient_id>"
ROUTES = (
    Route(f"{_PATIENT}/widget", widget, Needs.THE_PATIENT),
    Route(f"{_PATIENT}/panel", patient_panel, Needs.THE_PATIENT),
    Route(f"{_PATIENT}/choose", choose_panel, Needs.THE_PATIENT, ("POST",)),
    Route(f"{_PATIENT}/confirm", confirm_panel, Needs.THE_PATIENT, ("POST",)),
    Route(f"{_PATIENT}/remove", leave_panel, Needs.THE_PATIENT, ("POST",)),
)
