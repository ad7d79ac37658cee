"""The night of a province: a hundredth of Alberta's clinics by default, all with `--whole`, on one MariaDB.

The same night by `cpar fleet run-due`, by workers on RabbitMQ, and by two processes without any engine, in turn; the
whole province once by the latter two. Then the same panels in few clinics and in many, by workers. Each member is
built, stored, sent and answered. What the machine does besides makes the clock unfair: processor time is printed, too.
"""

import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory, gettempdir
from threading import Event, Thread
from time import perf_counter, sleep

import click
import psutil
from sqlalchemy import Connection, NullPool, create_engine

from cpar_plugin.hooks import HealthLevel
from oscar_host.demo.rabbitmq import PrivateRabbitMQ, private_rabbitmq
from oscar_host.fleet.clinics import Clinics
from oscar_host.fleet.rounds import all_due
from oscar_host.fleet.settings import load

from .answering import answering_registry
from .big_clinic import mariadb_host
from .night import processor_seconds
from .province_clinics import ProvinceClinic, make, province

SHARE, ROUNDS, PROCESSES = 0.01, 2, 2
AIM_MEMBERS, AIM_RATIO, AIM_MEBIBYTES, AIM_GROWTH = 2400, 0.85, 200, 1.2
_PROGRAM = str(Path(sys.executable).with_name("cpar"))
_PATIENCE_SECONDS = 3600 * 4
# As many panels in each: of how many clinics, and how many each has. Small, so that what a clinic takes weighs most.
FEW, MANY, MEMBERS_EACH = (3, 10), (30, 1), 100
WHOLE_FEW, WHOLE_MANY = (10, 90), (900, 1)
# What was measured: a clinic's tables; a member's records, visits, and copies in snapshots.
_CLINIC_BYTES, _MEMBER_BYTES, _OTHER_BYTES = 8_000_000, 4_500, 2_000_000_000
_CLINIC_SECONDS, _MEMBER_SECONDS = 1.5, 0.0005
_BARE, _RUN, _ENGINE = "two processes without an engine", "cpar fleet run-due", "two workers on RabbitMQ"


@dataclass
class Night:
    """What one night took."""

    seconds: float
    processor_seconds: float  # of the processes that do the work, without database, broker and registry
    mebibytes: float  # the most that one of them has needed
    starting_seconds: float = 0  # of the processor seconds, until the first panel was delivered
    all_processor_seconds: float = 0  # of everything: database, broker and registry too


@dataclass
class Work:
    """Processes at work, watched from outside."""

    processes: list[int]
    peak_mebibytes: float = 0
    processor_seconds: dict[int, float] = field(default_factory=dict)

    @property
    def total_seconds(self) -> float:
        """Of all processes, those that have ended too."""
        return sum(self.processor_seconds.copy().values())

    def look(self) -> None:
        """Note memory and processor time of all of them and of their children."""
        for pid in self.processes:
            with suppress(psutil.Error):
                for process in (parent := psutil.Process(pid), *parent.children(recursive=True)):
                    with suppress(psutil.Error):
                        times, memory = process.cpu_times(), process.memory_info().rss / 2**20
                        self.processor_seconds[process.pid] = times.user + times.system
                        self.peak_mebibytes = max(self.peak_mebibytes, memory)


class Province:
    """Clinics with files of their own in a folder, and nights one month after the other."""

    def __init__(self, folder: Path, clinics: Sequence[ProvinceClinic], registry_url: str, broker: PrivateRabbitMQ):
        self.folder, self.clinics = folder, clinics
        self._registry_url, self._broker, self._month = registry_url, broker, 0

    def write(self) -> str:
        """The fleet's own file for another night."""
        self._month += 1
        year, month = divmod(self._month, 12)
        file = self.folder / "fleet.ini"
        file.write_text(
            f"[fleet]\nclinics = {self.folder}/clinics\ndata_folder = {self.folder}/data\nprocesses = {PROCESSES}\n"
            f"pages = no\nbroker_url = {self._broker.url}\n"
            f"[cpar]\nnow = {2027 + year}-{month + 1:02}-07T03:20\ntransport = fhir\n"
            f"registry_url = {self._registry_url}\nrehearsal_days = 0\n",
            encoding="utf-8",
        )
        return str(file)

    @property
    def members(self) -> int:
        """Of all panels."""
        return sum(sum(clinic.panels) for clinic in self.clinics)

    @property
    def panels(self) -> int:
        """Of all clinics."""
        return sum(len(clinic.panels) for clinic in self.clinics)


