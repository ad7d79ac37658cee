"""Answers to cautions: kept with who and when, never changed afterwards, and silent until the values change."""

from collections.abc import Callable
from datetime import timedelta
from threading import Barrier, Thread
from typing import Any

import pytest
from sqlalchemy import select, update

from cpar_plugin.domain.answers import fingerprint
from cpar_plugin.domain.cautions import Caution, values
from cpar_plugin.domain.refusals import Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import answering, one_patient
from cpar_plugin.services.panels import members as panel_members
from cpar_plugin.services.panels.answering import AnswerChange
from cpar_plugin.services.panels.members_query import Criteria, Fate
from cpar_plugin.services.panels.widget import ShownMembership, membership
from cpar_plugin.services.roster import member_rows
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

GENDER = Caution.GENDER_UNKNOWN


@pytest.fixture
def patient(site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]) -> int:
    """A member whose gender is unknown."""
    patient_id: int = oscar.patient(sex="U", hin="123466789")
    oscar.visit(patient_id)
    one_patient.choose(site, clerk, patient_id, make_panel("1"), seen_panel_id=None)
    return patient_id


@pytest.fixture
def change(oscar: Any) -> Callable[..., None]:
    """Change a patient's columns in the EMR."""

    def change(patient_id: int, **columns: Any) -> None:
        record = oscar.tables.demographic
        with oscar.database.writing() as connection:
            connection.execute(update(record).where(record.c.demographic_no == patient_id).values(columns))

    return change


def shown(host: OscarHost, patient_id: int) -> ShownMembership:
    with host.database.engine.connect() as connection:
        return membership(connection, host, Settings(), patient_id)


def mark(caution: Caution, *held: str | None) -> str:
    return fingerprint(caution, held)


def history(host: OscarHost) -> list[tuple[Any, ...]]:
    answer, operation = tables.answer, tables.operation
    query = select(
        answer.c.patient_id, answer.c.caution, answer.c.fingerprint, operation.c.kind, operation.c.actor_id
    ).join(operation, operation.c.operation_id == answer.c.operation_id)
    with host.database.engine.connect() as connection:
        return [tuple(row) for row in connection.execute(query.order_by(answer.c.operation_id))]


def test_an_answer_is_silent_until_the_value_changes(
    site: OscarHost, clerk: Actor, patient: int, change: Callable[..., None], clock: FixedClock
) -> None:
    assert shown(site, patient).cautions == (GENDER,)
    assert answering.give(site, clerk, patient, GENDER, seen_fingerprint=mark(GENDER, "U")) is AnswerChange.ANSWERED
    now = shown(site, patient)
    assert (now.cautions, [(one.caution, one.at) for one in now.answers]) == ((), [(GENDER, clock.now())])
    change(patient, sex="T", last_name="Other")
    assert shown(site, patient).answers == []
    change(patient, sex="U")
    assert shown(site, patient).cautions == ()


def test_an_answer_taken_back_leaves_the_history_as_it_was(
    site: OscarHost, clerk: Actor, patient: int, clock: FixedClock
) -> None:
    seen, other = mark(GENDER, "U"), Actor(actor_id="101", display_name="Dr Doctor")
    answering.give(site, other, patient, GENDER, seen_fingerprint=seen)
    clock.move_to(clock.now() + timedelta(minutes=1))
    assert shown(site, patient).answers[0].by == "Doctor, No101"
    assert answering.withdraw(site, clerk, patient, GENDER, seen_fingerprint=seen) is AnswerChange.WITHDRAWN
    assert answering.withdraw(site, clerk, patient, GENDER, seen_fingerprint=seen) is AnswerChange.UNCHANGED
    assert shown(site, patient).cautions == (GENDER,)
    assert answering.give(site, clerk, patient, GENDER, seen_fingerprint=seen) is AnswerChange.ANSWERED
    assert [row[1:] for row in history(site)] == [
        (GENDER, seen, "answer", "101"),
        (GENDER, None, "withdraw-answer", clerk.actor_id),
        (GENDER, seen, "answer", clerk.actor_id),
    ]


def test_each_answer_leaves_a_line_about_the_patient_without_values(
    site: OscarHost, clerk: Actor, patient: int
) -> None:
    answering.give(site, clerk, patient, GENDER, seen_fingerprint=mark(GENDER, "U"))
    log = site.tables.log
    with site.database.engine.connect() as connection:
        line = connection.execute(select(log).order_by(log.c.id.desc()).limit(1)).one()
    assert (line.action, line.content, line.demographic_no) == ("update", "cparPanelMember", patient)
    assert "answer" in line.data
    assert "gender" not in line.data


