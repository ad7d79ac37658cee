"""Bulk export: asking for one, its status with the manifest at the end, and cancelling it.

https://hl7.org/fhir/uv/bulkdata/STU3/export.html
"""

import time
from email.utils import format_datetime
from http import HTTPStatus

import orjson
from flask import Response, request
from sqlalchemy import func, select

from ...domain.export import OPEN, Dialect, ExportState
from ...domain.scopes import KINDS, READ, SEARCH
from ...fhir_mappings.outcome import IssueType
from ...fhir_mappings.panel_group import instant
from ...services.exports import jobs
from ...services.exports.filters import type_filter
from ...services.exports.jobs import Export, StillRunning
from ...services.exports.parameters import of_parameters
from ...services.exports.request import BadKickOff, ExportRequest, KickOffTerms, understand
from ...services.fhir.access import number
from ...services.fhir.groups import GroupSource
from ...services.fhir.patients import PatientSource
from ...services.fhir.search.criteria import kinds_passed
from ...services.fhir.search.request import Pairs
from ...services.operations import clinic
from .callers import AccessDenied, TooMany, require
from .manifest import manifest_page
from .negotiation import FHIR_JSON, content_type, preferences
from .refusals import Refusal
from .routes import Exchange, wrong_method

LARGEST_KICK_OFF = 1024 * 1024
_JSON_BODIES = (FHIR_JSON, "application/json")
_HELD_SECONDS, _LOOK_SECONDS = 0.5, 0.02
_SOON = 5_000  # patients: so many are done within a moment
_A_SECOND = 10_000  # patients, about


def kick_off_form(pairs: Pairs) -> str:
    """The form of the answer to a kick-off. Raises Refusal unless JSON is asked for by its name."""
    accepted = request.headers.get("Accept", "").lower()
    if not any(form in accepted for form in _JSON_BODIES) and not any(name == "_format" for name, _ in pairs):
        raise _refusal(f"Send Accept: {FHIR_JSON}.")
    return content_type(pairs)


def kick_off(exchange: Exchange, kind: str = "", resource_id: str | None = None) -> Response:
    """Begin an export of one panel, or of all that the caller may read."""
    if request.method == "GET" and exchange.settings.fhir_bulk_data is Dialect.STU4:
        raise wrong_method("POST")
    if "respond-async" not in preferences():
        raise _refusal("Send Prefer: respond-async. Exports run asynchronously.")
    parameters = _parameters(exchange, of_group=resource_id is not None)
    restored_at = clinic.restored_at(exchange.connection)
    if parameters.since and restored_at and parameters.since <= restored_at:
        raise BadKickOff(
            f"The clinic restored a backup on {instant(restored_at)}. Changes since before then cannot be "
            "exported: export without _since, and replace your copy with the result."
        )
    parameters = parameters.model_copy(update={"kinds": _allowed_kinds(exchange, parameters)})
    panels, address = exchange.caller.panels, f"{exchange.base}/$export"
    if resource_id is not None:
        groups = GroupSource(exchange.host, exchange.settings, exchange.caller)
        groups.read(exchange.connection, resource_id)
        panels, address = frozenset({number(resource_id)}), f"{exchange.base}/Group/{resource_id}/$export"
        _require_members(exchange, number(resource_id), parameters)
    if request.method == "GET" and request.query_string:
        address += f"?{request.query_string.decode('ascii', 'replace')}"
    try:
        export_id = jobs.create(exchange.host, exchange.caller, parameters, panels, address)
    except StillRunning:
        raise TooMany(
            "Your previous export is still running. Wait for it, or cancel it with DELETE.", Retry_After="10"
        ) from None
    exchange.callers.exports.wake()
    return Response(status=HTTPStatus.ACCEPTED, headers={"Content-Location": f"{exchange.base}/export/{export_id}"})


