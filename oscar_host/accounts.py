"""Who may sign in with a password: the rows of OSCAR's table `security`, which is only ever read."""

from datetime import date
from typing import Any, NamedTuple, Self

from sqlalchemy import Connection, Row, Select, and_, exists, func, not_, select, true

from cpar_plugin.host_kit.sql import letters, may_be_stored

from .granted import not_locked_out
from .passwords import matches
from .present import Present
from .schema import Tables


class Pin(NamedTuple):
    """What was entered as the PIN, '' for nothing, and whether by someone inside of the clinic's networks."""

    entered: str
    inside: bool


class Account(NamedTuple):
    """An account that is open, with password and PIN as OSCAR keeps them."""

    account_id: int
    provider_id: str
    password: str
    pin: str

    @classmethod
    def of(cls, row: Row[Any]) -> Self:
        """That of a row of `open_accounts`."""
        return cls(row.security_no, row.provider_no, row.password, row.pin or "")


def open_accounts(tables: Tables, present: Present, today: date) -> Select[Any]:
    """The accounts that can be used: not those that have expired, must change their password, use a second factor, or
    belong to a provider who is gone or shut out.
    """
    security, provider = tables.security, tables.provider
    # Compared in SQL: MariaDB's 0000-00-00 is no date in Python.
    expired = and_(security.c.b_ExpireSet == 1, func.coalesce(security.c.date_ExpireDate < today, true()))
    locks = (
        func.coalesce(present.column(column), 0) == 0 for column in (security.c.forcePasswordReset, security.c.usingMfa)
    )
    return (
        select(security.c.security_no, security.c.provider_no, security.c.password, security.c.pin)
        .join_from(security, provider, letters(security.c.provider_no) == letters(provider.c.provider_no))
        .where(not_(func.coalesce(expired, False)), not_locked_out(tables), *locks)
    )


def account_of(
    connection: Connection,
    tables: Tables,
    present: Present,
    user_name: str,
    password: str,
    today: date,
    pin: Pin | None = None,
) -> Account | None:
    """The account that signs in with this name and password; None for anything wrong, and it takes as long.

    Refused is, as by OSCAR, an account that is not open, or whose provider has no role. With `pin`, also one that
    wants another PIN, inside or outside of the clinic.
    """
    security, user_role = tables.security, tables.user_role
    lock = security.c.b_LocalLockSet if pin and pin.inside else security.c.b_RemoteLockSet
    has_role = exists().where(letters(user_role.c.provider_no) == letters(tables.provider.c.provider_no))
    query = (
        open_accounts(tables, present, today)
        .add_columns((func.coalesce(lock, 0) != 0).label("wants_pin"))
        .where(security.c.user_name == user_name, has_role)
    )
    row = connection.execute(query).one_or_none() if may_be_stored(user_name) else None
    fits = matches(password, row.password if row else None)
    if pin:
        pin_fits = matches(pin.entered, row.pin if row else None)  # also where none is required: it takes as long
        fits = fits and row is not None and (pin_fits or not row.wants_pin)
    return Account.of(row) if row and fits else None
