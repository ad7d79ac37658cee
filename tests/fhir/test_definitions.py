"""Our own definitions: valid by themselves, and true of what we serve."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from itertools import pairwise
from typing import Any

import orjson
import pytest

from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.domain.panel_state import PanelState
from cpar_plugin.domain.rates import RateCounts
from cpar_plugin.fhir_mappings.definitions import (
    code_systems,
    operation_definitions,
    search_parameters,
    value_sets,
)
from cpar_plugin.fhir_mappings.identifiers import relative
from cpar_plugin.fhir_mappings.panel_group import ListStatus, group_members, panel_group
from cpar_plugin.fhir_mappings.published import published
from cpar_plugin.fhir_mappings.snapshots import ELEMENTS
from cpar_plugin.fhir_mappings.structures import panel_profile_url, structure_definitions
from cpar_plugin.fhir_mappings.views import view_definitions
from cpar_plugin.services.fhir.search.table import SEARCHABLE
from cpar_plugin.settings import Settings

Check = Callable[[dict[str, Any]], None]
OURS = (
    structure_definitions,
    code_systems,
    value_sets,
    operation_definitions,
    partial(search_parameters, kinds=SEARCHABLE),
)


@dataclass(frozen=True)
class Row:
    panel_id: int = 3
    number: str = "007"
    since: datetime = datetime(2026, 3, 1, 16, 5, 9, tzinfo=UTC)
    confirmed_on: date | None = date(2026, 3, 1)
    confirmed_how: str | None = ConfirmedHow.BY_PERSON
    last_visit_on: date | None = date(2026, 2, 27)


COUNTS = RateCounts(visited=40, in_person=31, members=180, confirmed=120)


@dataclass(frozen=True)
class Rates:
    month: date = date(2026, 10, 1)
    counts: RateCounts = COUNTS
    within_months: int = 12


def group(settings: Settings) -> dict[str, Any]:
    leaving: dict[str, Any] = {"rates": Rates(), "state": PanelState.IN_TRANSITION}
    result = panel_group(Row(), ["101-000113"], settings, relative, status=ListStatus.OPEN, **leaving)
    members = [group_members(settings)(Row(confirmed_how=how), "Patient/1") for how in ConfirmedHow]
    return {**result, "quantity": len(members), "member": members}


def elements_of_r4() -> dict[str, list[dict[str, Any]]]:
    elements: dict[str, list[dict[str, Any]]] = orjson.loads(ELEMENTS.read_bytes())
    return elements


def values(resource: Any, path: list[str]) -> Iterator[Any]:
    """Everything at a path such as ['member', 'period', 'start']; `value[x]` is of whatever type it is."""
    if not path:
        yield resource
        return
    name, *rest = path
    of_any_type = name.removesuffix("[x]")
    for key, inner in resource.items():
        if key == name or (of_any_type != name and key.startswith(of_any_type)):
            for one in inner if isinstance(inner, list) else [inner]:
                yield from values(one, rest)


@pytest.mark.parametrize("make", OURS)
def test_our_definitions_are_valid_r4_and_have_addresses_of_their_own(
    make: Callable[[Settings], list[dict[str, Any]]], settings: Settings, check_r4: Check
) -> None:
    result = make(settings)
    for resource in result:
        check_r4(resource)
    assert len({resource["url"] for resource in result}) == len({resource["id"] for resource in result}) == len(result)


def test_every_address_of_ours_is_a_setting() -> None:
    moved = Settings(
        uri_definitions="urn:a",
        uri_codes="urn:b",
        uri_value_sets="urn:f",
        uri_search_parameters="urn:c",
        uri_panel_number="urn:d",
        uri_operations="urn:e",
        uri_guides="urn:g",
        uri_topics="urn:h",
        uri_views="urn:i",
        uri_practitioner_id="urn:j",
        uri_patient_record="urn:k",
    )
    assert "cpar.invalid" not in str([*published(moved, SEARCHABLE).values(), view_definitions(moved)])


def test_every_extension_of_ours_on_a_member_is_defined_with_the_type_that_it_has(settings: Settings) -> None:
    defined = {
        result["url"]: result
        for result in structure_definitions(settings)
        if result["type"] == "Extension" and result["context"][0]["expression"] == "Group.member"
    }
    used = {one["url"]: one for member in group(settings)["member"] for one in member["extension"]}
    assert used.keys() == defined.keys()
    for url, one in used.items():
        (kind,) = [name for name in one if name.startswith("value")]
        last = defined[url]["differential"]["element"][-1]
        assert kind == "value" + last["type"][0]["code"].capitalize()


@pytest.mark.parametrize("state", PanelState)
def test_a_panel_that_is_not_active_names_its_state_by_a_code_that_is_defined(
    settings: Settings, state: PanelState
) -> None:
    served = panel_group(Row(), [], settings, relative, status=ListStatus.OPEN, state=state)
    (defined,) = [result for result in structure_definitions(settings) if result["id"] == "panel-state"]
    named = [one["valueCode"] for one in served["extension"] if one["url"] == defined["url"]]
    assert named == ([] if state is PanelState.ACTIVE else [state.value])
    assert served["active"] is (state is not PanelState.ENDED)
    bound = defined["differential"]["element"][-1]["binding"]["valueSet"]
    (codes,) = [one for one in value_sets(settings) if one["url"] == bound]
    (include,) = codes["compose"]["include"]
    (system,) = [one for one in code_systems(settings) if one["url"] == include["system"]]
    assert [one["code"] for one in system["concept"]] == [one.value for one in PanelState]


def test_the_rates_have_the_parts_that_are_defined_with_their_types(settings: Settings) -> None:
    (defined,) = [result for result in structure_definitions(settings) if result["id"] == "confirmation-rates"]
    (rates,) = [one for one in group(settings)["extension"] if one["url"] == defined["url"]]
    elements = defined["differential"]["element"]
    kinds = {
        one["id"].split(":")[1].removesuffix(".value[x]"): one["type"][0]["code"] for one in elements if "type" in one
    }
    assert {
        one["url"]: f"value{kinds[one['url']][0].upper()}{kinds[one['url']][1:]}" for one in rates["extension"]
    } == {one["url"]: next(name for name in one if name.startswith("value")) for one in rates["extension"]}
    assert kinds.keys() == {one["url"] for one in rates["extension"]}
    unknown = Rates(counts=RateCounts(visited=None, in_person=0, members=0, confirmed=0))
    silent = panel_group(Row(), [], settings, relative, status=ListStatus.OPEN, rates=unknown)
    assert [one["url"] for one in silent["extension"][1]["extension"]] == [
        "month",
        "members",
        "confirmed",
        "withinMonths",
    ]
    assert len(panel_group(Row(), [], settings, relative, status=ListStatus.FINAL)["extension"]) == 1


@pytest.mark.parametrize("place", range(6))
def test_a_snapshot_has_all_that_r4_has_with_what_the_differential_says(place: int, settings: Settings) -> None:
    definition = structure_definitions(settings)[place]
    elements = {one["id"]: one for one in definition["snapshot"]["element"]}
    of_r4 = elements_of_r4()[definition["type"]]
    assert [one["id"] for one in of_r4] == [one for one in elements if one in {other["id"] for other in of_r4}]
    for one in elements.values():
        assert {"id", "path", "min", "max", "base", "definition"} <= one.keys()
    for one in definition["differential"]["element"]:
        assert one.items() <= elements[one["id"]].items()
    order = [one["id"].replace("[x]", "") for one in elements.values()]
    for before, after in pairwise(order):  # what is inside of an element follows it
        assert after.rpartition(".")[0] == before or before.startswith(after.rpartition(".")[0])


def test_every_code_of_ours_is_defined(settings: Settings) -> None:
    codes = {result["url"]: {one["code"] for one in result.get("concept", [])} for result in code_systems(settings)}
    panel = group(settings)
    (coding,) = panel["code"]["coding"]
    assert coding["code"] in codes[coding["system"]]
    hows = {
        one["valueCode"]
        for member in panel["member"]
        for one in member["extension"]
        if one["url"].endswith("/confirmation-how")
    }
    assert hows == codes[f"{settings.uri_codes}/confirmation-how"]
    values_of_how, _ = value_sets(settings)
    assert values_of_how["compose"]["include"] == [{"system": f"{settings.uri_codes}/confirmation-how"}]
    (how,) = [result for result in structure_definitions(settings) if result["id"] == "confirmation-how"]
    assert how["differential"]["element"][-1]["binding"]["valueSet"] == values_of_how["url"]


def test_a_group_is_what_its_profile_says(settings: Settings) -> None:
    (profile,) = [
        results for results in structure_definitions(settings) if results["url"] == panel_profile_url(settings)
    ]
    panel = group(settings)
    for element in profile["differential"]["element"][1:]:
        path = element["path"].split(".")[1:]
        results = list(values(panel, path))
        if "sliceName" in element:
            (url,) = element["type"][0]["profile"]
            assert [one for one in results if one["url"] == url], element["id"]
            continue
        if ":" in element["id"]:
            continue  # the url of a slice, by which it was just told
        parents = list(values(panel, path[:-1]))
        if element.get("min"):
            assert all(list(values(parent, path[-1:])) for parent in parents), element["id"]
        if "max" in element:
            assert all(len(list(values(parent, path[-1:]))) <= int(element["max"]) for parent in parents)
        for rule, expected in element.items():
            if rule.startswith("fixed"):
                assert set(results) == {expected}, element["id"]
            if rule.startswith("pattern"):
                assert all(one == expected for one in results), element["id"]
        for kind in element.get("type", []):
            (target,) = (one.rpartition("/")[2] for one in kind["targetProfile"])
            assert all(one["reference"].startswith(f"{target}/") for one in results), element["id"]
