"""The token endpoint over HTTP: what it gives, and what it does not."""

import base64
import hmac
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA384
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from flask import Flask
from joserfc import jws
from joserfc.jwk import RSAKey
from sqlalchemy import select
from werkzeug.test import TestResponse

from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.clients.tokens import bearer
from cpar_plugin.services.operations import clinic
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .clients import TOKEN_URL, KeyPair, Registered, key_set

pytestmark = pytest.mark.databases("one")

Register = Callable[..., Registered]


def refused(answer: TestResponse, error: str, word: str = "", status: int = 400) -> None:
    """An error of RFC 6749, section 5.2, that nobody may keep."""
    assert answer.status_code == status, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.content_type == "application/json"
    assert answer.json is not None
    assert answer.json["error"] == error
    assert word in answer.json.get("error_description", "")


def caller_of(host: OscarHost, token: str) -> Any:
    with host.database.engine.connect() as connection:
        return bearer(connection, token, host.clock.now()).caller


def test_a_client_that_proves_who_it_is_gets_a_token_for_five_minutes(registered: Register) -> None:
    answer = registered().ask(scope="system/Group.rs")
    assert answer.status_code == 200
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    said = dict(answer.json)
    assert len(said.pop("access_token")) == 43
    assert said == {"token_type": "bearer", "expires_in": 300, "scope": "system/Group.rs"}


def test_keys_of_both_algorithms_are_accepted(registered: Register, ec: KeyPair) -> None:
    assert registered("A").ask().status_code == 200
    assert registered("B", pair=ec).ask().status_code == 200


def test_a_token_says_who_calls_with_which_rights_to_which_panels(
    registered: Register, make_panel: Callable[..., int], site: OscarHost
) -> None:
    panel = make_panel("0042")
    client = registered("Analytics", scopes="system/Group.rs system/Patient.rs", panels=(panel,))
    caller = caller_of(site, client.token("system/Group.r system/Patient.rs"))
    assert caller.actor == Actor(actor_id=client.client_id, display_name="Analytics")
    assert caller.panels == {panel}
    rights = [
        (kind, interaction)
        for kind in ("Group", "Patient", "Location")
        for interaction in ("read", "search")
        if caller.may(kind, interaction)
    ]
    assert rights == [("Group", "read"), ("Patient", "read"), ("Patient", "search")]


@pytest.mark.databases("both")
def test_who_calls_is_one_sql_statement(registered: Register, site: OscarHost, statements: list[str]) -> None:
    token = registered().token()
    statements.clear()
    assert caller_of(site, token)
    assert len(statements) == 1


@pytest.mark.databases("both")
def test_the_database_holds_no_token(registered: Register, site: OscarHost) -> None:
    token = registered().token()
    with site.database.engine.connect() as connection:
        [row] = connection.execute(select(tables.client_token)).all()
    assert token not in map(str, row)


@pytest.mark.databases("both")
def test_a_token_ends_after_its_time(registered: Register, site: OscarHost, clock: FixedClock) -> None:
    token = registered().token()
    later = clock.now() + timedelta(seconds=299)
    with site.database.engine.connect() as connection:
        assert bearer(connection, token, later).caller
        assert not bearer(connection, token, later + timedelta(seconds=1)).caller


@pytest.mark.databases("both")
def test_a_revoked_client_is_out_at_once(registered: Register, site: OscarHost, clerk: Actor) -> None:
    client = registered()
    token = client.token()
    registry.revoke(site, clerk, client.client_id)
    assert caller_of(site, token) is None
    refused(client.ask(), "invalid_client", "revoked")


def test_a_client_that_is_changed_needs_a_new_token(registered: Register, site: OscarHost, clerk: Actor) -> None:
    client = registered()
    token = client.token()
    draft = ClientDraft(name="Network", scopes="system/Group.rs", jwks=key_set(client.pair))
    registry.change(site, clerk, client.client_id, 1, draft)
    assert caller_of(site, token) is None
    assert not caller_of(site, client.token()).may("Patient", "read")


