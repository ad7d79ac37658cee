"""Makes one export: opens one consistent view of everything, and writes it into files while it holds the claim."""

import logging
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime, timedelta
from time import monotonic

from sqlalchemy import Connection
from sqlalchemy.exc import OperationalError

from ...domain.refusals import NotFound
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.waiting import waited_too_long
from ..clients.caller import EVERYTHING, Caller
from ..clients.registry import id_of, live_client
from ..operations import clinic
from ..roster import merges
from .contents import Contents
from .files import Files, remove_folder
from .jobs import Export, fail, finish, hold, release, remove

log = logging.getLogger(__name__)

_SECONDS = 1.0  # how often to check that the work is still needed
_PAUSE = timedelta(minutes=1)
_NO_ROOM = "The files could not be written. Contact the clinic's EMR administrator, then request the export again."


class _ClaimLost(Exception):
    """The export was cancelled, or another worker has it."""


class _Stopping(Exception):
    """This process has to stop."""


def carry_out(host: Host, settings: Settings, export: Export, stopping: Callable[[], bool]) -> bool:
    """Make a claimed export. Returns whether it is done: not so when it has failed, is left to others, or is unwanted.

    What fails is logged without patient data, and tried again a minute later.
    """
    assert export.claim
    try:
        files = Files(settings.fhir_export_folder, export.claim, settings.fhir_export_file_resources)
        _write(host, settings, export, files, stopping)
        if finish(host, settings, export, files.written):
            return True
    except _Stopping:
        release(host, export)
    except NotFound:  # the client was revoked
        remove(host, settings, export)
    except (_ClaimLost, FileNotFoundError):  # the folder was removed by the new worker, or on cancellation
        pass
    except OSError as error:
        log.error("export: %s", error.strerror or type(error).__name__)
        fail(host, settings, export, _NO_ROOM)
    except Exception as error:
        # Only the kind of error: its text may hold patient data.
        log.error("export: %s", type(error).__name__)
        release(host, export, host.clock.now() + _PAUSE)
    remove_folder(settings.fhir_export_folder, export.claim)
    return False


def _write(host: Host, settings: Settings, export: Export, files: Files, stopping: Callable[[], bool]) -> None:
    merges.catch_up(host)
    with _view(host) as (connection, moment):
        caller = _caller(connection, export)
        progress = _Progress(host, settings, export, stopping)
        contents = Contents(connection, host, settings, caller, export.request, progress.more)
        progress.note(transaction_time=moment, expected=contents.expected())
        contents.write(files)


@contextmanager
def _view(host: Host) -> Iterator[tuple[Connection, datetime]]:
    """A connection that sees everything as it is at a moment between two changes of membership, and that moment.

    Each change has its own moment from within the clinic's lock. So whatever is not seen here has a later one, and an
    export since this one tells it.
    """
    with ExitStack() as opened:
        with host.database.session() as session:
            clinic.lock(session)
            moment = host.clock.now()
            connection = opened.enter_context(host.database.engine.connect())
            clinic.load(connection)  # from here on the view holds still
        yield connection, moment


def _caller(connection: Connection, export: Export) -> Caller:
    """Who has asked, as far as the export goes. Raises NotFound for a client that was revoked."""
    if export.client_id is not None:
        live_client(connection, id_of(export.client_id))
    return Caller(
        actor=Actor(actor_id=export.actor_id, display_name=export.actor_id),
        client_id=None if export.client_id is None else id_of(export.client_id),
        scopes=EVERYTHING,
        panels=export.panels,
    )


class _Progress:
    """Writes the progress to the row from time to time, and stops work that is no longer needed."""

    def __init__(self, host: Host, settings: Settings, export: Export, stopping: Callable[[], bool]) -> None:
        self._host = host
        self._settings = settings
        self._export = export
        self._stopping = stopping
        self._exported = 0
        self._noted_at = monotonic()

    def more(self, patients: int) -> None:
        """So many patients more are done. Raises _ClaimLost and _Stopping."""
        self._exported += patients
        if self._stopping():
            raise _Stopping
        if monotonic() - self._noted_at >= _SECONDS:
            self.note(exported=self._exported)

    def note(self, **progress: datetime | int) -> None:
        """Write progress down and keep the claim. Raises _ClaimLost."""
        try:
            holds_claim = hold(self._host, self._settings, self._export, **progress)
        except OperationalError as error:
            if not waited_too_long(error):
                raise
            holds_claim = True  # as far as is known: it is made up by the next
        if not holds_claim:
            raise _ClaimLost
        self._noted_at = monotonic()
