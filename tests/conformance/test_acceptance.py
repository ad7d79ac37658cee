"""The plugin does its work on the host for OSCAR-family EMRs, and its acceptance test tells where it cannot."""

from dataclasses import replace

import flask
import pytest

from cpar_plugin.acceptance import test_a_bulk_update_is_submitted_with_exactly_the_right_people

from .. import databases
from .broken_ports import another_app
from .oscar_bench import OscarBench


@pytest.fixture(autouse=True)
def _counted(request: pytest.FixtureRequest) -> None:
    if "bench" in request.fixturenames:
        databases.note(request.node, request.node.callspec.params["bench"])


accept = test_a_bulk_update_is_submitted_with_exactly_the_right_people


def test_a_host_that_turns_the_forms_of_plugins_away_is_informed(on_sqlite: OscarBench) -> None:
    app = another_app(on_sqlite)

    @app.before_request
    def only_our_own() -> None:
        if flask.request.method == "POST" and flask.request.path.startswith("/cpar/"):
            flask.abort(403)

    with pytest.raises(AssertionError, match="POST /cpar/settings is answered with 403"):
        accept(replace(on_sqlite, app=app))


def test_a_host_may_be_accepted_again_and_again(on_sqlite: OscarBench) -> None:
    for _ in range(2):
        accept(on_sqlite)
