"""Clinics in a table of a database, `cpar_fleet_clinic`: a row each, with the text that a file would have."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Final

from sqlalchemy import (
    Column,
    Connection,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    cast,
    delete,
    insert,
    select,
    update,
)
from sqlalchemy.dialects.mysql import VARCHAR
from sqlalchemy.exc import IntegrityError, SQLAlchemyError

from cpar_plugin.hooks import Refused
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.time_limits import TimeLimits

from .store import NO_TEXT, StoredClinic, StoredClinics, Unreadable, shown

_METADATA: Final = MetaData()
_NAME_LENGTH: Final = 64
_NAME: Final = String(_NAME_LENGTH).with_variant(VARCHAR(_NAME_LENGTH, collation="utf8mb4_bin"), "mysql", "mariadb")
_table: Final = Table(
    "cpar_fleet_clinic",
    _METADATA,
    Column("name", _NAME, primary_key=True),
    Column("settings", Text, nullable=False),
    Column("state", String(16), nullable=False, server_default="active"),
    mysql_charset="utf8mb4",
)
_ACTIVE, _DRAINING, _REMOVED = "active", "draining", "removed"
_EVERY_CLINIC: Final = "*"  # the row that drains all
# As bytes: SQLite keeps a file that was read into a column as these, and one text that is none must not end the look.
_AS_BYTES: Final = [cast(column, LargeBinary).label(column.name) for column in _table.c]
_PATIENCE: Final = TimeLimits(database_connect_seconds=3, database_seconds=5, statement_seconds=5)


class TableStore:
    """One table, which all machines of the fleet read. No connection is kept: a process that forks shares none."""

    rest_seconds: float = 10
    place = f"the table {_table.name}"

    def __init__(self, url: str) -> None:
        """Nothing is connected yet. Raises Refused for a URL that names no database of ours."""
        try:
            self._database = HostDatabase(url, _PATIENCE)
        except Refused as refused:
            raise Refused({"clinics_url": f"clinics_url: {refused}"}) from None

    def make_table(self) -> None:
        """Make the table where there is none. Raises Refused where that is not possible."""
        with self._writing() as connection:
            _METADATA.create_all(connection)

    def look(self) -> StoredClinics:
        """One statement."""
        try:
            with self._database.engine.connect() as connection:
                rows = connection.execute(select(*_AS_BYTES).where(_table.c.state != _REMOVED)).all()
        except SQLAlchemyError as error:
            raise Unreadable(_unusable(error)) from None
        finally:
            self._database.engine.dispose()
        marked = {_printed(row.name) for row in rows if _printed(row.state) == _DRAINING}
        stored = sorted((self._stored(row.name, row.settings, row.state) for row in rows), key=lambda one: one.name)
        clinics = tuple(one for one in stored if one.name != _EVERY_CLINIC)
        draining = {one.name for one in clinics} if _EVERY_CLINIC in marked else marked
        return StoredClinics(clinics, frozenset(draining))

    def origin(self, name: str) -> str:
        """Its row."""
        return f"the row {name} of {_table.name}"

    def add(self, name: str, text: str) -> None:
        """Insert its row, in place of one that was removed."""
        try:
            with self._writing() as connection:
                connection.execute(delete(_table).where(_table.c.name == name, _table.c.state == _REMOVED))
                connection.execute(insert(_table).values(name=name, settings=text, state=_ACTIVE))
        except IntegrityError:
            raise Refused({"name": f"Someone else has just added {name}."}) from None

    def replace(self, name: str, text: str) -> None:
        """Update its row."""
        self._update(name, settings=text)

    def remove(self, name: str) -> str:
        """Its row remains, as removed."""
        self._update(name, state=_REMOVED)
        return f"{self.origin(name)}, whose state is {_REMOVED}"

    def drain(self, name: str, *, end: bool = False) -> None:
        """By the state of its row; for all by a row named *."""
        if name:
            self._update(name, state=_ACTIVE if end else _DRAINING)
            return
        with self._writing() as connection:
            connection.execute(delete(_table).where(_table.c.name == _EVERY_CLINIC))
            if not end:
                connection.execute(insert(_table).values(name=_EVERY_CLINIC, settings="", state=_DRAINING))

    def _update(self, name: str, **values: str) -> None:
        with self._writing() as connection:
            connection.execute(update(_table).where(_table.c.name == name).values(values))

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        try:
            with self._database.writing() as connection:
                yield connection
        except IntegrityError:
            raise
        except SQLAlchemyError as error:
            raise Refused({"clinics_url": _unusable(error)}) from None
        finally:
            self._database.engine.dispose()

    def _stored(self, kept_name: bytes, settings: bytes, state: bytes) -> StoredClinic:
        name, is_known = _printed(kept_name), _printed(state) in (_ACTIVE, _DRAINING)
        mark = (settings, is_known)
        return StoredClinic(name, self.origin(name), mark, partial(_text, settings, is_known=is_known))


def _printed(value: bytes) -> str:
    return shown(value.decode("utf-8", "surrogateescape"))


def _text(settings: bytes, *, is_known: bool) -> str:
    if not is_known:
        raise Refused({"state": f"state: write {_ACTIVE}, {_DRAINING} or {_REMOVED}."})
    try:
        return settings.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused({"settings": NO_TEXT}) from None


def _unusable(error: SQLAlchemyError) -> str:
    """Only the kind of error: its text may hold an account."""
    return (
        f"clinics_url: the table {_table.name} cannot be used ({type(error).__name__}). Check that its database runs "
        "and lets the fleet in; cpar fleet migrate makes the table."
    )
