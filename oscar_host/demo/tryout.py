"""`cpar demo`: a clinic, a registry, a panel that travels, and pages to open, in a folder of its own."""

import shutil
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path

import click

from cpar_plugin.domain.calendar import Calendar
from cpar_plugin.domain.dates import moment_text
from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.domain.wording import WORDING
from cpar_plugin.hooks import Refused
from cpar_plugin.host_kit.clock import FixedClock, SystemClock
from cpar_plugin.host_kit.lifecycle import Lifecycle
from cpar_plugin.services import bulk
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing
from cpar_plugin.services.submissions import history, requests, run
from cpar_plugin.settings import load

from ..host import OscarHost, open_host
from ..migrate import installed_plugins
from .app import create_app
from .data.progress import progress_bar
from .data.staff import PASSWORD, SIGN_INS
from .data.writing import fill
from .registry import process, server

SEED = 1
COMPLETE = "complete"
REGISTRY_PORT = 5010
PORTS = 20  # how many to try from the requested one on
# number, facilities, providers with their Practitioner IDs; the patients of the first panel's provider are assigned
PANELS = (
    ("0042", ["113"], [("101", "000000101")]),
    ("0043", ["113", "2047"], [("102", "000000102"), ("103", "000000103")]),
    ("0044", ["2047"], [("104", "000000104")]),
)


@dataclass(frozen=True, slots=True)
class DemoFolder:
    """The demo's folder. `state` says whose folder it is, and whether it was made to its end."""

    folder: Path

    @property
    def registry(self) -> Path:
        return self.folder / "registry"

    @property
    def state(self) -> Path:
        return self.folder / "demo.state"

    @property
    def complete(self) -> bool:
        finished = self.state.is_file() and self.state.read_text(encoding="utf-8") == COMPLETE
        return finished and (self.folder / "clinic.db").is_file()

    def clear(self) -> None:
        """Make the folder ready for a new clinic. Raises Refused where it holds something that is not the demo's."""
        if self.folder.exists() and any(self.folder.iterdir()) and not self.state.is_file():
            raise Refused(f"{self.folder} contains other files: choose another folder with --folder.")
        self.folder.mkdir(parents=True, exist_ok=True)
        self.state.write_text("not complete", encoding="utf-8")
        for path in self.folder.glob("clinic.db*"):
            path.unlink()
        shutil.rmtree(self.registry, ignore_errors=True)

    @property
    def database_url(self) -> str:
        return f"sqlite:///{self.folder / 'clinic.db'}"

    def host(self, registry_url: str, clock: FixedClock | None = None) -> OscarHost:
        """The embedded EMR in this folder, which submits to the registry."""
        return open_host(self.database_url, settings=self._settings(registry_url), clock=clock)

    def write_settings(self, registry_url: str) -> None:
        """For other commands on the same clinic: CPAR_SETTINGS names this file."""
        lines = (f"{name} = {value}\n" for name, value in self._settings(registry_url).items())
        text = f"[cpar]\ndatabase_url = {self.database_url}\n" + "".join(lines)
        (self.folder / "settings.ini").write_text(text, encoding="utf-8")

    def _settings(self, registry_url: str) -> dict[str, str]:
        exports = str(self.folder / "exports")
        return {"transport": "fhir", "registry_url": registry_url, "fhir_export_folder": exports}


def last_open_night(calendar: Calendar, now: datetime) -> date:
    """The date of the latest night run that could have sent: at `now` its submission is in the past."""
    night = calendar.today(now)
    while calendar.in_blackout(night) or calendar.moment(night, calendar.night_run_at) > now:
        night -= timedelta(days=1)
    return night


def make_clinic(place: DemoFolder, registry_url: str, patients: int, now: datetime) -> Iterator[str]:
    """Make the clinic, fill a panel the day before the last open night, and submit it in that night.

    Yields messages. Raises Refused when the submission is not delivered, or its numbers do not match.
    """
    clock = FixedClock(now)
    calendar = load({}).calendar(clock.zone)
    night = last_open_night(calendar, now)
    clock.move_to(datetime.combine(night - timedelta(days=1), time(10)))
    with place.host(registry_url, clock) as host:
        yield from _fill_clinic(host, clock, calendar, night, patients)


