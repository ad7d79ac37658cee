"""Reports of the registry that people have uploaded: the files, and their rows with the patients found for them."""

from sqlalchemy import BigInteger, Boolean, Column, Date, ForeignKey, Index, Integer, Table

from ..types import Moment, exact, long_text, piece, serial
from .base import INNODB, metadata

report = Table(
    "cpar_report",
    metadata,
    Column("report_id", serial(), primary_key=True),
    Column("kind", exact(20), nullable=False),  # domain.reports.ReportKind
    Column("panel_id", BigInteger),  # the panel that it is about; NULL for all panels
    Column("received_at", Moment, nullable=False),
    Column("actor_id", exact(60), nullable=False),
    Column("name", exact(100), nullable=False),  # of the file
    Column("sha256", exact(64), nullable=False),  # of the file, in hexadecimal
    Column("reading", long_text(), nullable=False),  # JSON, services.uploads.layouts.ListReading
    Column("rows_read", Integer, nullable=False),  # below the column names: more than are kept
    Column("reported_on", Date),  # the report's own day, where its rows say one: domain.reports.day_of_report
    Index("cpar_report_received", "received_at"),
    Index("cpar_report_file", "sha256", unique=True),
    sqlite_autoincrement=True,  # the number of one that was removed is not given again
    **INNODB,
)

report_piece = Table(
    "cpar_report_piece",
    metadata,
    Column("report_id", ForeignKey("cpar_report.report_id"), primary_key=True),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("data", piece(), nullable=False),
    **INNODB,
)

# A row that is about a patient, or a count. Rows about no one, such as totals, and repeated ones are not kept.
report_row = Table(
    "cpar_report_row",
    metadata,
    Column("report_id", ForeignKey("cpar_report.report_id"), primary_key=True),
    Column("row_number", Integer, primary_key=True, autoincrement=False),  # in the file
    Column("line_key", exact(64), nullable=False),  # domain.reports.line_key
    Column("phn", exact(20), nullable=False),
    Column("family_name", exact(60), nullable=False),
    Column("given_name", exact(60), nullable=False),
    Column("birth_date", exact(40), nullable=False),  # ISO text; what names no day as it is
    Column("gender", exact(1), nullable=False),
    Column("panel_text", exact(100), nullable=False),
    Column("details", long_text(), nullable=False),  # JSON, domain.list_columns.REPORTED
    Column("matches", Integer, nullable=False),  # how many patients may be meant
    Column("patient_id", BigInteger),  # where exactly one may be: proposed, until it is accepted
    Column("how", exact(20)),  # services.uploads.matching.MatchedHow
    Column("accepted", Boolean(create_constraint=False), nullable=False),
    Index("cpar_report_row_by_key", "report_id", "line_key", unique=True),
    Index("cpar_report_row_of_patient", "patient_id"),
    Index("cpar_report_row_by_phn", "report_id", "phn", "birth_date", "family_name"),  # all that matching asks for
    sqlite_with_rowid=False,
    **INNODB,
)

# A row as work, the same one from report to report of its kind and panel: it closes when the next has it no longer.
report_line = Table(
    "cpar_report_line",
    metadata,
    Column("line_id", serial(), primary_key=True),
    Column("kind", exact(20), nullable=False),
    Column("panel_id", BigInteger, nullable=False),  # of the last report about one panel that has it; 0 for none
    Column("line_key", exact(64), nullable=False),
    Column("report_id", ForeignKey("cpar_report.report_id"), nullable=False),  # the last one that has it
    Column("times", Integer, nullable=False),  # how often it came
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),  # when a report came that has it no longer
    Column("state", exact(20), nullable=False),  # domain.report_lines.ReportLineState
    Column("owner_id", exact(60)),
    Column("note", exact(500), nullable=False),
    Column("changed_at", Moment),
    Column("changed_by", exact(60)),
    Column("version", Integer, nullable=False),
    # Of conflicts alone: how the work on it ended.
    Column("ending", exact(20)),  # domain.conflicts.ConflictEnding
    Column("ended_at", Moment),
    Column("ended_by", exact(60)),
    Column("learned_on", Date),  # of which day the submission is that tells the registry of the removal
    Column("answer", exact(20)),  # domain.check_in.CheckInAnswer, of a patient who was asked because of it
    Column("answered_at", Moment),
    Column("made_by", BigInteger),  # the report with which it came first, which may be gone
    Index("cpar_report_line_by_key", "kind", "panel_id", "line_key", unique=True),
    Index("cpar_report_line_by_kind_and_key", "kind", "line_key"),
    Index("cpar_report_line_of_report", "report_id", "line_key"),
    Index("cpar_report_line_closed", "closed_at", "opened_at"),
    Index("cpar_report_line_ending", "ending", "answer"),
    Index("cpar_report_line_to_do", "closed_at", "state"),
    sqlite_autoincrement=True,  # as above: a page that still shows such a line changes no other
    **INNODB,
)

