"""Statements that are sent so often, with other values each time, that a host may let its database keep them ready."""

from typing import Final, TypeVar

from sqlalchemy import Executable

PREPARED: Final = "prepared"  # the execution option

StatementT = TypeVar("StatementT", bound=Executable)


def prepared(statement: StatementT) -> StatementT:
    """The same statement, to be kept ready. For few statements: each connection keeps them as long as it is open."""
    return statement.execution_options(**{PREPARED: True})
