"""The floor of a panel: how many patients it must have to be paid for as agreed, and for how long it is below.

Sources: 500 patients for the physicians' program PCPCM, with 90 days to rebuild a panel that falls below; 900 for nurse
practitioners. From which day the 90 days are counted, and whether they hold for others than PCPCM, is not published.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from .exhaustive import exhaustive
from .metrics import MOST, counted
from .refusals import Refused

REBUILD_DAYS: Final = 90


class FloorKind(StrEnum):
    """Where the floor comes from."""

    PHYSICIANS = "pcpcm"
    NURSE_PRACTITIONERS = "nurse-practitioners"
    OTHER = "other"


FLOOR_SOURCES: Final = exhaustive(
    __name__,
    FloorKind,
    {
        FloorKind.PHYSICIANS: "the physicians' program (PCPCM)",
        FloorKind.NURSE_PRACTITIONERS: "the program for nurse practitioners",
        FloorKind.OTHER: "the clinic",
    },
)
PUBLISHED: Final = {FloorKind.PHYSICIANS: 500, FloorKind.NURSE_PRACTITIONERS: 900}


@dataclass(frozen=True, slots=True)
class Floor:
    """How many patients a panel must have, and by whose rule."""

    kind: FloorKind
    patients: int

    @property
    def source(self) -> str:
        """Whose rule it is, in words."""
        return FLOOR_SOURCES[self.kind]


@dataclass(frozen=True, slots=True)
class PanelSize:
    """How many patients a panel had: as the registry has attached them, else as they were sent."""

    on: date
    patients: int
    attached: bool


@dataclass(frozen=True, slots=True)
class FloorStatus:
    """A panel against its floor. `distance` is negative below it.

    Below, `below_since` is the day of the first of the sizes known without one that reached the floor in between, and
    `rebuild_until` the last of the days to rebuild. `from_the_first`: no size is known that reached it, so that it may
    have been below before.
    """

    size: PanelSize
    distance: int
    below_since: date | None = None
    rebuild_until: date | None = None
    from_the_first: bool = False


def floor_of(kind: str | None, patients: int | None) -> Floor | None:
    """The floor as it is stored; None for none."""
    return Floor(FloorKind(kind), patients) if kind and patients else None


def entered_floor(kind: str, patients: str) -> Floor | None:
    """The floor as it was entered. The number counts for one of the clinic's own alone.

    Raises Refused (`kind`, `patients`).
    """
    if not kind:
        return None
    if kind not in list(FloorKind):
        raise Refused({"kind": "Select one of the floors, or none."})
    of_kind = FloorKind(kind)
    if of_kind in PUBLISHED:
        return Floor(of_kind, PUBLISHED[of_kind])
    number = counted(patients)
    if not number:
        raise Refused({"patients": f"Enter the number of patients, a whole number from 1 to {MOST:,}."})
    return Floor(of_kind, number)


def status(floor: Floor, sizes: Sequence[PanelSize]) -> FloorStatus | None:
    """Where the panel is, by its sizes, the earliest first; None without one."""
    if not sizes:
        return None
    distance = sizes[-1].patients - floor.patients
    if distance >= 0:
        return FloorStatus(sizes[-1], distance)
    place = len(sizes) - 1
    while place and sizes[place - 1].patients < floor.patients:
        place -= 1
    since = sizes[place].on
    return FloorStatus(sizes[-1], distance, since, since + timedelta(days=REBUILD_DAYS), from_the_first=place == 0)
