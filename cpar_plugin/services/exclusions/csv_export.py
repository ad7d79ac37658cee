"""The list of exclusions as the rows of a file: all that the page has found."""

from collections.abc import Iterator
from typing import Final

from sqlalchemy import select

from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from ...domain.exclusion_lines import CLOSING_LABELS, STATE_LABELS, Closing, LineState, age_in_days
from ...domain.reasons import Reason
from ...domain.wording import wordings
from ...hooks import Actor, Host
from ..roster.providers import actor_names
from .lines_query import LineCriteria, source_of
from .listing import lines_of

HEAD: Final[CsvHead] = (
    *PATIENT,
    CsvColumn.PANEL,
    CsvColumn.MRP,
    CsvColumn.REASON,
    CsvColumn.HOW_TO_FIX,
    CsvColumn.TAKEN_BY,
    CsvColumn.LINE_STATE,
    CsvColumn.NOTE,
    CsvColumn.EXCLUDED_SINCE,
    CsvColumn.DAYS,
    CsvColumn.CLOSED_ON,
    CsvColumn.WHY_CLOSED,
)
_AT_ONCE = 1000


def export(host: Host, actor: Actor, criteria: LineCriteria) -> Iterator[tuple[object, ...]]:
    """The rows of the file, streamed, without patients that the actor may not see."""
    yield HEAD
    criteria = criteria.first_page
    zone, now, words = host.clock.zone, host.clock.now(), wordings(host.roster)
    with host.database.engine.connect() as connection:
        provider = host.roster.providers()
        names = actor_names(connection, host, set(connection.scalars(select(provider.c.provider_id))))
        query = lines_of(source_of(host, actor, criteria), criteria).execution_options(yield_per=_AT_ONCE)
        with connection.execute(query) as result:
            for row in result:
                wording = words[Reason(row.reason)]
                yield (
                    row.patient_id,
                    row.family_name,
                    row.given_name,
                    row.birth_date,
                    row.phn,
                    row.number,
                    names.get(row.mrp_id, row.mrp_id),
                    wording.label,
                    wording.remedy,
                    names.get(row.owner_id, row.owner_id),
                    STATE_LABELS[LineState(row.state)],
                    row.note,
                    row.opened_at.astimezone(zone).date(),
                    age_in_days(row.opened_at, row.closed_at or now, zone),
                    row.closed_at.astimezone(zone).date() if row.closed_at else None,
                    CLOSING_LABELS[Closing(row.closing)] if row.closing else None,
                )
