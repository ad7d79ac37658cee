"""JSON Schemas (2020-12) of what the FHIR interface answers with. What a resource holds is said by FHIR alone."""

from collections.abc import Sequence

from ..domain.scopes import KINDS

Schema = dict[str, object]

ID: Schema = {"type": "string", "pattern": "^[A-Za-z0-9.-]{1,64}$"}
INSTANT: Schema = {"type": "string", "format": "date-time"}
DATE: Schema = {"type": "string", "format": "date"}
TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "integer", "minimum": 0}
_URI: Schema = {"type": "string", "format": "uri"}


def ref(name: str) -> Schema:
    """A schema of `schemas` by its name."""
    return {"$ref": f"#/components/schemas/{name}"}


def one_of(values: Sequence[str]) -> Schema:
    """One of these texts."""
    return {"type": "string", "enum": list(values)}


def kinds_listed() -> Schema:
    """Kinds of resources, separated by commas."""
    kind = f"(?:{'|'.join(KINDS)})"
    return {"type": "string", "pattern": f"^{kind}(?:,{kind})*$"}


def schemas(kinds: Sequence[str]) -> dict[str, Schema]:
    """All of them by name. `kinds`: of resources that are read one by one."""
    return {
        **{kind: _resource(kind) for kind in (*kinds, "CapabilityStatement", "OperationOutcome")},
        "Parameters": _resource("Parameters", parameter=_many(_PARAMETER)),
        "Bundle": {
            **_resource("Bundle", type={"const": "searchset"}, total=NUMBER, link=_many(_LINK), entry=_many(_ENTRY)),
            "required": ["resourceType", "type", "link"],
        },
        "Confirmation": _confirmation(),
        "SubscriptionRequest": _subscription(),
        "Notification": {
            **_resource("Bundle", type={"const": "history"}, entry=_many({"type": "object"})),
            "required": ["resourceType", "type", "entry"],
        },
        "SmartConfiguration": {"type": "object", "required": ["capabilities", "grant_types_supported"]},
        "Token": _required(
            access_token=TEXT, token_type={"const": "bearer"}, expires_in={"type": "integer", "minimum": 1}, scope=TEXT
        ),
        # https://www.rfc-editor.org/rfc/rfc6749#section-5.2
        "TokenError": {**_required(error=TEXT), "description": "RFC 6749, section 5.2, with error_description."},
        "Manifest": _manifest(),
    }


def _manifest() -> Schema:
    """The manifest of an export, in any dialect."""
    listed = _required(transactionTime=INSTANT, requiresAccessToken={"const": True}, output=_FILES, deleted=_FILES)
    link = _required(relation={"const": "next"}, url=_URI)
    link_list: Schema = {"type": "array", "items": link, "minItems": 1, "maxItems": 1}
    others: Schema = {"request": _URI, "manifestType": _URI, "outputOrganizedBy": {"const": "Group"}, "link": link_list}
    others |= {"error": _FILES, "outcome": _FILES}
    return {**listed, "properties": {**listed["properties"], **others}}  # type: ignore[dict-item]


def _confirmation() -> Schema:
    """The Parameters of `$confirm`."""
    patient = _required(reference={"type": "string", "pattern": "^Patient/[1-9][0-9]{0,17}$"})
    items = (
        _required(name={"const": "patient"}, valueReference=patient),
        _required(name={"const": "date"}, valueDate=DATE),
        _required(name={"const": "idempotencyKey"}, valueString={"type": "string", "pattern": "^[!-~]{1,64}$"}),
    )
    parameter: Schema = {"type": "array", "items": {"oneOf": [*items]}, "minItems": 3, "maxItems": 3}
    return _required(resourceType={"const": "Parameters"}, parameter=parameter)


def _subscription() -> Schema:
    """A Subscription as it is sent. What its extensions are, the backport says."""
    extended = _required(extension=_many(_required(url=_URI)))
    channel = _required(
        type={"const": "rest-hook"},
        endpoint={"type": "string", "format": "uri", "pattern": "^https://[^@#\\s]+$"},
        payload=one_of(["application/fhir+json", "application/json"]),
        _payload=extended,
    )
    return _required(
        resourceType={"const": "Subscription"},
        status=one_of(["requested", "active", "off"]),
        reason={"type": "string", "minLength": 1, "maxLength": 500},
        criteria=_URI,
        channel=channel,
    )


def _many(schema: Schema) -> Schema:
    return {"type": "array", "items": schema}


def _required(**properties: Schema) -> Schema:
    return {"type": "object", "properties": properties, "required": list(properties)}


def _resource(kind: str, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "externalDocs": {"url": f"https://hl7.org/fhir/R4/{kind.lower()}.html"},
        "properties": {"resourceType": {"const": kind}, "id": ID, "meta": _META, **properties},
        "required": ["resourceType"],
    }


_META: Schema = {"type": "object", "properties": {"versionId": TEXT, "lastUpdated": INSTANT, "profile": _many(_URI)}}
_LINK = _required(relation=one_of(["self", "next"]), url=_URI)
_ENTRY = _required(fullUrl=_URI, resource={"type": "object"}, search=_required(mode=one_of(["match", "include"])))
_PARAMETER: Schema = {
    "type": "object",
    "properties": {
        "name": TEXT,
        "valueString": TEXT,
        "valueCode": TEXT,
        "valueDate": DATE,
        "valueInstant": INSTANT,
        "valueReference": {"type": "object"},
    },
    "required": ["name"],
}
_FILE = _required(url=_URI, count=NUMBER)
_FILES = _many({**_FILE, "properties": {**_FILE["properties"], "type": TEXT, "fileSize": NUMBER}})  # type: ignore[dict-item]
