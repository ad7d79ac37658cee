"""`domain.coverage` in SQL, for counts and lists of many patients."""

from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, String, and_, case, false, func, not_, null, or_, true, type_coerce

from ...domain.coverage import FIRST_DAY, LAST_DAY, Coverage, CoverageRules, CoverageUse, UnknownCoverage
from ...domain.jurisdictions import ALBERTA, SENT
from ...hooks import Host
from ...settings import Settings
from ...store.plain_texts import ordinary_day
from .valid_dates import is_calendar_date


def is_watched(host: Host, settings: Settings) -> bool:
    """Whether coverage is looked at: the host keeps its end, and the setting is not `off`."""
    return settings.coverage is not CoverageUse.OFF and "coverage_end" in host.roster.patients().c


def column(columns: Any, name: str) -> ColumnElement[str]:
    """A column of `Roster.patients` that a host may lack, NULL then."""
    kept: ColumnElement[str] = columns[name] if name in columns else type_coerce(null(), String)
    return kept


def ended_on(columns: Any, day: date) -> ColumnElement[bool]:
    """Whether coverage has ended on a civil day, its last day being over: true or false, never NULL.

    `columns` are those of `Roster.patients`, or of a query with its columns. False for a host without dates of
    coverage, and for the card of another jurisdiction.
    """
    start, end = column(columns, "coverage_start"), column(columns, "coverage_end")
    return and_(_is_ours(columns), _certainly(end < day.isoformat(), _is_day(end)), not_(_contradict(start, end)))


def state_of(columns: Any, rules: CoverageRules, today: date) -> ColumnElement[str | None]:
    """`CoverageRules.state`, as its value."""
    start, end = column(columns, "coverage_start"), column(columns, "coverage_end")
    day, soon = today.isoformat(), rules.soon(today).isoformat()
    without_end = Coverage.UNKNOWN if rules.unknown is UnknownCoverage.ALL else Coverage.NOT_ENTERED
    return case(
        (not_(_is_ours(columns)), null()),
        (and_(start.is_(None), end.is_(None)), without_end.value),
        (_contradict(start, end), Coverage.UNKNOWN.value),
        (_certainly(end < day, _is_day(end)), Coverage.ENDED.value),
        (_certainly(start > day, _is_day(start)), Coverage.BEGINS_LATER.value),
        (_certainly(end <= soon, _is_day(end)), Coverage.ENDS_SOON.value),
        (_certainly(end > soon, _is_day(end)), Coverage.CURRENT.value),
        (_is_unknown(rules, start, end), Coverage.UNKNOWN.value),
        else_=Coverage.NOT_ENTERED.value,
    )


def _is_unknown(rules: CoverageRules, *texts: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether coverage without a usable end is unknown."""
    if rules.unknown is UnknownCoverage.ALL:
        return true()
    return or_(*(_certainly(text.not_in(rules.not_entered), not_(_is_day(text))) for text in texts))


def _is_ours(columns: Any) -> ColumnElement[bool]:
    """`domain.jurisdictions.may_be_alberta`."""
    return func.coalesce(columns.phn_jurisdiction, ALBERTA).in_(SENT)


def _contradict(start: ColumnElement[str], end: ColumnElement[str]) -> ColumnElement[bool]:
    return _certainly(start > end, _is_day(start), _is_day(end))


def _is_day(text: ColumnElement[str]) -> ColumnElement[bool]:
    """`domain.coverage.coverage_day`: false for NULL. Nearly all are of an ordinary form, which is quick to ask."""
    closely = case((text.between(FIRST_DAY, LAST_DAY), is_calendar_date(text)), else_=false())
    return case((and_(text >= FIRST_DAY, ordinary_day(text)), true()), else_=closely)


def _certainly(comparison: ColumnElement[bool], *days: ColumnElement[bool]) -> ColumnElement[bool]:
    """All of them; false where NULL makes that unknown. Days are looked at only where the comparison, cheap, is true.

    Nothing but CASE makes both databases stop there: SQLite works out both sides of an AND within a function, MariaDB
    goes on after NULL.
    """
    return case((comparison, and_(*days)), else_=false())
