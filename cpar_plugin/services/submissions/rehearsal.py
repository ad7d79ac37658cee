"""A rehearsal of a panel's coming submission: who would be sent and who not, through what, and whether it is held.

Nothing is stored. Each look at it reads the panel once, as the night run does.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any, Final, assert_never

import orjson
from sqlalchemy import Connection

from ...domain.guard import HoldCause, SubmissionOutlook
from ...domain.reasons import Reason
from ...fhir_mappings import bundle
from ...fhir_mappings.panel_group import group_members
from ...fhir_mappings.patient import Statuses, as_text
from ...fhir_mappings.sent_patient import SentPatient, sent_patient
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member
from ..operations.record import OperationKind
from ..roster import member_rows, same_phn
from ..roster.member_rows import MemberRow
from ..snapshots import outlook
from ..snapshots.bundle_header import BundleHeader
from ..snapshots.outlook import OutlookCount, Standing
from .changes import by_id, panels_now
from .forecast import Forecast, forecast
from .patients import PatientNow, sent_at, visible_patients
from .searched_list import SearchedList, SnapshotCriteria
from .sorted_list import ListEntry, SortedList
from .through import Cause, Causes, Through, Words

LISTS: Final = (Standing.ADDED, Standing.REMOVED, Standing.CHANGED, Standing.EXCLUDED)


@dataclass(frozen=True, slots=True)
class RehearsedPatient:
    """A patient of one list. `panel_number`: the panel that a removed one is on now. `fields`: as of PatientChange."""

    patient: PatientNow
    reasons: Sequence[Reason]
    panel_number: str | None
    fields: Sequence[tuple[str, Any, Any]]
    through: Sequence[Through]  # the operation, or why an added one was excluded; empty where it is `reasons`


class Rehearsal(SearchedList[RehearsedPatient]):
    """A rehearsal with one of its lists. After `find`, `forecast` and `through` say what the whole of it is.

    Without a list in `show`, that is the one to look at first (`first_list`), and `show` says which after `find`. With
    a `reason`, the list has only those who are, or would be, excluded for it.

    Close it after use: it reads from connections of its own too. Raises NotFound when there is no such panel.
    """

    forecast: Forecast
    through: Sequence[Through]

    def __init__(
        self,
        connection: Connection,
        host: Host,
        settings: Settings,
        actor: Actor,
        panel_id: int,
        show: Standing | None,
        reason: Reason | None = None,
    ) -> None:
        super().__init__(connection, host, actor)
        self._settings, self._panel_id, self.show, self._reason = settings, panel_id, show, reason
        self._now = host.clock.now()
        self._header = BundleHeader.read(connection, host, settings, panel_id)
        self._last = outlook.last_sent(connection, panel_id)

    def find(self, criteria: SnapshotCriteria) -> "Rehearsal":
        """Read the panel once."""
        super().find(criteria)
        return self

    def _entries(self) -> Iterator[ListEntry]:
        if self.show is not None:
            yield from (entry for standing, entry in self._compared() if standing is self.show)
            return
        with closing(SortedList(descending=False)) as all_lists:
            all_lists.add((standing.value, entry) for standing, entry in self._compared())
            self.show = first_list(self.forecast)
            for portion in all_lists.portions(self.show.value):
                yield from portion

    def _compared(self) -> Iterator[tuple[Standing, ListEntry]]:
        """Everyone of each list; then it is known what the whole is."""
        count, last = OutlookCount(), self._last
        with ExitStack() as stack:
            engine = self._host.database.engine
            view, changes, exclusions = (stack.enter_context(engine.connect()) for _ in range(3))
            rules = same_phn.eligibility_on_panel(view, self._host, self._settings, self._now, self._panel_id)
            causes = stack.enter_context(closing(Causes(changes, exclusions, self._host, self._panel_id, last)))
            for one in outlook.compared(view, self._host, rules, self._panel_id, last, now=self._now):
                count.add(one)
                found = causes.of(one)
                if one.standing is Standing.SAME or self._reason not in (None, *one.reasons):
                    continue
                more = [] if one.reasons else [list(cause) for cause in found if cause != Cause()]
                entry = ListEntry(one.patient_id, one.before, sent=orjson.dumps([list(one.reasons), more]))
                yield one.standing, entry
                if one.reasons and one.standing is not Standing.EXCLUDED:
                    yield Standing.EXCLUDED, entry
        self.through = causes.through(self._connection)
        self.forecast = forecast(
            self._connection, self._host, self._settings, self._panel_id, last, count.outlook, self._now
        )

    def _rows(self, entries: Sequence[ListEntry]) -> list[RehearsedPatient]:
        assert self.show is not None  # since `find`
        ids, show = [entry.patient_id for entry in entries], self.show
        visible = visible_patients(self._connection, self._host, self._actor, ids)
        kept = {entry.patient_id: orjson.loads(entry.sent) for entry in entries}
        causes = {key: [_cause(*parts) for parts in found] for key, (_, found) in kept.items()}
        words = Words.read(self._connection, self._host, {cause for found in causes.values() for cause in found})
        numbers = panels_now(self._connection, ids) if show is Standing.REMOVED else {}
        fields = self._fields(entries) if show is Standing.CHANGED else {}
        return [
            RehearsedPatient(
                patient=visible[key],
                reasons=[Reason(code) for code in kept[key][0]],
                panel_number=numbers.get(key),
                fields=fields.get(key, ()),
                through=[words.through(show, cause, 1) for cause in causes[key]],
            )
            for key in ids
            if key in visible
        ]

    def _fields(self, entries: Sequence[ListEntry]) -> dict[int, list[tuple[str, Any, Any]]]:
        """What changed, of each patient: as it was sent last time, and as it would be sent."""
        assert self._last is not None
        places = sorted(entry.before for entry in entries)
        before = by_id(sent_at(self._connection, self._last.snapshot_id, places))
        query = member_rows.members(self._host, now=self._now).where(member.c.patient_id.in_(before))
        written = self._writer()
        now = by_id(written(MemberRow._make(row)) for row in self._connection.execute(query))
        return {key: now[key].differences(before[key]) for key in before if key in now}

    def _writer(self) -> Any:
        """How a member would be sent, read back."""
        statuses = Statuses.of(self._host.roster.status_kinds)
        entry = bundle.patient_entries(self._settings, self._header.refer, statuses=statuses)
        membership, practitioners = group_members(self._settings), as_text(self._header.general_practitioners)

        def written(row: MemberRow) -> SentPatient:
            full_url, text = entry(row, practitioners)
            return sent_patient(text.encode(), orjson.dumps(membership(row, full_url)))

        return written


def first_list(forecast: Forecast) -> Standing:
    """The list that explains why the submission would be held; without such a cause, the longest."""
    expected = forecast.outlook
    if forecast.last is not None and not forecast.last.kept:
        return Standing.EXCLUDED  # all that is known
    match forecast.cause:
        case HoldCause.DIFFERS:
            return _longest(expected, (Standing.REMOVED, Standing.ADDED))
        case HoldCause.NONE_LEFT | HoldCause.REASON_JUMPED:
            return _longest(expected, (Standing.EXCLUDED,))
        case None:
            return _longest(expected, LISTS)
        case _:
            assert_never(forecast.cause)


def _longest(expected: SubmissionOutlook, lists: Sequence[Standing]) -> Standing:
    """Of several as long, the first."""
    counts = expected.added, expected.removed, expected.changed, expected.excluded
    lengths = dict(zip(LISTS, counts, strict=True))
    return max(lists, key=lengths.__getitem__)


def _cause(kind: str | None, operation_id: int, actor_id: str, how: str, reason: str | None) -> Cause:
    return Cause(
        kind=OperationKind(kind) if kind else None,
        operation_id=operation_id,
        actor_id=actor_id,
        how=how,
        reason=Reason(reason) if reason else None,
    )
