"""Email about submissions that failed, are held, or would be, to the address of each panel. No patient data."""

import logging
import smtplib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, exists, func, literal, or_, select, update

from ...domain.refusals import Refused
from ...domain.submission import LOUD, SubmissionState
from ...hooks import Host
from ...settings import Settings
from ...store.tables import clinic, panel, rehearsal, submission
from ..operations.lease import RELEASED, is_free, leased
from . import addresses, rehearsals
from .texts import STATE, Stage, advice, would_be_held

if TYPE_CHECKING:
    from ...transport.outgoing import MailConnection

log = logging.getLogger(__name__)

_MAILED_WITHIN = timedelta(days=7)
_Work = Callable[[Host, Settings, str, datetime], int]  # with the token of the lease
_Rows = list[Row[Any]]


def send(host: Host, settings: Settings, now: datetime) -> int:
    """Email each failed submission to the address of its panel, once. Returns how many were sent.

    A mail that cannot be sent is tried again at the next run, for a week. Does nothing without a mail server.
    """
    sent = _send_leased(host, settings, now, submission, _unreported(now), _mail_claimed)
    not_notified = rehearsals.not_notified(host, settings, now)
    return (
        sent
        if not_notified is None
        else sent + _send_leased(host, settings, now, rehearsal, not_notified, _mail_rehearsed)
    )


def _send_leased(
    host: Host, settings: Settings, now: datetime, table: Table, unreported: ColumnElement[bool], work: _Work
) -> int:
    """Send email about rows of a table, while no other worker does. Returns about how many."""
    if not settings.smtp_host:
        return 0
    token = str(uuid4())
    unreported = unreported & is_free(table, now)
    with host.database.engine.connect() as connection:
        if connection.scalar(select(literal(1)).select_from(table).where(unreported).limit(1)) is None:
            return 0
    with host.database.session() as session:
        session.execute(update(table).where(unreported).values(**leased(settings, token, now)))
    try:
        return work(host, settings, token, now)
    except Refused as refused:
        log.error("email about submissions could not be sent: %s", refused)
        return 0
    except (OSError, smtplib.SMTPException) as error:
        # The next run tries again; the text of the error may name a recipient.
        log.error("email about submissions could not be sent: %s", failure_message(error, settings))
        return 0
    finally:
        with host.database.session() as session:
            session.execute(update(table).where(table.c.claim == token).values(**RELEASED))


def waiting(connection: Connection, settings: Settings, now: datetime) -> int:
    """How many submissions their panels' recipients have yet to be notified of."""
    if not settings.smtp_host:
        return 0
    return connection.scalar(select(func.count()).select_from(submission).where(_unreported(now))) or 0


def _unreported(now: datetime) -> ColumnElement[bool]:
    reachable = exists().where(panel.c.panel_id == submission.c.panel_id, panel.c.notify != "")
    return and_(
        or_(
            submission.c.state.in_(LOUD),
            and_(submission.c.state.in_(Stage.DELIVERED.states), submission.c.guard_note.is_not(None)),
        ),
        submission.c.notified_at.is_(None),
        submission.c.finished_at > now - _MAILED_WITHIN,
        reachable,
    )


def _mail_claimed(host: Host, settings: Settings, token: str, now: datetime) -> int:
    by_address: dict[str, list[Row[Any]]] = defaultdict(list)
    with host.database.engine.connect() as connection:
        name = connection.scalar(select(clinic.c.name))
        query = (
            select(submission, panel.c.number, panel.c.notify)
            .join_from(submission, panel, panel.c.panel_id == submission.c.panel_id)
            .where(submission.c.claim == token)
            .order_by(panel.c.number, submission.c.submission_id)
        )
        for row in connection.execute(query):
            by_address[row.notify].append(row)

    def reported(rows: list[Row[Any]]) -> None:
        with host.database.session() as session:
            ids = [row.submission_id for row in rows]
            session.execute(update(submission).where(submission.c.submission_id.in_(ids)).values(notified_at=now))

    messages = ((_message(host, settings, name or "", address, rows), rows) for address, rows in by_address.items())
    return _deliver(settings, messages, reported)


def _mail_rehearsed(host: Host, settings: Settings, token: str, now: datetime) -> int:
    by_address: dict[str, list[Row[Any]]] = defaultdict(list)
    with host.database.engine.connect() as connection:
        name = connection.scalar(select(clinic.c.name))
        query = select(rehearsal, panel.c.number, panel.c.notify).join_from(rehearsal, panel)
        for row in connection.execute(query.where(rehearsal.c.claim == token).order_by(panel.c.number)):
            by_address[row.notify].append(row)

    def reported(rows: list[Row[Any]]) -> None:
        with host.database.session() as session:
            of_rows = rehearsal.c.panel_id.in_([row.panel_id for row in rows])
            session.execute(update(rehearsal).where(of_rows).values(notified_for=rehearsal.c.automatic))

    messages = (
        (_rehearsal_message(host, settings, name or "", address, rows), rows) for address, rows in by_address.items()
    )
    return _deliver(settings, messages, reported)


