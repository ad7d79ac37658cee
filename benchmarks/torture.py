"""Kills workers and web servers with SIGKILL at random moments, while the registry is unkind, and checks everything.

One submission in three the registry refuses to take, cuts off, answers with nonsense, or drips an answer to, before or
after it was stored. Two workers give orders, undo them, merge records, export and run the nights; two people use the
pages and the FHIR interface, served by two processes.

`python -m benchmarks.torture --kills 200 --seed 1 --database both`. Exit code 1 when anything is wrong afterwards.
"""

import multiprocessing
import random
import socket
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import click
from sqlalchemy import NullPool, create_engine, func, make_url, select, text

from benchmarks import torture_worker
from benchmarks.torture_clinic import BEGIN, DEADLINE_SECONDS, MANAGER, PROVIDERS, FastClock, Scene, set_up
from benchmarks.torture_invariants import check, check_exports, check_holds
from benchmarks.torture_web import clerks, served
from benchmarks.torture_worker import latest_held, panels_of_workers
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.exports.workers import Workers
from cpar_plugin.services.submissions import releases, requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import Settings
from cpar_plugin.store.tables import panel, submission
from oscar_host.demo.mariadb import private_mariadb
from oscar_host.demo.registry import process
from oscar_host.host import OscarHost

SPEED = 5400.0  # an hour and a half of the clinic in a second: its nights are two seconds long
WORKERS = 2
MANY_KILLS = 100  # so many nights pass during them that submissions are held
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
        """SIGKILL. Returns the errors that runs reported; raises when it had crashed before."""
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
    of_servers: int = 0
    in_hand: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    at_browsers: Counter[str] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    held: int = 0  # submissions, until the last kill


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
        scene = Scene(url, schema, registry.fhir_url, folder, time.time(), SPEED)
        set_up(scene, patients)
        scene = _submitted_once(scene)
        registry.behave("flaky", share=1 / 3, seed=seed, seconds=2 * DEADLINE_SECONDS)
        tally = _kill(scene, kills, chance)
        registry.behave("ok")
        host = _finish(scene)
        wrong, counts = check(host, registry.received())
        wrong += tally.wrong + check_exports(host, scene.settings())
        wrong += check_holds(host, tally.held if kills >= MANY_KILLS else None)
        days = (host.clock.now() - BEGIN).days
        host.database.engine.dispose()
        result = f"{tally.kills} kills ({tally.of_servers} of web servers)"
        click.echo(f"{kind}: {result}, seed {seed}, {days} days of the clinic")
        click.echo(f"  at browsers: {dict(sorted(tally.at_browsers.items()))}")
        click.echo(f"  claims in hand at a kill: {dict(tally.in_hand)}; errors told by runs: {dict(tally.errors)}")
        click.echo(f"  held until the last kill: {tally.held}")
        for name, count in counts.items():
            click.echo(f"  {name}: {count}")
    return wrong


def _kill(scene: Scene, kills: int, chance: random.Random) -> Tally:
    _FORKING.set_forkserver_preload(["benchmarks.torture_worker"])
    tally, watching = Tally(), scene.open()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    workers = [Worker(scene, chance.randrange(2**31)) for _ in range(WORKERS)]
    with (
        click.progressbar(length=kills, label="Killing", file=sys.stderr) as bar,
        served(scene, port) as site,
        clerks(watching, site, panels_of_workers(watching), chance) as people,
    ):
        for worker in workers:
            worker.wait_until_working()
        for _ in range(kills):
            time.sleep(chance.uniform(0, LIFE_SECONDS))
            victim = chance.randrange(WORKERS + 1)
            if victim == WORKERS:
                site.kill_a_worker(chance)
                tally.of_servers += 1
            else:
                tally.errors.update(workers[victim].kill())
                tally.in_hand.update(_in_hand(watching))
                workers[victim] = Worker(scene, chance.randrange(2**31))
                workers[victim].wait_until_working()
            tally.kills += 1
            bar.update(1)
        for worker in workers:
            tally.errors.update(worker.kill())
    for one in people:
        tally.at_browsers.update(one.done)
        tally.wrong += [f"at a browser: {what}" for what in one.wrong]
    with watching.database.engine.connect() as connection:
        held = select(func.count()).where(submission.c.state == SubmissionState.HELD)
        tally.held = connection.scalar(held.select_from(submission)) or 0
    watching.database.engine.dispose()
    return tally


def _in_hand(host: OscarHost) -> list[str]:
    with host.database.engine.connect() as connection:
        return list(connection.scalars(select(submission.c.state).where(submission.c.claim.is_not(None))))


def _submitted_once(scene: Scene) -> Scene:
    """Every panel of the workers is filled and has arrived at the registry once: what differs from it can be held.

    Returns the scene after that night, as it goes on from now.
    """
    clock = FixedClock(BEGIN, FastClock.zone)
    host = scene.open(clock)
    for place, panel_id in enumerate(panels_of_workers(host)):
        if place < len(PROVIDERS):
            bulk.carry_out(host, MANAGER, bulk.Assign(PROVIDERS[place], "AC", panel_id))
            requests.ask(host, scene.settings(), MANAGER, panel_id)
    _work_off(host, scene.settings(), clock)
    since = clock.now() - BEGIN
    host.close()
    return replace(scene, started_at=time.time() - since.total_seconds() / SPEED)


def _finish(scene: Scene) -> OscarHost:
    """Let one worker finish what is open, release what is held, and let a swing be held, released, and sent."""
    clock = FixedClock(FastClock(scene).now())
    host, settings = scene.open(clock), scene.settings()
    with host.database.engine.connect() as connection:
        everything = list(connection.scalars(select(panel.c.panel_id)))
    for panel_id in everything:
        with suppress(Refused):
            requests.ask(host, settings, MANAGER, panel_id)
    _work_off(host, settings, clock)
    for held in latest_held(host, everything):
        with suppress(Refused):  # without a member by now
            releases.release(host, settings, MANAGER, held)
    _work_off(host, settings, clock)
    _swing_once(host, settings, clock, panels_of_workers(host)[0])
    return host


def _swing_once(host: OscarHost, settings: Settings, clock: FixedClock, panel_id: int) -> None:
    """All patients of a panel give way to others, which is held, released, and sent."""
    for provider in PROVIDERS[:2]:
        with suppress(Refused):  # where there is none
            bulk.carry_out(host, MANAGER, bulk.Remove(panel_id, "AC"))
        bulk.carry_out(host, MANAGER, bulk.Assign(provider, "AC", panel_id))
        requests.ask(host, settings, MANAGER, panel_id)
        _work_off(host, settings, clock)
        for held in latest_held(host, [panel_id]):
            releases.release(host, settings, MANAGER, held)
        _work_off(host, settings, clock)


def _work_off(host: OscarHost, settings: Settings, clock: FixedClock) -> None:
    """One worker finishes what is open, with a clock in steps of two hours."""
    until = clock.now() + FINISH_WITHIN
    while clock.now() < until:
        Workers(host, settings).work_off()
        run_due(host, settings, clock.now())
        with host.database.engine.connect() as connection:
            if (
                connection.scalar(select(submission.c.submission_id).where(submission.c.open_panel_id.is_not(None)))
                is None
            ):
                break
        clock.move_to(clock.now() + timedelta(hours=2))


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
