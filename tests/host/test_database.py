"""Connections that are strict, transactions that are real, reads that hold still."""

import datetime as dt
import gc
import threading
from sqlite3 import ProgrammingError

import pytest
from pymysql.err import InterfaceError
from sqlalchemy import (
    Column,
    Integer,
    MetaData,
    String,
    Table,
    bindparam,
    cast,
    create_engine,
    func,
    insert,
    literal,
    literal_column,
    select,
    text,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.store.insertion import Insertion
from cpar_plugin.store.prepared import prepared
from oscar_host.host import OscarHost

from ..conftest import each_driver

numbers = Table("numbers", MetaData(), Column("number", Integer, primary_key=True), Column("name", String(5)))


driver = each_driver


@pytest.fixture
def database(place):
    database = HostDatabase(place.url)
    numbers.create(database.engine)
    yield database
    database.engine.dispose()


def count(database: HostDatabase) -> int:
    with database.engine.connect() as connection:
        return connection.scalar(select(func.count()).select_from(numbers))


def test_a_session_is_committed_at_its_end(database):
    with database.session() as session:
        session.execute(insert(numbers).values(number=1))
    assert count(database) == 1


def test_a_session_that_raises_leaves_nothing(database):
    def change_that_fails() -> None:
        with database.session() as session:
            session.execute(insert(numbers).values(number=1))
            raise LookupError

    with pytest.raises(LookupError):
        change_that_fails()
    assert count(database) == 0


def test_a_reading_connection_holds_still_while_others_write(database):
    with database.engine.connect() as reading:
        before = reading.scalar(select(func.count()).select_from(numbers))
        with database.session() as session:
            session.execute(insert(numbers).values(number=1))
        assert reading.scalar(select(func.count()).select_from(numbers)) == before == 0
    assert count(database) == 1


def test_a_writing_session_sees_what_others_have_committed_in_the_meantime_once_it_holds_the_lock(database):
    with database.session() as session:
        session.execute(insert(numbers).values(number=1, name="0"))

    def add_one() -> None:
        for _ in range(20):
            with database.session() as session:
                name = session.scalar(select(numbers.c.name).where(numbers.c.number == 1).with_for_update())
                session.execute(update(numbers).values(name=str(int(name) + 1)))

    threads = [threading.Thread(target=add_one) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with database.engine.connect() as connection:
        assert connection.scalar(select(numbers.c.name)) == "60"


def test_an_error_does_not_show_the_values_it_is_about(database):
    with pytest.raises(DBAPIError) as failure, database.session() as session:
        session.execute(text("INSERT INTO nowhere (name) VALUES (:name)"), {"name": "Secretary"})
    assert "Secretary" not in str(failure.value)


def test_what_a_reading_connection_writes_does_not_remain(database):
    with database.engine.connect() as connection:
        connection.execute(insert(numbers).values(number=1))
    assert count(database) == 0


def test_many_rows_can_be_read_as_they_come(database):
    with database.session() as session:
        session.execute(insert(numbers), [{"number": number} for number in range(1, 5001)])
    with database.engine.connect().execution_options(stream_results=True) as connection:
        assert sum(1 for _ in connection.execute(select(numbers))) == 5000


def test_a_foreign_key_is_kept(host: OscarHost):
    from cpar_plugin.store.tables import member

    with pytest.raises(IntegrityError), host.database.session() as session:
        session.execute(insert(member).values(patient_id=1, panel_id=99, since=host.clock.now()))


def test_a_missing_value_is_an_error_and_not_made_up(database):
    strict = Table(
        "strict", MetaData(), Column("number", Integer, primary_key=True), Column("name", String(5), nullable=False)
    )
    strict.create(database.engine)
    with database.session() as session:
        session.execute(insert(numbers).values(number=1))
    with pytest.raises(IntegrityError), database.session() as session:
        session.execute(insert(strict).from_select(["number", "name"], select(numbers.c.number, numbers.c.name)))


def test_the_connection_is_strict_although_oscars_server_is_not(database, database_kind):
    with database.engine.connect() as connection:
        if database_kind == "mariadb":
            assert connection.scalar(text("SELECT @@global.sql_mode")) == ""
            assert "STRICT_ALL_TABLES" in connection.scalar(text("SELECT @@session.sql_mode"))
            assert connection.scalar(text("SELECT @@session.time_zone")) == "+00:00"
            assert connection.scalar(text("SELECT @@character_set_connection")) == "utf8mb4"
        else:
            assert connection.scalar(text("PRAGMA foreign_keys")) == 1
            assert connection.scalar(text("PRAGMA journal_mode")) == "wal"
            assert connection.scalar(text("PRAGMA busy_timeout")) == 30_000
            assert connection.scalar(text("PRAGMA cache_size")) == -512  # kibibytes


def test_a_connection_that_the_server_has_dropped_is_replaced(database, database_kind):
    count(database)
    if database_kind == "mariadb":
        with database.engine.connect() as one:
            victim = one.scalar(text("SELECT CONNECTION_ID()"))
        other = HostDatabase(database.engine.url.render_as_string(hide_password=False))
        with other.engine.connect() as connection:
            connection.exec_driver_sql(f"KILL {victim}")
        other.engine.dispose()
    assert count(database) == 0


def test_between_two_transactions_the_server_is_asked_nothing_else(database, database_kind):
    """Each question takes it as long as reading a row."""
    if database_kind == "mariadb":
        writing = ["COMMIT", "SET TRANSACTION"]
        for opened, between in ((database.writing, writing), (database.engine.connect, ["ROLLBACK"])):
            asked = []
            for _ in range(2):
                with opened() as connection:
                    row = connection.execute(text("SHOW SESSION STATUS LIKE 'Questions'")).one()
                    asked.append((connection.connection.dbapi_connection.thread_id(), int(row[1])))
            (one, before), (same, after) = asked
            assert one == same
            assert after - before == len([*between, "SHOW"])


def _prepared_on(connection):
    """How often the server has prepared a statement on this connection, and carried out one that it had."""
    status = connection.execute(
        text("SHOW SESSION STATUS WHERE variable_name IN ('Com_prepare_sql', 'Com_execute_sql')")
    )
    kept = dict(iter(status.all()))
    return int(kept["Com_prepare_sql"]), int(kept["Com_execute_sql"])


def test_a_statement_that_is_kept_ready_is_read_once_and_answers_by_the_values_of_each_time(database, database_kind):
    with database.writing() as connection:
        connection.execute(insert(numbers), [{"number": each, "name": f"%s'{each}"} for each in (1, 2, 3)])
    number, least = bindparam("number"), bindparam("least")
    query = prepared(
        select(numbers.c.name, literal_column("'%s'").label("mark"), least.label("least"))
        .where(numbers.c.number == number, numbers.c.number >= least)
        .where(numbers.c.name == "%s'" + cast(number, String(5)))
    )
    with database.engine.connect() as connection:
        for each in (1, 2, 3, 1):
            rows = connection.execute(query, {"number": each, "least": 1}).all()
            assert rows == [(f"%s'{each}", "%s", 1)]
        assert connection.execute(query, {"number": 1, "least": 2}).all() == []
        if database_kind == "mariadb":
            assert _prepared_on(connection) == (1, 5)


def test_rows_are_added_by_a_statement_that_is_read_once_and_have_the_values_of_each_time(database, database_kind):
    insertion = Insertion(numbers, ("name", "number"))
    with database.writing() as connection:
        for rows in ([("%s'", 1)], [(None, 2)], [("%", 3), ("?", 4)]):
            insertion.add(connection, rows)
        added = connection.execute(select(numbers.c.number, numbers.c.name).order_by(numbers.c.number)).all()
        assert added == [(1, "%s'"), (2, None), (3, "%"), (4, "?")]
        if database_kind == "mariadb":
            assert _prepared_on(connection) == (1, 2)  # several at a time are sent as they are
        with pytest.raises(ValueError, match="shorter"):
            insertion.add(connection, [("5",)])


def test_where_a_server_keeps_no_statement_ready_it_reads_each(database, database_kind, mariadb_server):
    if database_kind == "mariadb":
        administrator = create_engine(mariadb_server, isolation_level="AUTOCOMMIT")
        with administrator.connect() as server:
            most = server.scalar(text("SELECT @@GLOBAL.max_prepared_stmt_count"))
            server.execute(text("SET GLOBAL max_prepared_stmt_count = 0"))
            try:
                with database.engine.connect() as connection:
                    for each in (1, 2):
                        assert connection.scalar(prepared(select(literal(each)))) == each
                    assert _prepared_on(connection)[1] == 0
            finally:
                server.execute(text(f"SET GLOBAL max_prepared_stmt_count = {most}"))
        administrator.dispose()


def test_a_zero_date_can_be_read_past(host: OscarHost, emr: OscarHost, oscar):
    patient_id = oscar.patient()
    with emr.database.writing() as connection:
        connection.execute(text(f"UPDATE {oscar.tables.demographic.fullname} SET patient_status_date = '0000-00-00'"))
    oscar.visit(patient_id)
    with host.database.engine.connect() as connection:
        visit = host.roster.last_visit_on(oscar.tables.demographic.c.demographic_no, host.clock.now())
        assert connection.scalar(select(visit).select_from(oscar.tables.demographic)) == dt.date(2026, 10, 5)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("", "like mysql"),
        ("nonsense", "like mysql"),
        ("sqlite://", "Name a database"),
        ("sqlite:///:memory:", "Name a database"),
        ("mysql+pymysql://root@localhost", "Name a database"),
        ("postgresql://localhost/cpar", "not supported"),
    ],
)
def test_a_url_of_no_database_is_refused_with_an_example(url, said):
    with pytest.raises(Refused, match=said):
        HostDatabase(url)


