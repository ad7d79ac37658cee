"""The application of the night. It knows no session and no clinic's account, and changes nothing."""

from datetime import datetime, timedelta
from typing import Final

from flask import Flask, Response, current_app, render_template, request, send_from_directory
from flask.typing import ResponseReturnValue

import cpar_plugin
from cpar_plugin.domain.dates import moment_text
from cpar_plugin.host_kit.application import CONTENT_SECURITY_POLICY
from cpar_plugin.services.submissions.texts import Stage

from .access import refusal
from .lines import ClinicLine, FleetNight, NightState, fleet_night
from .readings import NightReadings

_REFRESH_SECONDS: Final = 15
_MOST_LINES: Final = 200
_SHOWN: Final = {"now": "Now", "attention": "Needs attention", "all": "All clinics"}
_HEADERS: Final = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(readings: NightReadings, *, proxy: str = "") -> Flask:
    """The application; `proxy` is the address of the proxy that verifies client certificates (see `access`)."""
    app = Flask(__name__)
    app.extensions["cpar_night"] = readings

    @app.before_request
    def permitted() -> ResponseReturnValue | None:
        return refusal(request, proxy)

    @app.after_request
    def with_headers(response: Response) -> Response:
        response.headers.update(_HEADERS)
        return response

    app.add_url_rule("/", "night", _night)
    app.add_url_rule("/metrics", "metrics", _metrics)
    app.add_url_rule("/static/cpar.css", "plugin_styles", _styles)
    return app


def _readings() -> NightReadings:
    readings: NightReadings = current_app.extensions["cpar_night"]
    return readings


def _night() -> ResponseReturnValue:
    night, clock = fleet_night(_readings()), _readings().clock
    shown = request.args.get("show", "now")
    shown = shown if shown in _SHOWN else "now"
    refreshes = request.args.get("refresh") != "off"
    lines = [line for line in night.lines if _is_shown(line, shown)]
    page = render_template(
        "night.html",
        night=night,
        lines=lines[:_MOST_LINES],
        more=max(len(lines) - _MOST_LINES, 0),
        shown=shown,
        lists=_SHOWN,
        refreshes=refreshes,
        seconds=_REFRESH_SECONDS,
        attention=sum(line.state.needs_someone for line in night.lines),
        stages=Stage,
        now=moment_text(clock.now(), clock.zone),
        moment=lambda at: moment_text(at, clock.zone),
        left=_left(night),
        ready=_ready(night, clock.now()),
    )
    # A header, which a page without script can leave out at its reader's wish, as WCAG 2.2.2 asks.
    return page, {"Refresh": str(_REFRESH_SECONDS)} if refreshes else {}


def _metrics() -> ResponseReturnValue:
    from .prometheus import metrics  # of the extra `fleet`

    content, content_type = metrics(fleet_night(_readings()), request.headers.get("Accept", ""))
    return content, {"Content-Type": content_type}


def _styles() -> Response:
    return send_from_directory(f"{cpar_plugin.__path__[0]}/static", "cpar.css")


def _is_shown(line: ClinicLine, shown: str) -> bool:
    match shown:
        case "all":
            return True
        case "attention":
            return line.state.needs_someone
        case _:
            return line.state.needs_someone or line.state in (
                NightState.IN_PROGRESS,
                NightState.RETRIED,
                NightState.UNREAD,
            )


def _left(night: FleetNight) -> str:
    if not night.in_progress:
        return "Nothing is in progress"
    if night.left is None:
        return "Not known: no panel has finished in the last 15 minutes"
    minutes = round(night.left / timedelta(minutes=1))
    if minutes < 1:
        return "Less than a minute"
    hours, minutes = divmod(minutes, 60)
    return f"About {f'{hours} h ' if hours else ''}{minutes} min"


def _ready(night: FleetNight, now: datetime) -> datetime | None:
    return now + night.left if night.in_progress and night.left else None