def test_keys_are_changed_by_adding_the_new_one_and_removing_the_old_one(
    registered: Register, site: OscarHost, clerk: Actor, ec: KeyPair
) -> None:
    client = registered()
    new = replace(client, pair=ec)
    refused(new.ask(), "invalid_client", "no key with this kid")
    for version, keys in ((1, (client.pair, ec)), (2, (ec,))):
        draft = ClientDraft(name="Network", scopes="system/*.rs", jwks=key_set(*keys))
        registry.change(site, clerk, client.client_id, version, draft)
        assert new.ask().status_code == 200
        assert client.ask().status_code == (200 if version == 1 else 400)


def test_scopes_that_are_not_registered_are_not_given(registered: Register) -> None:
    client = registered(scopes="system/Group.rs")
    answer = client.ask(scope="system/*.rs openid")
    assert answer.json is not None
    assert answer.json["scope"] == "system/Group.rs"
    for scope in ("system/Patient.rs", "patient/Group.rs", "", None):
        refused(client.ask(scope=scope), "invalid_scope")


@pytest.mark.databases("both")
def test_an_assertion_that_is_sent_again_gives_nothing(registered: Register) -> None:
    client = registered()
    assertion = client.pair.sign(client.claims())
    assert client.ask(assertion).status_code == 200
    refused(client.ask(assertion), "invalid_client", "used before")


@pytest.mark.databases("both")
def test_an_assertion_is_used_up_even_when_no_token_came_of_it(registered: Register) -> None:
    client = registered(scopes="system/Group.rs")
    assertion = client.pair.sign(client.claims())
    refused(client.ask(assertion, scope="system/Patient.rs"), "invalid_scope")
    refused(client.ask(assertion), "invalid_client", "used before")


@pytest.mark.databases("both")
def test_two_clients_may_use_the_same_jti(registered: Register) -> None:
    first, second = registered("A"), registered("B")
    for client in (first, second):
        assert client.ask(client.pair.sign(client.claims(jti="1"))).status_code == 200


@pytest.mark.databases("both")
def test_used_assertions_are_forgotten_once_they_have_expired(
    registered: Register, site: OscarHost, clock: FixedClock
) -> None:
    client = registered()
    for _ in range(3):
        client.token()
    clock.move_to(clock.now() + timedelta(minutes=10))
    client.token()
    with site.database.engine.connect() as connection:
        assert len(connection.execute(select(tables.client_assertion)).all()) == 1
        assert len(connection.execute(select(tables.client_token)).all()) == 1


def test_an_assertion_has_to_be_good_now(registered: Register, site: OscarHost) -> None:
    client, now = registered(), site.clock.now().timestamp()
    for claims, word in (
        ({"exp": now - 31}, "expired"),
        ({"exp": None}, "expired"),
        ({"exp": "soon"}, "expired"),
        ({"exp": True}, "expired"),
        ({"exp": now + 331}, "five minutes"),
        ({"exp": 10**30}, "five minutes"),
        ({"nbf": now + 31}, "not valid yet"),
        ({"iat": now + 31}, "not valid yet"),
    ):
        refused(client.ask(client.pair.sign(client.claims(**claims))), "invalid_client", word)
    for claims in ({"exp": now + 300}, {"exp": now + 300.5, "iat": now}):
        assert client.ask(client.pair.sign(client.claims(**claims))).status_code == 200


def test_an_assertion_whose_time_is_no_number_gives_nothing(registered: Register) -> None:
    client = registered()
    claims = orjson.dumps(client.claims(exp=0)).decode()
    for number in ("Infinity", "NaN", "1e999"):
        refused(client.ask(signed(client, claims.replace('"exp":0', f'"exp":{number}'))), "invalid_client")


