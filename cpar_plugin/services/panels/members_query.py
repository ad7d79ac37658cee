"""Which members of a panel to show, in what order and from where on: as SQL."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, null, or_, select, true

from ...domain.bands import age_bounds, months_before
from ...domain.cautions import Caution
from ...domain.confirmation import ConfirmedHow
from ...domain.paging import Paged
from ...domain.patient_search import digits_of, words
from ...domain.reasons import Reason
from ...hooks import Host
from ...store.tables import member, panel_provider
from ...store.types import KEYS

_NEVER: Final = date.min
FIRST_LETTER: Final = "A"
LAST_LETTER: Final = "Z"


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
    EXCLUDED = "excluded"
    TO_CHECK = "to-check"  # sent, with an unanswered caution
    CONFIRMATION_ONLY = "confirmation-only"  # excluded, and needs nothing but a confirmation


Shown = Fate | Reason | Caution
SHOWN: Final[dict[str, Shown]] = {code.value: code for kind in (Fate, Reason, Caution) for code in kind}
if len(SHOWN) != len(Fate) + len(Reason) + len(Caution):
    raise RuntimeError("a reason and a caution have the same code")


@dataclass(frozen=True, slots=True)
class Criteria(Paged[int]):
    """Which members, and in what order. The page begins after the patient `after`, or ends before `before`."""

    text: str = ""  # in a name, or a PHN, record number or date of birth
    fate: Shown | None = None
    unconfirmed_years: int | None = None  # not confirmed for so long, or never
    unseen_years: int | None = None  # no visit for so long, or never
    mrp_outside: bool = False  # the MRP is none of the panel's providers
    seen_by: str = ""  # the provider_id of the last visit; only with a host that has `visits`
    surname_from: str = ""  # the first letter of the family name, from A to Z; A and Z include whatever is beyond
    surname_to: str = ""
    age: str = ""  # of domain.bands.AGES
    how: ConfirmedHow | None = None  # how the confirmation came about
    sort: Sort = Sort.NAME

    @property
    def narrowed(self) -> bool:
        """Whether the list is limited to some members."""
        return self.first_page != Criteria(sort=self.sort, descending=self.descending)


EVERYONE: Final = Criteria()


def filters(
    host: Host, all_members: Select[Any], now: datetime, panel_id: int, criteria: Criteria
) -> list[ColumnElement[bool]]:
    """The conditions on `all_members` (see member_rows.members), without `fate`: the rules decide that."""
    today = now.astimezone(host.clock.zone).date()
    columns = all_members.selected_columns
    conditions = [_matches(columns, word) for word in words(criteria.text)]
    for years, day in (
        (criteria.unconfirmed_years, columns.confirmed_on),
        (criteria.unseen_years, columns.last_visit_on),
    ):
        if years is not None:
            conditions.append((day > months_before(today, 12 * years)).is_not(true()))  # NULL is not true either
    if criteria.mrp_outside:
        providers = select(panel_provider.c.provider_id).where(panel_provider.c.panel_id == panel_id)
        conditions.append(func.coalesce(columns.mrp_id, "").not_in(providers))
    if criteria.seen_by and host.visits:
        conditions.append(host.visits.last_provider(member.c.patient_id, now) == criteria.seen_by)
    initial = func.upper(func.substr(func.coalesce(columns.family_name, ""), 1, 1))
    if criteria.surname_from > FIRST_LETTER:
        conditions.append(initial >= criteria.surname_from)
    if "" < criteria.surname_to < LAST_LETTER:
        conditions.append(initial <= criteria.surname_to)
    if criteria.age:
        conditions.append(_of_age(columns.birth_date, today, criteria.age))
    if criteria.how:
        conditions.append(columns.confirmed_how == criteria.how.value)
    return conditions


def _of_age(birth_date: Any, today: date, age: str) -> ColumnElement[bool]:
    """Whether somebody is of a band of ages. Dates are compared as the texts that they are."""
    bounds = {label: day.isoformat() for label, day in age_bounds(today)}
    after, labels = bounds.get(age, "0001"), list(bounds)
    place = labels.index(age) if age in bounds else len(labels)
    return and_(birth_date > after, true() if place == 0 else birth_date <= bounds[labels[place - 1]])


def _matches(columns: Any, word: str) -> ColumnElement[bool]:
    names = (columns.family_name, columns.given_name, columns.middle_names, columns.preferred_name)
    digits = digits_of(word)
    if not digits:
        return or_(*(name.icontains(word, autoescape=True) for name in names))
    number = int(digits) if len(digits) < 19 else 0
    return or_(columns.phn == digits, columns.birth_date == word, columns.patient_id == number)


def sort_key(
    all_members: Select[Any], sort: Sort, last_visit_on: ColumnElement[date] | None = None
) -> ColumnElement[Any]:
    """What members are sorted by. Never NULL: it is compared with that of the member where a page begins.

    `last_visit_on`: instead of the column, which asks the host about each member.
    """
    columns = all_members.selected_columns
    match sort:
        case Sort.NAME:
            family_name, given_name = (
                func.upper(func.coalesce(name, "")) for name in (columns.family_name, columns.given_name)
            )
            return family_name.concat(", ").concat(given_name)
        case Sort.BORN:
            return func.coalesce(columns.birth_date, "")
        case Sort.SEEN:
            return func.coalesce(columns.last_visit_on if last_visit_on is None else last_visit_on, _NEVER)
        case Sort.CONFIRMED:
            return func.coalesce(columns.confirmed_on, _NEVER)
        case Sort.RECORD:
            return member.c.patient_id


def key_of_mark(
    all_members: Select[Any], criteria: Criteria, last_visit_on: ColumnElement[date] | None = None
) -> ColumnElement[Any]:
    """The sort key of the member where the page begins; NULL without one, and when that one is on no panel."""
    if criteria.mark is None or criteria.mark not in KEYS:
        return null()
    key = sort_key(all_members, criteria.sort, last_visit_on)
    mark = all_members.with_only_columns(key).where(member.c.patient_id == criteria.mark)
    return mark.correlate(None).scalar_subquery()


def order(key: ColumnElement[Any], patient_id: ColumnElement[int], criteria: Criteria) -> list[ColumnElement[Any]]:
    """By the key, and by the patient's id where it is the same."""
    columns = dict.fromkeys((key, patient_id))
    return [column.desc() if criteria.falling else column for column in columns]


def beyond(
    key: ColumnElement[Any], patient_id: ColumnElement[int], mark: object, criteria: Criteria
) -> ColumnElement[bool]:
    """Which members come, in that order, after the one whose key is `mark` and whose id is `criteria.mark`."""
    if mark is None:
        return true()
    if criteria.falling:
        return or_(key < mark, and_(key == mark, patient_id < criteria.mark))
    return or_(key > mark, and_(key == mark, patient_id > criteria.mark))
