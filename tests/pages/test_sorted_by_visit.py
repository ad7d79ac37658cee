"""A panel sorted by last visit: by visits that were kept when they were compared with the EMR, and those since."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

from .test_panel_page import page, shown

_NOTE = "Sorted by last visits as they were at"


@pytest.fixture
def paneled(host: OscarHost, oscar: Any, panel: int) -> Callable[..., int]:
    """Makes a patient of the panel with a visit on each of the days; returns the patient_id."""

    def make(*days: str) -> int:
        patient_id: int = oscar.patient()
        for day in days:
            oscar.visit(patient_id, day)
        one_patient.choose(host, host.identity.system, patient_id, panel, seen_panel_id=None)
        return patient_id

    return make


@pytest.fixture
def compared(host: OscarHost, clock: FixedClock) -> Callable[[], None]:
    """Compares everything with the EMR, after a minute in which nothing happens."""

    def compare() -> None:
        clock.move_to(clock.now() + timedelta(minutes=1))
        refresh.refresh(host, load(host.settings))

    return compare


def test_visits_since_the_comparison_count_and_earlier_ones_that_were_changed_do_with_the_next(
    host: OscarHost,
    emr: OscarHost,
    oscar: Any,
    paneled: Callable[..., int],
    compared: Callable[[], None],
    clock: FixedClock,
    manager: Any,
    panel: int,
) -> None:
    long_ago, never, lately = paneled("2020-01-07"), paneled(), paneled("2026-10-05")
    address = f"/cpar/panels/{panel}"
    before = page(manager.get(address, sort="seen"))
    assert shown(before) == [never, long_ago, lately]
    assert _NOTE not in before  # nothing is kept yet: each visit was asked for

    compared()
    after = page(manager.get(address, sort="seen"))
    assert shown(after) == [never, long_ago, lately]
    assert _NOTE in after
    assert _NOTE not in page(manager.get(address))

    now = clock.now().astimezone(clock.zone)
    oscar.visit(long_ago, now.date().isoformat(), (now - timedelta(minutes=5)).time().isoformat("minutes"))
    newcomer = paneled("2021-03-03")
    assert shown(page(manager.get(address, sort="seen"))) == [never, newcomer, lately, long_ago]
    assert shown(page(manager.get(address, sort="-seen"))) == [long_ago, lately, newcomer, never]
    assert shown(page(manager.get(address, sort="-seen", after=lately))) == [newcomer, never]
    assert shown(page(manager.get(address, sort="-seen", show="excluded"))) == [long_ago, lately, newcomer, never]

    appointment = emr.tables.appointment
    cancelled = update(appointment).where(appointment.c.demographic_no == lately).values(status="C")
    with emr.database.writing() as connection:
        connection.execute(cancelled)
    assert shown(page(manager.get(address, sort="seen"))) == [never, newcomer, lately, long_ago]
    compared()
    assert shown(page(manager.get(address, sort="seen"))) == [never, lately, newcomer, long_ago]


def test_what_was_kept_too_long_ago_is_not_sorted_by(
    oscar: Any,
    paneled: Callable[..., int],
    compared: Callable[[], None],
    clock: FixedClock,
    manager: Any,
    panel: int,
) -> None:
    one, two = paneled("2020-01-07"), paneled("2021-01-07")
    compared()
    oscar.visit(one, "2022-02-02")
    clock.move_to(clock.now() + timedelta(minutes=31))
    answer = page(manager.get(f"/cpar/panels/{panel}", sort="seen"))
    assert shown(answer) == [two, one]
    assert _NOTE not in answer
