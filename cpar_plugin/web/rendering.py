"""Templates of the plugin, and what they all need."""

import secrets
from collections.abc import Iterable, Iterator
from datetime import datetime
from http import HTTPStatus
from itertools import chain, islice
from typing import Any

from flask import Response, make_response, render_template, request, stream_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from sqlalchemy import Connection

from ..domain.dates import birth_date_text, date_text, moment_text, month_text, time_text
from ..domain.names import full_name
from ..hooks import Host
from ..services.roster.csv_file import without_details
from .tabs import shown_tabs

SECTION = "CII/CPAR"
WIDGET_ID = "cpar-widget"
_AT_ONCE = 2000


def fragment(host: Host, template: str, **context: Any) -> Markup:
    """A rendered template of the plugin, escaped, without the host's frame."""
    text = render_template(f"cpar/{template}", **(_forms(host) | context))
    return Markup(text)  # noqa: S704  Jinja has escaped it


def _forms(host: Host) -> dict[str, Any]:
    """How templates write what they show."""

    def moment(value: datetime) -> str:
        return moment_text(value, host.clock.zone)

    return {
        "token": generate_csrf,
        "day": date_text,
        "moment": moment,
        "month": month_text,
        "time": time_text,
        "birth_date": birth_date_text,
        "full_name": full_name,
    }


def page(
    host: Host, title: str, template: str, status: int = HTTPStatus.OK, *, section: str = SECTION, **context: Any
) -> ResponseReturnValue:
    """A whole page in the host's frame, below the tabs of panel management where it belongs to one."""
    body = _tabs(host) + fragment(host, template, title=title, **context)
    return make_response(host.pages.render(title=title, body=body, section=section), status)


def _tabs(host: Host) -> Markup:
    tabs = list(shown_tabs(host))
    return fragment(host, "tabs.html", tabs=tabs) if tabs else Markup()


def long_page(host: Host, title: str, template: str, connection: Connection, **context: Any) -> Response:
    """A whole page, sent in portions while the template reads what it shows from iterators of `context`.

    The connection that they read from is closed with the response.
    """
    place = secrets.token_hex(16)
    frame = host.pages.render(title=title, body=_tabs(host) + Markup(place), section=SECTION)  # noqa: S704  digits
    above, _, below = frame.partition(place)
    body = stream_template(f"cpar/{template}", **(_forms(host) | {"title": title} | context))
    texts = chain([above], without_details(body), [below])
    response = Response(_in_portions(texts), content_type="text/html; charset=utf-8")
    response.call_on_close(connection.close)
    return response


def _in_portions(texts: Iterable[str]) -> Iterator[bytes]:
    """The texts of a template, which are many and short, some thousands at a time."""
    remaining = iter(texts)
    while portion := "".join(islice(remaining, _AT_ONCE)):
        yield portion.encode()


def in_place() -> bool:
    """Whether a script asks for the widget alone, to replace the old one."""
    return request.headers.get("HX-Target") == WIDGET_ID
