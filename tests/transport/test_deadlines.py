"""Whoever drips is given up at the deadline, by the clock, wherever in the call it is."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage
from smtplib import SMTPException
from typing import Any

import pytest

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.services.clients import jwks_url
from cpar_plugin.services.submissions import mail
from cpar_plugin.settings import Settings
from cpar_plugin.transport import DeliveryOutcome, Envelope, deadline, for_settings
from cpar_plugin.transport.certificates import server_certificate_ends
from cpar_plugin.transport.deadline import DeadlineError, connected, within
from cpar_plugin.transport.trust import trusting
from oscar_host.doctor import asking
from oscar_host.sidecar.rest import OscarRest, OscarUnavailable
from oscar_host.sidecar.settings import SidecarSettings

from ..dripping import HTTP, PATIENCE_SECONDS, SMTP, TLS, dripping, dripping_mail

SECONDS = 0.5
EARLIEST = 0.9 * SECONDS  # what is left may be too little to wait for
# Without the deadline a call lasts a minute or more, so that any bound below will do, on however slow a machine.
LATEST = PATIENCE_SECONDS - 20

Put = Callable[..., Envelope]
Call = Callable[[str], Any]


def ends(call: Call, authority: Any, *, plain: bool = True) -> None:
    """Let a call meet every kind of dripping at once; `call` gets the address and checks what becomes of it."""
    certificate = authority.issue("127.0.0.1")
    peers = [("https", TLS, None), *(("https", first, certificate) for first in HTTP.values())]
    if plain:
        peers += [("http", first, None) for first in HTTP.values()]

    def meet(peer: tuple[str, bytes, tuple[str, str] | None]) -> float:
        scheme, first, with_tls = peer
        with dripping(first, with_tls) as port:
            began = time.monotonic()
            call(f"{scheme}://127.0.0.1:{port}/fhir")
            return time.monotonic() - began

    with ThreadPoolExecutor(len(peers)) as together:
        for peer, took in zip(peers, together.map(meet, peers), strict=True):
            assert EARLIEST <= took < LATEST, peer


def test_a_submission(authority: Any, envelope: Put) -> None:
    def send(address: str) -> None:
        answer = for_settings(of_registry(authority, registry_url=address)).send(envelope(2))
        assert answer.outcome in (DeliveryOutcome.UNCLEAR, DeliveryOutcome.NOT_SENT)
        assert "stopped after 0.5 seconds" in answer.message

    ends(send, authority)


def test_signing_in_to_the_registry(authority: Any, envelope: Put) -> None:
    def send(address: str) -> None:
        token = {"registry_token_url": address, "registry_client_id": "a", "registry_client_secret": "b"}
        registry = for_settings(of_registry(authority, registry_url="http://127.0.0.1:9/fhir", **token))
        answer = registry.send(envelope(2))
        assert answer.outcome is DeliveryOutcome.NOT_SENT
        assert "Signing in" in answer.message
        assert "stopped after 0.5 seconds" in answer.message

    ends(send, authority)


def test_a_registry_that_does_not_take_what_is_sent(envelope: Put) -> None:
    with dripping(b"", listens=False) as port:
        began = time.monotonic()
        answer = for_settings(
            Settings(transport="fhir", registry_url=f"http://127.0.0.1:{port}/fhir", registry_seconds=SECONDS)
        ).send(envelope(20_000))
        assert EARLIEST <= time.monotonic() - began < LATEST
    assert answer.outcome is DeliveryOutcome.UNCLEAR


def test_looking_at_the_certificate_of_the_registry(authority: Any) -> None:
    with dripping(TLS) as port:
        began = time.monotonic()
        with pytest.raises(DeadlineError):
            server_certificate_ends(f"https://127.0.0.1:{port}", of_registry(authority))
        assert EARLIEST <= time.monotonic() - began < LATEST


def test_the_keys_of_a_client(authority: Any) -> None:
    settings = Settings(fhir_jwks_ca_file=authority.file, fhir_jwks_private_networks=True, fhir_jwks_seconds=SECONDS)

    def fetch(address: str) -> None:
        with pytest.raises(Refused, match="could not be fetched"):
            jwks_url.fetch(address, settings)

    ends(fetch, authority, plain=False)


def test_a_question_to_oscar(authority: Any) -> None:
    def ask(address: str) -> None:
        oscar = OscarRest(
            SidecarSettings(oscar_url=address, oscar_ca_file=authority.file, oscar_seconds=SECONDS, secret_key="x" * 32)
        )
        with pytest.raises(OscarUnavailable):
            oscar.get("me", "JSESSIONID=1")

    ends(ask, authority)


def test_a_question_of_the_doctor(authority: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(asking, "_SECONDS", SECONDS)
    context = trusting(authority.file, "oscar_ca_file", strict=True)

    def ask(address: str) -> None:
        with pytest.raises(asking.FAILURES):
            asking.ask(address, context)

    ends(ask, authority)


def test_a_mail(authority: Any) -> None:
    certificate = authority.issue("127.0.0.1")
    message = EmailMessage()
    message["From"], message["To"] = "cpar@clinic.example", "manager@clinic.example"

    def meet(place: str) -> float:
        with dripping_mail(place, certificate) as port:
            where = {"smtp_host": "127.0.0.1", "smtp_port": port, "smtp_from": "cpar@clinic.example"}
            tls = {"smtp_starttls": True, "smtp_ca_file": authority.file}
            settings = Settings(smtp_seconds=SECONDS, **where, **tls)
            began = time.monotonic()
            if place == "QUIT":  # the mail has been taken
                with mail.server(settings) as server:
                    server.send_message(message)
            else:
                with pytest.raises((OSError, SMTPException)) as failure, mail.server(settings) as server:
                    server.send_message(message)
                assert mail.failure_message(failure.value, settings).endswith("stopped after 0.5 seconds.")
            return time.monotonic() - began

    with ThreadPoolExecutor(len(SMTP)) as together:
        for place, took in zip(SMTP, together.map(meet, SMTP), strict=True):
            assert EARLIEST <= took < LATEST, place


def test_a_name_that_no_one_looks_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadline.socket, "getaddrinfo", lambda *_, **__: time.sleep(2))
    with within(0.1), pytest.raises(DeadlineError):
        connected("registry.example", 443)


def test_a_call_without_a_deadline_is_a_fault() -> None:
    with pytest.raises(RuntimeError, match="within"):
        connected("127.0.0.1", 9)


def test_the_shorter_of_two_deadlines_counts() -> None:
    with within(0.01), within(60):
        time.sleep(0.02)
        with pytest.raises(DeadlineError):
            deadline.seconds_left()
    with within(60), within(30):
        assert deadline.seconds_left() <= 30


def of_registry(authority: Any, **more: Any) -> Settings:
    return Settings(
        **{"transport": "fhir", "registry_url": "https://registry.example", "registry_seconds": SECONDS}
        | {"registry_ca_file": authority.file, **more}
    )