def _deliver(
    settings: Settings, messages: Iterable[tuple[EmailMessage, _Rows]], reported: Callable[[_Rows], None]
) -> int:
    """Send each message; `reported` is called with its rows. Returns how many rows. Raises as `server` does."""
    count = 0
    with server(settings) as mail_server:
        for message, rows in messages:
            try:
                mail_server.send_message(message)
            except smtplib.SMTPResponseException as error:
                log.error("email about submissions was rejected: %d", error.smtp_code)
                continue
            except smtplib.SMTPRecipientsRefused:
                log.error("email about submissions was rejected: recipient refused")
                continue
            reported(rows)
            count += len(rows)
    return count


@contextmanager
def server(settings: Settings) -> Iterator["MailConnection"]:
    """A connection to the mail server, signed in. `smtp_seconds` is the deadline for all that is done with it.

    Raises OSError, SMTPException, and Refused for `smtp_ca_file`.
    """
    # Only where there is something to send: every minute cron asks whether there is.
    from ...transport.deadline import within
    from ...transport.outgoing import MailConnection
    from ...transport.trust import trusting

    with within(settings.smtp_seconds), MailConnection(settings.smtp_host, settings.smtp_port) as connected:
        if settings.smtp_starttls:
            context = trusting(settings.smtp_ca_file, "smtp_ca_file", strict=settings.strict_certificates)
            connected.starttls(context=context)
        if settings.smtp_user:
            connected.login(settings.smtp_user, settings.smtp_password)
        yield connected


def failure_message(error: Exception, settings: Settings) -> str:
    """Why the mail server cannot be used, without the text of the error, which may name a recipient."""
    from ...transport.deadline import DeadlineError
    from ...transport.trust import causes, distrusted

    if any(isinstance(cause, DeadlineError) for cause in causes(error)):
        return f"{settings.smtp_host} was too slow: the call was stopped after {settings.smtp_seconds:g} seconds."
    return distrusted(error, settings.smtp_host) or f"{type(error).__name__}."


def _why(row: Row[Any]) -> str:
    """Why the recipient is told: what went wrong, or that it was sent though it was to be held."""
    words: str = row.failure or row.guard_note
    return words


def _stages(rows: list[Row[Any]]) -> list[Stage]:
    return [Stage.of(SubmissionState(row.state)) for row in rows]


def _rehearsal_message(
    host: Host, settings: Settings, clinic_name: str, address: str, rows: list[Row[Any]]
) -> EmailMessage:
    message = _empty(host, settings, address)
    message["Subject"] = (
        f"CPAR panel {rows[0].number}: would be held"
        if len(rows) == 1
        else f"CPAR: {len(rows)} coming panel submissions would be held"
    )
    paragraphs = [f"Panel {row.number}: {would_be_held(row.held, row.automatic)}" for row in rows]
    page = addresses.of_rehearsal(settings, rows[0].panel_id) if len(rows) == 1 else addresses.of_panels(settings)
    paragraphs.append(page or "In the EMR, open CPAR Panel Management, then Rehearse of the panel.")
    paragraphs.append(clinic_name)
    message.set_content("\n\n".join(paragraphs))
    return message


def _empty(host: Host, settings: Settings, address: str) -> EmailMessage:
    message = EmailMessage()
    message["From"], message["To"] = settings.smtp_from, address
    message["Date"] = format_datetime(host.clock.now().astimezone(host.clock.zone))
    # By our own address: asking this machine for its name may wait for the network.
    message["Message-ID"] = make_msgid(domain=settings.smtp_from.rpartition("@")[2].strip("> ") or "localhost")
    return message


def _message(host: Host, settings: Settings, clinic_name: str, address: str, rows: list[Row[Any]]) -> EmailMessage:
    message = _empty(host, settings, address)
    message["Subject"] = (
        f"CPAR panel {rows[0].number}: {STATE[SubmissionState(rows[0].state)].lower()}"
        if len(rows) == 1
        else f"CPAR: {len(rows)} panel submissions need attention"
    )
    paragraphs = []
    for row in rows:
        state = SubmissionState(row.state)
        paragraphs.append(f"Panel {row.number}: {STATE[state].lower()}.\n{_why(row)} {advice(state)}")
    page = (
        addresses.of_submission(settings, rows[0].submission_id)
        if len(rows) == 1
        else addresses.of_several(settings, _stages(rows))
    )
    paragraphs.append(page or "In the EMR, open CPAR Panel Management, then Submission History.")
    paragraphs.append(clinic_name)
    message.set_content("\n\n".join(paragraphs))
    return message
