"""The registry's own list of a panel against the panel's members as they are now: four heaps, by `domain.heaps`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Connection,
    FromClause,
    Row,
    Select,
    and_,
    case,
    false,
    func,
    literal,
    null,
    or_,
    select,
    true,
    union_all,
)

from ...domain.heaps import COMPARED, RegistryHeap, heap_of
from ...domain.list_columns import ColumnField
from ...domain.patient_search import digits_of, words
from ...domain.refusals import NotFound
from ...domain.reports import ReportKind
from ...hooks import Actor, Host
from ...store.folding import can_fold
from ...store.tables import member, panel, report, report_row
from ...store.types import KEYS
from . import listing
from .differences import COLUMN_OF, differs

AT_ONCE: Final = 100
_STREAMED_AT_ONCE: Final = 1000
_row = report_row.c


@dataclass(frozen=True, slots=True)
class HeapRow:
    """Someone in the list, on the panel, or both. Texts of the list are '', those of the record None for none."""

    heap: RegistryHeap
    row_number: int | None  # in the list; None for those only ours
    patient_id: int | None  # None where no record is certain or accepted
    listed: Mapping[ColumnField, str]
    own: Mapping[ColumnField, str | None]
    differing: Sequence[ColumnField]  # of a patient in both
    matches: int  # records that may be meant
    panel_number: str  # the patient's panel now; '' for none
    since: datetime | None  # on that panel


@dataclass(frozen=True, slots=True)
class HeapListing:
    """One page of a heap, or of all. `counts` and `hidden` are of everyone, `matching` of those that are found."""

    rows: Sequence[HeapRow]
    counts: Mapping[RegistryHeap, int]
    hidden: int  # patients whom the actor may not see
    to_accept: int  # rows of the list for which somebody is proposed: only the registry's until that is accepted
    matching: int


@dataclass(frozen=True, slots=True)
class HeapCriteria:
    """What the list is narrowed by: a heap, and a text in a name, a PHN, record number or date of birth."""

    heap: RegistryHeap | None = None
    text: str = ""


def required(connection: Connection, host: Host, report_id: int) -> listing.Report:
    """The report, where it is the registry's list of a panel. Raises NotFound."""
    found = listing.required(connection, host, report_id)
    if found.kind is not ReportKind.REGISTRY_LIST:
        raise NotFound("This report is not the registry's list of a panel. Start from the Reports tab.")
    return found


def show(
    connection: Connection, host: Host, actor: Actor, report_id: int, criteria: HeapCriteria, offset: int
) -> HeapListing:
    """`AT_ONCE` rows from `offset` on, by name. Three statements, four with a search."""
    can_fold(connection)
    everyone = _everyone(connection, host, actor, report_id)
    counted = select(everyone.c.heap, everyone.c.visible, func.count(), func.sum(everyone.c.proposed))
    counts, hidden, to_accept = dict.fromkeys(RegistryHeap, 0), 0, 0
    for heap, visible, count, proposed in connection.execute(counted.group_by(everyone.c.heap, everyone.c.visible)):
        if visible:
            counts[RegistryHeap(heap)] += count
            to_accept += int(proposed)
        else:
            hidden += count
    matching = counts[criteria.heap] if criteria.heap else sum(counts.values())
    query = _found(everyone, criteria)
    if criteria.text:
        matching = connection.scalar(select(func.count()).select_from(query.order_by(None).subquery())) or 0
    rows = [_heap_row(row) for row in connection.execute(query.offset(offset).limit(AT_ONCE))]
    return HeapListing(rows, counts, hidden, to_accept, matching)


def rows(connection: Connection, host: Host, actor: Actor, report_id: int, criteria: HeapCriteria) -> Iterator[HeapRow]:
    """All that are found, by name, streamed."""
    can_fold(connection)
    query = _found(_everyone(connection, host, actor, report_id), criteria)
    with connection.execute(query.execution_options(yield_per=_STREAMED_AT_ONCE)) as result:
        for row in result:
            yield _heap_row(row)


def _everyone(connection: Connection, host: Host, actor: Actor, report_id: int) -> FromClause:
    panel_id = connection.scalar(select(report.c.panel_id).where(report.c.report_id == report_id))
    in_scope = true() if panel_id is None else member.c.panel_id == panel_id
    return union_all(_in_list(host, actor, report_id, in_scope), _only_ours(host, actor, report_id, in_scope)).subquery(
        "everyone"
    )


