"""Statements are compiled once in a process, and not once for each database: a fleet's process works for hundreds.

To compile the statements of one panel takes longer than to read, map and send a panel of 1,000.
"""

from collections.abc import Hashable, Iterator, MutableMapping
from threading import Lock
from typing import Any, Final

from sqlalchemy import Dialect, Engine, event
from sqlalchemy.engine.interfaces import Compiled, DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry

_MOST: Final = 1000
_PLAIN: Final = (str, int, bool, float, type(None))
_OWN: Final = frozenset({"default_schema_name"})  # of one database, and in no statement


class _Kept:
    """The statements that were used last, by any thread.

    In two halves, the later and the earlier used: to look in one hashes the key once, which takes longer than all else
    here, and needs no lock.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._later: dict[Hashable, Compiled] = {}
        self._earlier: dict[Hashable, Compiled] = {}

    def get(self, key: Hashable) -> Compiled | None:
        compiled = self._later.get(key)
        if compiled is None:
            compiled = self._earlier.get(key)
            if compiled is not None:
                self.keep(key, compiled)
        return compiled

    def keep(self, key: Hashable, compiled: Compiled) -> None:
        with self._lock:
            if len(self._later) >= self._most // 2:
                self._earlier, self._later = self._later, {}
            self._later[key] = compiled


_KEPT: Final = _Kept(_MOST)
_KINDS: Final[dict[Hashable, object]] = {}  # what each is in keys, which are hashed for each statement


class SharedStatements(MutableMapping[Any, Compiled]):
    """SQLAlchemy's option `compiled_cache` of one engine: what engines of the same kind have compiled is in it too.

    SQLAlchemy's keys hold the engine's own dialect, in whose place here is all by which dialects differ: the class, the
    server's version and kind, and how it quotes.
    """

    def __init__(self) -> None:
        self._kind: object = None

    def share(self, engine: Engine) -> None:
        """From the first connection on: only that tells of what kind the server is."""

        @event.listens_for(engine, "connect")
        def connected(_: DBAPIConnection, __: ConnectionPoolEntry) -> None:
            if self._kind is None:
                self._kind = _KINDS.setdefault(_kind(engine.dialect), object())

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return default if self._kind is None else _KEPT.get(self._shared(key)) or default

    def __setitem__(self, key: tuple[Any, ...], compiled: Compiled) -> None:
        if self._kind is not None:
            _KEPT.keep(self._shared(key), compiled)

    def __getitem__(self, key: tuple[Any, ...]) -> Compiled:
        compiled = self.get(key)
        if compiled is None:
            raise KeyError(key)
        return compiled  # type: ignore[no-any-return]

    def _shared(self, key: tuple[Any, ...]) -> Hashable:
        return tuple(self._kind if isinstance(part, Dialect) else part for part in key)

    def __delitem__(self, key: object) -> None:
        """Nothing is taken out: it may be another engine's."""

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0


def _kind(dialect: Dialect) -> Hashable:
    own = {name: value for name, value in vars(dialect).items() if name not in _OWN and _is_plain(value)}
    return type(dialect), tuple(sorted(own.items(), key=lambda item: item[0]))


def _is_plain(value: object) -> bool:
    return all(map(_is_plain, value)) if isinstance(value, tuple) else isinstance(value, _PLAIN)
