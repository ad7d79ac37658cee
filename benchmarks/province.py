"""The night of a province: a hundredth of Alberta's clinics by default, all with `--whole`, on one MariaDB.

The same night by `cpar fleet run-due`, by workers on RabbitMQ, and by two processes without any engine, in turn; then a
fleet of a third of the clinics. Each member is built, stored, sent and answered. What the machine does besides makes
the clock unfair: processor time of the processes that do the work is printed, too.
"""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
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


@dataclass
class Night:
    """What one night took."""

    seconds: float
    processor_seconds: float  # of the processes that do the work, without database, broker and registry
    mebibytes: float  # the most that one of them has needed
    all_processor_seconds: float = 0  # of everything: database, broker and registry too


@dataclass
class Work:
    """Processes at work, watched from outside."""

    processes: list[int]
    peak_mebibytes: float = 0
    processor_seconds: dict[int, float] = field(default_factory=dict)

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
    """Print what a night takes, with its aims."""
    clinics = province(1 if "--whole" in options else SHARE)
    server = ("innodb-buffer-pool-size=1G", "innodb-file-per-table=0", "max-connections=500")
    with (
        TemporaryDirectory(prefix="cpar-province-") as name,
        mariadb_host(*server) as template,
        answering_registry(0) as url,
        private_rabbitmq() as broker,
    ):
        folder = Path(name)
        (folder / "clinics").mkdir()
        make(template, clinics, folder / "clinics")
        all_of_them = Province(folder, clinics, url, broker)
        click.echo(f"{len(clinics)} clinics, {all_of_them.panels} panels, {all_of_them.members} members")
        engine = create_engine(template.database.engine.url, poolclass=NullPool)
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            _compare(all_of_them, connection)


def _compare(whole: Province, connection: Connection) -> None:
    ways: dict[str, Callable[[Province, Connection], Night]] = {
        "two processes without an engine": _bare,
        "cpar fleet run-due": _run_due,
        "two workers on RabbitMQ": _workers,
    }
    nights: dict[str, list[Night]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, run in ways.items():
            nights[way].append(_checked(run, whole, connection))
    bare = min(night.seconds for night in nights["two processes without an engine"])
    for way, of_way in nights.items():
        best = min(of_way, key=lambda night: night.seconds)
        least = min(night.processor_seconds for night in of_way)
        whole_time = min(night.all_processor_seconds for night in of_way)
        click.echo(
            f"{way}: {whole.members / best.seconds:,.0f} members a second (aim: {AIM_MEMBERS:,}), "
            f"{bare / best.seconds:.2f} of two processes without an engine (aim: {AIM_RATIO:g}), "
            f"{1000 * least / whole.members:.2f} ms of a processor for a member, with database, broker and registry "
            f"{1000 * whole_time / whole.members:.2f} ms, which lets {PROCESSES} processors do "
            f"{PROCESSES * whole.members / whole_time:,.0f} members a second, "
            f"{max(night.mebibytes for night in of_way):.0f} MiB for a process (aim: under {AIM_MEBIBYTES})"
        )
    _growth(whole, connection, min(night.seconds for night in nights["cpar fleet run-due"]))


def _growth(whole: Province, connection: Connection, seconds: float) -> None:
    """The time of a panel in a third of the clinics, or in ten where there are many more."""
    few = 10 if len(whole.clinics) > 30 else max(len(whole.clinics) // 3, 1)
    for clinic in whole.clinics[few:]:
        (whole.folder / "clinics" / f"{clinic.name}.ini").rename(whole.folder / f"{clinic.name}.ini")
    part = Province(whole.folder, whole.clinics[:few], whole._registry_url, whole._broker)
    part._month = whole._month
    night = _checked(_run_due, part, connection)
    ratio = (seconds / whole.members) / (night.seconds / part.members)
    click.echo(
        f"cpar fleet run-due: a member takes {ratio:.2f} times as long with {len(whole.clinics)} clinics as with {few} "
        f"(aim: at most {AIM_GROWTH:g})"
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
    return Night(seconds, sum(work.processor_seconds.values()), work.peak_mebibytes)


def _workers(province: Province, connection: Connection) -> Night:
    environment = os.environ | {"CPAR_FLEET": province.write()}
    expected = _delivered(province, connection) + province.panels
    worker = [_PROGRAM, "fleet", "worker", "--processes", str(PROCESSES)]
    begin = perf_counter()
    with _watched([worker, worker, [_PROGRAM, "fleet", "beat"]], environment) as (work, _):
        while _delivered(province, connection) < expected:
            assert perf_counter() - begin < _PATIENCE_SECONDS, "the night does not end"
            sleep(0.2)
        seconds = perf_counter() - begin
    return Night(seconds, sum(work.processor_seconds.values()), work.peak_mebibytes)


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
    return Night(perf_counter() - begin, sum(work.processor_seconds.values()), work.peak_mebibytes)


def _in_turn(file: str, number: int) -> None:
    """One of the processes: every second clinic, one after the other, its other jobs too as the fleet does them."""
    clinics = Clinics(load(Path(file)))
    for clinic in [*clinics.read().clinics.values()][number::PROCESSES]:
        outcome = all_due(clinic, fleet=clinics.settings, draining=frozenset())
        assert outcome.level is HealthLevel.OK, outcome.sentences


if __name__ == "__main__":
    main(*sys.argv[1:])
