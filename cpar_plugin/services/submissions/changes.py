"""What changed from one submission to the next: who was added, who is no longer in it, who has changed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from ...domain.reasons import Reason
from ...hooks import Actor, Host
from ...store.tables import exclusion, member, panel, submission
from ..snapshots import storage
from ..snapshots.storage import Entry, Part
from .history import Submission, is_kept
from .patients import AT_ONCE, PatientNow, SnapshotListing, places_of, reasons_in, sent_at, visible_patients
from .texts import Stage


class ChangeKind(StrEnum):
    """What has become of a patient since the submission before."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Difference(NamedTuple):
    """One patient, and the places at which the two snapshots have them: -1 where one does not."""

    kind: ChangeKind
    patient_id: int
    before: int
    now: int


@dataclass(frozen=True, slots=True)
class Before:
    """The panel's last submission before this one that was delivered or written."""

    submission_id: int
    snapshot_id: str
    delivered_at: datetime
    kept: bool  # what was sent is still there


@dataclass(frozen=True, slots=True)
class PatientChange:
    """A patient as the EMR has them now, and what makes the difference.

    `reasons`: why an added one was excluded before, or a removed one is excluded. `panel_number`: the panel that a
    removed one is on now. `fields`: of a changed one, each field with what was sent before and what is sent now.
    """

    patient: PatientNow
    reasons: tuple[Reason, ...] = ()
    panel_number: str | None = None
    fields: Sequence[tuple[str, Any, Any]] = ()


def before(connection: Connection, of: Submission) -> Before | None:
    """With what a submission is compared; None for the first that had anything to send. One statement."""
    columns = submission.c.submission_id, submission.c.snapshot_id, submission.c.finished_at, is_kept()
    earlier = submission.c.panel_id == of.panel_id, submission.c.submission_id < of.submission_id
    arrived = submission.c.state.in_(Stage.DELIVERED.states)
    query = select(*columns).where(*earlier, arrived).order_by(submission.c.submission_id.desc()).limit(1)
    row = connection.execute(query).one_or_none()
    return Before(*row) if row else None


def differences(before: Iterable[Entry], now: Iterable[Entry]) -> Iterator[Difference]:
    """Compare two indexes, both by ascending patient id, in one pass."""
    old, new = enumerate(before), enumerate(now)
    end = (-1, None)
    old_place, old_entry = next(old, end)
    new_place, new_entry = next(new, end)
    while old_entry or new_entry:
        if old_entry == new_entry:
            (old_place, old_entry), (new_place, new_entry) = next(old, end), next(new, end)
        elif old_entry is None or (new_entry is not None and new_entry[0] < old_entry[0]):
            assert new_entry
            yield Difference(ChangeKind.ADDED, new_entry[0], -1, new_place)
            new_place, new_entry = next(new, end)
        elif new_entry is None or old_entry[0] < new_entry[0]:
            yield Difference(ChangeKind.REMOVED, old_entry[0], old_place, -1)
            old_place, old_entry = next(old, end)
        else:
            yield Difference(ChangeKind.CHANGED, new_entry[0], old_place, new_place)
            (old_place, old_entry), (new_place, new_entry) = next(old, end), next(new, end)


@dataclass(frozen=True, slots=True)
class SnapshotChanges:
    """How many of each kind there are, and those of one page of one kind."""

    since: Before
    counts: Mapping[ChangeKind, int]
    of_page: Sequence[Difference]


def changes(host: Host, since: Before, of: Submission, kind: ChangeKind | None, page: int) -> SnapshotChanges:
    """Compare a submission with the one before. Two statements, and memory for one page."""
    counts = Counter[ChangeKind]()
    of_page = []
    on_page = range((page - 1) * AT_ONCE, page * AT_ONCE)
    for difference in differences(_index(host, since.snapshot_id), _index(host, of.snapshot_id or "")):
        if difference.kind == kind and counts[kind] in on_page:
            of_page.append(difference)
        counts[difference.kind] += 1
    return SnapshotChanges(since, counts, of_page)


def _index(host: Host, snapshot_id: str) -> Iterator[Entry]:
    return storage.index_entries(storage.streamed(host, snapshot_id, Part.INDEX))


def changed(
    connection: Connection,
    host: Host,
    actor: Actor,
    of: Submission,
    changes: SnapshotChanges,
    kind: ChangeKind,
    page: int,
) -> SnapshotListing[PatientChange]:
    """Those of a page, by record number, with what makes the difference. At most three statements."""
    total = changes.counts[kind]
    places_of(page, total)
    ids = [difference.patient_id for difference in changes.of_page]
    visible = visible_patients(connection, host, actor, ids)
    explained: dict[int, PatientChange]
    if kind is ChangeKind.CHANGED:
        sent_before = sent_at(
            connection, changes.since.snapshot_id, [difference.before for difference in changes.of_page]
        )
        sent_now = sent_at(connection, of.snapshot_id, [difference.now for difference in changes.of_page])
        explained = {
            key: PatientChange(visible[key], fields=submitted.differences(previous))
            for key, submitted, previous in zip(ids, sent_now, sent_before, strict=True)
            if key in visible
        }
    else:
        reasons = _reasons(connection, changes.since.snapshot_id if kind is ChangeKind.ADDED else of.snapshot_id, ids)
        numbers = _panels_now(connection, ids) if kind is ChangeKind.REMOVED else {}
        explained = {
            key: PatientChange(visible[key], reasons.get(key, ()), numbers.get(key)) for key in ids if key in visible
        }
    return SnapshotListing(list(explained.values()), len(ids) - len(explained), total, page)


def _reasons(connection: Connection, snapshot_id: str | None, ids: Sequence[int]) -> dict[int, tuple[Reason, ...]]:
    conditions = exclusion.c.snapshot_id == snapshot_id, exclusion.c.patient_id.in_(ids)
    rows = connection.execute(select(exclusion.c.patient_id, exclusion.c.reasons).where(*conditions))
    return {patient_id: reasons_in(codes) for patient_id, codes in rows}


def _panels_now(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    query = select(member.c.patient_id, panel.c.number).join_from(member, panel, panel.c.panel_id == member.c.panel_id)
    return {row.patient_id: row.number for row in connection.execute(query.where(member.c.patient_id.in_(ids)))}
