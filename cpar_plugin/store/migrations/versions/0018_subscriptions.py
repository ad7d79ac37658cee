"""Subscriptions of clients, and their events."""

import sqlalchemy as sa
from alembic import op

from cpar_plugin.store.tables.base import INNODB
from cpar_plugin.store.types import Moment, exact, long_text, piece, serial

revision = "0018"
down_revision = "0019"


def upgrade() -> None:
    op.create_table(
        "cpar_subscription",
        sa.Column("subscription_id", serial(), nullable=False),
        sa.Column("resource_id", exact(36), nullable=False),
        sa.Column("client_id", serial(), nullable=False),
        sa.Column("base", exact(300), nullable=False),
        sa.Column("status", exact(20), nullable=False),
        sa.Column("reason", exact(500), nullable=False),
        sa.Column("panels", long_text()),
        sa.Column("endpoint", exact(500), nullable=False),
        sa.Column("headers", piece()),
        sa.Column("header_names", long_text(), nullable=False),
        sa.Column("media_type", exact(40), nullable=False),
        sa.Column("content", exact(20), nullable=False),
        sa.Column("heartbeat_seconds", sa.Integer()),
        sa.Column("timeout_seconds", sa.Integer()),
        sa.Column("max_count", sa.Integer()),
        sa.Column("ends_at", Moment()),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("collected_to", sa.BigInteger(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("last_event_at", Moment()),
        sa.Column("sent_number", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", Moment()),
        sa.Column("heartbeat_at", Moment()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("failing_since", Moment()),
        sa.Column("failure", long_text()),
        sa.Column("next_attempt_at", Moment()),
        sa.Column("turned_off_by", exact(60)),
        sa.Column("claim", exact(36)),
        sa.Column("claimed_until", Moment()),
        sa.PrimaryKeyConstraint("subscription_id", name="cpar_subscription_pk"),
        sa.ForeignKeyConstraint(["client_id"], ["cpar_client.client_id"], name="cpar_subscription_client_id_fk"),
        sa.UniqueConstraint("resource_id", name="cpar_subscription_resource_id_uq"),
        if_not_exists=True,
        **INNODB,
    )
    op.create_index("cpar_subscription_of_client", "cpar_subscription", ["client_id"], if_not_exists=True)
    op.create_table(
        "cpar_subscription_event",
        sa.Column("subscription_id", serial(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("kind", exact(20), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("panel_id", sa.BigInteger(), nullable=False),
        sa.Column("from_panel_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("subscription_id", "number", name="cpar_subscription_event_pk"),
        sa.ForeignKeyConstraint(
            ["subscription_id"],
            ["cpar_subscription.subscription_id"],
            name="cpar_subscription_event_subscription_id_fk",
            ondelete="CASCADE",
        ),
        if_not_exists=True,
        sqlite_with_rowid=False,
        **INNODB,
    )
    op.create_index("cpar_subscription_event_at", "cpar_subscription_event", ["at"], if_not_exists=True)
    op.create_table(
        "cpar_patient_change",
        sa.Column("change_id", serial(), nullable=False),
        sa.Column("patient_id", sa.BigInteger(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("change_id", name="cpar_patient_change_pk"),
        if_not_exists=True,
        **INNODB,
    )


def downgrade() -> None:
    for table in ("cpar_subscription_event", "cpar_subscription", "cpar_patient_change"):
        op.drop_table(table, if_exists=True)
