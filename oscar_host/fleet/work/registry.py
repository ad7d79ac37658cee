"""What all workers know about one registry: how many may send to it, and whether it answers at all.

Both are in the broker: in its queues, which any worker reads and writes, and which outlive workers and restarts.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from enum import Enum
from typing import Any, Final

from kombu import Connection

from cpar_plugin.transport import DeliveryOutcome, DeliveryResult, Envelope, Transport, not_sent

from .broker_line import FAILURES, BrokerLine
from .tokens import WorkerTokens

log = logging.getLogger(__name__)

# So many failures without an answer in between, of whatever clinics, and the registry is taken to be down.
_DOWN_AFTER: Final = 5
_PAUSES: Final = (1, 2, 4, 10, 20)  # times the first one
_REMEMBERED_SECONDS: Final = 24 * 60 * 60
_UNUSED_MILLISECONDS: Final = 2 * _REMEMBERED_SECONDS * 1000
_PATIENCE_SECONDS: Final = 60.0
_NOTING_SECONDS: Final = 5.0
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERRORS: Final = 500
_NO_TURN: Final = "Too many panels are being sent to the registry at this time, or the fleet's broker is unavailable."


class RegistryState(Enum):
    """Whether panels are sent to it."""

    UP = "up"
    ON_TRIAL = "on trial"  # a pause is over: one panel at a time, until one is answered
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class _Counts:
    failures: int
    pauses: int

    @property
    def state(self) -> RegistryState:
        if self.pauses:
            return RegistryState.DOWN
        return RegistryState.ON_TRIAL if self.failures >= _DOWN_AFTER else RegistryState.UP


class Registry:
    """One registry, by its key."""

    def __init__(self, line: BrokerLine, key: str, at_once: int, pause_seconds: float) -> None:
        self._line = line
        self._first_pause = pause_seconds
        self._failures, self._down = f"cpar.registry.{key}.failures", f"cpar.registry.{key}.down"
        self._sending = WorkerTokens(line, key, at_once)
        self._trial = WorkerTokens(line, f"{key}.trial", 1)
        self._noting = WorkerTokens(line, f"{key}.noting", 1)
        self._key = key

    def state(self) -> RegistryState:
        """Up where the broker cannot be asked: then there are no tokens either."""
        with suppress(*FAILURES):
            return self._line.do(self._counts).state
        return RegistryState.UP

    @contextmanager
    def admitted(self) -> Iterator[bool]:
        """Whether a panel may be prepared for it, and sent, in the block: while it is on trial, one at a time."""
        match self.state():
            case RegistryState.UP:
                yield True
            case RegistryState.ON_TRIAL:
                with self._trial.held() as held:
                    yield held
            case RegistryState.DOWN:
                yield False

    def sending(self, transport: Transport) -> Transport:
        """The same way out, for as many at a time as the registry takes, each answer noted for all."""
        return _Counted(transport, self)

    def send(self, transport: Transport, envelope: Envelope) -> DeliveryResult:
        with self._sending.held(_PATIENCE_SECONDS) as held:
            if not held:
                return not_sent(_NO_TURN)
            answer = transport.send(envelope)
        with suppress(*FAILURES):
            if _is_failure(answer):
                with self._noting.held(_NOTING_SECONDS):  # one after the other: there is one fifth failure
                    self._line.do(self._note_failure)
            else:
                self._line.do(self._note_answer)
        return answer

    def _note_failure(self, connection: Connection) -> None:
        before = self._counts(connection)
        counts = _Counts(before.failures + 1, before.pauses)
        with connection.channel() as channel:
            self._publish(channel, self._failures, _REMEMBERED_SECONDS)
            if counts.state is RegistryState.ON_TRIAL:
                pause = self._first_pause * _PAUSES[min(counts.failures - _DOWN_AFTER, len(_PAUSES) - 1)]
                self._publish(channel, self._down, pause)
                # One outage is one warning, however long it is.
                level = logging.WARNING if counts.failures == _DOWN_AFTER else logging.INFO
                log.log(level, "registry %s does not answer: next attempt in %g seconds", self._key, pause)
            self._counts(connection)  # what was published is counted from now on

    def _note_answer(self, connection: Connection) -> None:
        before = self._counts(connection)
        if before.failures:
            with connection.channel() as channel:
                for queue in (self._failures, self._down):
                    channel.queue_purge(queue)
            if before.state is not RegistryState.UP:
                log.warning("registry %s answers again", self._key)

    def _publish(self, channel: Any, queue: str, seconds: float) -> None:
        """A message that counts for so long."""
        expiration = str(max(1, int(seconds * 1000)))
        message = channel.prepare_message(b"", properties={"delivery_mode": 2, "expiration": expiration})
        channel.basic_publish(message, exchange="", routing_key=queue)

    def _counts(self, connection: Connection) -> _Counts:
        arguments = {"x-expires": _UNUSED_MILLISECONDS}
        with connection.channel() as channel:
            failures, pauses = (
                channel.queue_declare(queue, durable=True, auto_delete=False, arguments=arguments).message_count
                for queue in (self._failures, self._down)
            )
        return _Counts(failures, pauses)


class _Counted:
    def __init__(self, transport: Transport, registry: Registry) -> None:
        self._transport = transport
        self._registry = registry

    def send(self, envelope: Envelope) -> DeliveryResult:
        return self._registry.send(self._transport, envelope)


def _is_failure(answer: DeliveryResult) -> bool:
    """It was not there, or could not work: nothing that one clinic's panel or sign-in is the reason for."""
    if answer.outcome not in (DeliveryOutcome.NOT_SENT, DeliveryOutcome.UNCLEAR):
        return False
    return answer.status is None or answer.status == _TOO_MANY_REQUESTS or answer.status >= _SERVER_ERRORS
