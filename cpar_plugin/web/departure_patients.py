"""The patients of a departure by panel: as a list, and as letters to print."""

from http import HTTPStatus

from flask import request, url_for
from flask.typing import ResponseReturnValue

from ..domain.dates import date_text
from ..domain.departure_texts import DepartureField, filled_letter
from ..domain.refusals import NotFound
from ..hooks import Actor, Host
from ..services.conflicts import letter_wording
from ..services.departures import plan, steps
from ..services.departures.plan import DepartingPatient
from ..services.operations import clinic
from ..services.panels import listing
from . import looks
from .inputs import INCOMPLETE, number_or_none, page_number
from .rendering import page
from .serving import ID, Needs, Route


def departure_patients(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """Who goes, or went, to one of the panels."""
    return _page(host, actor, panel_id, "departure_patients.html")


def departure_letters(host: Host, actor: Actor, panel_id: int) -> ResponseReturnValue:
    """The letters to them, each on a sheet of its own, as many at a time as the list has."""
    return _page(host, actor, panel_id, "departure_letters.html", with_letters=True)


def _page(host: Host, actor: Actor, panel_id: int, template: str, *, with_letters: bool = False) -> ResponseReturnValue:
    to_panel_id = number_or_none(request.args.get("to", ""), "", INCOMPLETE)
    place = page_number(request.args.get("page", ""))
    with host.database.engine.connect() as connection:
        panels = {one.panel_id: one for one in listing.live_panels(connection, host)}
        found = steps.required(connection, panel_id)
        if panel_id not in panels or to_panel_id not in (None, *panels):
            raise NotFound(listing.NO_SUCH_PANEL)
        move = steps.last_move(connection, found)
        offset = (place - 1) * plan.PAGE
        listed = plan.patients(connection, host, actor, found, move, to_panel_id, offset)
        site, words = clinic.load(connection), letter_wording.load(connection)
    shown = listed[: plan.PAGE]
    for patient in shown:
        looks.note(patient.patient_id)
    source = panels[panel_id]
    common = {
        DepartureField.PROVIDER: " and ".join(provider.name for provider in source.providers),
        DepartureField.LEAVES_ON: date_text(found.leaves_on),
        DepartureField.CLINIC: site.name,
    }
    new_providers = {one.panel_id: " or ".join(provider.name for provider in one.providers) for one in panels.values()}

    def written(patient: DepartingPatient) -> str:
        new_provider = new_providers.get(patient.panel_id) or "another provider of the clinic"
        own = {DepartureField.PATIENT: _name(patient), DepartureField.NEW_PROVIDER: new_provider}
        return filled_letter(found.letter_text, common | own)

    target = f"panel {panels[to_panel_id].number}" if to_panel_id else "panels of colleagues"
    return page(
        host,
        f"Panel {source.number}: patients to {target}",
        template,
        HTTPStatus.OK,
        panel=source,
        target=target,
        moved=move is not None and not move.undone,
        patients=shown,
        labels={one.panel_id: one.label for one in panels.values()},
        letters=[(patient, written(patient)) for patient in shown] if with_letters else (),
        letterhead="\n".join(filter(None, (site.name, words.letterhead))),
        today=host.clock.now().astimezone(host.clock.zone).date(),
        earlier=_address(panel_id, to_panel_id, place - 1) if place > 1 else "",
        later=_address(panel_id, to_panel_id, place + 1) if len(listed) > plan.PAGE else "",
        place=place,
    )


def _address(panel_id: int, to_panel_id: int | None, place: int) -> str:
    return url_for(request.endpoint or "", panel_id=panel_id, to=to_panel_id, page=place)


def _name(patient: DepartingPatient) -> str:
    """As on an envelope."""
    return " ".join(filter(None, (patient.given_name, patient.family_name))) or f"Record {patient.patient_id}"


ROUTES = (
    Route(f"/panels/<{ID}:panel_id>/departure/patients", departure_patients, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/departure/letters", departure_letters, Needs.MANAGEMENT),
)
