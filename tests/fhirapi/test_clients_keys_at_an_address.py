"""Keys that a client publishes itself: fetched over HTTPS from a server of its own."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services.clients import key_addresses, register
from cpar_plugin.services.clients.key_addresses import PublishedKeys
from cpar_plugin.services.clients.register import ClientDraft
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from ..publisher import Publisher
from ..transport.conftest import authority  # noqa: F401  a fixture
from .clients import KeyPair, Registered, key_set


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
    client_id = register.register(site, clerk, draft)
    wanted = {"fhir_jwks_ca_file": settings.fhir_jwks_ca_file, "fhir_jwks_private_networks": "yes"}
    client = Registered(client_id, rsa, served(site, wanted), site)
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


def test_whoever_names_unknown_keys_does_not_make_us_fetch_each_time(
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


def test_this_machine_and_private_networks_are_left_alone_unless_allowed(publisher: Publisher, authority: Any) -> None:  # noqa: F811
    settings = Settings(fhir_jwks_ca_file=authority.file)
    for address in (
        publisher.address,
        "https://localhost/jwks",
        "https://[::1]/jwks",
        "https://169.254.169.254/latest/meta-data",
        "https://10.0.0.1/jwks",
        "https://[::ffff:10.0.0.1]/jwks",
        "https://0.0.0.0/jwks",
    ):
        with pytest.raises(Refused, match="private network"):
            key_addresses.fetch(address, settings)
    assert publisher.asked == 0


def test_redirects_are_not_followed(publisher: Publisher, settings: Settings) -> None:
    publisher.status, publisher.headers = 302, {"Location": "https://127.0.0.1/elsewhere"}
    with pytest.raises(Refused, match="302"):
        key_addresses.fetch(publisher.address, settings)
    assert publisher.asked == 1


def test_a_certificate_that_is_not_trusted_gives_no_keys(publisher: Publisher, rsa: KeyPair) -> None:
    publisher.body = key_set(rsa).encode()
    with pytest.raises(Refused, match="certificate"):
        key_addresses.fetch(publisher.address, Settings(fhir_jwks_private_networks=True))
    assert publisher.asked == 0


def test_a_certificate_for_another_name_gives_no_keys(authority: Any, settings: Settings) -> None:  # noqa: F811
    server = Publisher(*authority.issue("client.example"))
    with pytest.raises(Refused, match="certificate"):
        key_addresses.fetch(server.address, settings)
    server.close()


def test_what_is_too_long_or_no_set_of_keys_is_refused(publisher: Publisher, settings: Settings) -> None:
    for body in (b"x" * 100_000, b"<html>", b"", b"[]", b"\xff\xfe"):
        publisher.body = body
        with pytest.raises(Refused):
            key_addresses.fetch(publisher.address, settings)


def test_of_what_is_published_only_usable_keys_count(
    publisher: Publisher, settings: Settings, rsa: KeyPair, ec: KeyPair
) -> None:
    import orjson

    encryption = {**ec.public, "use": "enc", "kid": "for-encryption"}
    spilled = {**ec.private, "kid": "spilled"}
    publisher.body = orjson.dumps({"keys": [encryption, spilled, {"kty": "OKP"}, 7, rsa.public]})
    assert set(key_addresses.fetch(publisher.address, settings)) == {rsa.kid}


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
        key_addresses.checked_address(address + ("x" if address.endswith("\n") else ""))
    assert set(refused.value.messages) == {"jwks_url"}
