"""How many patients a panel must have, and what is paid for each: both as the clinic has entered them."""

from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.floor import FLOOR_SOURCES, PUBLISHED, FloorKind, entered_floor
from ..domain.payment import LABEL_LENGTH, Payment, entered_payment
from ..domain.refusals import NotFound, Refused
from ..hooks import Actor, Host
from ..services.operations import clinic, payment
from ..services.panels import floors, listing
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import ID, Needs, Route, status_of


@shows_entries
def panel_floor(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The floor of a panel, and what becomes of the form."""
    with host.database.engine.connect() as connection:
        panel_number, saved = listing.live_number(connection, panel_id), floors.load(connection, panel_id)
    status, messages = HTTPStatus.OK, {}
    kind = saved.floor.kind.value if saved.floor else ""
    patients = str(saved.floor.patients) if kind == FloorKind.OTHER and saved.floor else ""
    if request.method == "POST":
        kind, patients = request.form.get("kind", ""), request.form.get("patients", "")
        version = number(request.form.get("version", ""), "", INCOMPLETE)
        try:
            check_entries()
            floors.save(host, actor, panel_id, version, entered_floor(kind, patients))
        except NotFound:
            raise
        except Refused as refused:
            status, messages = status_of(refused), refused.messages
        else:
            flash(f"The floor of panel {panel_number} was saved.", "cpar")
            return redirect(url_for("cpar.panel_funnel", panel_id=panel_id), HTTPStatus.SEE_OTHER)
    return page(
        host,
        f"Floor of panel {panel_number}",
        "panel_floor.html",
        status,
        panel_id=panel_id,
        version=saved.version,
        kind=kind,
        patients=patients,
        kinds=FloorKind,
        published=PUBLISHED,
        sources=FLOOR_SOURCES,
        messages=messages,
    )


@shows_entries
def payment_settings(host: Host, actor: Actor) -> ResponseReturnValue:
    """The amount for a patient and month, and what becomes of the form."""
    with host.database.engine.connect() as connection:
        saved, site = payment.load(connection), clinic.load(connection)
    status, messages = HTTPStatus.OK, {}
    fields = _fields(saved)
    if request.method == "POST":
        fields = {field: request.form.get(field, "") for field in fields}
        version = number(request.form.get("version", ""), "", INCOMPLETE)
        today = host.clock.now().astimezone(host.clock.zone).date()
        try:
            check_entries()
            payment.save(host, actor, entered_payment(**fields, today=today), version=version)
        except Refused as refused:
            status, messages = status_of(refused), refused.messages
        else:
            flash("What is paid for a patient was saved.", "cpar")
            return redirect(url_for("cpar.payment_settings"), HTTPStatus.SEE_OTHER)
    return page(
        host,
        "What is paid for a patient",
        "payment_settings.html",
        status,
        version=site.version,
        entered=fields,
        longest=LABEL_LENGTH,
        messages=messages,
    )


def _fields(saved: Payment | None) -> dict[str, str]:
    if saved is None:
        return {"amount": "", "label": "", "as_of": ""}
    return {
        "amount": f"{saved.cents // 100}.{saved.cents % 100:02}",
        "label": saved.label,
        "as_of": saved.as_of.isoformat(),
    }


ROUTES = (Route(f"/panels/<{ID}:panel_id>/floor", panel_floor, Needs.MANAGEMENT, ("GET", "POST")),)
ROUTES_OF_SETTINGS = (Route("/settings/payment", payment_settings, Needs.MANAGEMENT, ("GET", "POST")),)
