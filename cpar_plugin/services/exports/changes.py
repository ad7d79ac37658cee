"""What has changed since an earlier export: who has joined or left, and what is gone."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cached_property
from itertools import chain, product
from typing import Any

import orjson
from sqlalchemy import ColumnElement, Connection, Select, and_, exists, or_, select, true

from ...fhir_mappings.identifiers import resource_id, role_id
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ...store import versions as stored_versions
from ...store.versions import to_the_second
from ..clients.caller import Caller
from ..fhir.access import may_read, visible
from ..fhir.directory import DirectorySource
from ..operations.record import OperationKind

_MEMBER, _LEDGER, _OPERATION, _PANEL = tables.member, tables.ledger, tables.operation, tables.panel
_VERSION = tables.patient_version


class ExportChanges:
    """As one connection sees them, for a caller: from `since`, a whole second as `lastUpdated` is, to before `until`.

    When a patient joined or left is in the ledger alone: an undo gives a membership back with its old dates.
    """

    def __init__(
        self,
        connection: Connection,
        host: Host,
        settings: Settings,
        caller: Caller,
        since: datetime,
        until: datetime | None,
    ) -> None:
        self._connection = connection
        self._host = host
        self._settings = settings
        self._caller = caller
        self.since = to_the_second(since)
        self._until = until

    def concerned(self) -> ColumnElement[bool]:
        """Whether a member has joined since, or moved between panels; used with `cpar_member` in a statement."""
        return exists().where(_LEDGER.c.patient_id == _MEMBER.c.patient_id, *self._moved())

    @cached_property
    def panels_were_edited(self) -> bool:
        """Whether a panel has been made or edited: its providers may be others, who themselves have not changed."""
        return self._done_to_panels(OperationKind.CREATE_PANEL, OperationKind.EDIT_PANEL)

    def deleted(self, kind: str, at_once: int) -> Iterator[Sequence[object]]:
        """The ids of a kind that the caller could read before and can no longer, some at a time. An id may come twice.

        The caller never saw some of them: they joined and left in between.
        """
        match kind:
            case "Patient":
                yield from self._streamed(self._former_members(), at_once)
                for ids in self._streamed(self._without_record(), at_once):
                    self._mark_gone(ids)
                    yield ids
            case "Group":
                query = select(_PANEL.c.panel_id).where(self._within(_PANEL.c.deleted_at), self._on_panels(_PANEL))
                yield from self._streamed(query, at_once)
            case _:
                if gone_ids := self._gone_from_panels(kind):
                    yield gone_ids

    def _moved(self) -> tuple[ColumnElement[bool], ...]:
        """Entries of the ledger that changed a panel, not only a date."""
        return (
            _LEDGER.c.operation_id == _OPERATION.c.operation_id,
            self._within(_OPERATION.c.at),
            _LEDGER.c.from_panel_id.is_distinct_from(_LEDGER.c.to_panel_id),
        )

    def _within(self, moment: ColumnElement[Any]) -> ColumnElement[bool]:
        """Whether something was done in the time asked for."""
        return and_(moment >= self.since, true() if self._until is None else moment < self._until)

    def _on_panels(self, table: Any) -> ColumnElement[bool]:
        panels = self._caller.panels
        return true() if panels is None else table.c.panel_id.in_(panels)

    def _former_members(self) -> Select[int]:
        panels, patient_id = self._caller.panels, _LEDGER.c.patient_id
        was_member = _LEDGER.c.from_panel_id.is_not(None) if panels is None else _LEDGER.c.from_panel_id.in_(panels)
        is_member = exists().where(_MEMBER.c.patient_id == patient_id, self._on_panels(_MEMBER))
        return (
            select(patient_id)
            .distinct()
            .where(*self._moved(), was_member, ~is_member, visible(self._host, self._caller, patient_id))
        )

    def _without_record(self) -> Select[int]:
        """Members without a record in the EMR who were read before."""
        record = self._host.roster.patients()
        return (
            select(_MEMBER.c.patient_id)
            .select_from(
                _MEMBER.join(_VERSION, _VERSION.c.patient_id == _MEMBER.c.patient_id).outerjoin(
                    record, record.c.patient_id == _MEMBER.c.patient_id
                )
            )
            .where(
                record.c.patient_id.is_(None),
                or_(_VERSION.c.gone_at.is_(None), self._within(_VERSION.c.gone_at)),
                may_read(self._host, self._caller, _MEMBER.c.patient_id),
            )
        )

    def _mark_gone(self, patient_ids: Sequence[int]) -> None:
        """So that a patient who comes back, unchanged, is exported again."""
        with self._host.database.session() as session:
            keys = _VERSION.c.patient_id.in_(patient_ids)
            stored_versions.mark_gone(session, _VERSION, keys, self._host.clock.now())

    def _done_to_panels(self, *kinds: OperationKind) -> bool:
        operations = exists().where(
            _OPERATION.c.kind.in_(kinds), self._within(_OPERATION.c.at), self._on_panels(_OPERATION)
        )
        return bool(self._connection.scalar(select(operations)))

    def _gone_from_panels(self, kind: str) -> list[str]:
        """Providers and facilities that were ever entered for these panels, and are of none of them now."""
        if not self._done_to_panels(OperationKind.EDIT_PANEL, OperationKind.DELETE_PANEL):
            return []
        entered = select(_OPERATION.c.detail).where(
            _OPERATION.c.kind.in_((OperationKind.CREATE_PANEL, OperationKind.EDIT_PANEL)), self._on_panels(_OPERATION)
        )
        drafts = map(orjson.loads, self._connection.scalars(entered))
        entered_ids = set(chain.from_iterable(_ids(kind, draft) for draft in drafts))
        source = DirectorySource(self._host, self._settings, self._caller, kind)
        return sorted(entered_ids - {resource["id"] for resource in source.resources(self._connection)})

    def _streamed(self, query: Select[int], at_once: int) -> Iterator[Sequence[int]]:
        with self._connection.execute(query.execution_options(yield_per=at_once)) as result:
            for rows in result.partitions():
                yield [row[0] for row in rows]


def _ids(kind: str, draft: dict[str, Any]) -> Iterable[str]:
    """The resources of a kind that a panel, as it was entered (domain.panel.PanelDraft), makes."""
    facilities, providers = draft["facilities"], [provider["provider_id"] for provider in draft["providers"]]
    match kind:
        case "Location":
            return list(facilities)
        case "Practitioner":
            return map(resource_id, providers)
        case "PractitionerRole":
            return (role_id(*pair) for pair in product(providers, facilities))
    return ()
