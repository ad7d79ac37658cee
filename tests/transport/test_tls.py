"""TLS between two processes, with an authority of our own."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.settings import Settings
from cpar_plugin.transport import DeliveryOutcome, DeliveryResult, Envelope, for_settings
from cpar_plugin.transport.deadline import within
from cpar_plugin.transport.outgoing import Session
from cpar_plugin.transport.trust import trusting
from oscar_host.demo.registry.process import RunningRegistry, running

from ..authority import Authority

Put = Callable[..., Envelope]


def send(address: str, envelope: Envelope, **settings: Any) -> DeliveryResult:
    return for_settings(Settings(transport="fhir", registry_url=address, **settings)).send(envelope)


@pytest.fixture
def secured(tmp_path: Path, authority: Any) -> Callable[..., AbstractContextManager[RunningRegistry]]:
    """A registry with a certificate for a name; it may ask for client certificates of the same authority."""

    def run(name: str, *, ask: bool = False, expired: bool = False) -> AbstractContextManager[RunningRegistry]:
        certificate, key = authority.issue(name, days=-1 if expired else 1)
        arguments = ["--certificate", certificate, "--key", key]
        client = authority.issue("client.example") if ask else None
        if ask:
            arguments += ["--client-ca", authority.file]
        return running(tmp_path / "registry", arguments, ca_file=authority.file, client_certificate=client)

    return run


@pytest.fixture
def registry(secured: Callable[..., AbstractContextManager[RunningRegistry]]) -> Iterator[RunningRegistry]:
    """Good for 127.0.0.1, under an authority that nobody else knows."""
    with secured("127.0.0.1") as running_registry:
        yield running_registry


def test_a_private_authority_is_trusted_where_it_is_named(
    registry: RunningRegistry, authority: Any, envelope: Put
) -> None:
    assert registry.address.startswith("https://")
    answer = send(registry.fhir_url, envelope(500), registry_ca_file=authority.file)
    assert answer.outcome is DeliveryOutcome.DELIVERED


def test_an_unknown_authority_gets_nothing(registry: RunningRegistry, envelope: Put) -> None:
    answer = send(registry.fhir_url, envelope(2))
    assert answer.outcome is DeliveryOutcome.NOT_SENT
    assert "Nothing was sent" in answer.message
    assert answer.message.count("Check the URL and registry_ca_file, or contact the registry.") == 1
    assert answer.message.count("Check") == 1
    assert registry.received() == []


def test_a_certificate_for_another_name_gets_nothing(secured: Any, authority: Any, envelope: Put) -> None:
    certificate_of_another = secured("registry.example")
    with certificate_of_another as registry:
        answer = send(registry.fhir_url, envelope(2), registry_ca_file=authority.file)
    assert answer.outcome is DeliveryOutcome.NOT_SENT
    assert "Nothing was sent" in answer.message


def test_an_expired_certificate_gets_nothing(secured: Any, authority: Any, envelope: Put) -> None:
    with secured("127.0.0.1", expired=True) as registry:
        answer = send(registry.fhir_url, envelope(2), registry_ca_file=authority.file)
    assert answer.outcome is DeliveryOutcome.NOT_SENT
    assert "expired" in answer.message


def test_a_certificate_that_breaks_a_rule_gets_nothing_unless_the_setting_lets_it_pass(
    tmp_path: Path, envelope: Put
) -> None:
    old = Authority(tmp_path, issued={x509.AuthorityKeyIdentifier: None})
    certificate, key = old.issue("127.0.0.1")
    arguments = ["--certificate", certificate, "--key", key]
    with running(tmp_path / "registry", arguments) as registry:
        registry.session = Session(trusting(old.file, "ca_file", strict=False))
        answer = send(registry.fhir_url, envelope(2), registry_ca_file=old.file)
        assert answer.outcome is DeliveryOutcome.NOT_SENT
        assert "Missing Authority Key Identifier" in answer.message
        assert "strict_certificates = no" in answer.message
        assert "registry_ca_file" not in answer.message
        with within(60):
            assert registry.received() == []
        signing_in = {
            "registry_token_url": registry.token_url,
            "registry_client_id": "a",
            "registry_client_secret": "b",
        }
        answer = send("https://127.0.0.1:9/fhir", envelope(2), registry_ca_file=old.file, **signing_in)
        assert answer.outcome is DeliveryOutcome.NOT_SENT
        assert "Signing in to the registry failed" in answer.message
        lenient = {"registry_ca_file": old.file, "strict_certificates": False}
        assert send(registry.fhir_url, envelope(2), **lenient).outcome is DeliveryOutcome.DELIVERED


def test_the_environment_cannot_switch_the_check_off(
    registry: RunningRegistry, authority: Any, envelope: Put, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.setenv(name, authority.file)
    assert send(registry.fhir_url, envelope(2)).outcome is DeliveryOutcome.NOT_SENT


def test_a_registry_that_asks_for_a_client_certificate_gets_it(secured: Any, authority: Any, envelope: Put) -> None:
    certificate, key = authority.issue("clinic.example")
    with secured("127.0.0.1", ask=True) as registry:
        answer = send(
            registry.fhir_url,
            envelope(500),
            registry_ca_file=authority.file,
            registry_client_certificate=certificate,
            registry_client_key=key,
        )
    assert answer.outcome is DeliveryOutcome.DELIVERED


@pytest.mark.parametrize("patients", [2, 2000])
def test_without_the_client_certificate_it_is_shown_what_to_check(
    patients: int, secured: Any, authority: Any, envelope: Put
) -> None:
    with secured("127.0.0.1", ask=True) as registry:
        answer = send(registry.fhir_url, envelope(patients), registry_ca_file=authority.file)
        assert registry.received() == []
    # With TLS 1.3 some of it has left before the registry says so, or nothing has.
    assert answer.outcome is DeliveryOutcome.NOT_SENT
    assert "requires a client certificate it knows (TLSV13_ALERT_CERTIFICATE_REQUIRED)" in answer.message
    assert answer.message.endswith(("Nothing was sent.", "Nothing was accepted."))


@pytest.mark.parametrize("patients", [2, 2000])
def test_a_client_certificate_that_the_registry_does_not_know_gets_nothing(
    patients: int, secured: Any, authority: Any, envelope: Put, tmp_path: Path
) -> None:
    certificate, key = Authority(tmp_path, name="Another Authority").issue("clinic.example")
    ours = {"registry_client_certificate": certificate, "registry_client_key": key}
    with secured("127.0.0.1", ask=True) as registry:
        answer = send(registry.fhir_url, envelope(patients), registry_ca_file=authority.file, **ours)
        assert registry.received() == []
    assert answer.outcome is DeliveryOutcome.NOT_SENT
    assert "registry_client_certificate" in answer.message


def test_files_that_cannot_be_used_are_refused_at_start(authority: Any, tmp_path: Path) -> None:
    certificate, key = authority.issue("clinic.example")
    _, other_key = authority.issue("other.example")
    locked_certificate, locked_key = authority.issue("locked.example", password=b"secret")
    (tmp_path / "empty.pem").write_text("")
    empty = str(tmp_path / "empty.pem")
    wrong: list[dict[str, str]] = [
        {"registry_ca_file": "/no/such/file"},
        {"registry_ca_file": empty},
        {"registry_ca_file": str(tmp_path)},
        {"registry_client_certificate": certificate, "registry_client_key": other_key},
        {"registry_client_certificate": locked_certificate, "registry_client_key": locked_key},
        {"registry_client_certificate": "/no/such/file", "registry_client_key": key},
        {"registry_client_certificate": key, "registry_client_key": certificate},
    ]
    for settings in wrong:
        with pytest.raises(Refused, match="cannot be used"):
            for_settings(Settings(transport="fhir", registry_url="https://registry.example", **settings))
