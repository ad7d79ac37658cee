"""The way to a broker on another machine, by TLS."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from kombu.exceptions import OperationalError

from cpar_plugin.hooks import Refused
from oscar_host.demo.ports import free_port
from oscar_host.demo.rabbitmq import PrivateRabbitMQ, private_rabbitmq
from oscar_host.fleet.settings import FleetSettings, load
from oscar_host.fleet.work.broker_line import BrokerLine
from oscar_host.fleet.work.celery_app import celery_app
from oscar_host.install.fleet_command import command

from ...authority import Authority

NAME, OTHER_NAME = "127.0.0.1", "127.0.0.2"


class Secured:
    """A broker with a certificate for `NAME`, at `OTHER_NAME` too. `url` has `{}` for the name."""

    def __init__(self, broker: PrivateRabbitMQ, port: int, authority: Authority) -> None:
        user = broker.url.partition("@")[0].replace("amqp:", "amqps:")
        self.url, self.authority = f"{user}@{{}}:{port}//", authority


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    """As `cpar install-fleet` sets it up, on addresses of its own."""
    folder = tmp_path_factory.mktemp("tls")
    authority, port = Authority(folder), free_port()
    certificate, key = authority.issue(NAME)
    (folder / "broker.pem").write_bytes(Path(certificate).read_bytes())
    (folder / "broker.key").write_bytes(Path(key).read_bytes())
    result = CliRunner().invoke(command, ["--write", str(folder / "files"), "--programs", "/opt/cpar/bin"])
    assert result.exit_code == 0, result.output
    written = (folder / "files/rabbitmq-tls.conf").read_text().replace("/etc/rabbitmq/tls", str(folder))
    lines = [line for line in written.splitlines() if not line.startswith(("#", "listeners."))]
    listens = [f"listeners.ssl.{number} = {name}:{port}" for number, name in enumerate((NAME, OTHER_NAME), 1)]
    with private_rabbitmq(*lines, *listens) as broker:
        yield Secured(broker, port, authority)


def connect(**settings: str) -> None:
    line = BrokerLine(celery_app(FleetSettings.model_validate(settings)))
    try:
        line.do(lambda connection: connection.default_channel)
    finally:
        line.close()


@pytest.mark.databases("none")
def test_a_broker_whose_authority_is_named_is_reached(secured: Secured) -> None:
    connect(broker_url=secured.url.format(NAME), broker_ca_file=secured.authority.file)


@pytest.mark.databases("none")
def test_a_broker_under_another_name_than_its_certificates_gets_no_password(secured: Secured) -> None:
    with pytest.raises(OperationalError, match="mismatch"):
        connect(broker_url=secured.url.format(OTHER_NAME), broker_ca_file=secured.authority.file)


@pytest.mark.databases("none")
def test_a_broker_of_an_authority_that_is_not_named_gets_no_password(secured: Secured) -> None:
    with pytest.raises(OperationalError, match="CERTIFICATE_VERIFY_FAILED"):
        connect(broker_url=secured.url.format(NAME))


def test_a_file_of_authorities_that_cannot_be_used_is_named_at_the_start(tmp_path: Path) -> None:
    (tmp_path / "fleet.ini").write_text("[fleet]\nbroker_url = amqps://broker.example\nbroker_ca_file = no.pem\n")
    with pytest.raises(Refused, match="broker_ca_file"):
        celery_app(load(tmp_path / "fleet.ini").fleet)
