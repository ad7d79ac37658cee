"""Tasks: the lines of conflict and mismatch reports that are not closed, of members of live panels.

Their versions are compared by digest and numbered as those of other resources: what counts the changes of a line would
begin anew after a backup was restored.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, and_, cast, func, select, true

from ...domain.refusals import NotFound
from ...domain.report_lines import due_on
from ...fhir_mappings.identifiers import relative
from ...fhir_mappings.task import CODE_DISPLAYS, task
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ...store.types import exact
from ..clients.caller import Caller
from .access import Gone, may_read, number
from .versions import CurrentResource, Versioned, digest_of, versioned

_line, _row, _version = tables.report_line.c, tables.report_row.c, tables.resource_version.c
_RESOURCE_ID: ColumnElement[str] = cast(_line.line_id, exact(64))


class TaskSource:
    """The lines that a caller may read: those of accepted patients who are on their panels now."""

    kind = "Task"

    def __init__(self, host: Host, settings: Settings, caller: Caller) -> None:
        self._host = host
        self._settings = settings
        self._caller = caller
        self._merged = host.roster.merged()
        self._kept_id: ColumnElement[int] = func.coalesce(self._merged.c.kept_id, _row.patient_id)
        self.key: ColumnElement[int] = _line.line_id
        self.last_updated: ColumnElement[Any] = func.coalesce(_version.last_updated, _line.changed_at, _line.opened_at)
        self.columns: Mapping[str, ColumnElement[Any]] = {
            **{name: _line[name] for name in ("line_id", "kind", "state", "owner_id", "opened_at", "changed_at")},
            "patient_id": tables.member.c.patient_id,
            "panel_id": tables.member.c.panel_id,
            **{name: _version[name] for name in ("digest", "version", "last_updated")},
        }

    def select(self) -> Select[Any]:
        """Every line that the caller may read, in `columns`: to be narrowed, ordered and cut by those."""
        line, member, version = tables.report_line, tables.member, tables.resource_version
        of_line = and_(_row.report_id == _line.report_id, _row.line_key == _line.line_key)
        source = (
            line.join(tables.report_row, of_line)
            .outerjoin(self._merged, self._merged.c.retired_id == _row.patient_id)
            .join(member, member.c.patient_id == self._kept_id)
            .outerjoin(version, and_(_version.kind == self.kind, _version.resource_id == _RESOURCE_ID))
        )
        return (
            select(*(column.label(name) for name, column in self.columns.items()))
            .select_from(source)
            .where(_line.closed_at.is_(None), _line.kind.in_(tuple(CODE_DISPLAYS)), _row.accepted == true())
            .where(may_read(self._host, self._caller, member.c.patient_id))
        )

    def versioned(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[Versioned]:
        """The resources of rows of `select`. A short transaction where something has changed."""
        entries = [
            CurrentResource(self.kind, str(row.line_id), (self.kind, str(row.line_id)), self._text(row), row)
            for row in rows
        ]
        return versioned(self._host, tables.resource_version, entries)

    def read(self, connection: Connection, resource_id: str) -> Versioned:
        """One line. Raises NotFound, and Gone for one that was there, to a client of all panels."""
        row = connection.execute(self.select().where(self.key == number(resource_id))).one_or_none()
        if row is not None:
            return self.versioned(connection, [row])[0]
        earlier = select(_version.kind).where(_version.kind == self.kind, _version.resource_id == resource_id)
        reads_all = self._caller.client_id is not None and self._caller.panels is None
        if reads_all and connection.scalar(earlier) is not None:
            raise Gone("This line is closed, or its patient is no longer on a panel.")
        raise NotFound("No open conflict or mismatch of a patient on a panel you can read has this ID.")

    def changed(self, rows: Iterable[Row[Any]]) -> Iterator[dict[str, Any]]:
        """Of rows of `select` those whose content is not what it was, as `store.versions.put` takes them."""
        for row in rows:
            content = digest_of(self._text(row))
            if content != row.digest:
                yield {"kind": self.kind, "resource_id": str(row.line_id), "digest": content}

    def gone(self) -> Select[Any]:
        """The `resource_id` of what was there and is not in `select`."""
        current = self.select().with_only_columns(_RESOURCE_ID.label("resource_id")).subquery("current_tasks")
        return (
            select(_version.resource_id)
            .select_from(tables.resource_version.outerjoin(current, current.c.resource_id == _version.resource_id))
            .where(_version.kind == self.kind, _version.gone_at.is_(None), current.c.resource_id.is_(None))
        )

    def _text(self, row: Row[Any]) -> bytes:
        due = due_on(row.opened_at, self._settings.report_due_days, self._host.clock.zone)
        return orjson.dumps(task(row, due, self._settings, relative))
