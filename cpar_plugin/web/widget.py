"""The panel widget of the patient page, and its three actions."""

from collections.abc import Callable
from functools import partial
from http import HTTPStatus

from flask import make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from ..domain.cautions import Caution
from ..domain.dates import date_text
from ..domain.exhaustive import exhaustive
from ..domain.merged import merged_title
from ..domain.panel_state import PanelState
from ..domain.reasons import Reason
from ..domain.refusals import NotFound, Refused
from ..domain.report_lines import OF_PATIENT
from ..domain.wording import WORDING, wording_for
from ..hooks import Actor, Host, Widget
from ..services.operations import access
from ..services.other_panels import of_patient
from ..services.panels import one_patient
from ..services.panels.listing import panel_meant
from ..services.panels.one_patient import MemberChange
from ..services.panels.widget import ShownMembership, current
from ..services.reports.of_patient import to_do_of
from ..services.roster import separated
from ..settings import load
from . import looks, return_address
from .answers import answer
from .inputs import number, number_or_none
from .interrupted import check_entries, shows_entries
from .removal import removal_of
from .rendering import fragment, in_place, page
from .serving import ID, Needs, Route, status_of

TITLE = "Panel (CPAR)"
NOT_PANELED = "Not Paneled"
AS_BUTTONS = 10
_ORDER = 10
_CHOOSE = "Select a panel from the list."
_RESULTS = exhaustive(
    __name__,
    MemberChange,
    {
        MemberChange.ADDED: "Added to this panel and confirmed today.",
        MemberChange.MOVED: "Moved to this panel and confirmed today.",
        MemberChange.REMOVED: "Removed from the panel.",
        MemberChange.CONFIRMED: "Confirmed today.",
        MemberChange.UNCHANGED: "No change was needed.",
    },
)


def widgets(host: Host, actor: Actor, patient_id: int) -> list[Widget]:
    """The widget for a patient page of the host; none while the integration is off, or for no patient's page."""
    membership = current(host, load(host.settings), patient_id, actor)
    if not (membership.enabled and membership.known):
        return []
    body = _box(host, actor, patient_id, membership)
    return [
        Widget(
            key="cpar",
            title=TITLE,
            body=body,
            refresh_url=url_for("cpar.widget", patient_id=patient_id),
            summary=_summary(membership),
            href=url_for("cpar.patient_panel", patient_id=patient_id),
            order=_ORDER,
        )
    ]


def _summary(membership: ShownMembership) -> str:
    """The box in one line."""
    if membership.merged_into:
        return merged_title(membership.merged_into)
    if not membership.panel:
        return NOT_PANELED
    confirmed = f"confirmed {date_text(membership.confirmed_on)}" if membership.confirmed_on else "never confirmed"
    return f"Panel {membership.panel.label}, {confirmed}"


def _current(host: Host, actor: Actor, patient_id: int) -> ShownMembership:
    """What a page of our own shows. Raises NotFound while the integration is off, and where there is no such record."""
    membership = current(host, load(host.settings), patient_id, actor)
    if not membership.enabled:
        access.require_enabled(host)
    if not membership.known:
        raise NotFound(one_patient.NO_RECORD)
    return membership


def _body(host: Host, patient_id: int, membership: ShownMembership, *, message: str = "", error: str = "") -> Markup:
    with host.database.engine.connect() as connection:
        others_of_kind = of_patient.of_patient(connection, host, patient_id)
    return fragment(
        host,
        "widget.html",
        patient_id=patient_id,
        membership=membership,
        reported=[] if membership.merged_into else to_do_of(host, patient_id),
        of_patient=OF_PATIENT,
        suggested=[panel for panel in membership.of_mrp if panel != membership.panel],
        others=[panel for panel in membership.choices if panel not in (membership.panel, *membership.of_mrp)],
        others_of_kind=others_of_kind,
        today=host.clock.now().astimezone(host.clock.zone).date(),
        as_buttons=AS_BUTTONS,
        not_paneled=NOT_PANELED,
        summary=_summary(membership),
        wording=WORDING,
        wording_for=partial(wording_for, host.roster),
        reasons=Reason,
        cautions=Caution,
        states=PanelState,
        return_to=return_address.return_to(),
        in_place=in_place(),
        message=message,
        error=error,
    )


