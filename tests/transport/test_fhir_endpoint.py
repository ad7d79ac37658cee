"""Sending to a registry: what its answers mean, and that nothing leaves in another way than it should."""

import gc
import gzip
import hashlib
import json
import threading
import time
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.settings import Settings
from cpar_plugin.transport import DeliveryOutcome, DeliveryResult, Envelope, for_settings
from oscar_host.demo.registry.process import RunningRegistry

from ..waiting import PATIENCE, wait_until

Put = Callable[..., Envelope]


def send(address: str, envelope: Envelope, **settings: Any) -> DeliveryResult:
    return for_settings(Settings(transport="fhir", registry_url=address, **settings)).send(envelope)


def accepted(entries: int, **changes: Any) -> bytes:
    bundle = {
        "resourceType": "Bundle",
        "id": "answer-1",
        "type": "transaction-response",
        "entry": [{"response": {"status": "201 Created"}}] * entries,
    }
    return orjson.dumps(bundle | changes)


def test_a_registry_that_takes_every_entry_makes_it_delivered(registry: RunningRegistry, envelope: Put) -> None:
    sent = envelope(30)
    answer = send(registry.fhir_url, sent)
    (held,) = registry.received()
    assert (answer.outcome, answer.status, answer.answer_id) == (DeliveryOutcome.DELIVERED, 200, held["receipt"])
    assert (held["sha256"], held["members"]) == (sent.sha256, 30)


def test_the_same_snapshot_sent_again_arrives_as_the_same(registry: RunningRegistry, envelope: Put) -> None:
    answers = [send(registry.fhir_url, envelope(3)) for _ in range(2)]
    assert [answer.outcome for answer in answers] == [DeliveryOutcome.DELIVERED] * 2
    (held,) = registry.received()
    assert held["arrivals"] == 2


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["fail", "cut", "nonsense"])
def test_after_trouble_it_is_unclear_and_the_next_attempt_delivers(
    kind: str, when: str, registry: RunningRegistry, envelope: Put
) -> None:
    registry.behave(kind, when=when)
    answer = send(registry.fhir_url, envelope(400))
    assert answer.outcome is DeliveryOutcome.UNCLEAR
    assert len(registry.received()) == (when == "after")
    registry.behave("ok")
    assert send(registry.fhir_url, envelope(400)).outcome is DeliveryOutcome.DELIVERED
    assert len(registry.received()) == 1


def test_a_slow_registry_runs_into_the_time_out(registry: RunningRegistry, envelope: Put) -> None:
    registry.behave("slow", when="after", seconds=3)
    answer = send(registry.fhir_url, envelope(2), registry_read_seconds=0.3)
    assert (answer.outcome, answer.status) == (DeliveryOutcome.UNCLEAR, None)
    assert "within 0.3 seconds" in answer.message
    wait_until(registry.received)
    assert len(registry.received()) == 1


def test_a_refusal_says_the_codes_in_the_message_and_the_words_only_in_the_detail(
    registry: RunningRegistry, envelope: Put, submission: bytes
) -> None:
    answer = send(registry.fhir_url, envelope(submission.replace(b"female", b"Jane Doe")))
    assert (answer.outcome, answer.status) == (DeliveryOutcome.REFUSED, 422)
    assert "422" in answer.message
    assert "code-invalid" in answer.message
    assert "Bundle.entry[1].resource.gender" in answer.detail
    assert "gender" not in answer.message
    assert "gender" not in repr(answer)


def test_a_redirect_is_refused_and_no_one_else_gets_the_patients(
    registry: RunningRegistry, puppet: Any, envelope: Put
) -> None:
    registry.behave("redirect", location=puppet.address)
    answer = send(registry.fhir_url, envelope(2))
    assert (answer.outcome, answer.status) == (DeliveryOutcome.REFUSED, 307)
    assert "registry_url" in answer.message
    assert puppet.requests == []


def test_an_answer_without_an_end_is_given_up(registry: RunningRegistry, envelope: Put) -> None:
    registry.behave("huge")
    began = time.monotonic()
    answer = send(registry.fhir_url, envelope(2))
    assert time.monotonic() - began < 60  # by its length, long before the time-out
    assert (answer.outcome, answer.status) == (DeliveryOutcome.UNCLEAR, 200)


def test_an_answer_that_drips_is_given_up_in_time(puppet: Any, envelope: Put) -> None:
    def drip() -> Iterator[bytes]:
        yield b"HTTP/1.1 200 So\r\n\r\n"
        while True:
            yield b" "
            time.sleep(0.05)

    puppet.answers.append(drip())
    answer = send(puppet.address, envelope(2), registry_seconds=0.5)
    assert answer.outcome is DeliveryOutcome.UNCLEAR
    assert "stopped after 0.5 seconds" in answer.message


