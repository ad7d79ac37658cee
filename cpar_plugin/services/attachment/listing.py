"""One page of a list of patients whose panel, MRP, and visits do not say the same, and who is to go where."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Row, Select, case, func, select

from ...domain.attachment import AttachmentList, AttachmentTarget
from ...domain.four_cut import FourCutDecision
from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.folding import can_fold
from ...store.tables import panel, panel_provider
from ..roster import four_cut
from ..roster.providers import provider_name
from .query import COUNTED, AttachmentCriteria, everyone, found, is_found, on_list, panels_of_providers, provider_of

AT_ONCE: Final = 100
MOST_SELECTED: Final = 20_000
_STREAMED_AT_ONCE: Final = 1000


@dataclass(frozen=True, slots=True)
class AttachmentRow:
    """A patient of a list. `proposed_panels`: the numbers of the proposed provider's panels; '' likewise for names."""

    patient_id: int
    family_name: str | None
    given_name: str | None
    birth_date: str | None
    phn: str | None
    mrp: str
    panel_id: int | None
    panel_number: str
    decision: FourCutDecision | None
    proposed: str
    proposed_panels: Sequence[str]


@dataclass(frozen=True, slots=True)
class AttachmentListing:
    """One page. `counts` are those of whole lists, None for a list that is only counted when it is shown."""

    rows: Sequence[AttachmentRow]
    counts: Mapping[AttachmentList, int | None]
    matching: int


@dataclass(frozen=True, slots=True)
class Chosen:
    """Patients by the panel that they are to be put on, and how many have none: no provider, no panel, or several."""

    patients: Mapping[int, frozenset[int]]
    without_panel: int


class _Names:
    """Providers and their panels by provider_id, read once. Two statements."""

    def __init__(self, connection: Connection, host: Host) -> None:
        provider = host.roster.providers().c
        people = select(provider.provider_id, provider.family_name, provider.given_name)
        self._names = {row.provider_id: provider_name(row[1], row[2], row[0]) for row in connection.execute(people)}
        on_panel = panel_provider.join(panel, panel.c.panel_id == panel_provider.c.panel_id)
        panels = select(panel_provider.c.provider_id, panel.c.number).select_from(on_panel)
        self._panels: dict[str, list[str]] = {}
        for row in connection.execute(panels.where(panel.c.live_number.is_not(None)).order_by(panel.c.number)):
            self._panels.setdefault(row.provider_id, []).append(row.number)

    def row_of(self, row: Row[Any]) -> AttachmentRow:
        return AttachmentRow(
            patient_id=row.patient_id,
            family_name=row.family_name,
            given_name=row.given_name,
            birth_date=row.birth_date,
            phn=row.phn,
            mrp=self._named(row.mrp_id),
            panel_id=row.panel_id,
            panel_number=row.panel_number or "",
            decision=four_cut.decision_of(row) if row.provider_id else None,
            proposed=self._named(row.provider_id),
            proposed_panels=self._panels.get(row.provider_id, []),
        )

    def _named(self, provider_id: str | None) -> str:
        return self._names.get(provider_id, f"provider {provider_id}") if provider_id else ""


def show(
    connection: Connection, host: Host, actor: Actor, settings: Settings, criteria: AttachmentCriteria, offset: int
) -> AttachmentListing:
    """`AT_ONCE` patients from `offset` on, by name. Three statements: one works out the four-cut, once."""
    can_fold(connection)
    query = _page(host, actor, settings, criteria).limit(AT_ONCE)
    shown = connection.execute(query.offset(offset)).all()
    if not shown and offset:  # beyond all patients
        return replace(show(connection, host, actor, settings, criteria, 0), rows=())
    names = _Names(connection, host)
    first = shown[0] if shown else None  # every row has the counts; without a row there is no patient
    counts: dict[AttachmentList, int | None] = dict.fromkeys(AttachmentList)
    counts |= {which: int(first._mapping[_count_of(which)]) if first else 0 for which in COUNTED}
    matching = int(first.matching) if first else 0
    if criteria.which is AttachmentList.NOT_SEEN and not criteria.narrowed:
        counts[AttachmentList.NOT_SEEN] = matching
    return AttachmentListing([names.row_of(row) for row in shown if row.is_found], counts, matching)


def _page(host: Host, actor: Actor, settings: Settings, criteria: AttachmentCriteria) -> Select[Any]:
    """Everyone, those who are found first and by name, each with the numbers of all lists.

    Two statements, one for the numbers, or a second reference to `everyone` would work out the four-cut twice. Those
    who are not found are there for their numbers, on a page beyond the last as well.
    """
    rows = everyone(host, actor, settings)
    listed = select(rows, case((is_found(host, rows, criteria), 1), else_=0).label("is_found")).subquery("listed")
    columns = listed.c
    sums = [func.sum(columns[on_list(which)]).over().label(_count_of(which)) for which in COUNTED]
    query = select(listed, *sums, func.sum(columns.is_found).over().label("matching"))
    return query.order_by(columns.is_found.desc(), *_by_name(columns))


def _count_of(which: AttachmentList) -> str:
    return f"count_{which.name.lower()}"


def rows(
    connection: Connection, host: Host, actor: Actor, settings: Settings, criteria: AttachmentCriteria
) -> Iterator[AttachmentRow]:
    """All that are found, by name, streamed."""
    can_fold(connection)
    names, query = _Names(connection, host), found(host, actor, settings, criteria)
    query = query.order_by(*_by_name(query.selected_columns))
    with connection.execute(query.execution_options(yield_per=_STREAMED_AT_ONCE)) as result:
        yield from map(names.row_of, result)


def choose(
    connection: Connection,
    host: Host,
    actor: Actor,
    settings: Settings,
    criteria: AttachmentCriteria,
    target: AttachmentTarget,
    patient_ids: Collection[int] | None,
) -> Chosen:
    """Which panel each of these patients of the list goes to, or of everyone found where `patient_ids` is None.

    One statement. Raises Refused for no one, or for more than MOST_SELECTED.
    """
    can_fold(connection)
    listed = found(host, actor, settings, criteria).subquery("listed")
    own = panels_of_providers()
    goes_to = listed.outerjoin(own, own.c.provider_id == provider_of(target, listed))
    query = select(listed.c.patient_id, own.c.panels, own.c.panel_id).select_from(goes_to)
    chosen: dict[int, set[int]] = {}
    kinds: Counter[bool] = Counter()
    for row in connection.execute(query):
        if patient_ids is not None and row.patient_id not in patient_ids:
            continue
        kinds[row.panels == 1] += 1
        if row.panels == 1:
            chosen.setdefault(row.panel_id, set()).add(row.patient_id)
    if not kinds:
        raise Refused({"selected": "Select at least one patient."})
    if kinds[True] > MOST_SELECTED:
        raise Refused({"selected": f"Select at most {MOST_SELECTED:,} patients at a time: filter the list first."})
    return Chosen({panel_id: frozenset(ids) for panel_id, ids in chosen.items()}, kinds[False])


def _by_name(columns: Any) -> list[ColumnElement[Any]]:
    names = (func.upper(func.coalesce(columns[name], "")) for name in ("family_name", "given_name"))
    return [*names, columns.patient_id]
