"""A host that breaks a rule fails the check of that rule, and no other."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cpar_plugin.hooks import conformance

from . import (
    broken_homes,
    broken_on_mariadb,
    broken_ports,
    broken_rosters,
    broken_schedules,
    broken_seen_by,
    broken_visits,
)
from .breaking import BROKEN, Break, fails_exactly_its_check, fails_its_check, failures, of
from .oscar_bench import OscarBench, bench_at

with_broken_ports = pytest.mark.parametrize(
    "make",
    [
        make
        for make in of(broken_ports, broken_schedules, broken_seen_by, broken_homes)
        if make is not broken_ports.who_writes_does_not_wait
    ],
    ids=lambda make: make.__name__,
)


@pytest.mark.usefixtures("impatient")
@with_broken_ports
def test_the_check_of_the_broken_rule_fails(make: Break, on_sqlite: OscarBench) -> None:
    fails_its_check(make, on_sqlite)


@pytest.mark.large
@pytest.mark.usefixtures("impatient")
@with_broken_ports
def test_the_check_of_the_broken_rule_fails_and_no_other(make: Break, on_sqlite: OscarBench) -> None:
    fails_exactly_its_check(make, on_sqlite)


def test_who_does_not_wait_for_another_writer_fails_that_check(on_sqlite: OscarBench) -> None:
    fails_its_check(broken_ports.who_writes_does_not_wait, on_sqlite)


@pytest.mark.large
def test_who_does_not_wait_for_another_writer_fails_that_check_and_no_other(on_sqlite: OscarBench) -> None:
    fails_exactly_its_check(broken_ports.who_writes_does_not_wait, on_sqlite)


@pytest.fixture
def on_mariadb(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[OscarBench]:
    place = request.getfixturevalue("_mariadb_stock").emptied()
    with bench_at(place, tmp_path / "outbox") as opened:
        yield opened


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("make", of(broken_on_mariadb), ids=lambda make: make.__name__)
def test_what_only_mariadb_knows_is_reported_by_its_check(make: Break, on_mariadb: OscarBench) -> None:
    fails_its_check(make, on_mariadb)


@pytest.mark.large
@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("make", of(broken_on_mariadb), ids=lambda make: make.__name__)
def test_what_only_mariadb_knows_is_reported_by_its_check_alone(make: Break, on_mariadb: OscarBench) -> None:
    fails_exactly_its_check(make, on_mariadb)


def test_a_host_that_is_not_broken_fails_none_however_often_it_is_asked(on_sqlite: OscarBench) -> None:
    for _ in range(2):
        assert failures(on_sqlite) == {}


def test_every_check_is_failed_by_some_broken_host() -> None:
    modules = (
        broken_rosters,
        broken_visits,
        broken_ports,
        broken_schedules,
        broken_seen_by,
        broken_homes,
        broken_on_mariadb,
    )
    assert of(*modules) == list(BROKEN)
    assert set(conformance.CHECKS) - set(BROKEN.values()) == set()


def test_no_check_hides_another_of_its_name() -> None:
    modules = [getattr(conformance, path.stem) for path in Path(conformance.__file__).parent.glob("test_*.py")]
    checks = [check for module in modules for name, check in vars(module).items() if name.startswith("test_")]
    assert sorted(map(id, checks)) == sorted(map(id, conformance.CHECKS.values()))
