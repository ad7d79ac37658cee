"""On which database a test runs: on each, unless it says `@pytest.mark.databases("one")`.

That is for pages whose HTML no database changes, where what is asked in SQL is tested on each elsewhere. The name says
which one it is, so that the cases of a test are spread over the two. `--database` runs everything on one.

Of a test with several cases, each is in `make test` on one database, in turn, and on the other in `make large`, unless
it says `@pytest.mark.databases("both")`. So is every test in the folders of pages and processes, whose SQL is tested
case by case elsewhere, and one that says `@pytest.mark.databases("in turn")` because it takes seconds.

On MariaDB tests take turns between the two drivers that the product works with, by their name, and those of connections
run through each. `--driver` runs everything through one.
"""

import re
import zlib
from collections import Counter, defaultdict

import pytest

DATABASES = ("sqlite", "mariadb")
DRIVERS = {"pymysql": "pymysql", "mysqlclient": "mysqldb"}  # the name in a URL
_FIXTURES = ("database_kind", "bench")  # whose parameter says so
_IN_TURN = ("tests/doctor/", "tests/guide/", "tests/pages/", "tests/sidecar/")
_ran: Counter[tuple[str, str]] = Counter()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    chosen = config.option.database
    others = {item for item in items if _kind(item) not in (None, _kind_for(item) if chosen == "both" else chosen)}
    items[:] = [item for item in items if item not in others]
    config.hook.pytest_deselected(items=list(others))
    if chosen == "both":
        _take_turns(items)


def _take_turns(items: list[pytest.Item]) -> None:
    """Of a test with several cases, and of those that are `_IN_TURN`, each is `large` on one database, in turn."""
    of_tests: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        if _kind(item) and _how_many(item) not in ("one", "both") and not item.get_closest_marker("large"):
            of_tests[item.nodeid.partition("[")[0]].append(item)
    for test, of_test in of_tests.items():
        cases = list(dict.fromkeys(map(_case, of_test)))
        if len(cases) > 1 or test.startswith(_IN_TURN) or _how_many(of_test[0]) == "in turn":
            for item in of_test:
                place = zlib.crc32(test.encode()) + cases.index(_case(item))
                item.add_marker(pytest.mark.databases("in turn"), append=False)
                if _kind(item) != DATABASES[place % len(DATABASES)]:
                    item.add_marker(pytest.mark.large)


def _case(item: pytest.Item) -> str:
    """The same for each database."""
    return re.sub(rf"(?<=[\[-]){_kind(item)}(?=[]-])", "", item.nodeid, count=1)


def _kind(item: pytest.Item) -> str | None:
    """The one of DATABASES with which the test's fixtures are made, if any is."""
    call = getattr(item, "callspec", None)
    return next((call.params[name] for name in _FIXTURES if name in call.params), None) if call else None


def _kind_for(item: pytest.Item) -> str | None:
    """Where it runs, in a run on both: its own kind, or that of its name where it runs on one alone."""
    kind = _kind(item)
    if kind is None or _how_many(item) != "one":
        return kind
    name = item.nodeid.replace(kind, "", 1)
    return DATABASES[zlib.crc32(name.encode()) % len(DATABASES)]


def driver_for(node: pytest.Item) -> str:
    """The driver of MariaDB, by its name in a URL, through which this test goes."""
    chosen = node.config.option.driver
    if chosen == "in turn":
        chosen = list(DRIVERS)[zlib.crc32(node.nodeid.encode()) % len(DRIVERS)]
    return DRIVERS[chosen]


def _how_many(item: pytest.Item) -> str:
    """What it says itself: `one`, `both`, `in turn`, or nothing."""
    mark = item.get_closest_marker("databases")
    return str(mark.args[0]) if mark else ""


def note(item: pytest.Item, kind: str) -> None:
    """Let the test be counted."""
    item.user_properties.append((kind, "both" if _how_many(item) in ("", "both") else "one"))


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call":
        _ran.update((name, str(value)) for name, value in report.user_properties if name in DATABASES)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """A run that has left one database out is no success, unless somebody has picked tests by name."""
    option = session.config.option
    picked = option.keyword or option.database != "both" or any("[" in argument for argument in session.config.args)
    if exitstatus == pytest.ExitCode.OK and not picked and len({_ran[kind, "both"] for kind in DATABASES}) > 1:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    on_each, on_one = (
        ", ".join(f"{kind} {_ran[kind, how_many]}" for kind in DATABASES) for how_many in ("both", "one")
    )
    terminalreporter.write_line(f"data-layer tests: {on_each}; on one database alone: {on_one}")
