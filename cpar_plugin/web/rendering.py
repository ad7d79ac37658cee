"""Templates of the plugin, and what they all need."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup

from ..domain.dates import birth_date_text, date_text, moment_text, month_text, time_text
from ..domain.names import full_name
from ..hooks import Host
from .tabs import shown_tabs

SECTION = "CII/CPAR"
WIDGET_ID = "cpar-widget"


def fragment(host: Host, template: str, **context: Any) -> Markup:
    """A rendered template of the plugin, escaped, without the host's frame."""

    def moment(value: datetime) -> str:
        return moment_text(value, host.clock.zone)

    forms = {
        "day": date_text,
        "moment": moment,
        "month": month_text,
        "time": time_text,
        "birth_date": birth_date_text,
        "full_name": full_name,
    }
    return Markup(  # noqa: S704  Jinja has escaped it
        render_template(f"cpar/{template}", token=generate_csrf, **(forms | context))
    )


def page(
    host: Host, title: str, template: str, status: int = HTTPStatus.OK, *, section: str = SECTION, **context: Any
) -> ResponseReturnValue:
    """A whole page in the host's frame, below the tabs of panel management where it belongs to one."""
    tabs = list(shown_tabs(host))
    above = fragment(host, "tabs.html", tabs=tabs) if tabs else Markup()
    body = above + fragment(host, template, title=title, **context)
    return make_response(host.pages.render(title=title, body=body, section=section), status)


def in_place() -> bool:
    """Whether a script asks for the widget alone, to replace the old one."""
    return request.headers.get("HX-Target") == WIDGET_ID
