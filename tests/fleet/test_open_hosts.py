"""As many clinics are open as a setting allows, the least used let go, and none that is in use is closed."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Lock
from typing import Any

import pytest
from hypothesis import settings, strategies
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule, run_state_machine_as_test

from cpar_plugin.hooks import HostBusy
from cpar_plugin.host_kit.database import HostDatabase
from oscar_host.fleet.clinic import FleetClinic
from oscar_host.fleet.open_hosts import OpenHosts, open_hosts
from oscar_host.fleet.settings import FleetSettings

from ..examples import examples

MOST = 3
NAMES = strategies.sampled_from(["a", "b", "c", "d", "e"])


class Opened:
    """Something that is open, and knows whether."""

    database = HostDatabase("sqlite:///nothing.db")

    def __init__(self, clinic: FleetClinic) -> None:
        self.clinic = clinic
        self.is_open = True
        self.users = 0

    def close(self) -> None:
        assert self.is_open
        assert not self.users, "closed while it is in use"
        self.is_open = False


class Uses(RuleBasedStateMachine):
    """Any sequence of uses, changes and removals."""

    held = Bundle("held")

    def __init__(self) -> None:
        super().__init__()
        self.opened: list[Opened] = []
        self.versions = dict.fromkeys("abcde", 0)
        self.hosts = OpenHosts(self._open, MOST, patience_seconds=0)
        self.in_use = 0

    def _open(self, clinic: FleetClinic) -> Opened:
        self.opened.append(Opened(clinic))
        return self.opened[-1]

    def clinic(self, name: str) -> FleetClinic:
        return FleetClinic(name, {"version": str(self.versions[name])})

    @rule(target=held, name=NAMES)
    def take(self, name: str) -> tuple[Opened, Callable[[], None]] | None:
        clinic, places = self.clinic(name), {id(one) for one in self.opened if one.is_open and one.users}
        try:
            opened, release = self.hosts.take(clinic)
        except HostBusy:
            assert len(places) == MOST
            return None
        assert opened.is_open
        assert opened.clinic == clinic
        opened.users += 1
        return opened, release

    @rule(use=consumes(held))
    def release(self, use: tuple[Opened, Callable[[], None]] | None) -> None:
        if use:
            use[0].users -= 1
            use[1]()

    @rule(name=NAMES)
    def change(self, name: str) -> None:
        self.versions[name] += 1

    @rule(names=strategies.sets(NAMES))
    def keep_only(self, names: set[str]) -> None:
        self.hosts.keep_only(names)
        assert {one.clinic.name for one in self.opened if one.is_open and not one.users} <= names

    @invariant()
    def no_more_are_open_than_allowed(self) -> None:
        assert len([one for one in self.opened if one.is_open]) == len(self.hosts) <= MOST


def test_whatever_is_used_changed_and_removed_the_bound_holds_and_nothing_in_use_is_closed() -> None:
    run_state_machine_as_test(Uses, settings=settings(max_examples=examples(100), stateful_step_count=40))


def test_of_those_not_in_use_the_least_recently_used_is_let_go() -> None:
    opened: list[Opened] = []
    hosts = OpenHosts(lambda clinic: opened.append(Opened(clinic)) or opened[-1], 2)
    for name in ("a", "b", "a", "c"):
        with hosts.opened(FleetClinic(name, {})):
            pass
    assert [(one.clinic.name, one.is_open) for one in opened] == [("a", True), ("b", False), ("c", True)]


def test_however_many_threads_ask_never_are_more_open_than_allowed() -> None:
    lock, open_now, most_open = Lock(), [0], [0]

    class Counted(Opened):
        def __init__(self, clinic: FleetClinic) -> None:
            super().__init__(clinic)
            with lock:
                open_now[0] += 1
                most_open[0] = max(most_open[0], open_now[0])

        def close(self) -> None:
            super().close()
            with lock:
                open_now[0] -= 1

    hosts = OpenHosts(Counted, 4, patience_seconds=600)

    def use(number: int) -> None:
        with hosts.opened(FleetClinic(random.Random(number).choice("abcdefgh"), {})) as opened:
            assert opened.is_open

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, range(2000)))
    assert most_open[0] <= 4
    assert len(hosts) == open_now[0] <= 4


def test_one_that_cannot_be_opened_takes_no_place() -> None:
    def fail(_: FleetClinic) -> Opened:
        raise OSError("no room")

    hosts = OpenHosts(fail, 1, patience_seconds=0)
    for _ in range(3):
        with pytest.raises(OSError, match="no room"):
            hosts.take(FleetClinic("a", {}))
    assert len(hosts) == 0


@pytest.mark.databases("both")
def test_what_is_not_used_is_kept_without_connections(new_database: Any, tmp_path: Path) -> None:
    clinics = [FleetClinic(name, {"database_url": new_database()}, data_folder=tmp_path) for name in "ab"]
    hosts = open_hosts(FleetSettings(idle_seconds=0.0001))
    with hosts.opened(clinics[0]) as first, first.database.engine.connect():
        pass
    assert first.database.engine.pool.checkedin() == 1  # type: ignore[attr-defined]
    with hosts.opened(clinics[1]):
        pass
    assert first.database.engine.pool.checkedin() == 0  # type: ignore[attr-defined]
    with hosts.opened(clinics[0]) as again, again.database.engine.connect():
        assert again is first
    hosts.close()