def early(status: int, content: bytes = b"") -> Iterator[bytes]:
    yield b"HTTP/1.1 %d So\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % (status, len(content))
    yield content


def test_a_refusal_that_comes_while_the_body_is_leaving_is_seen(puppet: Any, envelope: Put) -> None:
    puppet.answers_early, puppet.reads_on = True, True
    puppet.answers.append(early(413))
    answer = send(puppet.address, envelope(20_000))
    assert (answer.outcome, answer.status) == (DeliveryOutcome.REFUSED, 413)


def test_an_acceptance_by_someone_who_hangs_up_before_the_end_is_no_delivery(puppet: Any, envelope: Put) -> None:
    puppet.answers_early = True
    puppet.answers.append(early(200, accepted(20_002)))
    assert send(puppet.address, envelope(20_000)).outcome is DeliveryOutcome.UNCLEAR


def test_a_registry_that_stops_taking_is_given_up(puppet: Any, envelope: Put) -> None:
    given_up = threading.Event()

    def nothing() -> Iterator[bytes]:
        given_up.wait(PATIENCE)
        yield b""

    puppet.answers_early = True
    puppet.answers.append(nothing())
    answer = send(puppet.address, envelope(30_000), registry_connect_seconds=0.3)
    given_up.set()
    assert answer.outcome is DeliveryOutcome.UNCLEAR
    assert "stopped receiving" in answer.message


NOT_UNDERSTOOD = {
    "nothing": b"",
    "a page": b"<!doctype html><p>Welcome</p>",
    "truncated": accepted(4)[:-20],
    "something after the end": accepted(4) + b"}",
    "another resource": orjson.dumps({"resourceType": "OperationOutcome", "issue": []}),
    "another bundle": accepted(4, type="batch-response"),
    "fewer entries": accepted(3),
    "more entries": accepted(5),
    "an entry refused": accepted(
        0, entry=[{"response": {"status": "201 Created"}}] * 3 + [{"response": {"status": "422"}}]
    ),
    "one more, refused": accepted(0, entry=[{"response": {"status": "201"}}] * 4 + [{"response": {"status": "422"}}]),
    "an entry without a status": accepted(0, entry=[{"response": {"status": "201"}}] * 3 + [{}]),
    "a status that is no text": accepted(0, entry=[{"response": {"status": 201}}] * 4),
    "a list": b"[1, 2]",
    "a number that no machine has": b'{"id": 1' + b"0" * 10_000 + b"}",
    "an exponent that no machine has": b'{"id": 1e9999999999999999999}',
    "nested without end": b"[" * 500_000,
    "nested keys": b'{"a":' * 100_000,
    "no text": b'{"id": "\xff\xfe"}',
}


@pytest.mark.parametrize("kind", NOT_UNDERSTOOD)
def test_an_answer_that_does_not_say_clearly_that_all_was_taken_is_not_understood(
    kind: str, puppet: Any, envelope: Put
) -> None:
    puppet.answer(200, NOT_UNDERSTOOD[kind])
    answer = send(puppet.address, envelope(2))
    assert (answer.outcome, answer.status) == (DeliveryOutcome.UNCLEAR, 200)
    assert "could not be understood" in answer.message


@pytest.mark.parametrize("status", [200, 201, 202])
def test_what_decides_is_the_answer_and_not_which_2xx_it_has(status: int, puppet: Any, envelope: Put) -> None:
    puppet.answer(status, accepted(4))
    assert send(puppet.address, envelope(2)).outcome is DeliveryOutcome.DELIVERED


@pytest.mark.parametrize("answer_id", ["x" * 65, "", "a b", "\ud800", "<b>", 7, None, {"a": 1}])
def test_an_id_that_is_none_is_not_kept(answer_id: object, puppet: Any, envelope: Put) -> None:
    puppet.answer(200, json.dumps(orjson.loads(accepted(4)) | {"id": answer_id}).encode())
    answer = send(puppet.address, envelope(2))
    assert (answer.outcome, answer.answer_id) == (DeliveryOutcome.DELIVERED, None)


