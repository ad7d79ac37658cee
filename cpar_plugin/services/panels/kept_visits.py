"""The last visits that the refresh keeps, brought up to now: what a long list is sorted by without asking for each."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Final

from sqlalchemy import ColumnElement, Connection, Date, case, func, literal, null, or_, select

from ...hooks import Host
from ...settings import Settings
from ...store.tables import last_visit, member
from ..operations import heartbeat

_MOST_SINCE: Final = 500  # that are named in a statement one by one; with more, each member is asked about


@dataclass(frozen=True, slots=True)
class KeptVisits:
    """The last visit of each member of a panel as SQL, and when visits were last compared with the EMR.

    A visit that began since is in it where the host has `visits`; an appointment of an earlier day that was changed
    since is not.
    """

    as_of: datetime
    last_visit_on: ColumnElement[date]


def kept_visits(
    connection: Connection, host: Host, settings: Settings, panel_id: int, now: datetime
) -> KeptVisits | None:
    """Those of a panel; None where they are too old, for then each member's visit has to be asked. Two statements."""
    as_of = heartbeat.last(connection, heartbeat.VISITS)
    if as_of is None or not now - as_of <= timedelta(minutes=2 * settings.fhir_refresh_minutes):
        return None
    since = _seen_since(connection, host, panel_id, as_of, now)
    if sum(map(len, since.values())) > _MOST_SINCE:
        return None
    kept = select(last_visit.c.last_visit_on).where(last_visit.c.patient_id == member.c.patient_id).scalar_subquery()
    # Nothing is kept of those who were on no panel then.
    live = case((member.c.since >= as_of, host.roster.last_visit_on(member.c.patient_id, now)), else_=null())
    known: ColumnElement[date] = func.coalesce(kept, live, type_=Date())
    if since:
        seen = ((member.c.patient_id.in_(ids), literal(day, Date())) for day, ids in since.items())
        known = case(*seen, else_=known)
    return KeptVisits(as_of, known)


def _seen_since(
    connection: Connection, host: Host, panel_id: int, as_of: datetime, now: datetime
) -> dict[date, list[int]]:
    """By day the members whose last visit is of that day and not kept yet: few, and of a day or two."""
    if host.visits is None:
        return {}
    attended = host.visits.attended(as_of.astimezone(host.clock.zone).date(), now)
    # Grouped before it is joined, so that databases begin with these few visits.
    latest = func.max(attended.c.visited_on, type_=Date()).label("visited_on")
    visit = select(attended.c.patient_id, latest).group_by(attended.c.patient_id).subquery("seen_since")
    query = (
        select(member.c.patient_id, visit.c.visited_on)
        .select_from(visit)
        .join(member, member.c.patient_id == visit.c.patient_id)
        .outerjoin(last_visit, last_visit.c.patient_id == member.c.patient_id)
        .where(
            member.c.panel_id == panel_id,
            or_(last_visit.c.last_visit_on.is_(None), visit.c.visited_on > last_visit.c.last_visit_on),
        )
        .limit(_MOST_SINCE + 1)
    )
    by_day: dict[date, list[int]] = {}
    for patient_id, day in connection.execute(query):
        by_day.setdefault(day, []).append(patient_id)
    return by_day
