import gc
import tracemalloc
from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from cpar_plugin.services.snapshots.build import Taken
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

MEBIBYTE = 1024 * 1024


def add(host: OscarHost, panel_id: int, numbers: range) -> None:
    """Valid members, many at once."""
    with host.database.writing() as connection:
        connection.execute(
            insert(host.tables.demographic),
            [
                {
                    "demographic_no": number,
                    "last_name": f"Family{number}",
                    "first_name": f"Given{number}",
                    "year_of_birth": "1980",
                    "month_of_birth": "02",
                    "date_of_birth": "03",
                    "sex": "F",
                    "hin": str(100_000_000 + number),
                    "hc_type": "AB",
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
        connection.execute(
            insert(tables.member),
            [
                {
                    "patient_id": number,
                    "panel_id": panel_id,
                    "since": datetime(2026, 3, 1, tzinfo=UTC),
                    "confirmed_on": date(2026, 3, 1),
                    "confirmed_how": "last visit",
                }
                for number in numbers
            ],
        )


@pytest.mark.databases("in turn")
@pytest.mark.parametrize("most", [2500, pytest.param(5000, marks=pytest.mark.large)])
def test_memory_does_not_grow_with_the_panel(
    host: OscarHost,
    emr: OscarHost,
    panel_id: int,
    take: Callable[..., Taken],
    submitted: Callable[[Taken, str], Any],
    most: int,
) -> None:
    def peak(members: int) -> int:
        taken = take()
        submitted(taken, "delivered")  # the next one is compared with it
        gc.collect()
        tracemalloc.start()
        taken = take()
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert taken.sent == members
        return peak

    add(emr, panel_id, range(1, 1001))
    few = peak(1000)
    add(emr, panel_id, range(1001, most + 1))
    many = peak(most)
    # The bodies are 2 and 5 or 9 MiB.
    assert many - few < MEBIBYTE
