"""Programs of others by which tests look at the product: the extra `peers`.

One that cannot be installed takes nothing else with it. A test that needs it says so, `@pytest.mark.peer("fhirpy")`,
and is left out; the run says at its end what was not checked, and fails where the environment variable CI is set.
"""

import os
import re
import sys

import pytest

from cpar_plugin.extras import missing


def absent() -> set[str]:
    """The names of the packages that are not installed, such as `fhirpy`."""
    return {re.split(r"[^A-Za-z0-9_.-]", requirement)[0] for requirement in missing("peers")}


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    absent_peers = absent()
    without = [item for item in items if {mark.args[0] for mark in item.iter_markers("peer")} & absent_peers]
    if without:
        config.hook.pytest_deselected(items=without)
        items[:] = [item for item in items if item not in without]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for requirement in missing("peers"):
        terminalreporter.write_line(
            f"NOT CHECKED by {requirement}, which is not installed: {sys.executable} -m pip install '{requirement}'",
            red=True,
        )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    worker = hasattr(session.config, "workerinput")
    if exitstatus == pytest.ExitCode.OK and not worker and os.environ.get("CI") and absent():
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
