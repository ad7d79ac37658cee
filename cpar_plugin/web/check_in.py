"""The check-in list: reception asks, and answers with one key."""

from collections.abc import Iterator
from datetime import date
from functools import partial
from http import HTTPStatus
from typing import Any

from flask import flash, make_response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.check_in import KEYS, CheckInAnswer, label_of, offered, patient_can_help, result_text
from ..domain.check_in_questions import CheckInQuestion, spoken
from ..domain.dates import date_text
from ..domain.reasons import Reason
from ..domain.refusals import NotFound, Refused
from ..domain.to_do import ToDo
from ..domain.wording import wording_for
from ..hooks import Actor, Host
from ..services.check_in import answering, listing, wording
from ..services.check_in.listing import CheckInRow
from ..services.operations import access
from ..settings import load
from . import looks
from .inputs import INCOMPLETE, number_or_none
from .rendering import fragment, page
from .serving import ID, Needs, Route, status_of

TITLE = "Check-in"


def check_in(host: Host, actor: Actor) -> ResponseReturnValue:
    """Today's appointments with something to ask."""
    access.require_enabled(host)
    settings = load(host.settings)
    shown = listing.check_in_list(host, actor, settings)
    return page(host, TITLE, "check_in.html", section="", listing=shown, **_words(host, shown.day))


def check_in_slips(host: Host, actor: Actor) -> ResponseReturnValue:
    """The same to hand over: a slip for each patient, with a name, a time and the question, and no more."""
    access.require_enabled(host)
    shown = listing.check_in_list(host, actor, load(host.settings))
    slips: dict[int, CheckInRow] = {}
    for row in shown.rows:
        slips.setdefault(row.patient_id, row)  # of two appointments the first
        looks.note(row.patient_id)
    with host.database.engine.connect() as connection:
        questions = wording.load(connection)
    return page(
        host,
        f"Check-in slips, {date_text(shown.day)}",
        "check_in_slips.html",
        section="",
        slips=list(slips.values()),
        question_for=question_for,
        spoken=lambda row, question: spoken(questions[question], row.mrp),
        card=_needs_card,
        not_paneled=CheckInQuestion.NOT_PANELED,
    )


def check_in_mark(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """The same row for a list of the host's, with a link to the check-in list; 204 without an appointment today."""
    access.require_enabled(host)
    settings = load(host.settings)
    row = listing.check_in_row(host, actor, settings, patient_id)
    if row is None:
        return "", HTTPStatus.NO_CONTENT
    return fragment(host, "check_in_mark.html", row=row, **_words(host, listing.today(host)))


def answer_check_in(host: Host, actor: Actor, patient_id: int) -> ResponseReturnValue:
    """Store the answer. A script gets the patient's row; without one it is back to the list."""
    day, given = _day(request.form.get("day", "")), request.form.get("answer", "")
    if given not in list(CheckInAnswer):
        raise Refused(INCOMPLETE)
    seen = number_or_none(request.form.get("seen_panel_id", ""), "", INCOMPLETE)
    status, error = HTTPStatus.OK, ""
    try:
        answering.answer(host, actor, patient_id, CheckInAnswer(given), day=day, seen_panel_id=seen)
    except Refused as refused:
        if not request.headers.get("HX-Request"):
            raise
        status, error = status_of(refused), str(refused)
    if not request.headers.get("HX-Request"):
        flash(result_text(CheckInAnswer(given), paneled=seen is not None), "cpar")
        return redirect(url_for("cpar.check_in"), HTTPStatus.SEE_OTHER)
    settings = load(host.settings)
    row = listing.check_in_row(host, actor, settings, patient_id)
    if row is None:
        raise NotFound("This patient no longer has an appointment today. Reload the page.")
    return make_response(fragment(host, "check_in_row.html", row=row, error=error, **_words(host, day)), status)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused(INCOMPLETE) from None


def _words(host: Host, day: date) -> dict[str, Any]:
    with host.database.engine.connect() as connection:
        questions = wording.load(connection)
    return {
        "today": day,
        "keys": KEYS,
        "offered": offered,
        "label_of": label_of,
        "result_text": result_text,
        "sentences": partial(_sentences, host, questions),
    }


def _sentences(host: Host, questions: wording.Questions, row: CheckInRow) -> Iterator[str]:
    """What to say to the patient, and what to fix with the card in hand."""
    question = question_for(row)
    if question:
        yield spoken(questions[question], row.mrp)
    for reason in patient_can_help(row.reasons) if ToDo.EXCLUDED in row.to_do else ():
        if reason is not Reason.NO_CONFIRMATION and row.listed.member:
            words = wording_for(host.roster, row.listed.member, reason)
            yield f"{words.label}. {words.remedy}"
    for caution in row.listed.coverage if ToDo.COVERAGE in row.to_do else ():
        if row.listed.member:
            words = wording_for(host.roster, row.listed.member, caution)
            yield f"{words.label}. {words.remedy}"


def _needs_card(row: CheckInRow) -> bool:
    """Whether there is something to fix by the health care card."""
    by_card = (reason for reason in patient_can_help(row.reasons) if reason is not Reason.NO_CONFIRMATION)
    return ToDo.COVERAGE in row.to_do or any(by_card)


def question_for(row: CheckInRow) -> CheckInQuestion | None:
    """What to ask the patient, None when there is only something to fix."""
    if row.in_conflict:
        return CheckInQuestion.CONFLICT
    if ToDo.NOT_PANELED in row.to_do:
        return CheckInQuestion.NOT_PANELED
    unconfirmed = ToDo.NOT_CONFIRMED in row.to_do or Reason.NO_CONFIRMATION in row.reasons
    return CheckInQuestion.PANELED if unconfirmed else None


ROUTES = (
    Route("/check-in", check_in, Needs.SIGN_IN),
    Route("/check-in/slips", check_in_slips, Needs.SIGN_IN),
    Route(f"/check-in/<{ID}:patient_id>", check_in_mark, Needs.THE_PATIENT),
    Route(f"/check-in/<{ID}:patient_id>", answer_check_in, Needs.THE_PATIENT, ("POST",)),
)
