"""Our resources as tables: ViewDefinitions of SQL on FHIR v2, whose addresses are those of the settings.

They keep to what several implementations read alike: no constants, literal addresses, one element a column.
https://sql-on-fhir.org/ig/StructureDefinition-ViewDefinition.html
"""

from ..settings import Settings
from .identifiers import IdentifierType, Resource
from .panel_group import CONFIRMATION_RATES, PANEL_CODE, PANEL_STATE
from .structures import FHIR_VERSION

VIEW_DEFINITION = "https://sql-on-fhir.org/ig/StructureDefinition/ViewDefinition"
_KEY = "getResourceKey()"
# Not in a column: what forEach gives has no type in sqlonfhir, which then knows of no choice of types.
_PROVIDERS = "characteristic.value.ofType(Reference)"
_BOOLEAN, _CODE, _DATE, _STRING = "boolean", "code", "date", "string"


def view_definitions(settings: Settings) -> list[Resource]:
    """The tables: `panels`, `members`, `panel_roles`, `roles`, `providers`, `patients`."""
    return [
        _panels(settings),
        _members(settings),
        _panel_roles(settings),
        _roles(settings),
        _providers(settings),
        _patients(settings),
    ]


def _panels(settings: Settings) -> Resource:
    rates = f"extension.where(url = '{settings.uri_definitions}/{CONFIRMATION_RATES}').extension"
    columns = [
        _column("panel_id", _KEY, _STRING, "The id of the Group."),
        _column("number", _identifier(settings.uri_panel_number), _STRING, "The panel number."),
        _column("name", "name", _STRING, "What the panel is called."),
        _column("submitted", "active", _BOOLEAN, "False for a panel that has ended."),
        _column("state", _extension(settings, PANEL_STATE, _CODE), _CODE, "in-transition or ended; else absent."),
        _column("member_count", "quantity", "integer", "How many members the panel has."),
        _column("rates_month", _part(rates, "month", _DATE), _DATE, "The month of the three numbers that follow."),
        _column("rates_members", _part(rates, "members", "unsignedInt"), "unsignedInt", "Members in that month."),
        _column("rates_confirmed", _part(rates, "confirmed", "unsignedInt"), "unsignedInt", "Confirmed of these."),
        _column(
            "rates_within_months",
            _part(rates, "withinMonths", "positiveInt"),
            "positiveInt",
            "Within how many months a confirmation counts.",
        ),
    ]
    return _view(settings, "panels", "Group", "The panels.", [{"column": columns}], _panel_alone(settings))


def _members(settings: Settings) -> Resource:
    columns = [
        _column("patient_id", "entity.getReferenceKey(Patient)", _STRING, "The id of the Patient."),
        _column("since", "period.start", "dateTime", "Since when on this panel, in UTC."),
        _column("confirmed_on", _extension(settings, "confirmation-date", _DATE), _DATE, "When last confirmed."),
        _column("confirmed_how", _extension(settings, "confirmation-how", _CODE), _CODE, "How that came about."),
        _column("last_visit_on", _extension(settings, "last-visit-date", _DATE), _DATE, "When last seen."),
    ]
    select = [_panel_column(), {"forEach": "member", "column": columns}]
    return _view(settings, "members", "Group", "Who is on which panel.", select, _panel_alone(settings))


def _panel_roles(settings: Settings) -> Resource:
    role = _column("role_id", "getReferenceKey(PractitionerRole)", _STRING, "The id of the PractitionerRole.")
    select = [_panel_column(), {"forEach": _PROVIDERS, "column": [role]}]
    return _view(settings, "panel_roles", "Group", "Whose panel it is.", select, _panel_alone(settings))


