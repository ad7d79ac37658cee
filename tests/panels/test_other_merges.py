"""Affiliations and caseloads follow records that the EMR merges, and those that it separates again."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS, PanelKind
from cpar_plugin.hooks import Actor
from cpar_plugin.services.other_panels import editing, one_patient
from cpar_plugin.services.roster import merges
from oscar_host.host import OscarHost

from ..conftest import place_of_the_emr

place = place_of_the_emr
AFFILIATION, CASELOAD = OTHER_KINDS[PanelKind.AFFILIATION], OTHER_KINDS[PanelKind.CASELOAD]
Others = Callable[[], dict[tuple[int, str], tuple[int, date | None]]]


@pytest.fixture
def put(site: OscarHost, clock: Any, clerk: Actor) -> Callable[..., None]:
    """Put a patient on it, each a minute after the one before."""

    def choose(patient: int, other: int, signed: str = "") -> None:
        clock.move_to(clock.now() + timedelta(minutes=1))
        one_patient.choose(site, clerk, patient, other, seen_id=None, signed=signed)

    return choose


def _separate(oscar: Any, retired: int) -> None:
    merged = oscar.tables.demographic_merged
    with oscar.database.writing() as connection:
        connection.execute(update(merged).where(merged.c.demographic_no == retired).values(deleted=1))


def test_the_kept_records_own_wins_else_it_inherits_the_latest_of_each_kind(
    site: OscarHost, oscar: Any, clerk: Actor, put: Any, others: Others
) -> None:
    north, south = (editing.create(site, clerk, other_draft("affiliation", name)) for name in ("North", "South"))
    nurse = editing.create(site, clerk, other_draft("caseload", "Nurse"))
    kept, first, second, alone, heir = (oscar.patient() for _ in range(5))
    put(kept, north)
    put(first, south, "2026-01-02")
    put(first, nurse)
    put(second, north, "2026-03-04")
    put(alone, south, "2026-02-02")
    oscar.merge(first, kept)
    oscar.merge(second, kept)
    oscar.merge(alone, heir)
    assert merges.catch_up(site)
    assert others() == {
        (kept, AFFILIATION): (north, date(2026, 3, 4)),  # its own, with the date that only the other record had
        (kept, CASELOAD): (nurse, None),
        (heir, AFFILIATION): (south, date(2026, 2, 2)),
    }
    assert not merges.catch_up(site)


def test_a_merge_that_is_undone_gives_back_what_was_inherited_unless_it_was_changed_since(
    site: OscarHost, oscar: Any, clerk: Actor, put: Any, others: Others
) -> None:
    north, south = (editing.create(site, clerk, other_draft("affiliation", name)) for name in ("North", "South"))
    pairs = [(oscar.patient(), oscar.patient()) for _ in range(3)]
    for retired, kept in pairs:
        put(retired, north, "2026-01-02")
        oscar.merge(retired, kept)
    before = (north, date(2026, 1, 2))
    assert merges.catch_up(site)
    assert others() == {(kept, AFFILIATION): before for _, kept in pairs}
    one_patient.choose(site, clerk, pairs[1][1], south, seen_id=north)
    for retired, _ in pairs[:2]:
        _separate(oscar, retired)
    assert merges.catch_up(site)
    assert others() == {
        (pairs[0][0], AFFILIATION): before,
        (pairs[1][0], AFFILIATION): before,
        (pairs[1][1], AFFILIATION): (south, date(2026, 1, 2)),
        (pairs[2][1], AFFILIATION): before,
    }
    assert not merges.catch_up(site)
