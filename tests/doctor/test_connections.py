"""Certificates that are not accepted are named, with the cause, at start and by the doctor."""

import logging
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.handlers import Sink
from cryptography import x509
from sqlalchemy import insert

from cpar_plugin.hooks import Health
from cpar_plugin.host_kit.clock import SystemClock
from cpar_plugin.services.health import checks, configured, connections, registry_connection
from cpar_plugin.settings import Settings
from cpar_plugin.store.tables import client
from oscar_host.demo.ports import free_port
from oscar_host.host import OscarHost, open_host

from ..authority import Authority
from ..conftest import NOW
from ..publisher import Publisher
from ..waiting import PATIENCE
from .conftest import Doctor

CAUSE = "Missing Authority Key Identifier"


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    """An authority whose certificates lack what Python 3.13 began to ask for."""
    return Authority(tmp_path_factory.mktemp("old"), issued={x509.AuthorityKeyIdentifier: None})


@pytest.fixture
def publisher(old: Authority) -> Iterator[Publisher]:
    server = Publisher(*old.issue("127.0.0.1", days=90))
    yield server
    server.close()


@pytest.fixture
def today(tmp_path: Path) -> Iterator[OscarHost]:
    """Certificates end in real time. No database is needed for them."""
    host = open_host(f"sqlite:///{tmp_path}/none.db", clock=SystemClock())
    yield host
    host.database.engine.dispose()


def test_the_registrys_certificate_is_named_with_what_it_lacks(
    publisher: Publisher, old: Authority, today: OscarHost, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(transport="fhir", registry_url=publisher.address, registry_ca_file=old.file)
    result = registry_connection.certificate(today, settings)
    assert result.level == "failure"
    assert CAUSE in result.message
    named = "The certificate CN=127.0.0.1, issued by CN=Test Authority, has no Authority Key Identifier."
    assert named in result.message
    lenient = settings.model_copy(update={"strict_certificates": False})
    result = registry_connection.certificate(today, lenient)
    assert result.level == "warning"
    assert f"Accepted only because strict_certificates is no: {named}" in result.message
    assert "strict_certificates is no" in configured.settings_fit(today, lenient).message
    assert publisher.asked == 0


def test_where_every_certificate_is_right_leniency_is_not_complained_of(today: OscarHost, tmp_path: Path) -> None:
    right = Authority(tmp_path)
    server = Publisher(*right.issue("127.0.0.1", days=90))
    settings = Settings(
        transport="fhir", registry_url=server.address, registry_ca_file=right.file, strict_certificates=False
    )
    assert registry_connection.certificate(today, settings).level == "ok"
    server.close()


def test_an_authority_that_breaks_the_rules_is_named(today: OscarHost, tmp_path: Path) -> None:
    wrong = Authority(tmp_path, name="Clinic Authority", own={x509.KeyUsage: None})
    settings = Settings(transport="fhir", registry_url="https://registry.invalid", registry_ca_file=wrong.file)
    result = configured.settings_fit(today, settings)
    assert result.level == "failure"
    assert "registry_ca_file: The certificate CN=Clinic Authority has no Key Usage." in result.message


def test_what_is_not_accepted_is_logged_at_start(
    publisher: Publisher, old: Authority, host: OscarHost, caplog: pytest.LogCaptureFixture
) -> None:
    settings = Settings(transport="fhir", registry_url=publisher.address, registry_ca_file=old.file)
    with caplog.at_level(logging.WARNING):
        checks.log_connection_problems(host, settings)
    (line,) = caplog.messages
    assert line.startswith("cpar-registry-certificate: The certificate of 127.0.0.1:")
    assert CAUSE in line


@pytest.fixture
def mail_server(old: Authority) -> Iterator[Callable[..., Settings]]:
    """The settings for a mail server that encrypts."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*old.issue("127.0.0.1"))
    where = {"hostname": "127.0.0.1", "port": free_port(), "ready_timeout": PATIENCE}
    controller = Controller(Sink(), **where, tls_context=context, require_starttls=True)
    controller.start()
    named = {"smtp_host": "127.0.0.1", "smtp_port": controller.port, "smtp_from": "cpar@clinic.example"}
    more = {"smtp_starttls": True, "smtp_ca_file": old.file}
    yield lambda **changes: Settings(**(named | more | changes))
    controller.stop(no_assert=True)


def test_the_mail_servers_certificate_is_looked_at(mail_server: Callable[..., Settings], today: OscarHost) -> None:
    def looked(**settings: Any) -> Health:
        return connections.mail_server(today, mail_server(**settings))

    assert looked(smtp_host="").level == "ok"
    assert looked(strict_certificates=False).level == "ok"
    strictly = looked()
    assert (strictly.level, CAUSE in strictly.message) == ("failure", True)
    assert "strict_certificates = no" in strictly.message
    assert looked(smtp_ca_file="/no/such/file").message.startswith("smtp_ca_file: cannot be used")
    assert looked(smtp_port=1, strict_certificates=False).level == "failure"


def test_clients_whose_keys_cannot_be_fetched_are_named_with_the_cause(
    publisher: Publisher, old: Authority, host: OscarHost
) -> None:
    settings = Settings(fhir_jwks_ca_file=old.file, fhir_jwks_private_networks=True)
    assert connections.client_keys(host, settings).level == "ok"
    with host.database.session() as session:
        row = {"name": "A", "scopes": "system/*.rs", "jwks_url": publisher.address, "version": 1}
        session.execute(insert(client).values(row | {"created_at": NOW, "created_by": "101"}))
    result = connections.client_keys(host, settings)
    assert result.level == "failure"
    assert "client-1: The keys could not be fetched from 127.0.0.1. The certificate of 127.0.0.1" in result.message
    assert CAUSE in result.message
    publisher.body = b'{"keys": []}'
    lenient = settings.model_copy(update={"strict_certificates": False})
    assert "No usable key is published there" in connections.client_keys(host, lenient).message


def test_an_oscar_whose_certificate_is_not_accepted_is_distinguished_from_one_that_is_silent(
    publisher: Publisher, old: Authority, doctor: Doctor
) -> None:
    base = publisher.address.removesuffix("/jwks.json")
    beside = {"oscar_url": f"{base}/oscar", "oscar_ca_file": old.file, "secret_key": "0123456789abcdef" * 4}
    report = doctor(**beside)["oscar"]
    assert (report.level, CAUSE in report.message, "oscar_ca_file" in report.remedy) == ("failure", True, True)
    publisher.status = 401
    assert doctor(**beside, strict_certificates="no")["oscar"].level == "ok"
    assert doctor(**(beside | {"oscar_ca_file": "/no/such/file"}))["oscar"].message.startswith("oscar_ca_file: cannot")
