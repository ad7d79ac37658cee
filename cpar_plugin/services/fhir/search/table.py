"""The one table of search: which kinds are searched by which parameters, and how each of these is answered.

The CapabilityStatement, the OpenAPI description, our own SearchParameters, the parsing of a search and its SQL are
derived from it. A parameter without an answer fails when this is imported: see `answers.answered`. Those with a URL
are R4's (https://hl7.org/fhir/R4/searchparameter-registry.html).
"""

from collections.abc import Mapping

from ....fhir_mappings.searchable import Own, Searchable, SearchType
from . import by_family, groups, held, patients, tasks
from .answers import Answered, Sql, Value, answered, changed, with_id

_R4 = "http://hl7.org/fhir/SearchParameter/"
TOKEN, STRING, DATE, REFERENCE = SearchType.TOKEN, SearchType.STRING, SearchType.DATE, SearchType.REFERENCE
URI = SearchType.URI
MEMBERS = "Group:member"
PRACTITIONER_OF_ROLE = "PractitionerRole:practitioner"

_OF_ALL = (
    Answered(
        "_id",
        TOKEN,
        f"{_R4}Resource-id",
        sorts=True,
        sql=Sql(with_id, order=lambda rows: rows.source.key),
        value=held.resource_id,
    ),
    Answered(
        "_lastUpdated",
        DATE,
        f"{_R4}Resource-lastUpdated",
        sorts=True,
        sql=Sql(changed, order=lambda rows: rows.updated),
        value=held.last_updated,
    ),
)


def _of(kind: str, name: str, type_: SearchType, sql: Sql, *targets: str, sorts: bool = False) -> Answered:
    """One of R4, answered in SQL."""
    return Answered(name, type_, f"{_R4}{kind}-{name}", targets, sorts, sql=sql)


def _few(kind: str, name: str, type_: SearchType, value: Value, *targets: str, sorts: bool = False) -> Answered:
    """One of R4, answered in memory."""
    return Answered(name, type_, f"{_R4}{kind}-{name}", targets, sorts, value=value)


_GROUP_NAME = Own("CparGroupName", "The name of a panel's Group.", "Group.name", "f:Group/f:name")
_ATTRIBUTED = Own(
    "CparGroupCharacteristicReference",
    "Who the panel is attributed to: a provider at a facility.",
    "Group.characteristic.value.ofType(Reference)",
    "f:Group/f:characteristic/f:valueReference",
)
_CLINIC = Sql(groups.the_clinic, through=groups.of_clinic, targets=groups.clinic_of)

