"""OSCAR's audit trail, the table `log`: the port `AuditTrail`."""

import datetime as dt
import json
import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import TIMESTAMP, ColumnElement, Connection, Select, case, func, insert, literal, select
from sqlalchemy.exc import OperationalError

from cpar_plugin.hooks import AuditEvent, Clock, Refused
from cpar_plugin.host_kit.database import not_allowed
from cpar_plugin.host_kit.time_limits import in_request
from cpar_plugin.store.insertion import Insertion

from .present import Present
from .schema import Tables

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

_UNWRITABLE = (
    "The change was not made, because the EMR's audit log cannot be written. Give the database account the right to "
    "insert into the table log, or set audit = ledger to keep the record in the plugin's own ledger only."
)
_BEYOND_THREE_BYTES = re.compile("[^\u0000-\uffff]")
_DATA_LENGTH = 4000
_LARGEST_NUMBER = 2**31 - 1  # of OSCAR's records: what is looked for by a larger one is nobody


class OscarAuditTrail:
    """One row of `log` for each event, as OSCAR's own pages write them. OSCAR only ever inserts there."""

    def __init__(self, tables: Tables, tables_present: Callable[[], Present], clock: Clock) -> None:
        """`tables_present` says which of the tables exist."""
        self._table = tables.log
        self._insert = insert(tables.log)
        self._insertion = cache(partial(Insertion, tables.log))  # of the columns that this fork has
        self._tables_present = tables_present
        self._clock = clock

    def record(self, session: "Session", *events: AuditEvent) -> None:
        """Write the events in the transaction of the change. Raises Refused where the host's log cannot be written."""
        if events:
            self.record_on(session.connection(), *events)

    def record_on(self, connection: Connection, *events: AuditEvent) -> None:
        """The same in the transaction of a connection.

        A text longer than its column is cut here: OSCAR's server would do it silently, ours would refuse it.
        """
        if not events:
            return
        present = self._present()
        now, here = self._now(present), _address_of_request()
        lines: dict[Hashable, dict[str, object]] = {}  # what many events have in common is put together once
        rows = []
        for event in events:
            words = event.actor.actor_id, event.action, event.noun, event.key, event.address, event.detail
            if words not in lines:
                lines[words] = self._line(event, now, here, present)
            rows.append((lines[words], _record_number(event.patient_id)))
        with _explained():
            self._write(connection, rows, about_patients=present.has_column(self._table.c.demographic_no))

    def record_each(self, session: "Session", event: AuditEvent, patient_ids: Select[int]) -> None:
        """Write the event under each of these patients: one statement, without a look at any of them here."""
        present = self._present()
        line = self._line(event, self._now(present), _address_of_request(), present)
        about = patient_ids.subquery("about")
        values: dict[str, ColumnElement[Any]] = {
            name: literal(value, self._table.c[name].type) for name, value in line.items()
        }
        if present.has_column(self._table.c.demographic_no):
            [patient_id] = about.c
            values["demographic_no"] = case((patient_id <= _LARGEST_NUMBER, patient_id))
        with _explained():
            session.execute(self._insert.from_select(list(values), select(*values.values()).select_from(about)))

    def _present(self) -> Present:
        """What the database has. Raises Refused where it has no log."""
        present = self._tables_present()
        if not present.has(self._table):
            raise Refused(_UNWRITABLE)
        return present

    def _now(self, present: Present) -> dt.datetime:
        """OSCAR writes the clinic's time, but a TIMESTAMP is read in the connection's zone: UTC."""
        zone = dt.UTC if issubclass(present.type_of(self._table.c.dateTime), TIMESTAMP) else self._clock.zone
        return self._clock.now().astimezone(zone).replace(tzinfo=None, microsecond=0)

    def _line(self, event: AuditEvent, now: dt.datetime, here: str | None, present: Present) -> dict[str, object]:
        """A row without the patient, in the columns that this fork has."""
        values = {
            "dateTime": now,
            "provider_no": _fitting(event.actor.actor_id, 10),
            "action": _fitting(event.action, 100),
            "content": _fitting(event.noun, 80),
            "contentId": _fitting(event.key, 80),
            "ip": _fitting_or_none(here if event.address is None else event.address, 64),
            "data": _fitting(event.detail, _DATA_LENGTH),
        }
        return {name: value for name, value in values.items() if present.has_column(self._table.c[name])}

    def _write(
        self, connection: Connection, rows: list[tuple[dict[str, object], int | None]], *, about_patients: bool
    ) -> None:
        line, same = rows[0][0], all(line is rows[0][0] for line, _ in rows)
        if connection.dialect.name == "sqlite" and same and about_patients and len(rows) > 1:
            # Of one line for each of many patients SQLite takes half the time when it gets the line once.
            numbers = func.json_each(json.dumps([number for _, number in rows])).table_valued("value")
            values = [literal(value, self._table.c[name].type) for name, value in line.items()]
            query = select(*values, numbers.c.value)
            connection.execute(self._insert.from_select([*line, "demographic_no"], query))
            return
        columns = (*line, "demographic_no") if about_patients else (*line,)
        numbered = ((*line.values(), number) if about_patients else tuple(line.values()) for line, number in rows)
        self._insertion(columns).add(connection, list(numbered))


@contextmanager
def _explained() -> Iterator[None]:
    """Raises Refused where the account may not write."""
    try:
        yield
    except OperationalError as error:
        if not not_allowed(error):
            raise
        raise Refused(_UNWRITABLE) from None


def _address_of_request() -> str | None:
    """Where the request comes from, "" where that is not known; None outside of one."""
    if not in_request():
        return None
    from flask import request

    return request.remote_addr or ""


def _record_number(patient_id: int | None) -> int | None:
    return None if patient_id is None or patient_id > _LARGEST_NUMBER else patient_id


class NoAuditTrail:
    """For an account that may not write to OSCAR's `log`: the plugin's own ledger is the only record then."""

    def record(self, session: "Session", *events: AuditEvent) -> None:
        """Write nothing."""

    def record_on(self, connection: Connection, *events: AuditEvent) -> None:
        """Write nothing."""

    def record_each(self, session: "Session", event: AuditEvent, patient_ids: Select[int]) -> None:
        """Write nothing, and do not look who they are."""


def _fitting_or_none(text: str | None, length: int) -> str | None:
    return None if text is None else _fitting(text, length)


def _fitting(text: str, length: int) -> str:
    """Cut to the column's length, without characters that the three-byte utf8 of OSCAR's tables cannot hold."""
    return _BEYOND_THREE_BYTES.sub("\ufffd", text)[:length]
