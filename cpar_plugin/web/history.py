"""What happened to a patient and to a panel, with who, when, and how: as pages and as files."""

from typing import Any

from flask import request
from flask.typing import ResponseReturnValue

from ..domain.refusals import Refused
from ..domain.wording import wordings
from ..hooks import Actor, Host
from ..services.history import looked, of_panel, of_patient
from ..services.history.panel_rows import NO_SUCH_PAGE, Filters, Place
from ..services.history.texts import ChangeGroup
from ..services.operations import access
from ..services.panels.widget import current
from ..services.roster import merges
from ..settings import load
from . import looks
from .downloads import csv_download
from .inputs import day
from .rendering import page
from .return_address import patient_page
from .serving import ID, Needs, Route

_LONGEST_ID = 60
_RECENT_LOOKS = 10


def patient_history(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Each change, check, and submission of one patient."""
    merges.catch_up_to_show(host)
    membership = current(host, load(host.settings), patient_id, actor)
    if not membership.enabled:
        access.require_enabled(host)
    looks.note(patient_id)
    administers = host.identity.has(actor, access.REGISTER_CLIENTS)
    recent_looks = looked.looks(host, actor, Filters(), patient_id).looks[:_RECENT_LOOKS] if administers else None
    return page(
        host,
        "Panel history",
        "patient_history.html",
        section="",
        name=membership.name,
        patient_id=patient_id,
        events=of_patient.of_patient(host, actor, patient_id),
        recent_looks=recent_looks,
        manages=host.identity.has(actor, access.MANAGE),
        wording=wordings(host.roster),
        patient_page=patient_page(host, patient_id),
    )


def export_patient_history(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """The same as a file."""
    merges.catch_up_to_show(host)
    access.require_enabled(host)
    today = host.clock.now().astimezone(host.clock.zone).date()
    return csv_download(
        host, actor, f"history of record {patient_id} {today}", of_patient.export(host, actor, patient_id)
    )


def panel_history(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """A page of what happened to a panel; days that are not dates are asked for again."""
    messages: dict[str, str] = {}
    filters = _filters(messages)
    after = Place.parse(request.args["after"]) if request.args.get("after") else None
    history = of_panel.of_panel(host, actor, panel_id, filters, after)
    return page(
        host,
        f"History of panel {history.number}",
        "panel_history.html",
        422 if messages else 200,
        panel_id=panel_id,
        history=history,
        groups=ChangeGroup,
        kept=_kept(),
        following={**_kept(), "after": history.following.text} if history.following else None,
        messages=messages,
    )


def export_panel_history(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """All that fits the filters."""
    messages: dict[str, str] = {}
    filters = _filters(messages)
    if messages:
        raise Refused(messages)
    number, chunks = of_panel.export(host, actor, panel_id, filters)
    return csv_download(
        host, actor, f"history of panel {number} {host.clock.now().astimezone(host.clock.zone).date()}", chunks
    )


def _kept() -> dict[str, Any]:
    return {name: value for name in ("kind", "by", "first", "last") if (value := request.args.get(name, ""))}


def _filters(messages: dict[str, str]) -> Filters:
    """From the address. Notes what is no date in `messages`; raises Refused for what the page does not offer."""
    kind, by = request.args.get("kind", ""), request.args.get("by", "")
    if (kind and kind not in ChangeGroup.__members__) or len(by) > _LONGEST_ID:
        raise Refused(NO_SUCH_PAGE)
    first, last = (day(request.args.get(field, ""), field, messages) for field in ("first", "last"))
    return Filters(ChangeGroup[kind] if kind else None, by, first, last)


ROUTES_OF_PATIENT = (
    Route(f"/patients/<{ID}:patient_id>/history", patient_history, Needs.THE_PATIENT),
    Route(f"/patients/<{ID}:patient_id>/history/export", export_patient_history, Needs.THE_PATIENT),
)
ROUTES = (
    Route(f"/panels/<{ID}:panel_id>/history", panel_history, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/history/export", export_panel_history, Needs.MANAGEMENT),
)
