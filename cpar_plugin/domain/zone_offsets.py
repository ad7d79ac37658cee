"""A time zone's offsets in the days ahead: two processes with different offsets show different times."""

from datetime import datetime, timedelta
from hashlib import blake2b
from zoneinfo import ZoneInfo

_DAYS = 2 * 366


def zone_offsets(zone: ZoneInfo, now: datetime) -> str:
    """A fingerprint of the zone's offsets from the year of `now` (aware) on, for two years: 16 hexadecimal digits."""
    first = now.astimezone(zone).replace(month=1, day=1, hour=12, minute=0, second=0, microsecond=0)
    offsets = "".join(f"{(first + timedelta(days=number)).strftime('%z')}" for number in range(_DAYS))
    return blake2b(offsets.encode(), digest_size=8).hexdigest()
