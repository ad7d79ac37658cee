"""Confirmation rates: who counts as seen, asked and confirmed in a month, of a panel and of a provider."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

import pytest
from sqlalchemy import select, update

from cpar_plugin.domain.check_in import CheckInAnswer
from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.domain.rates import CalendarMonth, RateCounts, rate
from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import undo
from cpar_plugin.services.bulk.orders import Confirm, Selection
from cpar_plugin.services.check_in import answering
from cpar_plugin.services.overview.rates_csv import export
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.roster import rates
from cpar_plugin.services.roster.csv_file import csv_file
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..conftest import ALBERTA

NOVEMBER, DECEMBER = date(2026, 11, 1), date(2026, 12, 1)


@pytest.fixture
def paneled(site: OscarHost, oscar: Any, clerk: Actor) -> Callable[..., int]:
    """A patient on a panel, with visits on these days, last confirmed in 2024 unless told otherwise."""

    def make(panel_id: int, *days: str, confirmed: str | None = "2024-05-05") -> int:
        patient_id: int = oscar.patient()
        for day in days:
            oscar.visit(patient_id, day, "09:00")
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
        with site.database.session() as session:
            day = date.fromisoformat(confirmed) if confirmed else None
            session.execute(
                update(tables.member).where(tables.member.c.patient_id == patient_id).values(confirmed_on=day)
            )
        return patient_id

    return make


@pytest.fixture
def counted(site: OscarHost) -> Callable[..., Mapping[date, RateCounts]]:
    """Count, and read the months of one panel, or of all together."""

    def read(panel_id: int | None = None) -> Mapping[date, RateCounts]:
        rates.count(site, Settings())
        with site.database.engine.connect() as connection:
            return {one.month: one.counts for one in rates.by_month(connection, panel_id, 12)}

    return read


def move_to(site: OscarHost, *moment: int) -> None:
    site.clock.move_to(datetime(*moment, tzinfo=ALBERTA))  # type: ignore[attr-defined,arg-type,misc]


def asked_at_check_in(site: OscarHost, clerk: Actor, patient_id: int, panel_id: int) -> None:
    today = site.clock.now().astimezone(ALBERTA).date()
    answering.answer(site, clerk, patient_id, CheckInAnswer.CONFIRMED, day=today, seen_panel_id=panel_id)


def test_of_those_seen_in_the_month_those_count_who_were_asked_or_confirmed_by_a_person(
    site: OscarHost, clerk: Actor, oscar: Any, make_panel: Any, paneled: Any, counted: Any
) -> None:
    panel_id, other = make_panel("1"), make_panel("2", "102")
    asked, by_person, from_list, seen_twice = (paneled(panel_id, "2026-11-03") for _ in range(4))
    oscar.visit(seen_twice, "2026-11-04")
    not_seen = paneled(panel_id, "2026-10-31", "2026-11-30")
    missed = paneled(panel_id)
    oscar.visit(missed, "2026-11-03", status="N")
    elsewhere = paneled(other, "2026-11-03")
    oscar.visit(oscar.patient(), "2026-11-03")
    for patient_id in (asked, elsewhere):
        one_patient.confirm(site, clerk, patient_id, seen_panel_id=panel_id if patient_id == asked else other)
    asked_at_check_in(site, clerk, by_person, panel_id)
    one_patient.confirm(site, clerk, not_seen, seen_panel_id=panel_id)
    bulk.carry_out(site, clerk, Confirm(panel_id, Selection(frozenset({from_list}))))
    assert counted(panel_id) == {NOVEMBER: RateCounts(visited=4, in_person=2, members=6, confirmed=4)}
    assert counted(other) == {NOVEMBER: RateCounts(visited=1, in_person=1, members=1, confirmed=1)}
    assert counted() == {NOVEMBER: RateCounts(visited=5, in_person=3, members=7, confirmed=5)}


def test_a_confirmation_that_was_undone_or_was_on_another_panel_or_in_another_month_is_none(
    site: OscarHost, clerk: Actor, make_panel: Any, paneled: Any, counted: Any
) -> None:
    panel_id, other = make_panel("1"), make_panel("2", "102")
    undone, moved, before = (paneled(panel_id, "2026-11-03", "2026-12-01") for _ in range(3))
    order = Confirm(panel_id, Selection(frozenset({undone})), ConfirmedHow.BY_PERSON)
    result = bulk.carry_out(site, clerk, order)
    assert result.operation_id
    one_patient.confirm(site, clerk, moved, seen_panel_id=panel_id)
    one_patient.confirm(site, clerk, before, seen_panel_id=panel_id)
    assert counted(panel_id)[NOVEMBER].in_person == 3
    undo.undo(site, clerk, result.operation_id)
    one_patient.choose(site, clerk, moved, other, seen_panel_id=panel_id)
    assert (counted(panel_id)[NOVEMBER].in_person, counted(other)[NOVEMBER].in_person) == (1, 0)
    move_to(site, 2026, 12, 2)
    assert counted(panel_id)[DECEMBER] == RateCounts(visited=2, in_person=0, members=2, confirmed=1)


def test_a_confirmation_that_was_replaced_later_still_counts(
    site: OscarHost, clerk: Actor, make_panel: Any, paneled: Any, counted: Any
) -> None:
    panel_id = make_panel("1")
    patient_id = paneled(panel_id, "2026-11-03")
    asked_at_check_in(site, clerk, patient_id, panel_id)
    move_to(site, 2026, 11, 12)
    bulk.carry_out(site, clerk, Confirm(panel_id, Selection(frozenset({patient_id}))))
    assert counted(panel_id)[NOVEMBER].in_person == 1


def test_a_month_is_the_clinics_and_is_kept_once_it_was_counted_after_its_end(
    site: OscarHost, oscar: Any, make_panel: Any, paneled: Any, counted: Any
) -> None:
    panel_id = make_panel("1")
    move_to(site, 2026, 11, 30, 23, 30)  # December in UTC
    patient_id = paneled(panel_id, confirmed="2026-11-30")
    oscar.visit(patient_id, "2026-11-30", "23:00")
    november = RateCounts(visited=1, in_person=0, members=1, confirmed=1)
    assert counted() == {NOVEMBER: november}
    move_to(site, 2026, 12, 1, 0, 10)
    assert counted() == {NOVEMBER: november, DECEMBER: replace(november, visited=0)}
    oscar.visit(patient_id, "2026-12-01", "00:05")
    paneled(panel_id, "2026-11-20")
    assert counted() == {NOVEMBER: november, DECEMBER: replace(november, members=2)}


def test_a_panel_has_no_rates_for_months_before_it_was_made(make_panel: Any, paneled: Any, counted: Any) -> None:
    paneled(make_panel("1"), "2026-10-05")
    assert list(counted()) == [NOVEMBER]


def test_confirmed_is_who_was_confirmed_within_the_months_of_the_setting(
    site: OscarHost, make_panel: Any, paneled: Any
) -> None:
    panel_id = make_panel("1")
    for day in ("2026-05-10", "2026-05-11", "2026-11-10", None):
        paneled(panel_id, confirmed=day)
    for months, confirmed in ((6, 2), (12, 3), (5, 1)):
        rates.count(site, Settings(unconfirmed_months=months))
        with site.database.engine.connect() as connection:
            [of_panel] = rates.by_month(connection, panel_id, 1)
        assert (of_panel.counts.confirmed, of_panel.within_months) == (confirmed, months)


def test_a_provider_has_the_rates_of_all_own_panels_and_shared_ones_count_for_each(
    site: OscarHost, make_panel: Any, paneled: Any, oscar: Any
) -> None:
    for panel_id, patients in ((make_panel("1"), 1), (make_panel("2"), 2), (make_panel("3", "101", "102"), 3)):
        for _ in range(patients):
            paneled(panel_id, "2026-11-03")
    rates.count(site, Settings())
    with site.database.engine.connect() as connection:
        result = rates.by_provider(connection, site, NOVEMBER)
    assert [(one.provider_id, one.panels, one.of_month.counts.visited) for one in result] == [
        ("101", 3, 6),
        ("102", 1, 3),
    ]
    rows = list(csv.DictReader(io.StringIO(b"".join(csv_file(export(site))).decode("utf-8-sig"))))
    assert [(row["Month"], row["Provider number"], row["Patients seen"], row["Asked (%)"]) for row in rows] == [
        ("2026-11", "101", "6", "0.0"),
        ("2026-11", "102", "3", "0.0"),
    ]


def test_with_no_one_to_ask_there_is_no_rate(site: OscarHost, make_panel: Any, paneled: Any, counted: Any) -> None:
    empty, unseen = make_panel("1"), make_panel("2", "102")
    paneled(unseen)
    assert counted(empty) == {NOVEMBER: RateCounts(visited=0, in_person=0, members=0, confirmed=0)}
    assert counted(unseen) == {NOVEMBER: RateCounts(visited=0, in_person=0, members=1, confirmed=0)}
    assert (rate(0, 0), rate(0, None), rate(0, 4), rate(1, 4)) == (None, None, 0, 0.25)
    rows = list(csv.DictReader(io.StringIO(b"".join(csv_file(export(site))).decode("utf-8-sig"))))
    assert [(row["Asked (%)"], row["Confirmed (%)"]) for row in rows] == [("", ""), ("", "0.0")]


def test_a_host_that_cannot_say_who_was_seen_has_the_other_rate_alone(
    site: OscarHost, clerk: Actor, make_panel: Any, paneled: Any
) -> None:
    panel_id = make_panel("1")
    one_patient.confirm(site, clerk, paneled(panel_id, "2026-11-03"), seen_panel_id=panel_id)
    silent: Any = replace(site, visits=None)  # type: ignore[arg-type]
    rates.count(silent, Settings())
    with site.database.engine.connect() as connection:
        [of_panel] = rates.by_month(connection, panel_id, 1)
    assert of_panel.counts == RateCounts(visited=None, in_person=0, members=1, confirmed=1)


def test_the_scheduler_counts_once_an_hour_and_a_page_when_that_is_overdue(
    site: OscarHost, make_panel: Any, paneled: Any
) -> None:
    panel_id, settings = make_panel("1"), Settings()

    def members() -> int:
        with site.database.engine.connect() as connection:
            kept = tables.confirmation_rate.c
            return connection.scalar(select(kept.members).where(kept.month == NOVEMBER)) or 0

    paneled(panel_id)
    rates.count_to_show(site, settings)  # never counted yet
    paneled(panel_id)
    move_to(site, 2026, 11, 10, 10, 59)
    rates.count_due(site, settings, site.clock.now())
    assert members() == 1
    move_to(site, 2026, 11, 10, 11, 1)
    rates.count_to_show(site, settings)
    assert members() == 1
    rates.count_due(site, settings, site.clock.now())
    assert members() == 2
    paneled(panel_id)
    move_to(site, 2026, 11, 11, 11, 2)
    rates.count_to_show(site, settings)
    assert members() == 3


def test_months_are_those_of_the_calendar() -> None:
    january = CalendarMonth.of(date(2027, 1, 31))
    assert (january.first, january.previous.first, january.following) == (
        date(2027, 1, 1),
        date(2026, 12, 1),
        date(2027, 2, 1),
    )
