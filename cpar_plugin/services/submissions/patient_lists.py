"""A submission's lists of patients, searched and sorted: who was sent, who was excluded, and who makes a difference."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import NamedTuple, assert_never

from sqlalchemy import Connection, select

from ...domain.patient_search import digits_of, words
from ...domain.refusals import NotFound
from ...fhir_mappings.sent_patient import SentPatient, sent_patient
from ...hooks import Actor, Host
from ...store.folding import folded_text
from ...store.tables import exclusion
from .changes import Before, ChangeKind, Difference, PatientChange, all_differences, by_id, changed, reasons_of
from .history import Submission
from .patients import Exclusion, PatientNow, Sent, all_sent, visible_ids, visible_patients
from .sorted_list import ListEntry, SnapshotSort, SortedList

AT_ONCE = 100
_READ_AT_ONCE = 1000
SENT, EXCLUDED = "sent", "excluded"
ListKind = str  # SENT, EXCLUDED, or a ChangeKind
Row = Sent | Exclusion | PatientChange


@dataclass(frozen=True, slots=True)
class SnapshotCriteria:
    """Which patients of a list, and in what order. `text`: parts of names, a PHN, record number or date of birth."""

    text: str = ""
    sort: SnapshotSort = SnapshotSort.NAME
    descending: bool = False


class _Shown(NamedTuple):
    """What a list shows of a patient, and can be searched and sorted by."""

    entry: ListEntry
    names: str
    sorted_name: str
    birth_date: str
    phn: str


class SnapshotList:
    """One list, from which rows are read on the connection that it was made with. Close it after use."""

    def __init__(
        self, connection: Connection, host: Host, actor: Actor, of: Submission, since: Before | None, show: ListKind
    ) -> None:
        self._connection, self._host, self._actor = connection, host, actor
        self._of, self._since, self._show = of, since, show
        self.hidden = 0  # how many the actor may not see
        self._sorted: SortedList | None = None

    def find(self, criteria: SnapshotCriteria) -> "SnapshotList":
        """Read all patients of the list once. Memory for some at a time. Raises NotFound when they are not kept."""
        self._sorted = in_order = SortedList(descending=criteria.descending)
        searched = [(folded_text(word), digits_of(word)) for word in words(criteria.text)]
        entries = self._entries()
        while portion := list(islice(entries, _READ_AT_ONCE)):
            shown = self._shown(portion)
            self.hidden += len(portion) - len(shown)
            in_order.add((_key(one, criteria.sort), one.entry) for one in shown if _fits(one, searched))
        return self

    def _shown(self, portion: Sequence[tuple[ListEntry, SentPatient | None]]) -> list[_Shown]:
        """Those that the actor may see: as they were sent, else as the EMR has them now."""
        ids = [entry.patient_id for entry, _ in portion]
        if self._show == SENT:
            seen = visible_ids(self._connection, self._host, self._actor, ids)
            return [_as_sent(entry, sent) for entry, sent in portion if sent and entry.patient_id in seen]
        visible = visible_patients(self._connection, self._host, self._actor, ids)
        return [_as_now(entry, visible[entry.patient_id]) for entry, _ in portion if entry.patient_id in visible]

    def __len__(self) -> int:
        assert self._sorted is not None
        return len(self._sorted)

    @property
    def pages(self) -> int:
        """How many there are: one for an empty list too."""
        return max(1, -(-len(self) // AT_ONCE))

    def page(self, number: int) -> list[Row]:
        """The rows of a page, counted from 1. Raises NotFound for a page beyond the last."""
        if not 1 <= number <= self.pages:
            raise NotFound("Page not found. Start from the first page of the list.")
        assert self._sorted is not None
        return self._rows(self._sorted.page(range((number - 1) * AT_ONCE, number * AT_ONCE)))

    def rows(self) -> Iterator[Row]:
        """All rows, some of them read at a time."""
        assert self._sorted is not None
        for portion in self._sorted.portions():
            yield from self._rows(portion)

    def close(self) -> None:
        """Forget the order."""
        if self._sorted:
            self._sorted.close()

    def _entries(self) -> Iterator[tuple[ListEntry, SentPatient | None]]:
        """Everyone on the list, by record number; of those who were sent also what was sent."""
        if self._show == SENT:
            for lines in all_sent(self._host, self._of):
                patient = sent_patient(*lines)
                yield ListEntry(patient.patient_id, sent=b"\n".join(lines)), patient
        elif self._show == EXCLUDED:
            yield from ((ListEntry(patient_id), None) for patient_id in self._excluded())
        elif self._since:
            for kind, patient_id, before, now in all_differences(self._host, self._since, self._of):
                if kind == self._show:
                    yield ListEntry(patient_id, before, now), None

    def _excluded(self) -> Iterator[int]:
        last = -1
        of_snapshot = select(exclusion.c.patient_id).where(exclusion.c.snapshot_id == self._of.snapshot_id)
        while True:
            following = of_snapshot.where(exclusion.c.patient_id > last).order_by(exclusion.c.patient_id)
            ids = self._connection.scalars(following.limit(_READ_AT_ONCE)).all()
            if not ids:
                return
            yield from ids
            last = ids[-1]

    def _rows(self, entries: Sequence[ListEntry]) -> list[Row]:
        """These patients with all that is shown of them, in the same order."""
        ids = [entry.patient_id for entry in entries]
        rows: dict[int, Row] = {}
        if self._show == SENT:
            sent = by_id(sent_patient(*entry.sent.split(b"\n")) for entry in entries)
            visible = visible_patients(self._connection, self._host, self._actor, ids)
            rows = {key: Sent(sent[key], patient) for key, patient in visible.items()}
        elif self._show == EXCLUDED:
            reasons = reasons_of(self._connection, self._of.snapshot_id, ids)
            visible = visible_patients(self._connection, self._host, self._actor, ids)
            rows = {key: Exclusion(patient, reasons[key]) for key, patient in visible.items()}
        elif self._since:
            differences = [Difference(ChangeKind(self._show), *entry[:3]) for entry in entries]
            rows = {**changed(self._connection, self._host, self._actor, self._of, self._since, differences)}
        return [rows[patient_id] for patient_id in ids if patient_id in rows]


def _as_sent(entry: ListEntry, sent: SentPatient) -> _Shown:
    names = folded_text(f"{sent.family_name} {sent.given_names} {sent.preferred_name}")
    return _Shown(entry, names, _sorted_name(sent.family_name, sent.given_names), sent.birth_date, sent.phn)


def _as_now(entry: ListEntry, now: PatientNow) -> _Shown:
    family, given = now.family_name or "", now.given_name or ""
    names = folded_text(f"{family} {given}")
    return _Shown(entry, names, _sorted_name(family, given), now.birth_date or "", now.phn or "")


def _sorted_name(family: str, given: str) -> str:
    return folded_text(f"{family}, {given}")


def _key(shown: _Shown, sort: SnapshotSort) -> str:
    match sort:
        case SnapshotSort.NAME:
            return shown.sorted_name
        case SnapshotSort.BORN:
            return shown.birth_date
        case SnapshotSort.RECORD:
            return ""  # the record number decides
        case _:
            assert_never(sort)


def _fits(shown: _Shown, searched: Iterable[tuple[str, str]]) -> bool:
    """Whether a list has what was typed: every word, with or without case and accents."""
    numbers = (shown.phn, str(shown.entry.patient_id), shown.birth_date.replace("-", ""))
    return all(digits in numbers if digits else word in shown.names for word, digits in searched)
