"""Who has read which patients through the FHIR interface: one record for each read, written in groups.

After `start` a read does not wait for its record: that is written within a second, or with the hundredth; the rest by
`stop`. While the database cannot be written, records wait in memory and are tried again every second; when too
many wait, reads are refused. Only a process that is killed outright loses those of its last second. Before `start`
and after `stop` each record is written at once.
"""

import logging
from collections import deque
from enum import StrEnum
from itertools import islice
from threading import Condition, Lock, Thread
from typing import Any

from sqlalchemy import insert
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from ...domain.refusals import Refused
from ...hooks import AuditEvent, Host
from ...store import tables
from .caller import Caller

log = logging.getLogger(__name__)

_SECONDS = 1.0
_GROUP = 100
_MOST_AT_ONCE = 1000
_MOST_WAITING = 10_000
_STOP_SECONDS = 30.0


class Interaction(StrEnum):
    """How patients were read."""

    READ = "read"
    SEARCH = "search"
    EXPORT = "export"


class LogUnavailable(Exception):
    """So many records wait for the database that no more are taken: without a record, nothing is read."""


class Reads:
    """Takes records from any thread. A process has its own."""

    def __init__(self, host: Host, *, most_waiting: int = _MOST_WAITING) -> None:
        self._host = host
        self._most_waiting = most_waiting
        self._waiting: deque[dict[str, Any]] = deque()
        self._changed = Condition()
        self._writing = Lock()
        self._writer: Thread | None = None
        self._started = False
        self._stopping = False

    def start(self) -> None:
        """From now on, let records be written in the background."""
        self._started = True

    def note(
        self,
        caller: Caller,
        interaction: Interaction,
        kind: str,
        resource_id: str = "",
        patients: int = 1,
        *,
        address: str = "",
    ) -> None:
        """Note one read, of `patients` patients, from an address. To be called before they are given out.

        Raises LogUnavailable.
        """
        record = {
            "at": self._host.clock.now(),
            "actor": caller.actor,
            "interaction": interaction,
            "kind": kind,
            "resource_id": resource_id,
            "patients": patients,
            "address": address[:64],
        }
        if not self._started:
            self._write_now(record)
            return
        with self._changed:
            if len(self._waiting) >= self._most_waiting:
                raise LogUnavailable
            self._waiting.append(record)
            if self._writer is None:
                self._writer = Thread(target=self._write_on, name="cpar-reads", daemon=True)
                self._writer.start()
            elif len(self._waiting) >= _GROUP:
                self._changed.notify()

    def stop(self) -> None:
        """Write what still waits, and say so in the log when that is not possible."""
        self._started = False
        with self._changed:
            writer, self._stopping = self._writer, True
            self._changed.notify()
        if writer:
            writer.join(_STOP_SECONDS)
        while self._waiting and self._write_group():
            pass
        if self._waiting:
            log.error("%d reads through the FHIR interface could not be logged.", len(self._waiting))
        self._stopping = False

    def _write_now(self, record: dict[str, Any]) -> None:
        try:
            self._write([record])
        except SQLAlchemyError as error:
            log.error("A read through the FHIR interface could not be logged (%s).", type(error).__name__)
            raise LogUnavailable from None

    def _write_on(self) -> None:
        """Write as long as there is something to write, then end: the next record begins again."""
        worked = True
        while True:
            with self._changed:
                if worked:
                    self._changed.wait_for(lambda: self._stopping or len(self._waiting) >= _GROUP, _SECONDS)
                else:
                    self._changed.wait(_SECONDS)
                if self._stopping or not self._waiting:
                    self._writer = None
                    return
            worked = self._write_group()

    def _write_group(self) -> bool:
        """Write what waits, or the first thousand of it. False when that was not possible: they wait on."""
        with self._writing:
            with self._changed:
                records = list(islice(self._waiting, _MOST_AT_ONCE))
            try:
                self._write(records)
            except SQLAlchemyError as error:
                log.error("Reads through the FHIR interface are waiting to be logged (%s).", type(error).__name__)
                return False
            with self._changed:
                for _ in records:
                    self._waiting.popleft()
        return True

    def _write(self, records: list[dict[str, Any]]) -> None:
        try:
            with self._host.database.session() as session:
                self._add(session, records)
                self._host.audit.record(session, *map(_event, records))
        except Refused:  # the host's log cannot be written: ours is the record then
            with self._host.database.session() as session:
                self._add(session, records)

    def _add(self, session: Session, records: list[dict[str, Any]]) -> None:
        rows = [{**record, "actor_id": record["actor"].actor_id} for record in records]
        for row in rows:
            del row["actor"]
        session.execute(insert(tables.read), rows)


def _event(record: dict[str, Any]) -> AuditEvent:
    kind, resource_id, actor = record["kind"], record["resource_id"], record["actor"]
    of_one = kind == "Patient" and resource_id.isdigit()
    return AuditEvent(
        actor=actor,
        action="read",
        noun=f"cparFhir{kind}",
        key=resource_id or str(record["interaction"]),
        patient_id=int(resource_id) if of_one else None,
        detail=f"{record['interaction']} by {actor.display_name} ({actor.actor_id}): {record['patients']}",
        address=record["address"],
    )
