"""Systems that read through the FHIR interface: their keys, what they sign, and how they are registered."""

import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
import pytest
from flask import Flask
from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey
from werkzeug.test import TestResponse

from cpar_plugin.hooks import Actor, Plugins
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

TOKEN_URL = "http://localhost/fhir/token"
EVERY_SCOPE = "system/*.rs system/Subscription.cruds system/Task.rs"  # to read with
ASSERTION_TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True)
class KeyPair:
    """A pair of keys of a client."""

    kid: str
    algorithm: str
    key: RSAKey | ECKey

    @property
    def public(self) -> dict[str, Any]:
        """The public part as a JSON Web Key."""
        return {**self.key.as_dict(private=False), "kid": self.kid, "alg": self.algorithm, "use": "sig"}

    @property
    def private(self) -> dict[str, Any]:
        """The whole pair as a JSON Web Key: what nobody may enter anywhere."""
        return {**self.key.as_dict(private=True), "kid": self.kid}

    def sign(self, claims: dict[str, Any], **header: Any) -> str:
        """A signed JSON Web Token."""
        header = {"alg": self.algorithm, "kid": self.kid, "typ": "JWT", **header}
        return jwt.encode(
            {name: value for name, value in header.items() if value}, claims, self.key, algorithms=[header["alg"]]
        )


def key_set(*pairs: KeyPair) -> str:
    """The public parts as a JSON Web Key Set."""
    return orjson.dumps({"keys": [pair.public for pair in pairs]}).decode()


@dataclass(frozen=True)
class Registered:
    """A registered client with its key, at the served interface."""

    client_id: str
    pair: KeyPair
    app: Flask
    host: OscarHost

    def claims(self, **changes: Any) -> dict[str, Any]:
        """What a right assertion says; a change to None leaves a claim out."""
        now = self.host.clock.now()
        right = {
            "iss": self.client_id,
            "sub": self.client_id,
            "aud": TOKEN_URL,
            "exp": int((now + timedelta(minutes=4)).timestamp()),
            "jti": uuid.uuid4().hex,
        }
        return {name: value for name, value in (right | changes).items() if value is not None}

    def ask(self, assertion: str | None = None, **fields: Any) -> TestResponse:
        """Ask for a token with an assertion, a right one unless another is given."""
        form = self.form(assertion if assertion is not None else self.pair.sign(self.claims())) | fields
        sent = {name: value for name, value in form.items() if value is not None}
        return self.app.test_client().post("/fhir/token", data=sent)

    def form(self, assertion: str) -> dict[str, Any]:
        """What is sent to get a token."""
        return {
            "grant_type": "client_credentials",
            "scope": "system/*.rs",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": assertion,
        }

    def token(self, scope: str = EVERY_SCOPE) -> str:
        """A token."""
        answer = self.ask(scope=scope)
        assert answer.status_code == 200, answer.text
        return str(answer.json["access_token"])  # type: ignore[index]


@pytest.fixture(scope="session")
def rsa() -> KeyPair:
    """A pair for RS384."""
    return KeyPair("rsa-1", "RS384", RSAKey.generate_key(2048))


@pytest.fixture(scope="session")
def ec() -> KeyPair:
    """A pair for ES384."""
    return KeyPair("ec-1", "ES384", ECKey.generate_key("P-384"))


@pytest.fixture
def served(host: OscarHost, tmp_path: Path) -> Iterator[Callable[..., Flask]]:
    """Makes the application for a host with settings of its own, and starts what plugins do in the background.

    That ends before `host`, which is asked for here to be closed later, whatever order a test asks in.
    """
    started = ExitStack()
    folder = {"fhir_export_folder": str(tmp_path / "exports")}

    def make(of: OscarHost, settings: Mapping[str, str] = MappingProxyType({})) -> Flask:
        plugins = Plugins()
        plugins.load_installed()
        own = replace(of, settings={**folder, **settings})
        application = create_app(own, plugins)
        started.callback(lambda: application)  # whose background it is: kept until the next line's call
        started.callback(plugins.emr_shutdown, own)
        plugins.emr_startup(own)
        return application

    with started:
        yield make


@pytest.fixture
def app(site: OscarHost, served: Callable[..., Flask]) -> Flask:
    """The embedded EMR of a configured clinic, with the interface in it."""
    return served(site)


@pytest.fixture
def registered(app: Flask, site: OscarHost, clerk: Actor, rsa: KeyPair) -> Callable[..., Registered]:
    """Registers a client; its keys are entered as a set, its panels are all, unless said otherwise."""

    def make(
        name: str = "Network", *, scopes: str = EVERY_SCOPE, panels: tuple[int, ...] = (), pair: KeyPair = rsa
    ) -> Registered:
        draft = ClientDraft(name=name, scopes=scopes, jwks=key_set(pair), panels=panels)
        return Registered(registry.register(site, clerk, draft), pair, app, site)

    return make


@pytest.fixture
def token(registered: Callable[..., Registered]) -> str:
    """The token of a client that may read everything."""
    return registered().token()
