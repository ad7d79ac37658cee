"""What every test would make anew and alike, kept for the process: templates, addresses and SQL that are compiled.

Each test makes an application and a host of its own. Nothing here is of ours: it is what Jinja, Werkzeug and SQLAlchemy
make of what they are given, and it depends on nothing else.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from flask import Flask
from jinja2.bccache import Bucket, BytecodeCache
from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule


class Templates(BytecodeCache):
    """What Jinja has made of them. The checksum of its source stands in each."""

    def __init__(self) -> None:
        self._compiled: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._compiled:
            bucket.bytecode_from_string(self._compiled[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._compiled[bucket.key] = bucket.bytecode_to_string()


class KeptRule(Rule):
    """Makes the function that builds an address once for each rule; Werkzeug binds it to the rule."""

    _kept: ClassVar[dict[Any, Callable[..., tuple[str, str]]]] = {}

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        key = (self.rule, tuple(self._trace), tuple(self.defaults or ()), append_unknown)
        if any(name in (self.defaults or ()) for _, name in self._trace):  # the function holds the value
            return super()._compile_builder(append_unknown)
        if key not in self._kept:
            self._kept[key] = super()._compile_builder(append_unknown)
        return self._kept[key]


class Statements(LRUCache[Any, Any]):
    """What SQLAlchemy has compiled, by the kind of database in place of the one engine."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_by_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_by_kind(key), value)


def _by_kind(key: Any) -> Any:
    dialect, *rest = key
    return (dialect.name, dialect.driver, *rest)


def keep() -> None:
    """From now on, in this process."""
    statements = Statements(5000)

    @event.listens_for(Engine, "engine_connect")
    def connected(connection: Connection) -> None:
        connection.execution_options(compiled_cache=statements)

    Flask.jinja_options = {"bytecode_cache": Templates()}
    Flask.url_rule_class = KeptRule
