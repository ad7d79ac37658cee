"""A night of few clinics against one of many with as many panels in all, and what it takes to ask many what is due."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import process_time
from typing import Final

import click
from sqlalchemy import Connection

from oscar_host.fleet.clinics import Clinics
from oscar_host.fleet.settings import load
from oscar_host.fleet.work.beat import Beat
from oscar_host.fleet.work.engine import Engine

from .province_clinics import ProvinceClinic
from .province_nights import Province, checked, panels_alone, workers

AIM_GROWTH: Final = 1.2
USUAL_MEMBERS: Final = 1000  # the median of a province is near it
SMALL_MEMBERS: Final = 100
# Of how many clinics, and how many panels each has.
FEW, MANY = (3, 10), (30, 1)
WHOLE_FEW, WHOLE_MANY = (10, 90), (900, 1)
_FEW_NIGHTS: Final = 3
_LATER_SECONDS: Final = 100.0  # the beat has spread its first questions over less


def alike(name: str, clinics: int, panels: int, members: int) -> list[ProvinceClinic]:
    """So many clinics that are as large as each other."""
    return [ProvinceClinic(f"{name}-{number:04}", (members,) * panels) for number in range(clinics)]


def growth(few: Province, many: Province, connection: Connection) -> tuple[float, float]:
    """Print what a panel takes in few clinics and in many; returned are the seconds of the processor for each.

    The first night of each is not counted: then each clinic has everything to compare for the first time.
    """
    for province in (few, many):
        checked(panels_alone, province, connection)
    nights = [checked(panels_alone, province, connection) for province in (few, many)]
    starting = nights[0].starting_seconds  # of as many processes
    in_few, in_many = (
        (night.processor_seconds - starting) / (province.panels - 1)
        for night, province in zip(nights, (few, many), strict=True)
    )
    members, beats = few.members // few.panels, [night.beat_seconds for night in nights]
    click.echo(
        f"two workers on RabbitMQ: a panel of {members:,} takes {in_many / in_few:.2f} times the processor time in "
        f"{len(many.clinics)} clinics as in {len(few.clinics)} ({1000 * in_many:.0f} ms : {1000 * in_few:.0f} ms; aim "
        f"for the usual size: at most {AIM_GROWTH:g}), of which the beat {beats[1]:.1f} s : {beats[0]:.1f} s in all; a "
        f"process {nights[1].mebibytes:.0f} MiB after {nights[0].mebibytes:.0f} MiB"
    )
    return in_few, in_many


def growth_of_fleet(province: Province, seconds: float, connection: Connection) -> None:
    """Print what a panel takes in the whole fleet, whose night took so many seconds, and in a fleet of ten of its
    clinics.
    """
    few = province.few(WHOLE_FEW[0])
    own = min(checked(workers, few, connection).later_seconds for _ in range(_FEW_NIGHTS))
    in_few, in_all = own / few.members, seconds / province.members
    click.echo(
        f"two workers on RabbitMQ: 1,000 members take {in_all / in_few:.2f} times the processor time in a fleet of "
        f"{len(province.clinics)} clinics as in one of {len(few.clinics)} of them ({1e6 * in_all:.0f} ms : "
        f"{1e6 * in_few:.0f} ms, without the start of the processes; aim: at most {AIM_GROWTH:g})"
    )


def usual_growth(usual_seconds: float, small: tuple[float, float], clinics: tuple[int, int]) -> None:
    """Print the growth of a panel of the usual size, of what one in few clinics takes, and what many add to any."""
    ratio = (usual_seconds + small[1] - small[0]) / usual_seconds
    click.echo(
        f"two workers on RabbitMQ: a panel of {USUAL_MEMBERS:,} takes {ratio:.2f} times the processor time in "
        f"{clinics[1]} clinics as in {clinics[0]}, by these numbers (aim: at most {AIM_GROWTH:g})"
    )


def tick(province: Province, empty_queues: Callable[[], None]) -> None:
    """Print what it takes of the processor to ask all clinics once, where none has anything due, and where all have."""
    for time, what in (("01:00", "nothing is"), ("03:20", "all panels are")):
        if what.startswith("all"):
            province.next_month()
        engine, now = Engine(Clinics(load(Path(province.write(time))))), [0.0]
        beat = Beat(engine, lambda now=now: now[0])  # type: ignore[misc]
        with ThreadPoolExecutor(8) as pool:
            beat.pulse(pool)
        now[0] += _LATER_SECONDS
        begin = process_time()
        with ThreadPoolExecutor(8) as pool:
            beat.pulse(pool)
        seconds = process_time() - begin
        engine.hosts.close()
        empty_queues()
        click.echo(
            f"the beat asks {len(province.clinics)} clinics, in which {what} due, in {seconds:.1f} s of the processor "
            f"({1000 * seconds / len(province.clinics):.1f} ms each)"
        )
