"""Statements that MariaDB reads once on a connection: to read a long one and to look up what it names takes longer than
to answer it.

Neither driver prepares statements, so that it is done by SQL: https://mariadb.com/kb/en/prepare-statement/
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Engine

from cpar_plugin.store.prepared import PREPARED

_MOST: Final = 20  # of a connection
_KEPT: Final = "prepared statements"
_TOO_MANY: Final = 1461  # of all connections of the server: max_prepared_stmt_count


def prepare_on_mariadb(engine: Engine) -> None:
    """Keep statements with the execution option `prepared` ready, on each connection from the first time on."""
    dialect: Any = engine.dialect
    send, errors = dialect.do_execute, dialect.loaded_dbapi.Error

    def execute(cursor: Any, statement: str, parameters: Any, context: Any = None) -> None:
        if context is not None and context.execution_options.get(PREPARED):
            kept: dict[str, str] = context.root_connection.info.setdefault(_KEPT, {})
            if statement not in kept and len(kept) < _MOST:
                kept[statement] = prepare(cursor, statement, parameters, context, f"cpar_{len(kept)}")
            statement = kept.get(statement, statement)
        send(cursor, statement, parameters, context)

    def prepare(cursor: Any, statement: str, parameters: Any, context: Any, name: str) -> str:
        """What is sent in its place from now on: itself, where the server has too many already."""
        text, marks = _with_marks(statement, parameters)
        try:
            send(cursor, f"PREPARE {name} FROM %s", (text,), context)
        except errors as error:
            if error.args[0] != _TOO_MANY:
                raise
            return statement
        return f"EXECUTE {name} USING {', '.join(marks)}" if marks else f"EXECUTE {name}"

    dialect.do_execute = execute


def _with_marks(statement: str, parameters: Any) -> tuple[str, Sequence[str]]:
    """With a question mark for each value, as PREPARE takes it, and the places of the driver's in their order."""
    if isinstance(parameters, Mapping):  # PyMySQL's
        marks = _Marks()
        return statement % marks, marks.places
    places = ["%s"] * len(parameters)
    return statement % (("?",) * len(places)), places


class _Marks(dict[str, str]):
    """A question mark for each name, noted in the order in which they are asked for."""

    def __init__(self) -> None:
        self.places: list[str] = []

    def __missing__(self, name: str) -> str:
        self.places.append(f"%({name})s")
        return "?"
