"""Tables and columns that are missing, changed, or of another version, on both databases."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from oscar_host.host import OscarHost, open_host

from ..conftest import Place
from .conftest import Doctor, examine

Change = Callable[..., None]


@pytest.fixture
def change(emr: OscarHost) -> Change:
    """Run SQL, in which `{demographic}` stands for a table's full name."""
    names = {table.name: table.fullname for table in emr.tables.metadata.sorted_tables}

    def run(*statements: str) -> None:
        with emr.database.writing() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.format(**names))

    return run


def test_a_host_with_all_tables_has_nothing_wrong_with_them(doctor: Doctor) -> None:
    report = doctor()
    for name in ("database", "connection", "own-tables", "oscar-tables", "audit-log", "collations", "cpar-records"):
        assert report[name].level == "ok", report[name]


def test_before_the_first_migration_it_says_to_migrate_and_goes_on_with_what_needs_no_tables(
    place: Place, folders: dict[str, str]
) -> None:
    oscar = open_host(place.url, host_schema=place.host_schema)
    oscar.tables.metadata.create_all(oscar.database.engine)
    oscar.database.engine.dispose()
    report = examine({"CPAR_DATABASE_URL": place.url, "CPAR_HOST_SCHEMA": place.host_schema, **folders})
    assert report["own-tables"] == ("failure", "The plugins' tables do not exist.", "Run: cpar migrate")
    assert report["oscar-tables"].level == report["clock"].level == report["cpar-outbox"].level == "ok"
    assert {"merges", "cpar-scheduler", "cpar-exclusions"} <= set(report.not_checked)


def test_tables_of_a_newer_version_are_a_failure(doctor: Doctor, change: Change) -> None:
    change("UPDATE cpar_alembic_version SET version_num = '9999'")
    assert "newer" in doctor()["own-tables"].message


@pytest.mark.parametrize(
    ("table", "lost"),
    [
        ("provider", "there are no providers"),
        ("appointment", "everyone is excluded"),
        ("secUserRole", "no page opens"),
        ("secObjPrivilege", "no page opens"),
    ],
)
def test_a_table_that_is_missing_is_named_with_what_does_not_work_then(
    table: str, lost: str, doctor: Doctor, change: Change
) -> None:
    change(f"DROP TABLE {{{table}}}")
    report = doctor()["oscar-tables"]
    assert (report.level, table in report.message, lost in report.message) == ("failure", True, True)


def test_without_any_of_oscars_tables_it_says_how_to_name_oscars_database(doctor: Doctor, change: Change) -> None:
    change("DROP TABLE {demographic}")
    report = doctor()
    assert "CPAR_HOST_SCHEMA" in report["oscar-tables"].remedy
    assert "merges" in report.not_checked


def test_without_the_table_of_merges_it_works_but_says_what_is_lost(doctor: Doctor, change: Change) -> None:
    change("DROP TABLE {demographic_merged}")
    report = doctor()
    assert report["oscar-tables"].level == "warning"
    assert "merged records count as separate patients" in report["oscar-tables"].message
    assert report["merges"].level == "ok"
    assert report["cpar-records"].level == "ok"


def test_a_column_that_is_needed_and_missing_is_a_failure(doctor: Doctor, change: Change) -> None:
    change("ALTER TABLE {provider} DROP COLUMN ohip_no")
    report = doctor()["oscar-tables"]
    assert (report.level, "provider.ohip_no" in report.message) == ("failure", True)


def test_a_column_that_only_some_have_is_reported_but_is_no_fault(doctor: Doctor, change: Change) -> None:
    change("ALTER TABLE {demographic} DROP COLUMN pref_name")
    report = doctor()["oscar-tables"]
    assert (report.level, "preferred name" in report.message) == ("ok", True)


def test_without_the_province_of_health_cards_it_warns(doctor: Doctor, change: Change) -> None:
    change("ALTER TABLE {demographic} DROP COLUMN hc_type")
    report = doctor()["oscar-tables"]
    assert (report.level, "counts as an Alberta PHN" in report.message) == ("warning", True)


