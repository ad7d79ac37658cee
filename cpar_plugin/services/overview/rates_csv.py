"""The confirmation rates by provider and month as a CSV file."""

from collections.abc import Iterator
from typing import Final

from ...domain.csv_columns import CsvColumn, CsvHead
from ...domain.dates import month_code
from ...domain.rates import rate
from ...hooks import Host
from ..roster import rates
from ..roster.csv_file import moment_cell

HEAD: Final[CsvHead] = (
    CsvColumn.MONTH,
    CsvColumn.PROVIDER,
    CsvColumn.PROVIDER_ID,
    CsvColumn.PANELS,
    CsvColumn.VISITED,
    CsvColumn.IN_PERSON,
    CsvColumn.IN_PERSON_PERCENT,
    CsvColumn.MEMBERS,
    CsvColumn.CONFIRMED,
    CsvColumn.CONFIRMED_PERCENT,
    CsvColumn.WITHIN_MONTHS,
    CsvColumn.COUNTED_AT,
)


def export(host: Host) -> Iterator[tuple[object, ...]]:
    """The rows of the file: every provider in every month that was counted, the latest first. No patient is named."""
    yield HEAD
    with host.database.engine.connect() as connection:
        rates_of_providers = rates.by_provider(connection, host)
    for one in rates_of_providers:
        counts = one.of_month.counts
        yield (
            month_code(one.of_month.month),
            one.name,
            one.provider_id,
            one.panels,
            counts.visited,
            counts.in_person if counts.visited is not None else None,
            _percent(counts.in_person, counts.visited),
            counts.members,
            counts.confirmed,
            _percent(counts.confirmed, counts.members),
            one.of_month.within_months,
            moment_cell(one.of_month.counted_at, host.clock.zone),
        )


def _percent(part: int, whole: int | None) -> str | None:
    """With one decimal; None, an empty cell, where there is no rate."""
    share = rate(part, whole)
    return None if share is None else f"{100 * share:.1f}"