def _box(
    host: Host, actor: Actor, patient_id: int, membership: ShownMembership, *, message: str = "", error: str = ""
) -> Markup:
    """The body within the host's page of the patient. A setting says whether that is a look of its own."""
    shown = looks.begin(host, actor, "widget")
    body = _body(host, patient_id, membership, message=message, error=error)
    if load(host.settings).record_box:
        shown.note(patient_id)
        shown.record()
    return body


def widget(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """The bare fragment, for a host whose page fetches it."""
    return str(_box(host, actor, patient_id, _current(host, actor, patient_id)))


def patient_panel(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """The widget as a page of its own, for a host that only links to it."""
    return _page(host, actor, patient_id)


def _page(
    host: Host, actor: Actor, patient_id: int, status: HTTPStatus = HTTPStatus.OK, message: str = ""
) -> ResponseReturnValue:
    membership = _current(host, actor, patient_id)
    looks.note(patient_id)
    return page(
        host,
        TITLE,
        "patient_panel.html",
        status,
        section="",
        name=membership.name,
        widget=_body(host, patient_id, membership),
        message=message,
        patient_page=return_address.patient_page(host, patient_id),
    )


def choose_panel(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Add the patient to a panel, or move to another."""

    def choose() -> str:
        panel_id = _chosen(host)
        return _RESULTS[one_patient.choose(host, actor, patient_id, panel_id, seen_panel_id=_panel_id_of_form())]

    return changed(host, actor, patient_id, choose)


def _chosen(host: Host) -> int:
    """By its button, or typed: without script a browser sends what stands in the field."""
    if text := request.form.get("panel", ""):
        with host.database.engine.connect() as connection:
            return panel_meant(connection, host, text)
    return number(request.form.get("panel_id", ""), "panel_id", _CHOOSE)


def confirm_panel(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Set the confirmation date to today."""
    return changed(
        host,
        actor,
        patient_id,
        lambda: _RESULTS[one_patient.confirm(host, actor, patient_id, seen_panel_id=_panel_id_of_form())],
    )


@shows_entries
def leave_panel(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Remove the patient from the current panel, with why."""

    def leave() -> str:
        check_entries()
        removal = removal_of(host, request.form)
        return _RESULTS[one_patient.remove(host, actor, patient_id, seen_panel_id=_panel_id_of_form(), removal=removal)]

    return changed(host, actor, patient_id, leave)


def answer_caution(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Write down that a caution was checked against the card, or take that back."""
    return changed(host, actor, patient_id, lambda: answer(host, actor, request.form))


def keep_inherited(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Keep a membership that came from a record which is apart again."""

    def keep() -> str:
        separated.keep(host, actor, patient_id)
        return "Kept on this panel."

    return changed(host, actor, patient_id, keep)


def changed(host: Host, actor: Actor, patient_id: int, change: Callable[[], str]) -> ResponseReturnValue:
    """Back to the patient's page. A user who is refused gets the panel as it is now with the reason, to decide again.

    `change` returns what was done, in words.
    """
    try:
        message = change()
    except Refused as refused:
        status, error = status_of(refused), str(refused)
        if in_place():
            return make_response(_box(host, actor, patient_id, _current(host, actor, patient_id), error=error), status)
        return _page(host, actor, patient_id, status, error)
    if in_place():
        return str(_box(host, actor, patient_id, _current(host, actor, patient_id), message=message))
    return redirect(return_address.patient_page(host, patient_id), HTTPStatus.SEE_OTHER)


def _panel_id_of_form() -> int | None:
    return number_or_none(request.form.get("seen_panel_id", ""), "", "Reload the patient's page and try again.")


_PATIENT = f"/patients/<{ID}:patient_id>"
ROUTES = (
    Route(f"{_PATIENT}/widget", widget, Needs.THE_PATIENT),
    Route(f"{_PATIENT}/panel", patient_panel, Needs.THE_PATIENT),
    Route(f"{_PATIENT}/choose", choose_panel, Needs.THE_PATIENT, ("POST",)),
    Route(f"{_PATIENT}/confirm", confirm_panel, Needs.THE_PATIENT, ("POST",)),
    Route(f"{_PATIENT}/answer", answer_caution, Needs.THE_PATIENT, ("POST",)),
    Route(f"{_PATIENT}/keep", keep_inherited, Needs.THE_PATIENT, ("POST",)),
    Route(f"{_PATIENT}/remove", leave_panel, Needs.THE_PATIENT, ("POST",)),
)
