"""Several texts as one, on either database."""

from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement


class joined(FunctionElement[str]):  # noqa: N801  # spelled like a function
    """Texts, numbers, and days, one after the other; NULL where one of them is.

    At once: MariaDB takes half as long again for texts that are joined two by two.
    """

    name = "joined"
    type = String()
    inherit_cache = True


@compiles(joined)
def _by_operators(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    return f"({' || '.join(compiler.process(part, **context) for part in element.clauses)})"


@compiles(joined, "mysql", "mariadb")
def _by_function(element: FunctionElement[Any], compiler: SQLCompiler, **context: Any) -> str:
    return f"concat({', '.join(compiler.process(part, **context) for part in element.clauses)})"