def test_a_packed_answer_is_unpacked(puppet: Any, envelope: Put) -> None:
    puppet.answer(200, gzip.compress(accepted(4)), "Content-Encoding: gzip")
    assert send(puppet.address, envelope(2)).outcome is DeliveryOutcome.DELIVERED


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        *((status, DeliveryOutcome.REFUSED) for status in (300, 301, 302, 304, 307, 308)),
        *((status, DeliveryOutcome.REFUSED) for status in (400, 401, 403, 404, 405, 409, 410, 412, 413, 415, 422, 451)),
        *((status, DeliveryOutcome.UNCLEAR) for status in (408, 425, 429)),
        *((status, DeliveryOutcome.UNCLEAR) for status in (500, 501, 502, 503, 504, 599)),
        *((status, DeliveryOutcome.UNCLEAR) for status in (600, 999)),
    ],
)
@pytest.mark.parametrize("content", [b"", b"<html>No</html>", b'{"resourceType":"OperationOutcome","issue":[{"code"'])
def test_each_status_without_a_readable_reason_has_its_meaning(
    status: int, outcome: DeliveryOutcome, content: bytes, puppet: Any, envelope: Put
) -> None:
    puppet.answer(status, content, "Location: https://elsewhere.invalid/")
    answer = send(puppet.address, envelope(2))
    assert (answer.outcome, answer.status) == (outcome, status)
    assert str(status) in answer.message
    assert len(puppet.requests) == 1


@pytest.mark.parametrize("status", [401, 403])
def test_without_permission_the_settings_to_check_are_named(status: int, puppet: Any, envelope: Put) -> None:
    puppet.answer(status)
    message = send(puppet.address, envelope(2)).message
    assert "registry_client_id" in message
    assert "registry_client_secret" in message


def test_the_words_of_a_refusal_are_shortened_and_made_printable(puppet: Any, envelope: Put) -> None:
    words = {"severity": "error", "code": "Jane Doe", "diagnostics": "a\x00b\x1b[31m\r\nSubject: c‮ " + "x" * 5000}
    puppet.answer(422, orjson.dumps({"resourceType": "OperationOutcome", "issue": [words] * 50}))
    answer = send(puppet.address, envelope(2))
    assert len(answer.detail) == 2000
    assert answer.detail.isprintable()
    assert "Jane" not in answer.message


def test_a_refusal_that_is_too_long_or_cut_is_still_a_refusal(puppet: Any, envelope: Put) -> None:
    start = b'{"resourceType":"OperationOutcome","issue":[{"code":"invalid","diagnostics":"No."},{"diagnostics":"'
    puppet.answer(422, start + b"x" * 3_000_000)
    puppet.answers.append(b"HTTP/1.1 422 So\r\nContent-Length: 5000000\r\n\r\n" + start)
    for answer in (send(puppet.address, envelope(2)) for _ in range(2)):
        assert (answer.outcome, answer.status, answer.detail) == (DeliveryOutcome.REFUSED, 422, "No.")
        assert "invalid" in answer.message


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\x00\x01\x02",
        b"HTTP/1.1 banana\r\n\r\n",
        b"HTTP/1.1 200 So\r\nContent-Length: 999\r\n\r\n" + accepted(4),
        b"HTTP/1.1 200 So\r\nContent-Length: many\r\n\r\n",
        b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 So\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n{\"a\": 1,",
        b"HTTP/1.1 200 So\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 So\r\n" + b"X: y\r\n" * 500 + b"\r\n",
        b"HTTP/1.1 200 So\r\nX: " + b"y" * 100_000 + b"\r\n\r\n",
    ],
)  # fmt: skip
def test_broken_http_is_unclear(raw: bytes, puppet: Any, envelope: Put) -> None:
    puppet.answers.append(raw)
    assert send(puppet.address, envelope(2)).outcome is DeliveryOutcome.UNCLEAR


def test_the_request_is_one_with_a_length_and_the_bytes_of_the_snapshot(puppet: Any, envelope: Put) -> None:
    puppet.answer(200, accepted(502))
    sent = envelope(500)
    assert send(puppet.address, sent).outcome is DeliveryOutcome.DELIVERED
    ((head, content),) = puppet.requests
    assert hashlib.sha256(content).hexdigest() == sent.sha256
    headers = dict(line.lower().split(": ", 1) for line in head.splitlines()[1:])
    assert head.startswith("POST /fhir HTTP/1.1")
    assert headers["content-length"] == str(sent.body_bytes)
    assert headers["content-type"] == "application/fhir+json"
    assert headers["x-request-id"] == sent.snapshot_id
    assert "authorization" not in headers