# The lines that a report has found there, as they were before it: what its removal puts back.
report_line_before = Table(
    "cpar_report_line_before",
    metadata,
    Column("report_id", ForeignKey("cpar_report.report_id"), primary_key=True),
    Column("line_id", BigInteger, primary_key=True, autoincrement=False),
    Column("report_id_before", BigInteger, nullable=False),  # the last one that had the line
    Column("panel_id", BigInteger),  # of the last report about one panel that had it; 0 for none
    Column("times", Integer, nullable=False),
    Column("opened_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("state", exact(20), nullable=False),
    Column("ending", exact(20)),
    Column("ended_at", Moment),
    Column("ended_by", exact(60)),
    Column("learned_on", Date),
    Column("answer", exact(20)),
    Column("answered_at", Moment),
    sqlite_with_rowid=False,
    **INNODB,
)

# What people have changed of lines. Changes by reports are not in it: a line is in the rows of those that have it.
report_line_change = Table(
    "cpar_report_line_change",
    metadata,
    Column("line_id", BigInteger, primary_key=True, autoincrement=False),
    Column("operation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("report_id", BigInteger, nullable=False),  # the last one that had the line then
    Column("version", Integer, nullable=False),  # of the line afterwards
    Column("owner_id_before", exact(60)),
    Column("owner_id_after", exact(60)),
    Column("state_before", exact(20), nullable=False),
    Column("state_after", exact(20), nullable=False),
    Column("note_before", exact(500), nullable=False),
    Column("note_after", exact(500), nullable=False),
    Index("cpar_report_line_change_of_operation", "operation_id"),
    Index("cpar_report_line_change_of_report", "report_id"),
    **INNODB,
)

# What the registry counts of a panel in a month. A change is a row more: the last of a month holds.
panel_metrics = Table(
    "cpar_panel_metrics",
    metadata,
    Column("entry_id", serial(), primary_key=True),
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), nullable=False),
    Column("month", Date, nullable=False),  # its first day
    Column("received", Integer),  # patients in the file that the registry received
    Column("attached", Integer),  # neither: there is nothing for the month
    Column("as_of", Date),  # the date of the source
    Column("report_id", BigInteger),  # the report that it was taken from, which may be gone; NULL: a person typed it
    Column("at", Moment, nullable=False),
    Column("actor_id", exact(60), nullable=False),
    Index("cpar_panel_metrics_of_month", "panel_id", "month", "entry_id"),
    Index("cpar_panel_metrics_of_report", "report_id"),
    **INNODB,
)

# A letter about a conflict, as it was sent, or what came in. It is kept also when its line is not.
letter = Table(
    "cpar_letter",
    metadata,
    Column("letter_id", serial(), primary_key=True),
    Column("line_id", BigInteger, nullable=False),
    Column("patient_id", BigInteger, nullable=False),
    Column("direction", exact(20), nullable=False),  # domain.letters.LetterDirection
    Column("day", Date, nullable=False),  # of the letter, or on which it came in
    Column("party", exact(300), nullable=False),  # to, or from
    Column("letterhead", long_text(), nullable=False),
    Column("text", long_text(), nullable=False),
    Column("recorded_at", Moment, nullable=False),
    Column("recorded_by", exact(60), nullable=False),
    Column("withdrawn_at", Moment),  # of one that was recorded by mistake
    Column("withdrawn_by", exact(60)),
    Index("cpar_letter_of_patient", "patient_id"),
    Index("cpar_letter_of_line", "line_id"),
    Index("cpar_letter_of_day", "direction", "day"),
    Index("cpar_letter_recorded", "recorded_at"),
    **INNODB,
)
