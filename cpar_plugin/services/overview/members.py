"""The members as they are now: how long ago they were confirmed and seen, their ages and genders."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Connection, and_, case, func, null, select, true

from ...domain import bands
from ...domain.gender import Gender
from ...fhir_mappings.identifiers import gender
from ...hooks import Actor, Host
from ...store.tables import member
from ..roster.valid_dates import is_calendar_date

_HIDDEN = "hidden"


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


def members(connection: Connection, host: Host, actor: Actor, panel_id: int | None) -> Members:
    """The members of one panel, or of all. Two statements, and some dozens of rows, however many members."""
    now = host.clock.now()
    today = now.astimezone(host.clock.zone).date()
    visible = host.identity.visible(actor, member.c.patient_id)
    of_panel = () if panel_id is None else (member.c.panel_id == panel_id,)

    # First by the day itself, here and below: else it would be calculated again for each bound.
    last_visit = case((visible, host.roster.last_visit_on(member.c.patient_id, now)), else_=null())
    lapse = case((~visible, _HIDDEN), else_=_lapse(member.c.confirmed_on, today))
    days = select(last_visit.label("day"), lapse.label("lapse"), func.count().label("patients")).select_from(member)
    day = days.where(*of_panel).group_by("day", "lapse").subquery("day")
    by_lapse = select(day.c.lapse.label("confirmed"), _lapse(day.c.day, today).label("seen"), func.sum(day.c.patients))
    confirmed, visits, hidden = Counter[str](), Counter[str](), 0
    for lapse_of_confirmation, lapse_of_visit, patients in connection.execute(by_lapse.group_by("confirmed", "seen")):
        if lapse_of_confirmation == _HIDDEN:
            hidden += int(patients)
        else:
            confirmed[lapse_of_confirmation] += int(patients)
            visits[lapse_of_visit] += int(patients)

    patient = host.roster.patients()
    births = (
        select(patient.c.birth_date.label("born"), patient.c.gender.label("code"), func.count().label("patients"))
        .select_from(member.outerjoin(patient, patient.c.patient_id == member.c.patient_id))
        .where(visible, *of_panel)
        .group_by("born", "code")
    )
    birth = births.subquery("birth")
    by_age = select(_age(birth.c.born, today).label("age"), birth.c.code, func.sum(birth.c.patients))
    ages: dict[str, Counter[Gender]] = {label: Counter() for label in bands.AGES}
    for age, code, patients in connection.execute(by_age.group_by("age", birth.c.code)):
        ages[age][Gender(gender(code))] += int(patients)
    return Members(confirmed.total(), hidden, confirmed, visits, ages)


def _lapse(day: ColumnElement[date], today: date) -> ColumnElement[str]:
    return case(
        (day.is_(None), bands.NEVER),
        *((day > bound, label) for label, bound in bands.lapse_bounds(today)),
        else_=bands.LONGEST,
    )


def _age(born: ColumnElement[str], today: date) -> ColumnElement[str]:
    # ISO texts sort as their days do.
    return case(
        (and_(is_calendar_date(born), born <= today.isoformat()).is_not(true()), bands.UNDATED),
        *((born > bound.isoformat(), label) for label, bound in bands.age_bounds(today)),
        else_=bands.OLDEST,
    )
