"""A list of patients of any length, searched, sorted, and read page by page, each row with what is shown of it."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Generic, NamedTuple, Self, TypeVar, assert_never

from sqlalchemy import Connection

from ...domain.patient_search import digits_of, words
from ...domain.refusals import NotFound
from ...hooks import Actor, Host
from ...store.folding import folded_text
from .patients import PatientNow, visible_patients
from .sorted_list import ListEntry, SnapshotSort, SortedList

AT_ONCE = 100
_READ_AT_ONCE = 1000
RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True)
class SnapshotCriteria:
    """Which patients of a list, and in what order. `text`: parts of names, a PHN, record number or date of birth."""

    text: str = ""
    sort: SnapshotSort = SnapshotSort.NAME
    descending: bool = False


class ShownPatient(NamedTuple):
    """What a list shows of a patient, and can be searched and sorted by. The texts are folded."""

    entry: ListEntry
    names: str
    sorted_name: str
    birth_date: str
    phn: str

    @classmethod
    def of(cls, entry: ListEntry, family: str, given: str, more: str, birth_date: str, phn: str) -> Self:
        """With these names: `more` are searched for too."""
        names = folded_text(f"{family} {given} {more}")
        return cls(entry, names, folded_text(f"{family}, {given}"), birth_date, phn)


class SearchedList(ABC, Generic[RowT]):
    """One list, from which rows are read on the connection that it was made with. Close it after use."""

    def __init__(self, connection: Connection, host: Host, actor: Actor) -> None:
        self._connection, self._host, self._actor = connection, host, actor
        self.hidden = 0  # how many the actor may not see
        self._sorted: SortedList | None = None

    def find(self, criteria: SnapshotCriteria) -> Self:
        """Read all patients of the list once. Memory for some at a time. Raises NotFound when they are not kept."""
        self._sorted = in_order = SortedList(descending=criteria.descending)
        searched = [(folded_text(word), digits_of(word)) for word in words(criteria.text)]
        entries = self._entries()
        while portion := list(islice(entries, _READ_AT_ONCE)):
            shown = self._shown(portion)
            self.hidden += len(portion) - len(shown)
            in_order.add((_key(one, criteria.sort), one.entry) for one in shown if _fits(one, searched))
        return self

    def __len__(self) -> int:
        assert self._sorted is not None
        return len(self._sorted)

    @property
    def pages(self) -> int:
        """How many there are: one for an empty list too."""
        return max(1, -(-len(self) // AT_ONCE))

    def page(self, number: int) -> list[RowT]:
        """The rows of a page, counted from 1. Raises NotFound for a page beyond the last."""
        if not 1 <= number <= self.pages:
            raise NotFound("Page not found. Start from the first page of the list.")
        assert self._sorted is not None
        return self._rows(self._sorted.page(range((number - 1) * AT_ONCE, number * AT_ONCE)))

    def rows(self) -> Iterator[RowT]:
        """All rows, some of them read at a time."""
        assert self._sorted is not None
        for portion in self._sorted.portions():
            yield from self._rows(portion)

    def close(self) -> None:
        """Forget the order."""
        if self._sorted:
            self._sorted.close()

    @abstractmethod
    def _entries(self) -> Iterator[ListEntry]:
        """Everyone on the list, by record number."""

    @abstractmethod
    def _rows(self, entries: Sequence[ListEntry]) -> list[RowT]:
        """These patients with all that is shown of them, in the same order."""

    def _shown(self, portion: Sequence[ListEntry]) -> list[ShownPatient]:
        """Those that the actor may see, as the EMR has them now."""
        visible = visible_patients(self._connection, self._host, self._actor, [entry.patient_id for entry in portion])
        return [_as_now(entry, visible[entry.patient_id]) for entry in portion if entry.patient_id in visible]


def _as_now(entry: ListEntry, now: PatientNow) -> ShownPatient:
    family, given = now.family_name or "", now.given_name or ""
    return ShownPatient.of(entry, family, given, "", now.birth_date or "", now.phn or "")


def _key(shown: ShownPatient, sort: SnapshotSort) -> str:
    match sort:
        case SnapshotSort.NAME:
            return shown.sorted_name
        case SnapshotSort.BORN:
            return shown.birth_date
        case SnapshotSort.RECORD:
            return ""  # the record number decides
        case _:
            assert_never(sort)


def _fits(shown: ShownPatient, searched: Iterable[tuple[str, str]]) -> bool:
    """Whether a list has what was typed: every word, with or without case and accents."""
    numbers = (shown.phn, str(shown.entry.patient_id), shown.birth_date.replace("-", ""))
    return all(digits in numbers if digits else word in shown.names for word, digits in searched)
