"""Our extensions, and the profile of a panel's Group, as StructureDefinitions."""

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from ..settings import Settings
from .identifiers import Resource
from .panel_group import ATTRIBUTED_TO, ATTRIBUTION, CHARACTERISTICS, CONFIRMATION_RATES, PANEL_CODE, PANEL_STATE
from .snapshots import snapshot

R4_STRUCTURES = "http://hl7.org/fhir/StructureDefinition/"
FHIR_VERSION = "4.0.1"
ATTRIBUTION_VERSION = "2.1.0"  # of Da Vinci Member Attribution, whose extension the Group has
# Each part of the rates: its type, whether it is always there, and what it is.
_RATES = {
    "month": ("date", 1, "The month, without a day."),
    "members": ("unsignedInt", 1, "How many patients were on the panel."),
    "confirmed": ("unsignedInt", 1, "How many of them were last confirmed within the last `withinMonths` months."),
    "visited": ("unsignedInt", 0, "How many of them had a visit in the month. Absent: the EMR cannot say."),
    "inPerson": (
        "unsignedInt",
        0,
        "How many of those with a visit were asked at check-in, or confirmed by a person, in the month.",
    ),
    "withinMonths": ("positiveInt", 1, "How recent a confirmation had to be."),
}


class _Used(NamedTuple):
    """An extension where it is used: its address, the type of its value (None: it has parts), and its set of codes."""

    url: str
    kind: str | None = None
    values: str | None = None


def structure_definitions(settings: Settings) -> list[Resource]:
    """The extensions of a Group and its members, and the profile of the Group."""
    return [
        _extension(
            settings,
            "confirmation-date",
            "date",
            "When the patient's attachment to the panel was last confirmed. Absent: it never was.",
        ),
        _extension(
            settings,
            "confirmation-how",
            "code",
            "How the confirmation date came about.",
            binding=values_url(settings, "confirmation-how"),
        ),
        _extension(
            settings,
            "last-visit-date",
            "date",
            "The patient's latest attended visit with the clinic, as it stood when it was last looked at.",
        ),
        _extension(
            settings,
            PANEL_STATE,
            "code",
            "Whether patients are put on the panel, and whether it is submitted. Absent: both, it is active.",
            binding=values_url(settings, PANEL_STATE),
            context="Group",
        ),
        _rates_extension(settings),
        _panel_profile(settings),
    ]


def panel_profile_url(settings: Settings) -> str:
    """The canonical address of the profile of a panel's Group."""
    return f"{settings.uri_definitions}/cpar-panel"


def values_url(settings: Settings, system: str) -> str:
    """The canonical address of the set of all codes of a system of ours."""
    return f"{settings.uri_value_sets}/{system}-values"


def head(settings: Settings, kind: str, own_id: str, url: str, name: str) -> Resource:
    """How each definition of ours begins."""
    return {
        "resourceType": kind,
        "id": own_id,
        "url": url,
        "version": settings.fhir_package_version,
        "name": name,
        "status": "active",
        "experimental": False,
        "publisher": settings.fhir_publisher,
    }


def _structure(settings: Settings, own_id: str, url: str, name: str, title: str, description: str) -> Resource:
    return {
        **head(settings, "StructureDefinition", own_id, url, name),
        "title": title,
        "description": description,
        "fhirVersion": FHIR_VERSION,
    }


def _constraint(base: str, elements: Iterable[Resource]) -> Resource:
    differential = list(elements)
    return {
        "abstract": False,
        "type": base,
        "baseDefinition": R4_STRUCTURES + base,
        "derivation": "constraint",
        "snapshot": {"element": snapshot(base, differential)},
        "differential": {"element": differential},
    }


def _extension(
    settings: Settings,
    own_id: str,
    kind: str,
    meaning: str,
    binding: str | None = None,
    context: str = "Group.member",
) -> Resource:
    url = f"{settings.uri_definitions}/{own_id}"
    title = own_id.replace("-", " ").capitalize()
    value: Resource = {"id": "Extension.value[x]", "path": "Extension.value[x]", "min": 1, "type": [{"code": kind}]}
    if binding:
        value["binding"] = {"strength": "required", "valueSet": binding}
    return {
        **_structure(settings, own_id, url, "Cpar" + title.title().replace(" ", ""), title, meaning),
        "kind": "complex-type",
        "context": [{"type": "element", "expression": context}],
        **_constraint(
            "Extension",
            [
                {"id": "Extension", "path": "Extension", "short": title, "definition": meaning, "max": "1"},
                {"id": "Extension.extension", "path": "Extension.extension", "max": "0"},
                {"id": "Extension.url", "path": "Extension.url", "fixedUri": url},
                value,
            ],
        ),
    }


