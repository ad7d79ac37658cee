"""Being signed in to the embedded EMR, as if the sign-in had been passed."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from cpar_plugin.host_kit.clock import FixedClock
from oscar_host.accounts import Account
from oscar_host.host import OscarHost
from oscar_host.own_sessions import OwnSessions, own_session


def sign_in(client: FlaskClient, provider_id: str) -> None:
    """Let the browser be this provider's, who has an account."""
    with client.session_transaction() as session:
        session.update(session_of(client.application, provider_id))


def session_of(app: Flask, provider_id: str) -> dict[str, str]:
    """What the cookie of a new session of this provider's holds. It does not end when the test moves the clock."""
    sessions: OwnSessions = app.extensions["own_sessions"]
    if sessions.clock is sessions.host.clock:
        sessions.clock = FixedClock(sessions.host.clock.now())
    security = sessions.host.tables.security
    columns = (security.c.security_no, security.c.provider_no, security.c.password, security.c.pin)
    account = select(*columns).where(security.c.provider_no == provider_id).limit(1)
    with sessions.host.database.engine.connect() as connection:
        return {"session": sessions.open(Account.of(connection.execute(account).one()))}


def end_sessions(host: OscarHost) -> None:
    """Let every session have ended on the server; browsers keep their cookies."""
    with host.database.session() as session:
        session.execute(own_session.delete())
