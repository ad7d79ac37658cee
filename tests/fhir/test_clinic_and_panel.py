from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.fhir_mappings.identifiers import relative, role_id
from cpar_plugin.fhir_mappings.organization import location, organization
from cpar_plugin.fhir_mappings.panel_group import ChangeType, ListStatus, group_members, member_texts, panel_group
from cpar_plugin.fhir_mappings.practitioner import practitioner, practitioner_role
from cpar_plugin.settings import Settings

Check = Callable[[dict[str, Any]], None]


@dataclass(frozen=True)
class Clinic:
    name: str = "Foothills Family Clinic"
    site_id: str = "S-0042"


@dataclass(frozen=True)
class Provider:
    provider_id: str = "101"
    family_name: str | None = "Doctor"
    given_name: str | None = "Dana"
    practitioner_id: str = "123456789"
    licence_id: str | None = "12345"
    active: bool | None = True


@dataclass(frozen=True)
class Panel:
    panel_id: int = 3
    number: str = "00-P 7"


@dataclass(frozen=True)
class Membership:
    since: datetime = datetime(2026, 3, 1, 16, 5, 9, 123456, tzinfo=UTC)
    confirmed_on: date | None = date(2026, 3, 1)
    confirmed_how: str | None = ConfirmedHow.BY_PERSON
    last_visit_on: date | None = date(2026, 2, 27)


texts = st.text(alphabet=st.characters(exclude_categories=("Cs",)), max_size=30)
printable = st.text(alphabet=st.characters(categories=("L", "N", "P")), min_size=1, max_size=60)
facilities = st.from_regex(r"[0-9]{6}", fullmatch=True)
clinics = st.builds(Clinic, printable, printable)
providers = st.builds(
    Provider,
    texts.filter(bool),
    st.none() | texts,
    st.none() | texts,
    st.from_regex(r"[0-9]{9}", fullmatch=True),
    st.none() | texts,
    st.none() | st.booleans(),
)
memberships = st.builds(
    Membership,
    st.datetimes(timezones=st.just(UTC)),
    st.none() | st.dates(),
    st.none() | st.sampled_from(list(ConfirmedHow)).map(str) | texts,
    st.none() | st.dates(),
)


@given(clinic=clinics, facility=facilities)
def test_every_clinic_becomes_valid_r4(clinic: Clinic, facility: str, settings: Settings, check_r4: Check) -> None:
    check_r4(organization(clinic, settings))
    check_r4(location(facility, clinic, settings, relative))


@given(provider=providers, facility=facilities)
def test_every_provider_becomes_valid_r4(
    provider: Provider, facility: str, settings: Settings, check_r4: Check
) -> None:
    check_r4(practitioner(provider, settings))
    check_r4(practitioner_role(provider, facility, settings, relative))


@given(
    number=printable,
    roles=st.lists(st.builds(role_id, texts, facilities), min_size=1, max_size=4),
    memberships=st.lists(memberships, min_size=1, max_size=4),
    change=st.sampled_from(ChangeType),
)
def test_every_panel_becomes_valid_r4(
    number: str,
    roles: list[str],
    memberships: list[Membership],
    change: ChangeType,
    settings: Settings,
    check_r4: Check,
) -> None:
    group = panel_group(Panel(number=number), roles, settings, relative, status=ListStatus.FINAL)
    check_r4(group)
    group["member"] = [
        orjson.loads(member_texts(settings)(row, f"Patient/{place}", change))
        for place, row in enumerate(memberships, start=1)
    ]
    check_r4(group | {"quantity": len(memberships)})


@given(clinic=clinics, facility=facilities, provider=providers, number=printable, membership=memberships)
def test_the_same_rows_become_the_same_resources(
    clinic: Clinic, facility: str, provider: Provider, number: str, membership: Membership, settings: Settings
) -> None:
    def resources(
        clinic: Clinic, provider: Provider, panel: Panel, membership: Membership
    ) -> tuple[dict[str, Any], ...]:
        roles = [role_id(provider.provider_id, facility)]
        return (
            organization(clinic, settings),
            location(facility, clinic, settings, relative),
            practitioner(provider, settings),
            practitioner_role(provider, facility, settings, relative),
            panel_group(panel, roles, settings, relative, status=ListStatus.OPEN),
            group_members(settings)(membership, "Patient/1"),
        )

    rows = (clinic, provider, Panel(number=number), membership)
    assert orjson.dumps(resources(*rows)) == orjson.dumps(resources(*map(replace, rows)))


