"""What clients have subscribed to, the numbered events of each subscription, and changes that no one has numbered."""

from sqlalchemy import BigInteger, Column, ForeignKey, Index, Integer, Table

from ..types import Moment, exact, long_text, piece, serial
from .base import INNODB, metadata

# See services.subscriptions. The numbers count its events since it was made: each is given once.
subscription = Table(
    "cpar_subscription",
    metadata,
    Column("subscription_id", serial(), primary_key=True),
    Column("resource_id", exact(36), nullable=False, unique=True),  # random: no other ever has the same
    Column("client_id", ForeignKey("cpar_client.client_id"), nullable=False),
    Column("base", exact(300), nullable=False),  # the interface's address, as the client reached it
    Column("status", exact(20), nullable=False),  # domain.subscription.SubscriptionStatus
    Column("reason", exact(500), nullable=False),
    Column("panels", long_text()),  # JSON: the only panels that it is about; NULL for all of the client's
    Column("endpoint", exact(500), nullable=False),
    Column("headers", piece()),  # sealed, see services.subscriptions.headers
    Column("header_names", long_text(), nullable=False),  # JSON
    Column("media_type", exact(40), nullable=False),
    Column("content", exact(20), nullable=False),  # domain.subscription.PayloadContent
    Column("heartbeat_seconds", Integer),
    Column("timeout_seconds", Integer),
    Column("max_count", Integer),
    Column("ends_at", Moment),
    Column("created_at", Moment, nullable=False),
    Column("version", BigInteger, nullable=False),  # store.versions
    Column("changed_at", Moment, nullable=False),
    Column("collected_to", BigInteger, nullable=False),  # the last operation whose changes have numbers
    Column("last_number", BigInteger, nullable=False, default=0),
    Column("last_event_at", Moment),
    Column("sent_number", BigInteger, nullable=False, default=0),  # the last event that was taken
    Column("sent_at", Moment),  # when something was last taken
    Column("heartbeat_at", Moment),  # when the next heartbeat is due
    Column("attempts", Integer, nullable=False, default=0),  # that failed since
    Column("failing_since", Moment),
    Column("failure", long_text()),  # why the last attempt failed, and what to do; no patient data
    Column("next_attempt_at", Moment),
    Column("turned_off_by", exact(60)),  # who in the clinic: it stays off
    Column("claim", exact(36)),
    Column("claimed_until", Moment),
    Index("cpar_subscription_of_client", "client_id"),
    **INNODB,
)

subscription_event = Table(
    "cpar_subscription_event",
    metadata,
    Column("subscription_id", ForeignKey("cpar_subscription.subscription_id", ondelete="CASCADE"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Moment, nullable=False),
    Column("kind", exact(20), nullable=False),  # domain.subscription.PanelEventKind
    Column("patient_id", BigInteger, nullable=False),
    Column("panel_id", BigInteger, nullable=False),
    Column("from_panel_id", BigInteger),  # of a move
    Index("cpar_subscription_event_at", "at"),
    sqlite_with_rowid=False,
    **INNODB,
)

# Patients whose resource has changed, written with its new version, until subscriptions have events of it.
patient_change = Table(
    "cpar_patient_change",
    metadata,
    Column("change_id", serial(), primary_key=True),
    Column("patient_id", BigInteger, nullable=False),
    Column("at", Moment, nullable=False),
    **INNODB,
)
