"""The night of a province: a hundredth of Alberta's clinics by default, all with `--whole`, on one MariaDB.

The same night by `cpar fleet run-due`, by workers on RabbitMQ, and by two processes without any engine, in turn; more
than a hundredth (`--tenth`, `--whole`) once, by the latter two. Each member is built, stored, sent and answered. Then
the same panels in few clinics and in many, by workers; `--clinics` does that alone, with 10 clinics and 900. What the
machine does besides makes the clock unfair: processor time is printed, too.

`--folder PATH` keeps what was made there: clinics that are whole are used again.
"""

import shutil
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from typing import Final

import click
from sqlalchemy import Connection, NullPool, create_engine

from oscar_host.demo.rabbitmq import private_rabbitmq
from oscar_host.host import OscarHost

from .answering import answering_registry
from .big_clinic import lasting_host, mariadb_host
from .province_clinics import ProvinceClinic, make, province
from .province_growth import (
    FEW,
    MANY,
    SMALL_MEMBERS,
    USUAL_MEMBERS,
    WHOLE_FEW,
    WHOLE_MANY,
    alike,
    growth,
    growth_of_fleet,
    tick,
    usual_growth,
)
from .province_nights import PROCESSES, Night, Province, bare, checked, run_due, workers

SHARE, TENTH, ROUNDS = 0.01, 0.1, 2
AIM_MEMBERS, AIM_RATIO, AIM_MEBIBYTES, AIM_MINUTES = 2400, 0.85, 200, 20
# What was measured: a clinic's tables; a member's records, visits, and copies in snapshots.
_CLINIC_BYTES, _MEMBER_BYTES, _OTHER_BYTES = 8_000_000, 4_500, 2_000_000_000
_CLINIC_SECONDS, _MEMBER_SECONDS, _SMALL_PANEL_SECONDS = 0.3, 0.0005, 0.15
_SERVER: Final = ("innodb-buffer-pool-size=1G", "innodb-file-per-table=0", "max-connections=500", "sync-frm=0")
_BARE, _RUN, _ENGINE = "two processes without an engine", "cpar fleet run-due", "two workers on RabbitMQ"


def main(*options: str) -> None:
    """Print what a night takes, with its aims. Exits where the disk has no room."""
    chosen, folder = set(options), None
    if "--folder" in chosen:
        folder = Path(options[options.index("--folder") + 1]).absolute()
        chosen -= {"--folder", str(options[options.index("--folder") + 1])}
    if unknown := chosen - {"--whole", "--tenth", "--clinics"}:
        sys.exit(f"{', '.join(unknown)}: province has --whole, --tenth, --clinics, and --folder PATH.")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was made is removed then, too
    share = 1 if "--whole" in chosen else TENTH if "--tenth" in chosen else SHARE
    parts = {} if "--clinics" in chosen else {"all": province(share)}
    if share == SHARE:
        parts |= {"few": alike("few", *FEW, USUAL_MEMBERS), "many": alike("many", *MANY, USUAL_MEMBERS)}
    if "--clinics" in chosen:
        parts |= {"ten": alike("ten", *WHOLE_FEW, SMALL_MEMBERS), "all900": alike("all900", *WHOLE_MANY, SMALL_MEMBERS)}
    _announce([clinic for part in parts.values() for clinic in part], 2 if chosen else 3 * ROUNDS, folder)
    with _place(folder) as (place, template), answering_registry(0) as url, private_rabbitmq() as broker:
        engine = create_engine(template.database.engine.url, poolclass=NullPool)
        provinces = {part: Province(place / part, clinics, url, broker) for part, clinics in parts.items()}
        folders = {clinic.name: place / part / "clinics" for part, clinics in parts.items() for clinic in clinics}
        make(template, [clinic for part in parts.values() for clinic in part], lambda clinic: folders[clinic.name])
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            if "all" in provinces:
                _compare(provinces["all"], connection, once=share > SHARE)
            usual = growth(provinces["few"], provinces["many"], connection) if "few" in provinces else (0.0, 0.0)
            if "ten" in provinces:
                small = growth(provinces["ten"], provinces["all900"], connection)
                usual_growth(usual[0], small, (WHOLE_FEW[0], WHOLE_MANY[0]))
                tick(provinces["all900"], broker.empty)


