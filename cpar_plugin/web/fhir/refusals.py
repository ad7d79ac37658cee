"""How the FHIR interface says no: always as an OperationOutcome, never with patient data."""

import logging
import traceback
from http import HTTPStatus

from flask import Response, request
from werkzeug.exceptions import HTTPException

from ...domain.refusals import NotFound, Refused
from ...fhir_mappings.outcome import IssueType
from ...hooks import HostBusy, HostUnavailable
from ...services.exports.request import BadKickOff
from ...services.fhir.access import Gone
from ...services.fhir.search.values import BadSearch
from ...store.reach import TRY_AGAIN_SECONDS, is_away, took_too_long
from .callers import TurnedAway, turned_away

_log = logging.getLogger(__name__)
_OF_HTTP = {
    HTTPStatus.NOT_FOUND: (IssueType.NOT_FOUND, "Unknown URL. See /metadata."),
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: (IssueType.TOO_LONG, "The request is too large."),
}


class Refusal(TurnedAway):
    """A request that cannot be answered."""

    def __init__(self, status: HTTPStatus, code: IssueType, message: str, **headers: str) -> None:
        super().__init__(message, **headers)
        self.status = status
        self.code = code.value


def refused(error: Exception) -> Response:
    """The answer to any error. What no one has foreseen is logged by its place, without what it was about."""
    if not isinstance(error, TurnedAway):
        error = _as_refusal(error)
    return turned_away(error)


def _later(message: str, code: IssueType = IssueType.TRANSIENT) -> Refusal:
    headers = {"Retry-After": str(TRY_AGAIN_SECONDS)}
    return Refusal(HTTPStatus.SERVICE_UNAVAILABLE, code, message, **headers)


def _as_refusal(error: Exception) -> Refusal:
    match error:
        case BadSearch() | BadKickOff():
            return Refusal(HTTPStatus.BAD_REQUEST, IssueType.INVALID, str(error))
        case Gone():
            return Refusal(HTTPStatus.GONE, IssueType.DELETED, str(error))
        case NotFound():
            return Refusal(HTTPStatus.NOT_FOUND, IssueType.NOT_FOUND, str(error))
        case Refused():
            return Refusal(HTTPStatus.UNPROCESSABLE_ENTITY, IssueType.BUSINESS_RULE, str(error))
        case HostBusy():
            return _later("The server is busy. Try again in a moment.")
        case HostUnavailable():
            return _later("The EMR cannot currently verify who you are. Try again in a moment.")
        case HTTPException(code=int(status)) if 400 <= status < 500:
            code, message = _OF_HTTP.get(HTTPStatus(status), (IssueType.INVALID, "The request cannot be understood."))
            return Refusal(HTTPStatus(status), code, message)
    if is_away(error):
        _log.warning("The database cannot be reached: %s", type(error).__name__)
        return _later("The clinic's database is currently unavailable. Try again in a moment.")
    if took_too_long(error):
        _log.warning("The database took too long: %s", request.endpoint)
        return _later("This took too long and was stopped. Try again in a moment, or request less.", IssueType.TIMEOUT)
    frames = traceback.extract_tb(error.__traceback__)
    location = " < ".join(f"{frame.filename.rpartition('/')[2]}:{frame.lineno}" for frame in reversed(frames[-6:]))
    _log.error("FHIR request failed at %s: %s at %s", request.endpoint, type(error).__name__, location)
    return Refusal(
        HTTPStatus.INTERNAL_SERVER_ERROR,
        IssueType.EXCEPTION,
        "Something went wrong on our side. Try again; if this persists, contact the clinic's EMR administrator.",
    )
