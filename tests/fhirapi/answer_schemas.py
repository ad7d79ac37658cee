"""JSON Schemas (2020-12) of what the FHIR interface answers with: what `patient`, `panel_group` and the others make.

They are closed, unlike those that are served: an element that is not named here may not be sent. A resource that is not
tagged SUBSETTED is whole.
"""

from collections.abc import Mapping, Sequence

from cpar_plugin.domain.scopes import KINDS
from cpar_plugin.fhir_mappings.identifiers import Gender, IdentifierType
from cpar_plugin.fhir_mappings.outcome import IssueType
from cpar_plugin.fhir_mappings.patient import LinkType
from cpar_plugin.services.fhir.search.table import SEARCHABLE

Schema = dict[str, object]

ID = "[A-Za-z0-9.-]{1,64}"
_TEXT: Schema = {"type": "string", "pattern": r"\S"}
_TRUTH: Schema = {"type": "boolean"}
_URI: Schema = {"type": "string", "format": "uri"}
_DATE: Schema = {"type": "string", "format": "date", "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}
_INSTANT: Schema = {
    "type": "string",
    "format": "date-time",
    "pattern": r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$",
}
_NUMBER: Schema = {"type": "integer", "minimum": 0}


def ref(name: str) -> Schema:
    """A schema of `schemas` by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def schemas(definitions: Sequence[str]) -> dict[str, Schema]:
    """All of them by name, each kind's page of a search as `<kind>Page`. `definitions`: kinds of our definitions."""
    return {
        **_DATATYPES,
        **{kind: _resource(kind, elements) for kind, elements in ELEMENTS.items()},
        **{f"{kind}Page": _page(kind) for kind in SEARCHABLE},
        **{kind: _definition(kind) for kind in definitions},
        **{f"{kind}Page": _bundle([_entry(kind, "match"), _entry("NotAnswered", "outcome")]) for kind in definitions},
        "OperationOutcome": _OUTCOME,
        "NotAnswered": _NOT_ANSWERED,
        "Bundle": _BATCH_RESPONSE,
        "CapabilityStatement": _CAPABILITY,
        "SmartConfiguration": _SMART,
        "Token": _TOKEN,
        "TokenError": _TOKEN_ERROR,
        "Manifest": _MANIFEST,
        "Confirmed": _CONFIRMED,
    }


def one_of(values: Sequence[str]) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def _many(schema: Mapping[str, object]) -> Schema:
    return {"type": "array", "items": schema, "minItems": 1}


def _closed(required: Mapping[str, object], **optional: object) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **optional},
        "required": list(required),
        "additionalProperties": False,
    }


def _to(*kinds: str) -> Schema:
    """A reference to one of these kinds."""
    return _closed({"reference": {"type": "string", "pattern": f"^({'|'.join(kinds)})/{ID}$"}})


_DATATYPES: dict[str, Schema] = {
    "Coding": _closed({"system": _URI, "code": _TEXT}),
    "CodeableConcept": _closed({"coding": _many(ref("Coding"))}),
    "Identifier": _closed(
        {"system": _URI, "value": _TEXT},
        type=_closed({"coding": _many(_closed({"system": _URI, "code": one_of(list(IdentifierType))}))}),
    ),
    "HumanName": {
        **_closed({"use": one_of(["official", "usual"])}, family=_TEXT, given=_many(_TEXT)),
        "anyOf": [{"required": ["family"]}, {"required": ["given"]}],
    },
    "Extension": {
        **_closed(
            {"url": {"type": "string", "format": "uri-reference"}},
            valueCode=_TEXT,
            valueDate=_DATE,
            valueCodeableConcept=ref("CodeableConcept"),
            extension=_many(ref("Extension")),
        ),
        "minProperties": 2,
        "maxProperties": 2,
    },
    "Meta": {
        **_closed(
            {"versionId": {"type": "string", "pattern": "^[1-9][0-9]*$"}, "lastUpdated": _INSTANT},
            profile=_many(_URI),
            tag=_many(_closed({"system": _URI, "code": {"const": "SUBSETTED"}})),
        ),
        "oneOf": [{"required": ["profile"]}, {"required": ["tag"]}],
    },
}
_IDENTIFIERS, _NAMES, _EXTENSIONS = (_many(ref(name)) for name in ("Identifier", "HumanName", "Extension"))
_CHARACTERISTIC = _closed(
    {"code": ref("CodeableConcept"), "valueReference": _to("PractitionerRole"), "exclude": {"const": False}}
)
_MEMBER = _closed({"entity": _to("Patient"), "period": _closed({"start": _INSTANT})}, extension=_EXTENSIONS)
_LINK = _closed({"other": _to("Patient"), "type": one_of(list(LinkType))})

