"""Confirmation rates: counted by the scheduler for all panels at once, kept by month, and read for people."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Connection,
    FromClause,
    Select,
    and_,
    bindparam,
    case,
    cast,
    delete,
    func,
    insert,
    null,
    select,
)

from ...domain.bands import months_before
from ...domain.rates import IN_PERSON, CalendarMonth, RateCounts
from ...domain.refusals import Refused
from ...hooks import Host
from ...settings import Settings
from ...store.tables import confirmation_rate, ledger, member, operation, panel, panel_provider
from ..operations import clinic
from .providers import provider_name

_EVERY: Final = timedelta(hours=1)
_OVERDUE: Final = timedelta(days=1)  # then a page counts: the scheduler does not work
_kept = confirmation_rate.c


@dataclass(frozen=True, slots=True)
class MonthRates:
    """The counts of a month. `within_months`: how recent a confirmation had to be. `counted_at`: by then."""

    month: date
    counts: RateCounts
    within_months: int
    counted_at: datetime


@dataclass(frozen=True, slots=True)
class ProviderRates:
    """The same of all panels of a provider together."""

    provider_id: str
    name: str
    panels: int
    of_month: MonthRates


def count_due(host: Host, settings: Settings, now: datetime) -> None:
    """For the scheduler: count once an hour."""
    with host.database.engine.connect() as connection:
        is_due = clinic.load(connection).enabled and _is_older(connection, now, _EVERY)
    if is_due:
        count(host, settings)


def count_to_show(host: Host, settings: Settings) -> None:
    """The same before the rates are shown, where that is overdue."""
    with host.database.engine.connect() as connection:
        is_due = _is_older(connection, host.clock.now(), _OVERDUE)
    if is_due:
        count(host, settings)


def _is_older(connection: Connection, now: datetime, age: timedelta) -> bool:
    last = connection.scalar(select(func.max(_kept.counted_at)))
    return last is None or not timedelta() <= now - last < age


def count(host: Host, settings: Settings) -> None:
    """Count this month so far, and the last one unless it was counted after its end. One statement for each."""
    now, zone = host.clock.now(), host.clock.zone
    this = CalendarMonth.of(now.astimezone(zone).date())
    with host.database.engine.connect() as connection:
        final = select(_kept.month).where(_kept.month == this.previous.first, _kept.counted_at >= this.starts(zone))
        months = [this] if connection.scalar(final.limit(1)) else [this.previous, this]
        rows = [
            {"month": month.first, "within_months": settings.unconfirmed_months, "counted_at": now, **row._mapping}
            for month in months
            for row in connection.execute(_counted(host, settings, month, now))
        ]
    try:
        with host.database.session() as session:
            clinic.lock(session)
            session.execute(delete(confirmation_rate).where(_kept.month.in_([month.first for month in months])))
            if rows:
                session.execute(insert(confirmation_rate), rows)
    except Refused:
        return  # a large change keeps the lock: the next count follows


def _counted(host: Host, settings: Settings, month: CalendarMonth, now: datetime) -> Select[Any]:
    """A row for each live panel that was there before the month's end, counted over its members as they are now."""
    zone = host.clock.zone
    until = min(now, month.ends(zone))
    last_day = min(now.astimezone(zone).date(), month.following - timedelta(days=1))
    recent = member.c.confirmed_on > months_before(last_day, settings.unconfirmed_months)
    in_person = _in_person(month, zone_start=month.starts(zone), zone_end=month.ends(zone))
    source = panel.outerjoin(member, member.c.panel_id == panel.c.panel_id)
    source = source.outerjoin(
        in_person, and_(in_person.c.patient_id == member.c.patient_id, in_person.c.panel_id == member.c.panel_id)
    )
    visited: Any = null()
    seen_in_person: Any = func.count(null())
    if host.visits:
        visit = host.visits.attended(month.first, until)
        # An expression of the host's may have no type on SQLite, which then makes no index for the join.
        seen = select(cast(visit.c.patient_id, BigInteger).label("patient_id")).distinct().subquery("seen")
        source = source.outerjoin(seen, seen.c.patient_id == member.c.patient_id)
        visited = func.count(seen.c.patient_id)
        seen_in_person = func.count(case((seen.c.patient_id.is_not(None), in_person.c.patient_id)))
    return (
        select(
            panel.c.panel_id,
            visited.label("visited"),
            seen_in_person.label("in_person"),
            func.count(member.c.patient_id).label("members"),
            func.count(case((recent, member.c.patient_id))).label("confirmed"),
        )
        .select_from(source)
        .where(panel.c.live_number.is_not(None), panel.c.created_at < month.ends(zone))
        .group_by(panel.c.panel_id)
    )


