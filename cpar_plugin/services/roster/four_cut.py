"""The four-cut as SQL, for all patients at once or for one: the rules of `domain.four_cut`, word for word.

One scan and grouping of the visits, one grouping of what that leaves. The greatest of several numbers that hold the
place of a provider says who it is, so that no visit is read twice, and no window sorts them once more.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import (
    CTE,
    BigInteger,
    ColumnElement,
    Connection,
    FromClause,
    case,
    cast,
    false,
    func,
    or_,
    select,
)

from ...domain.bands import months_before
from ...domain.four_cut import Cut, FourCutDecision, FourCutRules
from ...hooks import Host
from ...settings import Settings
from ...store.moments import seconds_after
from ...store.tables import panel, panel_provider
from .providers import actor_names

# More than there are providers, and visits of one patient; with the seconds of 36 months they make a number of 63 bits.
_PLACES: Final = 100_000
_VISITS: Final = 100_000
_PHYSICAL: Final = 2**27  # more than the seconds of 36 months
_LAST_PLACE: Final = (_PLACES - 1) * _VISITS


@dataclass(frozen=True, slots=True)
class FourCutProposal:
    """Whose patient the four-cut says someone is, since which day. `panels`: the numbers of live panels by panel_id."""

    decision: FourCutDecision
    provider: str  # a name
    since: date
    panels: Mapping[int, str]


def proposal(connection: Connection, host: Host, settings: Settings, patient_id: int) -> FourCutProposal | None:
    """That of one patient; None without a visit that counts, or where the host cannot say. At most three statements."""
    if host.visits is None:
        return None
    found = proposals(host, settings.four_cut, patient_id)
    row = connection.execute(select(found).where(found.c.patient_id == patient_id)).one_or_none()
    if row is None:
        return None
    on_panel = panel_provider.join(panel, panel.c.panel_id == panel_provider.c.panel_id)
    of_provider = panel_provider.c.provider_id == row.provider_id, panel.c.live_number.is_not(None)
    panels = select(panel.c.panel_id, panel.c.number).select_from(on_panel).where(*of_provider)
    return FourCutProposal(
        decision_of(row),
        actor_names(connection, host, {row.provider_id})[row.provider_id],
        first_day(host, settings.four_cut),
        {of_panel.panel_id: of_panel.number for of_panel in connection.execute(panels.order_by(panel.c.number))},
    )


def decision_of(row: Any) -> FourCutDecision:
    """What a row of `proposals` says."""
    return FourCutDecision(row.provider_id, Cut(row.cut), row.visits, int(row.all_visits), bool(row.same_moment))


def first_day(host: Host, rules: FourCutRules) -> date:
    """The first day of the visits that count."""
    return months_before(host.clock.now().astimezone(host.clock.zone).date(), rules.months)


def counted_visits(host: Host, rules: FourCutRules, patient_id: int | None = None) -> FromClause:
    """The visits that the four-cut counts, but for who its providers may be.

    patient_id, provider_id, and weight: the seconds since the first day, of a physical _PHYSICAL more. The visit with
    the greatest weight is the last physical, or the last visit where there is no physical. Needs `host.visits`.
    """
    assert host.visits
    visit = host.visits.attended(first_day(host, rules), host.clock.now(), patient_id)
    query = select(
        visit.c.patient_id,
        visit.c.provider_id,
        (
            seconds_after(first_day(host, rules), visit.c.started_at)
            + case((_is_physical(visit, rules), _PHYSICAL), else_=0)
        ).label("weight"),
    )
    if rules.statuses:
        query = query.where(func.coalesce(visit.c.status, "").in_(sorted(rules.statuses)))
    if rules.visit_types:
        query = query.where(_word(visit.c.visit_type).in_(sorted(rules.visit_types)))
    return query.cte("counted_visit")


def _word(text: ColumnElement[Any]) -> ColumnElement[str]:
    """As `domain.four_cut.word`; on SQLite only for letters without accents."""
    return func.lower(func.trim(text))


def _is_physical(visit: FromClause, rules: FourCutRules) -> ColumnElement[bool]:
    words = sorted(rules.physicals)
    return or_(_word(visit.c.visit_type).in_(words), _word(visit.c.reason).in_(words))


def counted_providers(host: Host, rules: FourCutRules) -> CTE:
    """The providers whose visits count, with `place`: the lower the number, the higher the place."""
    provider = host.roster.providers()
    order = (func.char_length(provider.c.provider_id).desc(), provider.c.provider_id.desc())
    query = select(
        provider.c.provider_id, cast(func.row_number().over(order_by=order) * _VISITS, BigInteger).label("place")
    )
    if rules.provider_ids:
        query = query.where(provider.c.provider_id.in_(sorted(rules.provider_ids)))
    if rules.panel_providers_only:
        live = panel_provider.join(panel, panel.c.panel_id == panel_provider.c.panel_id)
        on_panel = select(panel_provider.c.provider_id).select_from(live).where(panel.c.live_number.is_not(None))
        query = query.where(provider.c.provider_id.in_(on_panel))
    return query.cte("counted_provider")


def proposals(host: Host, rules: FourCutRules, patient_id: int | None = None) -> FromClause:
    """A row for each patient with a visit that counts, or for one of them: patient_id, and a FourCutDecision's columns.

    Needs `host.visits`. All steps are named ones: nested in each other they would be too deep for SQLite.
    """
    provider = counted_providers(host, rules)
    c = _by_patient(_by_provider(counted_visits(host, rules, patient_id)), provider).c
    most, last = _Greatest(c.most, c.most_lowest), _Greatest(c.last, c.last_lowest)
    no_tie = most.place == most.lowest_place
    decided = select(
        c.patient_id,
        case(
            (c.providers == 1, Cut.ONLY_PROVIDER.value),
            (no_tie, Cut.MOST_VISITS.value),
            (c.last >= _PHYSICAL * _PLACES * _VISITS, Cut.LAST_PHYSICAL.value),
            else_=Cut.LAST_VISIT.value,
        ).label("cut"),
        case((no_tie, most.place), else_=last.place).label("place"),
        case((no_tie, most.visits), else_=last.visits).label("visits"),
        c.all_visits,
        case((no_tie, false()), else_=last.place != last.lowest_place).label("same_moment"),
    ).cte("decided")
    d = decided.c
    columns = (d.patient_id, provider.c.provider_id, d.cut, d.visits, d.all_visits, d.same_moment)
    return select(*columns).join_from(decided, provider, provider.c.place == d.place).cte("proposal")


def _by_provider(visit: FromClause) -> FromClause:
    """What is asked of the visits themselves: how many with each provider, and the greatest weight."""
    c = visit.c
    return (
        select(c.patient_id, c.provider_id, func.count().label("visits"), func.max(c.weight).label("weight"))
        .group_by(c.patient_id, c.provider_id)
        .cte("by_provider")
    )


def _by_patient(seen: FromClause, provider: CTE) -> FromClause:
    """The greatest of each, twice: with the highest place, which is that of the lowest number, and with the lowest."""
    high, low = provider.c.place, _LAST_PLACE - provider.c.place
    greatest = [
        func.max(number * (_PLACES * _VISITS) + place + seen.c.visits).label(name + suffix)
        for name, number in (("most", seen.c.visits), ("last", seen.c.weight))
        for suffix, place in (("", high), ("_lowest", low))
    ]
    # An expression of the host's may have no type on SQLite, which then makes no index for joins with this one. Behind
    # the grouping the type costs MariaDB nothing: merged into a join, it would compare every pair.
    patient_id = cast(seen.c.patient_id, BigInteger).label("patient_id")
    return (
        select(patient_id, func.count().label("providers"), func.sum(seen.c.visits).label("all_visits"), *greatest)
        .join_from(seen, provider, provider.c.provider_id == seen.c.provider_id)
        .group_by(seen.c.patient_id)
        .cte("by_patient")
    )


class _Greatest:
    """The place of the provider with the greatest number, of several the highest and the lowest, and their visits.

    Places are multiples of _VISITS, so that nothing is divided: MariaDB takes its time for it.
    """

    def __init__(self, highest: ColumnElement[int], lowest: ColumnElement[int]) -> None:
        self.place = highest % (_PLACES * _VISITS) - highest % _VISITS
        self.lowest_place = _LAST_PLACE - (lowest % (_PLACES * _VISITS) - lowest % _VISITS)
        self.visits = highest % _VISITS
