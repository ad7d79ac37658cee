"""Bulk exports: their states, and who may still have what was exported."""

from enum import StrEnum


class ExportState(StrEnum):
    """Where an export is. The last two are final."""

    WAITING = "waiting"
    RUNNING = "running"
    COMPLETED = "completed"
    FAILED = "failed"


class Dialect(StrEnum):
    """The edition of FHIR Bulk Data Access whose terms an export keeps to."""

    STU3 = "3.0.0"  # as published
    BOTH = "3.0.0+4.0.0"  # a manifest that programs of either read
    STU4 = "4.0.0"  # as announced: https://hl7.org/fhir/uv/bulkdata/4.0.0-202609-ballot/


OPEN = (ExportState.WAITING, ExportState.RUNNING)
ATTEMPTS = 3  # to create it, where the process or the database fails


def still_covers(readable: frozenset[int] | None, exported: frozenset[int] | None) -> bool:
    """Whether a caller who may read the panels `readable` may have an export of the panels `exported`. None is all."""
    return readable is None or (exported is not None and exported <= readable)
