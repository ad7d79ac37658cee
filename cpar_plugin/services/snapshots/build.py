"""What a submission sends: one consistent view of a panel as a FHIR Bundle, stored before it is sent.

Neither a panel's members nor its body are ever held in memory. The body is a stream of entries (clinic, facilities,
providers, patients) followed by the panel's Group, whose members are written alongside the patients.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

import orjson
from sqlalchemy import delete, insert

from ...domain.guard import SentBefore, SubmissionOutlook
from ...domain.reasons import Reason
from ...fhir_mappings import bundle
from ...fhir_mappings.panel_group import ChangeType, member_texts
from ...fhir_mappings.patient import Statuses, as_text
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ..roster import member_rows, same_phn
from . import outlook, storage
from .bundle_header import BundleHeader
from .snapshot_id import new_snapshot_id
from .storage import GzipWriter, IndexWriter, Part

_EXCLUSIONS_AT_ONCE = 1000
_PATIENTS_AT_ONCE = 100  # their text is as long as what is compressed at once
Guard = Callable[[SentBefore | None, SubmissionOutlook], None]  # raises what keeps a submission from being made


@dataclass(frozen=True, slots=True)
class Taken:
    """A stored snapshot. `reasons` counts the excluded members by reason: one member may have several."""

    snapshot_id: str
    sent: int
    excluded: int
    reasons: Counter[Reason]
    entries: int  # of the Bundle
    body_bytes: int
    sha256: str


def take(host: Host, settings: Settings, panel_id: int, *, now: datetime, guard: Guard | None = None) -> Taken:
    """Take and store a snapshot of the panel as it is now. With no patient to send, `sent` is 0.

    A guard is told what it has become, in numbers, before it is whole: where it raises, nothing of it remains stored.
    So the panel is read once.

    What an attempt that is cut off has stored belongs to no snapshot: `retention.forget` removes it. Raises NotFound
    when there is no such panel, or no longer.
    """
    snapshot_id = new_snapshot_id(now)
    with host.database.engine.connect() as view:
        header = BundleHeader.read(view, host, settings, panel_id)
        rules = same_phn.eligibility_on_panel(view, host, settings, now, panel_id)
        last = outlook.last_sent(view, panel_id)
        writer = _Writer(host, settings, header, snapshot_id, now)
        changes = _ChangesSince(
            storage.index_entries(storage.read(host, last.snapshot_id, Part.INDEX)) if last else iter(())
        )
        for row in member_rows.member_rows(view, host, panel_id, now=now):
            reasons = rules.reasons(row)
            if reasons:
                writer.exclude(row.patient_id, reasons)
            else:
                writer.send(row, changes)
    if guard is not None:
        expected = writer.outlook(changes)
        try:
            guard(last.before if last else None, expected)
        except Exception:
            forget(host, snapshot_id)
            raise
    result = writer.close()
    with host.database.session() as session:
        session.execute(
            insert(tables.snapshot).values(
                snapshot_id=snapshot_id,
                panel_id=panel_id,
                taken_at=now,
                sent=result.sent,
                excluded=result.excluded,
                reasons=orjson.dumps(
                    {reason.value: result.reasons[reason] for reason in sorted(result.reasons)}
                ).decode(),
                entries=result.entries,
                body_bytes=result.body_bytes,
                sha256=result.sha256,
            )
        )
    return result


def body(host: Host, snapshot_id: str) -> Iterator[bytes]:
    """The body of a snapshot as it is sent: JSON, in chunks of at most half a mebibyte.

    Raises zlib.error or EOFError when what is stored is damaged, or no longer there.
    """
    for part in (Part.BODY, Part.GROUP):
        yield from storage.unzipped(storage.read(host, snapshot_id, part))


def forget(host: Host, snapshot_id: str) -> None:
    """Remove a snapshot that was never sent, and all that belongs to it."""
    with host.database.session() as session:
        for table in (tables.snapshot_piece, tables.exclusion, tables.snapshot):
            session.execute(delete(table).where(table.c.snapshot_id == snapshot_id))


class _ChangesSince:
    """Compares with an earlier index in one pass: both are in the order of patient ids."""

    def __init__(self, entries: Iterator[tuple[int, bytes]]) -> None:
        self.kinds: Counter[ChangeType] = Counter()
        self._entries = entries
        self._ahead = next(entries, None)
        self._gone = 0

    def of(self, patient_id: int, content: bytes) -> ChangeType:
        """What has become of this patient. To be asked in ascending order."""
        while self._ahead is not None and self._ahead[0] < patient_id:
            self._gone += 1
            self._ahead = next(self._entries, None)
        kind = ChangeType.NEW
        if self._ahead is not None and self._ahead[0] == patient_id:
            kind = ChangeType.NOCHANGE if self._ahead[1] == content else ChangeType.CHANGED
            self._ahead = next(self._entries, None)
        self.kinds[kind] += 1
        return kind

    def removed(self) -> int:
        """How many of the earlier ones nobody has asked about. To be asked last."""
        while self._ahead is not None:
            self._gone += 1
            self._ahead = next(self._entries, None)
        return self._gone


class _Measure:
    """Size and SHA-256 of a body that passes by."""

    def __init__(self) -> None:
        self.size = 0
        self._digest = sha256()

    def add(self, text: bytes) -> None:
        self.size += len(text)
        self._digest.update(text)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


class _Writer:
    """Puts each member where it belongs, counts, and measures the body while it is written."""

    def __init__(self, host: Host, settings: Settings, header: BundleHeader, snapshot_id: str, now: datetime) -> None:
        self.sent = 0
        self.excluded = 0
        self.reasons: Counter[Reason] = Counter()
        self._host = host
        self._header = header
        self._snapshot_id = snapshot_id
        self._entry = bundle.patient_entries(settings, header.refer, statuses=Statuses.of(host.roster.status_kinds))
        self._practitioners = as_text(header.general_practitioners)
        self._member = member_texts(settings)
        self._measure = _Measure()
        self._body = GzipWriter(host, snapshot_id, Part.BODY, self._measure.add)
        self._group = GzipWriter(host, snapshot_id, Part.GROUP)
        self._index = IndexWriter(host, snapshot_id)
        self._exclusion_rows: list[dict[str, object]] = []
        self._entries: list[str] = []
        self._members: list[str] = []
        self._written = 0
        self._body.write(orjson.dumps(bundle.bundle(snapshot_id, now))[:-1] + b',"entry":[')
        self._body.write(b",".join(map(orjson.dumps, header.entries)))
        # An entry ends with its resource: without the two braces, members can still be added to the Group.
        self._group.write(b"," + orjson.dumps(header.group_entry)[:-2])

    def send(self, row: member_rows.MemberRow, changes: _ChangesSince) -> None:
        full_url, entry = self._entry(row, self._practitioners)
        content = outlook.content_hash(row)
        self._entries.append(entry)
        self._members.append(self._member(row, full_url, changes.of(row.patient_id, content)))
        self._index.add(row.patient_id, content)
        self.sent += 1
        if len(self._entries) == _PATIENTS_AT_ONCE:
            self._write_patients()

    def exclude(self, patient_id: int, reasons: Sequence[Reason]) -> None:
        self.excluded += 1
        self.reasons.update(reasons)
        self._exclusion_rows.append(
            {"snapshot_id": self._snapshot_id, "patient_id": patient_id, "reasons": " ".join(reasons)}
        )
        if len(self._exclusion_rows) == _EXCLUSIONS_AT_ONCE:
            self._store_exclusions()

    def outlook(self, changes: _ChangesSince) -> SubmissionOutlook:
        """The submission in numbers, after its last member."""
        return SubmissionOutlook(
            sent=self.sent,
            excluded=self.excluded,
            added=changes.kinds[ChangeType.NEW],
            removed=changes.removed(),
            changed=changes.kinds[ChangeType.CHANGED],
            reasons=dict(self.reasons),
        )

    def close(self) -> Taken:
        """Store the rest. The Group was written alongside: of it the measure is taken last, as it is sent last."""
        if self._entries:
            self._write_patients()
        if self._exclusion_rows:
            self._store_exclusions()
        members_end = b"\n]" if self.sent else b""
        self._group.write(members_end + b',"quantity":%d}}]}' % self.sent)
        for part in (self._body, self._group, self._index):
            part.close()
        for chunk in storage.unzipped(storage.read(self._host, self._snapshot_id, Part.GROUP)):
            self._measure.add(chunk)
        return Taken(
            self._snapshot_id,
            self.sent,
            self.excluded,
            self.reasons,
            entries=len(self._header.entries) + self.sent + 1,  # the Group
            body_bytes=self._measure.size,
            sha256=self._measure.sha256,
        )

    def _write_patients(self) -> None:
        self._body.write_patients(b",", self._entries)
        self._group.write_patients(b"," if self._written else b',"member":[', self._members)
        self._written = self.sent
        self._entries.clear()
        self._members.clear()

    def _store_exclusions(self) -> None:
        with self._host.database.session() as session:
            session.execute(insert(tables.exclusion), self._exclusion_rows)
        self._exclusion_rows = []
