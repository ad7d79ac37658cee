"""Panels, their members, and how these came about.

`cpar_member` is the state now: its primary key is the rule of one panel per patient. `cpar_operation` with
`cpar_ledger` is how it came about: both are only ever added to.
"""

from sqlalchemy import BigInteger, Column, Date, ForeignKey, Index, Integer, SmallInteger, Table

from ..types import Moment, digest, exact, long_text, serial
from .base import INNODB, metadata

# One row, which is also the lock: every change of membership first takes it for update.
clinic = Table(
    "cpar_clinic",
    metadata,
    Column("clinic_id", SmallInteger, primary_key=True, autoincrement=False),
    Column("enabled_at", Moment),  # NULL while the integration is off
    Column("name", exact(100), nullable=False, default=""),
    Column("site_id", exact(60), nullable=False, default=""),
    Column("version", Integer, nullable=False, default=1),
    Column("exclusions_seen_at", Moment),  # when someone first looked at exclusions
    Column("checklist_dismissed_at", Moment),
    Column("check_in_question", exact(300)),  # the clinic's own words, NULL for ours
    Column("check_in_question_not_paneled", exact(300)),
    Column("check_in_question_conflict", exact(300)),
    Column("letterhead", long_text()),  # of letters to other clinics, below the clinic's name
    Column("letter_text", long_text()),  # the clinic's own words, NULL for ours
    Column("departure_letter", long_text()),  # likewise, to patients whose provider leaves
    Column("removal_reasons", long_text()),  # the clinic's own, one in each line (domain.removal)
    Column("removal_reason_required_at", Moment),  # since when a reason is demanded; NULL: it is optional
    # What is paid for a payable patient in a month, as the clinic has entered it; NULL: nothing is shown.
    Column("payment_cents", Integer),
    Column("payment_label", exact(100)),
    Column("payment_as_of", Date),
    Column("restored_at", Moment),  # when the work after a restore was last done (services.health.after_restore)
    **INNODB,
)

panel = Table(
    "cpar_panel",
    metadata,
    Column("panel_id", serial(), primary_key=True),
    Column("number", exact(60), nullable=False),
    Column("live_number", exact(60), unique=True),  # the number while the panel lives, NULL once it is deleted
    Column("notify", exact(254), nullable=False, default=""),
    Column("state", exact(20), nullable=False, default="active"),  # domain.panel_state.PanelState
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Moment, nullable=False),
    Column("deleted_at", Moment),
    Column("floor_kind", exact(20)),  # domain.floor.FloorKind; NULL: none
    Column("floor_patients", Integer),
    # Of the panel as a FHIR Group, see services.fhir.groups. The digest is of all but the members.
    Column("group_version", BigInteger, nullable=False, default=1),  # store.versions
    Column("group_members_version", Integer, nullable=False, default=1),  # moves on when members or their dates do
    Column("group_changed_at", Moment),  # NULL: when it was created
    Column("group_digest", digest()),  # NULL: not read yet
    **INNODB,
)

panel_facility = Table(
    "cpar_panel_facility",
    metadata,
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), primary_key=True),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("facility_id", exact(6), nullable=False),
    **INNODB,
)

panel_provider = Table(
    "cpar_panel_provider",
    metadata,
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), primary_key=True),
    Column("position", SmallInteger, primary_key=True, autoincrement=False),
    Column("provider_id", exact(60), nullable=False),
    **INNODB,
)

practitioner = Table(
    "cpar_practitioner",
    metadata,
    Column("provider_id", exact(60), primary_key=True),
    Column("practitioner_id", exact(9), nullable=False, unique=True),
    **INNODB,
)

member = Table(
    "cpar_member",
    metadata,
    Column("patient_id", serial(), primary_key=True, autoincrement=False),
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), nullable=False),
    Column("since", Moment, nullable=False),  # on this panel since
    Column("confirmed_on", Date),
    Column("confirmed_how", exact(30)),  # domain.confirmation.ConfirmedHow
    Index("cpar_member_of_panel", "panel_id", "patient_id"),
    **INNODB,
)

