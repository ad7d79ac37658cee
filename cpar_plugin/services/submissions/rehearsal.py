"""A rehearsal of a panel's coming submission: who would be sent and who not, through what, and whether it is held.

Nothing is stored. Each look at it reads the panel once, as the night run does.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection

from ...domain.reasons import Reason
from ...fhir_mappings import bundle
from ...fhir_mappings.panel_group import group_members
from ...fhir_mappings.patient import as_text
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
from .sorted_list import ListEntry
from .through import Cause, Causes, Through, Words


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

    Close it after use: it reads from connections of its own too. Raises NotFound when there is no such panel.
    """

    forecast: Forecast
    through: Sequence[Through]

    def __init__(
        self, connection: Connection, host: Host, settings: Settings, actor: Actor, panel_id: int, show: Standing
    ) -> None:
        super().__init__(connection, host, actor)
        self._settings, self._panel_id, self._show = settings, panel_id, show
        self._now = host.clock.now()
        self._header = BundleHeader.read(connection, host, settings, panel_id)
        self._last = outlook.last_sent(connection, panel_id)

    def find(self, criteria: SnapshotCriteria) -> "Rehearsal":
        """Read the panel once."""
        super().find(criteria)
        return self

    def _entries(self) -> Iterator[ListEntry]:
        count, last = OutlookCount(), self._last
        with ExitStack() as stack:
            engine = self._host.database.engine
            view, changes, exclusions = (stack.enter_context(engine.connect()) for _ in range(3))
            rules = same_phn.eligibility(view, self._host, self._settings, self._now)
            causes = stack.enter_context(closing(Causes(changes, exclusions, self._host, self._panel_id, last)))
            for one in outlook.compared(view, self._host, rules, self._panel_id, last, now=self._now):
                count.add(one)
                found = causes.of(one)
                if one.standing is self._show or (one.reasons and self._show is Standing.EXCLUDED):
                    more = [] if one.reasons else [list(cause) for cause in found if cause != Cause()]
                    kept = orjson.dumps([list(one.reasons), more])
                    yield ListEntry(one.patient_id, one.before, sent=kept)
        self.through = causes.through(self._connection)
        self.forecast = forecast(
            self._connection, self._host, self._settings, self._panel_id, last, count.outlook, self._now
        )

    def _rows(self, entries: Sequence[ListEntry]) -> list[RehearsedPatient]:
        ids = [entry.patient_id for entry in entries]
        visible = visible_patients(self._connection, self._host, self._actor, ids)
        kept = {entry.patient_id: orjson.loads(entry.sent) for entry in entries}
        causes = {key: [_cause(*parts) for parts in found] for key, (_, found) in kept.items()}
        words = Words.read(self._connection, self._host, {cause for found in causes.values() for cause in found})
        numbers = panels_now(self._connection, ids) if self._show is Standing.REMOVED else {}
        fields = self._fields(entries) if self._show is Standing.CHANGED else {}
        return [
            RehearsedPatient(
                patient=visible[key],
                reasons=[Reason(code) for code in kept[key][0]],
                panel_number=numbers.get(key),
                fields=fields.get(key, ()),
                through=[words.through(self._show, cause, 1) for cause in causes[key]],
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
        active = self._host.roster.active_status
        entry = bundle.patient_entries(self._settings, self._header.refer, active_status=active)
        membership, practitioners = group_members(self._settings), as_text(self._header.general_practitioners)

        def written(row: MemberRow) -> SentPatient:
            full_url, text = entry(row, practitioners)
            return sent_patient(text, orjson.dumps(membership(row, full_url)))

        return written


def _cause(kind: str | None, operation_id: int, actor_id: str, how: str, reason: str | None) -> Cause:
    return Cause(
        kind=OperationKind(kind) if kind else None,
        operation_id=operation_id,
        actor_id=actor_id,
        how=how,
        reason=Reason(reason) if reason else None,
    )
