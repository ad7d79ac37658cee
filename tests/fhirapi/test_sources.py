"""Who and what the FHIR interface reads, and for whom."""

from collections.abc import Callable
from typing import Any

import orjson

from cpar_plugin.hooks import Actor
from cpar_plugin.services import members
from cpar_plugin.services.clients.caller import Caller
from cpar_plugin.services.resources.groups import GroupSource
from cpar_plugin.services.resources.sources import KINDS, LARGE, Source, everything, read, source
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

SETTINGS = Settings()
Check = Callable[[dict[str, Any]], None]


def client(*panel_ids: int) -> Caller:
    return Caller(
        Actor(actor_id="client:1", display_name="A client"),
        "1",
        frozenset({("*", "read")}),
        panels=frozenset(panel_ids) or None,
    )


def served(host: OscarHost, caller: Caller, kind: str) -> dict[str, Any]:
    """Everything of a kind, by id."""
    with host.database.engine.connect() as connection:
        if kind in LARGE:
            found: Source = source(host, SETTINGS, caller, kind)
            rows = connection.execute(found.select().order_by(found.key)).all()
            all_of_it = found.versioned(connection, rows)
        else:
            all_of_it = everything(connection, host, SETTINGS, caller, kind)
    return {one.resource["id"]: one.resource for one in all_of_it}


def one(host: OscarHost, caller: Caller, kind: str, resource_id: object) -> dict[str, Any]:
    with host.database.engine.connect() as connection:
        return read(connection, host, SETTINGS, caller, kind, str(resource_id)).resource


def whole_group(host: OscarHost, caller: Caller, panel_id: int) -> dict[str, Any]:
    with host.database.engine.connect() as connection:
        groups = GroupSource(host, SETTINGS, caller)
        text = b"".join(groups.body(connection, groups.read(connection, str(panel_id))))
    found: dict[str, Any] = orjson.loads(text)
    return found


def test_everything_of_the_panels_is_there_and_valid(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Any, check_r4: Check
) -> None:
    first, second = make_panel("A1", "101", "102"), make_panel("A2", "103")
    patients = [oscar.patient(last_name=f"Name{place}") for place in range(3)]
    for patient_id, panel_id in zip(patients, (first, first, second), strict=True):
        members.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    oscar.patient(last_name="On no panel")
    found = {kind: served(site, client(), kind) for kind in KINDS}
    for resources in found.values():
        for resource in resources.values():
            check_r4(resource)
            assert one(site, client(), resource["resourceType"], resource["id"]) == resource
    assert {kind: list(resources) for kind, resources in found.items()} == {
        "Organization": ["clinic"],
        "Location": ["000113"],
        "Practitioner": ["101", "102", "103"],
        "PractitionerRole": ["101-000113", "102-000113", "103-000113"],
        "Patient": [str(patient_id) for patient_id in patients],
        "Group": [str(first), str(second)],
    }
    assert found["Group"][str(first)]["quantity"] == 2
    assert [role["reference"] for role in found["Patient"][str(patients[0])]["generalPractitioner"]] == [
        "PractitionerRole/101-000113",
        "PractitionerRole/102-000113",
    ]
