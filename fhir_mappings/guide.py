"""The ImplementationGuide: what our definitions are published as, what they depend on, and a list of all of them."""

from collections.abc import Iterable
from typing import NamedTuple

from ..settings import Settings
from .identifiers import Resource
from .structures import ATTRIBUTION_VERSION, FHIR_VERSION

TITLE = "CPAR panels"
DESCRIPTION = "The panels of primary providers as FHIR R4 Groups: profile, extensions, codes, searches and operations."


class Dependency(NamedTuple):
    """A package of others: its id, version, and canonical address."""

    package_id: str
    version: str
    canonical: str

    @property
    def guide_url(self) -> str:
        """The canonical address of its ImplementationGuide."""
        return f"{self.canonical}/ImplementationGuide/{self.package_id}"


R4_CORE = ("hl7.fhir.r4.core", FHIR_VERSION)
DEPENDENCIES = (
    Dependency("hl7.fhir.us.davinci-atr", ATTRIBUTION_VERSION, "http://hl7.org/fhir/us/davinci-atr"),
    Dependency("hl7.fhir.ca.baseline", "1.1.1", "http://hl7.org/fhir/ca/baseline"),
)


def implementation_guide(settings: Settings, definitions: Iterable[Resource]) -> Resource:
    """The guide of these definitions."""
    return {
        "resourceType": "ImplementationGuide",
        "id": settings.fhir_package_id,
        "url": guide_url(settings),
        "version": settings.fhir_package_version,
        "name": "CparPanels",
        "title": TITLE,
        "status": "active",
        "experimental": False,
        "publisher": settings.fhir_publisher,
        "description": DESCRIPTION,
        "packageId": settings.fhir_package_id,
        "license": "Apache-2.0",
        "fhirVersion": [FHIR_VERSION],
        "dependsOn": [
            {
                "id": one.package_id.rpartition(".")[2],
                "uri": one.guide_url,
                "packageId": one.package_id,
                "version": one.version,
            }
            for one in DEPENDENCIES
        ],
        "definition": {
            "resource": [
                {
                    "reference": {"reference": f"{one['resourceType']}/{one['id']}"},
                    "name": element(one, "name"),
                    "description": element(one, "description"),
                    "exampleBoolean": False,
                }
                for one in definitions
            ]
        },
    }


def element(definition: Resource, name: str) -> str:
    """An element of a definition. A topic, which is a Basic in R4, has it as an extension."""
    if name in definition:
        return str(definition[name])
    (extension,) = (one for one in definition["extension"] if one["url"].endswith(f"SubscriptionTopic.{name}"))
    return str(next(value for key, value in extension.items() if key != "url"))


def guide_url(settings: Settings) -> str:
    """The canonical address of our ImplementationGuide."""
    return f"{settings.uri_guides}/{settings.fhir_package_id}"
