"""What becomes of a submission when its worker dies, loses its claim, or cannot go on."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import pairwise
from typing import Any

import pytest
from sqlalchemy import func, select, update

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from cpar_plugin.services.snapshots import build
from cpar_plugin.services.submissions import lease, night_run, process, run
from cpar_plugin.store.tables import snapshot as snapshots
from cpar_plugin.store.tables import snapshot_piece, submission
from cpar_plugin.transport import DeliveryOutcome, DeliveryResult, Envelope

from ..waiting import wait_until

LEASE_OVER = timedelta(minutes=6)


class Died(BaseException):
    """Ends a worker in the middle of its work, as a crash would: nothing catches it."""


class Way:
    """A way out that does what a test wants at the moment of sending."""

    def __init__(self, act: Callable[[Envelope], DeliveryResult]) -> None:
        self._act = act
        self.sent: list[tuple[str, bytes]] = []

    def send(self, envelope: Envelope) -> DeliveryResult:
        self.sent.append((envelope.snapshot_id, b"".join(envelope.open_body())))
        return self._act(envelope)


def die(_: Envelope) -> DeliveryResult:
    raise Died


def take_it(_: Envelope) -> DeliveryResult:
    return DeliveryResult(outcome=DeliveryOutcome.DELIVERED, message="Taken.", status=200, answer_id="b1")


def claimed(world: Any) -> lease.Claim:
    result = lease.take_one(world.host, world.settings, world.clock.now)
    assert result is not None
    return result


def carry_on(world: Any, claim: lease.Claim, way: Any) -> SubmissionState | None:
    return process.advance(world.host, world.settings, way, claim, world.clock.now)


@pytest.fixture
def due(world: Any) -> Any:
    """A clinic whose night run of the 7th has begun, with one panel due."""
    world.due_panel = world.panel()
    world.at("2026-11-07T03:15")
    night_run.begin(world.host, world.settings, world.clock.now())
    return world


def later(world: Any, passed: timedelta = LEASE_OVER) -> None:
    world.clock.move_to(world.clock.now() + passed)


def the_row(world: Any) -> Any:
    (row,) = world.rows(world.due_panel)
    return row


def test_a_claimed_submission_is_not_changed_until_the_claim_is_over(due: Any) -> None:
    claimed(due)
    due.run()
    assert the_row(due).state == SubmissionState.DUE
    later(due)
    due.run()
    assert the_row(due).state == SubmissionState.WRITTEN


def test_a_worker_that_died_while_preparing_leaves_nothing_behind(due: Any) -> None:
    claim = claimed(due)
    with due.host.database.session() as session:
        assert lease.move_on(session, claim, SubmissionState.PREPARING, due.clock.now())
    abandoned = build.take(due.host, due.settings, due.due_panel, now=due.clock.now())
    later(due)
    due.run()
    row = the_row(due)
    assert row.state == SubmissionState.WRITTEN
    assert row.snapshot_id != abandoned.snapshot_id
    with due.host.database.engine.connect() as connection:
        assert connection.scalars(select(snapshots.c.snapshot_id)).all() == [row.snapshot_id]
        assert set(connection.scalars(select(snapshot_piece.c.snapshot_id))) == {row.snapshot_id}


def test_a_worker_that_died_while_sending_is_followed_by_the_same_bytes_under_the_same_identifier(due: Any) -> None:
    first, second = Way(die), Way(take_it)
    with suppress(Died):
        carry_on(due, claimed(due), first)
    assert the_row(due).state == SubmissionState.SENDING
    later(due)
    assert carry_on(due, claimed(due), second) == SubmissionState.DELIVERED
    assert first.sent == second.sent
    assert the_row(due).attempts == 2


def test_a_worker_that_died_before_sending_is_followed_by_one_that_sends_what_is_stored(due: Any) -> None:
    with suppress(Died):
        carry_on(due, claimed(due), Way(die))
    with due.host.database.session() as session:
        as_if_just_stored = {"state": SubmissionState.READY, "attempts": 0, "first_attempt_at": None}
        session.execute(update(submission).values(**as_if_just_stored))
    stored = the_row(due).snapshot_id
    later(due)
    second = Way(take_it)
    carry_on(due, claimed(due), second)
    assert [sent for sent, _ in second.sent] == [stored]


def test_a_worker_that_lost_its_claim_writes_nothing(due: Any) -> None:
    def overtaken(_: Envelope) -> DeliveryResult:
        later(due)
        due.run()
        return DeliveryResult(outcome=DeliveryOutcome.REFUSED, message="Refused.", status=422)

    assert carry_on(due, claimed(due), Way(overtaken)) is None
    row = the_row(due)
    assert (row.state, row.failure, row.answer_status) == (SubmissionState.WRITTEN, None, None)


def test_a_worker_that_lost_its_claim_leaves_the_work_to_its_holder(due: Any) -> None:
    def overtaken(_: Envelope) -> DeliveryResult:
        later(due)
        others.append(claimed(due))
        return DeliveryResult(outcome=DeliveryOutcome.REFUSED, message="Refused.", status=422)

    others: list[lease.Claim] = []
    assert carry_on(due, claimed(due), Way(overtaken)) is None
    row = the_row(due)
    assert (row.state, row.claim) == (SubmissionState.SENDING, others[0].token)
    assert carry_on(due, others[0], Way(take_it)) == SubmissionState.DELIVERED


def test_a_worker_that_lost_its_claim_while_preparing_sends_nothing(due: Any) -> None:
    claim = claimed(due)
    later(due)
    due.run()
    way = Way(take_it)
    assert carry_on(due, claim, way) is None
    assert way.sent == []
    with due.host.database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(snapshots)) == 1


def test_a_claim_is_renewed_while_the_work_goes_on(due: Any) -> None:
    due.settings = due.settings.model_copy(update={"claim_seconds": 1})

    def slow(envelope: Envelope) -> DeliveryResult:
        before = the_row(due).claimed_until
        later(due, timedelta(minutes=1))
        wait_until(lambda: the_row(due).claimed_until > before, every=0.05)
        assert lease.take_one(due.host, due.settings, due.clock.now) is None
        return take_it(envelope)

    assert carry_on(due, claimed(due), Way(slow)) == SubmissionState.DELIVERED


def test_a_claim_is_not_renewed_beyond_the_deadline_of_sending(due: Any) -> None:
    due.settings = due.settings.model_copy(update={"claim_seconds": 1, "registry_seconds": 0.1})
    others: list[lease.Claim | None] = []

    def stand_still(_: Envelope) -> DeliveryResult:
        later(due, timedelta(minutes=1))
        threading.Event().wait(1)
        others.append(lease.take_one(due.host, due.settings, due.clock.now))
        return take_it(_)

    assert carry_on(due, claimed(due), Way(stand_still)) is None
    [other] = others
    assert other
    assert carry_on(due, other, Way(take_it)) == SubmissionState.DELIVERED


def test_a_preparation_that_breaks_off_again_and_again_ends_as_failed(due: Any) -> None:
    for _ in range(process.PREPARATIONS):
        claim = claimed(due)
        with due.host.database.session() as session:
            lease.move_on(session, claim, SubmissionState.PREPARING, due.clock.now(), attempts=claim.attempts + 1)
        later(due)
    due.run()
    row = the_row(due)
    assert (row.state, row.open_panel_id) == (SubmissionState.FAILED, None)
    assert "interrupted several times" in row.failure


def test_a_way_out_that_breaks_is_tried_again_and_then_fails_with_a_sentence(due: Any) -> None:
    def broken(_: Envelope) -> DeliveryResult:
        raise ValueError("Pat Example, 100000001")

    way = Way(broken)
    assert carry_on(due, claimed(due), way) == SubmissionState.WAITING
    for _ in range(30):
        later(due, timedelta(hours=1))
        claim = lease.take_one(due.host, due.settings, due.clock.now)
        if claim:
            carry_on(due, claim, way)
    row = the_row(due)
    assert row.state == SubmissionState.FAILED
    assert "Sending was interrupted (ValueError). All attempts" in row.failure
    assert "Pat" not in row.failure
    assert len(set(way.sent)) == 1


@pytest.mark.parametrize("doubtful", [False, True])
def test_what_never_left_is_not_called_doubtful_in_the_end(doubtful: bool, due: Any) -> None:
    outcomes = iter([DeliveryOutcome.UNCLEAR] if doubtful else [])
    way = Way(
        lambda _: DeliveryResult(
            outcome=next(outcomes, DeliveryOutcome.NOT_SENT), message="No handshake. Nothing was sent."
        )
    )
    claim: lease.Claim | None = claimed(due)
    while claim and carry_on(due, claim, way) != SubmissionState.FAILED:
        due.clock.move_to(the_row(due).next_attempt_at)
        claim = claimed(due)
    assert ("It is not known whether it was delivered." in the_row(due).failure) == doubtful
    assert "No handshake. Nothing was sent. All attempts within a day failed." in the_row(due).failure


def test_the_pauses_grow_and_end_after_a_day(due: Any) -> None:
    def unclear(_: Envelope) -> DeliveryResult:
        return DeliveryResult(outcome=DeliveryOutcome.UNCLEAR, message="No answer.")

    way, tried = Way(unclear), []
    begun = due.clock.now()
    claim: lease.Claim | None = claimed(due)
    while claim:
        tried.append(due.clock.now() - begun)
        if carry_on(due, claim, way) == SubmissionState.FAILED:
            break
        due.clock.move_to(the_row(due).next_attempt_at - timedelta(seconds=1))
        assert lease.take_one(due.host, due.settings, due.clock.now) is None
        due.clock.move_to(the_row(due).next_attempt_at)
        claim = claimed(due)
    pauses = [after - before for before, after in pairwise(tried)]
    assert pauses == sorted(pauses)
    assert pauses[0] == timedelta(minutes=1)
    assert timedelta(hours=20) < tried[-1] <= timedelta(days=1)
    assert the_row(due).state == SubmissionState.FAILED


def test_a_submission_whose_day_is_over_is_not_sent_again(due: Any) -> None:
    with suppress(Died):
        carry_on(due, claimed(due), Way(die))
    later(due, timedelta(days=1, minutes=1))
    due.run()
    row = the_row(due)
    assert (row.state, row.attempts) == (SubmissionState.FAILED, 1)
    assert (
        "Processing was interrupted. All attempts within a day failed. It is not known whether it was delivered."
        in row.failure
    )
    assert due.files() == []


@pytest.mark.parametrize("stored", [True, False])
def test_what_is_left_when_the_blackout_begins_is_not_sent(due: Any, stored: bool) -> None:
    if stored:
        with suppress(Died):
            carry_on(due, claimed(due), Way(die))
        with due.host.database.session() as session:
            session.execute(update(submission).values(first_attempt_at=None, state=SubmissionState.READY))
    else:
        with due.host.database.session() as session:
            lease.move_on(session, claimed(due), SubmissionState.PREPARING, due.clock.now())
    due.run_at("2026-11-20T00:10")
    row = the_row(due)
    assert row.state == SubmissionState.FAILED
    assert "The Blackout Period began" in row.failure
    assert due.files() == []


def test_no_retry_falls_into_the_blackout(due: Any) -> None:
    def unclear(_: Envelope) -> DeliveryResult:
        due.at("2026-11-19T23:59:30")
        return DeliveryResult(outcome=DeliveryOutcome.UNCLEAR, message="No answer.")

    assert carry_on(due, claimed(due), Way(unclear)) == SubmissionState.FAILED


def test_a_panel_deleted_while_under_way_finishes(due: Any) -> None:
    with suppress(Died):
        carry_on(due, claimed(due), Way(die))
    editing.delete(due.host, due.manager, due.due_panel, 1)
    later(due)
    due.run()
    assert the_row(due).state == SubmissionState.WRITTEN


def test_a_panel_deleted_while_being_prepared_sends_nothing(due: Any) -> None:
    with due.host.database.session() as session:
        lease.move_on(session, claimed(due), SubmissionState.PREPARING, due.clock.now())
    editing.delete(due.host, due.manager, due.due_panel, 1)
    later(due)
    due.run()
    assert the_row(due).state == SubmissionState.NOTHING_TO_SEND
    assert due.files() == []


def test_turning_the_integration_off_stops_what_waits_for_another_attempt(due: Any) -> None:
    due.settings.outbox_folder.write_text("in the way")
    due.run()
    assert the_row(due).state == SubmissionState.WAITING
    clinic.disable(due.host, due.manager)
    due.run()
    assert the_row(due).state == SubmissionState.FAILED


def test_what_still_waits_from_the_day_before_gives_way_to_the_seventh(world: Any) -> None:
    panel = world.panel()
    world.at("2026-11-05T12:00")
    world.ask(panel)
    world.settings.outbox_folder.write_text("in the way")
    world.run_at("2026-11-06T05:30")
    world.run_at("2026-11-06T21:00")
    assert world.states(panel) == [SubmissionState.WAITING]
    world.settings.outbox_folder.unlink()
    with world.host.database.session() as session:
        session.execute(update(submission).values(next_attempt_at=world.clock.now() + timedelta(hours=8)))
    world.run_at("2026-11-07T03:15")
    assert world.states(panel) == [SubmissionState.FAILED, SubmissionState.WRITTEN]
    assert "which replaced it" in world.rows(panel)[0].failure


def test_one_panel_that_breaks_does_not_stop_the_others(world: Any) -> None:
    broken, whole = world.panel("A"), world.panel("B")
    world.at("2026-11-07T03:15")
    night_run.begin(world.host, world.settings, world.clock.now())
    for _ in range(2):
        claim = claimed(world)
        with suppress(Died):
            carry_on(world, claim, Way(die))
    with world.host.database.session() as session:
        gone = snapshot_piece.c.snapshot_id == world.rows(broken)[0].snapshot_id
        session.execute(snapshot_piece.delete().where(gone))
    later(world)
    world.run()
    assert world.states(whole) == [SubmissionState.WRITTEN]
    (row,) = world.rows(broken)
    assert row.state in (SubmissionState.WAITING, SubmissionState.REFUSED, SubmissionState.FAILED)
    assert row.failure


def test_settings_that_no_transport_can_use_are_named_in_the_failure(due: Any) -> None:
    due.settings = due.settings.model_copy(update={"transport": "fhir", "registry_url": "ftp://registry.example"})
    due.run()
    row = the_row(due)
    assert row.state == SubmissionState.WAITING
    assert "registry_url" in row.failure


def test_two_workers_at_once_submit_each_panel_once(world: Any) -> None:
    made = [world.panel(f"P{number}", 2) for number in range(8)]
    world.at("2026-11-07T03:15")
    barrier, reports = threading.Barrier(3), []

    def worker() -> None:
        barrier.wait()
        reports.append(run.run_due(world.host, world.settings, world.clock.now()))

    threads = [threading.Thread(target=worker) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [world.states(panel) for panel in made] == [[SubmissionState.WRITTEN]] * 8
    assert len(world.files()) == 8
    assert sum(report.night_begun for report in reports) == 1
    assert sum(report.states[SubmissionState.WRITTEN] for report in reports) == 8
    assert sum(report.lost for report in reports) == 0
    assert not any(report.errors for report in reports)


def test_a_run_that_pretends_to_be_later_counts_its_claims_from_there(world: Any) -> None:
    panel = world.panel()
    world.ask(panel)
    report = run.run_due(world.host, world.settings, world.clock.now() + timedelta(days=1))
    assert world.states(panel) == [SubmissionState.QUEUED]
    assert not report.errors
    at_night = world.clock.now().astimezone(world.clock.zone).replace(hour=3, minute=20)
    run.run_due(world.host, world.settings, at_night + timedelta(days=1))
    (row,) = world.rows(panel)
    assert row.state == SubmissionState.WRITTEN
    assert row.finished_at == at_night + timedelta(days=1)


def test_a_run_that_pretends_to_be_later_removes_nothing_that_is_to_be_kept(world: Any) -> None:
    panel = world.panel()
    world.run_at("2026-11-07T03:15")
    (row,) = world.rows(panel)
    assert row.state == SubmissionState.WRITTEN
    years_later = world.clock.now().replace(month=12, year=2036)
    report = run.run_due(world.host, world.settings, years_later)
    assert report.night_begun
    assert b"".join(build.body(world.host, row.snapshot_id)).endswith(b"}")


def test_a_claim_taken_with_a_clock_that_was_ahead_is_given_up(due: Any) -> None:
    now = due.clock.now()
    due.clock.move_to(now + timedelta(days=1))
    claim = claimed(due)
    due.clock.move_to(now)
    assert due.run().states == {SubmissionState.WRITTEN: 1}
    assert carry_on(due, claim, way := Way(take_it)) is None
    assert way.sent == []


def test_a_claim_whose_clock_is_a_little_ahead_is_kept(due: Any) -> None:
    now = due.clock.now()
    due.clock.move_to(now + due.settings.claim_time - timedelta(seconds=1))
    claim = claimed(due)
    due.clock.move_to(now)
    assert due.run().states == {}
    assert carry_on(due, claim, Way(take_it)) == SubmissionState.DELIVERED
