"""The check-in list: who is on it, what comes of each answer, and what two receptionists do to each other."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.domain.check_in import CheckInAnswer
from cpar_plugin.domain.check_in_questions import DEFAULTS, CheckInQuestion
from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.domain.to_do import ToDo
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.check_in import answering, listing, wording
from cpar_plugin.services.check_in.listing import CheckInList
from cpar_plugin.services.history import of_patient
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

TODAY = date(2026, 11, 10)


@pytest.fixture
def shown(site: OscarHost, clerk: Actor) -> Callable[[], CheckInList]:
    return lambda: listing.check_in_list(site, clerk, Settings())


@pytest.fixture
def confirmed_long_ago(
    site: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, make_panel: Callable[..., int]
) -> tuple[int, int]:
    """A patient whose confirmation is two years old, with an appointment today at 9:30; the panel."""
    panel = make_panel("5")
    patient = oscar.patient(last_name="Long", first_name="Ago")
    now = clock.now()
    clock.move_to(now - timedelta(days=730))
    one_patient.choose(site, clerk, patient, panel, seen_panel_id=None)
    clock.move_to(now)
    oscar.visit(patient, TODAY, "09:30", "t")
    oscar.visit(patient, "2026-10-05")
    return patient, panel


def names(shown: CheckInList) -> list[str]:
    return [row.name for row in shown.rows]


def give(
    site: OscarHost, actor: Actor, patient: int, given: CheckInAnswer, panel: int | None, day: date = TODAY
) -> None:
    answering.answer(site, actor, patient, given, day=TODAY, seen_panel_id=panel)


def test_whoever_has_something_to_do_is_on_it_by_provider_and_time(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    make_panel: Callable[..., int],
    shown: Callable[[], CheckInList],
    confirmed_long_ago: tuple[int, int],
) -> None:
    free = oscar.patient(last_name="Free", first_name="Ann")
    oscar.visit(free, TODAY, "08:00", "H")
    fine = oscar.patient(last_name="Fine", first_name="Bea", hin="100000002")
    one_patient.choose(site, clerk, fine, confirmed_long_ago[1], seen_panel_id=None)
    without_number = oscar.patient(last_name="Number", first_name="No", hin="")
    one_patient.choose(site, clerk, without_number, confirmed_long_ago[1], seen_panel_id=None)
    for patient in (fine, without_number):
        oscar.visit(patient, "2026-10-05")
        oscar.visit(patient, TODAY, "07:00", "t", provider_no="102")
    cancelled = oscar.patient(last_name="Cancelled")
    oscar.visit(cancelled, TODAY, "07:00", "C")
    tomorrow = oscar.patient(last_name="Tomorrow")
    oscar.visit(tomorrow, TODAY + timedelta(days=1), "07:00", "t")
    listed = shown()
    assert [(row.name, row.to_do, row.arrived) for row in listed.rows] == [
        ("Free, Ann", (ToDo.NOT_PANELED,), True),
        ("Long, Ago", (ToDo.NOT_CONFIRMED,), False),
        ("Number, No", (ToDo.EXCLUDED,), False),
    ]
    assert (listed.booked, listed.answered) == (4, 0)


def test_asked_confirms_and_says_so_for_ever(
    site: OscarHost, clerk: Actor, shown: Callable[[], CheckInList], confirmed_long_ago: tuple[int, int], placed: Any
) -> None:
    patient, panel = confirmed_long_ago
    for _ in range(2):  # pressed twice
        give(site, clerk, patient, CheckInAnswer.CONFIRMED, panel)
    assert (placed()[patient].confirmed_on, placed()[patient].confirmed_how) == (TODAY, ConfirmedHow.AT_CHECK_IN)
    assert (names(shown()), shown().answered) == ([], 1)
    (latest, _) = of_patient.of_patient(site, clerk, patient)
    assert (latest.text, latest.confirmed_how) == ("Confirmed on panel 5", ConfirmedHow.AT_CHECK_IN)


@pytest.mark.parametrize(
    ("given", "reason"),
    [(CheckInAnswer.OTHER_PROVIDER, "has another provider"), (CheckInAnswer.MOVED_AWAY, "moved away")],
)
def test_who_has_another_provider_or_moved_away_is_removed_with_that_reason(
    site: OscarHost,
    clerk: Actor,
    shown: Callable[[], CheckInList],
    confirmed_long_ago: tuple[int, int],
    placed: Any,
    given: CheckInAnswer,
    reason: str,
) -> None:
    patient, panel = confirmed_long_ago
    for _ in range(2):
        give(site, clerk, patient, given, panel)
    assert patient not in placed()
    assert names(shown()) == []
    assert of_patient.of_patient(site, clerk, patient)[0].text == f"Removed from panel 5 ({reason})"


def test_not_asked_leaves_the_membership_alone_and_the_list_of_today(
    site: OscarHost,
    clerk: Actor,
    clock: FixedClock,
    oscar: Any,
    shown: Callable[[], CheckInList],
    confirmed_long_ago: tuple[int, int],
    placed: Any,
) -> None:
    patient, panel = confirmed_long_ago
    before = placed()
    give(site, clerk, patient, CheckInAnswer.SKIPPED, panel)
    assert placed() == before
    assert names(shown()) == []
    oscar.visit(patient, TODAY + timedelta(days=1), "09:00", "t")
    clock.move_to(clock.now() + timedelta(days=1))
    assert names(shown()) == ["Long, Ago"]


def test_a_list_of_yesterday_and_a_panel_that_has_changed_are_refused(
    site: OscarHost,
    clerk: Actor,
    clock: FixedClock,
    make_panel: Callable[..., int],
    confirmed_long_ago: tuple[int, int],
    placed: Any,
) -> None:
    patient, panel = confirmed_long_ago
    one_patient.choose(site, clerk, patient, make_panel("6", "102"), seen_panel_id=panel)
    before = placed()
    with pytest.raises(Stale, match="moved this patient to panel 6"):
        give(site, clerk, patient, CheckInAnswer.CONFIRMED, panel)
    clock.move_to(clock.now() + timedelta(hours=14))
    with pytest.raises(Stale, match="another day"):
        give(site, clerk, patient, CheckInAnswer.SKIPPED, panel)
    assert placed() == before


def test_an_appointment_cancelled_after_the_confirmation_keeps_the_confirmation(
    site: OscarHost,
    clerk: Actor,
    oscar: Any,
    shown: Callable[[], CheckInList],
    confirmed_long_ago: tuple[int, int],
    placed: Any,
) -> None:
    patient, panel = confirmed_long_ago
    oscar.visit(patient, TODAY, "15:00", "t")
    assert names(shown()) == ["Long, Ago", "Long, Ago"]
    give(site, clerk, patient, CheckInAnswer.CONFIRMED, panel)
    assert names(shown()) == []
    appointment = oscar.tables.appointment
    with oscar.database.writing() as connection:
        connection.execute(appointment.update().where(appointment.c.demographic_no == patient).values(status="C"))
    assert placed()[patient].confirmed_on == TODAY
    assert shown().booked == 0


def test_only_an_answer_that_fits_is_stored(site: OscarHost, clerk: Actor, oscar: Any) -> None:
    free = oscar.patient()
    with pytest.raises(Refused, match="not on a panel"):
        give(site, clerk, free, CheckInAnswer.CONFIRMED, None)


def test_the_list_needs_a_constant_number_of_statements(
    site: OscarHost, clerk: Actor, oscar: Any, statements: Any, shown: Callable[[], CheckInList]
) -> None:
    counts = []
    for size in (1, 20):
        for number in range(size):
            oscar.visit(oscar.patient(hin=f"{200_000_000 + size * 100 + number}"), TODAY, "09:00", "t")
        with statements() as seen:
            shown()
        counts.append(len(seen))
    assert counts[0] == counts[1] <= 9


def test_a_host_without_a_schedule_has_no_list(site: OscarHost, clerk: Actor) -> None:
    with pytest.raises(NotFound, match="no appointments"):
        listing.check_in_list(replace(site, schedule=None), clerk, Settings())


def test_the_clinics_words_are_stored_until_they_are_ours_again_and_nobody_overwrites_another(
    site: OscarHost, clerk: Actor
) -> None:
    def stored() -> tuple[wording.Questions, int]:
        with site.database.engine.connect() as connection:
            return wording.load(connection), clinic.load(connection).version

    own = {
        CheckInQuestion.PANELED: "Encore {provider} ?",
        CheckInQuestion.NOT_PANELED: "Qui est votre médecin 😀?",
        CheckInQuestion.CONFLICT: "Ici ou ailleurs ?",
    }
    before, version = stored()
    assert before == DEFAULTS
    wording.save(site, clerk, own, version=version)
    assert stored() == (own, version + 1)
    wording.save(site, clerk, own, version=version)  # saved already
    with pytest.raises(Stale, match="Someone else"):
        wording.save(site, clerk, DEFAULTS, version=version)
    wrong = {CheckInQuestion.NOT_PANELED: "", CheckInQuestion.CONFLICT: "{phn}"}
    with pytest.raises(Refused) as refused:
        wording.save(site, clerk, {CheckInQuestion.PANELED: "{name}"} | wrong, version=version + 1)
    assert refused.value.messages.keys() == {*CheckInQuestion}
    wording.save(site, clerk, DEFAULTS, version=version + 1)
    assert stored() == (DEFAULTS, version + 2)
    with site.database.engine.connect() as connection:
        assert connection.scalar(select(tables.clinic.c.check_in_question)) is None
