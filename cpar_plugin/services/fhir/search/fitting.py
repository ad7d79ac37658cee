"""Whether resources fit the criteria of a search, also by what they refer to and by what refers to them.

Nothing is followed that the caller may not read: to or from such a resource there is no reference.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, assert_never

from sqlalchemy import ColumnElement, Connection, Select, and_, false, func, not_, or_, true

from ....domain.scopes import SEARCH
from ....fhir_mappings.searchable import SearchType
from ....hooks import Host
from ....settings import Settings
from ....store import tables
from ....store.folding import can_fold
from ....store.sounding import can_sound
from ...clients.caller import Caller
from ..sources import LARGE, everything, source
from ..versions import Versioned
from . import in_memory
from .answers import Answered, Referred, Rows, Sql
from .criteria import AnyCriterion, Chain, Criterion, Has
from .table import SEARCHABLE
from .values import Reference, Token, is_number


@dataclass(frozen=True, slots=True)
class CallerReading:
    """Who reads, and on which connection."""

    connection: Connection
    host: Host
    settings: Settings
    caller: Caller

    def rows(self, kind: str) -> Rows:
        """Those of one of LARGE that the caller may read."""
        can_fold(self.connection)
        can_sound(self.connection)
        of_kind = source(self.host, self.settings, self.caller, kind)
        # A patient who was never read is as new as the membership.
        never_refreshed = tables.member.c.since if kind == "Patient" else of_kind.last_updated
        updated: ColumnElement[Any] = func.coalesce(of_kind.last_updated, never_refreshed)
        return Rows(self.connection, self.host, self.settings, self.caller, of_kind, updated)

    def everything(self, kind: str) -> list[Versioned]:
        """All of a small kind that the caller may read."""
        return everything(self.connection, self.host, self.settings, self.caller, kind)

    def fitting(self, rows: Rows, criteria: Iterable[AnyCriterion]) -> ColumnElement[bool]:
        """Whether a row fits all criteria. At most one is looked up by an index as well, which takes a statement."""
        criteria = list(criteria)
        by_index = next((one for one in criteria if _is_by_index(one)), None)
        possible = _possible(rows, by_index) if isinstance(by_index, Criterion) else None
        fits = (self._fits(rows, criterion) for criterion in criteria)
        return and_(true() if possible is None else possible, *fits)

    def plain(self, criteria: Iterable[AnyCriterion]) -> tuple[Criterion, ...]:
        """The criteria of a small kind, in which chains are replaced by whom they lead to."""
        return tuple(self._plain(criterion) for criterion in criteria)

    def members_meant(self, criteria: Iterable[AnyCriterion], panel_ids: Collection[int]) -> Sequence[int]:
        """The members of panels by whom their Groups were searched for: who asks learns that they are members."""
        rows = self.rows("Patient")
        meant = [self._is_meant(rows, criterion) for criterion in criteria if criterion.parameter.name == "member"]
        if not meant or not panel_ids:
            return ()
        query = rows.source.select().with_only_columns(rows.source.key)
        query = query.where(rows.columns["panel_id"].in_(panel_ids), or_(*meant)).order_by(rows.source.key)
        return self.connection.scalars(query).all()

    def _is_meant(self, rows: Rows, criterion: AnyCriterion) -> ColumnElement[bool]:
        if isinstance(criterion, Criterion):
            keys = (value.key or "" for value in criterion.values if isinstance(value, Reference))
            return rows.source.key.in_([int(key) for key in keys if is_number(key)])
        return self._fits(rows, criterion.fits)

    def _fits(self, rows: Rows, criterion: AnyCriterion) -> ColumnElement[bool]:
        match criterion:
            case Criterion():
                return _fits_values(rows, criterion)
            case Chain():
                through = sql_of(criterion.parameter).through
                assert through, criterion.parameter.name
                return through(rows, self._referred(criterion.kind, criterion.fits))
            case Has():
                targets = self._targets(criterion)
                if isinstance(targets, Select):
                    return rows.source.key.in_(targets)
                return rows.source.key.in_([int(key) for key in targets])
        assert_never(criterion)

    def _plain(self, criterion: AnyCriterion) -> Criterion:
        match criterion:
            case Criterion():
                return criterion
            case Chain():
                ids = self._ids(criterion.kind, criterion.fits)
                return Criterion(criterion.parameter, tuple(Reference(criterion.kind, one) for one in sorted(ids)))
            case Has():
                targets = self._targets(criterion)
                assert not isinstance(targets, Select), criterion.parameter.name
                return Criterion(_ID, tuple(Token(None, one) for one in sorted(targets)))
        assert_never(criterion)

    def _referred(self, kind: str, criterion: AnyCriterion) -> Referred:
        """Which resources of a kind fit."""
        if kind not in LARGE:
            return self._ids(kind, criterion)
        return self._fitting_rows(self.rows(kind), criterion)

    def _fitting_rows(self, rows: Rows, criterion: AnyCriterion) -> Select[Any]:
        may = true() if self.caller.may(rows.source.kind, SEARCH) else false()
        return rows.source.select().where(may, self._fits(rows, criterion)).correlate(None)

    def _ids(self, kind: str, criterion: AnyCriterion) -> frozenset[str]:
        return frozenset(version.resource_id for version in self._few(kind, criterion))

    def _few(self, kind: str, criterion: AnyCriterion) -> list[Versioned]:
        if not self.caller.may(kind, SEARCH):
            return []
        return in_memory.fitting(self.everything(kind), [self._plain(criterion)])

    def _targets(self, has: Has) -> Referred:
        """What the resources that fit refer to."""
        if has.kind in LARGE:
            rows, targets = self.rows(has.kind), sql_of(has.parameter).targets
            assert targets, has.parameter.name
            return targets(rows, self._fitting_rows(rows, has.fits))
        value = has.parameter.value
        assert value, has.parameter.name
        return frozenset(
            reference.rpartition("/")[2] for version in self._few(has.kind, has.fits) for reference in value(version)
        )


_ID = SEARCHABLE["Organization"].parameters["_id"]


def sql_of(parameter: Answered) -> Sql:
    """How a parameter is answered in SQL."""
    assert parameter.sql, parameter.name  # `answers.answered` has checked it
    return parameter.sql


def _is_by_index(criterion: AnyCriterion) -> bool:
    sql = criterion.parameter.sql if isinstance(criterion, Criterion) and len(criterion.values) == 1 else None
    return sql is not None and sql.by_index is not None


def _possible(rows: Rows, criterion: Criterion) -> ColumnElement[bool] | None:
    by_index = sql_of(criterion.parameter).by_index
    assert by_index, criterion.parameter.name
    return by_index(rows, criterion.values[0], criterion.modifier)


def _fits_values(rows: Rows, criterion: Criterion) -> ColumnElement[bool]:
    sql = sql_of(criterion.parameter)
    if criterion.missing is not None:
        present = sql.present(rows)
        return not_(present) if criterion.missing else present
    if criterion.modifier == "not" and criterion.parameter.type is SearchType.TOKEN:
        fits = or_(false(), *(sql.fits(rows, value, None) for value in criterion.values))
        return not_(func.coalesce(fits, false()))
    return or_(false(), *(sql.fits(rows, value, criterion.modifier) for value in criterion.values))
