"""Our extensions, and the profile of a panel's Group, as StructureDefinitions."""

from collections.abc import Iterable

from ..settings import Settings
from .identifiers import Resource
from .panel_group import ATTRIBUTED_TO, ATTRIBUTION, CHARACTERISTICS, CONFIRMATION_RATES, PANEL_CODE, PANEL_STATE

R4_STRUCTURES = "http://hl7.org/fhir/StructureDefinition/"
_FHIR_VERSION = "4.0.1"
_VERSION = "1.0.0"
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
            binding=f"{settings.uri_codes}/confirmation-how-values",
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
            binding=f"{settings.uri_codes}/{PANEL_STATE}-values",
            context="Group",
        ),
        _rates_extension(settings),
        _panel_profile(settings),
    ]


def panel_profile_url(settings: Settings) -> str:
    """The canonical address of the profile of a panel's Group."""
    return f"{settings.uri_definitions}/cpar-panel"


def head(kind: str, own_id: str, url: str, name: str) -> Resource:
    """How each definition of ours begins."""
    return {
        "resourceType": kind,
        "id": own_id,
        "url": url,
        "version": _VERSION,
        "name": name,
        "status": "active",
        "experimental": False,
        "publisher": "oscar-cpar-plugin",
    }


def _structure(own_id: str, url: str, name: str, title: str, description: str) -> Resource:
    return {
        **head("StructureDefinition", own_id, url, name),
        "title": title,
        "description": description,
        "fhirVersion": _FHIR_VERSION,
    }


def _constraint(base: str, elements: Iterable[Resource]) -> Resource:
    return {
        "abstract": False,
        "type": base,
        "baseDefinition": R4_STRUCTURES + base,
        "derivation": "constraint",
        "differential": {"element": list(elements)},
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
        **_structure(own_id, url, "Cpar" + title.title().replace(" ", ""), title, meaning),
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
        **_structure(CONFIRMATION_RATES, url, "CparConfirmationRates", title, meaning),
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
    extensions = [
        _slice("Group.member", name, f"{settings.uri_definitions}/{url}")
        for name, url in (
            ("confirmationDate", "confirmation-date"),
            ("confirmationHow", "confirmation-how"),
            ("lastVisitDate", "last-visit-date"),
        )
    ]
    meaning = (
        "The patients a primary provider confirms as their own, and their attribution to that provider at each "
        "facility. A member is on the panel now: whether the clinic's record is active stands in the Patient."
    )
    code = {"coding": [{"system": f"{settings.uri_codes}/group", "code": PANEL_CODE}]}
    attributed = {"coding": [{"system": CHARACTERISTICS, "code": ATTRIBUTED_TO}]}
    return {
        **_structure("cpar-panel", panel_profile_url(settings), "CparPanel", "CPAR panel", meaning),
        "kind": "resource",
        **_constraint(
            "Group",
            [
                {"id": "Group", "path": "Group", "short": "A CPAR panel", "definition": meaning},
                _slice("Group", "listStatus", f"{ATTRIBUTION}ext-attributionListStatus"),
                _slice("Group", "panelState", f"{settings.uri_definitions}/{PANEL_STATE}"),
                _slice("Group", "confirmationRates", f"{settings.uri_definitions}/{CONFIRMATION_RATES}"),
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
                *extensions,
                _element("Group.member.entity", type=[_reference("Patient")]),
                _element("Group.member.period", min=1),
                _element("Group.member.period.start", min=1, short="On this panel since"),
                _element("Group.member.inactive", max="0"),
            ],
        ),
    }


def _element(path: str, **rules: object) -> Resource:
    return {"id": path, "path": path, **rules}


def _slice(path: str, name: str, url: str) -> Resource:
    return {
        "id": f"{path}.extension:{name}",
        "path": f"{path}.extension",
        "sliceName": name,
        "max": "1",
        "type": [{"code": "Extension", "profile": [url]}],
    }


def _reference(kind: str) -> Resource:
    return {"code": "Reference", "targetProfile": [R4_STRUCTURES + kind]}
