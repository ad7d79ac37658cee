"""The clinic's name and Site ID, and the switch of the integration."""

from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.services.operations import access, clinic
from cpar_plugin.services.operations.access import Forbidden
from cpar_plugin.services.operations.clinic import Clinic
from oscar_host.host import OscarHost


def _load(host: OscarHost) -> Clinic:
    with host.database.engine.connect() as connection:
        return clinic.load(connection)


def test_a_new_clinic_is_switched_off_and_not_configured(host: OscarHost) -> None:
    assert _load(host) == Clinic(enabled=False, name="", site_id="", version=1)
    assert not _load(host).configured


def test_name_and_site_id_are_kept_as_issued_but_trimmed(host: OscarHost, clerk: Actor) -> None:
    clinic.save(host, clerk, name="  Clinique Élan 😀 ", site_id=" 007-A ", version=1)
    assert _load(host) == Clinic(enabled=False, name="Clinique Élan 😀", site_id="007-A", version=2)
    assert _load(host).configured


def test_a_wrong_entry_is_refused_by_field_and_changes_nothing(host: OscarHost, clerk: Actor) -> None:
    for name, site_id, fields in (
        ("", "S-1", {"name"}),
        ("Example", " \t", {"site_id"}),
        ("", "", {"name", "site_id"}),
        ("x" * 101, "y" * 61, {"name", "site_id"}),
        ("Ex\x00ample", "S\n1", {"name", "site_id"}),
    ):
        with pytest.raises(Refused) as refused:
            clinic.save(host, clerk, name=name, site_id=site_id, version=1)
        assert set(refused.value.messages) == fields
    assert _load(host).version == 1


def test_the_second_of_two_who_save_at_once_is_reported(host: OscarHost, clerk: Actor) -> None:
    clinic.save(host, clerk, name="First", site_id="S-1", version=1)
    with pytest.raises(Stale, match="Someone else"):
        clinic.save(host, clerk, name="Second", site_id="S-2", version=1)
    assert _load(host).name == "First"


def test_switching_on_and_off_loses_nothing_and_is_reported_once(host: OscarHost, clerk: Actor) -> None:
    clinic.save(host, clerk, name="Example", site_id="S-1", version=1)
    assert [clinic.enable(host, clerk), clinic.enable(host, clerk)] == [True, False]
    assert _load(host).enabled
    assert [clinic.disable(host, clerk), clinic.disable(host, clerk)] == [True, False]
    assert _load(host) == Clinic(enabled=False, name="Example", site_id="S-1", version=2)


def test_the_audit_trail_of_the_host_says_who_changed_settings(host: OscarHost, clerk: Actor) -> None:
    clinic.save(host, clerk, name="Example", site_id="S-1", version=1)
    clinic.enable(host, clerk)
    with host.database.engine.connect() as connection:
        log = host.tables.log.c
        rows = connection.execute(select(log.provider_no, log.action, log.content, log.contentId)).all()
    assert rows == [("-1", "update", "cparSettings", "clinic")] * 2


def test_nothing_goes_on_while_the_integration_is_off(host: OscarHost, clerk: Actor) -> None:
    clinic.save(host, clerk, name="Example", site_id="S-1", version=1)
    with pytest.raises(NotFound, match="cpar enable"):
        access.require_configured(host)


def test_panels_wait_for_name_and_site_id(host: OscarHost, clerk: Actor) -> None:
    clinic.enable(host, clerk)
    assert access.require_enabled(host).enabled
    with pytest.raises(Refused, match="Site ID"):
        access.require_configured(host)
    clinic.save(host, clerk, name="Example", site_id="S-1", version=1)
    assert access.require_configured(host).configured


def test_management_needs_the_admin_role_or_the_permission(host: OscarHost, oscar: Any) -> None:
    nurse = Actor(actor_id="201", display_name="Nora Nurse")
    manager = Actor(actor_id="202", display_name="Max Manager")
    boss = Actor(actor_id="203", display_name="Ada Admin")
    for actor, role in ((nurse, "nurse"), (manager, "CPAR Admin"), (boss, "admin")):
        oscar.provider(actor.actor_id)
        oscar.role(actor.actor_id, role)
    oscar.privilege("nurse", "_demographic", "x")
    oscar.privilege("CPAR Admin", "_admin.cpar", "x")
    oscar.privilege("admin", "_admin", "x")
    access.require_management(host, manager)
    access.require_management(host, boss)
    with pytest.raises(Forbidden, match=access.MANAGE):
        access.require_management(host, nurse)


def test_a_patient_page_needs_the_right_to_that_patient(host: OscarHost, oscar: Any) -> None:
    nurse = Actor(actor_id="201", display_name="Nora Nurse")
    oscar.provider("201")
    oscar.role("201", "nurse")
    oscar.privilege("nurse", "_demographic", "x")
    oscar.privilege("201", "_demographic$7", "o")
    access.require_patient(host, nurse, 8)
    with pytest.raises(Forbidden):
        access.require_patient(host, nurse, 7)
