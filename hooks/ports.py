"""The ports through which a plugin asks the host. A host author implements each of them once."""

from collections.abc import Collection, Mapping
from contextlib import AbstractContextManager
from datetime import date, datetime
from typing import TYPE_CHECKING, Protocol, runtime_checkable
from zoneinfo import ZoneInfo

from markupsafe import Markup
from sqlalchemy import ColumnElement, Connection, Engine, FromClause, Select

from .stored import StoredPatients
from .values import Actor, AuditEvent, StatusKind

if TYPE_CHECKING:
    from sqlalchemy.orm import Session  # a command that cron calls every minute does not need the ORM


class Roster(Protocol):
    """Who the patients and providers are, as SQL that a plugin composes with its own tables.

    What `patients` returns may be kept and used again, as long as the process lives.

    Text ids compare with a plugin's own text columns (on MariaDB: `utf8mb4_bin`), and a missing text is NULL, never ''.

    .. versionadded:: 1.0
    """

    @property
    def active_status(self) -> str:
        """The status of an active patient, for instance `AC`."""

    @property
    def status_labels(self) -> Mapping[str, str]:
        """What the host calls its known statuses, the active one too. A patient may have one that is not in it."""

    @property
    def status_kinds(self) -> Mapping[str, StatusKind]:
        """What the host's known statuses mean, `active_status` alone being active. Others are the clinic's own."""

    @property
    def field_labels(self) -> Mapping[str, str]:
        """What the host's own pages call the columns of `patients`, by column, for advice on what to correct there.

        A column that the host's pages do not show may be missing.
        """

    def patients(self) -> FromClause:
        """Every patient, one row each, without records merged away.

        patient_id (int), phn (without blanks, dashes and what cannot be seen), phn_jurisdiction, family_name,
        given_name, middle_names, preferred_name, birth_date (ISO text, perhaps an impossible date), gender (`F`, `M`,
        or another code of the host, in capitals), status, mrp_id (a provider_id). All but patient_id may be NULL.

        phn_jurisdiction is `AB`, the code of another jurisdiction (`BC`, `US-AK`), or `unknown` where the record names
        none; NULL throughout where the host keeps no card types: then all numbers count as Alberta's. In names, blanks
        of any kind are spaces, and zero-width and bidirectional characters are omitted; one of which nothing can be
        seen comes as it is. The status of an active patient is `active_status`, to the letter.

        A host that keeps them has further columns, each of which it may lack: coverage_start, coverage_end (the first
        and the last day of health care coverage: ISO texts, perhaps impossible dates, a database's zero date as
        0000-00-00, NULL where none was entered), card_version (the version code of the health care card). Without
        coverage_end, nothing is said about coverage.
        """

    def with_phn(self, phn: ColumnElement[str]) -> Select[tuple[int]]:
        """Every patient_id to which `patients` gives this phn: found by an index, where the host has one.

        `phn` is a literal or a parameter of ASCII. What is returned may be kept and used again, as of `patients`.
        """

    def with_phns(self, phns: Collection[str]) -> Select[int]:
        """Every patient_id to which `patients` gives one of these phns, and perhaps of records merged away.

        They are of nine digits each, a few hundred at most. It is asked after `shared_phns`, and may read as much.
        """

    def shared_phns(self, patient_ids: Select[int]) -> Select[str]:
        """Every phn of nine digits that `patients` gives to one of these patients and to another, and perhaps more.

        None may be missing; one too many is looked up for nothing. It is asked once for each panel submitted, and
        reads little besides these patients where the host has an index.
        """

    def last_visit_on(self, patient_id: ColumnElement[int], until: datetime) -> ColumnElement[date]:
        """The civil date of the latest attended visit that started before `until` (aware), as a correlated scalar.

        Cancelled, no-show and deleted appointments are no visits; those of records merged away count for the one kept;
        one without a time counts from the next day on. `patient_id` may be a column of any table.

        Raises ValueError for a naive moment.
        """

    def providers(self) -> FromClause:
        """Every provider, those who have left too: one row each.

        provider_id (text), family_name, given_name, practitioner_id, licence_id, active (boolean).
        """

    def merged(self) -> FromClause:
        """Every record merged away: retired_id, kept_id (the end of a chain of merges)."""

    def merged_phns(self) -> FromClause | None:
        """Of those the ones with a PHN, such as `patients` would give it: retired_id, kept_id, phn (never NULL).

        By it a plugin finds the record kept for a number that no patient has now. None where the host cannot tell.
        """