def test_without_oscars_log_it_says_how_to_do_without(doctor: Doctor, change: Change) -> None:
    change("DROP TABLE {log}")
    report = doctor()["audit-log"]
    assert (report.level, "audit = ledger" in report.remedy) == ("failure", True)
    assert doctor(audit="ledger")["audit-log"].level == "ok"


def test_a_column_of_ours_that_someone_has_converted_is_named(with_account: Any) -> None:
    with_account.execute("ALTER TABLE {own}.cpar_clinic MODIFY site_id VARCHAR(60) COLLATE utf8mb4_general_ci NOT NULL")
    report = with_account("GRANT ALL ON {own}.*", "GRANT SELECT ON {oscar}.*")
    with_account.execute("ALTER TABLE {own}.cpar_clinic MODIFY site_id VARCHAR(60) COLLATE utf8mb4_bin NOT NULL")
    result = report["collations"]
    assert (result.level, "cpar_clinic.site_id" in result.message) == ("failure", True)


def test_tables_that_cannot_take_a_change_back_are_named_with_what_follows(with_account: Any) -> None:
    grants = ("GRANT ALL ON {own}.*", "GRANT SELECT ON {oscar}.*", "GRANT INSERT ON {oscar}.log")
    assert with_account(*grants)["engines"].level == "ok"
    with_account.execute("ALTER TABLE {oscar}.log ENGINE = MyISAM")
    of_the_log = with_account()["engines"]
    with_account.execute(
        "ALTER TABLE {oscar}.appointment ENGINE = MyISAM", "ALTER TABLE {oscar}.clinic ENGINE = MyISAM"
    )
    of_visits = with_account()["engines"]
    with_account.execute("ALTER TABLE {own}.cpar_heartbeat ENGINE = MyISAM")
    of_ours = with_account()["engines"]
    with_account.execute(
        *(f"ALTER TABLE {{oscar}}.{name} ENGINE = InnoDB" for name in ("log", "appointment", "clinic")),
        "ALTER TABLE {own}.cpar_heartbeat ENGINE = InnoDB",
    )
    assert of_the_log.level == "warning"
    assert "log (MyISAM). Consequences: a line stays in log although its change was rolled back." in of_the_log.message
    assert "appointment (MyISAM), log (MyISAM). Consequences: " in of_visits.message
    assert "a list may show some old and some new values" in of_visits.message
    assert (of_ours.level, "cpar_heartbeat (MyISAM)" in of_ours.message) == ("failure", True)


def test_a_table_of_ours_that_lacks_a_column_is_named(doctor: Doctor, change: Change) -> None:
    change("ALTER TABLE cpar_panel DROP COLUMN notify", "DROP TABLE cpar_heartbeat")
    report = doctor()["cpar-tables"]
    assert (report.level, report.message) == (
        "failure",
        "The plugin's tables are incomplete: cpar_heartbeat, cpar_panel (notify).",
    )


def test_records_that_cannot_be_compared_with_ours_are_a_failure(doctor: Doctor, change: Change) -> None:
    change("DROP TABLE cpar_practitioner")
    report = doctor()["cpar-records"]
    assert (report.level, "providers" in report.message) == ("failure", True)


def test_a_file_that_is_not_there_is_not_made(tmp_path: Path, folders: dict[str, str]) -> None:
    report = examine({"CPAR_DATABASE_URL": f"sqlite:///{tmp_path}/none.db", **folders})
    assert report["database"].level == "failure"
    assert "cpar migrate" in report["database"].remedy
    assert not (tmp_path / "none.db").exists()


def test_a_file_that_is_no_database_is_a_failure(tmp_path: Path, folders: dict[str, str]) -> None:
    (tmp_path / "text.db").write_text("This is a text, and longer than the head of a database. " * 20)
    report = examine({"CPAR_DATABASE_URL": f"sqlite:///{tmp_path}/text.db", **folders})
    assert "cannot be used as a database" in report["database"].message
