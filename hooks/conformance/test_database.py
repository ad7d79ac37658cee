"""`Database`: reads that hold still, writes that are whole or not there, values that are never changed."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from threading import Thread
from typing import Any

import pytest
from sqlalchemy import ColumnElement, Connection, Table, func, insert, literal_column, select, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from .. import Host
from .bench import Bench
from .reading import plugin_table

A_MOMENT_FOR_OTHERS = 0.3  # seconds: a second writer who does not wait comes through within it


def _count(host: Host, table: Table) -> int:
    with host.database.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(table)) or 0


def _check_transaction(host: Host, begin: Callable[[], AbstractContextManager[Any]]) -> None:
    """What it begins is committed at the end of its block, and rolled back with the error that is raised there."""

    def change_that_fails() -> None:
        with begin() as transaction:
            transaction.execute(insert(table).values(number=2))
            raise LookupError

    with plugin_table(host) as table:
        with begin() as transaction:
            transaction.execute(insert(table).values(number=1))
        assert _count(host, table) == 1, "commit at the end of the block"
        with pytest.raises(LookupError):
            change_that_fails()
        assert _count(host, table) == 1, "roll back when the block raises"


def test_a_session_is_one_transaction_and_hides_no_error(bench: Bench) -> None:
    _check_transaction(bench.host, bench.host.database.session)


def test_a_connection_for_writing_is_one_transaction_and_hides_no_error(bench: Bench) -> None:
    _check_transaction(bench.host, bench.host.database.writing)


def test_a_reading_connection_sees_one_state_of_the_data_to_its_end(bench: Bench) -> None:
    host = bench.host
    with plugin_table(host) as table:
        with host.database.engine.connect() as reading:
            count = select(func.count()).select_from(table)
            assert reading.scalar(count) == 0
            with host.database.session() as session:
                session.execute(insert(table).values(number=1))
            assert reading.scalar(count) == 0, "MariaDB: REPEATABLE READ; SQLite: write-ahead and an explicit BEGIN"
        assert _count(host, table) == 1


def test_two_changes_of_the_same_row_both_take_effect(bench: Bench) -> None:
    """The second waits for the first, and goes on from what the first has written."""
    host = bench.host
    with plugin_table(host) as table:
        with host.database.session() as session:
            session.execute(insert(table).values(number=1, name="0"))
        errors: list[DBAPIError] = []

        def another() -> None:
            try:
                with host.database.session() as session:
                    _add_one(session, table, _locked_number(session, table))
            except DBAPIError as error:
                errors.append(error)

        thread = Thread(target=another)
        try:
            with host.database.session() as session:
                number = _locked_number(session, table)
                thread.start()
                thread.join(A_MOMENT_FOR_OTHERS)
                _add_one(session, table, number)
        except DBAPIError as error:
            errors.append(error)
        thread.join()
        with host.database.engine.connect() as connection:
            name = connection.scalar(select(table.c.name))
    assert (errors, name) == ([], "2"), "MariaDB: READ COMMITTED; SQLite: BEGIN IMMEDIATE, and a time to wait"


def _locked_number(session: Session, table: Table) -> int:
    return int(session.scalars(select(table.c.name).where(table.c.number == 1).with_for_update()).one())


def _add_one(session: Session, table: Table, number: int) -> None:
    session.execute(update(table).where(table.c.number == 1).values(name=str(number + 1)))


def test_a_value_that_does_not_fit_is_never_cut_or_converted(bench: Bench) -> None:
    """It is an error, or, where the database knows no widths, kept as it is."""
    host = bench.host
    with plugin_table(host) as table:
        for column, value in ((table.c.name, "'elevenchars'"), (table.c.number, "'7 and more'")):
            with host.database.session() as session:
                assert _refused_or_unchanged(session.connection(), table, column, value), "session() writes strictly"
            with host.database.engine.connect() as connection:
                assert _refused_or_unchanged(connection, table, column, value), "connections of engine are strict too"


def _refused_or_unchanged(connection: Connection, table: Table, column: ColumnElement[object], value: str) -> bool:
    """Whether the value, as SQL, is refused or comes back unchanged. Nothing of it stays."""
    attempt = connection.begin_nested()
    values = {table.c.number: 99, column: literal_column(value)}
    try:
        connection.execute(insert(table).values(values))
        stored: object = connection.scalar(select(literal_column(str(column.key))).select_from(table))
        return stored == value.strip("'")
    except DBAPIError:
        return True
    finally:
        attempt.rollback()


def test_a_moment_comes_back_as_it_was_written(bench: Bench) -> None:
    """In UTC, to the microsecond; the first of them is an hour that a clinic's clock skips."""
    moments = [datetime(2026, 3, 8, 2, 30, 0, 123456), datetime(2026, 11, 1, 7, 30, 0, 999999)]  # noqa: DTZ001
    with plugin_table(bench.host) as table:
        with bench.host.database.session() as session:
            session.execute(insert(table), [{"number": number, "at": at} for number, at in enumerate(moments)])
        with bench.host.database.engine.connect() as connection:
            assert connection.scalars(select(table.c.at).order_by(table.c.number)).all() == moments
