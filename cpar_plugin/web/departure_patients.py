"""The patients of a departure by panel: as a list, and as letters to print."""

from http import HTTPStatus
from typing import Any

from flask import request, url_for
from flask.typing import ResponseReturnValue

from ..domain.dates import date_text
from ..domain.departure_texts import DepartureField, filled_letter
from ..domain.names import name_in_sentence
from ..domain.refusals import NotFound
from ..hooks import Actor, Host
from ..services.conflicts import letter_wording
from ..services.departures import affiliations, people, steps
from ..services.departures.people import DepartingGroup, DepartingPatient
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
    ended_id = number_or_none(request.args.get("list", ""), "", INCOMPLETE)
    own = {"": None, "panel": True, "lists": False}
    if request.args.get("who", "") not in own:
        raise NotFound("Patient list not found. Start from the departure's page.")
    group = DepartingGroup(to_panel_id, own[request.args.get("who", "")], ended_id)
    place = page_number(request.args.get("page", ""))
    with host.database.engine.connect() as connection:
        panels = {one.panel_id: one for one in listing.live_panels(connection, host)}
        found = steps.required(connection, panel_id)
        if panel_id not in panels or to_panel_id not in (None, *panels):
            raise NotFound(listing.NO_SUCH_PANEL)
        move = steps.last_move(connection, found)
        offset = (place - 1) * people.PAGE
        listed = people.patients(connection, host, actor, found, move, group, offset)
        of_patients = affiliations.of(connection, host, found)
        site, words = clinic.load(connection), letter_wording.load(connection)
    shown = listed[: people.PAGE]
    for patient in shown:
        looks.note(patient.patient_id)
    source = panels[panel_id]
    common = {
        DepartureField.PROVIDER: " and ".join(name_in_sentence(provider.name) for provider in source.providers),
        DepartureField.LEAVES_ON: date_text(found.leaves_on),
        DepartureField.CLINIC: site.name,
    }
    new_providers = {
        one.panel_id: " or ".join(name_in_sentence(provider.name) for provider in one.providers)
        for one in panels.values()
    }

    def written(patient: DepartingPatient) -> str:
        new_provider = new_providers.get(patient.panel_id or 0) or "another provider of the clinic"
        affiliation = of_patients.sentence(patient.affiliation_id, patient.panel_id)
        return filled_letter(
            found.letter_text,
            common
            | {
                DepartureField.PATIENT: _name(patient),
                DepartureField.NEW_PROVIDER: new_provider,
                DepartureField.AFFILIATION: affiliation,
            },
        )

    target = f"panel {panels[to_panel_id].number}" if to_panel_id else "panels of colleagues"
    if ended_id is not None:
        target = of_patients.label(ended_id)
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
        earlier=_address(panel_id, place - 1) if place > 1 else "",
        later=_address(panel_id, place + 1) if len(listed) > people.PAGE else "",
        place=place,
        ended=ended_id is not None,
    )


def _address(panel_id: int, place: int) -> str:
    which = {name: request.args.get(name) or None for name in ("to", "who", "list")}
    values: dict[str, Any] = {"panel_id": panel_id, "page": place, **which}
    return url_for(request.endpoint or "", **values)


def _name(patient: DepartingPatient) -> str:
    """As on an envelope."""
    return " ".join(filter(None, (patient.given_name, patient.family_name))) or f"Record {patient.patient_id}"


ROUTES = (
    Route(f"/panels/<{ID}:panel_id>/departure/patients", departure_patients, Needs.MANAGEMENT),
    Route(f"/panels/<{ID}:panel_id>/departure/letters", departure_letters, Needs.MANAGEMENT),
)