@pytest.mark.parametrize("lie", [{"sha256": "0" * 64}, {"body_bytes": 100}, {"body_bytes": 10_000_000}])
def test_of_a_damaged_snapshot_no_whole_body_ever_leaves(lie: dict[str, Any], puppet: Any, envelope: Put) -> None:
    puppet.answer(200, accepted(502))
    sent = envelope(500, **lie)
    answer = send(puppet.address, sent)
    assert answer.outcome is DeliveryOutcome.REFUSED
    assert "damaged" in answer.message
    wait_until(lambda: puppet.requests)
    ((_, content),) = puppet.requests
    assert len(content) < sent.body_bytes


@pytest.mark.parametrize("error", [ValueError("stored badly"), OSError("the database is gone"), TimeoutError("lock")])
def test_an_error_of_the_store_is_the_callers(error: Exception, registry: RunningRegistry, envelope: Put) -> None:
    def broken() -> Iterator[bytes]:
        yield b"{" * 70_000
        raise error

    with pytest.raises(type(error), match=str(error)):
        send(registry.fhir_url, envelope(500, open_body=broken))


def test_memory_does_not_grow_with_the_panel(puppet: Any, envelope: Put) -> None:
    entry = b'{"fullUrl":"' + b"x" * 400 + b'"},'
    digest = hashlib.sha256()
    for _ in range(40_000):
        digest.update(entry)
    stored = {"sha256": digest.hexdigest(), "body_bytes": len(entry) * 40_000, "entries": 40_000}
    sent = envelope(b"", open_body=lambda: (entry * 100 for _ in range(400)), **stored)
    answered = b'{"response":{"status":"200 OK","location":"Patient/1/_history/1"}},'

    def long_answer() -> Iterator[bytes]:
        yield b'HTTP/1.1 200 So\r\n\r\n{"resourceType":"Bundle","type":"transaction-response","entry":['
        for _ in range(399):
            yield answered * 100
        yield answered * 99 + answered[:-1] + b"]}"

    puppet.answers.append(long_answer())
    puppet.keeps_bodies = False
    gc.collect()
    tracemalloc.start()
    try:
        answer = send(puppet.address, sent)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert answer.outcome is DeliveryOutcome.DELIVERED
    assert stored["body_bytes"] > 16_000_000
    assert peak < 3_000_000


def test_nothing_listening_and_an_unknown_name_are_reported(envelope: Put) -> None:
    nobody = send("http://127.0.0.1:9/fhir", envelope(2))
    assert (nobody.outcome, "refused the connection" in nobody.message) == (DeliveryOutcome.NOT_SENT, True)
    unknown = send("https://registry.invalid/fhir", envelope(2))
    assert unknown.outcome is DeliveryOutcome.NOT_SENT
    assert "registry.invalid cannot be resolved" in unknown.message


def test_a_proxy_of_the_environment_does_not_get_the_patients(
    registry: RunningRegistry, puppet: Any, envelope: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, puppet.address)
    assert send(registry.fhir_url, envelope(2)).outcome is DeliveryOutcome.DELIVERED
    assert puppet.requests == []


@pytest.mark.parametrize(
    "address",
    [
        "http://registry.example/fhir",
        "http://10.0.0.1/fhir",
        "http://127.0.0.1.example/fhir",
        "http://127.0.0.1@registry.example/fhir",
        "http://localhost.example/fhir",
        "http://[::ffff:10.0.0.1]/fhir",
        "HTTP://REGISTRY.EXAMPLE",
        "ftp://127.0.0.1/fhir",
        "file:///etc/passwd",
        "registry.example",
        "//registry.example/fhir",
        "https://",
        "https://user:Winter2026@registry.example/fhir",
        "https://registry.example/fhir#part",
        "https://registry.example:port/fhir",
        "not an address",
        "https://*.example/fhir",
        "http://１０.0.0.1/fhir",
    ],
)
def test_an_address_that_would_not_be_safe_is_refused_at_start(address: str) -> None:
    with pytest.raises(Refused) as caught:
        for_settings(Settings(transport="fhir", registry_url=address))
    assert list(caught.value.messages) == ["registry_url"]
    assert "Winter2026" not in str(caught.value)
    with pytest.raises(Refused) as caught:
        for_settings(
            Settings(
                transport="fhir",
                registry_url="https://registry.example/fhir",
                registry_token_url=address,
                registry_client_id="clinic",
                registry_client_secret="secret",
            )
        )
    assert list(caught.value.messages) == ["registry_token_url"]


@pytest.mark.parametrize(
    "address",
    ["https://registry.example/fhir", "http://localhost:8080", "http://127.0.0.1/fhir", "http://[::1]:80/fhir"],
)
def test_https_and_this_machine_are_fine(address: str, tmp_path: Path) -> None:
    for_settings(Settings(transport="fhir", registry_url=address))
