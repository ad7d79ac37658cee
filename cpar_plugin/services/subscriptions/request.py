"""What a client asks for: a Subscription resource, checked element by element."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from ...domain.refusals import Refused
from ...domain.subscription import MOST_EVENTS, SHORTEST_HEARTBEAT, PayloadContent, SubscriptionStatus
from ...fhir_mappings.subscription import (
    CHANNEL_TYPE,
    CONTENT,
    FILTER,
    HEARTBEAT,
    MAX_COUNT,
    TIMEOUT,
    topic_url,
)
from ...settings import Settings
from ...store.types import key_of
from ...transport.receivers import is_secure, parsed

_LONGEST_ADDRESS: Final = 500
_LONGEST_REASON: Final = 500
_MOST_PANELS: Final = 1000
_MEDIA_TYPES: Final = ("application/fhir+json", "application/json")
_FILTER: Final = re.compile(r"Group\?_id=((?:Group/)?[1-9][0-9]{0,18}(?:,(?:Group/)?[1-9][0-9]{0,18})*)", re.ASCII)
_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)", re.ASCII)
_KNOWN: Final = frozenset(
    {
        *("resourceType", "id", "meta", "implicitRules", "language", "text", "contact", "extension"),
        *("status", "end", "reason", "criteria", "_criteria", "error", "channel"),
    }
)
_CHANNEL: Final = frozenset({"id", "extension", "type", "_type", "endpoint", "payload", "_payload", "header"})
_LONGEST_SECONDS: Final = 7 * 24 * 3600


@dataclass(frozen=True, slots=True)
class SubscriptionDraft:
    """A subscription as it was sent. `panels`: all that it is about. `headers`: lines, `***` for kept ones."""

    status: SubscriptionStatus
    reason: str
    endpoint: str
    headers: tuple[str, ...]
    media_type: str
    content: PayloadContent
    panels: tuple[int, ...] | None
    heartbeat_seconds: int | None
    timeout_seconds: int | None
    max_count: int | None
    ends_at: datetime | None


def understood(sent: Any, settings: Settings, now: datetime) -> SubscriptionDraft:
    """Raises Refused that names the element and what to send; it never repeats a value."""
    if not isinstance(sent, dict) or sent.get("resourceType") != "Subscription":
        raise Refused("Send a Subscription resource.")
    _only(sent, _KNOWN, "")
    channel = sent.get("channel")
    if not isinstance(channel, dict):
        raise Refused("channel: needed, with type, endpoint and payload.")
    _only(channel, _CHANNEL, "channel.")
    if sent.get("criteria") != topic_url(settings):
        raise Refused(f"criteria: the one topic here is {topic_url(settings)}.")
    if channel.get("type") != "rest-hook" or _extension(channel.get("_type"), CHANNEL_TYPE, "valueCoding") is not None:
        raise Refused("channel.type: notifications are sent as rest-hook alone.")
    if channel.get("payload") not in _MEDIA_TYPES:
        raise Refused(f"channel.payload: {' or '.join(_MEDIA_TYPES)}.")
    return SubscriptionDraft(
        status=_status(sent.get("status")),
        reason=_reason(sent.get("reason")),
        endpoint=_endpoint(channel.get("endpoint"), settings),
        headers=_lines(channel.get("header", [])),
        media_type=channel["payload"],
        content=_content(channel.get("_payload")),
        panels=_panels(sent.get("_criteria")),
        heartbeat_seconds=_seconds(channel, HEARTBEAT, "heartbeat-period", SHORTEST_HEARTBEAT, _LONGEST_SECONDS),
        timeout_seconds=_seconds(channel, TIMEOUT, "timeout", 1, _LONGEST_SECONDS),
        max_count=_number(channel, MAX_COUNT, "valuePositiveInt", "max-count", 1, MOST_EVENTS, above=MOST_EVENTS),
        ends_at=_end(sent.get("end"), now),
    )


def _only(part: Mapping[str, Any], known: frozenset[str], place: str) -> None:
    if set(part) - known:
        raise Refused(f"Subscription: this server has only {', '.join(f'{place}{name}' for name in sorted(known))}.")


def _status(value: Any) -> SubscriptionStatus:
    if value not in ("requested", "active", "off"):
        raise Refused("status: send requested; or off, to stop a subscription.")
    return SubscriptionStatus.OFF if value == "off" else SubscriptionStatus.REQUESTED


def _reason(value: Any) -> str:
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > _LONGEST_REASON or not text.isprintable():
        raise Refused(f"reason: say in at most {_LONGEST_REASON} characters what the subscription is for.")
    return text


def _endpoint(value: Any, settings: Settings) -> str:
    url = parsed(value, _LONGEST_ADDRESS) if isinstance(value, str) else None
    if url is None or not is_secure(url, private=settings.subscription_private_networks):
        raise Refused(
            "channel.endpoint: a full URL starting with https, without user name, password and # part, of at most "
            f"{_LONGEST_ADDRESS} characters."
        )
    return str(value)


def _lines(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(line, str) for line in value):
        raise Refused("channel.header: a list of texts such as Authorization: Bearer ...")
    return tuple(value)


def _content(payload: Any) -> PayloadContent:
    try:
        return PayloadContent(_extension(payload, CONTENT, "valueCode"))
    except ValueError:
        choices = ", ".join(PayloadContent)
        raise Refused(f"channel.payload: needs the extension backport-payload-content with one of {choices}.") from None


def _panels(criteria: Any) -> tuple[int, ...] | None:
    filters = [one.get("valueString") for one in _extensions(criteria) if one.get("url") == FILTER]
    if not filters:
        return None
    match = _FILTER.fullmatch(filters[0]) if len(filters) == 1 and isinstance(filters[0], str) else None
    ids = [key_of(part.removeprefix("Group/")) for part in match[1].split(",")] if match else [None]
    panels = {panel_id for panel_id in ids if panel_id is not None}
    if len(panels) != len(ids) or len(panels) > _MOST_PANELS:
        raise Refused("criteria: one backport-filter-criteria, such as Group?_id=5,6, with each panel once.")
    return tuple(sorted(panels))


def _seconds(channel: Any, url: str, name: str, least: int, most: int) -> int | None:
    return _number(channel, url, "valueUnsignedInt", name, least, most)


def _number(
    channel: Any, url: str, of_type: str, name: str, least: int, most: int, above: int | None = None
) -> int | None:
    """`above`: what a larger number is made."""
    value = _extension(channel, url, of_type)
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or value < least or (above is None and value > most):
        raise Refused(f"channel: backport-{name} must be a whole number from {least} to {most}.")
    return value if above is None else min(value, above)


def _end(value: Any, now: datetime) -> datetime | None:
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value if isinstance(value, str) and _INSTANT.fullmatch(value) else "")
        moment = moment.astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused("end: an instant such as 2027-01-31T12:00:00Z.") from None
    if moment <= now:
        raise Refused("end: this is in the past.")
    return moment


def _extensions(part: Any) -> list[dict[str, Any]]:
    extensions = part.get("extension", []) if isinstance(part, dict) else []
    return [one for one in extensions if isinstance(one, dict)] if isinstance(extensions, list) else []


def _extension(part: Any, url: str, of_type: str) -> Any:
    """Its value; None where it is not there. Raises Refused where it is there twice."""
    values = [one.get(of_type) for one in _extensions(part) if one.get("url") == url]
    if len(values) > 1:
        raise Refused(f"The extension {url} is there twice.")
    return values[0] if values else None
