"""What pages read: one request per panel, the history page by page, at a constant number of statements."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from typing import Any

import pytest
from sqlalchemy import event

from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.refusals import NotFound
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.submissions import history, notices, requests


@contextmanager
def counted(host: Any) -> Iterator[list[str]]:
    statements: list[str] = []

    def note(_c: Any, _cu: Any, statement: str, *_: Any) -> None:
        if not statement.startswith("BEGIN"):
            statements.append(statement)

    event.listen(host.database.engine, "before_cursor_execute", note)
    try:
        yield statements
    finally:
        event.remove(host.database.engine, "before_cursor_execute", note)


def test_the_open_request_of_a_panel_says_who_queued_it_and_for_when(world: Any) -> None:
    panel, other = world.panel("A"), world.panel("B")
    world.at("2026-11-19T16:20")
    world.ask(panel)
    with world.host.database.engine.connect() as connection:
        result = history.open_submissions(connection, world.host)
    assert other not in result
    queued = result[panel]
    assert (queued.requested_by, queued.due_on, queued.label) == ("Doctor, No101", date(2026, 12, 1), "Queued")
    assert queued.requested_at == world.clock.now()
    assert queued.may_cancel


def test_the_history_says_when_how_many_and_who_was_excluded_why(world: Any) -> None:
    panel = world.panel("A", 2)
    for wrong in ({"sex": ""}, {"sex": "", "hin": ""}, {"patient_status": "IN"}):
        patient = world.patient(**wrong)
        one_patient.choose(world.host, world.manager, patient, panel, seen_panel_id=None)
    world.run_at("2026-11-07T03:15")
    with world.host.database.engine.connect() as connection:
        (shown,) = history.history(connection, world.host, panel_id=panel)
    assert (shown.sent, shown.excluded) == (2, 3)
    assert shown.reasons == Counter({Reason.NO_GENDER: 2, Reason.NO_PHN: 1, Reason.NOT_ACTIVE: 1})
    assert (shown.requested_by, shown.automatic) == ("Automatic", date(2026, 11, 7))
    assert shown.submitted_at == shown.delivered_at == world.clock.now()
    assert not shown.may_retry


def test_the_history_can_be_read_page_by_page(world: Any) -> None:
    panel = world.panel()
    for _ in range(5):
        requests.cancel(world.host, world.manager, world.ask(panel))
    with world.host.database.engine.connect() as connection:
        everything = history.history(connection, world.host)
        first = history.history_page(connection, world.host, limit=3)
        second = history.history_page(connection, world.host, limit=3, before=first.older)
        again = history.history_page(connection, world.host, limit=3, after=second.newer)
    assert [*first.submissions, *second.submissions] == list(everything)
    assert list(again.submissions) == list(first.submissions)
    assert (first.newer, second.older, again.newer) == (None, None, None)
    assert [one.latest for one in everything] == [True, False, False, False, False]
    assert [one.submission_id for one in everything] == sorted((one.submission_id for one in everything), reverse=True)


def test_one_submission_can_be_looked_at(world: Any) -> None:
    asked = world.ask(world.panel())
    with world.host.database.engine.connect() as connection:
        assert history.one(connection, world.host, asked).state == SubmissionState.QUEUED
        with pytest.raises(NotFound):
            history.one(connection, world.host, 4711)


def test_someone_that_the_host_no_longer_knows_is_shown_by_the_id(world: Any) -> None:
    world.manager = world.manager.__class__(actor_id="777", display_name="Gone")
    panel = world.panel()
    world.ask(panel)
    with world.host.database.engine.connect() as connection:
        assert history.open_submissions(connection, world.host)[panel].requested_by == "777"


def test_the_number_of_statements_does_not_grow_with_the_panels(world: Any) -> None:
    def statements() -> int:
        with counted(world.host) as made, world.host.database.engine.connect() as connection:
            history.open_submissions(connection, world.host)
            history.history(connection, world.host)
            notices.notices(connection, world.host, world.settings, world.clock.now())
        return len(made)

    world.ask(world.panel("A"))
    few = statements()
    for number in range(6):
        world.ask(world.panel(f"B{number}"))
    world.run_at("2026-11-20T00:00")
    many = statements()
    assert many == few <= 8