@runtime_checkable
class RosterWithStoredTexts(Protocol):
    """What a `Roster` may have besides, where it takes long SQL to make the texts of `patients` what they should be.

    A database reads the SQL for each statement: where few patients are shown, it takes longer than to find them.

    .. versionadded:: 1.0
    """

    def stored_patients(self) -> StoredPatients:
        """The same patients as those of `patients`. What is returned may be kept and used again."""


@runtime_checkable
class RosterByMrp(Protocol):
    """What a `Roster` may have besides, where an MRP is compared sooner as it is stored than as `patients` has it.

    .. versionadded:: 1.0
    """

    def with_mrp(self, mrp_id: str) -> Select[int]:
        """Every patient_id to which `patients` gives this mrp_id, and no other. For many of them."""


class Identity(Protocol):
    """Who is asking, and what they may do. The answers are the host's; a plugin keeps none of them.

    Each of them may raise HostUnavailable, for the host to answer: a plugin's interface for programs says it by itself.

    .. versionadded:: 1.0
    """

    @property
    def system(self) -> Actor:
        """The actor of scheduled work, who sees everyone."""

    def current(self) -> Actor | None:
        """The signed-in actor of the current request; None when no one is, and outside of a request."""

    def has(self, actor: Actor, permission: str) -> bool:
        """Whether the actor holds a permission that a plugin has declared, or is an administrator."""

    def may_see(self, actor: Actor, patient_id: int) -> bool:
        """Whether the actor may see this patient."""

    def visible(self, actor: Actor, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
        """The same as `may_see`, as an SQL condition on any column: true or false, never NULL."""


class Schedule(Protocol):
    """The appointments of patients, as SQL that a plugin composes with its own tables.

    .. versionadded:: 1.0
    """

    def appointments(self, day: date) -> FromClause:
        """Every appointment on this civil day that was not cancelled, missed or deleted: one row each.

        appointment_id (int), patient_id (int, of the record kept where records were merged), provider_id (text),
        starts_at (time, NULL where none was entered), arrived (boolean, NULL where the host cannot say). What is booked
        for no patient is not in it.
        """

    def next_on(self, patient_id: ColumnElement[int], after: date) -> ColumnElement[date]:
        """The civil day of the first appointment later than `after`, as a correlated scalar, NULL where there is none.

        Of the same appointments as `appointments`. `patient_id` may be a literal, or a column of any table.
        """


class Visits(Protocol):
    """Which provider has seen which patient, as SQL that a plugin composes with its own tables.

    What is a visit is the rule of `Roster.last_visit_on`.

    .. versionadded:: 1.0
    """

    def last_provider(self, patient_id: ColumnElement[int], until: datetime) -> ColumnElement[str]:
        """The provider_id of the last visit that started before `until` (aware), as a correlated scalar.

        Of several on that day, the one that began last. NULL without a visit, or where it names no provider.
        """

    def attended(self, first: date, until: datetime, patient_id: int | None = None) -> FromClause:
        """Every visit from the civil day `first` on that started before `until` (aware): one row each.

        patient_id (int, of the record kept where records were merged), provider_id (text), visited_on (date),
        started_at (the clinic's day and time without a zone; midnight where no time was entered), status (what has
        become of the appointment, in the host's own letters, which it may also not keep), visit_type and reason (the
        clinic's words). The last three may be NULL.

        With `patient_id` those of this patient alone, where the host has an index without reading all others.
        """


class Homes(Protocol):
    """Where patients live, as SQL that a plugin composes with its own tables.

    .. versionadded:: 1.0
    """

    def address(self, patient_id: ColumnElement[int]) -> ColumnElement[str]:
        """The address of the home in lines, as on a letter, as a correlated scalar; NULL where no street is known.

        People of one home have the same address, but for case and blanks: nothing of the person is in it.
        """


class AuditTrail(Protocol):
    """The host's audit trail.

    .. versionadded:: 1.0
    """

    def record(self, session: "Session", *events: AuditEvent) -> None:
        """Write the events in the transaction of the change that they tell about: there may be ten thousand.

        With few statements, however many they are. Raises Refused where the trail cannot be written.
        """


@runtime_checkable
class AuditTrailOfMany(Protocol):
    """What an `AuditTrail` may have besides, where the trail is in the database: lines of many patients by SQL alone.

    .. versionadded:: 1.0
    """

    def record_each(self, session: "Session", event: AuditEvent, patient_ids: Select[int]) -> None:
        """Write the event under each of these patients, as `record` does with an event for each: ten thousand at most.

        `event.patient_id` is None. In the transaction of the change, which has written what `patient_ids` reads.
        """


@runtime_checkable
class AuditTrailOnConnection(Protocol):
    """What an `AuditTrail` may have besides, where the trail is in the database: lines without an ORM session.

    .. versionadded:: 1.0
    """

    def record_on(self, connection: Connection, *events: AuditEvent) -> None:
        """Write the events in the connection's transaction, as `record` does in that of a session."""


class Database(Protocol):
    """The database that holds the plugin's tables and can reach the host's.

    .. versionadded:: 1.0
    """

    @property
    def engine(self) -> Engine:
        """For reading: a connection is one consistent view of the data from its first statement on.

        Strict, as those of `session()` are: a value that does not fit is an error, never cut or converted.

        The execution option `prepared` marks a statement that is sent very often: a host may let the database keep it
        ready on each connection, or do nothing about it.
        """

    def session(self) -> "AbstractContextManager[Session]":
        """One transaction for writing: committed at the end of the block, rolled back when it raises.

        Of two that change the same row the second waits, and goes on from what the first has written.
        """

    def writing(self) -> AbstractContextManager[Connection]:
        """The same as a plain connection, for work that is done so often that the import of a Session counts."""


class Pages(Protocol):
    """The host's frame around a plugin's pages.

    .. versionadded:: 1.0
    """

    def render(self, *, title: str, body: Markup, section: str) -> str:
        """A complete page with `body` inside the host's own header, menu and footer."""

    def patient_href(self, patient_id: int) -> str:
        """The address of the patient's page, as an absolute path."""

    def sign_in_href(self, back_to: str) -> str:
        """The address at which to sign in and come back to the path `back_to`, as an absolute path."""


class Clock(Protocol):
    """The time, which is always asked of the host.

    .. versionadded:: 1.0
    """

    @property
    def zone(self) -> ZoneInfo:
        """The clinic's time zone."""

    def now(self) -> datetime:
        """The current moment. Its tzinfo is `datetime.UTC`; the clinic's days and hours are `astimezone(zone)`."""


class Host(Protocol):
    """Everything that a plugin can ask of its host.

    .. versionadded:: 1.0
    """

    @property
    def roster(self) -> Roster: ...
    @property
    def identity(self) -> Identity: ...
    @property
    def audit(self) -> AuditTrail: ...
    @property
    def database(self) -> Database: ...
    @property
    def pages(self) -> Pages: ...
    @property
    def clock(self) -> Clock: ...
    @property
    def schedule(self) -> Schedule | None: ...
    @property
    def visits(self) -> Visits | None: ...
    @property
    def homes(self) -> Homes | None: ...
    @property
    def settings(self) -> Mapping[str, str]: ...
