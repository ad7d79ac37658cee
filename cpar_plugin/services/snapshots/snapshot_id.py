"""The identifier of a snapshot, which is also the identifier of its Bundle: a UUID that contains its time."""

from datetime import datetime
from secrets import randbits
from uuid import UUID

_VERSION = 7 << 76
_VARIANT = 2 << 62


def new_snapshot_id(taken_at: datetime) -> str:
    """A UUID of version 7 (RFC 9562): later moments sort after earlier ones, so that old leftovers can be found."""
    return str(UUID(int=_milliseconds(taken_at) << 80 | _VERSION | randbits(12) << 64 | _VARIANT | randbits(62)))


def first_snapshot_id(moment: datetime) -> str:
    """What sorts before every snapshot taken at or after this moment, and after every earlier one."""
    return str(UUID(int=_milliseconds(moment) << 80))


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