def export_status(exchange: Exchange, export_id: str) -> Response:
    """How far an export is, or its manifest. DELETE cancels it, and removes its files."""
    export = jobs.find(exchange.connection, exchange.caller, export_id)
    if request.method == "DELETE":
        jobs.remove(exchange.host, exchange.settings, export)
        return Response(status=HTTPStatus.ACCEPTED)
    export = _after_polling(exchange, export)
    if export.state in OPEN:
        remaining = (export.expected or 0) - export.exported
        headers = {"X-Progress": _progress(export), "Retry-After": str(max(1, min(remaining // _A_SECOND, 30)))}
        return Response(status=HTTPStatus.ACCEPTED, headers=headers)
    if export.state is ExportState.FAILED:
        raise Refusal(HTTPStatus.INTERNAL_SERVER_ERROR, IssueType.EXCEPTION, export.failure or "The export has failed.")
    assert export.expires_at
    with exchange.host.database.engine.connect() as connection:
        files = jobs.files_of(connection, export_id)
    headers = {"Expires": format_datetime(export.expires_at, usegmt=True)}
    body = orjson.dumps(manifest_page(exchange, export, files))
    return Response(body, headers=headers, content_type="application/json")


def _parameters(exchange: Exchange, *, of_group: bool) -> ExportRequest:
    pairs, is_post = exchange.pairs, request.method == "POST"
    if is_post:
        request.max_content_length = LARGEST_KICK_OFF
        body = request.get_data()
        if body and request.mimetype not in _JSON_BODIES:
            raise Refusal(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                IssueType.NOT_SUPPORTED,
                f"Post the parameters as a Parameters resource, {FHIR_JSON}.",
            )
        pairs = [*pairs, *of_parameters(body)]
    terms = KickOffTerms(
        exchange.host.clock.now(),
        exchange.host.clock.zone,
        lenient=preferences().get("handling") == "lenient",
        base=exchange.base,
        of_posted_group=of_group and is_post,
        dialect=exchange.settings.fhir_bulk_data,
    )
    return understand(pairs, terms)


def _allowed_kinds(exchange: Exchange, parameters: ExportRequest) -> tuple[str, ...]:
    caller = exchange.caller
    kinds = parameters.kinds or tuple(kind for kind in KINDS if caller.may(kind, READ) and caller.may(kind, SEARCH))
    clock = exchange.host.clock
    searches = [type_filter(text, exchange.base, clock.zone, clock.now()) for text in parameters.filters]
    filtered = {search.kind for search in searches}
    for kind in (*kinds, *sorted(filtered), *(("Group",) if parameters.by_group else ())):
        require_export(exchange, kind)
    for criterion in (criterion for search in searches for criterion in search.criteria):
        for passed in kinds_passed(criterion):  # what is exported tells of them
            require(caller, passed, SEARCH)
    if not kinds:
        raise AccessDenied("The access token covers no exportable type: request a scope such as system/*.rs.")
    return kinds


def require_export(exchange: Exchange, kind: str) -> None:
    """Raises Forbidden unless the caller may read and search this kind."""
    for interaction in (READ, SEARCH):
        require(exchange.caller, kind, interaction)


def _require_members(exchange: Exchange, panel_id: int, parameters: ExportRequest) -> None:
    if parameters.patients is None:
        return
    source = PatientSource(exchange.host, exchange.settings, exchange.caller)
    members = source.select().where(source.columns["panel_id"] == panel_id, source.key.in_(parameters.patients))
    count = exchange.connection.scalar(select(func.count()).select_from(members.subquery()))
    if count != len(parameters.patients):
        raise BadKickOff("A patient listed in patient is not a member of this Group, or you do not have access.")


def _after_polling(exchange: Exchange, export: Export) -> Export:
    """The export as it is now, or a moment later where it is nearly done: so a small one is ready at once."""
    end = time.monotonic() + _HELD_SECONDS
    while _nearly_done(export) and time.monotonic() < end:
        time.sleep(_LOOK_SECONDS)
        with exchange.host.database.engine.connect() as connection:
            export = jobs.find(connection, exchange.caller, export.export_id)
    return export


def _nearly_done(export: Export) -> bool:
    return export.state in OPEN and (export.expected or 0) - export.exported <= _SOON


def _progress(export: Export) -> str:
    if export.expected is None:
        return "waiting to start"
    return f"{export.exported} of {export.expected} patients"


def _refusal(message: str) -> Refusal:
    return Refusal(HTTPStatus.BAD_REQUEST, IssueType.INVALID, message)
