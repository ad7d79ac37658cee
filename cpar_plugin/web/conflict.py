"""One conflict with another clinic: the evidence, and the endings of the work on it."""

from collections.abc import Mapping
from datetime import date
from http import HTTPStatus

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from ..domain.conflicts import PERIODS, ConflictEnding, answer_text, learned_text
from ..domain.four_cut import CUT_LABELS
from ..domain.list_columns import FIELD_LABELS
from ..domain.refusals import Refused, Stale
from ..domain.report_lines import STATE_LABELS, times_text
from ..domain.reports import detail_text
from ..hooks import Actor, Host
from ..services.conflicts import ending, evidence, letters
from ..services.reports import comparing
from ..settings import load
from . import looks, removal
from .inputs import INCOMPLETE, number
from .interrupted import check_entries, shows_entries
from .rendering import page
from .serving import ID, Needs, Route, status_of


@shows_entries
def report_conflict(host: Host, actor: Actor, line_id: int) -> ResponseReturnValue:
    """The page; ending the work on the line, then back to it."""
    if request.method == "GET":
        comparing.compare_to_show(host)
        return _page(host, actor, line_id)
    try:
        check_entries()
        flash(_carry_out(host, actor, line_id), "cpar")
    except Stale as stale:
        return _page(host, actor, line_id, status_of(stale), stale.messages)
    except Refused as refused:
        if status_of(refused) is HTTPStatus.NOT_FOUND:
            raise
        return _page(host, actor, line_id, HTTPStatus.UNPROCESSABLE_ENTITY, refused.messages)
    return redirect(url_for("cpar.report_conflict", line_id=line_id), HTTPStatus.SEE_OTHER)


def _carry_out(host: Host, actor: Actor, line_id: int) -> str:
    """Do what the form says. Returns what was done, for people."""
    settings = load(host.settings)
    with host.database.engine.connect() as connection:
        line = evidence.required(connection, host, actor, settings, line_id)
    if line.version != number(request.form.get("version", ""), "", INCOMPLETE):
        raise Stale("Someone else changed this line in the meantime. Nothing was changed: review it and try again.")
    match request.form.get("action", ""):
        case ConflictEnding.THEIRS:
            reason = removal.removal_of(host, request.form)
            learned_on = ending.theirs(host, actor, settings, line, reason)
            return f"Removed from the panel. {learned_text(learned_on)}"
        case ConflictEnding.ASK:
            ending.ask(host, actor, line)
            return "The patient is on the check-in list on the next day with an appointment."
        case ConflictEnding.OURS:
            letters.send(host, actor, line, request.form.get("recipient", ""))
            return "The letter was recorded as sent. Print it from the list below."
        case "received":
            day = _day(request.form.get("received_on", ""))
            fields = (request.form.get(name, "") for name in ("sender", "content"))
            letters.receive(host, actor, line, day, *fields)
            return "The letter was logged."
        case "withdraw":
            ending.reopen(host, actor, line)
            return "The line is open again."
        case _:
            raise Refused(INCOMPLETE)


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise Refused({"received_on": "Enter the day such as 2026-12-07."}) from None


def _page(
    host: Host,
    actor: Actor,
    line_id: int,
    status: HTTPStatus = HTTPStatus.OK,
    messages: Mapping[str, str] | None = None,
) -> ResponseReturnValue:
    with host.database.engine.connect() as connection:
        line = evidence.required(connection, host, actor, load(host.settings), line_id)
        found = letters.of_line(connection, host, actor, line_id)
        draft = "\n\n".join(letters.drafted(connection, line)) if line.patient_id else ""
    if line.patient_id is None:
        looks.note(None)  # the row may be about someone who is in no record
    return page(
        host,
        "Conflict with another clinic",
        "report_conflict.html",
        status,
        messages=messages or {},
        line=line,
        letters=found,
        draft=draft,
        recipient=request.form.get("recipient", "\n".join(filter(None, (line.other_provider, line.other_clinic)))),
        today=host.clock.now().astimezone(host.clock.zone).date(),
        periods=PERIODS,
        cuts=CUT_LABELS,
        endings=ConflictEnding,
        states=STATE_LABELS,
        removal=removal.rules_of(host),
        answer_text=answer_text,
        learned_text=learned_text,
        reported=[(FIELD_LABELS[field], detail_text(field, text)) for field, text in line.details.items() if text],
        asking=host.schedule is not None and not line.waits_for_answer,
        times_text=times_text,
    )


ROUTES = (Route(f"/reports/conflicts/<{ID}:line_id>", report_conflict, Needs.MANAGEMENT, ("GET", "POST")),)
