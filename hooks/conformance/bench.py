"""What the author of a host lends to the checks: the host, and a way to put people and visits into its EMR."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from enum import Enum, auto
from typing import NamedTuple, Protocol

from flask.testing import FlaskClient

from .. import Actor, Host


@dataclass(frozen=True, slots=True, kw_only=True)
class NewProvider:
    """A provider to be entered, in the words of `Roster.providers`. None: no one has entered it."""

    family_name: str | None = None
    given_name: str | None = None
    practitioner_id: str | None = None
    licence_id: str | None = None
    active: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class NewPatient:
    """A record to be entered, in the words of `Roster.patients`. None: no one has entered it.

    `phn` as someone types it, with separators of any kind; `birth_date` and the days of coverage ISO; `gender` F or M.
    What the EMR does not keep is ignored.
    """

    phn: str | None = None
    phn_jurisdiction: str | None = None
    family_name: str | None = None
    given_name: str | None = None
    middle_names: str | None = None
    preferred_name: str | None = None
    birth_date: str | None = None
    gender: str | None = None
    status: str | None = None
    mrp_id: str | None = None
    coverage_start: str | None = None
    coverage_end: str | None = None
    card_version: str | None = None
    street: str | None = None  # only asked for by checks of `Homes`


class VisitOutcome(Enum):
    """What has become of an appointment."""

    ATTENDED = auto()
    EXPECTED = auto()  # has been made, and nothing happened yet
    CANCELLED = auto()
    NO_SHOW = auto()
    DELETED = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVisit:
    """An appointment to be entered, at the clinic's `day` and `time`; without a time where no one has entered one.

    `visit_type` and `reason` are the clinic's words for why.
    """

    patient_id: int
    provider_id: str
    day: date
    time: time | None
    outcome: VisitOutcome = VisitOutcome.ATTENDED
    visit_type: str | None = None
    reason: str | None = None


class AuditLine(NamedTuple):
    """One line of the host's audit trail."""

    actor_id: str
    action: str
    noun: str
    key: str
    patient_id: int | None


class Bench(Protocol):
    """A host on a database that the checks may fill, with ways to enter what its EMR's own pages would.

    The host has been started as it is in daily life: plugins are installed and their tables are there.

    Checks make their own people and never count on being the first. What is entered is committed when a method
    returns. A method for something that the EMR does not have calls `pytest.skip` and says so.
    """

    @property
    def host(self) -> Host: ...

    def set_clock(self, moment: datetime) -> None:
        """Set the host's clock to this aware moment."""

    def provider(self, new: NewProvider) -> str:
        """Enter a provider; the provider_id."""

    def patient(self, new: NewPatient) -> int:
        """Enter a record; the patient_id."""

    def visit(self, new: NewVisit) -> None:
        """Enter an appointment."""

    def merge(self, retired: int, kept: int) -> None:
        """Merge the record `retired` into `kept`, which may be merged into a third one later."""

    def person(self, *, permissions: Collection[str] = (), administrator: bool = False) -> Actor:
        """Someone new who can sign in and see patients, with these permissions of the plugin and no others."""

    def deny_access(self, actor: Actor, patient_id: int) -> None:
        """From now on this person may not see this patient; all others may."""

    def browser(self, actor: Actor | None) -> FlaskClient:
        """A client of the application that serves the plugin's blueprints: signed in, or no one for None."""

    def audit_lines(self) -> Sequence[AuditLine]:
        """All lines of the audit trail, the oldest first."""
