"""A text within a column of JSON, on either database."""

from typing import Any

from sqlalchemy import ColumnElement, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class json_text(FunctionElement[str]):  # noqa: N801  # spelled like a function
    """The text at a path of a column that holds an object of texts; NULL where there is none. See `text_of`."""

    name = "json_text"
    type = String()
    inherit_cache = True


def text_of(column: ColumnElement[str], key: str) -> ColumnElement[str]:
    """The same with the key alone, of letters, digits and hyphens."""
    return json_text(column, f'$."{key}"')


@compiles(json_text)
def _extracted(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    return f"json_extract({compiler.process(element.clauses, **context)})"


@compiles(json_text, "mysql", "mariadb")
def _value(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    return f"(json_value({compiler.process(element.clauses, **context)}) COLLATE utf8mb4_bin)"