def _rates_extension(settings: Settings) -> Resource:
    url = f"{settings.uri_definitions}/{CONFIRMATION_RATES}"
    title = "Confirmation rates"
    meaning = (
        "How many of a panel's patients were asked and confirmed, in the last month that has ended. "
        "The rates are inPerson / visited and confirmed / members; of no one there is none."
    )
    parts: list[Resource] = []
    for name, (kind, least, short) in _RATES.items():
        of_part = f"Extension.extension:{name}"
        parts += [
            {
                "id": of_part,
                "path": "Extension.extension",
                "sliceName": name,
                "short": short,
                "min": least,
                "max": "1",
            },
            {"id": f"{of_part}.extension", "path": "Extension.extension.extension", "max": "0"},
            {"id": f"{of_part}.url", "path": "Extension.extension.url", "fixedUri": name},
            {
                "id": f"{of_part}.value[x]",
                "path": "Extension.extension.value[x]",
                "min": 1,
                "type": [{"code": kind}],
            },
        ]
    return {
        **_structure(settings, CONFIRMATION_RATES, url, "CparConfirmationRates", title, meaning),
        "kind": "complex-type",
        "context": [{"type": "element", "expression": "Group"}],
        **_constraint(
            "Extension",
            [
                {"id": "Extension", "path": "Extension", "short": title, "definition": meaning, "max": "1"},
                *parts,
                {"id": "Extension.url", "path": "Extension.url", "fixedUri": url},
                {"id": "Extension.value[x]", "path": "Extension.value[x]", "max": "0"},
            ],
        ),
    }


def _panel_profile(settings: Settings) -> Resource:
    how, states = values_url(settings, "confirmation-how"), values_url(settings, PANEL_STATE)
    extensions = {
        "confirmationDate": _Used(f"{settings.uri_definitions}/confirmation-date", "date"),
        "confirmationHow": _Used(f"{settings.uri_definitions}/confirmation-how", "code", how),
        "lastVisitDate": _Used(f"{settings.uri_definitions}/last-visit-date", "date"),
    }
    meaning = (
        "The patients a primary provider confirms as their own, and their attribution to that provider at each "
        "facility. A member is on the panel now: whether the clinic's record is active stands in the Patient."
    )
    code = {"coding": [{"system": f"{settings.uri_codes}/group", "code": PANEL_CODE}]}
    attributed = {"coding": [{"system": CHARACTERISTICS, "code": ATTRIBUTED_TO}]}
    return {
        **_structure(settings, "cpar-panel", panel_profile_url(settings), "CparPanel", "CPAR panel", meaning),
        "kind": "resource",
        **_constraint(
            "Group",
            [
                {"id": "Group", "path": "Group", "short": "A CPAR panel", "definition": meaning},
                *_slices(
                    "Group",
                    {
                        "listStatus": _Used(f"{ATTRIBUTION}ext-attributionListStatus", "code"),
                        "panelState": _Used(f"{settings.uri_definitions}/{PANEL_STATE}", "code", states),
                        "confirmationRates": _Used(f"{settings.uri_definitions}/{CONFIRMATION_RATES}"),
                    },
                ),
                _element("Group.identifier", min=1, max="1", short="The panel number as the ministry has issued it"),
                _element("Group.identifier.system", min=1, fixedUri=settings.uri_panel_number),
                _element("Group.identifier.value", min=1),
                _element("Group.active", min=1, short="Whether the panel is submitted: false once it has ended"),
                _element("Group.type", fixedCode="person"),
                _element("Group.actual", fixedBoolean=True),
                _element("Group.code", min=1, patternCodeableConcept=code),
                _element("Group.name", min=1),
                _element("Group.quantity", min=1, short="How many members the panel has"),
                _element("Group.managingEntity", min=1, short="The clinic", type=[_reference("Organization")]),
                _element("Group.characteristic", min=1, short="A provider of the panel at one of its facilities"),
                _element("Group.characteristic.code", patternCodeableConcept=attributed),
                _element("Group.characteristic.value[x]", type=[_reference("PractitionerRole")]),
                _element("Group.characteristic.exclude", fixedBoolean=False),
                *_slices("Group.member", extensions),
                _element("Group.member.entity", type=[_reference("Patient")]),
                _element("Group.member.period", min=1),
                _element("Group.member.period.start", min=1, short="On this panel since"),
                _element("Group.member.inactive", max="0"),
            ],
        ),
    }


def _element(path: str, **rules: object) -> Resource:
    return {"id": path, "path": path, **rules}


def _slices(path: str, extensions: Mapping[str, _Used]) -> Iterator[Resource]:
    """Extensions by the names of their slices. What each is by itself is said too: not all look it up."""
    for name, (url, kind, values) in extensions.items():
        of_slice, inside = f"{path}.extension:{name}", f"{path}.extension"
        yield {
            "id": of_slice,
            "path": inside,
            "sliceName": name,
            "max": "1",
            "type": [{"code": "Extension", "profile": [url]}],
        }
        if kind:
            yield {"id": f"{of_slice}.extension", "path": f"{inside}.extension", "max": "0"}
        yield {"id": f"{of_slice}.url", "path": f"{inside}.url", "fixedUri": url}
        value: Resource = {"min": 1, "type": [{"code": kind}]} if kind else {"max": "0"}
        if values:
            value["binding"] = {"strength": "required", "valueSet": values}
        yield {"id": f"{of_slice}.value[x]", "path": f"{inside}.value[x]", **value}


def _reference(kind: str) -> Resource:
    return {"code": "Reference", "targetProfile": [R4_STRUCTURES + kind]}
