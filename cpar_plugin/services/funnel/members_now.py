"""The members of each panel as they would be submitted now, in numbers, and against the panel's last submission.

Members and last submissions are read alongside each other, both by panel and patient: memory for one patient at a time.
"""

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Generic, TypeVar

from sqlalchemy import ColumnElement, Connection, func, or_, select, true

from ...domain.cautions import Caution
from ...domain.funnel import PatientCount, SentNow, needs_confirmation_only
from ...domain.reasons import Reason
from ...hooks import Host
from ...settings import Settings
from ...store.tables import member, panel, snapshot, snapshot_piece, submission
from ..roster import coverage, member_rows, same_phn
from ..roster.eligible_in_sql import certainly_eligible
from ..roster.member_rows import MemberRow
from ..snapshots import storage
from ..snapshots.storage import Part
from .kept_months import ARRIVED

_STREAMED = 1000
_PANELS_AT_ONCE = 500
_NO_ONE = (0, None)
_BY_PANEL = (member.c.panel_id, member.c.patient_id)
Value = TypeVar("Value")


@dataclass(slots=True)
class MembersNow:
    """The members of a panel. `excluded` with the reasons of each would not be submitted now."""

    members: int = 0
    excluded: int = 0
    confirmation_only: int = 0
    coverage_ended: int = 0  # of those who would be submitted, and of those excluded for it who were sent
    sent: SentNow | None = None


@dataclass(frozen=True, slots=True)
class JudgedMember:
    """A member, why they would be excluded, and whether their coverage has ended, which nobody has answered."""

    patient_id: int
    reasons: Sequence[Reason] = ()
    coverage_ended: bool = False


@dataclass(frozen=True, slots=True)
class LastArrived:
    """The last submission of a panel that arrived. Not `kept`: who was in it is no longer known."""

    submission_id: int
    snapshot_id: str
    count: PatientCount
    kept: bool


def members_now(
    connection: Connection, host: Host, settings: Settings, panel_id: int | None
) -> Mapping[int, MembersNow]:
    """One panel, or each live one, by panel id. At most seven statements, and one more for each 500 panels."""
    of_panel = () if panel_id is None else (panel.c.panel_id == panel_id,)
    live = select(panel.c.panel_id).where(panel.c.live_number.is_not(None), *of_panel).order_by(panel.c.panel_id)
    panel_ids = connection.scalars(live).all()
    last = last_arrived(connection, panel_id)
    sent = _Grouped(_sent_ids(host, [last[key].snapshot_id for key in panel_ids if key in last and last[key].kept]))
    with closing(_members(connection, host, settings, panel_id)) as pairs:
        members = _Grouped(pairs)
        return {key: _compared(members.of(key), sent.of(key), last.get(key)) for key in panel_ids}


