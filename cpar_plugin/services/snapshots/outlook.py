"""A panel as it would be submitted now, compared with its last submission that arrived. Nothing is stored.

Members and the last submission are read side by side, both in the order of patient ids: memory for one at a time.
"""

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from hashlib import blake2b
from typing import NamedTuple

import orjson
from sqlalchemy import Connection, select

from ...domain.eligibility import Eligibility
from ...domain.guard import SentBefore, SubmissionOutlook
from ...domain.reasons import Reason
from ...domain.submission import SubmissionState
from ...hooks import Host
from ...store.tables import snapshot, submission
from ..roster import member_rows
from ..roster.member_rows import MemberRow
from . import storage
from .storage import Part

_ARRIVED = (SubmissionState.DELIVERED, SubmissionState.WRITTEN)


class Standing(StrEnum):
    """What would become of a patient in the coming submission. The value is what the list is called in addresses."""

    ADDED = "added"
    REMOVED = "removed"  # was sent last time, and would not be: excluded now, or no longer on the panel
    CHANGED = "changed"
    SAME = "same"
    EXCLUDED = "excluded"  # and was not sent last time either


class ComparedMember(NamedTuple):
    """One patient. `reasons`: why they would be excluded, none of one who is no longer on the panel.

    `before`: their place in the last submission, -1 where they were not sent.
    """

    patient_id: int
    standing: Standing
    reasons: Sequence[Reason] = ()
    before: int = -1


@dataclass(frozen=True, slots=True)
class LastSent:
    """A panel's last submission that arrived."""

    submission_id: int
    snapshot_id: str
    taken_at: datetime
    sent: int
    reasons: dict[Reason, int]
    kept: bool  # who was in it is still known

    @property
    def before(self) -> SentBefore:
        """With what the guard compares."""
        return SentBefore(self.sent, self.reasons, self.kept)


def content_hash(row: MemberRow) -> bytes:
    """What is kept of the values that a submission sends of a patient, to see whether they have changed."""
    return blake2b(orjson.dumps(row.sent), digest_size=storage.HASH_BYTES).digest()


def last_sent(connection: Connection, panel_id: int) -> LastSent | None:
    """The panel's last submission that arrived; None before the first. One statement."""
    row = connection.execute(
        select(
            submission.c.submission_id,
            snapshot.c.snapshot_id,
            snapshot.c.taken_at,
            snapshot.c.sent,
            snapshot.c.reasons,
            storage.is_kept(snapshot.c.snapshot_id, Part.INDEX).label("kept"),
        )
        .join_from(submission, snapshot, snapshot.c.snapshot_id == submission.c.snapshot_id)
        .where(submission.c.panel_id == panel_id, submission.c.state.in_(_ARRIVED))
        .order_by(submission.c.finished_at.desc(), submission.c.submission_id.desc())
        .limit(1)
    ).one_or_none()
    if row is None:
        return None
    reasons = {Reason(code): count for code, count in json.loads(row.reasons).items()}
    return LastSent(row.submission_id, row.snapshot_id, row.taken_at, row.sent, reasons, bool(row.kept))


def compared(
    view: Connection, host: Host, rules: Eligibility, panel_id: int, last: LastSent | None, *, now: datetime
) -> Iterator[ComparedMember]:
    """Every member of the panel and everyone sent last time, by ascending patient id, streamed on `view`."""
    entries = enumerate(storage.index_entries(storage.read(host, last.snapshot_id, Part.INDEX)) if last else ())
    none = (-1, None)
    place, ahead = next(entries, none)
    for row in member_rows.member_rows(view, host, panel_id, now=now):
        while ahead is not None and ahead[0] < row.patient_id:
            yield ComparedMember(ahead[0], Standing.REMOVED, before=place)
            place, ahead = next(entries, none)
        reasons = rules.reasons(row)
        if ahead is None or ahead[0] != row.patient_id:
            yield ComparedMember(row.patient_id, Standing.EXCLUDED if reasons else Standing.ADDED, reasons)
            continue
        if reasons:
            yield ComparedMember(row.patient_id, Standing.REMOVED, reasons, place)
        else:
            same = ahead[1] == content_hash(row)
            yield ComparedMember(row.patient_id, Standing.SAME if same else Standing.CHANGED, before=place)
        place, ahead = next(entries, none)
    while ahead is not None:
        yield ComparedMember(ahead[0], Standing.REMOVED, before=place)
        place, ahead = next(entries, none)


class OutlookCount:
    """Counts what passes by."""

    def __init__(self) -> None:
        self._standings: Counter[Standing] = Counter()
        self._reasons: Counter[Reason] = Counter()
        self._excluded = 0

    def add(self, one: ComparedMember) -> None:
        """Count one patient."""
        self._standings[one.standing] += 1
        self._excluded += bool(one.reasons)
        self._reasons.update(one.reasons)

    @property
    def outlook(self) -> SubmissionOutlook:
        """All of them, in numbers."""
        counts = self._standings
        return SubmissionOutlook(
            sent=counts[Standing.ADDED] + counts[Standing.CHANGED] + counts[Standing.SAME],
            excluded=self._excluded,
            added=counts[Standing.ADDED],
            removed=counts[Standing.REMOVED],
            changed=counts[Standing.CHANGED],
            reasons=dict(self._reasons),
        )


def read(
    view: Connection, host: Host, rules: Eligibility, panel_id: int, last: LastSent | None, *, now: datetime
) -> SubmissionOutlook:
    """The coming submission in numbers."""
    count = OutlookCount()
    for one in compared(view, host, rules, panel_id, last, now=now):
        count.add(one)
    return count.outlook
