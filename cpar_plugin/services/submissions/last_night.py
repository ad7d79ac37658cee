"""The last night that has begun."""

from datetime import datetime
from typing import TypeVar

from sqlalchemy import Column, ScalarSelect, func, select

from ...store.tables import night_run

ValueT = TypeVar("ValueT")


def of_last_night(column: Column[ValueT], now: datetime) -> ScalarSelect[ValueT]:
    """This column of `night_run`, which is later from night to night: of the last one that has begun, or NULL.

    One that a clock began which was ahead does not count before its time: until then it would hide what is done.
    """
    return select(func.max(column)).where(night_run.c.began_at <= now).scalar_subquery()
