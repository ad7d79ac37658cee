"""Kills workers with SIGKILL at random moments, while the registry fails one answer in three, and checks everything.

`python -m benchmarks.torture --kills 200 --seed 1 --database both`. Exit code 1 when anything is wrong afterwards.
"""

import multiprocessing
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import click
from sqlalchemy import NullPool, create_engine, make_url, select, text

from benchmarks import torture_worker
from benchmarks.torture_clinic import BEGIN, MANAGER, FastClock, Scene, check, set_up
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.services.submission import asking
from cpar_plugin.services.submission.run import run_due
from cpar_plugin.store.tables import panel, submission
from oscar_host.clock import FixedClock
from oscar_host.demo.mariadb import private_mariadb
from oscar_host.demo.registry import process
from oscar_host.host import OscarHost

SPEED = 5400.0  # an hour and a half of the clinic in a second: its nights are two seconds long
WORKERS = 2
LIFE_SECONDS = 1.5  # at most, until the next one is killed
FINISH_WITHIN = timedelta(days=60)
_FORKING = multiprocessing.get_context("forkserver")


class Worker:
    """A process that works until it is killed. It comes from a server that has everything imported already."""

    def __init__(self, scene: Scene, seed: int) -> None:
        self._hears, says = _FORKING.Pipe(duplex=False)
        self._process = _FORKING.Process(target=torture_worker.main, args=(scene, seed, says), daemon=True)
        self._process.start()
        says.close()

    def wait_until_working(self) -> None:
        self._hears.recv()

    def kill(self) -> list[str]:
        """SIGKILL. Returns the errors that runs told of; raises when it had broken down by itself."""
        said = []
        if not self._process.is_alive():
            raise RuntimeError("A worker broke down: see its trace above.")
        self._process.kill()
        self._process.join()
        with suppress(EOFError):
            while True:
                said.append(str(self._hears.recv()))
        self._hears.close()
        return said


@dataclass
class Tally:
    """What was going on when a worker was killed."""

    kills: int = 0
    in_hand: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)


@contextmanager
def places(kind: str, server_url: str) -> Iterator[tuple[str, str | None]]:
    """An empty database for the plugin, and the schema of the EMR."""
    if kind == "sqlite":
        with tempfile.TemporaryDirectory(prefix="cpar-torture-") as folder:
            yield f"sqlite:///{folder}/clinic.db", None
        return
    with nullcontext(make_url(server_url)) if server_url else private_mariadb() as server:
        mark = uuid4().hex[:12]
        own, oscar = f"cpar_torture_{mark}", f"oscar_torture_{mark}"
        engine = create_engine(server, poolclass=NullPool)
        with engine.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {own}"))
            connection.execute(text(f"CREATE DATABASE {oscar} CHARACTER SET utf8mb3 COLLATE utf8mb3_general_ci"))
        try:
            yield server.set(database=own).render_as_string(hide_password=False), oscar
        finally:
            with engine.connect() as connection:
                connection.execute(text(f"DROP DATABASE {own}"))
                connection.execute(text(f"DROP DATABASE {oscar}"))


def torture(kind: str, kills: int, seed: int, patients: int, server_url: str) -> list[str]:
    """Torture one database. Returns what is wrong afterwards."""
    chance = random.Random(seed)
    with (
        places(kind, server_url) as (url, schema),
        tempfile.TemporaryDirectory(prefix="cpar-registry-") as folder,
        process.running(Path(folder)) as registry,
    ):
        scene = Scene(url, schema, registry.fhir_url, time.time(), SPEED)
        set_up(scene, patients)
        registry.behave("flaky", share=1 / 3, seed=seed)
        tally = _kill(scene, kills, chance)
        registry.behave("ok")
        host = _finish(scene)
        wrong, counts = check(host, registry.received())
        days = (host.clock.now() - BEGIN).days
        host.database.engine.dispose()
        click.echo(f"{kind}: {tally.kills} kills, seed {seed}, {days} days of the clinic")
        click.echo(f"  claims in hand at a kill: {dict(tally.in_hand)}; errors told by runs: {dict(tally.errors)}")
        for name, count in counts.items():
            click.echo(f"  {name}: {count}")
    return wrong


def _kill(scene: Scene, kills: int, chance: random.Random) -> Tally:
    _FORKING.set_forkserver_preload(["benchmarks.torture_worker"])
    tally, watching = Tally(), scene.open()
    workers = [Worker(scene, chance.randrange(2**31)) for _ in range(WORKERS)]
    with click.progressbar(length=kills, label="Killing", file=sys.stderr) as bar:
        for worker in workers:
            worker.wait_until_working()
        for _ in range(kills):
            time.sleep(chance.uniform(0, LIFE_SECONDS))
            victim = chance.randrange(WORKERS)
            tally.errors.update(workers[victim].kill())
            tally.kills += 1
            tally.in_hand.update(_in_hand(watching))
            workers[victim] = Worker(scene, chance.randrange(2**31))
            workers[victim].wait_until_working()
            bar.update(1)
    for worker in workers:
        tally.errors.update(worker.kill())
    watching.database.engine.dispose()
    return tally


def _in_hand(host: OscarHost) -> list[str]:
    with host.database.engine.connect() as connection:
        return list(connection.scalars(select(submission.c.state).where(submission.c.claim.is_not(None))))


def _finish(scene: Scene) -> OscarHost:
    """Ask for every panel once more; then let one worker end what is open, on a clock that goes on two hours a time."""
    clock = FixedClock(FastClock(scene).now())
    host, until = scene.open(clock), clock.now() + FINISH_WITHIN
    with host.database.engine.connect() as connection:
        everything = connection.scalars(select(panel.c.panel_id)).all()
    for panel_id in everything:
        with suppress(Refused):
            asking.ask(host, scene.settings(), MANAGER, panel_id)
    while clock.now() < until:
        run_due(host, scene.settings(), clock.now())
        with host.database.engine.connect() as connection:
            if (
                connection.scalar(select(submission.c.submission_id).where(submission.c.open_panel_id.is_not(None)))
                is None
            ):
                break
        clock.move_to(clock.now() + timedelta(hours=2))
    return host


@click.command("torture")
@click.option("--kills", default=200, show_default=True, type=click.IntRange(1))
@click.option("--seed", default=1, show_default=True)
@click.option("--patients", default=600, show_default=True, type=click.IntRange(10))
@click.option("--database", default="both", show_default=True, type=click.Choice(["sqlite", "mariadb", "both"]))
@click.option("--server", default="", envvar="CPAR_TEST_MARIADB_URL", help="A MariaDB to use; none: a private one.")
def main(kills: int, seed: int, patients: int, database: str, server: str) -> None:
    """Kill workers at random moments, then check that nothing is lost, doubled or left half done."""
    wrong = []
    for kind in ("sqlite", "mariadb") if database == "both" else (database,):
        wrong += [f"{kind}: {what}" for what in torture(kind, kills, seed, patients, server)]
    for what in wrong[:50]:
        click.echo(what)
    if wrong:
        raise click.ClickException(f"{len(wrong)} things are wrong. The seed was {seed}.")
    click.echo(f"All is as it must be. The seed was {seed}.")


if __name__ == "__main__":
    main()
