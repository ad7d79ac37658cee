"""So many of something at a time, over all workers: messages in a queue, of which a worker holds one while it works.

A worker that dies, or is cut off, gives its token back with its connection: RabbitMQ puts it into the queue again.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

from amqp.exceptions import NotFound, ResourceLocked
from kombu import Connection

from .broker_line import FAILURES, BrokerLine

_LOOK_AGAIN_SECONDS: Final = 0.2
_AWAY_SECONDS: Final = 10.0  # without the broker: other machines, which may have it, get their chance
_PERSISTENT: Final = 2


class WorkerTokens:
    """At most `at_once` holders of this name at a time. Another number is another queue."""

    def __init__(self, line: BrokerLine, name: str, at_once: int) -> None:
        self._line = line
        self._queue = f"cpar.tokens.{name}.{at_once}"
        self._filled_mark = f"{self._queue}.filled"
        self._at_once = at_once

    @contextmanager
    def held(self, patience_seconds: float = 0.0) -> Iterator[bool]:
        """Hold a token while the block works. False where none was free for so long, or the broker is away."""
        release = self._taken(time.monotonic() + patience_seconds)
        try:
            yield release is not None
        finally:
            if release is not None:
                with suppress(*FAILURES):
                    release()

    def _taken(self, until: float) -> Any:
        there_at = time.monotonic()
        while True:
            try:
                release = self._line.do(self._take)
                if release is not None:
                    return release
                there_at = time.monotonic()
            except FAILURES:
                until = min(until, there_at + _AWAY_SECONDS)
            if time.monotonic() >= until:
                return None
            time.sleep(_LOOK_AGAIN_SECONDS)

    def _take(self, connection: Connection) -> Any:
        channel = self._filled(connection)
        message = channel.basic_get(self._queue, no_ack=False)
        if message is None:
            channel.close()
            return None
        lost = self._line.generation

        def release() -> None:
            if lost.is_set():  # the broker has put it back by itself
                return

            def give_back(_: Connection) -> None:
                channel.basic_reject(message.delivery_tag, requeue=True)
                channel.close()

            self._line.do(give_back)

        return release

    def _filled(self, connection: Connection) -> Any:
        """A channel, once the queue is there and was filled by whoever was first."""
        channel = self._channel_if_filled(connection)
        return channel if channel is not None else self._fill(connection)

    def _channel_if_filled(self, connection: Connection) -> Any:
        """A channel where the queue has been filled: a second one, which stays empty, is declared afterwards."""
        channel = connection.channel()
        try:
            channel.queue_declare(self._filled_mark, passive=True)
        except NotFound:  # which closes the channel
            return None
        return channel

    def _fill(self, connection: Connection) -> Any:
        # A queue of this connection alone: no one else fills at the same time.
        lock, alone = f"{self._queue}.filling", connection.channel()
        try:
            alone.queue_declare(lock, exclusive=True, durable=False)
        except ResourceLocked:
            time.sleep(_LOOK_AGAIN_SECONDS)
            return self._filled(connection)
        try:
            channel = self._channel_if_filled(connection)
            if channel is None:
                channel = connection.channel()
                # Classic, and not quorum: how often a token was put back is of no importance.
                channel.queue_declare(self._queue, durable=True, auto_delete=False)
                channel.queue_purge(self._queue)  # of one who was interrupted
                for _ in range(self._at_once):
                    message = channel.prepare_message(b"", properties={"delivery_mode": _PERSISTENT})
                    channel.basic_publish(message, exchange="", routing_key=self._queue)
                channel.queue_declare(self._filled_mark, durable=True, auto_delete=False)
            return channel
        finally:
            alone.queue_delete(lock)
            alone.close()
