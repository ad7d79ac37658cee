"""What a process does in the background for the FHIR interface: it writes records of reads, and makes exports."""

from threading import Lock
from weakref import WeakValueDictionary

from sqlalchemy import Engine

from ...hooks import Host
from ...services.clients.read_log import Reads
from ...services.exports.workers import Workers
from ...settings import Settings

_LOCK = Lock()


class Background:
    """Of one clinic in one process, for all that use it: pages, jobs, and the host's start and end."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self.reads = Reads(host)
        self.exports = Workers(host, settings)

    def start(self) -> None:
        """From now on there is a background: before, and after `stop`, all is done at once, or by a job."""
        self.reads.start()
        self.exports.start()

    def stop(self) -> None:
        """Leave exports to others, and write what waits."""
        self.exports.stop()
        self.reads.stop()


_backgrounds: WeakValueDictionary[tuple[Engine, Settings], Background] = WeakValueDictionary()


def background(host: Host, settings: Settings) -> Background:
    """The one of this clinic: created when it is first asked for, dropped with the last that keeps it."""
    with _LOCK:
        key = (host.database.engine, settings)
        instance = _backgrounds.get(key)
        if instance is None:
            _backgrounds[key] = instance = Background(host, settings)
        return instance