def main(*options: str) -> None:
    """Print what a night takes, with its aims. Exits where the disk has no room."""
    whole = "--whole" in options
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # what was made is removed then, too
    clinics = province(1 if whole else SHARE)
    few, many = _alike("few", *(WHOLE_FEW if whole else FEW)), _alike("many", *(WHOLE_MANY if whole else MANY))
    _announce([*clinics, *few, *many], nights=2 if whole else 3 * ROUNDS)
    server = ("innodb-buffer-pool-size=1G", "innodb-file-per-table=0", "max-connections=500")
    with (
        TemporaryDirectory(prefix="cpar-province-") as name,
        mariadb_host(*server) as template,
        answering_registry(0) as url,
        private_rabbitmq() as broker,
    ):
        engine = create_engine(template.database.engine.url, poolclass=NullPool)
        provinces = []
        for part, of_part in (("all", clinics), ("few", few), ("many", many)):
            folder = Path(name) / part
            (folder / "clinics").mkdir(parents=True)
            provinces.append(Province(folder, of_part, url, broker))
        make(template, [one for each in provinces for one in each.clinics], lambda clinic: _folder(provinces, clinic))
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _compare(provinces[0], connection, whole=whole)
            _growth(provinces[1], provinces[2], connection)


def _alike(name: str, clinics: int, panels: int) -> list[ProvinceClinic]:
    return [ProvinceClinic(f"{name}-{number:04}", (MEMBERS_EACH,) * panels) for number in range(clinics)]


def _folder(provinces: Sequence[Province], clinic: ProvinceClinic) -> Path:
    return next(one.folder for one in provinces if clinic in one.clinics) / "clinics"


def _announce(clinics: Sequence[ProvinceClinic], nights: int) -> None:
    """Say what will be taken of the machine. Exits where the disk has no room for it."""
    members, free = sum(sum(clinic.panels) for clinic in clinics), shutil.disk_usage(gettempdir()).free
    space = len(clinics) * _CLINIC_BYTES + members * _MEMBER_BYTES + _OTHER_BYTES
    minutes = (len(clinics) * _CLINIC_SECONDS + members * (_MEMBER_SECONDS + nights / AIM_MEMBERS)) / 60
    click.echo(
        f"{len(clinics)} clinics, {sum(len(clinic.panels) for clinic in clinics)} panels, {members} members, {nights} "
        f"nights: about {space / 1e9:.0f} GB in {gettempdir()} ({free / 1e9:.0f} GB are free), and {minutes:.0f} "
        "minutes on two processors that do nothing else"
    )
    if free < space:
        sys.exit(f"There is no room: let TMPDIR name a folder with {space / 1e9:.0f} GB.")


def _compare(province: Province, connection: Connection, *, whole: bool) -> None:
    ways: dict[str, Callable[[Province, Connection], Night]] = {_BARE: _bare, _RUN: _run_due, _ENGINE: _workers}
    if whole:
        del ways[_RUN]
    nights: dict[str, list[Night]] = {way: [] for way in ways}
    for _ in range(1 if whole else ROUNDS):
        for way, run in ways.items():
            nights[way].append(_checked(run, province, connection))
    bare = min(night.seconds for night in nights[_BARE])
    bare_work = min(night.all_processor_seconds for night in nights[_BARE])
    table = [
        "| | processor time for 1,000 members | with database, broker and registry | memory of a process |",
        "|---|---|---|---|",
    ]
    for way, of_way in nights.items():
        seconds = min(night.seconds for night in of_way)
        least = min(night.processor_seconds for night in of_way)
        work = min(night.all_processor_seconds for night in of_way)
        mebibytes = max(night.mebibytes for night in of_way)
        click.echo(
            f"{way}: {province.members / seconds / AIM_MEMBERS:.2f} of {AIM_MEMBERS:,} members a second "
            f"({province.members / seconds:,.0f}; aim: at least 1); by processor time "
            f"{PROCESSES * province.members / work / AIM_MEMBERS:.2f} ({PROCESSES * province.members / work:,.0f} on "
            f"{PROCESSES} processors that do nothing else)"
        )
        click.echo(
            f"{way}: {bare / seconds:.2f} of {_BARE} by the clock, {bare_work / work:.2f} by processor time "
            f"(aim: at least {AIM_RATIO:g})"
        )
        click.echo(f"{way}: {mebibytes / AIM_MEBIBYTES:.2f} of {AIM_MEBIBYTES} MiB for a process (aim: below 1)")
        table.append(
            f"| {way} | {1e6 * least / province.members:.0f} ms | {1e6 * work / province.members:.0f} ms | "
            f"{mebibytes:.0f} MiB |"
        )
    click.echo("\n".join(table))


