"""So many panels at a time towards one registry, by all that work on this machine without a broker.

A place is a locked file: it becomes free with the process that has it, however that ends, and a second command that
cron has started counts too.
"""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

from cpar_plugin.settings import Settings
from cpar_plugin.transport import DeliveryResult, Envelope, Transport, not_sent

from .registry_key import key_of
from .settings import FleetSettings

_FOLDER: Final = ".registries"  # in the folder of data, where no clinic has this name
_LOOK_AGAIN_SECONDS: Final = 0.1
_PATIENCE_SECONDS: Final = 600.0
_BUSY: Final = "Too many panels are being sent to the registry at this time."


def limited(transport: Transport, settings: Settings, fleet: FleetSettings) -> Transport:
    """The same way out, for no more at a time than `registry_panels_at_once` on this machine."""
    if not (key := key_of(settings)):
        return transport
    return _RegistryPlaces(transport, fleet.data_folder / _FOLDER / key, fleet.registry_panels_at_once)


class _RegistryPlaces:
    def __init__(self, transport: Transport, folder: Path, at_once: int) -> None:
        self._transport = transport
        self._folder = folder
        self._at_once = at_once
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def send(self, envelope: Envelope) -> DeliveryResult:
        """Send it as soon as there is a place."""
        with self._place() as held:
            return self._transport.send(envelope) if held else not_sent(_BUSY)

    @contextmanager
    def _place(self) -> Iterator[bool]:
        until = time.monotonic() + _PATIENCE_SECONDS
        while True:
            for number in range(self._at_once):
                with (self._folder / str(number)).open("a") as file:
                    if _is_locked(file):
                        yield True
                        return
            if time.monotonic() >= until:
                yield False
                return
            time.sleep(_LOOK_AGAIN_SECONDS)


def _is_locked(file: IO[str]) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
