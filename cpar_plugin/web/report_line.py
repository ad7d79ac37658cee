"""One line of the reports: what is known of it, and what happened to it."""

from flask.typing import ResponseReturnValue

from ..domain.report_lines import STATE_LABELS, times_text
from ..domain.reports import KIND_LABELS, compared_text
from ..hooks import Actor, Host
from ..services.reports import comparing
from ..services.reports.line_history import history_of
from ..settings import load
from . import looks
from .rendering import page
from .serving import ID, Needs, Route


def report_line(host: Host, actor: Actor, line_id: int) -> ResponseReturnValue:
    """Its state, and who has changed what and when; changes can be undone from here."""
    comparing.compare_to_show(host)
    found = history_of(host, actor, load(host.settings), line_id)
    looks.note(found.line.patient_id)
    return page(
        host,
        "Line of reports",
        "report_line.html",
        line=found.line,
        events=found.events,
        kind_label=KIND_LABELS[found.line.kind],
        states=STATE_LABELS,
        compared_text=compared_text,
        times_text=times_text,
    )


ROUTES = (Route(f"/reports/lines/<{ID}:line_id>", report_line, Needs.MANAGEMENT),)