def signed(client: Registered, claims: str) -> str:
    """A token with these very claims, signed as they are."""
    header = {"alg": client.pair.algorithm, "kid": client.pair.kid}
    return jws.serialize_compact(header, claims.encode(), client.pair.key, algorithms=[client.pair.algorithm])


def test_an_assertion_for_another_address_gives_nothing(registered: Register) -> None:
    client = registered()
    for aud in ("http://localhost/fhir", "https://elsewhere.example/token", [TOKEN_URL, "https://x.example"], None):
        refused(client.ask(client.pair.sign(client.claims(aud=aud))), "invalid_client", "aud")
    assert client.ask(client.pair.sign(client.claims(aud=[TOKEN_URL]))).status_code == 200


def test_a_client_speaks_for_itself_alone(registered: Register) -> None:
    first, second = registered("A"), registered("B")
    refused(first.ask(first.pair.sign(first.claims(sub=second.client_id))), "invalid_client", "both")
    refused(first.ask(client_id=second.client_id), "invalid_client", "does not match")
    for nobody in ("client-99", "client-01", "client-", "1", "", "client-9999999999999999999999", None):
        answer = first.ask(first.pair.sign(first.claims(iss=nobody, sub=nobody)))
        refused(answer, "invalid_client", "not registered")


def test_an_assertion_signed_by_another_key_gives_nothing(registered: Register, rsa: KeyPair) -> None:
    client = registered()
    forged = KeyPair(rsa.kid, "RS384", RSAKey.generate_key(2048))
    refused(client.ask(forged.sign(client.claims())), "invalid_client", "signature")
    header, claims, signature = client.pair.sign(client.claims()).split(".")
    other = base64.urlsafe_b64encode(orjson.dumps(client.claims(sub="client-2", iss="client-2"))).decode().rstrip("=")
    refused(client.ask(f"{header}.{other}.{signature}"), "invalid_client")
    refused(client.ask(f"{header}.{claims}."), "invalid_client")


def part(content: Any) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(content)).decode().rstrip("=")


def test_an_assertion_without_a_signature_gives_nothing(registered: Register) -> None:
    client = registered()
    for algorithm in ("none", "None", "NONE", ""):
        unsigned = f"{part({'alg': algorithm, 'kid': client.pair.kid})}.{part(client.claims())}."
        refused(client.ask(unsigned), "invalid_client")


@pytest.mark.parametrize("algorithm", ["HS256", "HS384"])
def test_the_public_key_is_no_password(registered: Register, algorithm: str) -> None:
    client = registered()
    signing = f"{part({'alg': algorithm, 'kid': client.pair.kid})}.{part(client.claims())}"
    pem = client.pair.key.as_pem(private=False)
    for secret in (pem, pem.strip(), orjson.dumps(client.pair.public)):
        mac = hmac.digest(secret, signing.encode(), f"sha{algorithm[2:]}")
        forged = f"{signing}.{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"
        refused(client.ask(forged), "invalid_client", "RS384 or ES384")


def test_weaker_algorithms_are_refused_though_the_key_is_right(registered: Register) -> None:
    client = registered()
    for algorithm in ("RS256", "PS384", "RS512"):
        refused(client.ask(client.pair.sign(client.claims(), alg=algorithm)), "invalid_client", "RS384 or ES384")


def test_a_key_that_is_sent_along_is_not_looked_at(registered: Register, rsa: KeyPair) -> None:
    client = registered()
    mine = KeyPair("mine", "RS384", RSAKey.generate_key(2048))
    for kid in ("mine", rsa.kid, None):
        forged = mine.sign(client.claims(), kid=kid, jwk=mine.public, jku="https://evil.example/jwks.json")
        refused(client.ask(forged), "invalid_client")


