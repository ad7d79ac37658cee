"""The members of one panel for people: searched, filtered, sorted and paged, each with what becomes of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Select, and_, case, func, null, or_, select, true

from ..domain.eligibility import Eligibility, Reason
from ..hooks import Actor, Host
from ..settings import Settings
from ..store.tables import member, panel_provider
from ..store.types import KEYS
from . import roll
from .roll import MemberRow
from .submission.history import actor_names

AT_ONCE: Final = 100
_STREAMED = 1000
_NEVER = date.min


class Sort(StrEnum):
    """By what the members are sorted."""

    NAME = "name"
    RECORD = "record"
    BORN = "born"
    SEEN = "seen"
    CONFIRMED = "confirmed"


class Fate(StrEnum):
    """What becomes of members with the next submission."""

    SENT = "sent"
    LEFT_OUT = "left-out"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which members, and in what order. `after` is the patient after whom the page begins."""

    text: str = ""  # in a name, or a PHN, record number or date of birth
    fate: Fate | Reason | None = None
    unconfirmed_years: int | None = None  # not confirmed for so long, or never
    unseen_years: int | None = None  # no visit for so long, or never
    mrp_outside: bool = False  # the MRP is none of the panel's providers
    sort: Sort = Sort.NAME
    descending: bool = False
    after: int | None = None

    @property
    def narrowed(self) -> bool:
        """Whether not all members are wanted."""
        return self != Wanted(sort=self.sort, descending=self.descending, after=self.after)


@dataclass(frozen=True, slots=True)
class Listed:
    """One member. No reasons: goes out with the next submission."""

    row: MemberRow
    reasons: tuple[Reason, ...]
    mrp: str  # a name, '' for none


