"""What the name of a schema in a statement stands for in one database (`HostDatabase`), and what is sent there."""

from typing import Any

from sqlalchemy import Connection, Engine, Select, Table


def schema_of(bind: Engine | Connection, of: Table) -> str | None:
    """The schema that the table is in."""
    translated = bind.get_execution_options().get("schema_translate_map") or {}
    return translated.get(of.schema, of.schema)


def as_text(bind: Engine | Connection, query: Select[Any]) -> str:
    """The statement with its values, to be typed at the database or explained by it."""
    translated = bind.get_execution_options().get("schema_translate_map")
    schemas = {"schema_translate_map": translated, "render_schema_translate": True} if translated else {}
    return str(query.compile(bind, compile_kwargs={"literal_binds": True}, **schemas))
