"""Which tables and columns an EMR has, on a server with the databases of many clinics."""

from sqlalchemy import event

from oscar_host.host import OscarHost
from oscar_host.present import present


def test_the_tables_of_other_databases_are_not_opened(host: OscarHost, database_kind: str) -> None:
    engine, asked = host.database.engine, []

    @event.listens_for(engine, "before_cursor_execute")
    def note(_connection: object, _cursor: object, statement: str, parameters: object, *_: object) -> None:
        asked.append((statement, parameters))

    present(engine, host.tables)
    event.remove(engine, "before_cursor_execute", note)
    if database_kind == "sqlite":
        return
    with engine.connect() as connection:
        plans = [
            str(row)
            for statement, parameters in asked
            for row in connection.exec_driver_sql(f"EXPLAIN {statement}", parameters)  # type: ignore[arg-type]
        ]
    assert plans
    assert "all databases" not in " ".join(plans)


def test_little_is_asked_of_a_database_that_is_opened(host: OscarHost) -> None:
    asked = []
    event.listen(host.database.engine, "before_cursor_execute", lambda *arguments: asked.append(arguments[2]))
    present(host.database.engine, host.tables)
    if host.database.engine.dialect.name != "sqlite":
        assert len(asked) == 2
