"""Tables by the members of an enum, which are refused at import while a member has no entry."""

from collections.abc import Mapping
from enum import Enum
from typing import TypeVar

Key = TypeVar("Key")
Entry = TypeVar("Entry")


class NoEntry(RuntimeError):
    """Members of an enum have no entry in a table that needs one for each."""


def exhaustive(module: str, kind: type[Enum], table: Mapping[Key, Entry]) -> Mapping[Key, Entry]:
    """The same table. `module` is the `__name__` of its module. Raises NoEntry for members that are missing.

    It is for tables of values: where members need code, `match` and `assert_never` let the type checker say so.
    """
    if missing := [f"{kind.__name__}.{member.name}" for member in kind if member not in table]:
        raise NoEntry(f"No entry for {', '.join(missing)}: add it to the table in {module}.")
    return table
