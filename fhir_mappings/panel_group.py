"""Group: a panel, attributed to its providers. Da Vinci Member Attribution's extensions are used where they fit."""

from collections.abc import Callable, Iterable
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from typing import Protocol

from ..domain.confirmation import ConfirmedHow
from ..domain.dates import month_code
from ..domain.exhaustive import exhaustive
from ..domain.panel_state import PanelState
from ..domain.rates import RateCounts
from ..settings import Settings
from .identifiers import Refer, Resource, identifier
from .patient import as_text

ATTRIBUTION = "http://hl7.org/fhir/us/davinci-atr/StructureDefinition/"
CHARACTERISTICS = "http://hl7.org/fhir/us/davinci-atr/CodeSystem/davinci-group-characteristic-codes"
ATTRIBUTED_TO = "attributed-to"
PANEL_CODE = "cpar-panel"
CONFIRMATION_RATES = "confirmation-rates"
PANEL_STATE = "panel-state"


class ListStatus(StrEnum):
    """Da Vinci's status of an attribution list: open while the clinic edits, final in a submission."""

    OPEN = "open"
    FINAL = "final"


class ChangeType(StrEnum):
    """Da Vinci's change of a member since the panel's last submission."""

    NEW = "new"
    CHANGED = "changed"
    NOCHANGE = "nochange"


_CHANGES = {kind: {"url": ATTRIBUTION + "ext-changeType", "valueCode": kind.value} for kind in ChangeType}
_HOW_CODES = exhaustive(
    __name__,
    ConfirmedHow,
    {
        ConfirmedHow.ON_ADDING: "on-adding",
        ConfirmedHow.LAST_VISIT: "last-visit",
        ConfirmedHow.AT_CHECK_IN: "asked",
        ConfirmedHow.BY_PERSON: "by-person",
        ConfirmedHow.FROM_LIST: "from-list",
        ConfirmedHow.IMPORTED: "imported",
    },
)
HOW_CODES = {how.value: code for how, code in _HOW_CODES.items()}
_DAYS = 4096


class PanelRow(Protocol):
    """A panel."""

    @property
    def panel_id(self) -> int: ...
    @property
    def number(self) -> str: ...


class MembershipRow(Protocol):
    """A patient's place on a panel. `last_visit_on` and `confirmed_on` are civil dates."""

    @property
    def since(self) -> datetime: ...
    @property
    def confirmed_on(self) -> date | None: ...
    @property
    def confirmed_how(self) -> str | None: ...
    @property
    def last_visit_on(self) -> date | None: ...


class RatesRow(Protocol):
    """The confirmation rates of a panel in a month, given by its first day."""

    @property
    def month(self) -> date: ...
    @property
    def counts(self) -> RateCounts: ...
    @property
    def within_months(self) -> int: ...


Mapping = Callable[[MembershipRow, str], Resource]
TextMapping = Callable[[MembershipRow, str, ChangeType], str]


def panel_group(
    panel: PanelRow,
    role_ids: Iterable[str],
    settings: Settings,
    refer: Refer,
    *,
    status: ListStatus,
    rates: RatesRow | None = None,
    state: PanelState = PanelState.ACTIVE,
) -> Resource:
    """The panel without `quantity` and `member`, which may be too many to hold. `role_ids`: its PractitionerRoles.

    Not active: it has ended, is not submitted, and is kept for reading. The state is named where it is another than
    active.
    """
    extensions = [{"url": ATTRIBUTION + "ext-attributionListStatus", "valueCode": status.value}]
    if state is not PanelState.ACTIVE:
        extensions.append({"url": f"{settings.uri_definitions}/{PANEL_STATE}", "valueCode": state.value})
    if rates:
        extensions.append(confirmation_rates(settings, rates))
    return {
        "resourceType": "Group",
        "id": str(panel.panel_id),
        "extension": extensions,
        "identifier": [identifier(settings.uri_panel_number, panel.number)],
        "active": state.is_submitted,
        "type": "person",
        "actual": True,
        "code": {"coding": [{"system": f"{settings.uri_codes}/group", "code": PANEL_CODE}]},
        "name": f"CPAR panel {panel.number}",
        "managingEntity": {"reference": refer("Organization/clinic")},
        "characteristic": [
            {
                "code": {"coding": [{"system": CHARACTERISTICS, "code": ATTRIBUTED_TO}]},
                "valueReference": {"reference": refer(f"PractitionerRole/{role}")},
                "exclude": False,
            }
            for role in role_ids
        ],
    }