def with_header(pair: KeyPair, claims: dict[str, Any], header: dict[str, Any]) -> str:
    """A token whose header holds anything, as other libraries write it."""
    signing = f"{part({'alg': pair.algorithm, 'kid': pair.kid} | header)}.{part(claims)}".encode()
    private = load_pem_private_key(pair.key.as_pem(private=True), None)
    assert isinstance(private, RSAPrivateKey)
    signature = private.sign(signing, PKCS1v15(), SHA384())
    return f"{signing.decode()}.{base64.urlsafe_b64encode(signature).decode().rstrip('=')}"


@pytest.mark.parametrize(
    "header",
    [
        {"kty": "RSA", "nonce": "1", "iat": 1},
        {"typ": "JWT", "https://example.ca/claims": {"a": [1, None]}},
        {"x5c": ["MIIB" * 1000]},
        {"": "", "é": "ü"},
    ],
    ids=["of a library", "of nobody", "a chain of certificates", "odd names"],
)
def test_header_parameters_that_are_not_known_are_ignored(registered: Register, header: dict[str, Any]) -> None:
    client = registered()
    answer = client.ask(with_header(client.pair, client.claims(), header))
    assert answer.status_code == 200, answer.text


def test_the_signature_of_the_largest_key_is_accepted(registered: Register) -> None:
    large = KeyPair("large", "RS384", RSAKey.generate_key(8192))
    answer = registered(pair=large).ask()
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize(
    ("header", "reason"),
    [
        ({"crit": ["exp"], "exp": 1}, "extension (crit)"),
        ({"crit": ["b64"], "b64": False}, "extension (crit)"),
        ({"crit": []}, "extension (crit)"),
        ({"kid": None}, "must have a kid"),
        ({"kid": "another"}, "no key with this kid"),
        ({"typ": 5}, "parameter with an invalid value"),
        ({"alg": "RS256"}, "RS384 or ES384"),
    ],
)
def test_a_header_is_refused_for_the_true_reason(registered: Register, header: dict[str, Any], reason: str) -> None:
    client = registered()
    refused(client.ask(with_header(client.pair, client.claims(), header)), "invalid_client", reason)


@pytest.mark.parametrize(
    "text", ["", "x", "a.b", "a.b.c", "a.b.c.d.e", "." * 40, "é.é.é", "A" * 20_000, "{}.{}.{}", "[" * 9000]
)
def test_what_is_no_assertion_is_refused(registered: Register, text: str) -> None:
    refused(registered().ask(text), "invalid_client")


def test_a_request_of_another_kind_is_refused(registered: Register, app: Flask) -> None:
    client = registered()
    refused(client.ask(grant_type="authorization_code"), "unsupported_grant_type")
    refused(client.ask(grant_type=None), "invalid_request", "grant_type")
    refused(client.ask(client_assertion_type="urn:other"), "invalid_client")
    refused(client.ask(client_assertion=None, client_id=client.client_id, client_secret="x"), "invalid_client")
    refused(client.ask(scope=["system/Group.rs", "system/*.rs"]), "invalid_request", "twice")
    browser = app.test_client()
    refused(browser.post("/fhir/token", json={"grant_type": "client_credentials"}), "invalid_request", "form")
    assert browser.get("/fhir/token").status_code == 405
    refused(client.ask(scope="system/*.rs " * 9000), "invalid_request", "large", status=413)


def test_nothing_is_read_from_the_address(registered: Register, app: Flask) -> None:
    client = registered()
    query = {"grant_type": "client_credentials", "client_assertion": client.pair.sign(client.claims())}
    answer = app.test_client().post("/fhir/token", query_string=query, data={"scope": "system/*.rs"})
    refused(answer, "invalid_request", "grant_type")


def test_no_token_is_given_while_the_integration_is_off(registered: Register, site: OscarHost, clerk: Actor) -> None:
    client = registered()
    clinic.disable(site, clerk)
    refused(client.ask(), "unauthorized_client", "turned off")


