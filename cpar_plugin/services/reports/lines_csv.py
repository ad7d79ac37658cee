"""The lines of reports as the rows of a file: all that the page has found."""

from collections.abc import Iterator
from typing import Final

from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from ...domain.list_columns import ColumnField
from ...domain.names import full_name
from ...domain.report_lines import GONE_FROM_REPORT, PANEL_DELETED, STATE_LABELS
from ...domain.reports import KIND_LABELS, details_text
from ...hooks import Actor, Host
from ...settings import Settings
from . import lines
from .lines_query import ReportLineCriteria

HEAD: Final[CsvHead] = (
    *PATIENT,
    CsvColumn.REPORTED_NAME,
    CsvColumn.REPORTED_PHN,
    CsvColumn.PANEL,
    CsvColumn.MRP,
    CsvColumn.REPORT,
    CsvColumn.DETAILS,
    CsvColumn.OUR_VALUE,
    CsvColumn.REGISTRY_VALUE,
    CsvColumn.OPEN_SINCE,
    CsvColumn.DAYS,
    CsvColumn.TIMES,
    CsvColumn.DUE_ON,
    CsvColumn.LINE_STATE,
    CsvColumn.TAKEN_BY,
    CsvColumn.NOTE,
    CsvColumn.CLOSED_ON,
    CsvColumn.WHY_CLOSED,
)


def export(host: Host, actor: Actor, settings: Settings, criteria: ReportLineCriteria) -> Iterator[tuple[object, ...]]:
    """The rows of the file, streamed, without patients that the actor may not see."""
    yield HEAD
    zone = host.clock.zone
    with host.database.engine.connect() as connection:
        for line in lines.every_line(connection, host, actor, settings, criteria):
            yield (
                line.patient_id,
                line.family_name,
                line.given_name,
                line.birth_date,
                line.phn,
                full_name(line.listed_family_name, line.listed_given_name),
                line.listed_phn,
                line.panel_number,
                line.mrp,
                KIND_LABELS[line.kind],
                details_text(line.details),
                line.own_value,
                line.details.get(ColumnField.REGISTRY_VALUE),
                line.opened_at.astimezone(zone).date(),
                line.age,
                line.times,
                line.due,
                STATE_LABELS[line.state],
                line.owner,
                line.note,
                line.closed_at.astimezone(zone).date() if line.closed_at else None,
                (PANEL_DELETED if line.panel_deleted else GONE_FROM_REPORT) if line.closed_at else None,
            )