@dataclass(frozen=True, slots=True)
class Tally:
    """How many of those found go out, how many do not, and for which reasons."""

    sent: int
    left_out: int
    reasons: Counter[Reason]


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of members."""

    members: Sequence[Listed]
    found: int  # on all pages together
    hidden: int  # members whom the actor may not see
    more: bool
    begun_anew: bool  # `after` is gone from the panels meanwhile: this is the first page
    tally: Tally | None  # only when it was asked what becomes of them: every member has to be judged for it


def listing(
    connection: Connection, host: Host, actor: Actor, settings: Settings, panel_id: int, wanted: Wanted
) -> Listing:
    """One page. At most four statements, and memory for one page, however many members there are.

    Every member is judged only when `wanted.fate` asks for it: otherwise no more than those on the page.
    """
    now = host.clock.now()
    everyone = roll.members(host, now=now)
    own = member.c.panel_id == panel_id
    visible = host.identity.visible(actor, member.c.patient_id)
    filters = _filters(everyone, now.astimezone(host.clock.zone).date(), panel_id, wanted)
    columns = (
        func.count(),
        func.count(case((visible, 1))),
        func.count(case((and_(visible, *filters), 1))),
        _last_key(roll.members(host, now=now), wanted),
    )
    counts = everyone.with_only_columns(*columns) if filters else select(*columns).select_from(member)
    total, seen, found, last_key = connection.execute(counts.where(own)).one()
    beyond = _beyond(sort_key(everyone, wanted.sort), last_key, wanted)
    chosen = everyone.where(own, visible, *filters).order_by(*_order(everyone, wanted))
    tally = None
    if wanted.fate:
        rules = roll.eligibility(connection, host, settings, now)
        rows, found, tally = _judged(connection, rules, chosen.add_columns(beyond.label("beyond")), wanted.fate)
    else:
        rows = _page(connection, everyone, chosen.where(beyond), wanted)
        rules = roll.eligibility(connection, host, settings, now, among={row.phn for row in rows if row.phn})
    shown = rows[:AT_ONCE]
    names = actor_names(connection, host, {row.mrp_id for row in shown if row.mrp_id})
    return Listing(
        members=[Listed(row, rules.reasons(row), names[row.mrp_id] if row.mrp_id else "") for row in shown],
        found=found,
        hidden=total - seen,
        more=len(rows) > AT_ONCE,
        begun_anew=wanted.after is not None and last_key is None,
        tally=tally,
    )


def _filters(everyone: Select[Any], today: date, panel_id: int, wanted: Wanted) -> list[ColumnElement[bool]]:
    shown = everyone.selected_columns
    filters = [_matches(shown, word) for word in wanted.text.replace(",", " ").split()]
    for years, day in (
        (wanted.unconfirmed_years, shown.confirmed_on),
        (wanted.unseen_years, shown.last_visit_on),
    ):
        if years is not None:
            filters.append((day > _years_before(today, years)).is_not(true()))  # NULL is not true either
    if wanted.mrp_outside:
        providers = select(panel_provider.c.provider_id).where(panel_provider.c.panel_id == panel_id)
        filters.append(shown.mrp_id.not_in(providers))
    return filters


def _matches(shown: Any, word: str) -> ColumnElement[bool]:
    names = (shown.family_name, shown.given_name, shown.middle_names, shown.preferred_name)
    digits = word.replace("-", "")
    if not (digits.isascii() and digits.isdigit()):
        return or_(*(name.icontains(word, autoescape=True) for name in names))
    number = int(digits) if len(digits) < 19 else 0
    return or_(shown.phn == digits, shown.birth_date == word, shown.patient_id == number)


def _years_before(day: date, years: int) -> date:
    try:
        return day.replace(year=day.year - years)
    except ValueError:  # 29 February
        return day.replace(year=day.year - years, day=28)


def sort_key(everyone: Select[Any], sort: Sort) -> ColumnElement[Any]:
    """What members are sorted by. Never NULL: it is compared with that of the member after whom a page begins."""
    shown = everyone.selected_columns
    match sort:
        case Sort.NAME:
            family, given = (func.upper(func.coalesce(name, "")) for name in (shown.family_name, shown.given_name))
            return family.concat(", ").concat(given)
        case Sort.BORN:
            return func.coalesce(shown.birth_date, "")
        case Sort.SEEN:
            return func.coalesce(shown.last_visit_on, _NEVER)
        case Sort.CONFIRMED:
            return func.coalesce(shown.confirmed_on, _NEVER)
        case Sort.RECORD:
            return member.c.patient_id


def _order(everyone: Select[Any], wanted: Wanted) -> list[ColumnElement[Any]]:
    keys = dict.fromkeys((sort_key(everyone, wanted.sort), member.c.patient_id))
    return [key.desc() if wanted.descending else key for key in keys]


def _last_key(everyone: Select[Any], wanted: Wanted) -> ColumnElement[Any]:
    """The sort key of the member after whom the page begins; NULL without one, and when that one is on no panel."""
    if wanted.after is None or wanted.after not in KEYS:
        return null()
    last = everyone.with_only_columns(sort_key(everyone, wanted.sort)).where(member.c.patient_id == wanted.after)
    return last.correlate(None).scalar_subquery()


def _beyond(key: ColumnElement[Any], last_key: object, wanted: Wanted) -> ColumnElement[bool]:
    """Which members come after the one after whom the page begins."""
    if last_key is None:
        return true()
    patient_id = member.c.patient_id
    if wanted.descending:
        return or_(key < last_key, and_(key == last_key, patient_id < wanted.after))
    return or_(key > last_key, and_(key == last_key, patient_id > wanted.after))


def _page(connection: Connection, everyone: Select[Any], chosen: Select[Any], wanted: Wanted) -> list[MemberRow]:
    """One page and the member after it. The last visit is looked up for these, not for all who have to be sorted."""
    ids = chosen.with_only_columns(member.c.patient_id).limit(AT_ONCE + 1).subquery("ids")
    rows = everyone.join(ids, ids.c.patient_id == member.c.patient_id).order_by(*_order(everyone, wanted))
    return [MemberRow._make(row) for row in connection.execute(rows)]


def _judged(
    connection: Connection, rules: Eligibility, chosen: Select[Any], fate: Fate | Reason
) -> tuple[list[MemberRow], int, Tally]:
    """The same for those whom the rules let go out, or leave out; how many there are; and the judgement on all."""
    page: list[MemberRow] = []
    found, judged, reasons_of_all = 0, Counter[Fate](), Counter[Reason]()
    with connection.execute(chosen.execution_options(yield_per=_STREAMED)) as result:
        for *columns, beyond in result:
            row = MemberRow._make(columns)
            reasons = rules.reasons(row)
            becomes = Fate.LEFT_OUT if reasons else Fate.SENT
            judged[becomes] += 1
            reasons_of_all.update(reasons)
            if fate == becomes or fate in reasons:
                found += 1
                if beyond and len(page) <= AT_ONCE:
                    page.append(row)
    return page, found, Tally(judged[Fate.SENT], judged[Fate.LEFT_OUT], reasons_of_all)


def all_of(host: Host, actor: Actor, panel_id: int) -> Select[Any]:
    """Every member of the panel whom the actor may see, by name, in the columns of MemberRow."""
    everyone = roll.members(host, now=host.clock.now())
    visible = host.identity.visible(actor, member.c.patient_id)
    return everyone.where(member.c.panel_id == panel_id, visible).order_by(*_order(everyone, Wanted()))