# What a whole resource has always, and what it may have beside that.
ELEMENTS: dict[str, tuple[Mapping[str, object], Mapping[str, object]]] = {
    "Group": (
        {
            "extension": _EXTENSIONS,
            "identifier": _IDENTIFIERS,
            "active": {"type": "boolean"},
            "type": {"const": "person"},
            "actual": {"const": True},
            "code": ref("CodeableConcept"),
            "name": _TEXT,
            "quantity": _NUMBER,
            "managingEntity": _to("Organization"),
            "characteristic": _many(_CHARACTERISTIC),
        },
        {"member": _many(_MEMBER)},
    ),
    "Location": (
        {
            "identifier": _IDENTIFIERS,
            "status": {"const": "active"},
            "name": _TEXT,
            "mode": {"const": "instance"},
            "managingOrganization": _to("Organization"),
        },
        {},
    ),
    "Organization": ({"identifier": _IDENTIFIERS, "active": _TRUTH, "name": _TEXT}, {}),
    "Patient": (
        {"identifier": _IDENTIFIERS, "active": _TRUTH, "managingOrganization": _to("Organization")},
        {
            "extension": _EXTENSIONS,
            "name": _NAMES,
            "gender": one_of(list(Gender)),
            "birthDate": _DATE,
            "generalPractitioner": _many(_to("PractitionerRole")),
            "link": _many(_LINK),
        },
    ),
    "Practitioner": ({"identifier": _IDENTIFIERS, "active": _TRUTH}, {"name": _NAMES}),
    "PractitionerRole": (
        {
            "identifier": _IDENTIFIERS,
            "active": _TRUTH,
            "practitioner": _to("Practitioner"),
            "organization": _to("Organization"),
            "location": _many(_to("Location")),
        },
        {},
    ),
    "Task": (
        {
            "status": one_of(["requested", "accepted", "on-hold", "completed", "rejected"]),
            "businessStatus": _closed({"coding": _many(_closed({"system": _URI, "code": _TEXT, "display": _TEXT}))}),
            "intent": {"const": "order"},
            "code": _closed({"coding": _many(_closed({"system": _URI, "code": _TEXT, "display": _TEXT}))}),
            "focus": _to("Group"),
            "for": _to("Patient"),
            "authoredOn": _INSTANT,
            "lastModified": _INSTANT,
        },
        {"restriction": _closed({"period": _closed({"end": _DATE})})},
    ),
}


def _resource(kind: str, elements: tuple[Mapping[str, object], Mapping[str, object]]) -> Schema:
    always, sometimes = elements
    head = {"resourceType": {"const": kind}, "id": {"type": "string", "pattern": f"^{ID}$"}, "meta": ref("Meta")}
    whole = {"properties": {"meta": {"not": {"required": ["tag"]}}}}
    return {
        **_closed(head, **always, **sometimes),
        "required": [*head, *sorted(SEARCHABLE[kind].mandatory)],
        "if": whole,
        "then": {"required": list(always)},
    }


def _page(kind: str) -> Schema:
    """A Bundle with what was found, and what that refers to where it was asked for."""
    searchable = SEARCHABLE[kind]
    beside = {include.partition(":")[0] for include in searchable.revincludes}
    for include in searchable.includes:
        beside.update(searchable.parameters[include.partition(":")[2]].targets)
    entries = [_entry(kind, "match"), *(_entry(one, "include") for one in sorted(beside))]
    entries.append(_entry("NotAnswered", "outcome"))
    return _bundle(entries)


def _bundle(entries: Sequence[Schema]) -> Schema:
    return _closed(
        {
            "resourceType": {"const": "Bundle"},
            "type": {"const": "searchset"},
            "link": _many(_closed({"relation": one_of(["self", "next"]), "url": _URI})),
        },
        total=_NUMBER,
        entry=_many({"oneOf": [*entries]} if len(entries) > 1 else entries[0]),
    )


def _entry(kind: str, mode: str) -> Schema:
    return _closed({"fullUrl": _URI, "resource": ref(kind), "search": _closed({"mode": {"const": mode}})})


