"""Access tokens by OAuth client credentials."""

import base64
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import orjson
import pytest

from cpar_plugin.settings import Settings
from cpar_plugin.transport import DeliveryOutcome, Envelope, Transport, for_settings
from cpar_plugin.transport.connection import registry_context
from cpar_plugin.transport.deadline import within
from cpar_plugin.transport.outgoing import Session
from cpar_plugin.transport.sign_in import ClientCredentials
from oscar_host.demo.registry.process import RunningRegistry, running

Put = Callable[..., Envelope]
SECRET = "p:ss wörd&%"


def transport(address: str, token_url: str, **more: Any) -> Transport:
    return for_settings(settings(address, token_url, **more))


def settings(address: str, token_url: str, **more: Any) -> Settings:
    values = {"registry_client_id": "clinic", "registry_client_secret": SECRET} | more
    return Settings(transport="fhir", registry_url=address, registry_token_url=token_url, **values)


def guarded(folder: Path, **more: Any) -> AbstractContextManager[RunningRegistry]:
    """A registry that asks for a token; started again it has forgotten those it gave."""
    return running(folder, ["--client-id", "clinic", "--client-secret", SECRET], **more)


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningRegistry]:
    with guarded(tmp_path_factory.mktemp("registry")) as running_registry:
        yield running_registry


def token(value: str = "abc", **more: Any) -> bytes:
    return orjson.dumps({"access_token": value, "token_type": "Bearer", "expires_in": 300} | more)


def accepted(entries: int) -> bytes:
    entry = [{"response": {"status": "200 OK"}}] * entries
    return orjson.dumps({"resourceType": "Bundle", "type": "transaction-response", "entry": entry})


def test_with_client_and_secret_the_registry_opens(registry: RunningRegistry, envelope: Put) -> None:
    assert transport(registry.fhir_url, registry.token_url).send(envelope(2)).outcome is DeliveryOutcome.DELIVERED


@pytest.mark.parametrize("wrong", [{"registry_client_id": "other"}, {"registry_client_secret": "other"}])
def test_a_wrong_client_or_secret_is_refused_and_reported(
    wrong: dict[str, str], registry: RunningRegistry, envelope: Put
) -> None:
    answer = transport(registry.fhir_url, registry.token_url, **wrong).send(envelope(2))
    assert (answer.outcome, answer.status) == (DeliveryOutcome.REFUSED, 401)
    assert "check registry_client_id, registry_client_secret" in answer.message
    assert SECRET not in answer.message


def test_without_a_sign_in_a_guarded_registry_is_refused_and_reported(registry: RunningRegistry, envelope: Put) -> None:
    answer = for_settings(Settings(transport="fhir", registry_url=registry.fhir_url)).send(envelope(2))
    assert (answer.outcome, answer.status) == (DeliveryOutcome.REFUSED, 401)
    assert "registry_client_id" in answer.message


def test_a_token_that_the_registry_has_forgotten_is_fetched_again(tmp_path: Path, envelope: Put) -> None:
    with guarded(tmp_path) as first:
        sender = transport(first.fhir_url, first.token_url)
        assert sender.send(envelope(2)).outcome is DeliveryOutcome.DELIVERED
        port = first.port
    with guarded(tmp_path, port=port) as second:
        assert sender.send(envelope(2)).outcome is DeliveryOutcome.DELIVERED
        assert second.received()[0]["arrivals"] == 2


def test_a_token_serves_many_submissions(puppet: Any, envelope: Put) -> None:
    puppet.answer(200, token("first"))
    puppet.answer(200, accepted(4))
    sender = transport(puppet.address, puppet.address)
    assert [sender.send(envelope(2)).outcome for _ in range(3)] == [DeliveryOutcome.DELIVERED] * 3
    heads = [head for head, _ in puppet.requests]
    assert sum("grant_type" in content.decode() for _, content in puppet.requests) == 1
    assert all("Authorization: Bearer first" in head for head in heads[1:])


