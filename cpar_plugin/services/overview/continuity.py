"""Continuity: of the visits of a panel's patients, how many were with a provider of their own panel."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import BigInteger, Connection, case, cast, exists, func, select

from ...domain.bands import months_before
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member, panel_provider


@dataclass(frozen=True, slots=True)
class Continuity:
    """Visits since a day, of patients whom the actor may see. `share`: 0 to 1, None without a visit."""

    since: date
    months: int
    visits: int
    own: int  # with a provider of the panel that the patient is on now

    @property
    def share(self) -> float | None:
        """Visits with the panel's providers, of all."""
        return self.own / self.visits if self.visits else None


def continuity(
    connection: Connection, host: Host, actor: Actor, settings: Settings, panel_id: int | None
) -> Continuity | None:
    """Of one panel, or of all together; None where the host cannot say who has seen patients. One statement."""
    if host.visits is None:
        return None
    now = host.clock.now()
    since = months_before(now.astimezone(host.clock.zone).date(), settings.continuity_months)
    attended = host.visits.attended(since, now)
    # By panel and provider: few groups, and each patient is looked up once.
    seen = (
        select(member.c.panel_id, attended.c.provider_id, func.count().label("visits"))
        # An expression of the host's may have no type on SQLite, which then makes no index for the join.
        .join_from(attended, member, member.c.patient_id == cast(attended.c.patient_id, BigInteger))
        .where(host.identity.visible(actor, member.c.patient_id))
        .group_by(member.c.panel_id, attended.c.provider_id)
    )
    if panel_id is not None:
        # Not the column alone: SQLite would take its index, and read all visits again for each member.
        seen = seen.where(member.c.panel_id + 0 == panel_id)
    c = seen.subquery("seen").c
    is_own = exists().where(panel_provider.c.panel_id == c.panel_id, panel_provider.c.provider_id == c.provider_id)
    counts = select(func.sum(c.visits), func.sum(case((is_own, c.visits), else_=0)))
    visits, own = connection.execute(counts).one()
    return Continuity(since, settings.continuity_months, int(visits or 0), int(own or 0))
