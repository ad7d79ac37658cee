"""How long work will still take, by the pace that it has had lately."""

from datetime import timedelta
from typing import Final

LATELY: Final = timedelta(minutes=15)  # of a night: what was before, such as a registry that was down, does not count


def time_left(remaining: int, finished_lately: int, during: timedelta) -> timedelta | None:
    """How long the remaining take if they finish as the latest did in the time `during`; None where not known."""
    if not remaining:
        return timedelta(0)
    if not finished_lately or during <= timedelta(0):
        return None
    return during * remaining / finished_lately
