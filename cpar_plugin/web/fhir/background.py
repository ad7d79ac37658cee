"""What a process has for the FHIR interface: records of reads, members of Groups, exports and notifications."""

from threading import Lock
from weakref import WeakValueDictionary

from sqlalchemy import Engine

from ...hooks import Host
from ...services.clients.read_log import Reads
from ...services.exports.workers import Workers
from ...services.fhir.kept_members import KeptMembers
from ...services.subscriptions.senders import Senders
from ...settings import Settings

_LOCK = Lock()


class Background:
    """Of one clinic in one process, for all that use it: pages, jobs, and the host's start and end."""

    def __init__(self, host: Host, settings: Settings) -> None:
        self.reads = Reads(host)
        self.members = KeptMembers()
        self.exports = Workers(host, settings)
        self.subscriptions = Senders(host, settings, self.reads)

    def start(self) -> None:
        """From now on there is a background: before, and after `stop`, exports and notifications are a job's work."""
        self.exports.start()
        self.subscriptions.start()

    def stop(self) -> None:
        """Leave both to others."""
        self.exports.stop()
        self.subscriptions.stop()


_backgrounds: WeakValueDictionary[tuple[Engine, Settings], Background] = WeakValueDictionary()


def background(host: Host, settings: Settings) -> Background:
    """The one of this clinic: created when it is first asked for, dropped with the last that keeps it."""
    with _LOCK:
        key = (host.database.engine, settings)
        instance = _backgrounds.get(key)
        if instance is None:
            _backgrounds[key] = instance = Background(host, settings)
        return instance
