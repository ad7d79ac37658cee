"""What the interface says of itself to clients, statement by statement."""

from collections.abc import Callable

from flask import Flask

from cpar_plugin.domain.scopes import granted
from oscar_host.host import OscarHost

from .clients import KeyPair, Registered

AT = "/fhir/.well-known/smart-configuration"


def test_every_statement_of_the_configuration_is_true(
    app: Flask, registered: Callable[..., Registered], rsa: KeyPair, ec: KeyPair
) -> None:
    answer = app.test_client().get(AT)
    assert answer.status_code == 200
    assert answer.content_type == "application/json"
    said = dict(answer.json)  # type: ignore[call-overload]
    pairs = {pair.algorithm: pair for pair in (rsa, ec)}
    for algorithm in said.pop("token_endpoint_auth_signing_alg_values_supported"):
        client = registered(
            algorithm,
            scopes="system/*.rs system/Subscription.cruds system/Task.rs system/Group.u",
            pair=pairs.pop(algorithm),
        )
        [method] = said["token_endpoint_auth_methods_supported"]
        [grant] = said["grant_types_supported"]
        assert (method, grant) == ("private_key_jwt", "client_credentials")
        assertion = client.pair.sign(client.claims(aud=said["token_endpoint"]))
        assert client.ask(assertion, grant_type=grant).status_code == 200
    assert not pairs
    for scope in said["scopes_supported"]:
        assert client.ask(scope=scope).json["scope"] == scope  # type: ignore[index]
        assert granted(scope, "system/*.rs system/Subscription.cruds system/Task.rs system/Group.u") == scope
    # Version 1 and 2 of scopes, and clients with a pair of keys.
    assert said["capabilities"] == ["client-confidential-asymmetric", "permission-v1", "permission-v2"]
    assert set(said) == {
        "capabilities",
        "grant_types_supported",
        "scopes_supported",
        "token_endpoint",
        "token_endpoint_auth_methods_supported",
    }


def test_no_token_endpoint_is_promised_where_no_tokens_are_given(site: OscarHost, served: Callable[..., Flask]) -> None:
    elsewhere = served(site).test_client().get(AT, base_url="https://emr.example").json
    assert elsewhere is not None
    assert "token_endpoint" not in elsewhere
    assert elsewhere["grant_types_supported"] == elsewhere["capabilities"] == []
    configuration = served(site, {"fhir_base_url": "https://emr.example/fhir"}).test_client().get(AT).json
    assert configuration is not None
    assert configuration["token_endpoint"] == "https://emr.example/fhir/token"