def test_a_user_who_saw_another_value_is_asked_to_look_again(
    site: OscarHost, clerk: Actor, patient: int, change: Callable[..., None]
) -> None:
    change(patient, sex="T")
    with pytest.raises(Stale):
        answering.give(site, clerk, patient, GENDER, seen_fingerprint=mark(GENDER, "U"))
    answering.give(site, clerk, patient, GENDER, seen_fingerprint=mark(GENDER, "T"))
    with pytest.raises(Stale):
        answering.withdraw(site, clerk, patient, GENDER, seen_fingerprint=mark(GENDER, "U"))
    one_patient.remove(site, clerk, patient, seen_panel_id=members_panel(site, patient))
    with pytest.raises(Stale):
        answering.give(site, clerk, patient, GENDER, seen_fingerprint=mark(GENDER, "T"))
    with pytest.raises(Stale):
        answering.give(site, clerk, 2**70, GENDER, seen_fingerprint=mark(GENDER, "T"))


def members_panel(host: OscarHost, patient_id: int) -> int | None:
    panel = shown(host, patient_id).panel
    return panel and panel.panel_id


def test_two_who_answer_at_once_leave_one_answer(site: OscarHost, clerk: Actor, patient: int) -> None:
    together, result = Barrier(2), []

    def give() -> None:
        together.wait()
        result.append(answering.give(site, clerk, patient, GENDER, seen_fingerprint=mark(GENDER, "U")))

    threads = [Thread(target=give) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(result) == [AnswerChange.ANSWERED, AnswerChange.UNCHANGED]
    assert len(history(site)) == 1


def test_the_list_counts_and_shows_only_what_no_one_has_checked(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int], statements: Any
) -> None:
    panel_id = make_panel("7")
    results: list[int] = []
    for place, (sex, phn) in enumerate(
        (("U", "123466789"), ("U", "123456789"), ("F", "123456780"), ("F", "200000001"))
    ):
        patient_id = oscar.patient(sex=sex, hin=phn, last_name=f"Name{place}")
        oscar.visit(patient_id)
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
        results.append(patient_id)

    def listed(fate: Any) -> list[int]:
        with site.database.engine.connect() as connection:
            listing = panel_members.listing(connection, site, clerk, Settings(), panel_id, Criteria(fate=fate))
        assert listing.matching == len(listing.members)
        return [one.row.patient_id for one in listing.members]

    doubtful = listed(Caution.DOUBTFUL_PHN)
    assert listed(GENDER) == results[:2]
    assert set(listed(Fate.TO_CHECK)) == {*results[:2], *doubtful}
    answering.give(site, clerk, results[0], GENDER, seen_fingerprint=mark(GENDER, "U"))
    assert listed(GENDER) == results[1:2]
    counts = []
    for patient_id in results[:2]:
        answering.give(site, clerk, patient_id, GENDER, seen_fingerprint=mark(GENDER, "U"))
        with site.database.engine.connect() as connection, statements() as counted:
            listing = panel_members.listing(connection, site, clerk, Settings(), panel_id, Criteria(fate=Fate.SENT))
        counts.append((len(listing.members), sum(len(one.answers) for one in listing.members), len(counted)))
    assert counts == [(4, 1, counts[0][2]), (4, 2, counts[0][2])]


def test_every_answer_of_a_member_comes_with_the_roll_in_one_statement(
    site: OscarHost, clerk: Actor, patient: int, change: Callable[..., None], statements: Any
) -> None:
    change(patient, pref_name="Paddy")
    panel_id = members_panel(site, patient)
    with site.database.engine.connect() as connection:
        (row,) = member_rows.member_rows(connection, site, panel_id or 0, now=site.clock.now())
    for caution in (GENDER, Caution.PREFERRED_NAME):
        answering.give(site, clerk, patient, caution, seen_fingerprint=fingerprint(caution, values(caution, row)))
    with site.database.engine.connect() as connection, statements() as seen:
        (row,) = member_rows.member_rows(connection, site, panel_id or 0, now=site.clock.now())
    assert len(seen) == 1
    assert row.answers
    assert len(row.answers.split()) == 2
