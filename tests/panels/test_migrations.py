"""The migrations make the tables that the code is written for."""

from collections.abc import Iterator

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Column, Engine, Integer, MetaData, create_engine, inspect, select

from cpar_plugin.host_kit.migrations import upgrade
from cpar_plugin.store import tables
from cpar_plugin.store.migrations import SOURCE
from cpar_plugin.store.types import exact
from oscar_host.host import OscarHost


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(SOURCE.script_location))
    return config


def _differences(engine: Engine, metadata: MetaData) -> list[object]:
    options = {
        "version_table": SOURCE.version_table,
        "compare_type": True,
        "include_name": lambda name, kind, _: kind != "table" or name.startswith("cpar_"),
    }
    with engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    engine = create_engine(database_url)
    yield engine
    engine.dispose()


def test_the_host_upgrades_to_exactly_the_tables_of_the_code(host: OscarHost) -> None:
    assert _differences(host.database.engine, tables.metadata) == []


def test_a_difference_between_the_tables_and_the_code_is_seen(host: OscarHost) -> None:
    other = MetaData()
    for table in tables.metadata.sorted_tables:
        table.to_metadata(other)
    other.tables["cpar_member"].append_column(Column("forgotten", Integer))
    other.tables["cpar_clinic"].c.name.type = exact(99)
    results = [entry if isinstance(entry, tuple) else entry[0] for entry in _differences(host.database.engine, other)]
    assert {entry[0] for entry in results} == {"add_column", "modify_type"}


def test_any_host_can_upgrade_with_alembic_alone(engine: Engine) -> None:
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    assert _differences(engine, tables.metadata) == []


def test_the_clinic_is_there_and_switched_off_after_the_upgrade(host: OscarHost) -> None:
    with host.database.engine.connect() as connection:
        assert connection.execute(select(tables.clinic)).all() == [
            (1, None, "", "", 1, *(None,) * (len(tables.clinic.c) - 5))
        ]


def test_a_downgrade_leaves_nothing_behind(engine: Engine) -> None:
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        command.downgrade(config, "base")
    assert inspect(engine).get_table_names() == [SOURCE.version_table]


def test_tables_and_texts_are_compared_letter_by_letter_whatever_the_databases_default(
    engine: Engine, database_kind: str
) -> None:
    with engine.begin() as connection:
        if database_kind == "mariadb":  # as MariaDB 11.4 and newer have such a default
            connection.exec_driver_sql(f"ALTER DATABASE {engine.url.database} COLLATE utf8mb4_unicode_520_ci")
    upgrade(engine, SOURCE)
    with engine.connect() as connection:
        of_tables = of_columns = {"utf8mb4_bin"}
        if database_kind == "mariadb":
            where = "WHERE table_schema = DATABASE() AND table_name LIKE 'cpar\\_%%' AND table_name <> %s"
            of_tables, of_columns = (
                set(connection.exec_driver_sql(f"SELECT {what} {where}", (SOURCE.version_table,)).scalars()) - {None}
                for what in (
                    "table_collation FROM information_schema.tables",
                    "collation_name FROM information_schema.columns",
                )
            )
        connection.exec_driver_sql(
            "INSERT INTO cpar_heartbeat (name, at, zone_offsets) "
            "VALUES ('a', '2026-01-01', ''), ('A', '2026-01-01', '')"
        )
        assert (of_tables, of_columns) == ({"utf8mb4_bin"}, {"utf8mb4_bin"})


def test_every_constraint_has_a_name_by_which_a_later_migration_finds_it() -> None:
    for table in tables.metadata.sorted_tables:
        assert all(constraint.name for constraint in table.constraints)
