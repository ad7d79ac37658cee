"""What a process has for the FHIR interface: its records of reads, and exports that are made in the background."""

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
        """From now on there is a background: before, and after `stop`, exports are made by a job."""
        self.exports.start()

    def stop(self) -> None:
        """Leave exports to others."""
        self.exports.stop()


_backgrounds: WeakValueDictionary[tuple[Engine, Settings], Background] = WeakValueDictionary()


def background(host: Host, settings: Settings) -> Background:
    """The one of this clinic: created when it is first asked for, dropped with the last that keeps it."""
    with _LOCK:
        key = (host.database.engine, settings)
        instance = _backgrounds.get(key)
        if instance is None:
            _backgrounds[key] = instance = Background(host, settings)
        return instance
