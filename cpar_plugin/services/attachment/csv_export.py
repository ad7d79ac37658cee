"""A list of patients whose panel, MRP, and visits do not say the same, as the rows of a file."""

from collections.abc import Iterable, Iterator
from typing import Final

from ...domain.csv_columns import PATIENT, CsvColumn, CsvHead
from ...domain.four_cut import CUT_LABELS
from .listing import AttachmentRow

HEAD: Final[CsvHead] = (
    *PATIENT,
    CsvColumn.MRP,
    CsvColumn.PANEL,
    CsvColumn.PROPOSED_PROVIDER,
    CsvColumn.PROPOSED_PANEL,
    CsvColumn.CUT,
    CsvColumn.CUT_REASON,
    CsvColumn.VISITS_WITH,
    CsvColumn.VISITS,
)


def export(rows: Iterable[AttachmentRow]) -> Iterator[tuple[object, ...]]:
    """The rows of the file, with its head."""
    yield HEAD
    for row in rows:
        decision = row.decision
        yield (
            row.patient_id,
            row.family_name,
            row.given_name,
            row.birth_date,
            row.phn,
            row.mrp,
            row.panel_number,
            row.proposed,
            "; ".join(row.proposed_panels),
            decision.cut.value if decision else None,
            cut_text(row) if decision else None,
            decision.visits if decision else None,
            decision.all_visits if decision else None,
        )


def cut_text(row: AttachmentRow) -> str:
    """Which cut decided, in words."""
    assert row.decision
    tie = "; two at the same moment: the lower provider number" if row.decision.same_moment else ""
    return f"{CUT_LABELS[row.decision.cut]}{tie}"