operation = Table(
    "cpar_operation",
    metadata,
    Column("operation_id", serial(), primary_key=True),
    Column("kind", exact(20), nullable=False),  # services.operations.record.OperationKind
    Column("at", Moment, nullable=False),
    Column("actor_id", exact(60), nullable=False),
    Column("panel_id", ForeignKey("cpar_panel.panel_id")),
    Column("from_panel_id", ForeignKey("cpar_panel.panel_id")),
    Column("undoes", ForeignKey("cpar_operation.operation_id"), unique=True),
    Column("form_key", exact(36), unique=True),  # of the form that asked for it: sent twice, it is carried out once
    Column("detail", long_text(), nullable=False, default="{}"),  # JSON; no patient data
    **INNODB,
)

# What an operation did to one patient: the membership before and afterwards, all NULL where there was none.
ledger = Table(
    "cpar_ledger",
    metadata,
    Column("operation_id", ForeignKey("cpar_operation.operation_id"), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("from_panel_id", BigInteger),
    Column("from_since", Moment),
    Column("from_confirmed_on", Date),
    Column("from_confirmed_how", exact(30)),
    Column("to_panel_id", BigInteger),
    Column("to_since", Moment),
    Column("to_confirmed_on", Date),
    Column("to_confirmed_how", exact(30)),
    Index("cpar_ledger_of_patient", "patient_id", "operation_id"),
    sqlite_with_rowid=False,
    **INNODB,
)

# What an operation did to each panel, in numbers of patients: of the ledger, for the history of a panel.
operation_panel = Table(
    "cpar_operation_panel",
    metadata,
    Column("operation_id", ForeignKey("cpar_operation.operation_id"), primary_key=True),
    Column("panel_id", BigInteger, primary_key=True, autoincrement=False),
    Column("added", Integer, nullable=False),
    Column("removed", Integer, nullable=False),
    Column("kept", Integer, nullable=False),  # on the panel before and afterwards: confirmed, or a confirmation undone
    Index("cpar_operation_panel_of_panel", "panel_id", "operation_id"),
    sqlite_with_rowid=False,
    **INNODB,
)

# The patients that a bulk operation skipped, and why, as things stood then: only ever added to.
skipped = Table(
    "cpar_skipped",
    metadata,
    Column("operation_id", ForeignKey("cpar_operation.operation_id"), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("reason", exact(20), nullable=False),  # services.bulk.orders.SkipReason
    Column("status", exact(60), nullable=False),  # the patient's in the host, '' for none
    sqlite_with_rowid=False,
    **INNODB,
)

# Memberships carried over to another record since the host has merged the two (services.roster.merges).
inherited = Table(
    "cpar_inherited",
    metadata,
    Column("retired_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kept_id", BigInteger, nullable=False),
    Column("operation_id", ForeignKey("cpar_operation.operation_id"), nullable=False),
    # Merge undone, but the kept record's was changed before: `since` of what people have to look at.
    Column("review_since", Moment),
    Index("cpar_inherited_by", "kept_id"),
    sqlite_with_rowid=False,
    **INNODB,
)

# What came of asking a patient at check-in on a day.
check_in = Table(
    "cpar_check_in",
    metadata,
    Column("day", Date, primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("answer", exact(20), nullable=False),  # domain.check_in.CheckInAnswer
    Column("at", Moment, nullable=False),
    Column("actor_id", exact(60), nullable=False),
    sqlite_with_rowid=False,
    **INNODB,
)

# How many of a panel's patients were asked and confirmed in a month (domain.rates).
confirmation_rate = Table(
    "cpar_confirmation_rate",
    metadata,
    Column("month", Date, primary_key=True),  # its first day
    Column("panel_id", ForeignKey("cpar_panel.panel_id"), primary_key=True),
    Column("visited", Integer),  # NULL: the host cannot say
    Column("in_person", Integer, nullable=False),
    Column("members", Integer, nullable=False),
    Column("confirmed", Integer, nullable=False),
    Column("within_months", Integer, nullable=False),  # how recent a confirmation had to be
    Column("counted_at", Moment, nullable=False),
    sqlite_with_rowid=False,
    **INNODB,
)

# What people have answered to cautions: only ever added to, the last of each patient and caution counts.
answer = Table(
    "cpar_answer",
    metadata,
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("caution", exact(40), primary_key=True),  # domain.cautions.Caution
    Column("operation_id", ForeignKey("cpar_operation.operation_id"), primary_key=True),
    Column("fingerprint", exact(32)),  # of the values that it is about (domain.answers); NULL: withdrawn
    sqlite_with_rowid=False,
    **INNODB,
)
