"""Templates of the plugin, and what they all need."""

import secrets
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime
from http import HTTPStatus
from itertools import chain, islice
from typing import Any

from flask import Response, make_response, render_template, request, stream_template
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import generate_csrf
from markupsafe import Markup
from sqlalchemy import Connection

from ..domain.dates import birth_date_text, date_text, moment_text, month_code, month_text, time_text
from ..domain.names import full_name
from ..hooks import Actor, Host
from ..services.roster.csv_file import without_details
from . import looks
from .cards import labeled, with_labels
from .tabs import shown_tabs

SECTION = "CII/CPAR"
WIDGET_ID = "cpar-widget"
_AT_ONCE = 2000
_NO_NAME = "(no name)"


def fragment(host: Host, template: str, **context: Any) -> Markup:
    """A rendered template of the plugin, escaped, without the host's frame."""
    text = render_template(f"cpar/{template}", **(context | _forms(host, looks.note)))
    return Markup(text)  # noqa: S704  Jinja has escaped it


def _forms(host: Host, note: Callable[[int | None], None]) -> dict[str, Any]:
    """How templates write what they show. Names of patients, and links to them, are noted (web.looks)."""

    def moment(value: datetime) -> str:
        return moment_text(value, host.clock.zone)

    def patient_name(patient_id: int | None, family_name: str | None, given_name: str | None) -> str:
        note(patient_id)
        return full_name(family_name, given_name, capitals=True) or _NO_NAME

    def patient_href(patient_id: int) -> str:
        note(patient_id)
        return host.pages.patient_href(patient_id)

    def local_day(value: datetime) -> date:
        return value.astimezone(host.clock.zone).date()

    return {
        "token": generate_csrf,
        "day": date_text,
        "local_day": local_day,
        "moment": moment,
        "month": month_text,
        "month_code": month_code,
        "time": time_text,
        "birth_date": birth_date_text,
        "patient_name": patient_name,
        "patient_href": patient_href,
    }


def page(
    host: Host, title: str, template: str, status: int = HTTPStatus.OK, *, section: str = SECTION, **context: Any
) -> ResponseReturnValue:
    """A whole page in the host's frame, below the tabs of panel management where it belongs to one."""
    body = _tabs(host) + with_labels(fragment(host, template, title=title, **context))
    return make_response(host.pages.render(title=title, body=body, section=section), status)


def _tabs(host: Host) -> Markup:
    tabs = list(shown_tabs(host))
    return fragment(host, "tabs.html", tabs=tabs) if tabs else Markup()


def long_page(
    host: Host, actor: Actor, title: str, template: str, connection: Connection | None, **context: Any
) -> Response:
    """A whole page, sent in portions while the template reads what it shows from iterators of `context`.

    Whom a portion shows is recorded before it is sent. The connection that they read from, if any, is closed with the
    response.
    """
    shown = looks.Shown(host, actor)
    place = secrets.token_hex(16)
    frame = host.pages.render(title=title, body=_tabs(host) + Markup(place), section=SECTION)  # noqa: S704  digits
    above, _, below = frame.partition(place)
    body = stream_template(f"cpar/{template}", **({"title": title} | context | _forms(host, shown.note)))
    texts = chain([above], labeled(body), [below])
    response = Response(without_details(_in_portions(texts, shown)), content_type="text/html; charset=utf-8")
    if connection:
        response.call_on_close(connection.close)
    return response


def _in_portions(texts: Iterable[str], shown: looks.Shown) -> Iterator[bytes]:
    """The texts of a template, which are many and short, some thousands at a time."""
    remaining = iter(texts)
    while portion := "".join(islice(remaining, _AT_ONCE)):
        shown.record()
        yield portion.encode()


def in_place() -> bool:
    """Whether a script asks for the widget alone, to replace the old one."""
    return request.headers.get("HX-Target") == WIDGET_ID
