"""What was submitted of a panel and what the registry counts, by month, as a CSV file."""

from collections.abc import Iterator
from typing import Final

from ...domain.csv_columns import CsvColumn, CsvHead
from ...domain.dates import month_code
from ...domain.metrics import MONTHS
from ...domain.panel_state import PanelState
from ...hooks import Host
from . import metrics

HEAD: Final[CsvHead] = (
    CsvColumn.PANEL,
    CsvColumn.PANEL_STATE,
    CsvColumn.MONTH,
    CsvColumn.SUBMITTED,
    CsvColumn.RECEIVED,
    CsvColumn.ATTACHED,
    CsvColumn.NOT_ATTACHED,
    CsvColumn.CONFLICTS,
    CsvColumn.MISMATCHES,
    CsvColumn.NOT_EXPLAINED,
    CsvColumn.AS_OF,
)


def export(host: Host, panel_id: int, number: str, state: PanelState) -> Iterator[tuple[object, ...]]:
    """The rows of the file: the panel's months, the latest first. No patient is named."""
    yield HEAD
    with host.database.engine.connect() as connection:
        months = metrics.months(connection, host, panel_id, MONTHS)
    for one in reversed(months):
        gap = one.gap
        explained = (gap.patients, gap.conflicts, gap.mismatches, gap.unexplained) if gap else (None,) * 4
        counts = (one.sent, one.counts.received, one.counts.attached)
        yield (number, state.label, month_code(one.month), *counts, *explained, one.counts.as_of)
