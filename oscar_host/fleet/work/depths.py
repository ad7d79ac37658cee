"""How many messages wait in each queue: for the beat, and for whoever operates the fleet."""

import time
from collections.abc import Mapping
from threading import Lock
from typing import Final

from celery import Celery
from kombu import Connection

from . import queues
from .broker_line import BrokerLine

_FRESH_SECONDS: Final = 2.0


class Depths:
    """Those of one broker, asked every few seconds at most."""

    def __init__(self, app: Celery) -> None:
        self._line = BrokerLine(app)
        self._lock = Lock()
        self._read_at = float("-inf")
        self._empty_at: dict[str, float] = {}
        self._depths: dict[str, int] = {}

    def now(self) -> Mapping[str, int]:
        """Messages by queue that no worker has yet. Raises one of `broker_line.FAILURES`."""
        with self._lock:
            begin = time.monotonic()
            if begin - self._read_at >= _FRESH_SECONDS:
                self._depths = self._line.do(_read)
                self._read_at = begin
                self._empty_at |= {queue: begin for queue, depth in self._depths.items() if depth == 0}
            return self._depths

    def was_empty_since(self, queue: str, moment: float) -> bool:
        """Whether no message waited in it later than `moment` (monotonic seconds): what was there then was taken."""
        self.now()
        return self._empty_at.get(queue, float("-inf")) > moment


def _read(connection: Connection) -> dict[str, int]:
    with connection.channel() as channel:
        for queue in queues.declared():
            queue(channel).declare()  # it may be the first to ask
        return {name: channel.queue_declare(name, passive=True).message_count for name in queues.ALL}