def _in_person(month: CalendarMonth, *, zone_start: datetime, zone_end: datetime) -> FromClause:
    """Who was confirmed in person on which panel in the month, but for what was undone: patient_id, panel_id."""
    undone = select(operation.c.undoes).where(operation.c.undoes.is_not(None))
    return (
        select(ledger.c.patient_id, ledger.c.to_panel_id.label("panel_id"))
        .join_from(operation, ledger, ledger.c.operation_id == operation.c.operation_id)
        .where(
            operation.c.at >= zone_start,
            operation.c.at < zone_end,
            operation.c.operation_id.not_in(undone),
            ledger.c.to_confirmed_how.in_([how.value for how in IN_PERSON]),
            ledger.c.to_confirmed_on >= month.first,
            ledger.c.to_confirmed_on < month.following,
        )
        .distinct()
        .subquery("in_person")
    )


_SUMS = (
    func.sum(_kept.visited).label("visited"),
    func.count(_kept.visited).label("with_visits"),
    func.sum(_kept.in_person).label("in_person"),
    func.sum(_kept.members).label("members"),
    func.sum(_kept.confirmed).label("confirmed"),
    func.max(_kept.within_months).label("within_months"),
    func.max(_kept.counted_at).label("counted_at"),
)
_OF_SOME_PANELS = (  # made once, as every read of a Group asks it
    select(_kept.panel_id, _kept.month, *_SUMS)
    .where(
        _kept.month == bindparam("of_month"),
        _kept.counted_at >= bindparam("counted_since"),
        _kept.panel_id.in_(bindparam("panel_ids", expanding=True)),
    )
    .group_by(_kept.panel_id, _kept.month)
)


def by_month(connection: Connection, panel_id: int | None, at_most: int) -> Sequence[MonthRates]:
    """The last months of one panel, or of all together, the latest first. One statement."""
    of_panel = () if panel_id is None else (_kept.panel_id == panel_id,)
    query = select(_kept.month, *_SUMS).where(*of_panel).group_by(_kept.month)
    return [_rates(row) for row in connection.execute(query.order_by(_kept.month.desc()).limit(at_most))]


def by_provider(connection: Connection, host: Host, month: date | None = None) -> Sequence[ProviderRates]:
    """Each provider of a panel with the months, or the one month, the latest first, then by name. One statement.

    Patients of a panel with several providers count for each of them.
    """
    provider = host.roster.providers()
    names = provider.c.provider_id, provider.c.family_name, provider.c.given_name
    query = (
        select(panel_provider.c.provider_id, *names[1:], func.count().label("panels"), _kept.month, *_SUMS)
        .join_from(confirmation_rate, panel_provider, panel_provider.c.panel_id == _kept.panel_id)
        .outerjoin(provider, provider.c.provider_id == panel_provider.c.provider_id)
        .where(*(() if month is None else (_kept.month == month,)))
        .group_by(panel_provider.c.provider_id, *names[1:], _kept.month)
    )
    rates = [
        ProviderRates(
            row.provider_id,
            provider_name(row.family_name, row.given_name, row.provider_id),
            row.panels,
            _rates(row),
        )
        for row in connection.execute(query)
    ]
    rates.sort(key=lambda one: (one.name.casefold(), one.provider_id))
    return sorted(rates, key=lambda one: one.of_month.month, reverse=True)


def of_last_month(connection: Connection, host: Host, panel_ids: Collection[int]) -> Mapping[int, MonthRates]:
    """Those of the last month that has ended, for the panels that were counted since. They change no more.

    One statement.
    """
    zone = host.clock.zone
    this = CalendarMonth.of(host.clock.now().astimezone(zone).date())
    given = {"of_month": this.previous.first, "counted_since": this.starts(zone), "panel_ids": list(panel_ids)}
    rows = connection.execute(_OF_SOME_PANELS, given)
    return {row.panel_id: _rates(row) for row in rows}


def _rates(row: Any) -> MonthRates:
    counts = RateCounts(
        visited=int(row.visited) if row.with_visits else None,
        in_person=int(row.in_person),
        members=int(row.members),
        confirmed=int(row.confirmed),
    )
    return MonthRates(row.month, counts, row.within_months, row.counted_at)
