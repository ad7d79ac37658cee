"""Alembic migrations of the plugin's tables."""

from pathlib import Path

from ...hooks import MigrationSource

VERSION_TABLE = "cpar_alembic_version"
SOURCE = MigrationSource(script_location=Path(__file__).parent, version_table=VERSION_TABLE)
