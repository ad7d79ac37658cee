"""Registering clients, and the keys that are accepted."""

import base64
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from joserfc.jwk import ECKey, OctKey, OKPKey
from sqlalchemy import select

from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.services.clients import keys, registry
from cpar_plugin.services.clients.registry import Client, ClientDraft
from cpar_plugin.services.panels import editing
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .clients import KeyPair, key_set

URL = "https://client.example/jwks.json"


def found(site: OscarHost, client_id: str) -> Client:
    with site.database.engine.connect() as connection:
        return registry.live_client(connection, client_id)


def messages(draw: Callable[[], Any]) -> dict[str, str]:
    with pytest.raises(Refused) as refused:
        draw()
    return refused.value.messages


def test_a_client_is_registered_with_what_was_entered(
    site: OscarHost, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel, other = make_panel("1"), make_panel("2")
    draft = ClientDraft(name=" Network ", scopes="system/Group.read", jwks_url=URL, panels=(other, panel, panel))
    client = found(site, registry.register(site, clerk, draft))
    assert (client.client_id, client.name, client.scopes) == ("client-1", "Network", "system/Group.rs")
    assert (client.jwks_url, client.jwks, client.panels) == (URL, None, (panel, other))
    assert (client.created_at, client.last_used_at) == (site.clock.now(), None)


def test_everything_that_is_wrong_is_said_at_once(site: OscarHost, clerk: Actor) -> None:
    assert set(messages(lambda: registry.register(site, clerk, ClientDraft(name=" ", scopes="x")))) == {
        "name",
        "scopes",
        "jwks_url",
    }
    both = ClientDraft(name="A", scopes="system/*.rs", jwks_url="http://client.example", jwks="{}", panels=(99,))
    assert set(messages(lambda: registry.register(site, clerk, both))) == {"jwks_url", "jwks"}


def test_a_panel_that_is_not_there_cannot_be_chosen(site: OscarHost, clerk: Actor) -> None:
    draft = ClientDraft(name="A", scopes="system/*.rs", jwks_url=URL, panels=(99,))
    assert set(messages(lambda: registry.register(site, clerk, draft))) == {"panels"}
    with site.database.engine.connect() as connection:
        assert registry.every_client(connection) == []


def test_two_clients_cannot_have_one_name_unless_one_is_revoked(site: OscarHost, clerk: Actor) -> None:
    draft = ClientDraft(name="A", scopes="system/*.rs", jwks_url=URL)
    first = registry.register(site, clerk, draft)
    assert set(messages(lambda: registry.register(site, clerk, draft))) == {"name"}
    registry.revoke(site, clerk, first)
    second = registry.register(site, clerk, draft)
    assert second != first
    with site.database.engine.connect() as connection:
        assert [one.client_id for one in registry.every_client(connection)] == [second, first]


def test_a_revoked_client_remains_revoked(site: OscarHost, clerk: Actor) -> None:
    draft = ClientDraft(name="A", scopes="system/*.rs", jwks_url=URL)
    client_id = registry.register(site, clerk, draft)
    registry.revoke(site, clerk, client_id)
    for again in (
        lambda: registry.revoke(site, clerk, client_id),
        lambda: registry.change(site, clerk, client_id, 1, draft),
        lambda: registry.revoke(site, clerk, "client-77"),
    ):
        with pytest.raises(NotFound):
            again()


def test_of_two_people_who_change_a_client_the_second_is_informed(site: OscarHost, clerk: Actor) -> None:
    client_id = registry.register(site, clerk, ClientDraft(name="A", scopes="system/*.rs", jwks_url=URL))
    registry.change(site, clerk, client_id, 1, ClientDraft(name="B", scopes="system/Group.rs", jwks_url=URL))
    with pytest.raises(Stale):
        registry.change(site, clerk, client_id, 1, ClientDraft(name="C", scopes="system/*.rs", jwks_url=URL))
    assert found(site, client_id).name == "B"


def test_a_client_of_one_panel_does_not_get_all_when_that_panel_is_deleted(
    site: OscarHost, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel = make_panel("1")
    draft = ClientDraft(name="A", scopes="system/*.rs", jwks_url=URL, panels=(panel,))
    client_id = registry.register(site, clerk, draft)
    editing.delete(site, clerk, panel, 1)
    assert found(site, client_id).panels == (panel,)
    registry.change(site, clerk, client_id, 1, draft)
    assert found(site, client_id).panels == (panel,)


def test_every_change_is_in_the_ledger_and_in_the_log_of_the_emr(site: OscarHost, clerk: Actor) -> None:
    draft = ClientDraft(name="A", scopes="system/*.rs", jwks_url=URL)
    client_id = registry.register(site, clerk, draft)
    registry.change(site, clerk, client_id, 1, draft)
    registry.revoke(site, clerk, client_id)
    with site.database.engine.connect() as connection:
        kinds = select(tables.operation.c.kind, tables.operation.c.detail).order_by(tables.operation.c.operation_id)
        written = [(kind, orjson.loads(detail)) for kind, detail in connection.execute(kinds)]
        log = site.tables.log.c
        events = connection.execute(select(log.action, log.content, log.contentId).where(log.content.like("%Fhir%")))
        logged = [tuple(row) for row in events]
    assert written[-3:] == [(f"{kind}-client", {"client": client_id}) for kind in ("register", "change", "revoke")]
    assert logged == [(action, "cparFhirClient", client_id) for action in ("add", "update", "delete")]


def test_of_the_keys_entered_only_what_is_public_and_needed_is_kept(rsa: KeyPair, ec: KeyPair) -> None:
    entered = orjson.dumps({"keys": [{**rsa.public, "x5c": ["x"], "comment": "ours"}, ec.public]}).decode()
    kept = orjson.loads(keys.checked_set(entered))["keys"]
    always = {"kty", "kid", "use", "alg"}
    assert [set(key) - always for key in kept] == [{"n", "e"}, {"crv", "x", "y"}]
    assert set(keys.usable(keys.checked_set(entered))) == {"rsa-1", "ec-1"}
    assert keys.checked_set(orjson.dumps(ec.public).decode()) == keys.checked_set(key_set(ec))


def test_a_private_key_is_refused_with_a_warning(rsa: KeyPair, ec: KeyPair) -> None:
    for text in (
        orjson.dumps(rsa.private).decode(),
        orjson.dumps({"keys": [ec.public, ec.private]}).decode(),
        rsa.key.as_pem(private=True).decode(),
        ec.key.as_pem(private=True).decode(),
        orjson.dumps(OctKey.generate_key(256).as_dict()).decode(),
    ):
        [message] = messages(lambda text=text: keys.checked_set(text)).values()
        assert "private key" in message


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"kid": None}, "kid"),
        ({"kid": ""}, "kid"),
        ({"kid": 7}, "kid"),
        ({"kid": "x" * 201}, "kid"),
        ({"alg": "RS256"}, "RS384"),
        ({"alg": "HS256"}, "RS384"),
        ({"use": "enc"}, "use must be sig"),
        ({"kty": "oct"}, "Only RSA"),
        ({"kty": None}, "Only RSA"),
        ({"n": None}, "complete"),
        ({"n": 5}, "complete"),
        ({"n": "!"}, "2048"),
        ({"n": ""}, "2048"),
        ({"n": "A" * 4000}, "complete"),
        ({"e": "AQ"}, "valid"),
    ],
)
def test_a_key_that_cannot_be_used_is_refused_and_named(rsa: KeyPair, change: dict[str, Any], word: str) -> None:
    key = {name: value for name, value in (rsa.public | change).items() if value is not None}
    [message] = messages(lambda: keys.checked_set(orjson.dumps({"keys": [key]}).decode())).values()
    assert message.startswith("Key 1: ") or "is empty" in message or "JSON Web Key Set" in message
    assert word in message


