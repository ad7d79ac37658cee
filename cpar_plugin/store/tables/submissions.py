"""Requests to submit a panel, and what was sent."""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, Integer, SmallInteger, Table

from ..types import Moment, exact, long_text, piece, serial
from .base import INNODB, metadata

# A night that has been processed, by its run or by marking what it missed: the key keeps a date from running twice.
night_run = Table(
    "cpar_night_run",
    metadata,
    Column("night", Date, primary_key=True),
    Column("began_at", Moment, nullable=False),
    Column("automatic", Date),  # the automatic date that it saw to
    **INNODB,
)

# When regular work was last done: its absence shows that the host's scheduler has stopped.
heartbeat = Table(
    "cpar_heartbeat",
    metadata,
    Column("name", exact(40), primary_key=True),
    Column("at", Moment, nullable=False),
    Column("zone_offsets", exact(16), nullable=False),  # of the clinic's zone in that process: domain.zone_offsets
    **INNODB,
)

# A request to submit a panel and what became of it, in one row: see domain.submission.State.
submission = Table(
    "cpar_submission",
    metadata,
    Column("submission_id", serial(), primary_key=True),
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), nullable=False),
    Column("open_panel_id", BigInteger, unique=True),  # the panel until the state is final, then NULL
    Column("automatic", Date),  # the automatic date that it serves; NULL when only a person asked
    Column("requested_at", Moment, nullable=False),
    Column("requested_by", exact(60), nullable=False),
    Column("due_on", Date, nullable=False),  # the night run that it goes with
    Column("state", exact(20), nullable=False),
    Column("claim", exact(36)),  # who works on it, until:
    Column("claimed_until", Moment),
    Column("snapshot_id", exact(36), unique=True),  # the Bundle identifier of what is or was sent
    Column("attempts", SmallInteger, nullable=False, default=0),
    Column("first_attempt_at", Moment),
    Column("next_attempt_at", Moment),
    Column("in_doubt_since", Moment),  # when the first attempt began that may have arrived; NULL: nothing has left
    Column("finished_at", Moment),  # delivered, written or failed at
    Column("answer_status", SmallInteger),
    Column("answer_id", exact(64)),  # the id of the Bundle that the registry returned
    Column("answer_detail", long_text()),  # the other side's words; may name a patient: for managers of panels only
    Column("failure", long_text()),  # what a person reads: why, and what to do
    Column("notified_at", Moment),  # when the recipient was notified of a failure
    Column("releases", BigInteger),  # the held submission that this one releases: the guard lets it pass
    Column("guard_note", long_text()),  # why it would have been held, of one that went since the window had ended
    Column("release_requested_by", exact(60)),  # of a held one that needs two people: who asked for its release
    Column("release_requested_at", Moment),
    Index("cpar_submission_automatic", "panel_id", "automatic", unique=True),
    Index("cpar_submission_state", "state", "next_attempt_at"),
    **INNODB,
)

# The last rehearsal of each panel's coming automatic submission, which was made by itself: one row for each panel.
rehearsal = Table(
    "cpar_rehearsal",
    metadata,
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), primary_key=True),
    Column("automatic", Date),  # the automatic date that it is about; NULL until the first
    Column("rehearsed_at", Moment),  # the moment of its data
    Column("held", long_text()),  # why the submission would be held; NULL where it would be sent
    Column("claim", exact(36)),  # who works on it, until:
    Column("claimed_until", Moment),
    Column("notified_for", Date),  # the last automatic date of which the recipient was notified
    **INNODB,
)

# What was or would be sent, written before it is sent. Kept apart from its pieces, which may be removed earlier.
snapshot = Table(
    "cpar_snapshot",
    metadata,
    Column("snapshot_id", exact(36), primary_key=True),
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), nullable=False),
    Column("taken_at", Moment, nullable=False),
    Column("sent", Integer, nullable=False),
    Column("excluded", Integer, nullable=False),
    Column("reasons", long_text(), nullable=False, default="{}"),  # JSON: excluded members by domain.reasons.Reason
    Column("entries", Integer, nullable=False),  # of the Bundle
    Column("body_bytes", BigInteger, nullable=False),
    Column("sha256", exact(64), nullable=False),  # of the body as sent
    **INNODB,
)

# The body, gzip, cut into pieces; and the index of who was in it (see services.snapshots.storage).
snapshot_piece = Table(
    "cpar_snapshot_piece",
    metadata,
    Column("snapshot_id", exact(36), primary_key=True),
    Column("part", SmallInteger, primary_key=True, autoincrement=False),
    Column("position", Integer, primary_key=True, autoincrement=False),
    Column("data", piece(), nullable=False),
    **INNODB,
)

exclusion = Table(
    "cpar_exclusion",
    metadata,
    Column("snapshot_id", exact(36), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reasons", exact(250), nullable=False),  # codes of domain.reasons.Reason, joined by a space
    sqlite_with_rowid=False,
    **INNODB,
)

# A reason for which a member is excluded now or was until lately: the work on it (services.exclusions). A patient is on
# one panel at most, so that the patient and the reason are the key.
exclusion_line = Table(
    "cpar_exclusion_line",
    metadata,
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", exact(40), primary_key=True),  # domain.reasons.Reason
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), nullable=False),  # at the last comparison
    Column("opened_at", Moment, nullable=False),  # when the reason was first seen, or was seen again
    Column("closed_at", Moment),  # NULL while the patient is excluded for it
    Column("closing", exact(20)),  # domain.exclusion_lines.Closing
    Column("state", exact(20), nullable=False),  # domain.exclusion_lines.LineState
    Column("owner_id", exact(60)),  # who has taken it
    Column("note", exact(500), nullable=False),  # patient data
    Column("changed_at", Moment),  # when a user last changed owner, state or note
    Column("changed_by", exact(60)),
    Column("version", Integer, nullable=False),
    Index("cpar_exclusion_line_closed", "closed_at", "panel_id"),
    sqlite_with_rowid=False,
    **INNODB,
)

# What people have changed of exclusions, line by line.
exclusion_line_change = Table(
    "cpar_exclusion_line_change",
    metadata,
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", exact(40), primary_key=True),
    Column("operation_id", BigInteger, primary_key=True, autoincrement=False),
    Column("version", Integer, nullable=False),  # of the line afterwards
    Column("owner_id_before", exact(60)),
    Column("owner_id_after", exact(60)),
    Column("state_before", exact(20), nullable=False),
    Column("state_after", exact(20), nullable=False),
    Column("note_before", exact(500), nullable=False),
    Column("note_after", exact(500), nullable=False),
    Index("cpar_exclusion_line_change_of_operation", "operation_id"),
    sqlite_with_rowid=False,
    **INNODB,
)

# One row, which is also the lock of a comparison: the lines are as of `compared_at`.
exclusion_comparison = Table(
    "cpar_exclusion_comparison",
    metadata,
    Column("comparison_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("compared_at", Moment),  # NULL before the first
    Column("whole_at", Moment),  # when all members were last compared, not only those concerned by what is known here
    Column("operation_id", BigInteger, nullable=False),  # the last operation that it has considered
    **INNODB,
)

# What a comparison has found so far, the reasons as they are now; empty outside of its transaction.
exclusion_found = Table(
    "cpar_exclusion_found",
    metadata,
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", exact(40), primary_key=True),
    Column("panel_id", BigInteger, nullable=False),
    sqlite_with_rowid=False,
    **INNODB,
)
