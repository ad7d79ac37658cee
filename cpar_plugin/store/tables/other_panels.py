"""Panels of the kinds that the registry does not know, and who is on them.

They are apart from `cpar_panel` and `cpar_member`, so that nothing that is submitted, or given out as a panel, can read
them. `cpar_other_member` is the state now: its primary key is the rule of one panel of each kind for a patient.
"""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    Table,
    UniqueConstraint,
)

from ..types import Moment, exact, serial
from .base import INNODB, metadata

other_panel = Table(
    "cpar_other_panel",
    metadata,
    Column("other_panel_id", serial(), primary_key=True),
    Column("kind", exact(20), nullable=False),  # domain.panel_kind.OtherKind
    Column("name", exact(60), nullable=False),
    Column("live_name", exact(60)),  # the name while it lives, NULL once it is deleted
    Column("provider_id", exact(60), nullable=False, default=""),  # '': of no one provider
    Column("state", exact(20), nullable=False, default="active"),  # domain.panel_state.PanelState
    Column("version", Integer, nullable=False, default=1),
    Column("created_at", Moment, nullable=False),
    Column("deleted_at", Moment),
    UniqueConstraint("kind", "live_name", name="cpar_other_panel_name_uq"),
    UniqueConstraint("other_panel_id", "kind", name="cpar_other_panel_kind_uq"),
    **INNODB,
)

other_member = Table(
    "cpar_other_member",
    metadata,
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", exact(20), primary_key=True),  # of the panel: the foreign key sees to it
    Column("other_panel_id", serial(), nullable=False),
    Column("since", Moment, nullable=False),  # on this panel since
    Column("signed_on", Date),  # date of the signed form, NULL where none was entered
    ForeignKeyConstraint(
        ["other_panel_id", "kind"],
        ["cpar_other_panel.other_panel_id", "cpar_other_panel.kind"],
        name="cpar_other_member_panel_fk",
    ),
    Index("cpar_other_member_of_panel", "other_panel_id", "kind", "patient_id"),
    sqlite_with_rowid=False,
    **INNODB,
)

# What an operation did to one patient: the membership before and afterwards, all NULL where there was none.
other_ledger = Table(
    "cpar_other_ledger",
    metadata,
    Column("operation_id", ForeignKey("cpar_operation.operation_id"), primary_key=True),
    Column("patient_id", BigInteger, primary_key=True, autoincrement=False),
    Column("kind", exact(20), primary_key=True),
    Column("from_other_panel_id", BigInteger),
    Column("from_since", Moment),
    Column("from_signed_on", Date),
    Column("to_other_panel_id", BigInteger),
    Column("to_since", Moment),
    Column("to_signed_on", Date),
    Column("merged_into", BigInteger),  # the record that was kept, where this one was merged away
    Index("cpar_other_ledger_merged", "merged_into", "patient_id"),
    Index("cpar_other_ledger_of_patient", "patient_id", "operation_id"),
    sqlite_with_rowid=False,
    **INNODB,
)
