"""Who may sign in with a password: the rows of OSCAR's table `security`, which is only ever read."""

from datetime import date
from typing import NamedTuple

from sqlalchemy import Connection, and_, exists, func, not_, or_, select, true

from .granted import not_shut_out
from .passwords import matches
from .schema import Tables, present
from .sql import letters, may_be_stored


class Pin(NamedTuple):
    """What was entered as the PIN, '' for nothing, and whether by somebody inside of the clinic's networks."""

    entered: str
    inside: bool


def provider_of(
    connection: Connection, tables: Tables, user_name: str, password: str, today: date, pin: Pin | None = None
) -> str | None:
    """The provider who signs in with this name and password; None for anything wrong, and it takes as long.

    An account that has expired, must change its password, uses a second factor, or belongs to a provider who is shut
    out or has no role is refused, as OSCAR does. With `pin`, also one that wants
    another PIN, inside or outside of the clinic.
    """
    security, provider, held = tables.security, tables.provider, tables.user_role
    there = present(connection.engine, tables)
    # Compared in SQL: MariaDB's 0000-00-00 is no date in Python.
    expired = and_(security.c.b_ExpireSet == 1, func.coalesce(security.c.date_ExpireDate < today, true()))
    barred = or_(
        expired,
        *(
            func.coalesce(there.column(column), 0) != 0
            for column in (security.c.forcePasswordReset, security.c.usingMfa)
        ),
        not_(not_shut_out(tables)),
        ~exists().where(letters(held.c.provider_no) == letters(provider.c.provider_no)),
    )
    lock = security.c.b_LocalLockSet if pin and pin.inside else security.c.b_RemoteLockSet
    account = (
        select(
            security.c.password,
            security.c.pin,
            security.c.provider_no,
            barred.label("barred"),
            (func.coalesce(lock, 0) != 0).label("wants_pin"),
        )
        .join_from(security, provider, letters(security.c.provider_no) == letters(provider.c.provider_no))
        .where(security.c.user_name == user_name)
    )
    row = connection.execute(account).one_or_none() if may_be_stored(user_name) else None
    fits = matches(password, row.password if row else None)
    if pin:
        pin_fits = matches(pin.entered, row.pin if row else None)  # also where none is wanted: it takes as long
        fits = fits and row is not None and (pin_fits or not row.wants_pin)
    return None if row is None or not fits or row.barred else row.provider_no
