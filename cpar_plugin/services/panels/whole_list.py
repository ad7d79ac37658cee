"""Everyone on a panel's list, on all of its pages: read in portions, as they are asked for."""

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member
from ..roster import member_rows, same_phn
from ..roster.member_rows import MemberRow
from .members import Listed, found, listed
from .members_query import Criteria

_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class WholeList:
    """A list from its first member to its last."""

    members: Iterator[Listed]
    matching: int  # how many they are
    hidden: int  # members of the panel that the actor may not see


def whole_list(
    connection: Connection, host: Host, actor: Actor, settings: Settings, panel_id: int, criteria: Criteria
) -> WholeList:
    """The list as `members.listing` shows it page by page. Memory for the ids of all, and for one portion.

    The members are read from the connection, which has to stay open until the last one.
    """
    ids = found(connection, host, actor, settings, panel_id, criteria)
    visible = host.identity.visible(actor, member.c.patient_id)
    hidden = select(func.count()).where(member.c.panel_id == panel_id, ~visible)
    return WholeList(_read(connection, host, actor, settings, ids), len(ids), connection.scalar(hidden) or 0)


def _read(connection: Connection, host: Host, actor: Actor, settings: Settings, ids: list[int]) -> Iterator[Listed]:
    now, visible = host.clock.now(), host.identity.visible(actor, member.c.patient_id)
    shared = same_phn.of_all(connection, host, settings, now, visible)
    rules = same_phn.eligibility(connection, host, settings, now, same_phn=shared)
    all_members = member_rows.members(host, now=now)
    for place in range(0, len(ids), _AT_ONCE):
        portion = ids[place : place + _AT_ONCE]
        rows = connection.execute(all_members.where(member.c.patient_id.in_(portion)))
        by_id = {row.patient_id: row for row in map(MemberRow._make, rows)}
        yield from listed(connection, host, [by_id[patient_id] for patient_id in portion], rules, shared, now)
