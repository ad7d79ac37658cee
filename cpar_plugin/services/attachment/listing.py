"""One page of a list of patients whose panel, MRP, and visits do not say the same, and who is to go where."""

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from ...domain.attachment import AttachmentList, AttachmentTarget
from ...domain.four_cut import FourCutDecision
from ...domain.refusals import Refused
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.folding import can_fold
from ...store.tables import panel, panel_provider
from ..roster import four_cut
from ..roster.providers import provider_name
from .query import AttachmentCriteria, everyone, found, panels_of_providers, provider_of

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
    """`AT_ONCE` patients from `offset` on, by name. Five statements at most."""
    can_fold(connection)
    counts = _counts(connection, host, actor, settings)
    query = found(host, actor, settings, criteria)
    matching = counts.get(criteria.which)
    if matching is None or criteria.narrowed:
        matching = connection.scalar(select(func.count()).select_from(query.subquery())) or 0
    if criteria.which is AttachmentList.NOT_SEEN and not criteria.narrowed:
        counts[AttachmentList.NOT_SEEN] = matching
    names = _Names(connection, host)
    rows = [names.row_of(row) for row in connection.execute(_by_name(query).offset(offset).limit(AT_ONCE))]
    return AttachmentListing(rows, counts, matching)


def rows(
    connection: Connection, host: Host, actor: Actor, settings: Settings, criteria: AttachmentCriteria
) -> Iterator[AttachmentRow]:
    """All that are found, by name, streamed."""
    can_fold(connection)
    names, query = _Names(connection, host), _by_name(found(host, actor, settings, criteria))
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


def _counts(connection: Connection, host: Host, actor: Actor, settings: Settings) -> dict[AttachmentList, int | None]:
    of_everyone = everyone(host, actor, settings)
    counted = [which for which in AttachmentList if which is not AttachmentList.NOT_SEEN]
    sums = (func.coalesce(func.sum(of_everyone.c[f"on_{which.name.lower()}"]), 0) for which in counted)
    counts = connection.execute(select(*sums)).one()
    return dict.fromkeys(AttachmentList) | {which: int(count) for which, count in zip(counted, counts, strict=True)}


def _by_name(query: Select[Any]) -> Select[Any]:
    column = query.selected_columns
    names = (func.upper(func.coalesce(column[name], "")) for name in ("family_name", "given_name"))
    return query.order_by(*names, column.patient_id)
