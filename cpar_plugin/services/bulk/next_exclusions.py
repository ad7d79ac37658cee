"""Which patients that a bulk operation put on a panel will be excluded from its next submission, and why."""

from collections import Counter

from sqlalchemy import Connection, exists, true

from ...domain.reasons import Reason
from ...hooks import Actor, Host
from ...settings import Settings
from ...store import tables
from ...store.tables import member
from ..roster import member_rows, same_phn
from ..roster.eligible_in_sql import plainly_sent
from ..roster.member_rows import MemberRow

_AT_ONCE = 1000


def next_exclusions(
    connection: Connection, host: Host, actor: Actor, settings: Settings, operation_id: int, panel_id: int
) -> Counter[Reason]:
    """How many there are by reason, as of now; a patient with two reasons counts with both.

    Only those still on the panel and visible to the actor. Two statements; memory does not grow with them.
    """
    now = host.clock.now()
    members, rules = member_rows.members(host, now=now), same_phn.eligibility(connection, host, settings, now)
    entry = tables.ledger.c
    in_operation = exists().where(entry.operation_id == operation_id, entry.patient_id == member.c.patient_id)
    doubtful = members.where(
        member.c.panel_id == panel_id,
        in_operation,
        host.identity.visible(actor, member.c.patient_id),
        plainly_sent(members, rules).is_not(true()),
    )
    reasons: Counter[Reason] = Counter()
    with connection.execute(doubtful.execution_options(yield_per=_AT_ONCE)) as result:
        for row in map(MemberRow._make, result):
            reasons.update(rules.reasons(row))
    return reasons
