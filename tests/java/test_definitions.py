"""Our package in HL7's validator, with R4's own definitions and small ones of others: what it accepts and refuses."""

import json
import re
import tarfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from cpar_plugin.fhir_mappings.structures import panel_profile_url
from cpar_plugin.settings import Settings

from ..fhirapi.test_examples_by_another_validator import BREAKS, EXAMPLES

Json = dict[str, Any]
Ask = Callable[[str, Json], Json]

# What the validator asks for on the network, or has not at all: R5's elements in R4.
NOT_OURS = re.compile(
    r"Unable to resolve package id hl7\.fhir\.r4\.core|"
    r"/5\.0/StructureDefinition/extension-SubscriptionTopic\.\w+' is not valid \(invalid Version '5\.0'\)"
)
MINIMUM, MAXIMUM, FIXED = "Validation_VAL_Profile_Minimum", "Validation_VAL_Profile_Maximum", "_DT_Fixed_Wrong"
# What is wrong with a Group of `BREAKS`: the validator's code, where, and a word of what it says.
REASONS = {
    "Group.identifier": (MINIMUM, "Group", "Group.identifier"),
    "Group.identifier.system": (FIXED, "Group.identifier[0].system", "urn:other"),
    "Group.active": (MINIMUM, "Group", "Group.active"),
    "Group.type": (FIXED, "Group.type", "device"),
    "Group.name": (MINIMUM, "Group", "Group.name"),
    "Group.managingEntity": (MINIMUM, "Group", "Group.managingEntity"),
    "Group.characteristic": (MINIMUM, "Group", "Group.characteristic"),
    "Group.quantity": (MINIMUM, "Group", "Group.quantity"),
    "Group.code": ("TYPE_CHECKS_PATTERN_CC", "Group.code", "cpar-panel"),
    "Group.member.inactive": (MAXIMUM, "Group.member[0]", "Group.member.inactive"),
    "Group.member.period": (MINIMUM, "Group.member[1]", "Group.member.period"),
    "Group.extension": ("Extension_EXT_Unknown_NotHere", "Group.extension[2]", "urn:other"),
}


def errors(outcome: Json) -> list[tuple[str, str, str]]:
    """The validator's code, the place, and the text of each error that is ours."""
    return [
        (one["details"]["coding"][0]["code"] if "details" in one else "", one["location"][0], one["diagnostics"])
        for one in outcome["issue"]
        if one["severity"] in ("error", "fatal") and not NOT_OURS.search(one["diagnostics"])
    ]


def definitions(package: Path) -> dict[str, Json]:
    """By the names of their files. R4 has no ViewDefinition."""
    return files(package, r"package/[A-Z][^/]*\.json")


def files(package: Path, pattern: str) -> dict[str, Json]:
    """Those of the package whose names fit."""
    with tarfile.open(package) as archive:
        names = [name for name in archive.getnames() if re.fullmatch(pattern, name)]
        return {name: json.load(archive.extractfile(name)) for name in names}  # type: ignore[arg-type]


def test_every_definition_is_valid(hl7_validator: Ask, package: Path) -> None:
    found = {name: errors(hl7_validator("", one)) for name, one in definitions(package).items()}
    assert len(found) > 10
    assert {name: faults for name, faults in found.items() if faults} == {}


def rules(definition: Json) -> dict[str, Json]:
    """What a snapshot says of each element: how often, of which types, bound to which codes, and with which values.

    Not of the parts of an extension where that is used: there the generator repeats them.
    """
    compared = ("path", "sliceName", "min", "max", "fixedUri", "fixedCode", "fixedBoolean", "patternCodeableConcept")
    return {
        one["id"]: {name: one[name] for name in compared if name in one}
        | {"type": [kind["code"] for kind in one.get("type", ())], "bound": one.get("binding", {}).get("valueSet")}
        for one in definition["snapshot"]["element"]
        if ":confirmationRates.extension" not in one["id"]
    }


def test_snapshots_are_those_that_hl7s_own_generator_makes(hl7_validator: Ask, package: Path) -> None:
    structures = [one for one in definitions(package).values() if one["resourceType"] == "StructureDefinition"]
    assert len(structures) == 6
    for one in structures:
        assert rules(one) == rules(hl7_validator("snapshot", one)), one["id"]


def test_every_example_of_the_package_is_valid(hl7_validator: Ask, package: Path) -> None:
    examples = files(package, r"package/example/[A-Z].*")
    assert len(examples) == 9
    assert {name: faults for name, one in examples.items() if (faults := errors(hl7_validator("", one)))} == {}


@pytest.mark.parametrize("kind", EXAMPLES)
def test_the_examples_of_the_docs_are_valid(kind: str, hl7_validator: Ask) -> None:
    profile = panel_profile_url(Settings()) if kind == "Group" else ""
    assert errors(hl7_validator(profile, EXAMPLES[kind])) == []


@pytest.mark.parametrize("place", BREAKS)
def test_a_wrong_group_is_refused_for_the_right_reason(place: str, hl7_validator: Ask) -> None:
    group = json.loads(json.dumps(EXAMPLES["Group"]))
    BREAKS[place](group)
    ((code, where, text),) = errors(hl7_validator(panel_profile_url(Settings()), group))
    assert (code, where) == REASONS[place][:2]
    assert REASONS[place][2] in text
