"""What workers agree about through the broker: how many send to a registry at a time, and whether it answers."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from cpar_plugin.transport import DeliveryOutcome, DeliveryResult, Envelope, not_sent
from oscar_host.demo.rabbitmq import PrivateRabbitMQ
from oscar_host.fleet.settings import FleetSettings
from oscar_host.fleet.work.broker_line import BrokerLine
from oscar_host.fleet.work.celery_app import celery_app
from oscar_host.fleet.work.registry import Registry, RegistryState
from oscar_host.fleet.work.tokens import WorkerTokens

from ...waiting import PATIENCE, wait_until

PAUSE_SECONDS = 3  # in which a slow machine, too, asks whether it is down
ENVELOPE = Envelope(
    snapshot_id="s", panel_number="1", taken_at=datetime(2026, 1, 1, tzinfo=UTC), sha256="", body_bytes=0, entries=0,
    open_body=lambda: iter(()),
)  # fmt: skip

Lines = Callable[[], BrokerLine]


@pytest.fixture
def line(broker: PrivateRabbitMQ) -> Iterator[Lines]:
    """Makes connections, as workers of different machines have."""
    app, lines = celery_app(FleetSettings(broker_url=broker.url)), list[BrokerLine]()

    def new() -> BrokerLine:
        lines.append(BrokerLine(app))
        return lines[-1]

    yield new
    for one in lines:
        one.close()


class Answering:
    """A way out that answers so."""

    def __init__(self, answer: DeliveryResult) -> None:
        self.answer = answer

    def send(self, envelope: Envelope) -> DeliveryResult:
        return self.answer


DOWN = Answering(not_sent("No connection."))
REFUSING = Answering(DeliveryResult(outcome=DeliveryOutcome.REFUSED, message="", status=422))


def test_as_many_hold_a_token_as_there_are_and_the_next_waits(line: Lines) -> None:
    workers = [WorkerTokens(line(), "registry", 2) for _ in range(3)]
    with ExitStack() as stack:
        assert [stack.enter_context(worker.held()) for worker in workers] == [True, True, False]
    with workers[2].held() as held:
        assert held


def test_a_worker_that_is_cut_off_gives_its_token_back(line: Lines) -> None:
    lost, other = line(), WorkerTokens(line(), "registry", 1)
    with WorkerTokens(lost, "registry", 1).held() as held:
        assert held
        with other.held() as second:
            assert not second
        lost.close()
        with other.held(patience_seconds=PATIENCE) as second:
            assert second
    with other.held() as held, other.held() as second:
        assert (held, second) == (True, False)  # it was not given back twice


def test_tokens_outlive_the_broker(line: Lines, broker: PrivateRabbitMQ) -> None:
    tokens = WorkerTokens(line(), "registry", 1)
    with tokens.held() as held:
        assert held
        broker.stop()
    broker.start()
    with tokens.held(patience_seconds=PATIENCE) as held, tokens.held() as second:
        assert (held, second) == (True, False)


def registry(line: BrokerLine) -> Registry:
    return Registry(line, "key", 4, PAUSE_SECONDS)


def wait_for(registry: Registry, state: RegistryState) -> None:
    wait_until(lambda: registry.state() is state)


def test_a_registry_is_down_for_all_once_it_has_failed_several_times_and_up_with_its_first_answer(line: Lines) -> None:
    here, there = registry(line()), registry(line())
    for _ in range(4):
        here.sending(DOWN).send(ENVELOPE)
    assert there.state() is RegistryState.UP
    there.sending(DOWN).send(ENVELOPE)
    assert here.state() is RegistryState.DOWN
    with here.admitted() as admitted:
        assert not admitted
    wait_for(here, RegistryState.ON_TRIAL)
    with here.admitted() as first, there.admitted() as second:
        assert (first, second) == (True, False)
        here.sending(DOWN).send(ENVELOPE)
    assert there.state() is RegistryState.DOWN
    wait_for(there, RegistryState.ON_TRIAL)
    there.sending(REFUSING).send(ENVELOPE)  # it is an answer, if not a kind one
    assert here.state() is RegistryState.UP


def test_one_answer_in_between_and_it_is_not_down(line: Lines) -> None:
    here = registry(line())
    for answer in (*[DOWN] * 4, REFUSING, *[DOWN] * 4):
        here.sending(answer).send(ENVELOPE)
    assert here.state() is RegistryState.UP
