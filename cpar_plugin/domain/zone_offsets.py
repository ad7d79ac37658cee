"""A time zone's offsets in the days ahead: two processes with different offsets show different times."""

from datetime import datetime, timedelta
from functools import lru_cache
from hashlib import blake2b
from zoneinfo import ZoneInfo

_DAYS = 2 * 366


def zone_offsets(zone: ZoneInfo, now: datetime) -> str:
    """A fingerprint of the zone's offsets from the year of `now` (aware) on, for two years: 16 hexadecimal digits."""
    return _fingerprint(zone, now.astimezone(zone).year)


@lru_cache(64)
def _fingerprint(zone: ZoneInfo, year: int) -> str:
    first = datetime(year, 1, 1, 12, tzinfo=zone)
    offsets = "".join(f"{(first + timedelta(days=number)).strftime('%z')}" for number in range(_DAYS))
    return blake2b(offsets.encode(), digest_size=8).hexdigest()
