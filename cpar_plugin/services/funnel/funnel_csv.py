"""The steps of a panel, or of each, as a CSV file."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ...domain.csv_columns import CsvColumn, CsvHead
from ...domain.funnel import STEP_LABELS
from ..panels.listing import Panel
from .figures import PanelFunnel

HEAD: Final[CsvHead] = (
    CsvColumn.PANEL,
    CsvColumn.PANEL_STATE,
    CsvColumn.STEP,
    CsvColumn.STEP_PATIENTS,
    CsvColumn.AS_OF,
    CsvColumn.SINCE_STEP,
    CsvColumn.LOST,
    CsvColumn.GAINED,
)


def export(panels: Iterable[Panel], funnels: Mapping[int, PanelFunnel]) -> Iterator[tuple[object, ...]]:
    """The rows of the file, by panel in their order, and by step. No patient is named."""
    yield HEAD
    for panel in panels:
        for one in funnels[panel.panel_id].steps if panel.panel_id in funnels else ():
            yield (
                panel.number,
                panel.state.label,
                STEP_LABELS[one.step],
                one.count.patients if one.count else None,
                one.count.on if one.count else None,
                STEP_LABELS[one.since] if one.since else None,
                one.lost,
                one.gained,
            )