def confirmation_rates(settings: Settings, rates: RatesRow) -> Resource:
    """What the two rates of a month are made of. `visited` and `inPerson` only where the host knows of visits."""
    counts = rates.counts
    numbers = {"members": counts.members, "confirmed": counts.confirmed}
    if counts.visited is not None:
        numbers |= {"visited": counts.visited, "inPerson": counts.in_person}
    return {
        "url": f"{settings.uri_definitions}/{CONFIRMATION_RATES}",
        "extension": [
            {"url": "month", "valueDate": month_code(rates.month)},
            *({"url": name, "valueUnsignedInt": number} for name, number in numbers.items()),
            {"url": "withinMonths", "valuePositiveInt": rates.within_months},
        ],
    }


def group_members(settings: Settings) -> Mapping:
    """Prepare the mapping of members: who, since when, when and how confirmed, and when last seen.

    The mapping takes a row and the reference to the Patient.
    """
    confirmed_on = f"{settings.uri_definitions}/confirmation-date"
    last_visit_on = f"{settings.uri_definitions}/last-visit-date"
    confirmed_how = {
        how: {"url": f"{settings.uri_definitions}/confirmation-how", "valueCode": code}
        for how, code in HOW_CODES.items()
    }
    # Many members have the same days: what is written of them is made once.
    date_extension = lru_cache(_DAYS)(_date_extension)
    start_text = lru_cache(_DAYS)(instant)

    def group_member(row: MembershipRow, patient_reference: str) -> Resource:
        extensions = []
        if row.confirmed_on:
            extensions.append(date_extension(confirmed_on, row.confirmed_on))
        how = confirmed_how.get(row.confirmed_how or "")
        if how:
            extensions.append(how)
        if row.last_visit_on:
            extensions.append(date_extension(last_visit_on, row.last_visit_on))
        member = {"entity": {"reference": patient_reference}, "period": {"start": start_text(row.since)}}
        return {"extension": extensions, **member} if extensions else member

    return group_member


def member_texts(settings: Settings) -> TextMapping:
    """The same as JSON, with what has changed since the last submission: there are very many, and a dict takes longer.

    The mapping takes a row, the reference to the Patient, and the change.
    """
    confirmed_on = f"{settings.uri_definitions}/confirmation-date"
    last_visit_on = f"{settings.uri_definitions}/last-visit-date"
    how_url = f"{settings.uri_definitions}/confirmation-how"
    how_texts = {how: f"{as_text({'url': how_url, 'valueCode': code})}," for how, code in HOW_CODES.items()}
    changes = {kind: as_text(extension) for kind, extension in _CHANGES.items()}
    start_text = lru_cache(_DAYS)(instant)

    @lru_cache(2 * _DAYS)
    def date_text(url: str, day: date | None) -> str:
        return f"{as_text(_date_extension(url, day))}," if day else ""

    def member(row: MembershipRow, patient_reference: str, change: ChangeType) -> str:
        return (
            f'{{"extension":[{date_text(confirmed_on, row.confirmed_on)}{how_texts.get(row.confirmed_how or "", "")}'
            f"{date_text(last_visit_on, row.last_visit_on)}{changes[change]}],"
            f'"entity":{{"reference":"{patient_reference}"}},"period":{{"start":"{start_text(row.since)}"}}}}'
        )

    return member


def _date_extension(url: str, day: date) -> Resource:
    return {"url": url, "valueDate": day.isoformat()}


def instant(moment: datetime) -> str:
    """An aware moment to the second, in UTC."""
    if moment.tzinfo is not UTC:
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat()[:19]}Z"
