"""What people typed, kept for a short time between two requests."""

from sqlalchemy import Column, Index, Table

from ..types import Moment, exact, piece
from .base import INNODB, metadata

# A search or an unfinished form, readable only with the token that is in an address. See services.operations.kept.
kept = Table(
    "cpar_kept",
    metadata,
    Column("token_hash", exact(64), primary_key=True),  # SHA-256 of the token, which is kept nowhere
    Column("owner", exact(100), nullable=False),
    Column("sealed", piece(), nullable=False),
    Column("expires_at", Moment, nullable=False),
    Index("cpar_kept_expiry", "expires_at"),
    **INNODB,
)