@given(clinic=clinics, facility=facilities, provider=providers)
def test_what_ca_baseline_asks_of_clinic_and_providers_is_there(
    clinic: Clinic, facility: str, provider: Provider, settings: Settings
) -> None:
    for resource in (
        organization(clinic, settings),
        location(facility, clinic, settings, relative),
        practitioner(provider, settings),
        practitioner_role(provider, facility, settings, relative),
    ):
        assert resource["meta"]["profile"][0].startswith("http://hl7.org/fhir/ca/baseline/")
        assert all(one["system"] and one["value"] for one in resource["identifier"])
        names = resource.get("name", [])
        assert isinstance(names, str) or all(name.get("family") or name.get("given") for name in names)


def test_a_member_says_since_when_how_confirmed_last_seen_and_what_changed(settings: Settings) -> None:
    member = orjson.loads(member_texts(settings)(Membership(), "Patient/17", ChangeType.CHANGED))
    own = "https://cpar.invalid/StructureDefinition"
    assert member == {
        "extension": [
            {"url": f"{own}/confirmation-date", "valueDate": "2026-03-01"},
            {"url": f"{own}/confirmation-how", "valueCode": "by-person"},
            {"url": f"{own}/last-visit-date", "valueDate": "2026-02-27"},
            {
                "url": "http://hl7.org/fhir/us/davinci-atr/StructureDefinition/ext-changeType",
                "valueCode": "changed",
            },
        ],
        "entity": {"reference": "Patient/17"},
        "period": {"start": "2026-03-01T16:05:09Z"},
    }


@given(membership=memberships, change=st.sampled_from(ChangeType))
def test_a_member_that_is_submitted_is_the_one_that_is_read_with_its_change(
    membership: Membership, change: ChangeType, settings: Settings
) -> None:
    submitted = orjson.loads(member_texts(settings)(membership, "Patient/17", change))
    *others, marked = submitted.pop("extension")
    read = group_members(settings)(membership, "Patient/17")
    assert (others, submitted) == (read.pop("extension", []), read)
    assert marked["valueCode"] == change.value


def test_a_panel_is_attributed_to_each_provider_at_each_facility(settings: Settings) -> None:
    group = panel_group(Panel(), ["101-000113", "102-000113"], settings, relative, status=ListStatus.OPEN)
    assert [result["valueReference"]["reference"] for result in group["characteristic"]] == [
        "PractitionerRole/101-000113",
        "PractitionerRole/102-000113",
    ]
    assert {result["code"]["coding"][0]["code"] for result in group["characteristic"]} == {"attributed-to"}
    assert not any(result["exclude"] for result in group["characteristic"])
    assert (group["type"], group["actual"], group["active"]) == ("person", True, True)
    assert group["identifier"] == [{"system": "https://cpar.invalid/NamingSystem/panel-number", "value": "00-P 7"}]
    assert group["extension"][0]["valueCode"] == "open"


def test_every_way_of_confirming_has_a_code_of_its_own(settings: Settings) -> None:
    mapping = group_members(settings)
    members = [mapping(Membership(confirmed_how=how), "Patient/1") for how in ConfirmedHow]
    codes = [member["extension"][1]["valueCode"] for member in members]
    assert sorted(codes) == ["asked", "by-person", "from-list", "imported", "last-visit", "on-adding"]


def test_a_provider_has_the_practitioner_id_the_licence_and_the_hosts_own_number(settings: Settings) -> None:
    result = practitioner(Provider(), settings)["identifier"]
    assert [(one["system"], one["value"]) for one in result] == [
        ("https://cpar.invalid/NamingSystem/practitioner-id", "123456789"),
        ("https://fhir.infoway-inforoute.ca/NamingSystem/ca-ab-license-physician", "12345"),
        ("https://cpar.invalid/NamingSystem/provider", "101"),
    ]


def test_a_provider_that_the_host_no_longer_knows_is_sent_inactive_and_without_a_name(settings: Settings) -> None:
    result = practitioner(Provider(family_name=None, given_name=None, licence_id=None, active=None), settings)
    assert result["active"] is False
    assert "name" not in result


@pytest.mark.parametrize("provider_id", ["101", "-1", "999998", "Dr. Nö", "a/b", "x" * 60, " "])
def test_references_point_at_the_ids_of_what_they_mean(provider_id: str, settings: Settings) -> None:
    provider = Provider(provider_id=provider_id)
    role = practitioner_role(provider, "000113", settings, relative)
    assert role["practitioner"] == {"reference": f"Practitioner/{practitioner(provider, settings)['id']}"}
    assert role["location"] == [{"reference": f"Location/{location('000113', Clinic(), settings, relative)['id']}"}]
    assert role["organization"] == {"reference": f"Organization/{organization(Clinic(), settings)['id']}"}
    assert role["id"] == role_id(provider_id, "000113")
