"""Sessions of people who have signed in here with a password: rows that end, whatever a cookie still says."""

import hashlib
import hmac
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta

import flask
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy import Column, Engine, Integer, MetaData, Table, and_, delete, insert, or_, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.schema import CreateTable

from cpar_plugin.hooks import Clock, is_polled
from cpar_plugin.host_kit.clock import today
from cpar_plugin.settings import checked
from cpar_plugin.store.types import Moment, exact

from .accounts import Account, open_accounts
from .host import OscarHost

log = logging.getLogger(__name__)

LONGEST = timedelta(hours=12)
_NOTED_EVERY = timedelta(minutes=1)
_FORWARD = timedelta(minutes=1)  # by how much the clocks of two machines may differ
_TOKEN = "session"  # noqa: S105  its place in the cookie
_KEPT = "oscar_host.own_session"  # in the request itself: a page asks once

own_session = Table(
    "oscar_host_session",
    MetaData(),
    Column("token_hash", exact(64), primary_key=True),
    Column("account_id", Integer, nullable=False),  # security.security_no
    Column("seal", exact(64), nullable=False),
    Column("began_at", Moment(), nullable=False),
    Column("seen_at", Moment(), nullable=False),  # as noted: at most once a minute
    mysql_engine="InnoDB",
    mysql_default_charset="utf8mb4",
    mysql_collate="utf8mb4_bin",
)


class SessionSettings(BaseModel):
    """The field's name is the setting's name."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    idle_minutes: int = Field(default=30, ge=5, le=12 * 60)


def make_table(engine: Engine) -> None:
    """Make the table of sessions where it is not there yet."""
    with engine.begin() as connection:
        connection.execute(CreateTable(own_session, if_not_exists=True))


@dataclass(slots=True)
class OwnSessions:
    """The sessions of one application, shared by all of its processes. A cookie holds a token made by chance.

    Of the token the table has the hash only, and of the password and the PIN as they were kept at the sign-in a seal
    made with the token: so both end the session when they change, and reveal nothing.
    """

    host: OscarHost
    idle: timedelta
    clock: Clock

    def begin(self, account: Account) -> None:
        """Sign this person in for the browser of the current request, in place of the one who was signed in there."""
        token = self.open(account, _token())
        _renew({_TOKEN: token})

    def end(self) -> None:
        """End the session of the current request's browser, if it has one."""
        with self.host.database.writing() as connection:
            connection.execute(delete(own_session).where(own_session.c.token_hash == _hash(_token())))
        _renew({})

    def open(self, account: Account, in_place_of: str = "") -> str:
        """The token of a new session. That of another token ends; those that have ended by themselves are removed."""
        token, now = secrets.token_urlsafe(32), self.clock.now()
        ended = or_(
            own_session.c.token_hash == _hash(in_place_of),
            own_session.c.began_at <= now - LONGEST,
            own_session.c.seen_at <= now - self.idle,
        )
        row = {"token_hash": _hash(token), "account_id": account.account_id, "seal": _seal(token, account)}
        with self.host.database.writing() as connection:
            connection.execute(delete(own_session).where(ended))
            connection.execute(insert(own_session).values(**row, began_at=now, seen_at=now))
        return token

    def provider_id(self) -> str | None:
        """Whose session the browser of the current request has; None for no one's, and outside of a request.

        That the session is in use is noted, but not for pages that ask by themselves.
        """
        if not flask.has_request_context():
            return None
        environ = flask.request.environ
        if _KEPT not in environ:
            token = _token()
            environ[_KEPT] = self._ask(token) if token else None
        provider_id: str | None = environ[_KEPT]
        return provider_id

    def _ask(self, token: str) -> str | None:
        now, tables = self.clock.now(), self.host.tables
        accounts = (
            open_accounts(tables, self.host.identity.tables_present(), today(self.clock))
            .add_columns(own_session.c.seal, own_session.c.began_at, own_session.c.seen_at)
            .join(own_session, own_session.c.account_id == tables.security.c.security_no)
            .where(own_session.c.token_hash == _hash(token))
        )
        with self.host.database.engine.connect() as connection:
            row = connection.execute(accounts).one_or_none()
        if row is None:
            return None
        account = Account.of(row)
        valid = -_FORWARD < now - row.began_at < LONGEST and -_FORWARD < now - row.seen_at < self.idle
        if not valid or not hmac.compare_digest(row.seal, _seal(token, account)):
            return None
        if now - row.seen_at >= _NOTED_EVERY and not is_polled(_view()):
            self._note(token)
        return account.provider_id

    def _note(self, token: str) -> None:
        now = self.clock.now()
        due = and_(own_session.c.token_hash == _hash(token), own_session.c.seen_at <= now - _NOTED_EVERY)
        try:
            with self.host.database.writing_at_once() as connection:
                connection.execute(update(own_session).where(due).values(seen_at=now))
        except OperationalError as error:  # someone else is writing, or no one may: the page is answered all the same
            log.warning("That a session is in use was not noted: %s", type(error.orig).__name__)


def own_sessions(app: flask.Flask, host: OscarHost) -> OwnSessions:
    """Those of this application, from now on to be had by `current_sessions`. Raises Refused for a wrong setting."""
    sessions = OwnSessions(host, idle(host.settings), host.clock)
    app.extensions["own_sessions"] = sessions
    return sessions


def current_sessions() -> OwnSessions:
    """Those of the running application."""
    sessions: OwnSessions = flask.current_app.extensions["own_sessions"]
    return sessions


def idle(settings: Mapping[str, str]) -> timedelta:
    """How long a session lasts that is not used. Raises Refused for a wrong setting."""
    return timedelta(minutes=checked(SessionSettings, settings).idle_minutes)


def _renew(content: Mapping[str, str]) -> None:
    flask.session.clear()
    flask.session.update(content)
    flask.request.environ.pop(_KEPT, None)


def _token() -> str:
    token = flask.session.get(_TOKEN, "")
    return token if isinstance(token, str) else ""


def _view() -> Callable[..., object] | None:
    return flask.current_app.view_functions.get(flask.request.endpoint or "")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _seal(token: str, account: Account) -> str:
    return hmac.digest(token.encode(), repr((account.password, account.pin)).encode(), "sha256").hex()
