"""The work on one panel, apart from a run: what one task of a fleet does."""

from dataclasses import dataclass

from sqlalchemy import Connection

from ...domain.submission import SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...transport import Transport
from ..operations import clinic, heartbeat
from .due import of_people
from .lease import count_under_way, give_back, take_one
from .process import advance


@dataclass(frozen=True, slots=True)
class PanelWork:
    """What was done about one panel. `state` is None where another worker has taken it over."""

    submission_id: int
    panel_id: int
    state: SubmissionState | None


def submit_one(host: Host, settings: Settings, transport: Transport, *, at_most: int) -> PanelWork | None:
    """Bring one submission that wants work as far as it goes now, those that users requested first.

    None where nothing wants work, the integration is turned off, or `at_most` submissions of this clinic are in the
    hands of workers already, on whatever machines.
    """
    now = host.clock.now
    if not _may_begin(host, at_most):
        return None
    claim = take_one(host, settings, now, ~of_people(host))
    if claim is None:
        return None
    with host.database.engine.connect() as connection:
        too_many = _under_way(connection, host) > at_most
    if too_many:  # others claimed at the same time: each sees those before it, so that one gives way
        give_back(host, claim)
        return None
    state = advance(host, settings, transport, claim, now)
    heartbeat.beat(host, heartbeat.SUBMISSIONS)
    return PanelWork(claim.submission_id, claim.panel_id, state)


def _may_begin(host: Host, at_most: int) -> bool:
    with host.database.engine.connect() as connection:
        return clinic.load(connection).enabled and _under_way(connection, host) < at_most


def _under_way(connection: Connection, host: Host) -> int:
    return connection.scalar(count_under_way(host.clock.now())) or 0
