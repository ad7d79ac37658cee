"""`--host module:factory` for pytest, and the bench that it names."""

import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pkgutil import resolve_name

import pytest

from .bench import Bench

_FACTORY = pytest.StashKey[Callable[[], AbstractContextManager[Bench]]]()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--host",
        metavar="MODULE:FACTORY",
        help="the function without arguments that gives a context manager of a cpar_plugin.hooks.conformance.Bench",
    )


def pytest_sessionstart(session: pytest.Session) -> None:
    """Find the factory. A wrong name ends the run with one sentence."""
    name = session.config.getoption("--host")
    if not name:
        raise pytest.UsageError("say which host: --host module:factory")
    sys.path.insert(0, str(session.config.invocation_params.dir))
    try:
        factory = resolve_name(name)
    except (AttributeError, ImportError, ValueError) as error:
        raise pytest.UsageError(f"--host {name}: {error}") from None
    if not callable(factory):
        raise pytest.UsageError(f"--host {name} is no function")
    session.config.stash[_FACTORY] = factory


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config) -> Iterator[Bench]:
    """The bench of `--host`, one for the whole run."""
    with pytestconfig.stash[_FACTORY]() as opened:
        yield opened
