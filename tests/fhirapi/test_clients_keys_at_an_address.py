"""Keys that a client publishes itself: fetched over HTTPS from a server of its own."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from itertools import islice
from typing import Any

import pytest
from flask import Flask

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services.clients import jwks_url, registry
from cpar_plugin.services.clients.jwks_url import Busy, PublishedKeys
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from ..dripping import HTTP, dripping
from ..publisher import Publisher
from ..transport.conftest import authority  # noqa: F401  a fixture
from .clients import KeyPair, Registered, key_set

LONG = 600.0  # seconds that a test never waits for: it lets go of whoever does


@pytest.fixture
def publisher(authority: Any) -> Iterator[Publisher]:  # noqa: F811
    server = Publisher(*authority.issue("127.0.0.1"))
    yield server
    server.close()


@pytest.fixture
def settings(authority: Any) -> Settings:  # noqa: F811
    return Settings(fhir_jwks_ca_file=authority.file, fhir_jwks_private_networks=True)


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_client_gets_a_token_with_a_key_that_it_publishes(
    publisher: Publisher, site: OscarHost, clerk: Actor, served: Callable[..., Flask], settings: Settings, rsa: KeyPair
) -> None:
    publisher.body = key_set(rsa).encode()
    draft = ClientDraft(name="A", scopes="system/*.rs", jwks_url=publisher.address)
    client_id = registry.register(site, clerk, draft)
    options = {"fhir_jwks_ca_file": settings.fhir_jwks_ca_file, "fhir_jwks_private_networks": "yes"}
    client = Registered(client_id, rsa, served(site, options), site)
    assert client.token()
    assert client.token()
    assert publisher.asked == 1


def test_a_new_key_is_found_at_once_and_an_old_one_is_gone_after_five_minutes(
    publisher: Publisher, settings: Settings, rsa: KeyPair, ec: KeyPair
) -> None:
    clock = Clock()
    published = PublishedKeys(settings, monotonic=clock)
    publisher.body = key_set(rsa).encode()
    assert published.find(publisher.address, rsa.kid)
    clock.now += 11
    publisher.body = key_set(rsa, ec).encode()
    assert published.find(publisher.address, ec.kid)
    publisher.body = key_set(ec).encode()
    assert published.find(publisher.address, rsa.kid)
    clock.now += 300
    assert not published.find(publisher.address, rsa.kid)


def test_a_client_that_names_unknown_keys_does_not_make_us_fetch_each_time(
    publisher: Publisher, settings: Settings, rsa: KeyPair
) -> None:
    published = PublishedKeys(settings, monotonic=Clock())
    publisher.body = key_set(rsa).encode()
    for number in range(20):
        assert not published.find(publisher.address, f"unknown-{number}")
    assert publisher.asked == 1


def test_a_client_whose_server_is_down_is_tried_again_after_a_while(
    publisher: Publisher, settings: Settings, rsa: KeyPair
) -> None:
    clock = Clock()
    published = PublishedKeys(settings, monotonic=clock)
    publisher.status = 503
    for _ in range(5):
        with pytest.raises(Refused, match="503"):
            published.find(publisher.address, rsa.kid)
    assert publisher.asked == 1
    publisher.status = 200
    publisher.body = key_set(rsa).encode()
    clock.now += 10
    assert published.find(publisher.address, rsa.kid)


def test_keys_that_work_outlast_a_fetch_that_fails(
    publisher: Publisher, settings: Settings, rsa: KeyPair, ec: KeyPair
) -> None:
    clock = Clock()
    published = PublishedKeys(settings, monotonic=clock)
    publisher.body = key_set(rsa).encode()
    assert published.find(publisher.address, rsa.kid)
    publisher.status = 503
    for seconds in (11, 300, 3600):
        clock.now += seconds
        with pytest.raises(Refused, match="503"):
            published.find(publisher.address, "unknown")
        assert published.find(publisher.address, rsa.kid)
    asked = publisher.asked
    assert published.find(publisher.address, rsa.kid)
    assert publisher.asked == asked
    publisher.status, publisher.body = 200, key_set(ec).encode()
    clock.now += 11
    assert not published.find(publisher.address, rsa.kid)


def test_how_often_an_address_is_asked_is_a_setting(publisher: Publisher, settings: Settings, rsa: KeyPair) -> None:
    clock = Clock()
    patient = settings.model_copy(update={"fhir_jwks_again_seconds": 60})
    published = PublishedKeys(patient, monotonic=clock)
    publisher.body = key_set(rsa).encode()
    for seconds in (0, 59, 1):
        clock.now += seconds
        assert not published.find(publisher.address, "unknown")
    assert publisher.asked == 2


def test_sixty_requests_that_name_a_client_whose_server_is_slow_hold_one_thread(
    authority: Any,  # noqa: F811
    site: OscarHost,
    clerk: Actor,
    served: Callable[..., Flask],
    rsa: KeyPair,
) -> None:
    with ThreadPoolExecutor(60) as together:
        with dripping(HTTP["head"], authority.issue("127.0.0.1"), patience_seconds=LONG) as port:
            address = f"https://127.0.0.1:{port}/jwks"
            client_id = registry.register(site, clerk, ClientDraft(name="A", scopes="system/*.rs", jwks_url=address))
            options = {"fhir_jwks_ca_file": authority.file, "fhir_jwks_private_networks": "yes"}
            application = served(site, options | {"fhir_jwks_seconds": str(LONG)})
            client = Registered(client_id, rsa, application, site)
            asked = [together.submit(client.ask) for _ in range(60)]
            answers = list(islice(as_completed(asked), 59))
            [slow] = set(asked) - set(answers)
            assert not slow.done()
            assert {answer.result().status_code for answer in answers} == {503}
            assert {answer.result().headers["Retry-After"] for answer in answers} == {"2"}
        assert slow.result().status_code == 400


def test_clients_whose_servers_are_slow_hold_a_few_threads_together(
    settings: Settings,
    publisher: Publisher,
    authority: Any,  # noqa: F811
    rsa: KeyPair,
) -> None:
    published = PublishedKeys(settings.model_copy(update={"fhir_jwks_seconds": LONG}))
    publisher.body = key_set(rsa).encode()
    assert published.find(publisher.address, rsa.kid)
    certificate = authority.issue("127.0.0.1")
    # The server stops before the threads are waited for, which lets them go.
    with ThreadPoolExecutor(20) as together, dripping(HTTP["head"], certificate, patience_seconds=LONG) as port:
        addresses = [f"https://127.0.0.1:{port}/{number}" for number in range(20)]
        asked = [together.submit(published.find, address, rsa.kid) for address in addresses]
        turned_away = list(islice(as_completed(asked), 17))
        assert all(isinstance(one.exception(), Busy) for one in turned_away)
        assert published.find(publisher.address, rsa.kid)


def test_this_machine_and_private_networks_are_not_called_unless_allowed(publisher: Publisher, authority: Any) -> None:  # noqa: F811
    settings = Settings(fhir_jwks_ca_file=authority.file)
    for address in (
        publisher.address,
        "https://localhost/jwks",
        "https://[::1]/jwks",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/jwks",
        "https://[::ffff:10.0.0.1]/jwks",
        "https://0.0.0.0/jwks",
        "https://[64:ff9b::a00:1]/jwks",
        "https://[2002:a00:1::1]/jwks",
        "https://224.0.0.1/jwks",
    ):
        with pytest.raises(Refused, match="private network"):
            jwks_url.fetch(address, settings)
    assert publisher.asked == 0


def test_redirects_are_not_followed(publisher: Publisher, settings: Settings) -> None:
    publisher.status, publisher.headers = 302, {"Location": "https://127.0.0.1/elsewhere"}
    with pytest.raises(Refused, match="302"):
        jwks_url.fetch(publisher.address, settings)
    assert publisher.asked == 1


def test_a_certificate_that_is_not_trusted_gives_no_keys(publisher: Publisher, rsa: KeyPair) -> None:
    publisher.body = key_set(rsa).encode()
    with pytest.raises(Refused, match="certificate"):
        jwks_url.fetch(publisher.address, Settings(fhir_jwks_private_networks=True))
    assert publisher.asked == 0


def test_a_certificate_for_another_name_gives_no_keys(authority: Any, settings: Settings) -> None:  # noqa: F811
    server = Publisher(*authority.issue("client.example"))
    with pytest.raises(Refused, match="certificate"):
        jwks_url.fetch(server.address, settings)
    server.close()


def test_what_is_too_long_or_no_set_of_keys_is_refused(publisher: Publisher, settings: Settings) -> None:
    for body in (b"x" * 100_000, b"<html>", b"", b"[]", b"\xff\xfe"):
        publisher.body = body
        with pytest.raises(Refused):
            jwks_url.fetch(publisher.address, settings)


def test_of_what_is_published_only_usable_keys_count(
    publisher: Publisher, settings: Settings, rsa: KeyPair, ec: KeyPair
) -> None:
    import orjson

    encryption = {**ec.public, "use": "enc", "kid": "for-encryption"}
    spilled = {**ec.private, "kid": "spilled"}
    publisher.body = orjson.dumps({"keys": [encryption, spilled, {"kty": "OKP"}, 7, rsa.public]})
    assert set(jwks_url.fetch(publisher.address, settings)) == {rsa.kid}


@pytest.mark.parametrize(
    "address",
    [
        "",
        "client.example/jwks",
        "http://client.example/jwks",
        "ftp://client.example/jwks",
        "file:///etc/passwd",
        "https://",
        "https://user:secret@client.example/jwks",
        "https://client.example/jwks#keys",
        "https://client.example/a b",
        "https://client.example/\n",
        "https://client.example/" + "x" * 500,
        "https://[::1/jwks",
    ],
)
def test_an_address_that_is_no_https_address_is_refused(address: str) -> None:
    with pytest.raises(Refused) as refused:
        jwks_url.checked_address(address + ("x" if address.endswith("\n") else ""))
    assert set(refused.value.messages) == {"jwks_url"}
