"""What an import would do with each row of an uploaded list, and why it would do nothing: in four heaps."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, NamedTuple, assert_never

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, literal, or_, select

from ...domain.csv_columns import CsvColumn, CsvHead
from ...hooks import Host
from ...store.tables import member, panel, upload_patient, upload_row
from ..uploads.matching import MatchedHow, matches
from .scope import deceased_statuses

_AT_ONCE: Final = 1000
HEAD: Final[CsvHead] = (
    CsvColumn.LISTED_ROW,
    CsvColumn.RESULT,
    CsvColumn.HOW_TO_FIX,
    CsvColumn.LISTED_FAMILY_NAME,
    CsvColumn.LISTED_GIVEN_NAME,
    CsvColumn.LISTED_BIRTH_DATE,
    CsvColumn.LISTED_PHN,
    CsvColumn.LISTED_PANEL,
    CsvColumn.RECORD,
    CsvColumn.FAMILY_NAME,
    CsvColumn.GIVEN_NAME,
    CsvColumn.BIRTH_DATE,
    CsvColumn.PHN,
    CsvColumn.PANEL_NOW,
    CsvColumn.PANEL_OF_LIST,
)


class Heap(StrEnum):
    """What becomes of a row."""

    ADDED = "added"
    MOVED = "moved"
    THERE = "there"
    DOUBTFUL = "doubtful"


class RowFinding(StrEnum):
    """What was found out about a row. The first that holds."""

    NO_IDENTITY = "no-identity"
    NOT_FOUND = "not-found"
    SEVERAL = "several"
    PHN_ONLY = MatchedHow.PHN_ONLY.value
    NAME = MatchedHow.NAME.value
    NAME_OTHER_PHN = MatchedHow.NAME_OTHER_PHN.value
    NO_PANEL = "no-panel"
    TWO_PANELS = "two-panels"
    REPEATED = "repeated"
    THERE = "there"
    DECEASED = "deceased"
    ADDED = "added"
    MOVED = "moved"

    @property
    def heap(self) -> Heap:
        """The heap that such rows are in."""
        match self:
            case RowFinding.ADDED:
                return Heap.ADDED
            case RowFinding.MOVED:
                return Heap.MOVED
            case RowFinding.THERE | RowFinding.REPEATED:
                return Heap.THERE
            case _:
                return Heap.DOUBTFUL

    @property
    def is_proposal(self) -> bool:
        """Whether a person can accept the patient who was found."""
        return self in (RowFinding.NAME, RowFinding.NAME_OTHER_PHN, RowFinding.PHN_ONLY)

    @property
    def text(self) -> str:
        """Why, in words."""
        match self:
            case RowFinding.NO_IDENTITY:
                return "No PHN, and no name with a date of birth"
            case RowFinding.NOT_FOUND:
                return "No such patient found"
            case RowFinding.SEVERAL:
                return "More than one patient fits"
            case RowFinding.PHN_ONLY:
                return "Same PHN, but another name and date of birth"
            case RowFinding.NAME:
                return "Same name and date of birth"
            case RowFinding.NAME_OTHER_PHN:
                return "Same name and date of birth, but another PHN"
            case RowFinding.NO_PANEL:
                return "No panel for this provider or panel"
            case RowFinding.TWO_PANELS:
                return "In the list more than once, with different panels"
            case RowFinding.REPEATED:
                return "In the list more than once"
            case RowFinding.THERE:
                return "Already on the panel"
            case RowFinding.DECEASED:
                return "Deceased"
            case RowFinding.ADDED:
                return "Will be added"
            case RowFinding.MOVED:
                return "Will be moved"
            case _:
                assert_never(self)

    @property
    def remedy(self) -> str:
        """What a person can do about it, '' for nothing."""
        match self:
            case RowFinding.NO_IDENTITY:
                return "If this is a patient, complete the row in the list, or add the patient on the patient's page."
            case RowFinding.NOT_FOUND:
                return "Check PHN, name and date of birth in the list against the EMR; add the patient there if needed."
            case RowFinding.SEVERAL:
                return "Merge the records if they are one patient, or add the right one on the patient's page."
            case RowFinding.PHN_ONLY:
                return "Accept this patient if the list is wrong or outdated; else correct the PHN in the list."
            case RowFinding.NAME:
                return "Accept this patient if it is the right one."
            case RowFinding.NAME_OTHER_PHN:
                return "Check the health care card, then accept this patient if it is the right one."
            case RowFinding.NO_PANEL:
                return "Select a panel for it with Change columns, or ignore these rows."
            case RowFinding.TWO_PANELS:
                return "Keep one of the rows in the list, or select the panel on the patient's page."
            case RowFinding.REPEATED | RowFinding.THERE | RowFinding.ADDED | RowFinding.MOVED:
                return ""
            case RowFinding.DECEASED:
                return "Correct the status in the EMR if it is wrong."
            case _:
                assert_never(self)


class ListRow(NamedTuple):
    """A row of the list, what was found out, and the patient where exactly one was found."""

    row_number: int
    finding: RowFinding
    family_name: str
    given_name: str
    birth_date: str
    phn: str
    panel_text: str
    patient_id: int | None
    patient_family_name: str | None
    patient_given_name: str | None
    patient_birth_date: str | None
    patient_phn: str | None
    current_number: str | None
    number: str | None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows, by what was found out, and by the panel where those who will be moved are now."""

    findings: Counter[RowFinding]
    moved_from: Sequence[tuple[str, int]]

    def of(self, heap: Heap) -> int:
        """How many rows are in a heap."""
        return sum(count for finding, count in self.findings.items() if finding.heap is heap)