def _growth(few: Province, many: Province, connection: Connection) -> None:
    """As many panels in few clinics and in many: what one takes once the processes have started."""
    nights = [_checked(_workers, province, connection) for province in (few, many)]
    each = [
        (night.processor_seconds - night.starting_seconds) / (province.panels - 1)
        for night, province in zip(nights, (few, many), strict=True)
    ]
    click.echo(
        f"{_ENGINE}: a panel takes {each[1] / each[0]:.2f} times the processor time in {len(many.clinics)} clinics as "
        f"in {len(few.clinics)} ({1000 * each[1]:.0f} ms : {1000 * each[0]:.0f} ms; aim: at most {AIM_GROWTH:g}), and "
        f"a process {nights[1].mebibytes:.0f} MiB after {nights[0].mebibytes:.0f} MiB (aim: under {AIM_MEBIBYTES})"
    )


def _checked(run: Callable[[Province, Connection], Night], province: Province, connection: Connection) -> Night:
    before = _delivered(province, connection)
    busy = processor_seconds()
    night = run(province, connection)
    night.all_processor_seconds = processor_seconds() - busy
    delivered = _delivered(province, connection) - before
    assert delivered == province.panels, f"{delivered} of {province.panels} panels were delivered"
    return night


def _delivered(province: Province, connection: Connection) -> int:
    counts = [
        connection.exec_driver_sql(
            f"SELECT COUNT(*) FROM cpar_{clinic.name.replace('-', '_')}.cpar_submission WHERE state = 'delivered'"
        ).scalar_one()
        for clinic in province.clinics
    ]
    return sum(counts)


@contextmanager
def _watched(
    commands: Sequence[Sequence[str]], environment: dict[str, str]
) -> Iterator[tuple[Work, list[subprocess.Popen[bytes]]]]:
    processes = [
        subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for command in commands
    ]
    work, ended = Work([process.pid for process in processes]), Event()

    def look() -> None:
        while not ended.wait(0.2):
            work.look()

    thread = Thread(target=look)
    thread.start()
    try:
        yield work, processes
    finally:
        work.look()
        ended.set()
        thread.join()
        for process in processes:
            with suppress(OSError):
                process.send_signal(signal.SIGTERM)
        for process in processes:
            process.wait()


def _run_due(province: Province, connection: Connection) -> Night:
    environment = os.environ | {"CPAR_FLEET": province.write()}
    begin = perf_counter()
    with _watched([[_PROGRAM, "fleet", "run-due"]], environment) as (work, (process,)):
        assert process.wait() == 0
        seconds = perf_counter() - begin
    return Night(seconds, work.total_seconds, work.peak_mebibytes)


def _workers(province: Province, connection: Connection) -> Night:
    environment = os.environ | {"CPAR_FLEET": province.write()}
    expected = _delivered(province, connection) + province.panels
    worker = [_PROGRAM, "fleet", "worker", "--processes", str(PROCESSES)]
    begin, starting = perf_counter(), 0.0
    with _watched([worker, worker, [_PROGRAM, "fleet", "beat"]], environment) as (work, _):
        while (delivered := _delivered(province, connection)) < expected:
            if not starting and delivered > expected - province.panels:
                starting = work.total_seconds
            assert perf_counter() - begin < _PATIENCE_SECONDS, "the night does not end"
            sleep(min(0.2 + province.members / 1e6, 3))  # looking at all clinics is work as well
        seconds = perf_counter() - begin
    return Night(seconds, work.total_seconds, work.peak_mebibytes, starting)


def _bare(province: Province, connection: Connection) -> Night:
    file, context = province.write(), get_context("spawn")
    processes = [context.Process(target=_in_turn, args=(file, number), daemon=True) for number in range(PROCESSES)]
    begin = perf_counter()
    for process in processes:
        process.start()
    work = Work([process.pid for process in processes if process.pid])
    while any(process.is_alive() for process in processes):
        work.look()
        sleep(0.2)
    return Night(perf_counter() - begin, work.total_seconds, work.peak_mebibytes)


def _in_turn(file: str, number: int) -> None:
    """One of the processes: every second clinic, one after the other, its other jobs too as the fleet does them."""
    clinics = Clinics(load(Path(file)))
    for clinic in [*clinics.read().clinics.values()][number::PROCESSES]:
        outcome = all_due(clinic, fleet=clinics.settings, draining=frozenset())
        assert outcome.level is HealthLevel.OK, outcome.sentences


if __name__ == "__main__":
    main(*sys.argv[1:])
