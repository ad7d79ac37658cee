"""What workers do: a look at a clinic, one panel, the other jobs. Each a task whose message names the clinic."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from functools import lru_cache
from typing import Final

from celery import Celery
from sqlalchemy.exc import SQLAlchemyError

from cpar_plugin import settings as plugin_settings
from cpar_plugin.hooks import Host, HostBusy, Job, Plugins, Refused
from cpar_plugin.host_kit.time_limits import answered_within
from cpar_plugin.plugin import SUBMISSIONS
from cpar_plugin.services.operations import heartbeat
from cpar_plugin.services.submissions import rehearsals
from cpar_plugin.services.submissions.due import due_work
from cpar_plugin.services.submissions.one_panel import submit_one
from cpar_plugin.services.submissions.run import RunReport, begin_due
from cpar_plugin.services.submissions.way_out import way_out
from cpar_plugin.settings import Settings
from cpar_plugin.store.reach import is_away
from cpar_plugin.tracing import about
from cpar_plugin.transport import Transport

from ...host import OscarHost
from ..clinic import FleetClinic
from ..clinics import Clinics
from ..database_server import server_of
from ..open_hosts import open_hosts
from ..registry_key import key_of
from . import queues
from .broker_line import FAILURES, BrokerLine
from .celery_app import LOOK, celery_app, publish
from .known_servers import Admission, KnownServers
from .places import ClinicPlaces, PlaceHold
from .registry import Registry, RegistryState

log = logging.getLogger(__name__)

PANEL: Final = "cpar.panel"
JOBS: Final = "cpar.jobs"
REHEARSALS: Final = "cpar-rehearsals"  # the end of that job, which needs no hurry
_AWAY_SECONDS: Final = (0, 1, 2, 5, 10, 20)  # after so many messages in a row whose clinics' databases were not reached
_PLACE_SECONDS: Final = 0.5  # after which work looks for a place of its clinic again, behind all others
_CONTACT_SECONDS: Final = 5.0  # in which a database is to answer that it is there, connecting to it included
_ANSWER_SECONDS: Final = 60.0  # in which each question of a panel is to be answered: large panels take a few
_WAY_OUT_SECONDS: Final = 300  # for which a connection's certificates and access token are kept


class NoPlaceError(Exception):
    """Enough processes of this worker work for the clinic, or with database servers that answer slowly."""

    def __init__(self, *, comes_again: bool) -> None:
        """`comes_again`: nothing else would call for this work soon."""
        super().__init__()
        self.comes_again = comes_again


class ServerAwayError(Exception):
    """The clinic's database server does not answer, or has not a moment ago: it is left in peace for a while."""

    def __init__(self, *, others_answer: bool) -> None:
        """`others_answer`: other servers have since."""
        super().__init__()
        self.others_answer = others_answer