def _definition(kind: str) -> Schema:
    if kind == "Basic":  # a topic: R4 has no resource of that kind
        return _named("resourceType", "id", "code", "extension")
    required = {"resourceType": {"const": kind}, "id": _TEXT, "url": _URI, "name": _TEXT, "status": {"const": "active"}}
    return {"type": "object", "properties": required, "required": list(required)}


def _named(*names: str) -> Schema:
    return {"type": "object", "required": list(names)}


_OUTCOME = _closed(
    {
        "resourceType": {"const": "OperationOutcome"},
        "issue": _many(
            _closed({"severity": {"const": "error"}, "code": one_of(list(IssueType)), "diagnostics": _TEXT}),
        ),
    }
)
_NOT_ANSWERED = _closed(
    {
        "resourceType": {"const": "OperationOutcome"},
        "id": {"type": "string", "pattern": f"^{ID}$"},
        "issue": _many(
            _closed({"severity": {"const": "warning"}, "code": {"const": "not-supported"}, "diagnostics": _TEXT}),
        ),
    }
)
_BATCH_RESPONSE = _closed(
    {"resourceType": {"const": "Bundle"}, "type": {"const": "batch-response"}},
    entry=_many(
        _closed(
            {
                "response": _closed(
                    {"status": _TEXT}, etag=_TEXT, lastModified=_INSTANT, outcome=ref("OperationOutcome")
                )
            },
            resource={"type": "object"},
        )
    ),
)
_CAPABILITY = _closed(
    {
        "resourceType": {"const": "CapabilityStatement"},
        "status": {"const": "active"},
        "date": _INSTANT,
        "publisher": _TEXT,
        "kind": {"const": "instance"},
        "instantiates": _many(_URI),
        "implementationGuide": _many(_TEXT),
        "software": _closed({"name": _TEXT, "version": _TEXT}),
        "implementation": _closed({"description": _TEXT, "url": _URI}),
        "fhirVersion": {"const": "4.0.1"},
        "format": _many(_TEXT),
        "rest": {**_many(_named("mode", "documentation", "security", "resource")), "maxItems": 1},
    }
)
_SMART = _closed(
    {
        "grant_types_supported": {"type": "array", "items": {"const": "client_credentials"}},
        "scopes_supported": _many(_TEXT),
        "capabilities": {"type": "array", "items": _TEXT},
    },
    token_endpoint=_URI,
    token_endpoint_auth_methods_supported=_many({"const": "private_key_jwt"}),
    token_endpoint_auth_signing_alg_values_supported=_many(one_of(["RS384", "ES384"])),
)
_FILES = {
    "type": "array",
    "items": _closed({"url": _URI, "count": {"type": "integer", "minimum": 1}}, type=_TEXT),
}
_MANIFEST = _closed(
    {
        "transactionTime": _INSTANT,
        "request": _URI,
        "requiresAccessToken": {"const": True},
        "output": _FILES,
        "deleted": _FILES,
        "error": _FILES,
    },
    outputOrganizedBy={"const": "Group"},
    link=_many(_closed({"relation": {"const": "next"}, "url": _URI})),
)
_SCOPE = f"system/({'|'.join(KINDS)}|\\*)\\.[a-z*]+"
_TOKEN = _closed(
    {
        "access_token": _TEXT,
        "token_type": {"const": "bearer"},
        "expires_in": {"type": "integer", "minimum": 1, "maximum": 300},
        "scope": {"type": "string", "pattern": f"^{_SCOPE}( {_SCOPE})*$"},
    }
)
# https://www.rfc-editor.org/rfc/rfc6749#section-5.2, and one of section 4.1.2.1 for too many requests.
_TOKEN_ERROR = _closed(
    {
        "error": one_of(
            [
                "invalid_request",
                "invalid_client",
                "unauthorized_client",
                "unsupported_grant_type",
                "invalid_scope",
                "temporarily_unavailable",
            ]
        ),
    },
    error_description=_TEXT,
)
_CONFIRMED = _closed(
    {
        "resourceType": {"const": "Parameters"},
        "parameter": {
            "type": "array",
            "items": {
                "oneOf": [
                    _closed({"name": {"const": "outcome"}, "valueCode": one_of(["confirmed", "unchanged"])}),
                    _closed({"name": {"const": "patient"}, "valueReference": _to("Patient")}),
                    _closed({"name": {"const": "date"}, "valueDate": _DATE}),
                    _closed({"name": {"const": "recorded"}, "valueInstant": _INSTANT}),
                ]
            },
            "minItems": 4,
            "maxItems": 4,
        },
    }
)
