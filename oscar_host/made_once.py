"""Statements that depend on nothing but which tables and columns there are: made once for all databases with the same.

A process of a fleet opens hundreds of clinics, and to make the SQL about merged records takes longer than to ask it.
"""

from collections.abc import Callable
from typing import Any, Final, TypeVar

from .present import Present
from .schema import Tables

_MOST: Final = 500  # few versions of OSCAR, and few statements of each
_KEPT: Final[dict[tuple[object, ...], Any]] = {}
_Made = TypeVar("_Made")


def made_once(tables: Tables, present: Present, make: Callable[[], _Made]) -> _Made:
    """What the method `make` returns, for whichever of the databases with these tables it was called first."""
    key = tables, present.names, make.__qualname__
    if key not in _KEPT:
        if len(_KEPT) >= _MOST:
            _KEPT.clear()
        _KEPT[key] = make()
    made: _Made = _KEPT[key]
    return made
