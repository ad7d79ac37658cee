"""What changed from one submission to the next: who was added, who is no longer in it, who has changed."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import Connection, select

from ...domain.reasons import Reason
from ...fhir_mappings.sent_patient import SentPatient
from ...hooks import Actor, Host
from ...store.tables import exclusion, member, panel, submission
from ..snapshots import storage
from ..snapshots.storage import Entry, Part
from .history import Submission, is_kept
from .patients import PatientNow, reasons_in, sent_at, visible_patients
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
    """How many of each kind there are, since the submission before."""

    since: Before
    counts: Mapping[ChangeKind, int]


def changes(host: Host, since: Before, of: Submission) -> SnapshotChanges:
    """Compare a submission with the one before. Two statements."""
    return SnapshotChanges(since, Counter(difference.kind for difference in all_differences(host, since, of)))


def all_differences(host: Host, since: Before, of: Submission) -> Iterator[Difference]:
    """Everyone who makes a difference, by ascending patient id, streamed."""
    return differences(_index(host, since.snapshot_id), _index(host, of.snapshot_id or ""))


def _index(host: Host, snapshot_id: str) -> Iterator[Entry]:
    return storage.index_entries(storage.streamed(host, snapshot_id, Part.INDEX))


def changed(
    connection: Connection, host: Host, actor: Actor, of: Submission, since: Before, differences: Sequence[Difference]
) -> dict[int, PatientChange]:
    """What makes the difference, of differences of one kind, for those the actor may see. At most five statements."""
    ids = [difference.patient_id for difference in differences]
    visible = visible_patients(connection, host, actor, ids)
    if not differences:
        return {}
    if differences[0].kind is ChangeKind.CHANGED:
        sent_before = by_id(
            sent_at(connection, since.snapshot_id, sorted(difference.before for difference in differences))
        )
        sent_now = by_id(sent_at(connection, of.snapshot_id, sorted(difference.now for difference in differences)))
        return {
            key: PatientChange(patient, fields=sent_now[key].differences(sent_before[key]))
            for key, patient in visible.items()
        }
    was_added = differences[0].kind is ChangeKind.ADDED
    reasons = reasons_of(connection, since.snapshot_id if was_added else of.snapshot_id, ids)
    numbers = {} if was_added else panels_now(connection, ids)
    return {key: PatientChange(patient, reasons.get(key, ()), numbers.get(key)) for key, patient in visible.items()}


def by_id(patients: Iterable[SentPatient]) -> dict[int, SentPatient]:
    """Patients by their record number."""
    return {patient.patient_id: patient for patient in patients}


def reasons_of(connection: Connection, snapshot_id: str | None, ids: Sequence[int]) -> dict[int, tuple[Reason, ...]]:
    """Why these members were excluded from a submission; those who were not are not in it."""
    conditions = exclusion.c.snapshot_id == snapshot_id, exclusion.c.patient_id.in_(ids)
    rows = connection.execute(select(exclusion.c.patient_id, exclusion.c.reasons).where(*conditions))
    return {patient_id: reasons_in(codes) for patient_id, codes in rows}


def panels_now(connection: Connection, ids: Sequence[int]) -> dict[int, str]:
    """The numbers of the panels that these patients are on."""
    query = select(member.c.patient_id, panel.c.number).join_from(member, panel, panel.c.panel_id == member.c.panel_id)
    return {row.patient_id: row.number for row in connection.execute(query.where(member.c.patient_id.in_(ids)))}
