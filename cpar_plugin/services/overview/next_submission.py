"""Who would be submitted now, and why the others would be excluded."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, true

from ...domain.reasons import Reason
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member
from ..roster import member_rows, same_phn
from ..roster.eligible_in_sql import certainly_eligible
from ..roster.member_rows import MemberRow

_STREAMED = 1000


@dataclass(frozen=True, slots=True)
class NextSubmission:
    """How many would be excluded. One patient may have several reasons."""

    excluded: int
    reasons: Mapping[Reason, int]


def next_submission(
    connection: Connection, host: Host, actor: Actor, settings: Settings, panel_id: int | None
) -> NextSubmission:
    """Of the members that the actor may see. Two statements; only doubtful members are read, one after the other."""
    now = host.clock.now()
    rules = same_phn.eligibility(connection, host, settings, now)
    members = member_rows.members(host, now=now)
    doubtful = members.where(
        host.identity.visible(actor, member.c.patient_id),
        *(() if panel_id is None else (member.c.panel_id == panel_id,)),
        certainly_eligible(members, rules).is_not(true()),
    )
    excluded, reasons = 0, Counter[Reason]()
    with connection.execute(doubtful.execution_options(yield_per=_STREAMED)) as result:
        for row in map(MemberRow._make, result):
            member_reasons = rules.reasons(row)
            excluded += bool(member_reasons)
            reasons.update(member_reasons)
    return NextSubmission(excluded, reasons)
