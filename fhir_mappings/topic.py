"""The topic of subscriptions, as R4 has it: a Basic with the elements of R5's SubscriptionTopic as extensions."""

from typing import Final

from ..domain.exhaustive import exhaustive
from ..domain.subscription import PanelEventKind
from ..settings import Settings
from .identifiers import Resource
from .structures import R4_STRUCTURES
from .subscription import TOPIC_ID, topic_url

_ELEMENT: Final = "http://hl7.org/fhir/5.0/StructureDefinition/extension-SubscriptionTopic."
_TITLE: Final = "The membership of a panel has changed"
_MEANINGS: Final = exhaustive(
    __name__,
    PanelEventKind,
    {
        PanelEventKind.ADDED: "a patient was added to a panel",
        PanelEventKind.REMOVED: "a patient was removed from a panel",
        PanelEventKind.MOVED: "a patient was moved to another panel",
        PanelEventKind.CONFIRMED: "a member's confirmation date changed",
        PanelEventKind.CHANGED: "a member's own data changed",
    },
)


def topics(settings: Settings) -> list[Resource]:
    """What can be subscribed to."""
    meaning = "; ".join(f"{kind.value}: {text}" for kind, text in _MEANINGS.items())
    return [
        {
            "resourceType": "Basic",
            "id": TOPIC_ID,
            "extension": [
                _value("url", "valueUri", topic_url(settings)),
                _value("version", "valueString", settings.fhir_package_version),
                _value("name", "valueString", "CparPanelMembership"),
                _value("title", "valueString", _TITLE),
                _value("description", "valueMarkdown", f"What happened to a patient of a panel. {meaning}."),
                _parts(
                    "resourceTrigger",
                    ("description", "valueMarkdown", "A patient of a panel is concerned, who is the focus."),
                    ("resource", "valueUri", f"{R4_STRUCTURES}Patient"),
                    ("supportedInteraction", "valueCode", "update"),
                ),
                _parts(
                    "canFilterBy",
                    ("description", "valueMarkdown", "Certain panels only: Group?_id=5,6."),
                    ("resource", "valueUri", "Group"),
                    ("filterParameter", "valueString", "_id"),
                ),
                _parts(
                    "notificationShape",
                    ("resource", "valueUri", "Patient"),
                    ("revInclude", "valueString", "Group:member"),
                ),
            ],
            "modifierExtension": [_value("status", "valueCode", "active")],
            "code": {"coding": [{"system": "http://hl7.org/fhir/fhir-types", "code": "SubscriptionTopic"}]},
        }
    ]


def _value(name: str, of_type: str, value: str) -> Resource:
    return {"url": _ELEMENT + name, of_type: value}


def _parts(name: str, *parts: tuple[str, str, str]) -> Resource:
    extensions = [{"url": part, of_type: value} for part, of_type, value in parts]
    return {"url": _ELEMENT + name, "extension": extensions}