def last_arrived(connection: Connection, panel_id: int | None) -> Mapping[int, LastArrived]:
    """The last submission that arrived, by panel; a panel without one is not in it. One statement."""
    latest = func.row_number().over(
        partition_by=submission.c.panel_id,
        order_by=(submission.c.finished_at.desc(), submission.c.submission_id.desc()),
    )
    ranked = (
        select(
            submission.c.panel_id,
            submission.c.submission_id,
            submission.c.due_on,
            snapshot.c.snapshot_id,
            snapshot.c.sent,
            storage.is_kept(snapshot.c.snapshot_id, Part.INDEX).label("kept"),
            latest.label("rank"),
        )
        .join_from(submission, snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .where(ARRIVED, *(() if panel_id is None else (submission.c.panel_id == panel_id,)))
        .subquery("ranked")
    )
    return {
        row.panel_id: LastArrived(
            row.submission_id, row.snapshot_id, PatientCount(row.sent, row.due_on), bool(row.kept)
        )
        for row in connection.execute(select(ranked).where(ranked.c.rank == 1))
    }


def _members(
    connection: Connection, host: Host, settings: Settings, panel_id: int | None
) -> Generator[tuple[int, JudgedMember], None, None]:
    """Panel and member, by panel and patient."""
    of_panel = () if panel_id is None else (member.c.panel_id == panel_id,)
    ids = select(*_BY_PANEL).where(*of_panel).order_by(*_BY_PANEL)
    with (
        closing(_doubtful(connection, host, settings, panel_id)) as doubtful,
        host.database.engine.connect() as another,
        another.execute(ids.execution_options(yield_per=_STREAMED)) as result,
    ):
        panel_ahead, ahead = next(doubtful, _NO_ONE)
        for key, patient_id in result:
            while ahead and (panel_ahead, ahead.patient_id) < (key, patient_id):
                panel_ahead, ahead = next(doubtful, _NO_ONE)
            is_doubtful = ahead and (panel_ahead, ahead.patient_id) == (key, patient_id)
            yield key, ahead if ahead and is_doubtful else JudgedMember(patient_id)


def _doubtful(
    connection: Connection, host: Host, settings: Settings, panel_id: int | None
) -> Generator[tuple[int, JudgedMember], None, None]:
    """The same of those who are not certainly submitted, or have no coverage: only they are read."""
    now = host.clock.now()
    rules = same_phn.eligibility(connection, host, settings, now)
    members = member_rows.members(host, now=now)
    doubt: ColumnElement[bool] = certainly_eligible(members.selected_columns, rules).is_not(true())
    if coverage.is_watched(host, settings):
        doubt = or_(doubt, coverage.ended_on(members.selected_columns, rules.today))
    query = members.where(doubt, *(() if panel_id is None else (member.c.panel_id == panel_id,)))
    ordered = query.add_columns(member.c.panel_id).order_by(*_BY_PANEL)
    with connection.execute(ordered.execution_options(yield_per=_STREAMED)) as result:
        for *columns, of_panel in result:
            row = MemberRow._make(columns)
            reasons = rules.reasons(row)
            has_ended = Reason.COVERAGE_ENDED in reasons or (
                not reasons and Caution.COVERAGE_ENDED in rules.cautions(row)
            )
            yield of_panel, JudgedMember(row.patient_id, reasons, has_ended)


def _sent_ids(host: Host, snapshot_ids: Sequence[str]) -> Iterator[tuple[int, int]]:
    """Panel and patient of everyone in these snapshots, which are in the order of their panels."""
    for start in range(0, len(snapshot_ids), _PANELS_AT_ONCE):
        query = (
            select(snapshot.c.panel_id, snapshot_piece.c.data)
            .join_from(snapshot, snapshot_piece, snapshot_piece.c.snapshot_id == snapshot.c.snapshot_id)
            .where(
                snapshot.c.snapshot_id.in_(snapshot_ids[start : start + _PANELS_AT_ONCE]),
                snapshot_piece.c.part == Part.INDEX.value,
            )
            .order_by(snapshot.c.panel_id, snapshot_piece.c.position)
        )
        with (
            host.database.engine.connect() as connection,
            connection.execute(query.execution_options(yield_per=1)) as result,
        ):
            for panel_id, data in result:
                for patient_id, _ in storage.index_entries(iter((data,))):
                    yield panel_id, patient_id


class _Grouped(Generic[Value]):
    """Values of ascending keys, given out key by key."""

    def __init__(self, pairs: Iterator[tuple[int, Value]]) -> None:
        self._pairs = pairs
        self._ahead = next(pairs, None)

    def of(self, key: int) -> Iterator[Value]:
        """Those of this key, which is higher than the ones before. To be read to the end."""
        while self._ahead is not None and self._ahead[0] <= key:
            if self._ahead[0] == key:
                yield self._ahead[1]
            self._ahead = next(self._pairs, None)


def _compared(members: Iterable[JudgedMember], sent_ids: Iterator[int], last: LastArrived | None) -> MembersNow:
    counts = MembersNow()
    added = removed = 0
    ahead = next(sent_ids, None)
    for one in members:
        while ahead is not None and ahead < one.patient_id:
            removed += 1
            ahead = next(sent_ids, None)
        was_sent = ahead == one.patient_id
        counts.members += 1
        counts.excluded += bool(one.reasons)
        counts.confirmation_only += needs_confirmation_only(one.reasons)
        counts.coverage_ended += one.coverage_ended and (was_sent or not one.reasons)
        added += not one.reasons and not was_sent
        removed += bool(one.reasons) and was_sent
        if was_sent:
            ahead = next(sent_ids, None)
    while ahead is not None:
        removed += 1
        ahead = next(sent_ids, None)
    if last:
        known = (added, removed) if last.kept else (None, None)
        counts.sent = SentNow(last.submission_id, last.count, *known)
    return counts
