"""Rehearsals that are made by themselves, before the automatic date: whether each panel's submission would be held.

One panel is one piece of work, which a worker takes by a lease: any number of processes may do so at once.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, and_, exists, insert, or_, select, update

from ...hooks import Host
from ...settings import Settings
from ...store.tables import member, panel, rehearsal
from ..operations import clinic
from ..operations.lease import RELEASED, is_free, leased
from . import texts
from .submitted_panels import IS_SUBMITTED

log = logging.getLogger(__name__)
_CANDIDATES = 50


@dataclass(frozen=True, slots=True)
class _Slot:
    """What is to be rehearsed now: the automatic date, with data no older than `since`."""

    automatic: date
    since: datetime


def make(host: Host, settings: Settings, now: datetime) -> int:
    """Rehearse every panel that was not since the last night, in the days before the automatic date. Returns how many.

    What cannot be rehearsed is said in place of the result, without patient data.
    """
    slot = _slot(host, settings, now)
    if slot is None or not _any_due(host, slot, now):
        return 0
    with host.database.session() as session:
        clinic.lock(session)
        absent = IS_SUBMITTED & _HAS_PATIENTS & ~exists().where(rehearsal.c.panel_id == panel.c.panel_id)
        session.execute(insert(rehearsal).from_select(["panel_id"], select(panel.c.panel_id).where(absent)))
    made = 0
    while (claimed := _take_one(host, settings, slot, now)) is not None:
        token, panel_id = claimed
        held = _held(host, settings, panel_id)
        values = {"automatic": slot.automatic, "rehearsed_at": now, "held": held, **RELEASED}
        with host.database.session() as session:
            session.execute(update(rehearsal).where(rehearsal.c.claim == token).values(**values))
        made += 1
    return made


def would_be_held(connection: Connection, host: Host, settings: Settings, now: datetime) -> Sequence[Row[Any]]:
    """The panels whose coming automatic submission would be held, by their last rehearsal. One statement at most."""
    slot = _slot(host, settings, now)
    if slot is None:
        return []
    query = select(rehearsal, panel.c.number, panel.c.notify).join_from(rehearsal, panel)
    return connection.execute(query.where(_is_notified(slot)).order_by(panel.c.number)).all()


def not_notified(host: Host, settings: Settings, now: datetime) -> ColumnElement[bool] | None:
    """Which rehearsals their panels' recipients are still to be told of; None outside of those days."""
    slot = _slot(host, settings, now)
    if slot is None:
        return None
    recipient = exists().where(panel.c.panel_id == rehearsal.c.panel_id, panel.c.notify != "", IS_SUBMITTED)
    not_yet = or_(rehearsal.c.notified_for.is_(None), rehearsal.c.notified_for != slot.automatic)
    return and_(rehearsal.c.automatic == slot.automatic, rehearsal.c.held.is_not(None), not_yet, recipient)


def _slot(host: Host, settings: Settings, now: datetime) -> _Slot | None:
    calendar = settings.calendar(host.clock.zone)
    automatic = calendar.next_automatic(now)
    night = calendar.today(now)
    if now < calendar.moment(night, calendar.night_run_at):
        night -= timedelta(days=1)
    if night < automatic - timedelta(days=settings.rehearsal_days):
        return None
    return _Slot(automatic, calendar.moment(night, calendar.night_run_at))


_HAS_PATIENTS = exists().where(member.c.panel_id == panel.c.panel_id)


def _is_notified(slot: _Slot) -> ColumnElement[bool]:
    return and_(rehearsal.c.automatic == slot.automatic, rehearsal.c.held.is_not(None), IS_SUBMITTED, _HAS_PATIENTS)


def _is_due(slot: _Slot) -> ColumnElement[bool]:
    outdated = or_(rehearsal.c.rehearsed_at.is_(None), rehearsal.c.rehearsed_at < slot.since)
    return outdated & exists().where(panel.c.panel_id == rehearsal.c.panel_id, IS_SUBMITTED, _HAS_PATIENTS)


def _any_due(host: Host, slot: _Slot, now: datetime) -> bool:
    current = exists().where(rehearsal.c.panel_id == panel.c.panel_id, rehearsal.c.rehearsed_at >= slot.since)
    waiting = exists().where(rehearsal.c.panel_id == panel.c.panel_id, ~is_free(rehearsal, now))
    query = select(panel.c.panel_id).where(IS_SUBMITTED, _HAS_PATIENTS, ~current, ~waiting).limit(1)
    with host.database.engine.connect() as connection:
        return connection.scalar(query) is not None


def _take_one(host: Host, settings: Settings, slot: _Slot, now: datetime) -> tuple[str, int] | None:
    takes = _is_due(slot) & is_free(rehearsal, now)
    with host.database.engine.connect() as connection:
        ids = connection.scalars(select(rehearsal.c.panel_id).where(takes).limit(_CANDIDATES)).all()
    token = str(uuid4())
    for panel_id in ids:
        with host.database.session() as session:
            taken = update(rehearsal).where(rehearsal.c.panel_id == panel_id, takes)
            if session.execute(taken.values(**leased(settings, token, now))).rowcount:  # type: ignore[attr-defined]
                return token, panel_id
    return None


def _held(host: Host, settings: Settings, panel_id: int) -> str | None:
    """Why the panel's submission would be held, with the data of this moment; None where it would be sent."""
    from ..roster import merges, same_phn  # with the first panel: cron asks every minute whether there is one
    from ..snapshots import outlook
    from .forecast import forecast

    try:
        with host.database.engine.connect() as view:
            last = outlook.last_sent(view, panel_id)
        if last is None:
            return None
        merges.catch_up(host)
        moment = host.clock.now()
        with host.database.engine.connect() as view:
            rules = same_phn.eligibility_on_panel(view, host, settings, moment, panel_id)
            expected = outlook.read(view, host, rules, panel_id, last, now=moment)
            return forecast(view, host, settings, panel_id, last, expected, moment).held or None
    except Exception as error:
        # Only the kind of error: its text may hold patient data.
        log.error("panel %d could not be rehearsed: %s", panel_id, type(error).__name__)
        return texts.NOT_REHEARSED
