"""Letters to other clinics: their wording in the settings, one of them, and all of a day to print."""

from collections.abc import Sequence
from datetime import date
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.dates import date_text
from ..domain.departure_texts import DEFAULT_LETTER, DepartureField, example_letter
from ..domain.letters import DEFAULT_TEXT, LetterField
from ..domain.refusals import Refused, Stale
from ..hooks import Actor, Host
from ..services.conflicts import letter_wording, letters
from ..services.conflicts.letters import Letter
from ..services.operations import clinic
from . import looks
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import ID, Needs, Route


def letter(host: Host, actor: Actor, letter_id: int) -> ResponseReturnValue:
    """One letter, to print; withdrawing it, then back to it."""
    if request.method == "POST":
        is_open = letters.withdraw(host, actor, letter_id)
        flash("The letter was withdrawn." + (" The line is open again." if is_open else ""), "cpar")
        return redirect(url_for("cpar.letter", letter_id=letter_id), HTTPStatus.SEE_OTHER)
    with host.database.engine.connect() as connection:
        found = letters.required(connection, host, actor, letter_id)
    return _print(host, f"Letter of {date_text(found.day)}", [found])


def letters_of_day(host: Host, actor: Actor) -> ResponseReturnValue:
    """All letters sent on a day, today without one, each on a sheet of its own."""
    text = request.args.get("day", "")
    try:
        day = date.fromisoformat(text) if text else host.clock.now().astimezone(host.clock.zone).date()
    except ValueError:
        raise Refused("Enter a day such as 2026-12-07.") from None
    with host.database.engine.connect() as connection:
        found, days = letters.sent_on(connection, host, actor, day), letters.days(connection, host, actor)
    return _print(host, f"Letters of {date_text(day)}", found, day, days)


def _print(
    host: Host, title: str, shown: Sequence[Letter], day: date | None = None, days: Sequence[date] = ()
) -> ResponseReturnValue:
    for each in shown:
        looks.note(each.patient_id)
    return page(host, title, "letters_print.html", letters=shown, day_shown=day, days=days)


@shows_entries
def letter_settings(host: Host, actor: Actor) -> ResponseReturnValue:
    """The form, its preview, and what becomes of it. Reset enters our letter, which is saved like another."""
    with host.database.engine.connect() as connection:
        saved, site = letter_wording.load(connection), clinic.load(connection)
    if request.method == "GET":
        return _form(host, saved, site)
    action = request.form.get("action", "save")
    form = request.form
    text = DEFAULT_TEXT if action == "reset" else form.get("text", "")
    to_patients = DEFAULT_LETTER.strip() if action == "reset-departure" else form.get("letter_text", "")
    entered = letter_wording.LetterWording(form.get("letterhead", ""), text, to_patients)
    version = number(request.form.get("version", ""), "", INCOMPLETE)
    try:
        check_entries()
        if action == "preview":
            return _form(host, letter_wording.check(*entered), site, preview=True)
        letter_wording.save(host, actor, *entered, version=version)
    except Refused as refused:
        status = HTTPStatus.CONFLICT if isinstance(refused, Stale) else HTTPStatus.UNPROCESSABLE_ENTITY
        return _form(host, entered, site, status, refused.messages)
    flash("The letter was saved.", "cpar")
    return redirect(url_for("cpar.letter_settings"), HTTPStatus.SEE_OTHER)


def _form(
    host: Host,
    wording: letter_wording.LetterWording,
    site: clinic.Clinic,
    status: HTTPStatus = HTTPStatus.OK,
    messages: dict[str, str] | None = None,
    *,
    preview: bool = False,
) -> ResponseReturnValue:
    return page(
        host,
        "Letters",
        "letter_settings.html",
        status,
        wording=wording,
        site=site,
        preview=letters.example(site, wording) if preview else "",
        preview_of_departure=example_letter(wording.departure, site.name, wording.letterhead) if preview else "",
        fields=[f"{{{field}}}" for field in LetterField],
        departure_fields=[f"{{{field}}}" for field in DepartureField],
        messages=messages or {},
    )


ROUTES = (
    Route("/reports/letters", letters_of_day, Needs.MANAGEMENT),
    Route(f"/reports/letters/<{ID}:letter_id>", letter, Needs.MANAGEMENT, ("GET", "POST")),
)
ROUTES_OF_SETTINGS = (Route("/settings/letters", letter_settings, Needs.MANAGEMENT, ("GET", "POST")),)
