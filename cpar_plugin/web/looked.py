"""Who looked at a patient, and what a person saw: for administrators of the EMR, as pages and as files."""

from functools import partial
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from ..domain.refusals import Refused
from ..hooks import Actor, Host
from ..services.history import looked
from ..services.history.panel_rows import NO_SUCH_PAGE, Filters, Place
from ..services.submissions.patients import visible_patients
from . import looks
from .downloads import csv_download
from .inputs import day
from .rendering import page
from .serving import ID, Needs, Route

TITLE = "Who looked at patients"
_LONGEST_ID = 60


def looks_at_patients(host: Host, actor: Actor) -> ResponseReturnValue:
    """A page of all looks, or of those of one person."""
    return _page(host, actor, TITLE, None)


def looks_at_patient(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """A page of the looks at one patient."""
    with host.database.engine.connect() as connection:
        patient = visible_patients(connection, host, actor, [patient_id]).get(patient_id)
    looks.note(patient_id)
    return _page(host, actor, "Who looked at this patient", patient_id, patient=patient)


def _page(host: Host, actor: Actor, title: str, patient_id: int | None, **context: Any) -> ResponseReturnValue:
    messages: dict[str, str] = {}
    filters = _filters(messages)
    after = Place.parse(request.args["after"]) if request.args.get("after") else None
    listing = looked.looks(host, actor, filters, patient_id, after)
    with host.database.engine.connect() as connection:
        people = looked.people(connection, host)
    address = partial(_address, patient_id)
    older = address("looks", **_kept(), after=listing.following.text) if listing.following else ""
    return page(
        host,
        title,
        "looks.html",
        422 if messages else 200,
        patient_id=patient_id,
        list=listing,
        people=people,
        kept=_kept(),
        all_href=address("looks"),
        latest_href=address("looks", **_kept()) if after else "",
        older_href=older,
        file_href="" if messages else address("export_looks", **_kept()),
        messages=messages,
        **context,
    )


def _address(patient_id: int | None, view: str, **filters: str) -> str:
    if patient_id is None:
        return url_for("cpar.looks_at_patients" if view == "looks" else f"cpar.{view}", **filters)  # type: ignore[arg-type]
    return url_for(f"cpar.{view}_at_patient", patient_id=patient_id, **filters)  # type: ignore[arg-type]


def export_looks(host: Host, actor: Actor) -> ResponseReturnValue:
    """The same as a file: a row for each patient of each look."""
    return _file(host, actor, "looks at patients", None)


def export_looks_at_patient(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """The looks at one patient as a file."""
    return _file(host, actor, f"looks at record {patient_id}", patient_id)


def _file(host: Host, actor: Actor, name: str, patient_id: int | None) -> ResponseReturnValue:
    messages: dict[str, str] = {}
    filters = _filters(messages)
    if messages:
        raise Refused(messages)
    today = host.clock.now().astimezone(host.clock.zone).date()
    return csv_download(host, actor, f"{name} {today}", looked.export(host, filters, patient_id))


def _kept() -> dict[str, str]:
    return {name: value for name in ("by", "first", "last") if (value := request.args.get(name, ""))}


def _filters(messages: dict[str, str]) -> Filters:
    by = request.args.get("by", "")
    if len(by) > _LONGEST_ID:
        raise Refused(NO_SUCH_PAGE)
    first, last = (day(request.args.get(field, ""), field, messages) for field in ("first", "last"))
    return Filters(None, by, first, last)


ROUTES = (
    Route("/looks", looks_at_patients, Needs.ADMINISTRATION),
    Route("/looks/export", export_looks, Needs.ADMINISTRATION),
    Route(f"/patients/<{ID}:patient_id>/looks", looks_at_patient, Needs.ADMINISTRATION),
    Route(f"/patients/<{ID}:patient_id>/looks/export", export_looks_at_patient, Needs.ADMINISTRATION),
)
