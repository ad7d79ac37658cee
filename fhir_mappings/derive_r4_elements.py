"""Derives r4_elements.json from the official FHIR R4 definitions (HL7, CC0): what snapshots are made from.

Source: the npm package hl7.fhir.r4.core 4.0.1 (https://packages.fhir.org/hl7.fhir.r4.core/4.0.1), a .tgz.
Use: python -m cpar_plugin.fhir_mappings.derive_r4_elements hl7.fhir.r4.core.tgz
"""

import json
import sys
import tarfile
from pathlib import Path

from .identifiers import Resource
from .snapshots import BASES, ELEMENTS

# What a snapshot can do without: examples, mappings to other standards, and what is said twice.
_OMITTED = ("mapping", "comment", "requirements", "alias", "example", "orderMeaning", "meaningWhenMissing")


def derive(package: Path) -> dict[str, list[Resource]]:
    """The elements of the snapshot of each of BASES."""
    derived = {}
    with tarfile.open(package) as archive:
        for name in BASES:
            file = archive.extractfile(f"package/StructureDefinition-{name}.json")
            assert file is not None
            derived[name] = [_briefly(element) for element in json.load(file)["snapshot"]["element"]]
    return derived


def _briefly(element: Resource) -> Resource:
    element = {name: value for name, value in element.items() if name not in _OMITTED}
    for constraint in element.get("constraint", ()):
        constraint.pop("xpath", None)
    if "binding" in element:
        element["binding"].pop("extension", None)
    return element


if __name__ == "__main__":
    ELEMENTS.write_text(json.dumps(derive(Path(sys.argv[1])), indent=1) + "\n", encoding="utf-8")
