"""`/Subscription`: clients make, change and remove their own, and ask how far they are and for earlier events."""

import re
from collections.abc import Callable
from email.utils import format_datetime
from http import HTTPStatus
from typing import Any

import orjson
from flask import Response, request

from ...domain.scopes import CREATE, DELETE, READ, SEARCH, UPDATE
from ...domain.subscription import MOST_EVENTS, NotificationType, PayloadContent, SubscriptionStatus, lacking
from ...fhir_mappings.outcome import IssueType
from ...fhir_mappings.subscription import status
from ...services.clients.read_log import Interaction
from ...services.exports.parameters import of_parameters
from ...services.exports.request import BadKickOff
from ...services.fhir.search.request import Pairs
from ...services.fhir.subscriptions import SubscriptionSource
from ...services.fhir.versions import Versioned
from ...services.subscriptions.changing import NotPermitted, Subscribing
from ...services.subscriptions.contents import NotificationContents
from ...services.subscriptions.request import SubscriptionDraft, understood
from ...services.subscriptions.sending import caller_of
from .callers import AccessDenied, require
from .negotiation import FHIR_JSON
from .reading import read_resource
from .refusals import Refusal
from .routes import Exchange, FhirRoute
from .searching import search

_KIND = "Subscription"
_NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


def subscriptions(exchange: Exchange) -> Response:
    """Searching, and making one."""
    return create(exchange) if request.method == "POST" else search(exchange, _KIND)


def one_subscription(exchange: Exchange, resource_id: str) -> Response:
    """Reading, replacing and removing one."""
    match request.method:
        case "PUT":
            return replace(exchange, resource_id)
        case "DELETE":
            return remove(exchange, resource_id)
    return read_resource(exchange, _KIND, resource_id)


def create(exchange: Exchange) -> Response:
    """Make a subscription. Its receiver is asked in the background: until then it is `requested`."""
    require(exchange.caller, _KIND, CREATE)
    draft = _draft(exchange, _resource())
    resource_id = _permitted(lambda: _subscribing(exchange).create(draft))
    exchange.callers.background.subscriptions.wake()
    return _stored(exchange, resource_id, HTTPStatus.CREATED)


def replace(exchange: Exchange, resource_id: str) -> Response:
    """Replace what a subscription asks for, which also activates one that is in error, or off."""
    require(exchange.caller, _KIND, UPDATE)
    resource = _resource()
    if not isinstance(resource, dict) or resource.get("id") != resource_id:
        raise BadKickOff("The id of the resource must be that of the URL.")
    draft = _draft(exchange, resource)
    _permitted(lambda: _subscribing(exchange).change(resource_id, draft))
    exchange.callers.background.subscriptions.wake()
    return _stored(exchange, resource_id, HTTPStatus.OK)


def remove(exchange: Exchange, resource_id: str) -> Response:
    """Remove a subscription with its events."""
    require(exchange.caller, _KIND, DELETE)
    _subscribing(exchange).remove(resource_id)
    return Response(status=HTTPStatus.NO_CONTENT)


def statuses(exchange: Exchange) -> Response:
    """`$status` of all of the caller's subscriptions, or of those with an `id` or a `status`."""
    require(exchange.caller, _KIND, SEARCH)
    pairs = _parameters(exchange, ("id", "status"))
    ids = {value for name, value in pairs if name == "id"}
    states = {value for name, value in pairs if name == "status"}
    if states - set(SubscriptionStatus):
        raise BadKickOff(f"status must be one of {', '.join(SubscriptionStatus)}.")
    source = SubscriptionSource(exchange.settings, exchange.caller)
    rows = exchange.connection.execute(source.select()).all()
    return _statuses(
        exchange,
        "Subscription/$status",
        [row for row in rows if (not ids or row.resource_id in ids) and (not states or row.status in states)],
    )


def one_status(exchange: Exchange, resource_id: str) -> Response:
    """`$status` of one subscription."""
    require(exchange.caller, _KIND, READ)
    _parameters(exchange, ("id", "status"))  # which are ignored here
    row = SubscriptionSource(exchange.settings, exchange.caller).row(exchange.connection, resource_id)
    return _statuses(exchange, f"Subscription/{resource_id}/$status", [row])


