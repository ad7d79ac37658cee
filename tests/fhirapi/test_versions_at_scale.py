"""Versions where many read at once, and where there is much to read."""

import gc
import threading
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from sqlalchemy import insert, select, update

from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.fhir.groups import GroupSource
from cpar_plugin.services.fhir.sources import read
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

CLIENT = Caller(Actor(actor_id="client-1", display_name="A client"), "1", EVERYTHING, panels=None)
SETTINGS = Settings()
MEBIBYTE = 1024 * 1024


def add(host: OscarHost, panel_id: int, numbers: range) -> None:
    """Members, many at once."""
    with host.database.writing() as connection:
        connection.execute(
            insert(host.tables.demographic),
            [
                {
                    "demographic_no": number,
                    "last_name": f"Family{number}",
                    "first_name": "Pat",
                    "year_of_birth": "1980",
                    "month_of_birth": "02",
                    "date_of_birth": "03",
                    "sex": "F",
                    "patient_status": "AC",
                    "lastUpdateDate": datetime(2026, 1, 1),  # noqa: DTZ001  # a civil time, as OSCAR keeps it
                }
                for number in numbers
            ],
        )
        connection.execute(
            insert(host.tables.appointment),
            [
                {"provider_no": "101", "appointment_date": date(2026, 5, 4), "demographic_no": number, "status": "B"}
                for number in numbers
            ],
        )
        since = datetime(2026, 3, 1, tzinfo=UTC)
        connection.execute(
            insert(tables.member), [{"patient_id": number, "panel_id": panel_id, "since": since} for number in numbers]
        )


def peak(work: Callable[[], object]) -> int:
    gc.collect()
    tracemalloc.start()
    work()
    result = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return result


def length_of_group(host: OscarHost, panel_id: int) -> int:
    groups = GroupSource(host, SETTINGS, CLIENT)
    with host.database.engine.connect() as connection:
        return sum(map(len, groups.body(connection, groups.read(connection, str(panel_id)))))


@pytest.mark.large
def test_memory_grows_neither_with_a_group_nor_with_what_is_refreshed(
    site: OscarHost, emr: OscarHost, make_panel: Any
) -> None:
    panel_id = make_panel("A1")
    add(emr, panel_id, range(1, 2001))
    refresh.refresh(site, SETTINGS)
    length_of_group(site, panel_id)
    add(emr, panel_id, range(2001, 4001))
    first = peak(lambda: refresh.refresh(site, SETTINGS))
    few = peak(lambda: length_of_group(site, panel_id))
    add(emr, panel_id, range(4001, 12001))
    assert peak(lambda: refresh.refresh(site, SETTINGS)) - first < MEBIBYTE
    assert peak(lambda: length_of_group(site, panel_id)) - few < MEBIBYTE / 4
    assert length_of_group(site, panel_id) > 2 * MEBIBYTE


def test_a_refresh_finds_what_has_changed_and_nothing_else(
    site: OscarHost, emr: OscarHost, oscar: Any, clock: FixedClock, make_panel: Any
) -> None:
    panel_id = make_panel("A1")
    add(emr, panel_id, range(1, 1501))
    assert refresh.refresh(site, SETTINGS) == refresh.Refreshed(changed=1500, gone=0, visits=1500)
    assert refresh.refresh(site, SETTINGS) == refresh.Refreshed()
    patient = site.tables.demographic
    with emr.database.writing() as connection:
        connection.execute(update(patient).where(patient.c.demographic_no == 700).values(last_name="Wren"))
        connection.execute(patient.delete().where(patient.c.demographic_no == 800))
    oscar.visit(900, "2026-11-09")
    assert refresh.refresh(site, SETTINGS) == refresh.Refreshed(changed=1, gone=1, visits=1)


def test_many_readers_of_a_change_agree_on_one_new_version(
    site: OscarHost, emr: OscarHost, oscar: Any, clerk: Actor, make_panel: Any
) -> None:
    panel_id, patient_id = make_panel("A1"), oscar.patient()
    one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    keys = [("Patient", str(patient_id)), ("Group", str(panel_id)), ("Practitioner", "101")]
    before = [version_of(site, key) for key in keys]
    patient, provider = site.tables.demographic, site.tables.provider
    with emr.database.writing() as connection:
        connection.execute(update(patient).values(last_name="Wren"))
        connection.execute(update(provider).values(last_name="Heron"))
        connection.execute(update(tables.panel_facility).values(facility_id="000114"))
    results: list[list[int]] = []
    start = threading.Barrier(6)

    def reader() -> None:
        start.wait()
        results.append([version_of(site, key) for key in keys])

    threads = [threading.Thread(target=reader) for _ in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [[version + 1 for version in before]] * 6


def test_a_reader_whose_view_is_older_gets_a_version_of_its_own(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any
) -> None:
    panel_id, first, second = make_panel("A1"), oscar.patient(), oscar.patient()
    one_patient.choose(site, clerk, first, panel_id, seen_panel_id=None)
    before = version_of(site, ("Group", str(panel_id)))
    with site.database.writing() as connection:
        connection.execute(update(tables.panel_facility).values(facility_id="000114"))
    groups = GroupSource(site, SETTINGS, CLIENT)
    with site.database.engine.connect() as connection:
        connection.execute(select(tables.panel)).all()  # from here on the view holds still
        one_patient.choose(site, clerk, second, panel_id, seen_panel_id=None)
        older = groups.read(connection, str(panel_id))
        text = orjson.loads(b"".join(groups.body(connection, older)))
    assert len(text["member"]) == 1
    newer = version_of(site, ("Group", str(panel_id)))
    assert before < older.version < newer


def version_of(host: OscarHost, key: tuple[str, str]) -> int:
    with host.database.engine.connect() as connection:
        return read(connection, host, SETTINGS, CLIENT, *key).version


@pytest.mark.parametrize("kind", ["Patient", "Practitioner"])
def test_a_version_that_someone_else_has_moved_on_is_taken_as_it_is(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any, kind: str
) -> None:
    panel_id, patient_id = make_panel("A1"), oscar.patient()
    one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    key = (kind, str(patient_id) if kind == "Patient" else "101")
    with site.database.engine.connect() as connection:
        connection.execute(select(tables.panel)).all()
        moved = version_of(site, key)
        assert read(connection, site, SETTINGS, CLIENT, *key).version == moved
