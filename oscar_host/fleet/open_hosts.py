"""What is open of a fleet's clinics in one process: as many as a setting allows, the least used let go."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import inf
from threading import Condition
from time import monotonic
from typing import Final, Generic, Protocol, TypeVar

from cpar_plugin.hooks import HostBusy
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.tracing import about

from ..host import OscarHost
from .clinic import FleetClinic
from .settings import FleetSettings

log = logging.getLogger(__name__)

_SECONDS: Final = 30.0
_IDLE_SECONDS: Final = 60.0


class OpenClinic(Protocol):
    """What is opened for a clinic: a host, or an application."""

    @property
    def database(self) -> HostDatabase:
        """Where its connections are."""

    def close(self) -> None:
        """Close connections and threads."""


OpenT = TypeVar("OpenT", bound=OpenClinic)


@dataclass(eq=False, slots=True)
class _Place(Generic[OpenT]):
    clinic: FleetClinic
    opened: OpenT | None = None  # None: it is being opened
    users: int = 0
    left_at: float = inf  # when its last use ended; inf: it has no connections


class OpenHosts(Generic[OpenT]):
    """At most `most` clinics are open at a time, in use or kept for the next one. Any number of threads may ask.

    One whose settings have changed is opened again; what still uses it as it was finishes with that.
    """

    def __init__(
        self,
        open_clinic: Callable[[FleetClinic], OpenT],
        most: int,
        *,
        idle_seconds: float = _IDLE_SECONDS,
        patience_seconds: float = _SECONDS,
    ) -> None:
        """One that was not used for `idle_seconds` is kept without connections, as soon as another one is used."""
        self._idle_seconds = idle_seconds
        self._open_clinic = open_clinic
        self._most = most
        self._patience = patience_seconds
        self._changed = Condition()
        self._places: dict[str, _Place[OpenT]] = {}  # the one that was used last is last
        self._closing = 0
        self._outdated: list[_Place[OpenT]] = []  # in use, and closed with their last use

    def __len__(self) -> int:
        """How many are open."""
        with self._changed:
            return self._count()

    @contextmanager
    def opened(self, clinic: FleetClinic) -> Iterator[OpenT]:
        """What is open of a clinic, while the block works with it. Do not ask for a second one within.

        Raises HostBusy where all places are in use for longer than half a minute, and what opening it raises.
        """
        opened, release = self.take(clinic)
        try:
            yield opened
        finally:
            release()

    def take(self, clinic: FleetClinic) -> tuple[OpenT, Callable[[], None]]:
        """The same for a use that ends elsewhere, by calling what is returned with it."""
        place, is_mine = self._place(clinic)
        if is_mine:
            try:
                opened = self._open_clinic(clinic)
            except BaseException:
                self._release(place, failed=True)
                raise
            with self._changed:
                place.opened = opened
                self._changed.notify_all()
        assert place.opened is not None
        return place.opened, lambda: self._release(place)

    def keep_only(self, names: set[str]) -> None:
        """Close those of clinics that are no longer in the fleet, now or with their last use."""
        with self._changed:
            closing = self._outdate([name for name in self._places if name not in names])
        self._close(closing)

    def close(self) -> None:
        """Close all, those in use with their last use."""
        self.keep_only(set())

    def _place(self, clinic: FleetClinic) -> tuple[_Place[OpenT], bool]:
        """The place of the clinic, counted as used, and whether the caller is to open it."""
        until = monotonic() + self._patience
        while True:
            with self._changed:
                place = self._places.get(clinic.name)
                closing = self._outdate([clinic.name]) if place and place.clinic != clinic else []
                place = self._places.get(clinic.name)
                if place and place.opened:
                    self._places[clinic.name] = self._places.pop(clinic.name)
                    place.users += 1
                    return place, False
                if not place and not closing and self._count() < self._most:
                    place = self._places[clinic.name] = _Place(clinic, users=1)
                    return place, True
                if not place and not closing:
                    closing = self._outdate(self._least_used())
                if not closing and not self._changed.wait(until - monotonic()) and monotonic() >= until:
                    raise HostBusy
            self._close(closing)

    def _count(self) -> int:
        return len(self._places) + len(self._outdated) + self._closing

    def _least_used(self) -> list[str]:
        """The clinic that has not been used for longest, of those that are not in use."""
        return [name for name, place in self._places.items() if not place.users][:1]

    def _outdate(self, names: list[str]) -> list[_Place[OpenT]]:
        """Take them out of the way; returned are those that no one uses, to be closed. They count until they are."""
        places = [self._places.pop(name) for name in names]
        self._outdated += [place for place in places if place.users]
        unused = [place for place in places if not place.users]
        self._closing += len(unused)
        return unused

    def _close(self, places: list[_Place[OpenT]]) -> None:
        for place in places:
            try:
                if place.opened is not None:
                    place.opened.close()
            except Exception as error:  # it concerns no one who asks for another clinic
                with about(clinic=place.clinic.name):
                    log.error("clinic %s could not be closed: %s", place.clinic.name, type(error).__name__)
            with self._changed:
                self._closing -= 1
                self._changed.notify_all()

    def _release(self, place: _Place[OpenT], *, failed: bool = False) -> None:
        closing = []
        with self._changed:
            place.users -= 1
            place.left_at = monotonic()
            if place in self._outdated and not place.users:
                self._outdated.remove(place)
                self._closing += 1
                closing.append(place)
            elif failed and self._places.get(place.clinic.name) is place:
                del self._places[place.clinic.name]
            self._changed.notify_all()
            resting = self._resting()
        self._close(closing)
        for other in resting:
            other.database.engine.dispose()  # it opens new ones when it is used

    def _resting(self) -> list[OpenT]:
        """Those whose connections have not been used for long."""
        until, resting = monotonic() - self._idle_seconds, []
        for place in self._places.values():
            if place.opened and not place.users and place.left_at <= until:
                place.left_at = inf
                resting.append(place.opened)
        return resting


def open_hosts(settings: FleetSettings) -> OpenHosts[OscarHost]:
    """For work: hosts, as many at a time as the fleet's settings allow."""
    return OpenHosts(FleetClinic.open, settings.open_clinics, idle_seconds=settings.idle_seconds)
