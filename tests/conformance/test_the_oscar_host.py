"""The host for OSCAR-family EMRs keeps the contract, on each database."""

import pytest

from cpar_plugin.hooks.conformance import *  # noqa: F403  # as another host's own suite does

from .. import databases
from .oscar_bench import OscarBench


@pytest.fixture(autouse=True)
def _counted(request: pytest.FixtureRequest, bench: OscarBench) -> None:
    databases.note(request.node, request.node.callspec.params["bench"])
