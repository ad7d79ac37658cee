"""The registry over HTTP: POST /fhir takes submissions, as does $bulk-submit below it; GET / shows them.

/_behaviour and /_received serve tests.
"""

import socket
import time
from collections.abc import Callable, Iterator
from ipaddress import ip_address

from flask import Flask, Response, abort, jsonify, render_template, request

from . import answers
from .arriving import Arrival
from .behaviour import Behaviour, Conduct, parse
from .bulk import BulkSubmissions
from .bulk_pages import bulk_pages
from .elements import Issue
from .store import Conflict, Store
from .tokens import Tokens
from .transaction import Faulty, check

_FOR_OTHERS = ("submit", "tokens.token", "bulk.submit", "bulk.status", "bulk.polled", "bulk.outcomes")
_DRIPS_EVERY_SECONDS = 0.1
_GIBBERISH = b"<!doctype html><title>Welcome</title><p>It works!</p>"


def create_app(store: Store, conduct: Conduct, tokens: Tokens | None) -> Flask:
    """The application; with `tokens` a submission needs one."""
    app = Flask(__name__)
    if tokens:
        app.register_blueprint(tokens.blueprint())
    offered = BulkSubmissions(store, conduct)
    app.register_blueprint(bulk_pages(offered, conduct, tokens, _behaved))

    @app.before_request
    def only_this_machine() -> None:
        if request.endpoint not in _FOR_OTHERS and not ip_address(request.remote_addr or "").is_loopback:
            abort(403)

    @app.post("/fhir", strict_slashes=False)
    def submit() -> Response:
        behaviour = conduct.next()
        if (behaviour.kind, behaviour.when) == ("cut", "before"):
            _cut()
        arrival = Arrival(request.stream)
        if tokens and not tokens.accept(request):
            return _refuse(store, 401, arrival.sha256, [Issue("login", "", "a valid access token is needed")])
        if request.mimetype not in (answers.FHIR_JSON, "application/json"):
            return _refuse(store, 415, arrival.sha256, [Issue("not-supported", "", f"send {answers.FHIR_JSON}")])
        if behaviour.when == "before" or behaviour.kind in ("refuse", "fault"):
            if behaviour.kind not in ("ok", "slow"):
                arrival.read()
            early = _misbehave(behaviour, b"")
            if early:
                return early
        answer = _receive(store, arrival)
        late = _misbehave(behaviour, answer.get_data()) if behaviour.when == "after" else None
        return late or answer

    @app.get("/")
    def status() -> str:
        return render_template("registry.html", received=store.received(), refused=store.refused())

    @app.get("/received/<path:identifier>")
    def received_body(identifier: str) -> Response:
        body = store.body(identifier)
        if body is None:
            abort(404)
        return Response(body, mimetype=answers.FHIR_JSON)

    @app.get("/_received")
    def received() -> Response:
        return jsonify(store.received())

    @app.delete("/_received")
    def forget() -> Response:
        store.forget()
        offered.forget()
        return Response(status=204)

    @app.get("/_behaviour")
    def behaviour_now() -> Response:
        return jsonify(conduct.as_json())

    @app.post("/_behaviour")
    def behave() -> Response:
        try:
            conduct.change(parse(request.get_json()))
        except ValueError as error:
            return Response(f"{error}\n", 400, mimetype="text/plain")
        return jsonify(conduct.as_json())

    return app


def _behaved(conduct: Conduct, answer: Callable[[], Response]) -> Response:
    behaviour = conduct.next()
    if behaviour.kind == "fault":
        return answer()
    if (behaviour.kind, behaviour.when) == ("cut", "before"):
        _cut()
    if behaviour.when == "before" or behaviour.kind == "refuse":
        early = _misbehave(behaviour, b"")
        if early:
            return early
    response = answer()
    late = _misbehave(behaviour, response.get_data()) if behaviour.when == "after" else None
    return late or response


def _receive(store: Store, arrival: Arrival) -> Response:
    try:
        submission = check(arrival)
        receipt = store.receive(submission, arrival.sha256, arrival.zipped())
    except Faulty as error:
        return _refuse(store, 422, arrival.sha256, error.issues)
    except Conflict:
        issue = Issue("conflict", "Bundle.identifier", "another content was received under this identifier")
        return _refuse(store, 409, arrival.sha256, [issue])
    return _fhir(200, answers.transaction_response(submission.keys, receipt))


def _refuse(store: Store, status: int, sha256: str, issues: list[Issue]) -> Response:
    store.refuse(status, sha256, f"{issues[0].expression} {issues[0].message}".strip())
    return _fhir(status, answers.operation_outcome(issues))


def _fhir(status: int, body: bytes) -> Response:
    return Response(body, status, content_type=answers.FHIR_JSON)


def _misbehave(behaviour: Behaviour, answer: bytes) -> Response | None:
    """The answer that the behaviour gives in place of the right one, if it gives one."""
    if behaviour.kind == "slow":
        time.sleep(behaviour.seconds)
    elif behaviour.kind == "fail":
        issue = Issue("transient", "", "the registry has been told to fail")
        answer_ = _fhir(behaviour.status or 503, answers.operation_outcome([issue]))
        if behaviour.status == 429:
            answer_.headers["Retry-After"] = "0"
        return answer_
    elif behaviour.kind in ("refuse", "fault"):
        issue = Issue("business-rule", "Bundle", "the registry has been told to refuse")
        return _fhir(behaviour.status or 422, answers.operation_outcome([issue]))
    elif behaviour.kind == "cut":
        return _half(answer)
    elif behaviour.kind == "nonsense":
        return Response(_GIBBERISH, 200, mimetype="text/html")
    elif behaviour.kind == "redirect":
        return Response("", 307, headers={"Location": behaviour.location})
    elif behaviour.kind == "huge":
        return Response(_endless(), 200, content_type=answers.FHIR_JSON)
    elif behaviour.kind == "drip":
        _send_slowly(behaviour.seconds)
        return Response()  # that no one receives
    return None


def _half(answer: bytes) -> Response:
    def halfway() -> Iterator[bytes]:
        yield answer[: len(answer) // 2]
        _cut()

    return Response(halfway(), 200, headers={"Content-Length": str(len(answer))}, content_type=answers.FHIR_JSON)


def _endless() -> Iterator[bytes]:
    entry = b'{"response":{"status":"200 OK"}},'
    yield b'{"resourceType":"Bundle","type":"transaction-response","entry":['
    while True:
        yield entry * 1000


def _send_slowly(seconds: float) -> None:
    connection: socket.socket = request.environ["werkzeug.socket"]
    until = time.monotonic() + seconds
    connection.sendall(b"HTTP/1.1 200 OK\r\nX-Slow: ")
    while time.monotonic() < until:
        connection.sendall(b"-")
        time.sleep(_DRIPS_EVERY_SECONDS)
    _cut()


def _cut() -> None:
    connection: socket.socket = request.environ["werkzeug.socket"]
    connection.shutdown(socket.SHUT_RDWR)