def test_a_registry_that_rejects_even_a_fresh_token_is_asked_no_third_time(puppet: Any, envelope: Put) -> None:
    for value in ("first", "second"):
        puppet.answer(200, token(value))
        puppet.answer(401)
    answer = transport(puppet.address, puppet.address).send(envelope(2))
    assert (answer.outcome, answer.status) == (DeliveryOutcome.REFUSED, 401)
    assert len(puppet.requests) == 4


def test_the_client_is_named_as_the_standard_says(puppet: Any, envelope: Put) -> None:
    puppet.answer(200, token())
    puppet.answer(200, accepted(4))
    transport(puppet.address, puppet.address, registry_scope="system/Bundle.c").send(envelope(2))
    head, content = puppet.requests[0]
    (basic,) = [line for line in head.splitlines() if line.startswith("Authorization: Basic ")]
    assert base64.b64decode(basic.split()[-1]) == b"clinic:p%3Ass+w%C3%B6rd%26%25"
    assert content == b"grant_type=client_credentials&scope=system%2FBundle.c"


@pytest.mark.parametrize(
    ("status", "outcome"),
    [(status, DeliveryOutcome.REFUSED) for status in (302, 400, 403, 404)]
    + [(status, DeliveryOutcome.NOT_SENT) for status in (408, 429, 500, 503)],
)
def test_each_status_of_the_sign_in_has_its_meaning(
    status: int, outcome: DeliveryOutcome, puppet: Any, envelope: Put
) -> None:
    puppet.answer(status, b'{"error": "Jane Doe"}', "Location: https://elsewhere.invalid/")
    answer = transport(puppet.address, puppet.address).send(envelope(2))
    assert (answer.outcome, answer.status) == (outcome, status)
    assert "Jane" not in answer.message
    assert len(puppet.requests) == 1


def test_an_error_code_of_the_standard_is_reported(puppet: Any, envelope: Put) -> None:
    puppet.answer(400, b'{"error": "invalid_scope"}')
    assert "invalid_scope" in transport(puppet.address, puppet.address).send(envelope(2)).message


@pytest.mark.parametrize(
    "content",
    [b"", b"<p>Hello", b"[]", b"[" * 60_000, b"{}", token(token_type="mac"), token(""), token("a\r\nX: y"), token("ü"),
     orjson.dumps({"access_token": {"a": 1}, "token_type": "Bearer"}), b'"' + b"x" * 1_000_000 + b'"'],
)  # fmt: skip
def test_after_a_sign_in_answer_without_a_token_nothing_was_sent(content: bytes, puppet: Any, envelope: Put) -> None:
    puppet.answer(200, content)
    answer = transport(puppet.address, puppet.address).send(envelope(2))
    assert (answer.outcome, answer.status) == (DeliveryOutcome.NOT_SENT, 200)
    assert len(puppet.requests) == 1


def test_after_a_sign_in_that_cannot_be_reached_nothing_was_sent(registry: RunningRegistry, envelope: Put) -> None:
    answer = transport(registry.fhir_url, "http://127.0.0.1:9/token").send(envelope(2))
    assert (answer.outcome, answer.status) == (DeliveryOutcome.NOT_SENT, None)
    assert "Signing in" in answer.message


@pytest.mark.parametrize(
    ("expires_in", "good_at", "expired_at"),
    [(300, 269, 271), (10, 4, 6), ("300", 269, 271), (None, 29, 31), ("soon", 29, 31)],
)
def test_a_token_is_kept_until_shortly_before_it_expires(
    expires_in: object, good_at: float, expired_at: float, puppet: Any
) -> None:
    more = {} if expires_in is None else {"expires_in": expires_in}
    given = {"token_type": "bearer"} | more
    puppet.answer(200, orjson.dumps({"access_token": "first"} | given))
    puppet.answer(200, orjson.dumps({"access_token": "second"} | given))
    now = 1000.0
    sign_in = ClientCredentials(settings(puppet.address, puppet.address), monotonic=lambda: now)
    with within(60), Session(registry_context(settings(puppet.address, puppet.address))) as session:
        assert sign_in.token(session) == "first"
        now += good_at
        assert sign_in.token(session) == "first"
        now += expired_at - good_at
        assert sign_in.token(session) == "second"