class Engine:
    """The work of one fleet, in one process or, after a fork, in its children."""

    def __init__(
        self, clinics: Clinics, places: ClinicPlaces | None = None, servers: KnownServers | None = None
    ) -> None:
        """Nothing is connected, and no clinic opened. `places`, `servers`: of the worker whose process it is.

        Raises Refused where the fleet has no broker.
        """
        self.clinics = clinics
        self.fleet = clinics.settings
        self._places = places or ClinicPlaces(1, 1)
        self._servers = servers or KnownServers(1, self.fleet.ask_minutes * 60)
        self.app: Celery = celery_app(self.fleet)
        self.hosts = open_hosts(self.fleet)
        self._line = BrokerLine(self.app)
        self._plugins = Plugins()
        self._plugins.load_installed()
        away = _AwayPauses()
        for name, work in ((LOOK, self._look), (PANEL, self._panel), (JOBS, self._jobs)):
            self.app.task(name=name, shared=False)(_guarded(name, self._until_placed(name, work), away))

    def jobs(self, host: Host) -> Sequence[Job]:
        """Those that are no panels: what plugins want done every so often."""
        settings = plugin_settings.load(host.settings)
        jobs = list(self._plugins.emr_scheduled_jobs(host))
        every = next(job.every for job in jobs if job.name == SUBMISSIONS)
        rehearse = Job(name=REHEARSALS, every=every, run=lambda now: _nothing(rehearsals.make(host, settings, now)))
        return [job for job in jobs if job.name != SUBMISSIONS] + [rehearse]

    def registry(self, settings: Settings) -> Registry | None:
        """What all workers know about the clinic's registry; None where it has none."""
        key = key_of(settings)
        if not key:
            return None
        return Registry(self._line, key, self.fleet.registry_panels_at_once, self.fleet.registry_pause_seconds)

    def publish(self, task: str, queue: str, *arguments: object) -> None:
        """Raises as `celery_app.publish` does."""
        publish(self.app, task, queue, *arguments)

    def _look(self, name: str, trace: str) -> None:
        """What the calendar wants and a first panel, then as many tasks as there may be panels under way at a time.

        Mostly another process takes these, and to open the clinic there takes as long as half a panel.
        """
        reading = self.clinics.read()
        if name in reading.draining:
            return
        with self._opened(reading.clinic(name)) as host:
            settings, now, report = plugin_settings.load(host.settings), host.clock.now(), RunReport()
            may_submit = begin_due(host, settings, now, report)
            if not report.errors:
                heartbeat.beat(host, heartbeat.SUBMISSIONS)
            if not may_submit or self._is_down(settings):
                return
            due = due_work(host, settings, now)
            free = max(0, self.fleet.clinic_panels_at_once - due.under_way)
            of_people = min(due.people, free)
            turns = [queues.PEOPLE] * of_people + [queues.NIGHT] * min(due.automatic, free - of_people)
            more = bool(turns) and self._submitted(host, settings)
        for queue in turns if more else ():
            self.publish(PANEL, queue, name, trace, queue)

    def _panel(self, name: str, trace: str, queue: str) -> None:
        """One panel of the clinic; then another task for its next one, behind those of other clinics."""
        reading = self.clinics.read()
        if name in reading.draining:
            return
        with self._opened(reading.clinic(name)) as host:
            more = self._submitted(host, plugin_settings.load(host.settings))
        if more:
            self.publish(PANEL, queue, name, trace, queue)

    def _submitted(self, host: Host, settings: Settings) -> bool:
        """Submit the clinic's next panel, where the registry takes one: whether others wait then."""
        registry, most = self.registry(settings), self.fleet.clinic_panels_at_once
        if registry is None:
            work = submit_one(host, settings, _way_out(settings), at_most=most)
        else:
            with registry.admitted() as admitted:
                out = registry.sending(_way_out(settings))
                work = submit_one(host, settings, out, at_most=most) if admitted else None
        return bool(work) and due_work(host, settings, host.clock.now()).waiting > 0

    def _jobs(self, name: str, trace: str, due: Sequence[str]) -> None:
        """The clinic's other jobs, those that are due."""
        with self._opened(self.clinics.read().clinic(name), jobs=True) as host:
            for job in self.jobs(host):
                if job.name in due:
                    _tried(job, host.clock.now())

    def _until_placed(self, task: str, work: Callable[..., None]) -> Callable[..., None]:
        """The work, which goes to the end of the queue it came by where it found no place and comes again."""

        def tried(*arguments: object) -> None:
            try:
                work(*arguments)
            except NoPlaceError as error:
                if not error.comes_again:
                    raise
                log.info("%s of clinic %s waits for a place", task, arguments[0])
                time.sleep(_PLACE_SECONDS)
                self.publish(task, self.app.current_task.request.delivery_info["routing_key"], *arguments)

        return tried

    @contextmanager
    def _opened(self, clinic: FleetClinic, *, jobs: bool = False) -> Iterator[OscarHost]:
        """The clinic's host, in one of its places, once its database has answered. What is published afterwards finds
        the place free. Raises NoPlaceError, ServerAwayError, and what opening it and asking it do.
        """
        server, servers = server_of(clinic), self._servers
        with self._places.held(clinic.name, jobs=jobs) as hold, servers.admitted(server) as admission:
            if hold is not PlaceHold.OURS or admission is Admission.NO_PLACE:
                # Panels in hand call for the next one. Jobs do not, and the beat publishes each once in its slot of
                # time, which may be a day, and a look only when the queue has been empty since the last one.
                raise NoPlaceError(comes_again=jobs or hold is PlaceHold.OF_JOBS)
            if admission is Admission.AWAY:
                raise ServerAwayError(others_answer=servers.others_answer(server))
            with self.hosts.opened(clinic) as host:
                try:
                    servers.note_answer(server, _contact_seconds(host))
                    with nullcontext() if jobs else answered_within(each=_ANSWER_SECONDS):
                        yield host
                except SQLAlchemyError as error:
                    if not is_away(error):
                        raise
                    if servers.note_failure(server):
                        log.warning("the database server of clinic %s does not answer", clinic.name)
                    raise ServerAwayError(others_answer=servers.others_answer(server)) from error

    def _is_down(self, settings: Settings) -> bool:
        registry = self.registry(settings)
        return registry is not None and registry.state() is RegistryState.DOWN


class _AwayPauses:
    """For a process that reaches no database, of whatever clinics, nor do others of its worker: it is cut off.

    Without pauses it would take all messages, each within moments, and do nothing about any.
    """

    def __init__(self) -> None:
        self._failures = 0

    def reached(self) -> None:
        self._failures = 0

    def wait(self) -> None:
        time.sleep(_AWAY_SECONDS[min(self._failures, len(_AWAY_SECONDS) - 1)])
        self._failures += 1


def _guarded(task: str, work: Callable[..., None], away: _AwayPauses) -> Callable[..., None]:
    """Log what goes wrong with one clinic, by its kind only: the text may hold patient data. The beat asks it again."""

    def guarded(name: str, trace: str, *more: object) -> None:
        with about(trace=trace, clinic=name):
            try:
                work(name, trace, *more)
                away.reached()
            except NoPlaceError:
                log.info("%s of clinic %s was not begun: enough processes work for it", task, name)
            except ServerAwayError as server:
                log.info("%s of clinic %s was not done: its database server does not answer", task, name)
                if not server.others_answer:
                    away.wait()
            except Refused as refused:
                log.warning("%s of clinic %s was not done: %s", task, name, refused)
            except (SQLAlchemyError, HostBusy, *FAILURES) as error:
                log.warning("%s of clinic %s was interrupted: %s", task, name, type(error).__name__)
            except Exception as error:
                log.error("%s of clinic %s failed: %s", task, name, type(error).__name__)

    return guarded


def _contact_seconds(host: OscarHost) -> float:
    """How long its database takes to answer. Raises SQLAlchemyError where it does not."""
    begin = time.monotonic()
    with answered_within(_CONTACT_SECONDS), host.database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    return time.monotonic() - begin


def _tried(job: Job, now: datetime) -> None:
    try:
        job.run(now)
    except Exception as error:
        if is_away(error):  # so it is for all other jobs
            raise
        log.error("job %s failed: %s", job.name, type(error).__name__)


def _nothing(_: object) -> None: ...


def _way_out(settings: Settings) -> Transport:
    return _kept_way_out(settings, int(time.monotonic() // _WAY_OUT_SECONDS))


@lru_cache(maxsize=16)
def _kept_way_out(settings: Settings, _: int) -> Transport:
    return way_out(settings)