_GROUP = (
    _of("Group", "identifier", TOKEN, Sql(groups.identifier, order=groups.by_number), sorts=True),
    _of("Group", "code", TOKEN, groups.always(lambda settings: f"{settings.uri_codes}/group", "cpar-panel")),
    _of("Group", "type", TOKEN, groups.always(lambda _: "http://hl7.org/fhir/group-type", "person")),
    _of("Group", "actual", TOKEN, groups.always(lambda _: None, "true")),
    _of("Group", "characteristic", TOKEN, Sql(groups.characteristic, groups.attributed)),
    _of("Group", "value", TOKEN, Sql(groups.nothing, groups.no_group)),
    _of("Group", "exclude", TOKEN, Sql(groups.exclude, groups.attributed)),
    _of(
        "Group",
        "member",
        REFERENCE,
        Sql(groups.member, groups.any_member, through=groups.with_members, targets=groups.members_of),
        "Patient",
    ),
    _of("Group", "managing-entity", REFERENCE, _CLINIC, "Organization"),
    Answered("name", STRING, _GROUP_NAME, sorts=True, sql=Sql(groups.name, order=groups.by_number)),
    Answered(
        "characteristic-reference",
        REFERENCE,
        _ATTRIBUTED,
        ("PractitionerRole",),
        sql=Sql(
            groups.attributed_to,
            groups.attributed,
            through=groups.attributed_to_any,
            targets=groups.roles_attributed,
        ),
    ),
)
_LOCATION = (
    _few("Location", "identifier", TOKEN, held.identifiers),
    _few("Location", "name", STRING, held.title, sorts=True),
)
_ORGANIZATION = (
    _few("Organization", "identifier", TOKEN, held.identifiers),
    _few("Organization", "name", STRING, held.title, sorts=True),
)
_PATIENT = (
    # Also in memory: see by_identifier.
    Answered("identifier", TOKEN, f"{_R4}Patient-identifier", sql=Sql(patients.identifier), value=held.identifiers),
    _of("Patient", "active", TOKEN, Sql(patients.active)),
    _of("Patient", "deceased", TOKEN, Sql(patients.deceased)),
    _of("Patient", "name", STRING, Sql(patients.name, patients.has_name)),
    Answered(
        "phonetic",
        STRING,
        f"{_R4}individual-phonetic",
        only=("missing",),
        sql=Sql(patients.phonetic, patients.has_name),
    ),
    _of("individual", "gender", TOKEN, Sql(patients.gender)),
    _of(
        "individual",
        "family",
        STRING,
        Sql(patients.family, patients.has_family, patients.by_family, by_index=by_family.by_index),
        sorts=True,
    ),
    _of("individual", "given", STRING, Sql(patients.given, patients.has_given, patients.by_given), sorts=True),
    _of("individual", "birthdate", DATE, Sql(patients.birthdate, patients.born, patients.by_birth_date), sorts=True),
    _of(
        "Patient",
        "general-practitioner",
        REFERENCE,
        Sql(
            patients.general_practitioner,
            patients.has_practitioner,
            through=patients.of_practitioners,
            targets=patients.practitioners_of,
        ),
        "PractitionerRole",
    ),
    _of("Patient", "organization", REFERENCE, _CLINIC, "Organization"),
)
_PRACTITIONER = (
    _few("Practitioner", "identifier", TOKEN, held.identifiers),
    _few("Practitioner", "active", TOKEN, held.active),
    _few("Practitioner", "name", STRING, held.all_names),
    _few("individual", "family", STRING, held.family_names, sorts=True),
    _few("individual", "given", STRING, held.given_names, sorts=True),
)
_ROLE = (
    _few("PractitionerRole", "identifier", TOKEN, held.identifiers),
    _few("PractitionerRole", "active", TOKEN, held.active),
    _few("PractitionerRole", "practitioner", REFERENCE, held.references("practitioner"), "Practitioner"),
    _few("PractitionerRole", "organization", REFERENCE, held.references("organization"), "Organization"),
    _few("PractitionerRole", "location", REFERENCE, held.references("location"), "Location"),
)
_SUBSCRIPTION = (
    _few("Subscription", "url", URI, held.endpoint),
    _few("Subscription", "status", TOKEN, held.subscription_status),
    _few("Subscription", "criteria", STRING, held.criteria),
)
_TASK = (
    _of(
        "Task",
        "patient",
        REFERENCE,
        Sql(tasks.patient, through=tasks.of_patients, targets=tasks.patients_of),
        "Patient",
    ),
    _of("Task", "focus", REFERENCE, Sql(tasks.focus, through=tasks.of_panels, targets=tasks.panels_of), "Group"),
    _of("Task", "code", TOKEN, Sql(tasks.code)),
    _of("Task", "status", TOKEN, Sql(tasks.status)),
    _of("Task", "business-status", TOKEN, Sql(tasks.business_status)),
    _of("Task", "authored-on", DATE, Sql(tasks.authored_on)),
    _of("Task", "modified", DATE, Sql(tasks.modified)),
)


def _kind(
    kind: str,
    parameters: tuple[Answered, ...],
    summary: str,
    mandatory: str = "",
    includes: tuple[str, ...] = (),
    revincludes: tuple[str, ...] = (),
    has: tuple[str, ...] = (),
) -> Searchable[Answered]:
    """`summary` and `mandatory`: names of elements, separated by blanks."""
    by_name = answered(kind, (*_OF_ALL, *parameters))
    return Searchable(
        kind, by_name, frozenset(summary.split()), frozenset(mandatory.split()), includes, revincludes, has
    )


SEARCHABLE: Mapping[str, Searchable[Answered]] = {
    searchable.kind: searchable
    for searchable in (
        _kind(
            "Group",
            _GROUP,
            "identifier active type actual code name quantity managingEntity",
            mandatory="type actual",
            includes=(MEMBERS,),
        ),
        _kind(
            "Location",
            _LOCATION,
            "identifier status name mode managingOrganization",
            has=("PractitionerRole:location",),
        ),
        # org-1: an organization has a name or an identifier
        _kind("Organization", _ORGANIZATION, "identifier active name", mandatory="identifier"),
        _kind(
            "Patient",
            _PATIENT,
            "identifier active name gender birthDate managingOrganization link",
            has=(MEMBERS, "Task:patient"),
        ),
        _kind(
            "Practitioner",
            _PRACTITIONER,
            "identifier active name",
            revincludes=(PRACTITIONER_OF_ROLE,),
            has=(PRACTITIONER_OF_ROLE,),
        ),
        _kind(
            "PractitionerRole",
            _ROLE,
            "identifier active practitioner organization location",
            includes=(PRACTITIONER_OF_ROLE,),
            has=("Group:characteristic-reference",),
        ),
        _kind(
            "Subscription",
            _SUBSCRIPTION,
            "status end reason criteria error channel",
            mandatory="status reason criteria channel",
        ),
        _kind("Task", _TASK, "status businessStatus intent code focus for lastModified", mandatory="status intent"),
    )
}
