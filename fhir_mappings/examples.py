"""Examples for the package, one of each kind: an invented clinic with a panel of one, by the mappings of real ones."""

from datetime import UTC, date, datetime
from typing import Final, NamedTuple

import orjson

from ..domain.confirmation import ConfirmedHow
from ..domain.report_lines import ReportLineState
from ..domain.reports import ReportKind
from ..domain.subscription import PayloadContent
from ..settings import Settings
from .bundle import bundle, entry, patient_entries, urns
from .identifiers import Refer, Resource, relative, role_id
from .organization import location, organization
from .panel_group import ListStatus, group_members, panel_group
from .patient import Statuses, as_text, patient_texts
from .practitioner import practitioner, practitioner_role
from .structures import panel_profile_url
from .subscription import subscription
from .task import task

_FACILITY: Final = "000113"
_SINCE: Final = datetime(2026, 3, 2, 16, 30, tzinfo=UTC)
_SNAPSHOT: Final = "7f3c2f1e-52a5-4d0b-9f3e-2b8f5a1c6d40"
_STATUSES: Final = Statuses("AC", frozenset({"DE"}))


class _ExampleClinic(NamedTuple):
    name: str = "Saskatoonberry Family Clinic"
    site_id: str = "S-0815"


class _ExampleProvider(NamedTuple):
    provider_id: str = "104"
    family_name: str = "Lavoie"
    given_name: str = "Maude"
    practitioner_id: str = "000000104"
    licence_id: str | None = None
    active: bool = True


class _ExamplePanel(NamedTuple):
    panel_id: int = 1
    number: str = "0044"


class _ExamplePatient(NamedTuple):
    patient_id: int = 4
    phn: str = "100000004"
    phn_jurisdiction: str = "AB"
    family_name: str = "Tremblay"
    given_name: str = "Hélène"
    middle_names: str | None = None
    preferred_name: str | None = None
    birth_date: str = "1980-02-29"
    gender: str = "F"
    status: str = "AC"
    answers: str | None = None


class _ExampleMembership(NamedTuple):
    since: datetime = _SINCE
    confirmed_on: date = date(2026, 3, 9)
    confirmed_how: str = ConfirmedHow.BY_PERSON.value
    last_visit_on: date = date(2026, 3, 6)


class _ExampleLine(NamedTuple):
    line_id: int = 1
    patient_id: int = 4
    panel_id: int = 1
    kind: str = ReportKind.CONFLICT.value
    state: str = ReportLineState.OPEN.value
    owner_id: str | None = None
    opened_at: datetime = _SINCE
    changed_at: datetime | None = None


class _ExampleSubscription(NamedTuple):
    resource_id: str = "1"
    base: str = "https://emr.invalid/fhir"
    status: str = "active"
    reason: str = "To know of members who come and go"
    endpoint: str = "https://receiver.invalid/"
    media_type: str = "application/fhir+json"
    content: str = PayloadContent.ID_ONLY.value
    heartbeat_seconds: int = 3600
    timeout_seconds: int | None = None
    max_count: int = 50
    ends_at: datetime | None = None
    failure: str | None = None
    last_number: int = 0


def examples(settings: Settings) -> list[Resource]:
    """Of each kind that can be read, and what is sent of all that."""
    return [
        *_directory(settings, relative),
        {**_group(settings, relative, ListStatus.OPEN), "meta": {"profile": [panel_profile_url(settings)]}},
        _patient(settings),
        task(_ExampleLine(), None, settings, relative),
        subscription(_ExampleSubscription(), [1], ["Authorization"], settings),
        _submission(settings),
    ]


def _directory(settings: Settings, refer: Refer) -> list[Resource]:
    clinic, provider = _ExampleClinic(), _ExampleProvider()
    return [
        organization(clinic, settings),
        location(_FACILITY, clinic, settings, refer),
        practitioner(provider, settings),
        practitioner_role(provider, _FACILITY, settings, refer),
    ]


def _role(refer: Refer) -> str:
    return refer(f"PractitionerRole/{role_id(_ExampleProvider().provider_id, _FACILITY)}")


def _group(settings: Settings, refer: Refer, status: ListStatus) -> Resource:
    roles = [role_id(_ExampleProvider().provider_id, _FACILITY)]
    member = group_members(settings)(_ExampleMembership(), refer("Patient/4"))
    group = panel_group(_ExamplePanel(), roles, settings, refer, status=status)
    return {**group, "quantity": 1, "member": [member]}


def _patient(settings: Settings) -> Resource:
    roles = as_text([{"reference": _role(relative)}])
    patient: Resource = orjson.loads(patient_texts(settings, relative, statuses=_STATUSES)(_ExamplePatient(), roles))
    return patient


def _submission(settings: Settings) -> Resource:
    refer = urns(_ExampleClinic().site_id)
    roles = as_text([{"reference": _role(refer)}])
    _, patient = patient_entries(settings, refer, statuses=_STATUSES)(_ExamplePatient(), roles)
    entries = [entry(one, refer) for one in _directory(settings, refer)]
    group = entry(_group(settings, refer, ListStatus.FINAL), refer)
    return {"id": "submission", **bundle(_SNAPSHOT, _SINCE), "entry": [*entries, orjson.loads(patient), group]}
