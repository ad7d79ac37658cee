"""The registry's own list of a panel against the panel's members as they are now: four heaps, by `domain.heaps`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
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
_ORDER: Final = ("patient_id", "row_number")
_ALL: Final = (
    *("heap", "row_number", "patient_id", "matches", "panel_number", "since"),
    *(f"{side}_{COLUMN_OF[field]}" for side in ("listed", "own", "differs") for field in COMPARED),
)


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


@dataclass(frozen=True, slots=True)
class _Side:
    """The rows of the list, or the members who are only ours: from where they are read, and what each has."""

    source: FromClause
    which: ColumnElement[bool]
    visible: ColumnElement[bool]
    columns: Mapping[str, ColumnElement[Any]]
    counted: Select[Any]  # how many, how many of them visible, and what else is counted of those


def show(
    connection: Connection, host: Host, actor: Actor, report_id: int, criteria: HeapCriteria, offset: int
) -> HeapListing:
    """`AT_ONCE` rows from `offset` on, by name. Six statements, seven with a search.

    All are counted and put in order by no more than that needs. The rest is read of those on the page.
    """
    can_fold(connection)
    in_list, only_ours = sides = _sides(connection, host, actor, report_id)
    of_list, listed, elsewhere, different, to_accept = connection.execute(in_list.counted).one()
    ours, ours_visible = connection.execute(only_ours.counted).one()
    counts = {
        heap_of(in_list=True, on_panel=True, differs=True): different,
        heap_of(in_list=True, on_panel=False, differs=False): elsewhere,
        heap_of(in_list=False, on_panel=True, differs=False): ours_visible,
        heap_of(in_list=True, on_panel=True, differs=False): listed - elsewhere - different,
    }
    ordered = _found(sides, criteria, _ORDER)
    matching = counts[criteria.heap] if criteria.heap else sum(counts.values())
    if criteria.text:
        matching = connection.scalar(select(func.count()).select_from(ordered.order_by(None).subquery())) or 0
    on_page = connection.execute(ordered.offset(offset).limit(AT_ONCE)).all()
    numbers = [row.row_number for row in on_page if row.row_number is not None]
    members = [row.patient_id for row in on_page if row.row_number is None]
    page = (_only(in_list, _row.row_number.in_(numbers)), _only(only_ours, member.c.patient_id.in_(members)))
    rows = [_heap_row(row) for row in connection.execute(_found(page, criteria, _ALL))]
    return HeapListing(rows, counts, of_list - listed + ours - ours_visible, to_accept, matching)


def rows(connection: Connection, host: Host, actor: Actor, report_id: int, criteria: HeapCriteria) -> Iterator[HeapRow]:
    """All that are found, by name, streamed."""
    can_fold(connection)
    query = _found(_sides(connection, host, actor, report_id), criteria, _ALL)
    with connection.execute(query.execution_options(yield_per=_STREAMED_AT_ONCE)) as result:
        for row in result:
            yield _heap_row(row)


def _sides(connection: Connection, host: Host, actor: Actor, report_id: int) -> tuple[_Side, _Side]:
    panel_id = connection.scalar(select(report.c.panel_id).where(report.c.report_id == report_id))
    in_scope = true() if panel_id is None else member.c.panel_id == panel_id
    return _in_list(host, actor, report_id, in_scope), _only_ours(host, actor, report_id, in_scope)


def _only(side: _Side, which: ColumnElement[bool]) -> _Side:
    return replace(side, which=and_(side.which, which))


def _in_list(host: Host, actor: Actor, report_id: int, in_scope: ColumnElement[bool]) -> _Side:
    source, patient, kept_id = listing.joined(host)
    source = source.outerjoin(member, member.c.patient_id == kept_id)
    certain = _row.accepted == true()
    on_panel = and_(certain, member.c.patient_id.is_not(None), in_scope)
    elsewhere = or_(_row.accepted == false(), member.c.patient_id.is_(None), ~in_scope)
    flags = {COLUMN_OF[field]: differs(field, _row[COLUMN_OF[field]], patient) for field in COMPARED}
    different, proposed = or_(*flags.values()), and_(_row.matches == 1, _row.accepted == false())
    which = _row.report_id == report_id
    visible = or_(_row.patient_id.is_(None), host.identity.visible(actor, kept_id))
    counted = (elsewhere, and_(on_panel, different), proposed)
    columns = {
        "heap": case(
            (elsewhere, heap_of(in_list=True, on_panel=False, differs=False).value),
            (different, heap_of(in_list=True, on_panel=True, differs=True).value),
            else_=heap_of(in_list=True, on_panel=True, differs=False).value,
        ),
        "row_number": _row.row_number,
        "patient_id": case((certain, kept_id)),
        **{f"listed_{name}": _row[name] for name in flags},
        **{f"own_{name}": case((certain, patient.c[name])) for name in flags},
        **{f"differs_{name}": case((and_(on_panel, flag), 1), else_=0) for name, flag in flags.items()},
        "matches": _row.matches,
        "panel_number": case((certain, panel.c.number)),
        "since": case((certain, member.c.since)),
    }
    with_panel = source.outerjoin(panel, panel.c.panel_id == member.c.panel_id)
    return _Side(with_panel, which, visible, columns, _counted(source, which, visible, *counted))


def _only_ours(host: Host, actor: Actor, report_id: int, in_scope: ColumnElement[bool]) -> _Side:
    """Members whom no row of the list is about."""
    patient, merged = host.roster.patients(), host.roster.merged()
    listed = (
        select(func.coalesce(merged.c.kept_id, _row.patient_id))
        .select_from(report_row.outerjoin(merged, merged.c.retired_id == _row.patient_id))
        .where(_row.report_id == report_id, _row.accepted == true(), _row.patient_id.is_not(None))
    )
    which = and_(in_scope, member.c.patient_id.not_in(listed))
    visible = host.identity.visible(actor, member.c.patient_id)
    names = [COLUMN_OF[field] for field in COMPARED]
    columns: dict[str, ColumnElement[Any]] = {
        "heap": literal(heap_of(in_list=False, on_panel=True, differs=False).value),
        "row_number": null(),
        "patient_id": member.c.patient_id,
        **{f"listed_{name}": literal("") for name in names},
        **{f"own_{name}": patient.c[name] for name in names},
        **{f"differs_{name}": literal(0) for name in names},
        "matches": literal(1),
        "panel_number": panel.c.number,
        "since": member.c.since,
    }
    source = member.outerjoin(patient, patient.c.patient_id == member.c.patient_id)
    source = source.join(panel, panel.c.panel_id == member.c.panel_id)
    return _Side(source, which, visible, columns, _counted(member, which, visible))


def _counted(
    source: FromClause, which: ColumnElement[bool], visible: ColumnElement[bool], *conditions: ColumnElement[bool]
) -> Select[Any]:
    """All; those visible; and of these, those for which each condition holds. Groups would be counted more slowly."""
    of_visible = (func.count(case((and_(visible, condition), 1))) for condition in (true(), *conditions))
    counts: list[ColumnElement[Any]] = [func.count(), *of_visible]
    return select(*counts).select_from(source).where(which)


def _found(sides: Sequence[_Side], criteria: HeapCriteria, names: Sequence[str]) -> Select[Any]:
    """By name, with the columns of these names."""
    everyone = union_all(*(_narrowed(side, criteria, names) for side in sides)).subquery("everyone")
    by_name = (everyone.c[name] for name in ("family", "given", *_ORDER))
    return select(everyone).order_by(*by_name)


def _narrowed(side: _Side, criteria: HeapCriteria, names: Sequence[str]) -> Select[Any]:
    column = side.columns
    family, given = (
        func.upper(func.coalesce(column[f"own_{name}"], column[f"listed_{name}"])).label(label)
        for name, label in (("family_name", "family"), ("given_name", "given"))
    )
    return (
        select(family, given, *(column[name].label(name) for name in names))
        .select_from(side.source)
        .where(
            side.which,
            side.visible,
            column["heap"] == criteria.heap.value if criteria.heap else true(),
            *(_matches(column, word) for word in words(criteria.text)),
        )
    )


def _matches(column: Mapping[str, ColumnElement[Any]], word: str) -> ColumnElement[bool]:
    """As in the list of a panel, in what either says."""
    digits = digits_of(word)
    sides = ("own", "listed")
    if not digits:
        names = (column[f"{side}_{name}"] for side in sides for name in ("family_name", "given_name"))
        return or_(false(), *(name.icontains(word, autoescape=True) for name in names))
    number = int(digits) if int(digits) in KEYS else 0
    numbers = (or_(column[f"{side}_phn"] == digits, column[f"{side}_birth_date"] == word) for side in sides)
    return or_(column["patient_id"] == number, *numbers)


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
