"""The CapabilityStatement: what the interface can do, derived from the lists that it uses."""

from collections.abc import Sequence
from datetime import datetime

from ..domain.exhaustive import exhaustive
from ..domain.export import Dialect
from ..domain.scopes import CONFIRM
from ..settings import Settings
from .definitions import confirm_url, definition_url
from .identifiers import CA_BASELINE, Resource
from .panel_group import instant
from .published import parameters_of
from .searchable import AnyKinds, Parameter, Searchable, SearchType, chains, reverse_chains
from .structures import panel_profile_url
from .subscription import BACKPORT, PROFILE, TOPIC_LISTED, topic_url
from .task import R4_TASK

_BULK_DATA = "http://hl7.org/fhir/uv/bulkdata/"
_SERVICES = "http://terminology.hl7.org/CodeSystem/restful-security-service"
HOW = exhaustive(
    __name__,
    SearchType,
    {
        SearchType.TOKEN: "code, system|code, |code or system|.",
        SearchType.STRING: "The beginning, without case and accents.",
        SearchType.DATE: "With the prefixes eq, ne, gt, lt, ge, le, sa, eb and ap.",
        SearchType.REFERENCE: "An id, Type/id, or an absolute address of this server.",
        SearchType.URI: "The whole address, letter by letter.",
    },
)


def capability(
    settings: Settings,
    kinds: AnyKinds,
    *,
    base: str,
    version: str,
    since: datetime,
    formats: Sequence[str],
    definitions: Sequence[str],
    exported: Sequence[str],
) -> Resource:
    """`kinds`: what can be searched. `definitions`: kinds of definitions that it serves. `exported`: by bulk export.

    `since`: when this server began to run in this version.
    """
    bulk_data = Dialect.STU4 if settings.fhir_bulk_data is Dialect.STU4 else Dialect.STU3
    return {
        "resourceType": "CapabilityStatement",
        "status": "active",
        "date": instant(since),
        "publisher": "The clinic that runs this server",
        "kind": "instance",
        "instantiates": [
            f"{_BULK_DATA}CapabilityStatement/bulk-data",
            f"{BACKPORT}CapabilityStatement/backport-subscription-server-r4",
        ],
        "implementationGuide": [f"{_BULK_DATA}ImplementationGuide/hl7.fhir.uv.bulkdata|{bulk_data}"],
        "software": {"name": "oscar-cpar-plugin", "version": version},
        "implementation": {"description": "The panels of a clinic", "url": base},
        "fhirVersion": "4.0.1",
        "format": list(formats),
        "rest": [
            {
                "mode": "server",
                "documentation": (
                    "Reading, searching, bulk export, confirming a member of a Group, and subscriptions. Searches "
                    "can also be posted to Type/_search, which keeps what is searched for out of addresses. What a "
                    "search does not answer is named in the Bundle. Of a next page only the link of the page before "
                    "is good."
                ),
                "security": _security(),
                "resource": [
                    *(_resource(kinds[kind], kinds, settings, is_exported=kind in exported) for kind in sorted(kinds)),
                    *(_definitions(kind) for kind in definitions),
                ],
                "interaction": [{"code": "batch", "documentation": "Of reads: GET and HEAD."}],
                "operation": [_export("export")],
            }
        ],
    }


def _security() -> Resource:
    """Where tokens are had is in `.well-known/smart-configuration`: `oauth-uris` is for servers with `authorize`."""
    return {
        "cors": True,
        "service": [{"coding": [{"system": _SERVICES, "code": "SMART-on-FHIR"}]}],
        "description": (
            "SMART Backend Services (see .well-known/smart-configuration); or the session of a user who manages panels "
            "in the EMR. Definitions are open to everyone."
        ),
    }


def _resource(searchable: Searchable[Parameter], kinds: AnyKinds, settings: Settings, *, is_exported: bool) -> Resource:
    kind = searchable.kind
    resource: Resource = {
        "type": kind,
        "supportedProfile": [_profile(kind, settings)],
        "interaction": [{"code": "read"}, {"code": "vread"}, {"code": "search-type"}],
        "versioning": "versioned",
        "readHistory": False,
        "updateCreate": False,
        "conditionalCreate": False,
        "conditionalRead": "full-support",
        "conditionalUpdate": False,
        "conditionalDelete": "not-supported",
    }
    if not is_exported:
        url = f"{_BULK_DATA}Extension/operation-not-supported"
        resource["extension"] = [{"url": url, "valueCanonical": f"{_BULK_DATA}CapabilityStatement/bulk-data"}]
    reverse = reverse_chains(kinds, kind)
    if reverse:
        resource["documentation"] = f"Searched also by what refers to it: {', '.join(reverse)}."
    if searchable.includes:
        resource["searchInclude"] = [*searchable.includes, "*"]
    if searchable.revincludes:
        resource["searchRevInclude"] = [*searchable.revincludes, "*"]
    resource["searchParam"] = [
        _parameter(kind, parameter, kinds, settings) for parameter in searchable.parameters.values()
    ]
    if kind == "Subscription":
        resource |= _subscriptions(settings)
        resource["interaction"] += [{"code": "create"}, {"code": "update"}, {"code": "delete"}]
    if kind == "Group":
        resource["operation"] = [
            _export("group-export"),
            {
                "name": "confirm",
                "definition": confirm_url(settings),
                "documentation": f"A member was asked, by a check-in program. Needs the scope {CONFIRM}.",
            },
        ]
    return resource


def _definitions(kind: str) -> Resource:
    return {
        "type": kind,
        "interaction": [{"code": "read"}, {"code": "search-type"}],
        "searchParam": [
            {"name": name, "definition": one.definition, "type": one.type, "documentation": one.documentation}
            for name, one in parameters_of(kind).items()
        ],
    }


def _profile(kind: str, settings: Settings) -> str:
    match kind:
        case "Group":
            return panel_profile_url(settings)
        case "Subscription":
            return PROFILE
        case "Task":
            return R4_TASK
    return CA_BASELINE + kind.lower()


def _subscriptions(settings: Settings) -> Resource:
    operations = f"{BACKPORT}OperationDefinition/backport-subscription-"
    return {
        "extension": [{"url": TOPIC_LISTED, "valueCanonical": topic_url(settings)}],
        "conditionalDelete": "not-supported",
        "operation": [{"name": name, "definition": operations + name} for name in ("status", "events")],
    }


def _export(definition: str) -> Resource:
    return {"name": "export", "definition": f"{_BULK_DATA}OperationDefinition/{definition}"}


def _parameter(kind: str, parameter: Parameter, kinds: AnyKinds, settings: Settings) -> Resource:
    followed = ", ".join(chains(kinds, parameter))
    modifiers = ", ".join(f":{modifier}" for modifier in parameter.modifiers)
    return {
        "name": parameter.name,
        "definition": definition_url(settings, kind, parameter),
        "type": parameter.type.value,
        "documentation": (
            HOW[parameter.type]
            + (f" Chains: {followed}." if followed else "")
            + (f" Modifiers: {modifiers}." if modifiers else "")
        ),
    }
