"""A submission that the registry fetches from us: `$bulk-submit` of FHIR Bulk Data Access.

Built after https://hl7.org/fhir/uv/bulkdata/4.0.0-202609-ballot/en/submit.html, which is a ballot: names may change.
The manifest is offered, the registry reads it and says what it finds; then the submission is completed, or stopped.
"""

from typing import Any

from ..domain.submission_key import HEADER, submission_key
from ..settings import Settings
from .bulk_calls import Answer, Calls, ElsewhereError
from .bulk_status import BulkStatus, read_status
from .connection import NETWORK_ERRORS, checked_address, failure_message, host_of, registry_context
from .deadline import within
from .outgoing import Session
from .reading import TooLongError, operation_outcome
from .sign_in import ClientCredentials, SignInError
from .values import DeliveryOutcome, DeliveryResult, Envelope, not_sent

_TEMPORARY = {408, 425, 429}
_SUBMIT, _STATUS = "$bulk-submit", "$bulk-submit-status"
_EARLY_POLLS = 20  # for what is said before the submission is completed: registries need not say anything then
_EVENT_STATUS = "http://hl7.org/fhir/event-status"


class _Over(Exception):
    """The attempt has its result."""

    def __init__(self, result: DeliveryResult) -> None:
        super().__init__(result.message)
        self.result = result


