"""A night of a province's clinics, by whichever way the panels are submitted."""

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
from threading import Event, Thread
from time import perf_counter, sleep
from typing import Final

import psutil
from sqlalchemy import Connection

from cpar_plugin.hooks import HealthLevel
from oscar_host.demo.rabbitmq import PrivateRabbitMQ
from oscar_host.fleet.clinics import Clinics
from oscar_host.fleet.rounds import all_due
from oscar_host.fleet.settings import load
from oscar_host.fleet.work import queues

from .night import processor_seconds
from .province_clinics import ProvinceClinic

PROCESSES: Final = 2
_PROGRAM: Final = str(Path(sys.executable).with_name("cpar"))
_PATIENCE_SECONDS: Final = 3600 * 4


@dataclass
class Night:
    """What one night took."""

    seconds: float
    processor_seconds: float  # of the processes that do the work, without database, broker and registry
    mebibytes: float  # the most that one of them has needed
    starting_seconds: float = 0  # of the processor seconds, until the first panel was delivered
    beat_seconds: float = 0  # of the processor seconds, of the process that asks the clinics
    all_processor_seconds: float = 0  # of everything: database, broker and registry too

    @property
    def later_seconds(self) -> float:
        """Of the processor seconds, from the first panel that was delivered."""
        return self.processor_seconds - self.starting_seconds


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
        self._registry_url, self.broker = registry_url, broker
        (folder / "clinics").mkdir(parents=True, exist_ok=True)

    def few(self, count: int) -> "Province":
        """The first of its clinics, as a fleet of their own from the next month on."""
        few = Province(self.folder / "few", self.clinics[:count], self._registry_url, self.broker)
        for clinic in few.clinics:
            file = f"clinics/{clinic.name}.ini"
            shutil.copy(self.folder / file, few.folder / file)
        shutil.copy(self.folder / "nights", few.folder / "nights")
        return few

    def next_month(self) -> None:
        """What comes after this is another night, also for a later run in the same folder."""
        file = self.folder / "nights"
        file.write_text(str(self._nights() + 1), encoding="ascii")

    def write(self, time: str = "03:20") -> str:
        """The fleet's own file, by which it is this time of the night of the month."""
        year, month = divmod(self._nights(), 12)
        file = self.folder / "fleet.ini"
        file.write_text(
            f"[fleet]\nclinics = {self.folder}/clinics\ndata_folder = {self.folder}/data\nprocesses = {PROCESSES}\n"
            f"pages = no\nbroker_url = {self.broker.url}\n"
            f"[cpar]\nnow = {2027 + year}-{month + 1:02}-07T{time}\ntransport = fhir\n"
            f"registry_url = {self._registry_url}\nrehearsal_days = 0\n",
            encoding="utf-8",
        )
        return str(file)

    def _nights(self) -> int:
        file = self.folder / "nights"
        return int(file.read_text(encoding="ascii")) if file.exists() else 0

    @property
    def members(self) -> int:
        """Of all panels."""
        return sum(sum(clinic.panels) for clinic in self.clinics)

    @property
    def panels(self) -> int:
        """Of all clinics."""
        return sum(len(clinic.panels) for clinic in self.clinics)


def checked(run: Callable[[Province, Connection], Night], province: Province, connection: Connection) -> Night:
    """The night of the next month, in which each panel is delivered."""
    province.next_month()
    before = delivered_of(province, connection)
    busy = processor_seconds()
    night = run(province, connection)
    night.all_processor_seconds = processor_seconds() - busy
    delivered = delivered_of(province, connection) - before
    assert delivered == province.panels, f"{delivered} of {province.panels} panels were delivered"
    return night


def delivered_of(province: Province, connection: Connection) -> int:
    """How many panels have been delivered, in all nights so far."""
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


def run_due(province: Province, connection: Connection) -> Night:
    """By `cpar fleet run-due`."""
    environment = os.environ | {"CPAR_FLEET": province.write()}
    begin = perf_counter()
    with _watched([[_PROGRAM, "fleet", "run-due"]], environment) as (work, (process,)):
        assert process.wait() == 0
        seconds = perf_counter() - begin
    return Night(seconds, work.total_seconds, work.peak_mebibytes)


def panels_alone(province: Province, connection: Connection) -> Night:
    """The same without the clinics' other jobs, which are due by day as well."""
    return workers(province, connection, "--queue", queues.PEOPLE, "--queue", queues.NIGHT)


def workers(province: Province, connection: Connection, *options: str) -> Night:
    """By two workers on RabbitMQ, and a beat."""
    province.broker.empty()  # of other jobs of the last night
    environment = os.environ | {"CPAR_FLEET": province.write()}
    expected = delivered_of(province, connection) + province.panels
    worker = [_PROGRAM, "fleet", "worker", "--processes", str(PROCESSES), *options]
    begin, starting = perf_counter(), 0.0
    with _watched([worker, worker, [_PROGRAM, "fleet", "beat"]], environment) as (work, processes):
        while True:
            look = perf_counter()
            delivered = delivered_of(province, connection)
            if not starting and delivered > expected - province.panels:
                starting = work.total_seconds
            if delivered >= expected:
                break
            assert perf_counter() - begin < _PATIENCE_SECONDS, "the night does not end"
            # Looking at all clinics is work as well.
            sleep(min(max(0.2 + province.members / 1e6, 10 * (perf_counter() - look)), 5))
        seconds = perf_counter() - begin
    beat_seconds = work.processor_seconds.get(processes[-1].pid, 0)
    return Night(seconds, work.total_seconds, work.peak_mebibytes, starting, beat_seconds)


def bare(province: Province, connection: Connection) -> Night:
    """By two processes that share the clinics out, and nothing else."""
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