def test_weak_keys_and_other_curves_are_refused(rsa: KeyPair) -> None:
    modulus = base64.urlsafe_b64encode(b"\xff" * 128).decode().rstrip("=")
    weak = {"kty": "RSA", "kid": "1", "n": modulus, "e": "AQAB"}
    edwards = OKPKey.generate_key("Ed25519", auto_kid=True).as_dict(private=False)
    curve = ECKey.generate_key("P-256", auto_kid=True).as_dict(private=False)
    off = {"kty": "EC", "crv": "P-384", "kid": "1", "x": base64.urlsafe_b64encode(b"\1" * 48).decode(), "y": "AQ"}
    for key, word in ((weak, "2048"), (edwards, "Only RSA"), (curve, "P-384"), (off, "valid")):
        [message] = messages(lambda key=key: keys.checked_set(orjson.dumps({"keys": [key]}).decode())).values()
        assert word in message


def test_what_is_no_set_of_keys_is_refused(rsa: KeyPair) -> None:
    many = {"keys": [{**rsa.public, "kid": str(number)} for number in range(21)]}
    twice = {"keys": [rsa.public, rsa.public]}
    public_pem = rsa.key.as_pem(private=False).decode()
    for text, word in (
        ("", "JSON Web Key Set"),
        ("[]", "JSON Web Key Set"),
        ('{"keys": {}}', "JSON Web Key Set"),
        (public_pem, "JSON Web Key Set"),
        ('{"keys": []}', "is empty"),
        ('{"keys": [1]}', "Only RSA"),
        (orjson.dumps(many).decode(), "At most 20"),
        (orjson.dumps(twice).decode(), "same kid"),
        ("x" * 70_000, "too long"),
    ):
        [message] = messages(lambda text=text: keys.checked_set(text)).values()
        assert word in message
