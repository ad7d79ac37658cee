"""Continuity: of the visits of a panel's patients, the share with a provider of their own panel."""

from collections.abc import Callable
from typing import Any

import pytest

from cpar_plugin.hooks import Actor
from cpar_plugin.services import overview
from cpar_plugin.services.panels import one_patient
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost


@pytest.fixture
def seen(site: OscarHost, oscar: Any, clerk: Actor) -> Callable[..., int]:
    """A patient on a panel, seen by these providers in the last year."""

    def make(panel_id: int | None, *provider_ids: str) -> int:
        patient_id: int = oscar.patient()
        for month, provider_id in enumerate(provider_ids, 1):
            oscar.visit(patient_id, f"2026-{month:02}-03", provider_no=provider_id)
        if panel_id:
            one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
        return patient_id

    return make


@pytest.fixture
def counted(site: OscarHost, clerk: Actor) -> Callable[..., tuple[int, int]]:
    """Visits with the providers of the panel, and all of them."""

    def count(panel_id: int | None = None, actor: Actor = clerk, **settings: Any) -> tuple[int, int]:
        with site.database.engine.connect() as connection:
            found = overview.continuity(connection, site, actor, Settings(**settings), panel_id)
        assert found
        return found.own, found.visits

    return count


def test_visits_with_any_provider_of_the_patients_panel_count_as_its_own(
    make_panel: Any, seen: Callable[..., int], counted: Any, oscar: Any
) -> None:
    shared, other = make_panel("1", "101", "102"), make_panel("2", "103")
    patient_id = seen(shared, "101", "102", "103", "103")
    seen(other, "101")
    seen(None, "101", "103")
    retired = seen(None, "101")
    oscar.merge(retired, patient_id)
    assert counted(shared) == (3, 5)
    assert counted(other) == (0, 1)
    assert counted() == (3, 6)


def test_the_window_is_a_setting_and_a_panel_without_visits_has_no_share(
    site: OscarHost, make_panel: Any, seen: Callable[..., int], counted: Any, oscar: Any, clerk: Actor
) -> None:
    panel_id, empty = make_panel("1"), make_panel("2")
    oscar.visit(seen(panel_id, "101"), "2025-11-09")
    assert counted(panel_id) == (1, 1)
    assert counted(panel_id, continuity_months=24) == (2, 2)
    with site.database.engine.connect() as connection:
        found = overview.continuity(connection, site, clerk, Settings(), empty)
    assert found
    assert found.share is None


def test_patients_whom_the_person_may_not_see_are_not_counted(
    site: OscarHost, make_panel: Any, seen: Callable[..., int], counted: Any, oscar: Any
) -> None:
    panel_id = make_panel("1")
    closed = seen(panel_id, "101", "101")
    seen(panel_id, "102")
    oscar.privilege("101", "_demographic", "r")
    oscar.privilege("101", f"_demographic${closed}", "o")
    assert counted(panel_id) == (2, 3)
    assert counted(panel_id, Actor(actor_id="101", display_name="Doctor")) == (0, 1)
