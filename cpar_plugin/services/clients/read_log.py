"""Who has read which patients through the FHIR interface: one record for each read, written before the answer leaves.

A read waits until its record is committed. Reads of the same moment share a transaction: while one thread writes, the
records of the others come together, and the next of them writes them all. A read whose record cannot be written is
refused.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from threading import Condition
from time import monotonic

from sqlalchemy import Connection
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.orm import Session

from ...domain.refusals import Refused
from ...hooks import AuditEvent, AuditTrail, AuditTrailOnConnection, Host
from ...settings import LookLines, load
from ...store import tables
from ...store.adding import adding
from ...store.insertion import Insertion
from ...store.waiting import came_between
from ..operations import looks
from . import read_sets
from .caller import Caller

log = logging.getLogger(__name__)

_MOST_SECONDS = 10.0  # that a read waits for the writing of others
_ATTEMPTS = 10  # each time another process was quicker
_READS = Insertion(
    tables.read,
    ("at", "actor_id", "interaction", "kind", "resource_id", "patients", "address", "patient_id", "set_digest"),
)


class Interaction(StrEnum):
    """How patients were read."""

    READ = "read"
    SEARCH = "search"
    EXPORT = "export"
    NOTIFICATION = "notification"  # sent to a client that has subscribed


class LogUnavailable(Exception):
    """No record can be written: without one, nothing is read."""


@dataclass(frozen=True, slots=True)
class PatientRead:
    """One read of patients. `resource_id` is "" for a search; `patients`: how many, where no numbers are recorded."""

    interaction: Interaction
    kind: str
    resource_id: str = ""
    patients: int | None = None
    patient_ids: Sequence[int] = ()


@dataclass(slots=True)
class _ReadRecord:
    """One read. `written` is None until it is decided."""

    at: datetime
    caller: Caller
    interaction: Interaction
    kind: str
    resource_id: str
    patients: int
    patient_ids: Sequence[int]
    patient_id: int | None
    set_digest: bytes | None
    address: str
    written: bool | None = None


class Reads:
    """Takes records from any thread. A process has its own."""

    def __init__(self, host: Host, *, most_seconds: float = _MOST_SECONDS) -> None:
        self._host = host
        self._most_seconds = most_seconds
        self._lines = load(host.settings).look_lines
        self._record = _recorder(host.audit)
        self._waiting: list[_ReadRecord] = []
        self._changed = Condition()
        self._writing = False

    def note(
        self,
        caller: Caller,
        interaction: Interaction,
        kind: str,
        resource_id: str = "",
        patients: int | None = None,
        *,
        patient_ids: Sequence[int] = (),
        address: str = "",
    ) -> None:
        """Record one read of these patients, from an address. To be called before they are given out.

        `patients` says how many they are where their numbers are not recorded. Raises LogUnavailable.
        """
        self.note_all(caller, [PatientRead(interaction, kind, resource_id, patients, patient_ids)], address)

    def note_all(
        self, caller: Caller, reads: Sequence[PatientRead], address: str, reader: Connection | None = None
    ) -> None:
        """The same for several reads of one caller, together. `reader`: see `adding`."""
        now = self._host.clock.now()
        records = [
            _ReadRecord(
                now,
                caller,
                read.interaction,
                read.kind,
                read.resource_id,
                len(read.patient_ids) if read.patients is None else read.patients,
                read.patient_ids,
                read.patient_ids[0] if len(read.patient_ids) == 1 else None,
                read_sets.digest_of(read.patient_ids),
                address[:64],
            )
            for read in reads
        ]
        if not records:
            return
        group = self._join(records)
        if group:
            self._write_group(group, reader)
        if not all(record.written for record in records):
            raise LogUnavailable

    def _join(self, records: list[_ReadRecord]) -> list[_ReadRecord]:
        """Wait until they are decided, or are to be written by this thread: then with all that wait by now."""
        until = monotonic() + self._most_seconds
        first = records[0]  # what comes together is decided together
        with self._changed:
            self._waiting.extend(records)
            while self._writing and first.written is None:
                if not self._changed.wait(until - monotonic()) and any(each is first for each in self._waiting):
                    given_up = set(map(id, records))
                    self._waiting = [each for each in self._waiting if id(each) not in given_up]
                    for record in records:
                        record.written = False
            if first.written is not None:
                return []
            self._writing = True
            group, self._waiting = self._waiting, []
            return group

    def _write_group(self, group: list[_ReadRecord], reader: Connection | None) -> None:
        written = False
        try:
            self._write(group, reader)
            written = True
        except SQLAlchemyError as error:
            log.error("%d reads through the FHIR interface could not be logged (%s).", len(group), type(error).__name__)
        finally:
            with self._changed:
                for record in group:
                    record.written = written
                self._writing = False
                self._changed.notify_all()

    def _write(self, group: Sequence[_ReadRecord], reader: Connection | None) -> None:
        for attempt in range(_ATTEMPTS):
            try:
                self._write_once(group, reader, with_sets=attempt > 0)
            except DBAPIError as error:
                if attempt == _ATTEMPTS - 1 or not came_between(error):
                    raise
            else:
                return

    def _write_once(self, group: Sequence[_ReadRecord], reader: Connection | None, *, with_sets: bool) -> None:
        try:
            with adding(self._host.database, reader) as connection:
                _add(connection, group, with_sets=with_sets)
                self._record(connection, *(event for record in group for event in _events(self._lines, record)))
        except Refused:  # the host's log cannot be written: ours is the record then
            with adding(self._host.database, reader) as connection:
                _add(connection, group, with_sets=with_sets)


def _recorder(audit: AuditTrail) -> Callable[..., None]:
    """What writes lines of the host's trail in the transaction of a connection."""
    if isinstance(audit, AuditTrailOnConnection):
        return audit.record_on

    def record(connection: Connection, *events: AuditEvent) -> None:
        with Session(connection, join_transaction_mode="rollback_only") as session, session.begin():
            audit.record(session, *events)

    return record


def _add(connection: Connection, group: Sequence[_ReadRecord], *, with_sets: bool) -> None:
    """Add the reads, by one statement. Without `with_sets` it fails where a set of patients is not there yet."""
    if with_sets:
        read_sets.make(connection, {each.set_digest: each.patient_ids for each in group if each.set_digest})
    rows = [
        (
            record.at,
            record.caller.actor.actor_id,
            record.interaction,
            record.kind,
            record.resource_id,
            record.patients,
            record.address,
            record.patient_id,
            record.set_digest,
        )
        for record in group
    ]
    _READS.add(connection, rows)


def _events(kind: LookLines, record: _ReadRecord) -> Iterator[AuditEvent]:
    """The lines of the host's audit trail: as many as the numbers need, or one for each patient."""
    actor = record.caller.actor
    words = f"{record.interaction} by {actor.display_name} ({actor.actor_id}): {record.patients}"
    for of_line in looks.lines(kind, record.patient_ids):
        yield AuditEvent(
            actor=actor,
            action="read",
            noun=f"cparFhir{record.kind}",
            key=record.resource_id or str(record.interaction),
            patient_id=of_line[0] if len(of_line) == 1 else None,
            detail=f"{words}: {' '.join(map(str, of_line))}" if of_line else words,
            address=record.address,
        )
