"""Bulk exports: their states, and who may still have what was exported."""

from enum import StrEnum


class State(StrEnum):
    """Where an export is. The last two are final."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


OPEN = (State.WAITING, State.RUNNING)
ATTEMPTS = 3  # to make it, where the process or the database fails meanwhile


def still_covers(readable: frozenset[int] | None, exported: frozenset[int] | None) -> bool:
    """Whether somebody who may read the panels `now` may have what was exported of the panels `then`. None is all."""
    return readable is None or (exported is not None and exported <= readable)
