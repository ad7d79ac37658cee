"""Statements that are sent so often, with other values each time, that a host may let its database keep them ready."""

from typing import Any, Final

from sqlalchemy import Select

PREPARED: Final = "prepared"  # the execution option


def prepared(query: Select[Any]) -> Select[Any]:
    """The same statement, to be kept ready. For few statements: each connection keeps them as long as it is open."""
    return query.execution_options(**{PREPARED: True})