def _roles(settings: Settings) -> Resource:
    columns = [
        _column("role_id", _KEY, _STRING, "The id of the PractitionerRole."),
        _column("provider_id", "practitioner.getReferenceKey(Practitioner)", _STRING, "The id of the Practitioner."),
        _column("facility_id", "location.getReferenceKey(Location)", _STRING, "The Facility ID or WDFA key."),
    ]
    return _view(settings, "roles", "PractitionerRole", "Providers at facilities.", [{"column": columns}])


def _providers(settings: Settings) -> Resource:
    columns = [
        _column("provider_id", _KEY, _STRING, "The id of the Practitioner."),
        _column("practitioner_id", _identifier(settings.uri_practitioner_id), _STRING, "The PPHS Practitioner ID."),
        _column("licence", _identifier_of(IdentifierType.LICENCE), _STRING, "The licence."),
        _column("family", _official("family"), _STRING, "The family name."),
        _column("given", _official("given.first()"), _STRING, "The first of the given names."),
        _column("active", "active", _BOOLEAN, "Whether the provider is active in the EMR."),
    ]
    return _view(settings, "providers", "Practitioner", "The providers of panels.", [{"column": columns}])


def _patients(settings: Settings) -> Resource:
    number = f"identifier.where({_has_type(IdentifierType.HEALTH_NUMBER)})"
    columns = [
        _column("patient_id", _KEY, _STRING, "The id of the Patient."),
        _column("record_number", _identifier(settings.uri_patient_record), _STRING, "The EMR's number."),
        _column("health_number", f"{number}.value", _STRING, "The provincial health number."),
        _column("health_number_system", f"{number}.system", "uri", "Whose number it is, such as Alberta's."),
        _column("family", _official("family"), _STRING, "The family name."),
        _column("given", _official("given.first()"), _STRING, "The first of the given names."),
        _column("birth_date", "birthDate", _DATE, "The birth date."),
        _column("gender", "gender", _CODE, "male, female, other, or unknown."),
        _column("active", "active", _BOOLEAN, "Whether the record is active in the EMR."),
        _column("deceased", "deceased.ofType(boolean)", _BOOLEAN, "True for a deceased patient; else absent."),
    ]
    return _view(settings, "patients", "Patient", "The members of panels.", [{"column": columns}])


def _view(
    settings: Settings, name: str, resource: str, meaning: str, select: list[Resource], where: str | None = None
) -> Resource:
    own_id = name.replace("_", "-")
    return {
        "resourceType": VIEW_DEFINITION,
        "id": own_id,
        "url": f"{settings.uri_views}/{own_id}",
        "version": settings.fhir_package_version,
        "name": name,
        "status": "active",
        "experimental": False,
        "publisher": settings.fhir_publisher,
        "description": meaning,
        "fhirVersion": [FHIR_VERSION],
        "resource": resource,
        **({"where": [{"path": where}]} if where else {}),
        "select": select,
    }


def _column(name: str, path: str, kind: str, meaning: str) -> Resource:
    return {"name": name, "path": path, "type": kind, "description": meaning}


def _panel_column() -> Resource:
    return {"column": [_column("panel_id", _KEY, _STRING, "The id of the Group.")]}


def _panel_alone(settings: Settings) -> str:
    """For whoever has Groups of others in the same place."""
    return f"code.coding.where(system = '{settings.uri_codes}/group' and code = '{PANEL_CODE}').exists()"


def _extension(settings: Settings, name: str, kind: str) -> str:
    return f"extension.where(url = '{settings.uri_definitions}/{name}').value.ofType({kind})"


def _part(extensions: str, name: str, kind: str) -> str:
    return f"{extensions}.where(url = '{name}').value.ofType({kind})"


def _identifier(system: str) -> str:
    return f"identifier.where(system = '{system}').value"


def _identifier_of(kind: IdentifierType) -> str:
    return f"identifier.where({_has_type(kind)}).value"


def _has_type(kind: IdentifierType) -> str:
    return f"type.coding.where(code = '{kind.value}').exists()"


def _official(part: str) -> str:
    return f"name.where(use = 'official').{part}"