def events(exchange: Exchange, resource_id: str) -> Response:
    """`$events`: earlier events, from a number on and up to one, as far as they are kept; a hundred at a time."""
    require(exchange.caller, _KIND, READ)
    source = SubscriptionSource(exchange.settings, exchange.caller)
    row = source.row(exchange.connection, resource_id)
    values = dict(_parameters(exchange, ("eventsSinceNumber", "eventsUntilNumber", "content")))
    first = _event_number(values, "eventsSinceNumber", 1)
    last = _event_number(values, "eventsUntilNumber", row.last_number)
    try:
        content = PayloadContent(values.get("content", row.content))
    except ValueError:
        raise BadKickOff(f"content must be one of {', '.join(PayloadContent)}.") from None
    if scope := lacking(exchange.caller.scopes, content, making=False):
        raise _insufficient(scope)
    reader = caller_of(exchange.connection, row)
    contents = NotificationContents(exchange.connection, exchange.host, exchange.settings, reader, row)
    bundle = contents.notification(NotificationType.QUERY, contents.events(first, last, MOST_EVENTS), content)
    if bundle.patient_ids:
        kind = "Patient" if content is PayloadContent.FULL_RESOURCE else "Group"
        exchange.callers.note(exchange.caller, Interaction.READ, kind, row.resource_id, patient_ids=bundle.patient_ids)
    return exchange.answer(orjson.Fragment(bundle.body))


def _subscribing(exchange: Exchange) -> Subscribing:
    return Subscribing(exchange.host, exchange.settings, exchange.caller, exchange.base)


def _permitted(change: Callable[[], Any]) -> Any:
    try:
        return change()
    except NotPermitted as lacking_scope:
        raise _insufficient(str(lacking_scope)) from None


def _insufficient(scope: str) -> AccessDenied:
    challenge = f'Bearer realm="fhir", error="insufficient_scope", scope="{scope}"'
    return AccessDenied(f"The access token does not include the required scope {scope}.", WWW_Authenticate=challenge)


def _resource() -> Any:
    if request.mimetype not in (FHIR_JSON, "application/json"):
        message = f"Send the Subscription as {FHIR_JSON}."
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, IssueType.NOT_SUPPORTED, message)
    try:
        return orjson.loads(request.get_data())
    except orjson.JSONDecodeError:
        raise BadKickOff("Send the Subscription as JSON in UTF-8.") from None


def _draft(exchange: Exchange, resource: Any) -> SubscriptionDraft:
    return understood(resource, exchange.settings, exchange.host.clock.now())


def _parameters(exchange: Exchange, known: tuple[str, ...]) -> Pairs:
    """Of an operation: in the address, or in a posted Parameters resource."""
    posted = of_parameters(request.get_data()) if request.method == "POST" else []
    pairs = [pair for pair in (*exchange.pairs, *posted) if pair[0] not in ("_format", "_pretty")]
    if any(name not in known for name, _ in pairs):
        raise BadKickOff(f"This operation has the parameters {', '.join(known)} alone.")
    return pairs


def _event_number(values: dict[str, str], name: str, default: int) -> int:
    if name not in values:
        return default
    if not _NUMBER.fullmatch(values[name]):
        raise BadKickOff(f"{name} must be the number of an event.")
    return int(values[name])


def _stored(exchange: Exchange, resource_id: str, answer_status: HTTPStatus) -> Response:
    """The subscription as it is now, read again: the exchange's own view is older than the change."""
    with exchange.host.database.engine.connect() as connection:
        stored = SubscriptionSource(exchange.settings, exchange.caller).read(connection, resource_id)
    answer = exchange.answer(orjson.Fragment(stored.text), _versions(exchange, stored))
    answer.status_code = answer_status
    return answer


def _versions(exchange: Exchange, stored: Versioned) -> dict[str, str]:
    return {
        "Location": f"{exchange.base}/{_KIND}/{stored.resource_id}/_history/{stored.version}",
        "ETag": f'W/"{stored.version}"',
        "Last-Modified": format_datetime(stored.last_updated, usegmt=True),
    }


def _statuses(exchange: Exchange, path: str, rows: Any) -> Response:
    resources = [status(row, NotificationType.STATUS, exchange.settings) for row in rows]
    entries = [
        {"fullUrl": f"urn:uuid:{resource['id']}", "resource": resource, "search": {"mode": "match"}}
        for resource in resources
    ]
    bundle: dict[str, Any] = {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(entries),
        "link": [{"relation": "self", "url": f"{exchange.base}/{path}"}],
    }
    return exchange.answer({**bundle, "entry": entries} if entries else bundle)


_OPERATION = ("GET", "HEAD", "POST")
ROUTES = (
    FhirRoute("/Subscription", subscriptions, ("GET", "HEAD", "POST")),
    FhirRoute("/Subscription/$status", statuses, _OPERATION),
    FhirRoute("/Subscription/<resource_id>", one_subscription, ("GET", "HEAD", "PUT", "DELETE")),
    FhirRoute("/Subscription/<resource_id>/$status", one_status, _OPERATION),
    FhirRoute("/Subscription/<resource_id>/$events", events, _OPERATION),
)