def _in_list(host: Host, actor: Actor, report_id: int, in_scope: ColumnElement[bool]) -> Select[Any]:
    source, patient, kept_id = listing.joined(host)
    source = source.outerjoin(member, member.c.patient_id == kept_id)
    source = source.outerjoin(panel, panel.c.panel_id == member.c.panel_id)
    certain = _row.accepted == true()
    on_panel = and_(certain, member.c.patient_id.is_not(None), in_scope)
    flags = {field: differs(field, _row[COLUMN_OF[field]], patient) for field in COMPARED}
    heap = case(
        (~on_panel, heap_of(in_list=True, on_panel=False, differs=False).value),
        (or_(*flags.values()), heap_of(in_list=True, on_panel=True, differs=True).value),
        else_=heap_of(in_list=True, on_panel=True, differs=False).value,
    )
    visible = or_(_row.patient_id.is_(None), host.identity.visible(actor, kept_id))
    own = (case((certain, patient.c[COLUMN_OF[field]])).label(f"own_{COLUMN_OF[field]}") for field in COMPARED)
    return (
        select(
            heap.label("heap"),
            _row.row_number.label("row_number"),
            case((certain, kept_id)).label("patient_id"),
            *(_row[COLUMN_OF[field]].label(f"listed_{COLUMN_OF[field]}") for field in COMPARED),
            *own,
            *(
                case((and_(on_panel, flags[field]), 1), else_=0).label(f"differs_{COLUMN_OF[field]}")
                for field in COMPARED
            ),
            _row.matches.label("matches"),
            case((and_(_row.matches == 1, ~certain), 1), else_=0).label("proposed"),
            case((certain, panel.c.number)).label("panel_number"),
            case((certain, member.c.since)).label("since"),
            case((visible, 1), else_=0).label("visible"),
        )
        .select_from(source)
        .where(_row.report_id == report_id)
    )


def _only_ours(host: Host, actor: Actor, report_id: int, in_scope: ColumnElement[bool]) -> Select[Any]:
    """Members whom no row of the list is about."""
    patient, merged = host.roster.patients(), host.roster.merged()
    source = member.outerjoin(patient, patient.c.patient_id == member.c.patient_id)
    source = source.join(panel, panel.c.panel_id == member.c.panel_id)
    listed = (
        select(func.coalesce(merged.c.kept_id, _row.patient_id))
        .select_from(report_row.outerjoin(merged, merged.c.retired_id == _row.patient_id))
        .where(_row.report_id == report_id, _row.accepted == true(), _row.patient_id.is_not(None))
    )
    visible = host.identity.visible(actor, member.c.patient_id)
    heap = heap_of(in_list=False, on_panel=True, differs=False)
    return (
        select(
            literal(heap.value).label("heap"),
            null().label("row_number"),
            member.c.patient_id,
            *(literal("").label(f"listed_{COLUMN_OF[field]}") for field in COMPARED),
            *(patient.c[COLUMN_OF[field]].label(f"own_{COLUMN_OF[field]}") for field in COMPARED),
            *(literal(0).label(f"differs_{COLUMN_OF[field]}") for field in COMPARED),
            literal(1),
            literal(0),
            panel.c.number,
            member.c.since,
            case((visible, 1), else_=0),
        )
        .select_from(source)
        .where(in_scope, member.c.patient_id.not_in(listed))
    )


def _found(everyone: FromClause, criteria: HeapCriteria) -> Select[Any]:
    column = everyone.c
    family, given = (
        func.upper(func.coalesce(column[f"own_{name}"], column[f"listed_{name}"]))
        for name in ("family_name", "given_name")
    )
    return (
        select(everyone)
        .where(
            column.visible == 1,
            column.heap == criteria.heap.value if criteria.heap else true(),
            *(_matches(column, word) for word in words(criteria.text)),
        )
        .order_by(family, given, column.patient_id, column.row_number)
    )


def _matches(column: Any, word: str) -> ColumnElement[bool]:
    """As in the list of a panel, in what either says."""
    digits = digits_of(word)
    sides = ("own", "listed")
    if not digits:
        names = (column[f"{side}_{name}"] for side in sides for name in ("family_name", "given_name"))
        return or_(false(), *(name.icontains(word, autoescape=True) for name in names))
    number = int(digits) if int(digits) in KEYS else 0
    numbers = (or_(column[f"{side}_phn"] == digits, column[f"{side}_birth_date"] == word) for side in sides)
    return or_(column.patient_id == number, *numbers)


def _heap_row(row: Row[*tuple[Any, ...]]) -> HeapRow:
    values = row._mapping
    return HeapRow(
        heap=RegistryHeap(values["heap"]),
        row_number=values["row_number"],
        patient_id=values["patient_id"],
        listed={field: values[f"listed_{COLUMN_OF[field]}"] for field in COMPARED},
        own={field: values[f"own_{COLUMN_OF[field]}"] for field in COMPARED},
        differing=[field for field in COMPARED if values[f"differs_{COLUMN_OF[field]}"]],
        matches=values["matches"],
        panel_number=values["panel_number"] or "",
        since=values["since"],
    )
