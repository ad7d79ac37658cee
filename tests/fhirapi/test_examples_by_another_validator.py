"""The examples in the docs, by a validator of others that has read our definitions, and no others."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpar_plugin.fhir_mappings.definitions import code_systems, value_sets
from cpar_plugin.fhir_mappings.structures import panel_profile_url, structure_definitions
from cpar_plugin.settings import Settings

from .definitions_of_others import of_da_vinci

pytestmark = pytest.mark.peer("pyrofile-validator")

Json = dict[str, Any]
Faults = Callable[[Json], set[str]]
PAGE = (Path(__file__).parents[2] / "docs/reference/fhir-resources.md").read_text(encoding="utf-8")
EXAMPLES = {
    example["resourceType"]: example
    for example in map(json.loads, re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
    if "resourceType" in example
}
BREAKS: dict[str, Callable[[Json], object]] = {
    "Group.identifier": lambda group: group.pop("identifier"),
    "Group.identifier.system": lambda group: group["identifier"][0].update(system="urn:other"),
    "Group.active": lambda group: group.pop("active"),
    "Group.type": lambda group: group.update(type="device"),
    "Group.name": lambda group: group.pop("name"),
    "Group.managingEntity": lambda group: group.pop("managingEntity"),
    "Group.characteristic": lambda group: group.pop("characteristic"),
    "Group.quantity": lambda group: group.pop("quantity"),
    "Group.code": lambda group: group.update(code={"coding": [{"code": "other"}]}),
    "Group.member.inactive": lambda group: group["member"][0].update(inactive=False),
    "Group.member.period": lambda group: group["member"][1].pop("period"),
    "Group.extension": lambda group: group["extension"].append({"url": "urn:other", "valueCode": "open"}),
}


@pytest.fixture
def faults(tmp_path: Path) -> Faults:
    """Where the validator finds an error in a resource. What it only cannot look up, such as CA Baseline, is none."""
    from pyrofile_validator import Validator
    from pyrofile_validator.config import ValidatorConfig

    settings = Settings()
    known = [
        *of_da_vinci(),
        *(one for make in (structure_definitions, code_systems, value_sets) for one in make(settings)),
    ]
    for number, definition in enumerate(known):
        (tmp_path / f"{number}.json").write_text(json.dumps(definition))
    configured = {
        "fhirVersion": "4.0.1",
        "localPackagePaths": [str(tmp_path)],
        "profiles": {"Group": [panel_profile_url(settings)]},
        "terminology": {"mode": "local"},
    }
    validator = Validator(ValidatorConfig.load_dict(configured))
    return lambda resource: {re.sub(r"\[\d+\]", "", one.path) for one in validator.validate_resource(resource).errors}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_another_validator_accepts_the_example(kind: str, faults: Faults) -> None:
    assert faults(EXAMPLES[kind]) == set()


@pytest.mark.parametrize("place", BREAKS)
def test_another_validator_holds_a_group_to_our_profile(place: str, faults: Faults) -> None:
    group = json.loads(json.dumps(EXAMPLES["Group"]))
    BREAKS[place](group)
    assert place in faults(group)
