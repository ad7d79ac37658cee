"""People with one name only: answered once, and told of with it as family name."""

from collections.abc import Callable
from typing import Any

import pytest

from cpar_plugin.domain.answers import fingerprint
from cpar_plugin.domain.cautions import Caution
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.fhir.patients import PatientSource
from cpar_plugin.services.panels import answering
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

NAME = Caution.GIVEN_NAME_MISSING
ONE_NAME = [{"use": "official", "family": "Suharto"}]


@pytest.fixture
def settings() -> Settings:
    return Settings(given_name_required=True)


@pytest.mark.parametrize(
    ("columns", "held", "reason"),
    [
        ({"last_name": "Suharto", "first_name": ""}, ("Suharto", None, None), "no-given-name"),
        ({"last_name": "", "first_name": "Suharto"}, (None, "Suharto", None), "no-family-name"),
    ],
    ids=["held as family name", "held as given name"],
)
def test_one_name_is_reported_as_family_name_wherever_the_emr_holds_it(
    host: OscarHost,
    settings: Settings,
    change: Callable[..., None],
    valid_member: Callable[..., int],
    take: Any,
    received: Any,
    submitted: Any,
    columns: dict[str, str],
    held: tuple[str | None, ...],
    reason: str,
) -> None:
    patient_id = valid_member(**columns)
    assert received(take()).excluded == {patient_id: reason}
    answering.give(host, host.identity.system, patient_id, NAME, seen_fingerprint=fingerprint(NAME, held))
    first = take()
    sent = received(first)
    assert sent.excluded == {}
    assert sent.patients[patient_id]["resource"]["name"] == ONE_NAME
    with host.database.engine.connect() as connection:
        caller = Caller(host.identity.system, None, EVERYTHING, panels=None)
        read = PatientSource(host, settings, caller).read(connection, str(patient_id))
    assert read.resource["name"] == ONE_NAME
    submitted(first, "delivered")
    assert received(take()).changes() == {patient_id: "nochange"}

    change(patient_id, last_name="Hadi", first_name="Suharto")
    renamed = received(take())
    assert renamed.patients[patient_id]["resource"]["name"] == [
        {"use": "official", "family": "Hadi", "given": ["Suharto"]}
    ]
    assert renamed.changes() == {patient_id: "changed"}
