"""Who would be submitted now, and why the others would be excluded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, true

from ...domain.eligibility import Eligibility
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
    rules = same_phn.eligibility(connection, host, settings, host.clock.now())
    return of_doubtful(connection, host, actor, rules, panel_id)


def of_doubtful(
    connection: Connection,
    host: Host,
    actor: Actor,
    rules: Eligibility,
    panel_id: int | None,
    doubtful_ids: Sequence[int] | None = None,
) -> NextSubmission:
    """The same by rules of this moment; `doubtful_ids`: who has to be read, where that is known.

    One statement, or one for each thousand of these.
    """
    if doubtful_ids is not None and not doubtful_ids:
        return NextSubmission(0, {})
    members = member_rows.members(host, now=host.clock.now())
    of_panel = () if panel_id is None else (member.c.panel_id == panel_id,)
    visible = host.identity.visible(actor, member.c.patient_id)
    if doubtful_ids is None:
        plain = certainly_eligible(members.selected_columns, rules)
        queries = [members.where(visible, *of_panel, plain.is_not(true()))]
    else:
        queries = [members.where(member.c.patient_id.in_(ids)) for ids in same_phn.portions(doubtful_ids)]
    excluded, reasons = 0, Counter[Reason]()
    for query in queries:
        with connection.execute(query.execution_options(yield_per=_STREAMED)) as result:
            for row in map(MemberRow._make, result):
                member_reasons = rules.reasons(row)
                excluded += bool(member_reasons)
                reasons.update(member_reasons)
    return NextSubmission(excluded, reasons)
