"""Conflicts with other clinics: the evidence, and what becomes of a patient who is theirs, ours, or asked."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest

from cpar_plugin.domain.calendar import Calendar
from cpar_plugin.domain.check_in import CheckInAnswer
from cpar_plugin.domain.conflicts import ConflictEnding
from cpar_plugin.domain.csv_columns import CsvColumn
from cpar_plugin.domain.four_cut import Cut
from cpar_plugin.domain.letters import DEFAULT_TEXT, LetterDirection
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.domain.removal import Removal
from cpar_plugin.domain.report_lines import ReportLineState
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.check_in import answering
from cpar_plugin.services.check_in import listing as check_in_list
from cpar_plugin.services.conflicts import ending, evidence, letter_wording, letters
from cpar_plugin.services.conflicts.evidence import ConflictLine
from cpar_plugin.services.history import of_patient
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.reports import comparing, line_history, working
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.work_lines.changes import LineAction, LineChange, SeenLine
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from .test_registry_reports import receive

Read = Callable[[], ConflictLine]
TODAY = date(2026, 11, 10)


@pytest.fixture
def patient(oscar: Any) -> int:
    patient_id: int = oscar.patient(hin="100000001", last_name="Both", first_name="Ann")
    return patient_id


@pytest.fixture
def other_member(oscar: Any) -> int:
    patient_id: int = oscar.patient(hin="100000009", last_name="Stays")
    return patient_id


@pytest.fixture
def panel(site: OscarHost, clerk: Actor, patient: int, other_member: int, make_panel: Callable[..., int]) -> int:
    panel_id = make_panel("0042")
    for patient_id in (patient, other_member):
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    return panel_id


@pytest.fixture
def read(site: OscarHost, clerk: Actor, panel: int) -> Read:
    receive(site, clerk, ("100000001", "", "", "", "Dr. Else"))

    def read() -> ConflictLine:
        with site.database.engine.connect() as connection:
            return evidence.required(connection, site, clerk, Settings(), 1)

    return read


def asked(site: OscarHost, clerk: Actor) -> list[int]:
    rows = check_in_list.check_in_list(site, clerk, Settings()).rows
    return [row.patient_id for row in rows if row.in_conflict]


def test_the_evidence_has_visits_by_provider_and_what_the_report_says(
    oscar: Any, clock: FixedClock, patient: int, read: Read
) -> None:
    today = clock.now().date()
    for months_ago, provider in ((2, "101"), (10, "102"), (20, "101"), (30, "101"), (40, "101")):
        oscar.visit(patient, today - timedelta(days=months_ago * 30), provider_no=provider)
    oscar.visit(patient, today - timedelta(days=20), status="N", provider_no="103")
    oscar.visit(patient, today + timedelta(days=9), status="t")
    line = read()
    assert line.next_appointment == today + timedelta(days=9)
    assert [list(visits.counts) for visits in line.visits or ()] == [[1, 2, 3], [1, 1, 1]]
    assert line.last_visit == today - timedelta(days=60)
    assert line.proposal
    decision = line.proposal.decision
    assert (decision.provider_id, decision.cut, decision.visits, decision.all_visits) == ("101", Cut.MOST_VISITS, 2, 3)
    assert list(line.proposal.panels.values()) == ["0042"]
    assert (line.other_provider, line.other_clinic) == ("Dr. Else", "")
    assert line.membership
    assert (line.membership.number, line.membership.confirmed_on) == ("0042", today)


def test_a_host_that_cannot_say_who_saw_patients_has_the_other_facts(
    site: OscarHost, clerk: Actor, patient: int, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(type(site), "visits", None, raising=False)
    object.__setattr__(site, "visits", None)
    line = read()
    assert line.visits is None
    assert line.membership


def test_a_patient_who_is_theirs_is_removed_and_the_line_says_when_the_registry_learns_it(
    site: OscarHost, clerk: Actor, patient: int, panel: int, read: Read, placed: Callable[[], dict[int, Any]]
) -> None:
    seen = read()
    learned_on = ending.theirs(site, clerk, Settings(), seen, Removal("other-provider"))
    assert learned_on == date(2026, 12, 7)
    assert patient not in placed()
    line = read()
    assert (line.ending, line.state, line.learned_on) == (ConflictEnding.THEIRS, ReportLineState.WAITING, learned_on)
    with pytest.raises(Stale, match="Someone else changed this line"):
        ending.ask(site, clerk, seen)
    with pytest.raises(Refused, match="on no panel"):
        ending.theirs(site, clerk, Settings(), line, Removal())
    one_patient.choose(site, clerk, patient, panel, seen_panel_id=None)
    ending.reopen(site, clerk, line)
    assert (read().ending, read().state) == (None, ReportLineState.OPEN)


def test_a_panel_that_was_submitted_by_hand_tells_the_registry_earlier(
    site: OscarHost, clerk: Actor, panel: int, read: Read
) -> None:
    requests.ask(site, Settings(), clerk, panel)
    line = read()
    assert line.membership
    assert line.membership.learned_on == date(2026, 11, 11)


def test_no_submission_is_promised_for_the_last_patient_of_a_panel(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    clock: FixedClock,
    patient: int,
    other_member: int,
    panel: int,
    read: Read,
) -> None:
    one_patient.remove(site, clerk, other_member, seen_panel_id=panel, removal=Removal())
    oscar.visit(patient)
    oscar.visit(patient, clock.now().date(), "16:00", "t")
    ending.ask(site, clerk, read())
    today, given = clock.now().date(), CheckInAnswer.OTHER_PROVIDER
    answering.answer(site, clerk, patient, given, day=today, seen_panel_id=panel)
    assert (read().state, read().learned_on) == (ReportLineState.WAITING, None)
    one_patient.choose(site, clerk, patient, panel, seen_panel_id=None)
    assert ending.theirs(site, clerk, Settings(), read(), Removal()) is None
    assert (read().ending, read().learned_on) == (ConflictEnding.THEIRS, None)


def test_someone_who_moved_the_patient_in_the_meantime_wins(
    site: OscarHost, clerk: Actor, patient: int, panel: int, read: Read, make_panel: Callable[..., int]
) -> None:
    seen = read()
    one_patient.choose(site, clerk, patient, make_panel("0043"), seen_panel_id=panel)
    with pytest.raises(Stale, match="moved this patient"):
        ending.theirs(site, clerk, Settings(), seen, Removal())
    assert read().ending is None, "nothing half done"


@pytest.mark.parametrize(
    ("given", "state", "on_panel", "learned_on"),
    [
        (CheckInAnswer.CONFIRMED, ReportLineState.OPEN, True, None),
        (CheckInAnswer.OTHER_PROVIDER, ReportLineState.WAITING, False, date(2026, 12, 7)),
        (CheckInAnswer.MOVED_AWAY, ReportLineState.WAITING, False, date(2026, 12, 7)),
    ],
)
def test_a_patient_who_is_asked_is_on_the_check_in_list_and_the_line_learns_the_answer(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    clock: FixedClock,
    patient: int,
    panel: int,
    read: Read,
    placed: Callable[[], dict[int, Any]],
    given: CheckInAnswer,
    state: ReportLineState,
    on_panel: bool,
    learned_on: date | None,
) -> None:
    oscar.visit(patient)
    today = clock.now().date()
    oscar.visit(patient, today, "16:00", "t")
    assert asked(site, clerk) == []
    ending.ask(site, clerk, read())
    assert asked(site, clerk) == [patient]
    answering.answer(site, clerk, patient, CheckInAnswer.SKIPPED, day=today, seen_panel_id=panel)
    assert read().answer is None, "not asked is no answer"
    answering.answer(site, clerk, patient, given, day=today, seen_panel_id=panel)
    line = read()
    assert (line.answer, line.state, line.learned_on) == (given, state, learned_on)
    assert (patient in placed()) == on_panel
    assert asked(site, clerk) == []


@pytest.mark.parametrize(
    ("given", "state"),
    [
        (CheckInAnswer.CONFIRMED, ReportLineState.OPEN),
        (CheckInAnswer.OTHER_PROVIDER, ReportLineState.WAITING),
        (CheckInAnswer.MOVED_AWAY, ReportLineState.WAITING),
    ],
)
def test_a_patient_on_no_panel_is_asked_too_and_the_line_learns_the_answer(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    clock: FixedClock,
    patient: int,
    panel: int,
    read: Read,
    placed: Callable[[], dict[int, Any]],
    given: CheckInAnswer,
    state: ReportLineState,
) -> None:
    one_patient.remove(site, clerk, patient, seen_panel_id=panel)
    today = clock.now().date()
    oscar.visit(patient, today, "16:00", "t")
    ending.ask(site, clerk, read())
    assert asked(site, clerk) == [patient]
    answering.answer(site, clerk, patient, given, day=today, seen_panel_id=None)
    line = read()
    assert (line.answer, line.state, line.learned_on) == (given, state, None)
    assert patient not in placed()
    comparing.compare_to_show(site)
    assert read() == line
    with pytest.raises(Refused, match="not on a panel"):
        answering.answer(site, clerk, unasked(oscar), CheckInAnswer.CONFIRMED, day=today, seen_panel_id=None)


def unasked(oscar: Any) -> int:
    patient_id: int = oscar.patient(hin="100000077", last_name="Elsewhere")
    return patient_id


@pytest.mark.parametrize("removal", ["theirs", "check-in"])
def test_a_patient_who_was_removed_and_is_on_a_panel_again_is_a_conflict_again(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, patient: int, panel: int, read: Read, removal: str
) -> None:
    if removal == "theirs":
        ending.theirs(site, clerk, Settings(), read(), Removal("other-provider"))
    else:
        ending.ask(site, clerk, read())
        answering.answer(site, clerk, patient, CheckInAnswer.MOVED_AWAY, day=clock.now().date(), seen_panel_id=panel)
    comparing.compare_to_show(site)
    assert read().state is ReportLineState.WAITING
    clock.move_to(clock.now() + timedelta(minutes=1))
    one_patient.choose(site, clerk, patient, panel, seen_panel_id=None)
    comparing.compare_to_show(site)
    line = read()
    assert (line.state, line.ending, line.answer, line.learned_on) == (ReportLineState.OPEN, None, None, None)
    event = line_history.history_of(site, clerk, Settings(), line.line_id).events[0]
    assert (event.by, event.text) == (
        "Automatic",
        "The patient is on a panel again: what was decided no longer holds; Waiting \u2192 Open",
    )


def test_a_line_that_is_gone_from_the_report_asks_no_one_and_cannot_be_ended(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, patient: int, read: Read
) -> None:
    oscar.patient(hin="100000002", last_name="Other")
    ending.ask(site, clerk, read())
    receive(site, clerk, ("100000002", "", "", "", "Dr. Else"))
    oscar.visit(patient, clock.now().date(), "16:00", "t")
    assert asked(site, clerk) == []
    with pytest.raises(Stale):
        ending.reopen(site, clerk, read())


def test_a_conflict_that_comes_back_is_decided_anew(site: OscarHost, oscar: Any, clerk: Actor, read: Read) -> None:
    oscar.patient(hin="100000002", last_name="Other")
    ending.ask(site, clerk, read())
    receive(site, clerk, ("100000002", "", "", "", "Dr. Else"))
    receive(site, clerk, ("100000001", "", "", "", "Dr. Else"), ("100000002", "", "", "", "Dr. Else"))
    line = read()
    assert (line.times, line.state, line.ending, line.ended_at) == (2, ReportLineState.OPEN, None, None)


def test_no_answer_at_check_in_changes_a_line_whose_work_was_ended_in_the_list(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, patient: int, panel: int, read: Read
) -> None:
    oscar.visit(patient)
    ending.ask(site, clerk, read())
    done = LineChange(LineAction.SET_STATE, state=ReportLineState.DONE.value, state_label="Done")
    assert working.change_selected(site, clerk, [SeenLine((1,), read().version)], done).changed == 1
    answering.answer(site, clerk, patient, CheckInAnswer.CONFIRMED, day=clock.now().date(), seen_panel_id=panel)
    assert (read().state, read().answer) == (ReportLineState.DONE, None)


def test_an_answer_at_check_in_that_is_corrected_is_learned_again(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, patient: int, panel: int, read: Read
) -> None:
    oscar.visit(patient)
    ending.ask(site, clerk, read())
    for given in (CheckInAnswer.CONFIRMED, CheckInAnswer.MOVED_AWAY):
        answering.answer(site, clerk, patient, given, day=clock.now().date(), seen_panel_id=panel)
        assert read().answer is given


def test_a_host_without_a_schedule_has_no_one_asked(site: OscarHost, clerk: Actor, read: Read) -> None:
    seen = read()
    object.__setattr__(site, "schedule", None)
    with pytest.raises(Refused, match="no appointments"):
        ending.ask(site, clerk, seen)
    assert read().ending is None


def test_there_is_no_line_of_another_number(site: OscarHost, clerk: Actor, read: Read) -> None:
    for line_id in (2, 2**63):
        with site.database.engine.connect() as connection, pytest.raises(NotFound):
            evidence.required(connection, site, clerk, Settings(), line_id)


def test_the_next_automatic_date_is_today_until_its_night_run_begins(clock: FixedClock) -> None:
    calendar = Calendar(zone=clock.zone)
    before, after = (calendar.moment(date(2026, 12, 7), calendar.night_run_at) + timedelta(minutes=m) for m in (-1, 0))
    assert calendar.next_automatic(before) == date(2026, 12, 7)
    assert calendar.next_automatic(after) == date(2027, 1, 7)


def test_a_letter_is_kept_as_it_was_sent_and_one_that_came_in_is_logged(
    site: OscarHost, clerk: Actor, clock: FixedClock, patient: int, read: Read
) -> None:
    with pytest.raises(Refused, match="Enter who the letter is to"):
        letters.send(site, clerk, read(), " ")
    letters.send(site, clerk, read(), "Dr. Else\nElse Clinic")
    line = read()
    assert (line.ending, line.state) == (ConflictEnding.OURS, ReportLineState.WAITING)
    letter_wording.save(site, clerk, "1 Example Street", "Please remove {patient}.", version=2)
    with pytest.raises(Refused, match="in the future"):
        letters.receive(site, clerk, line, clock.now().date() + timedelta(days=1), "Else Clinic", "No")
    letters.receive(site, clerk, line, date(2026, 11, 1), "Else Clinic", "They agree")
    with site.database.engine.connect() as connection:
        sent, received = letters.of_line(connection, site, clerk, 1)
        assert letters.drafted(connection, line) == ("Example Clinic\n1 Example Street", "Please remove Both, Ann.")
        assert [each.letter_id for each in letters.sent_on(connection, site, clerk, sent.day)] == [sent.letter_id]
    assert (sent.direction, sent.party, sent.patient_id) == (LetterDirection.SENT, "Dr. Else\nElse Clinic", patient)
    assert sent.text.startswith("Re: Both, Ann, born Feb 3, 1980, PHN 100000001")
    assert (received.direction, received.text) == (LetterDirection.RECEIVED, "They agree")


@pytest.mark.parametrize("text", ["", "{name}", "a } b", "x" * 4001])
def test_words_of_a_letter_that_cannot_be_used_are_refused(site: OscarHost, clerk: Actor, text: str) -> None:
    with pytest.raises(Refused) as refused:
        letter_wording.save(site, clerk, "x" * 4001, text, version=2)
    assert refused.value.messages.keys() == {"letterhead", "text"}


def test_the_letter_is_ours_until_the_clinic_has_its_own_and_nobody_overwrites_another(
    site: OscarHost, clerk: Actor
) -> None:
    def text() -> str:
        with site.database.engine.connect() as connection:
            return letter_wording.load(connection).text

    assert text() == DEFAULT_TEXT.strip()
    letter_wording.save(site, clerk, "", "Own", version=2)
    with pytest.raises(Stale):
        letter_wording.save(site, clerk, "", "Other", version=2)
    assert text() == "Own"
    letter_wording.save(site, clerk, "", DEFAULT_TEXT, version=3)
    assert text() == DEFAULT_TEXT.strip()


def test_a_letter_is_in_the_patients_history_and_one_recorded_by_mistake_is_withdrawn(
    site: OscarHost, clerk: Actor, clock: FixedClock, patient: int, read: Read
) -> None:
    def history() -> list[str]:
        rows = list(of_patient.export(site, clerk, patient))
        event = of_patient.HEAD.index(CsvColumn.EVENT)
        return [str(row[event]) for row in rows[1:] if "Letter" in str(row[event])]

    def printed() -> list[int]:
        with site.database.engine.connect() as connection:
            assert bool(letters.days(connection, site, clerk)) == bool(letters.sent_on(connection, site, clerk, TODAY))
            return [each.letter_id for each in letters.sent_on(connection, site, clerk, TODAY)]

    first = letters.send(site, clerk, read(), "Else Clinic\n1 Street")
    clock.move_to(clock.now() + timedelta(minutes=1))
    second = letters.send(site, clerk, read(), "Another Clinic")
    clock.move_to(clock.now() + timedelta(minutes=1))
    received = letters.receive(site, clerk, read(), date(2026, 11, 1), "Else Clinic", "Ours, too")
    sent = ["Letter of Nov 10, 2026 sent to Another Clinic", "Letter of Nov 10, 2026 sent to Else Clinic, 1 Street"]
    assert history() == ["Letter of Nov 1, 2026 received from Else Clinic", *sent]
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert printed() == [second, first]
    assert not letters.withdraw(site, clerk, first), "the other letter still says that the patient is ours"
    assert (read().ending, printed()) == (ConflictEnding.OURS, [second])
    with pytest.raises(Refused, match="already been withdrawn"):
        letters.withdraw(site, clerk, first)
    assert letters.withdraw(site, clerk, second)
    line = read()
    assert (line.ending, line.state, printed()) == (None, ReportLineState.OPEN, [])
    assert not letters.withdraw(site, clerk, received)
    assert sorted(history()[:3]) == [f"Withdrawn: {text}" for text in sorted([history()[3], *sent])]
    with site.database.engine.connect() as connection:
        assert all(each.withdrawer for each in letters.of_line(connection, site, clerk, line.line_id))
    with pytest.raises(NotFound):
        letters.withdraw(site, clerk, 99)