@contextmanager
def _place(folder: Path | None) -> Iterator[tuple[Path, OscarHost]]:
    """Where files are, and an empty host; in a folder they stay, and the host is as it was left."""
    with ExitStack() as stack:
        if folder is None:
            place = Path(stack.enter_context(TemporaryDirectory(prefix="cpar-province-")))
            yield place, stack.enter_context(mariadb_host(*_SERVER))
        else:
            folder.mkdir(parents=True, exist_ok=True)
            yield folder, stack.enter_context(lasting_host(folder / "server", *_SERVER))


def _announce(clinics: Sequence[ProvinceClinic], nights: int, folder: Path | None) -> None:
    """Say what will be taken of the machine. Exits where the disk has no room for it."""
    members, panels = sum(sum(clinic.panels) for clinic in clinics), sum(len(clinic.panels) for clinic in clinics)
    where = str(folder.parent if folder else gettempdir())
    kept = folder is not None and folder.exists()
    free, space = shutil.disk_usage(where).free, len(clinics) * _CLINIC_BYTES + members * _MEMBER_BYTES + _OTHER_BYTES
    making = len(clinics) * _CLINIC_SECONDS + members * _MEMBER_SECONDS
    working = nights * (members / AIM_MEMBERS + panels * _SMALL_PANEL_SECONDS / PROCESSES)
    click.echo(
        f"{len(clinics)} clinics, {panels} panels, {members} members, {nights} nights: about {space / 1e9:.0f} GB in "
        f"{where} ({free / 1e9:.0f} GB are free), and {(making + working) / 60:.0f} minutes on two processors that do "
        "nothing else"
    )
    if free < space and not kept:
        sys.exit(f"There is no room: let TMPDIR, or --folder, name a folder with {space / 1e9:.0f} GB.")


def _compare(province: Province, connection: Connection, *, once: bool) -> None:
    ways: dict[str, Callable[[Province, Connection], Night]] = {_BARE: bare, _RUN: run_due, _ENGINE: workers}
    if once:
        del ways[_RUN]
    nights: dict[str, list[Night]] = {way: [] for way in ways}
    for _ in range(1 if once else ROUNDS):
        for way, run in ways.items():
            nights[way].append(checked(run, province, connection))
    least = min(night.seconds for night in nights[_BARE])
    least_work = min(night.all_processor_seconds for night in nights[_BARE])
    table = [
        "| | processor time for 1,000 members | with database, broker and registry | memory of a process |",
        "|---|---|---|---|",
    ]
    for way, of_way in nights.items():
        seconds = min(night.seconds for night in of_way)
        own = min(night.processor_seconds for night in of_way)
        work = min(night.all_processor_seconds for night in of_way)
        mebibytes = max(night.mebibytes for night in of_way)
        click.echo(
            f"{way}: {province.members / seconds / AIM_MEMBERS:.2f} of {AIM_MEMBERS:,} members a second "
            f"({province.members / seconds:,.0f}; aim: at least 1); by processor time "
            f"{PROCESSES * province.members / work / AIM_MEMBERS:.2f} ({PROCESSES * province.members / work:,.0f} on "
            f"{PROCESSES} processors that do nothing else)"
        )
        if once:
            click.echo(f"{way}: {seconds / 60:.1f} minutes (aim for the whole: under {AIM_MINUTES})")
        click.echo(
            f"{way}: {least / seconds:.2f} of {_BARE} by the clock, {least_work / work:.2f} by processor time "
            f"(aim: at least {AIM_RATIO:g})"
        )
        click.echo(f"{way}: {mebibytes / AIM_MEBIBYTES:.2f} of {AIM_MEBIBYTES} MiB for a process (aim: below 1)")
        click.echo(f"{way}: {1000 * own / province.panels:.0f} ms of the processor for a panel, its start counted")
        table.append(
            f"| {way} | {1e6 * own / province.members:.0f} ms | {1e6 * work / province.members:.0f} ms | "
            f"{mebibytes:.0f} MiB |"
        )
    click.echo("\n".join(table))
    if once:
        growth_of_fleet(province, nights[_ENGINE][0].later_seconds, connection)


if __name__ == "__main__":
    main(*sys.argv[1:])
