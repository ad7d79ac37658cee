"""OSCAR's audit trail, the table `log`: the port `AuditTrail`."""

import datetime as dt
import re
from collections.abc import Callable

from sqlalchemy import TIMESTAMP, insert
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from cpar_plugin.hooks import AuditEvent, Clock, Refused
from cpar_plugin.host_kit.database import not_allowed
from cpar_plugin.host_kit.time_limits import in_request

from .schema import Present, Tables

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
        self._tables_present = tables_present
        self._clock = clock

    def record(self, session: Session, *events: AuditEvent) -> None:
        """Write the events in the transaction of the change. Raises Refused where the host's log cannot be written.

        A text longer than its column is cut here: OSCAR's server would do it silently, ours would refuse it.
        """
        if not events:
            return
        present = self._tables_present()
        if not present.has(self._table):
            raise Refused(_UNWRITABLE)
        # OSCAR writes the clinic's time, but a TIMESTAMP is read in the connection's zone: UTC.
        zone = dt.UTC if isinstance(present.type_of(self._table.c.dateTime), TIMESTAMP) else self._clock.zone
        now = self._clock.now().astimezone(zone).replace(tzinfo=None, microsecond=0)
        here = _address_of_request()
        rows = [
            {
                "dateTime": now,
                "provider_no": _fitting(event.actor.actor_id, 10),
                "action": _fitting(event.action, 100),
                "content": _fitting(event.noun, 80),
                "contentId": _fitting(event.key, 80),
                "ip": _fitting_or_none(here if event.address is None else event.address, 64),
                "demographic_no": _record_number(event.patient_id),
                "data": _fitting(event.detail, _DATA_LENGTH),
            }
            for event in events
        ]
        missing = [column.name for column in self._table.c if not present.has_column(column)]
        for row in rows:
            for name in missing:
                row.pop(name, None)
        try:
            session.connection().execute(self._insert, rows)
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

    def record(self, session: Session, *events: AuditEvent) -> None:
        """Write nothing."""


def _fitting_or_none(text: str | None, length: int) -> str | None:
    return None if text is None else _fitting(text, length)


def _fitting(text: str, length: int) -> str:
    """Cut to the column's length, without characters that the three-byte utf8 of OSCAR's tables cannot hold."""
    return _BEYOND_THREE_BYTES.sub("\ufffd", text)[:length]