def test_a_wrong_url_is_refused_without_telling_its_password():
    with pytest.raises(Refused) as refused:
        HostDatabase("mysql+pymysql:/root:secret@localhost")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["mysql", "mariadb"])
def test_a_url_without_a_driver_takes_the_one_in_c_over_a_socket_and_else_the_one_that_is_always_installed(scheme):
    def driver(rest: str) -> str:
        return HostDatabase(f"{scheme}://root@localhost/cpar{rest}").engine.driver

    assert driver("?unix_socket=/run/mysqld/mysqld.sock") == "mysqldb"
    assert driver("") == driver("?unix_socket=/run/mysqld/mysqld.sock&ssl_ca=/ca.pem") == "pymysql"


def test_two_connections_that_open_a_new_file_at_once_both_come_through(tmp_path):
    def opened(number: int) -> None:
        try:
            database = HostDatabase(f"sqlite:///{tmp_path}/new.db")
            with database.writing() as connection:
                connection.exec_driver_sql(f"CREATE TABLE t{number} (n INTEGER)")
            database.engine.dispose()
        except DBAPIError as error:
            failures.append(error)

    failures: list[DBAPIError] = []
    threads = [threading.Thread(target=opened, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_the_connection_to_sqlite_that_was_given_back_last_is_taken_first_so_that_others_stay_small(tmp_path):
    database = HostDatabase(f"sqlite:///{tmp_path}/clinic.db")
    connections = [database.engine.connect() for _ in range(3)]
    opened = [connection.connection.driver_connection for connection in connections]
    for connection in connections:
        connection.close()
    for _ in range(2):
        with database.engine.connect() as connection:
            assert connection.connection.driver_connection is opened[-1]
    database.close()


@pytest.mark.parametrize("opened", ["before", "later"])
def test_of_a_closed_database_no_connection_remains_open_that_someone_returns(database, opened):
    """A thread that has not ended yet gives its connection back after everything was closed."""
    connection = database.engine.connect() if opened == "before" else None
    database.close()
    connection = connection or database.engine.connect()
    connection.execute(select(numbers))
    raw = connection.connection.dbapi_connection
    connection.close()
    with pytest.raises((ProgrammingError, InterfaceError, database.engine.dialect.loaded_dbapi.OperationalError)):
        raw.cursor().execute("SELECT 1")  # SQLite's, PyMySQL's, and mysqlclient's


def test_what_is_left_half_read_keeps_no_view_of_the_data_for_whoever_comes_next(database):
    with database.session() as session:
        session.execute(insert(numbers), [{"number": number} for number in range(1, 101)])
    abandoned = [database.engine.connect()]
    rows = abandoned[0].execute(select(numbers).execution_options(yield_per=1))
    next(rows)
    del rows
    with database.session() as session:
        session.execute(insert(numbers).values(number=101))
    abandoned.clear()
    gc.collect()
    assert count(database) == 101
    with database.session() as session:
        session.execute(insert(numbers).values(number=102))
    assert count(database) == 102
