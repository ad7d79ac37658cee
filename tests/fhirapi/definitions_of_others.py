"""As much of the definitions of others as our resources use, made for the tests: their packages cannot always be had.

A differential each, from what is publicly known of Da Vinci Member Attribution 2.1.0, CA Baseline 1.1.1, Bulk Data, the
backport of subscriptions, and HL7's own extensions. They say no more than that: what fits them may still not fit the
originals.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from cpar_plugin.fhir_mappings.identifiers import CA_BASELINE
from cpar_plugin.fhir_mappings.panel_group import ATTRIBUTED_TO, ATTRIBUTION, CHARACTERISTICS
from cpar_plugin.fhir_mappings.patient import RECORDED_SEX_OR_GENDER
from cpar_plugin.fhir_mappings.subscription import CONTENT, FILTER, HEARTBEAT, MAX_COUNT, PROFILE, TOPIC_LISTED

Json = dict[str, Any]
NOT_SUPPORTED = "http://hl7.org/fhir/uv/bulkdata/Extension/operation-not-supported"
_STRUCTURES = "http://hl7.org/fhir/StructureDefinition/"


def definitions_of_others() -> list[Json]:
    """Extensions, profiles and codes."""
    of_resource = ("CapabilityStatement.rest.resource", "canonical")
    return [
        *of_da_vinci(),
        *_of_ca_baseline(),
        _recorded_sex_or_gender(),
        _simple_extension(TOPIC_LISTED, *of_resource),
        _simple_extension(NOT_SUPPORTED, *of_resource),
        _simple_extension(FILTER, "Subscription.criteria", "string"),
        _simple_extension(CONTENT, "Subscription.channel.payload", "code"),
        _simple_extension(HEARTBEAT, "Subscription.channel", "unsignedInt"),
        _simple_extension(MAX_COUNT, "Subscription.channel", "positiveInt"),
        _structure(PROFILE, "Subscription", [{"id": "Subscription", "path": "Subscription"}]),
    ]


def of_da_vinci() -> list[Json]:
    """Two extensions, and the codes of characteristics."""
    return [
        _simple_extension(f"{ATTRIBUTION}ext-attributionListStatus", "Group", "code"),
        _simple_extension(f"{ATTRIBUTION}ext-changeType", "Group.member", "code"),
        {
            "resourceType": "CodeSystem",
            "url": CHARACTERISTICS,
            "name": "GroupCharacteristicCodes",
            "status": "active",
            "content": "fragment",
            "caseSensitive": True,
            "concept": [{"code": ATTRIBUTED_TO, "display": "Attributed to"}],
        },
    ]


def _simple_extension(url: str, context: str, kind: str) -> Json:
    return _structure(
        url,
        "Extension",
        [
            {"id": "Extension", "path": "Extension"},
            {"id": "Extension.extension", "path": "Extension.extension", "max": "0"},
            {"id": "Extension.url", "path": "Extension.url", "fixedUri": url},
            {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": kind}]},
        ],
        context=[context],
    )


def _recorded_sex_or_gender() -> Json:
    of_value = "Extension.extension:value"
    return _structure(
        RECORDED_SEX_OR_GENDER,
        "Extension",
        [
            {"id": "Extension", "path": "Extension"},
            {
                "id": "Extension.extension",
                "path": "Extension.extension",
                "slicing": {"discriminator": [{"type": "value", "path": "url"}], "rules": "open"},
            },
            {"id": of_value, "path": "Extension.extension", "sliceName": "value", "min": 1, "max": "1"},
            {"id": f"{of_value}.url", "path": "Extension.extension.url", "fixedUri": "value"},
            {
                "id": f"{of_value}.value[x]",
                "path": "Extension.extension.value[x]",
                "min": 1,
                "type": [{"code": "CodeableConcept"}],
            },
            {"id": "Extension.url", "path": "Extension.url", "fixedUri": RECORDED_SEX_OR_GENDER},
            {"id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0"},
        ],
        context=["Patient"],
    )


def _of_ca_baseline() -> Iterator[Json]:
    """The five profiles: an identifier has system and value, so has a telecom, and a name its family or given name."""
    for name, kind in (
        ("patient", "Patient"),
        ("practitioner", "Practitioner"),
        ("practitionerrole", "PractitionerRole"),
        ("organization", "Organization"),
        ("location", "Location"),
    ):
        elements: list[Json] = [{"id": kind, "path": kind}]
        elements += [_needed(f"{kind}.identifier.{part}") for part in ("system", "value")]
        if kind in ("Patient", "Practitioner"):
            named = {"key": f"named-{name}", "severity": "error", "human": "A name has a family or a given name."}
            rule = {**named, "expression": "family.exists() or given.exists()"}
            elements.append({"id": f"{kind}.name", "path": f"{kind}.name", "constraint": [rule]})
        elements += [_needed(f"{kind}.telecom.{part}") for part in ("system", "value")]
        yield _structure(CA_BASELINE + name, kind, elements)


def _needed(path: str) -> Json:
    return {"id": path, "path": path, "min": 1}


def _structure(url: str, of_type: str, elements: Sequence[Json], context: Sequence[str] = ()) -> Json:
    contexts = {"context": [{"type": "element", "expression": one} for one in context]} if context else {}
    return {
        "resourceType": "StructureDefinition",
        "id": url.rpartition("/")[2],
        "url": url,
        "name": url.rpartition("/")[2].title().replace("-", ""),
        "status": "active",
        "fhirVersion": "4.0.1",
        "kind": "complex-type" if of_type == "Extension" else "resource",
        "abstract": False,
        **contexts,
        "type": of_type,
        "baseDefinition": _STRUCTURES + of_type,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
    }