class BulkSubmit:
    """Offers snapshots to `registry_url`. Raises Refused where the settings could never work."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._address = checked_address(settings.registry_url, "registry_url")
        checked_address(settings.fhir_base_url, "fhir_base_url")
        self._sign_in: ClientCredentials | None = None
        if settings.registry_token_url:
            checked_address(settings.registry_token_url, "registry_token_url")
            self._sign_in = ClientCredentials(settings)
        self._context = registry_context(settings)

    def send(self, envelope: Envelope) -> DeliveryResult:
        calls = None
        try:
            with within(self._settings.registry_seconds), Session(self._context) as session:
                calls = Calls(self._settings, session, self._sign_in)
                return _Attempt(self._settings, calls, envelope).run()
        except SignInError as error:
            if calls is None or not calls.begun:
                return error.answer
            return DeliveryResult(outcome=DeliveryOutcome.UNCLEAR, message=error.answer.message)
        except _Over as over:
            return over.result
        except (TooLongError, ElsewhereError):
            return self._unclear(calls, f"{host_of(self._address)} gave a response that could not be understood.")
        except NETWORK_ERRORS as error:
            return self._unclear(calls, failure_message(error, self._address, self._settings))

    @staticmethod
    def _unclear(calls: Calls | None, reason: str) -> DeliveryResult:
        if calls is None or not calls.begun:
            return not_sent(reason)
        return DeliveryResult(outcome=DeliveryOutcome.UNCLEAR, message=reason)


class _Attempt:
    """One attempt. Whatever an earlier one that was cut off has sent, it is the same submission: its id says so."""

    def __init__(self, settings: Settings, calls: Calls, envelope: Envelope) -> None:
        self._settings = settings
        self._calls = calls
        self._envelope = envelope
        self._number = 1

    def run(self) -> DeliveryResult:
        """Raises _Over, and what calls raise."""
        known = self._calls.post(_STATUS, self._who())
        if known.status == 202:
            answer = self._calls.get(known.headers.get("Content-Location", ""))
            if answer.status == 200:  # an attempt that was cut off had completed it, or stopped it
                return self._final(answer)
        elif known.status in (401, 403) or known.status in _TEMPORARY or known.status >= 500:
            raise _Over(self._not_accepted(known))
        self._offer()
        if self._wait_for_errors().whole:
            # It could not be fetched as it was offered: once more, at another address in its place.
            replaced, self._number = self._url, 2
            self._offer(replaces=replaced)
            early = self._wait_for_errors()
        else:
            early = BulkStatus()
        if early.whole:
            self._stop(early)
        self._submit([_coding("completed")])
        return self._final(self._polled())

    @property
    def _url(self) -> str:
        return f"{self._settings.fhir_base_url}/submitted/{self._envelope.snapshot_id}/{self._number}"

    def _who(self) -> list[dict[str, Any]]:
        submitter = {"system": self._settings.bulk_submit_system, "value": self._settings.bulk_submit_submitter}
        return [
            {"name": "submitter", "valueIdentifier": submitter},
            {"name": "submissionId", "valueString": self._envelope.snapshot_id},
        ]

    def _offer(self, replaces: str = "") -> None:
        key = submission_key(self._settings.bulk_submit_secret, self._envelope.snapshot_id, self._envelope.taken_at)
        header = [{"name": "headerName", "valueString": HEADER}, {"name": "headerValue", "valueString": key}]
        parameters: list[dict[str, Any]] = [
            _coding("in-progress"),
            {"name": "manifestUrl", "valueUrl": self._url},
            {"name": "fhirBaseUrl", "valueUrl": self._settings.fhir_base_url},
            {"name": "outputFormat", "valueString": "application/fhir+ndjson"},
            {"name": "fileRequestHeader", "part": header},
        ]
        if replaces:
            parameters.append({"name": "replacesManifestUrl", "valueUrl": replaces})
        self._submit(parameters)

    def _submit(self, parameters: list[dict[str, Any]]) -> None:
        """Raises _Over where it is not taken. Of what is there already (409) the status tells the truth."""
        answer = self._calls.post(_SUBMIT, [*self._who(), *parameters], acts=True)
        if not 200 <= answer.status < 300 and answer.status != 409:
            raise _Over(self._not_accepted(answer))

    def _wait_for_errors(self) -> BulkStatus:
        """What is said of the manifest before all is completed. Raises _Over for resources that are refused."""
        status = read_status(self._calls, self._polled(early=True).json, self._url)
        if status is None:
            return BulkStatus()
        if status.resources:
            self._stop(status)
        return status

    def _stop(self, status: BulkStatus) -> None:
        self._calls.post(_SUBMIT, [*self._who(), _coding("stopped")], acts=True)
        raise _Over(self._refused(status))

    def _polled(self, *, early: bool = False) -> Answer:
        """The last status; an early one as soon as something is said of the manifest, or after some questions.

        Raises _Over, DeadlineError.
        """
        job = self._calls.post(_STATUS, self._who())
        if job.status != 202:
            raise _Over(self._not_accepted(job))
        times = 0
        while True:
            answer = self._calls.get(job.headers.get("Content-Location", ""))
            if answer.status != 202:
                return answer
            if early:
                status = read_status(self._calls, answer.json, self._url)
                if status is None or status.heard or times == _EARLY_POLLS:
                    return answer
            times += 1
            self._calls.pause(answer, times)

    def _final(self, answer: Answer) -> DeliveryResult:
        if answer.status != 200:
            return self._not_accepted(answer)
        manifest = answer.json
        if manifest.get("submissionId") != self._envelope.snapshot_id:
            return self._not_understood(answer.status)
        total = BulkStatus()
        for number in (1, 2):
            self._number = number
            status = read_status(self._calls, manifest, self._url)
            if status is None:
                return self._not_understood(answer.status)
            if status.heard:
                total = status  # the second replaces the first
        if total.whole or total.resources:
            return self._refused(total)
        return DeliveryResult(
            outcome=DeliveryOutcome.DELIVERED,
            status=answer.status,
            answer_id=self._envelope.snapshot_id,
            message=f"The registry fetched and accepted all {self._envelope.entries:,} resources.",
        )

    def _refused(self, status: BulkStatus) -> DeliveryResult:
        codes = f" ({', '.join(status.outcome.codes)})" if status.outcome.codes else ""
        what = f"{status.resources:,} resources" if status.resources else "the submission"
        return DeliveryResult(
            outcome=DeliveryOutcome.REFUSED,
            status=200,
            message=f"The registry rejected {what}{codes}. Submission History shows its response.",
            detail=status.outcome.detail,
        )

    def _not_accepted(self, answer: Answer) -> DeliveryResult:
        outcome = operation_outcome(iter([answer.body]))
        codes = f": {', '.join(outcome.codes)}" if outcome.codes else ""
        reason = f"status {answer.status}{codes}"
        if not 400 <= answer.status < 500 or answer.status in _TEMPORARY:
            kind = DeliveryOutcome.UNCLEAR if self._calls.begun else DeliveryOutcome.NOT_SENT
            message = f"The registry could not accept the submission at this time ({reason})."
        else:
            kind = DeliveryOutcome.REFUSED
            message = (
                f"The registry does not accept this submission ({reason}): check registry_url, bulk_submit_system, "
                "bulk_submit_submitter, and registry_client_id, and ask the registry what it has on file."
            )
        return DeliveryResult(outcome=kind, status=answer.status, message=message, detail=outcome.detail)

    def _not_understood(self, status: int) -> DeliveryResult:
        host = host_of(self._settings.registry_url)
        message = f"The status of the submission at {host} could not be understood."
        return DeliveryResult(outcome=DeliveryOutcome.UNCLEAR, status=status, message=message)


def _coding(code: str) -> dict[str, Any]:
    return {"name": "submissionStatus", "valueCoding": {"system": _EVENT_STATUS, "code": code}}
