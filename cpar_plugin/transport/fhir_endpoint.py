"""A submission as a transaction Bundle to a FHIR R4 endpoint."""

import requests

from ..settings import Settings
from .body import Body, DamagedError, damaged
from .connection import NETWORK_ERRORS, checked_address, failure_message, host_of, refusal_of_ours, registry_context
from .deadline import within
from .outgoing import Session
from .reading import OperationOutcome, TooLongError, limited, operation_outcome, transaction_response
from .sign_in import ClientCredentials, SignInError
from .values import DeliveryOutcome, DeliveryResult, Envelope, not_sent

FHIR_JSON = "application/fhir+json"
# With `return=minimal` an entry of the answer takes 200 to 500 bytes.
_ANSWER_BYTES = 1024 * 1024
_ANSWER_BYTES_PER_ENTRY = 2048
# "Try again" by their definition (RFC 9110, 8470, 6585), unlike the other 4xx.
_TEMPORARY = {408, 425, 429}


class FhirEndpoint:
    """Sends to `registry_url`. Raises Refused where the settings could never work.

    TLS is always verified, redirects are never followed, and nothing is taken from the environment.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._address = checked_address(settings.registry_url, "registry_url")
        self._host = host_of(self._address)
        self._sign_in: ClientCredentials | None = None
        if settings.registry_token_url:
            checked_address(settings.registry_token_url, "registry_token_url")
            self._sign_in = ClientCredentials(settings)
        self._context = registry_context(settings)

    def send(self, envelope: Envelope) -> DeliveryResult:
        try:
            # A session for each: a connection kept since the last panel may be dead, which only sending would show.
            with within(self._settings.registry_seconds), Session(self._context) as session:
                token = self._sign_in.token(session) if self._sign_in else ""
                answer = self._post(session, envelope, token)
                if answer.status == 401 and self._sign_in:
                    token = self._sign_in.token(session, instead_of=token)
                    answer = self._post(session, envelope, token)
                return answer
        except SignInError as error:
            return error.answer

    def _post(self, session: Session, envelope: Envelope, token: str) -> DeliveryResult:
        body = Body(envelope)
        headers = {"Content-Type": FHIR_JSON, "Accept": FHIR_JSON, "Prefer": "return=minimal"}
        headers["X-Request-Id"] = envelope.snapshot_id
        if token:
            headers["Authorization"] = f"Bearer {token}"
        status = None
        try:
            with session.post(
                self._address,
                data=body,
                headers=headers,
                timeout=(self._settings.registry_connect_seconds, self._settings.registry_read_seconds),
                allow_redirects=False,
                stream=True,
            ) as response:
                status = response.status_code
                return self._read(response, body, envelope.entries)
        except DamagedError:
            return damaged()
        except TooLongError:
            return self._not_understood(status, "it does not end")
        except NETWORK_ERRORS as error:
            if body.failure is not None:
                raise body.failure from None
            reason = failure_message(error, self._address, self._settings)
            if not body.begun:
                return not_sent(reason)
            if status is None and refusal_of_ours(error):
                return DeliveryResult(outcome=DeliveryOutcome.NOT_SENT, message=f"{reason} Nothing was accepted.")
            return DeliveryResult(outcome=DeliveryOutcome.UNCLEAR, status=status, message=reason)

    def _read(self, response: requests.Response, body: Body, sent: int) -> DeliveryResult:
        status = response.status_code
        most = _ANSWER_BYTES + _ANSWER_BYTES_PER_ENTRY * sent
        chunks = limited(response, most=most)
        if 200 <= status < 300:
            result = transaction_response(chunks)
            if result is None:
                return self._not_understood(status, "it is not complete JSON")
            if not body.whole:
                return self._not_understood(status, "it arrived before the whole submission was sent")
            if not result.is_response:
                return self._not_understood(status, "it is not a transaction response")
            if not result.accepts(sent):
                return self._not_understood(status, f"it accepts {result.accepted:,} of the {sent:,} entries sent")
            return DeliveryResult(
                outcome=DeliveryOutcome.DELIVERED,
                status=status,
                answer_id=result.bundle_id,
                message=f"The registry accepted all {sent:,} entries.",
            )
        return self._not_accepted(status, operation_outcome(chunks))

    def _not_accepted(self, status: int, response: OperationOutcome) -> DeliveryResult:
        reason = f"status {status}: {', '.join(response.codes)}" if response.codes else f"status {status}"
        outcome = DeliveryOutcome.REFUSED
        if 300 <= status < 400:
            message = (
                f"{self._host} reports that its URL has changed ({reason}): ask the registry and set registry_url."
            )
        elif not 400 <= status < 500 or status in _TEMPORARY:
            outcome = DeliveryOutcome.UNCLEAR
            message = f"The registry could not accept the submission at this time ({reason})."
        elif status in (401, 403):
            message = (
                f"The registry does not accept submissions from this clinic ({reason}): check registry_client_id, "
                "registry_client_secret and registry_client_certificate, and ask the registry what it has on file."
            )
        elif status in (404, 405, 410):
            message = f"The registry does not accept submissions at this URL ({reason}): check registry_url."
        elif status == 413:
            message = f"The submission is too large for the registry ({reason}): ask for a higher limit."
        else:
            message = f"The registry rejected the submission ({reason}). Submission History shows its response."
        return DeliveryResult(outcome=outcome, status=status, message=message, detail=response.detail)

    def _not_understood(self, status: int | None, reason: str) -> DeliveryResult:
        return DeliveryResult(
            outcome=DeliveryOutcome.UNCLEAR,
            status=status,
            message=f"The response from {self._host} could not be understood: {reason}.",
        )
