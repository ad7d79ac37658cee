"""Subscription, its topic, and notifications, as the backport of R5's subscriptions for R4 has them.

https://hl7.org/fhir/uv/subscriptions-backport/ (version 1.1). A notification is a Bundle whose first entry is the
status of the subscription, as Parameters.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final, Protocol
from uuid import uuid4

from ..domain.subscription import NotificationType, PanelEventKind, PayloadContent
from ..settings import Settings
from .identifiers import Resource
from .panel_group import instant

BACKPORT: Final = "http://hl7.org/fhir/uv/subscriptions-backport/"
_STRUCTURES: Final = f"{BACKPORT}StructureDefinition/"
PROFILE: Final = f"{_STRUCTURES}backport-subscription"
TOPIC_LISTED: Final = f"{_STRUCTURES}capabilitystatement-subscriptiontopic-canonical"
FILTER: Final = f"{_STRUCTURES}backport-filter-criteria"
CONTENT: Final = f"{_STRUCTURES}backport-payload-content"
HEARTBEAT: Final = f"{_STRUCTURES}backport-heartbeat-period"
TIMEOUT: Final = f"{_STRUCTURES}backport-timeout"
MAX_COUNT: Final = f"{_STRUCTURES}backport-max-count"
CHANNEL_TYPE: Final = f"{_STRUCTURES}backport-channel-type"
HIDDEN: Final = "***"  # what is shown of a header's value
TOPIC_ID: Final = "panel-membership"
_STATUS_PROFILE: Final = f"{_STRUCTURES}backport-subscription-status-r4"
_BUNDLE_PROFILE: Final = f"{_STRUCTURES}backport-subscription-notification-r4"
_ERRORS: Final = "http://terminology.hl7.org/CodeSystem/subscription-error"


class SubscriptionRow(Protocol):
    """A subscription. Moments are in UTC."""

    @property
    def resource_id(self) -> str: ...
    @property
    def base(self) -> str: ...
    @property
    def status(self) -> str: ...
    @property
    def reason(self) -> str: ...
    @property
    def endpoint(self) -> str: ...
    @property
    def media_type(self) -> str: ...
    @property
    def content(self) -> str: ...
    @property
    def heartbeat_seconds(self) -> int | None: ...
    @property
    def timeout_seconds(self) -> int | None: ...
    @property
    def max_count(self) -> int | None: ...
    @property
    def ends_at(self) -> datetime | None: ...
    @property
    def failure(self) -> str | None: ...
    @property
    def last_number(self) -> int: ...


class EventRow(Protocol):
    """An event of a subscription."""

    @property
    def number(self) -> int: ...
    @property
    def at(self) -> datetime: ...
    @property
    def kind(self) -> str: ...
    @property
    def patient_id(self) -> int: ...
    @property
    def panel_id(self) -> int: ...
    @property
    def from_panel_id(self) -> int | None: ...


def topic_url(settings: Settings) -> str:
    """The canonical address of our one topic."""
    return f"{settings.uri_topics}/{TOPIC_ID}"


def subscription(
    row: SubscriptionRow, panel_ids: Sequence[int] | None, header_names: Sequence[str], settings: Settings
) -> Resource:
    """The resource. What its headers hold is for the receiver alone."""
    criteria: Resource = {"criteria": topic_url(settings)}
    if panel_ids is not None:
        panels = ",".join(map(str, panel_ids))
        criteria["_criteria"] = {"extension": [{"url": FILTER, "valueString": f"Group?_id={panels}"}]}
    numbers = (
        (HEARTBEAT, "valueUnsignedInt", row.heartbeat_seconds),
        (TIMEOUT, "valueUnsignedInt", row.timeout_seconds),
        (MAX_COUNT, "valuePositiveInt", row.max_count),
    )
    extensions = [{"url": url, name: value} for url, name, value in numbers if value is not None]
    return {
        "resourceType": "Subscription",
        "id": row.resource_id,
        "meta": {"profile": [PROFILE]},
        "status": row.status,
        **({"end": instant(row.ends_at)} if row.ends_at else {}),
        "reason": row.reason,
        **criteria,
        **({"error": row.failure} if row.failure else {}),
        "channel": {
            **({"extension": extensions} if extensions else {}),
            "type": "rest-hook",
            "endpoint": row.endpoint,
            "payload": row.media_type,
            "_payload": {"extension": [{"url": CONTENT, "valueCode": row.content}]},
            **({"header": [f"{name}: {HIDDEN}" for name in header_names]} if header_names else {}),
        },
    }


def status(
    row: SubscriptionRow,
    kind: NotificationType,
    settings: Settings,
    events: Iterable[EventRow] = (),
    *,
    content: PayloadContent = PayloadContent.EMPTY,
    visible: frozenset[int] | None = None,
) -> Resource:
    """The status as Parameters. Of events that are not about `visible` panels (None: all) it says the number alone."""
    parameters: list[Resource] = [
        {"name": "subscription", "valueReference": {"reference": f"{row.base}/Subscription/{row.resource_id}"}},
        {"name": "topic", "valueCanonical": topic_url(settings)},
        {"name": "status", "valueCode": row.status},
        {"name": "type", "valueCode": kind.value},
        {"name": "events-since-subscription-start", "valueString": str(row.last_number)},
    ]
    if content is PayloadContent.EMPTY and kind in (NotificationType.EVENTS, NotificationType.QUERY):
        del parameters[1]  # the backport: should not be there
    parameters += [
        {"name": "notification-event", "part": _event(row.base, event, content, visible)} for event in events
    ]
    if row.failure:
        code = {"coding": [{"system": _ERRORS, "code": "no-response"}], "text": row.failure}
        parameters.append({"name": "error", "valueCodeableConcept": code})
    return {
        "resourceType": "Parameters",
        "id": str(uuid4()),
        "meta": {"profile": [_STATUS_PROFILE]},
        "parameter": parameters,
    }


def notification(row: SubscriptionRow, status_: Resource, now: datetime, entries: Sequence[Resource] = ()) -> Resource:
    """The Bundle that is sent."""
    return {
        "resourceType": "Bundle",
        "id": str(uuid4()),
        "meta": {"profile": [_BUNDLE_PROFILE]},
        "type": "history",
        "timestamp": instant(now),
        "entry": [
            {
                "fullUrl": f"urn:uuid:{status_['id']}",
                "resource": status_,
                "request": {"method": "GET", "url": f"{row.base}/Subscription/{row.resource_id}/$status"},
                "response": {"status": "200"},
            },
            *entries,
        ],
    }


def entry(base: str, reference: str, resource: Any) -> Resource:
    """A resource in a notification; None for one that is no longer there for the subscriber."""
    around = {"fullUrl": f"{base}/{reference}"}
    if resource is None:
        return {**around, "request": {"method": "DELETE", "url": reference}, "response": {"status": "204"}}
    return {
        **around,
        "resource": resource,
        "request": {"method": "PUT", "url": reference},
        "response": {"status": "200"},
    }


def is_visible(event: EventRow, visible: frozenset[int] | None) -> bool:
    """Whether an event is about these panels; None: all."""
    return visible is None or (event.panel_id in visible and event.from_panel_id in (None, *visible))


def _event(base: str, event: EventRow, content: PayloadContent, visible: frozenset[int] | None) -> list[Resource]:
    parts: list[Resource] = [
        {"name": "event-number", "valueString": str(event.number)},
        {"name": "timestamp", "valueInstant": instant(event.at)},
    ]
    if content is PayloadContent.EMPTY or not is_visible(event, visible):
        return parts
    parts.append({"name": "focus", "valueReference": {"reference": f"{base}/Patient/{event.patient_id}"}})
    parts.append({"name": "additional-context", "valueReference": {"reference": f"{base}/Group/{event.panel_id}"}})
    if event.from_panel_id is not None:
        context = {"reference": f"{base}/Group/{event.from_panel_id}"}
        parts.append({"name": "additional-context", "valueReference": context})
    parts.append({"name": "change", "valueCode": PanelEventKind(event.kind).value})
    return parts