def test_a_client_that_asks_too_often_has_to_wait(
    registered: Register, site: OscarHost, served: Callable[..., Flask], clock: FixedClock
) -> None:
    client = replace(registered(), app=served(site, {"fhir_tokens_per_minute": "3"}))
    for _ in range(3):
        client.token()
    clock.move_to(clock.now() + timedelta(seconds=20))
    answer = client.ask()
    refused(answer, "temporarily_unavailable", status=429)
    assert answer.headers["Retry-After"] == "40"
    clock.move_to(clock.now() + timedelta(seconds=40))
    client.token()


def test_no_one_can_use_up_the_tokens_of_a_client(
    registered: Register, site: OscarHost, served: Callable[..., Flask]
) -> None:
    client = replace(registered(), app=served(site, {"fhir_tokens_per_minute": "3"}))
    forged = KeyPair(client.pair.kid, "RS384", RSAKey.generate_key(2048))
    form = {
        "grant_type": "client_credentials",
        "scope": "system/*.rs",
        "client_assertion": forged.sign(client.claims()),
    }
    form["client_assertion_type"] = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
    elsewhere = client.app.test_client()
    statuses = [
        elsewhere.post("/fhir/token", data=form, environ_base={"REMOTE_ADDR": "192.0.2.7"}).status_code
        for _ in range(5)
    ]
    assert statuses == [400, 400, 400, 429, 429]
    client.token()


def test_a_run_of_one_client_keeps_no_other_at_the_same_address_from_its_tokens(
    registered: Register, site: OscarHost, served: Callable[..., Flask]
) -> None:
    app = served(site, {"fhir_tokens_per_minute": "3"})
    busy, other = (replace(registered(name), app=app) for name in ("Busy", "Other"))
    assert [busy.ask().status_code for _ in range(40)] == [200] * 3 + [429] * 37
    assert [other.ask("garbage").status_code for _ in range(5)] == [400] * 3 + [429] * 2
    for _ in range(3):
        other.token()
    refused(other.ask(), "temporarily_unavailable", status=429)


def test_an_address_cannot_name_one_client_after_the_other(
    registered: Register, rsa: KeyPair, served: Callable[..., Flask], site: OscarHost
) -> None:
    client = replace(registered(), app=served(site, {"fhir_tokens_per_minute": "3"}))
    named = [client.pair.sign(client.claims(iss=f"client-{number}")) for number in range(100, 140)]
    assert [client.ask(assertion).status_code for assertion in named] == [400] * 30 + [429] * 10


def test_away_from_this_machine_tokens_need_the_public_address(
    registered: Register, site: OscarHost, served: Callable[..., Flask]
) -> None:
    client = registered()
    form = client.form(client.pair.sign(client.claims(aud="https://emr.example/fhir/token")))
    browser = client.app.test_client()
    refused(
        browser.post("/fhir/token", data=form, base_url="https://emr.example"), "unauthorized_client", "fhir_base_url"
    )
    published = served(site, {"fhir_base_url": "https://emr.example/fhir"}).test_client()
    # Behind a proxy that ends TLS and calls us by another name.
    assert published.post("/fhir/token", data=form, base_url="http://10.0.0.5:8000").status_code == 200
    plain = served(site, {"fhir_base_url": "http://emr.example/fhir"}).test_client()
    refused(plain.post("/fhir/token", data=form), "insecure_transport", "https")


@pytest.mark.databases("both")
def test_two_that_use_an_assertion_at_the_same_moment_get_one_token(registered: Register) -> None:
    client = registered()
    assertion = client.pair.sign(client.claims())
    with ThreadPoolExecutor(6) as pool:
        statuses = sorted(answer.status_code for answer in pool.map(lambda _: client.ask(assertion), range(6)))
    assert statuses == [200, 400, 400, 400, 400, 400]


@pytest.mark.databases("both")
def test_many_tokens_at_the_same_moment_are_all_given(registered: Register) -> None:
    client = registered()
    with ThreadPoolExecutor(6) as pool:
        assert len(set(pool.map(lambda _: client.token(), range(18)))) == 18
