"""Which members of a panel somebody wants to see, in what order and from where on: as SQL."""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, func, null, or_, select, true

from ...domain.bands import months_before
from ...domain.cautions import Caution
from ...domain.identifiers import is_phn
from ...domain.reasons import Reason
from ...domain.texts import readable, without_separators
from ...store.tables import member, panel_provider
from ...store.types import KEYS

_NEVER: Final = date.min


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
    TO_CHECK = "to-check"  # sent, with a caution that nobody has answered


Shown = Fate | Reason | Caution
SHOWN: Final[dict[str, Shown]] = {one.value: one for kind in (Fate, Reason, Caution) for one in kind}
if len(SHOWN) != len(Fate) + len(Reason) + len(Caution):
    raise RuntimeError("a reason and a caution have the same code")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which members, and in what order. The page begins after the patient `after`, or ends before `before`."""

    text: str = ""  # in a name, or a PHN, record number or date of birth
    fate: Shown | None = None
    unconfirmed_years: int | None = None  # not confirmed for so long, or never
    unseen_years: int | None = None  # no visit for so long, or never
    mrp_outside: bool = False  # the MRP is none of the panel's providers
    sort: Sort = Sort.NAME
    descending: bool = False
    after: int | None = None
    before: int | None = None

    @property
    def first_page(self) -> "Wanted":
        """The same list from its beginning."""
        return replace(self, after=None, before=None)

    @property
    def mark(self) -> int | None:
        """The patient at whom the page begins or ends."""
        return self.after if self.before is None else self.before

    @property
    def falling(self) -> bool:
        """Whether the page is read in falling order: one that ends before a patient is read from its end."""
        return self.descending == (self.before is None)

    @property
    def narrowed(self) -> bool:
        """Whether not all members are wanted."""
        return self.first_page != Wanted(sort=self.sort, descending=self.descending)


def filters(everyone: Select[Any], today: date, panel_id: int, wanted: Wanted) -> list[ColumnElement[bool]]:
    """The conditions on `everyone` (see roll.members), what becomes of them left out: that is for the rules to say."""
    shown = everyone.selected_columns
    conditions = [_matches(shown, word) for word in _words(wanted.text)]
    for years, day in (
        (wanted.unconfirmed_years, shown.confirmed_on),
        (wanted.unseen_years, shown.last_visit_on),
    ):
        if years is not None:
            conditions.append((day > months_before(today, 12 * years)).is_not(true()))  # NULL is not true either
    if wanted.mrp_outside:
        providers = select(panel_provider.c.provider_id).where(panel_provider.c.panel_id == panel_id)
        conditions.append(func.coalesce(shown.mrp_id, "").not_in(providers))
    return conditions


def _words(text: str) -> list[str]:
    """Each is looked for by itself. A number with separators is one word, and a date stays a date."""
    line = readable(text.replace(",", " ")) or ""
    return [line] if is_phn(without_separators(line)) else line.split()


def _matches(shown: Any, word: str) -> ColumnElement[bool]:
    names = (shown.family_name, shown.given_name, shown.middle_names, shown.preferred_name)
    digits = without_separators(word)
    if not (digits.isascii() and digits.isdigit()):
        return or_(*(name.icontains(word, autoescape=True) for name in names))
    number = int(digits) if len(digits) < 19 else 0
    return or_(shown.phn == digits, shown.birth_date == word, shown.patient_id == number)


def sort_key(everyone: Select[Any], sort: Sort) -> ColumnElement[Any]:
    """What members are sorted by. Never NULL: it is compared with that of the member at whom a page begins."""
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


def key_of_mark(everyone: Select[Any], wanted: Wanted) -> ColumnElement[Any]:
    """The sort key of the member at whom the page begins; NULL without one, and when that one is on no panel."""
    if wanted.mark is None or wanted.mark not in KEYS:
        return null()
    mark = everyone.with_only_columns(sort_key(everyone, wanted.sort)).where(member.c.patient_id == wanted.mark)
    return mark.correlate(None).scalar_subquery()


def order(key: ColumnElement[Any], patient_id: ColumnElement[int], wanted: Wanted) -> list[ColumnElement[Any]]:
    """By the key, and by the patient's id where it is the same."""
    columns = dict.fromkeys((key, patient_id))
    return [column.desc() if wanted.falling else column for column in columns]


def beyond(
    key: ColumnElement[Any], patient_id: ColumnElement[int], mark: object, wanted: Wanted
) -> ColumnElement[bool]:
    """Which members come, in that order, after the one whose key is `mark` and whose id is `wanted.mark`."""
    if mark is None:
        return true()
    if wanted.falling:
        return or_(key < mark, and_(key == mark, patient_id < wanted.mark))
    return or_(key > mark, and_(key == mark, patient_id > wanted.mark))