def _fill_clinic(host: OscarHost, clock: FixedClock, calendar: Calendar, night: date, patients: int) -> Iterator[str]:
    """Its patients, panels and the submission of `night`; see make_clinic."""
    settings, manager = load(host.settings), host.identity.system
    with progress_bar(patients, "Writing patients", "Finishing") as progress:
        result = fill(host.database, host.tables, patients=patients, seed=SEED, as_of=night, progress=progress)
    yield f"An invented clinic: {result.patients:,} patients, {result.appointments:,} appointments."

    installed_plugins(host)
    clinic.enable(host, manager)
    clinic.save(host, manager, name="Saskatoonberry Family Clinic", site_id="S-0815", version=1)
    first, *_ = [editing.create(host, manager, panel_draft(*panel)) for panel in PANELS]
    provider = PANELS[0][2][0][0]
    assigned = bulk.carry_out(host, manager, bulk.Assign(provider, host.roster.active_status, first))
    requests.ask(host, settings, manager, first)
    yield f"{moment_text(clock.now(), clock.zone)}: panels are created, one is filled, and its submission is requested."

    clock.move_to(calendar.moment(night, calendar.night_run_at))
    run.run_due(host, settings, clock.now())
    with host.database.engine.connect() as connection:
        [submission, *_] = history.history(connection, host, panel_id=first)
    if submission.state is not SubmissionState.DELIVERED or submission.sent is None or submission.excluded is None:
        raise Refused(f"The submission was not delivered. {submission.failure or submission.label}")
    if assigned.added != submission.sent + submission.excluded:
        raise Refused(
            f"{assigned.added} assigned are not {submission.sent} submitted and {submission.excluded} excluded."
        )
    yield f"{moment_text(clock.now(), clock.zone)}: the night run submits it, and the registry accepts it."
    yield ""
    yield (
        f"Panel {submission.panel_number}: {assigned.added:,} patients assigned "
        f"= {submission.sent:,} submitted + {submission.excluded:,} excluded"
    )
    for reason, count in sorted(submission.reasons.items(), key=lambda item: -item[1]):
        yield f"  {count:6,}  {WORDING[reason].label}"
    if sum(submission.reasons.values()) > submission.excluded:
        yield "  (A patient can be excluded for more than one reason.)"


def _is_free(port: int) -> bool:
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except (OSError, OverflowError):
        return False
    return True


def free_port(preferred: int) -> int:
    """The requested port, or the next one that is free. Raises Refused when none of the next ones is."""
    for port in filter(_is_free, range(preferred, preferred + PORTS)):
        if port != preferred:
            click.echo(f"Port {preferred} is in use: using {port} instead.")
        return port
    raise Refused(f"The ports {preferred} to {preferred + PORTS - 1} are in use: choose another one.")


@contextmanager
def _registry(folder: Path) -> Iterator[process.RunningRegistry]:
    """A registry at the next free port. Raises RuntimeError when it does not start for another cause than its port."""
    while True:
        port = free_port(REGISTRY_PORT)
        try:
            registry = process.start(folder, port=port)
        except RuntimeError:
            if _is_free(port):
                raise
        else:
            break  # no other program took the port before it
    try:
        yield registry
    finally:
        registry.stop()


def _end(number: int, frame: object) -> None:
    raise KeyboardInterrupt


@contextmanager
def interruptible() -> Iterator[None]:
    """End in the same way for Ctrl+C and for a service manager's SIGTERM."""
    before = signal.signal(signal.SIGTERM, _end)
    try:
        yield
    except KeyboardInterrupt:
        click.echo("The demo has stopped.")
    finally:
        signal.signal(signal.SIGTERM, before)


def serve(host: OscarHost, port: int) -> Iterator[str]:
    """Serve the embedded EMR with its scheduler until someone ends it, and close it.

    Yields messages, once it listens.
    """
    plugins = installed_plugins(host)
    # In this process, unlike `cpar serve`: whatever ends it, nothing is left behind.
    listening = server.serve(create_app(host, plugins), "127.0.0.1", port, None)
    lifecycle = Lifecycle(plugins, host)
    lifecycle.start()
    yield f"\nThe EMR:      http://127.0.0.1:{port}/"
    try:
        listening.serve_forever()
    finally:
        lifecycle.stop()
        host.close()


@click.command("demo")
@click.option("--folder", default=".demo", show_default=True, type=click.Path(file_okay=False, path_type=Path))
@click.option("--patients", default=5000, show_default=True, type=click.IntRange(100, 1_000_000))
@click.option("--port", default=8080, show_default=True, type=click.IntRange(1, 65535), help="Of the EMR.")
@click.option("--fresh", is_flag=True, help="Create a new clinic; otherwise an existing one is kept as you left it.")
@click.option("--serve/--no-serve", "keep_running", default=True, help="Whether to keep the pages running.")
def command(*, folder: Path, patients: int, port: int, fresh: bool, keep_running: bool) -> None:
    """Try everything: an invented clinic on SQLite, a panel that is filled and submitted to a registry, and the pages.

    Nothing leaves this machine, and nothing outside the folder is changed.
    """
    with interruptible():
        try:
            try_out(DemoFolder(folder), patients, port, fresh=fresh, keep_running=keep_running)
        except OSError as error:
            raise Refused(f"{folder} cannot be used ({error.strerror}): choose another folder with --folder.") from None
        except RuntimeError as error:
            raise Refused(str(error)) from None


def try_out(place: DemoFolder, patients: int, port: int, *, fresh: bool, keep_running: bool) -> None:
    """The demo in its folder. Raises OSError where that cannot be written, RuntimeError when no registry starts."""
    keep = place.complete and not fresh
    if not keep:
        place.clear()
    with _registry(place.registry) as registry:
        if keep:
            click.echo(f"The clinic in {place.folder} is as you left it. A new one: --fresh")
        else:
            for line in make_clinic(place, registry.fhir_url, patients, SystemClock().now()):
                click.echo(line)
            place.state.write_text(COMPLETE, encoding="utf-8")
        if not keep_running:
            return
        place.write_settings(registry.fhir_url)
        for line in serve(place.host(registry.fhir_url), free_port(port)):
            click.echo(line)
            click.echo(f"The registry: {registry.address}/\n")
            for person in SIGN_INS:
                click.echo(f"Sign in as {person.user_name:10} to {person.may}.")
            click.echo(f"The password is {PASSWORD}. Press Ctrl+C to stop everything.")