def count(connection: Connection, host: Host, upload_id: str) -> Counts:
    """How many rows of each kind there are. One statement."""
    rows, finding = _rows(host, upload_id)
    counted = rows.with_only_columns(finding, panel.c.number, func.count()).group_by(finding, panel.c.number)
    findings, moved_from = Counter[RowFinding](), Counter[str]()
    for code, number, how_many in connection.execute(counted):
        findings[RowFinding(code)] += how_many
        if code == RowFinding.MOVED:
            moved_from[number] += how_many
    return Counts(findings, sorted(moved_from.items()))


def heaps(
    connection: Connection, host: Host, upload_id: str, *, offset: int, limit: int, named: int
) -> dict[Heap, list[ListRow]]:
    """The first rows of each heap, `named` of them; of the doubtful those after `offset`, the proposals first.

    One statement.
    """
    rows, finding = _rows(host, upload_id)
    heap = case(
        *((finding == one.value, literal(one.heap.value)) for one in RowFinding if one.heap is not Heap.DOUBTFUL),
        else_=literal(Heap.DOUBTFUL.value),
    )
    proposals_first = case((finding.in_([one.value for one in RowFinding if one.is_proposal]), 0), else_=1)
    order = (proposals_first, upload_row.c.row_number)
    place = func.row_number().over(partition_by=heap, order_by=order)
    placed = rows.add_columns(heap.label("heap"), place.label("place")).subquery("placed")
    begin = case((placed.c.heap == Heap.DOUBTFUL.value, offset), else_=0)
    end = case((placed.c.heap == Heap.DOUBTFUL.value, offset + limit), else_=named)
    heaps: dict[Heap, list[ListRow]] = {heap: [] for heap in Heap}
    shown = select(placed).where(placed.c.place > begin, placed.c.place <= end)
    for *columns, code, _ in connection.execute(shown.order_by(placed.c.heap, placed.c.place)):
        heaps[Heap(code)].append(_row(columns))
    return heaps


def export(host: Host, upload_id: str) -> Iterator[tuple[object, ...]]:
    """Every row of the list, with what would become of it, as the rows of a file, streamed."""
    yield HEAD
    rows, _ = _rows(host, upload_id)
    query = rows.order_by(upload_row.c.row_number).execution_options(yield_per=_AT_ONCE)
    with host.database.engine.connect() as connection, connection.execute(query) as result:
        for row in map(_row, result):
            yield (row.row_number, row.finding.text, row.finding.remedy, *row[2:])


def _row(row: Any) -> ListRow:
    list_row = ListRow._make(row)
    return list_row._replace(finding=RowFinding(list_row.finding))


def _rows(host: Host, upload_id: str) -> tuple[Select[Any], ColumnElement[str]]:
    """Every row with the columns of ListRow, and the column of the finding."""
    row, match, patient, target = upload_row.c, matches(upload_id), host.roster.patients(), panel.alias("target")
    listed = upload_patient.c
    known = match.c.count == 1
    unnamed = or_(row.family_key == "", func.length(row.birth_date) == 0)
    unaccepted = and_(match.c.how != MatchedHow.PHN.value, match.c.accepted == 0)
    finding = case(
        (and_(match.c.count.is_(None), row.phn == "", unnamed), literal(RowFinding.NO_IDENTITY.value)),
        (match.c.count.is_(None), literal(RowFinding.NOT_FOUND.value)),
        (match.c.count > 1, literal(RowFinding.SEVERAL.value)),
        (unaccepted, match.c.how),
        (row.panel_id.is_(None), literal(RowFinding.NO_PANEL.value)),
        (listed.patient_id.is_(None), literal(RowFinding.TWO_PANELS.value)),
        (listed.row_number != row.row_number, literal(RowFinding.REPEATED.value)),
        (member.c.panel_id == listed.panel_id, literal(RowFinding.THERE.value)),
        (patient.c.status.in_(deceased_statuses(host)), literal(RowFinding.DECEASED.value)),
        (member.c.panel_id.is_(None), literal(RowFinding.ADDED.value)),
        else_=literal(RowFinding.MOVED.value),
    ).label("finding")
    of_patient = (
        patient.c.patient_id,
        patient.c.family_name,
        patient.c.given_name,
        patient.c.birth_date,
        patient.c.phn,
    )
    of_row = (row.family_name, row.given_name, row.birth_date, row.phn, row.panel_text)
    query = (
        select(row.row_number, finding, *of_row, *of_patient, panel.c.number, target.c.number)
        .select_from(
            upload_row.outerjoin(match, match.c.row_number == row.row_number)
            .outerjoin(
                upload_patient, and_(listed.upload_id == upload_id, listed.patient_id == match.c.patient_id, known)
            )
            .outerjoin(member, and_(member.c.patient_id == match.c.patient_id, known))
            .outerjoin(panel, panel.c.panel_id == member.c.panel_id)
            .outerjoin(target, target.c.panel_id == row.panel_id)
            .outerjoin(patient, and_(patient.c.patient_id == match.c.patient_id, known))
        )
        .where(row.upload_id == upload_id)
    )
    return query, finding
