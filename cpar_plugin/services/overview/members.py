"""The members as they are now: how long ago they were confirmed and seen, their ages and genders, and who is excluded.

One look at each member answers all of it: what a text or a last visit costs, it costs once.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Integer, Select, and_, case, func, literal_column, null, select, true

from ...domain import bands
from ...domain.eligibility import Eligibility
from ...domain.gender import Gender
from ...fhir_mappings.identifiers import gender
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.plain_texts import ordinary_day
from ...store.tables import member
from ...store.types import LAST_KEY
from ..roster import member_rows, same_phn
from ..roster.eligible_in_sql import certainly_eligible, columns_named
from ..roster.valid_dates import is_calendar_date
from .next_submission import NextSubmission, of_doubtful

_STREAMED: Final = 1000
_DOUBTFUL: Final = 10_000  # whose ids are remembered; more are looked for once more, and need no memory then


@dataclass(frozen=True, slots=True)
class Members:
    """How many members there are in each band; each of the three charts counts every member once.

    `confirmed` and `seen` are by `bands.LAPSES`, `ages` by `bands.AGES` and gender. Members that the actor may not see
    are only in `hidden`.
    """

    patients: int
    hidden: int
    confirmed: Mapping[str, int]
    seen: Mapping[str, int]
    ages: Mapping[str, Mapping[Gender, int]]
    next_submission: NextSubmission


def members(connection: Connection, host: Host, actor: Actor, settings: Settings, panel_id: int | None) -> Members:
    """The members of one panel, or of all. Three statements and some dozens of rows, however many members.

    Those who may be excluded are read, a thousand in a statement.
    """
    rules = same_phn.eligibility(connection, host, settings, host.clock.now())
    of_panel = () if panel_id is None else (member.c.panel_id == panel_id,)
    everyone = connection.scalar(select(func.count()).select_from(member).where(*of_panel)) or 0
    confirmed, seen = Counter[str](), Counter[str]()
    ages: dict[str, Counter[Gender]] = {label: Counter() for label in bands.AGES}
    doubtful_ids: list[int] = []
    query = _in_bands(host, rules, host.identity.visible(actor, member.c.patient_id), *of_panel)
    with connection.execute(query.execution_options(yield_per=_STREAMED)) as result:
        for number, code, doubtful_id, patients in result:
            of_lapses, of_age = divmod(number, len(bands.AGES))
            of_confirmation, of_visit = divmod(of_lapses, len(bands.LAPSES))
            confirmed[bands.LAPSES[of_confirmation]] += patients
            seen[bands.LAPSES[of_visit]] += patients
            ages[bands.AGES[of_age]][Gender(gender(code))] += patients
            if doubtful_id is not None and len(doubtful_ids) <= _DOUBTFUL:
                doubtful_ids.append(doubtful_id)
    remembered = doubtful_ids if len(doubtful_ids) <= _DOUBTFUL else None
    expected = of_doubtful(connection, host, actor, rules, panel_id, remembered)
    return Members(confirmed.total(), everyone - confirmed.total(), confirmed, seen, ages, expected)


def _in_bands(host: Host, rules: Eligibility, *conditions: ColumnElement[bool]) -> Select[Any]:
    """How many members, by the places of their bands and by gender; those in doubt one by one, with the patient_id.

    The three places are one number: databases sort by it sooner than by three.
    """
    rows = member_rows.members(host, now=host.clock.now()).where(*conditions)
    # The limit excludes no one. It keeps databases from working a column out again for each time that it is named.
    columns = (rows.selected_columns[name] for name in ("patient_id", *columns_named(rules)))
    one_by_one = rows.with_only_columns(*columns).limit(LAST_KEY).subquery("one_by_one")
    c, today = one_by_one.c, rules.today
    of_lapses = _lapse(c.confirmed_on, today) * len(bands.LAPSES) + _lapse(c.last_visit_on, today)
    number = (of_lapses * len(bands.AGES) + _age(c.birth_date, today)).label("number")
    doubtful_id = case((certainly_eligible(c, rules), null()), else_=c.patient_id).label("doubtful_id")
    return select(number, c.gender, doubtful_id, func.count()).group_by("number", c.gender, "doubtful_id")


def _lapse(day: ColumnElement[date], today: date) -> ColumnElement[int]:
    """The place in `bands.LAPSES`."""
    bounds = [(label, day > bound) for label, bound in bands.lapse_bounds(today)]
    return _place(bands.LAPSES, (bands.NEVER, day.is_(None)), *bounds, otherwise=bands.LONGEST)


def _age(born: ColumnElement[str], today: date) -> ColumnElement[int]:
    """The place in `bands.AGES`. ISO texts sort as their days do."""
    is_day = case((ordinary_day(born), true()), else_=is_calendar_date(born))
    undated = and_(is_day, born <= today.isoformat()).is_not(true())
    bounds = [(label, born > bound.isoformat()) for label, bound in bands.age_bounds(today)]
    return _place(bands.AGES, (bands.UNDATED, undated), *bounds, otherwise=bands.OLDEST)


def _place(labels: Sequence[str], *whens: tuple[str, ColumnElement[bool]], otherwise: str) -> ColumnElement[int]:
    """The place of the first band whose condition is true. Numbers are grouped sooner than labels."""
    places = {label: literal_column(str(place), Integer()) for place, label in enumerate(labels)}
    return case(*((condition, places[label]) for label, condition in whens), else_=places[otherwise])
