"""Derives definitions.json from the official FHIR R4 definitions (HL7, CC0), so that no one types them in.

Source: the npm package hl7.fhir.r4.core 4.0.1 (https://packages.fhir.org/hl7.fhir.r4.core/4.0.1), a .tgz.
Use: python -m oscar_host.demo.registry.derive_definitions hl7.fhir.r4.core.tgz
"""

import json
import sys
import tarfile
from pathlib import Path
from typing import Any

from .elements import RESOURCES

TARGET = Path(__file__).with_name("definitions.json")
_CANONICAL = "http://hl7.org/fhir/StructureDefinition/"

Json = dict[str, Any]


def derive(package: Path) -> Json:
    """The elements of the resources above and of every datatype in them, the codes that are required, the references.

    `elements`: type -> element -> {"type": ...} and, where the standard has them, "codes" (key into `codes`) and
    "targets" (resource types that a reference may point to). A nested element's type is its path, `Group.member`.
    """
    published = _read(package)
    elements: dict[str, Json] = {}
    codes: dict[str, list[str]] = {}
    to_do = list(RESOURCES)
    while to_do:
        name = to_do.pop()
        definition = published.get(_CANONICAL + name)
        if name in elements or definition is None or definition["kind"] == "primitive-type":
            continue
        elements[name] = {}
        for element in definition["snapshot"]["element"]:
            parent, _, last = element["path"].rpartition(".")
            for kind in element.get("type", []) if parent else []:
                description = _describe(element, kind)
                codes |= _codes(element, kind, description, published)
                own_name = last.replace("[x]", kind["code"][0].upper() + kind["code"][1:])
                elements.setdefault(parent, {})[own_name] = description
                to_do.append(kind["code"])
            if "contentReference" in element:
                elements.setdefault(parent, {})[last] = {"type": element["contentReference"].lstrip("#")}
    source = "HL7 FHIR R4 (4.0.1), package hl7.fhir.r4.core, licence CC0-1.0"
    return {"source": source, "elements": elements, "codes": codes}


def _read(package: Path) -> dict[str, Json]:
    published = {}
    with tarfile.open(package) as archive:
        for member in archive:
            if member.name.startswith(("package/StructureDefinition-", "package/ValueSet-", "package/CodeSystem-")):
                file = archive.extractfile(member)
                assert file is not None
                resource = json.load(file)
                published[resource["url"]] = resource
    return published


def _describe(element: Json, kind: Json) -> Json:
    nested = kind["code"] in ("BackboneElement", "Element") and element["path"].count(".")
    description: Json = {"type": element["path"] if nested else kind["code"]}
    if kind["code"] == "Reference":
        targets = [target.removeprefix(_CANONICAL) for target in kind.get("targetProfile", [])]
        if targets and "Resource" not in targets:
            description["targets"] = sorted(targets)
    return description


def _codes(element: Json, kind: Json, description: Json, published: dict[str, Json]) -> dict[str, list[str]]:
    binding = element.get("binding", {})
    if kind["code"] != "code" or binding.get("strength") != "required" or "valueSet" not in binding:
        return {}
    url = binding["valueSet"].partition("|")[0]
    codes = _expand(url, published)
    if not codes:
        return {}  # media types and the like: a grammar, not a list
    description["codes"] = url.rpartition("/")[2]
    return {description["codes"]: codes}


def _expand(url: str, published: dict[str, Json]) -> list[str]:
    codes: list[str] = []
    for include in published.get(url, {}).get("compose", {}).get("include", []):
        system = published.get(include.get("system", ""), {})
        if "concept" in include:
            codes += [concept["code"] for concept in include["concept"]]
        elif system.get("content") == "complete" and "filter" not in include:
            codes += _flat(system.get("concept", []))
        else:
            return []
    return sorted(codes)


def _flat(concepts: list[Json]) -> list[str]:
    return [code for concept in concepts for code in (concept["code"], *_flat(concept.get("concept", [])))]


if __name__ == "__main__":
    TARGET.write_text(json.dumps(derive(Path(sys.argv[1])), indent=1, sort_keys=True) + "\n")
