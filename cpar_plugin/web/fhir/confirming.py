"""`Group/[id]/$confirm`: a kiosk or another check-in program says that it has asked a member."""

import re
from datetime import date
from http import HTTPStatus

from flask import Response, request

from ...domain.scopes import UPDATE
from ...fhir_mappings.outcome import IssueType
from ...fhir_mappings.panel_group import instant
from ...services.check_in import by_client
from ...services.check_in.by_client import Recorded, SentConfirmation
from ...services.clients.registry import number_of
from ...services.exports.parameters import of_parameters
from ...services.exports.request import BadKickOff, patient_number
from ...services.fhir.access import number
from ...services.fhir.groups import GroupSource
from .callers import require
from .negotiation import FHIR_JSON
from .refusals import Refusal
from .routes import Exchange

_NAMES = ("patient", "date", "idempotencyKey")
_KEY = re.compile(r"[!-~]{1,64}")
_DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)


def confirm(exchange: Exchange, resource_id: str) -> Response:
    """Carry out one confirmation, and answer with what came of it: the same answer for the same key."""
    caller = exchange.caller
    require(caller, "Group", UPDATE)
    client_no = number_of(caller.client_id or "")
    assert client_no is not None  # a person has no scope to update
    GroupSource(exchange.host, exchange.settings, caller).read(exchange.connection, resource_id)
    sent = _sent(exchange, number(resource_id))
    return exchange.answer(_answer(sent, by_client.confirm(exchange.host, caller.actor, client_no, sent)))


def _sent(exchange: Exchange, panel_id: int) -> SentConfirmation:
    if request.mimetype not in (FHIR_JSON, "application/json"):
        message = f"Post the parameters as a Parameters resource, {FHIR_JSON}."
        raise Refusal(HTTPStatus.UNSUPPORTED_MEDIA_TYPE, IssueType.NOT_SUPPORTED, message)
    pairs = of_parameters(request.get_data())
    values = dict(pairs)
    if len(values) != len(pairs) or values.keys() != set(_NAMES):
        raise BadKickOff(f"Send each of these parameters once, and no others: {', '.join(_NAMES)}.")
    if not _KEY.fullmatch(values["idempotencyKey"]):
        raise BadKickOff("idempotencyKey must be 1 to 64 visible ASCII characters, such as a UUID.")
    patient_id = patient_number(values["patient"], exchange.base)
    return SentConfirmation(values["idempotencyKey"], panel_id, patient_id, _day(values["date"]))


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text if _DAY.fullmatch(text) else "")
    except ValueError:
        raise BadKickOff("date must be a day such as 2026-11-10.") from None


def _answer(sent: SentConfirmation, recorded: Recorded) -> dict[str, object]:
    return {
        "resourceType": "Parameters",
        "parameter": [
            {"name": "outcome", "valueCode": recorded.outcome.value},
            {"name": "patient", "valueReference": {"reference": f"Patient/{sent.patient_id}"}},
            {"name": "date", "valueDate": sent.day.isoformat()},
            {"name": "recorded", "valueInstant": instant(recorded.at)},
        ],
    }
