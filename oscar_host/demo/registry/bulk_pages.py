"""The addresses of `$bulk-submit`, below the registry's FHIR endpoint."""

from collections.abc import Callable

import orjson
from flask import Blueprint, Response, request

from . import answers
from .behaviour import Conduct
from .bulk import BulkSubmissions, RefusedRequest
from .elements import Issue
from .structure import nulls
from .tokens import Tokens

Misbehave = Callable[[Conduct, Callable[[], Response]], Response]
_NDJSON = "application/fhir+ndjson"


def bulk_pages(submissions: BulkSubmissions, conduct: Conduct, tokens: Tokens | None, behaved: Misbehave) -> Blueprint:
    """`behaved` answers with what it is given, or misbehaves as the conduct says."""
    pages = Blueprint("bulk", __name__, url_prefix="/fhir")

    def allowed() -> Response | None:
        if tokens and not tokens.accept(request):
            return _outcome(401, Issue("login", "", "a valid access token is needed"))
        return None

    @pages.post("/$bulk-submit")
    def submit() -> Response:
        def answer() -> Response:
            submissions.submit(_parameters())
            return Response(status=200)

        return allowed() or behaved(conduct, lambda: _refusable(answer))

    @pages.post("/$bulk-submit-status")
    def status() -> Response:
        def answer() -> Response:
            job = submissions.job(_parameters())
            return Response(status=202, headers={"Content-Location": f"{request.host_url}fhir/bulk-status/{job}"})

        return allowed() or behaved(conduct, lambda: _refusable(answer))

    @pages.get("/bulk-status/<job>")
    def polled(job: str) -> Response:
        def answer() -> Response:
            result = submissions.status(job, request.base_url)
            if result is None:
                return _outcome(404, Issue("not-found", "", "no such job"))
            done, manifest = result
            headers = {} if done else {"Retry-After": "0", "X-Progress": "in progress"}
            body = orjson.dumps(manifest)
            return Response(body, 200 if done else 202, headers=headers, content_type="application/json")

        return allowed() or behaved(conduct, answer)

    @pages.get("/bulk-status/<job>/<int:number>.ndjson")
    def outcomes(job: str, number: int) -> Response:
        body = submissions.outcomes(job, number)
        if body is None:
            return _outcome(404, Issue("not-found", "", "no such file"))
        return allowed() or Response(body, content_type=_NDJSON)

    return pages


def _parameters() -> dict[str, object]:
    try:
        value = orjson.loads(request.get_data())
    except ValueError:
        value = None
    if not isinstance(value, dict) or value.get("resourceType") != "Parameters":
        raise RefusedRequest(400, Issue("structure", "Parameters", "send a Parameters resource"))
    for issue in nulls(value, "Parameters"):
        raise RefusedRequest(422, issue)
    return value


def _refusable(answer: Callable[[], Response]) -> Response:
    try:
        return answer()
    except RefusedRequest as refused:
        return _outcome(refused.status, refused.issue)


def _outcome(status: int, issue: Issue) -> Response:
    return Response(answers.operation_outcome([issue]), status, content_type=answers.FHIR_JSON)
