"""Accounts with too few rights and with too many."""

import uuid
from typing import Any

import pytest

OWN = "GRANT ALL ON {own}.*"
READ = "GRANT SELECT ON {oscar}.*"
LOG = "GRANT INSERT ON {oscar}.log"
NEEDED = ("demographic", "provider", "appointment", "demographic_merged", "secUserRole", "secObjPrivilege")


def test_the_rights_that_the_installation_page_grants_are_enough_and_not_too_many(with_account: Any) -> None:
    report = with_account(OWN, READ, LOG)
    for name in ("database", "connection", "own-rights", "oscar-rights", "oscar-tables", "audit-log", "least-rights"):
        assert report[name].level == "ok", report[name]
    assert report.not_checked == []


def test_rights_that_come_by_a_role_count(with_account: Any) -> None:
    role = f"reads_{uuid.uuid4().hex[:8]}"
    with_account.execute(
        f"CREATE ROLE {role}",
        f"GRANT SELECT ON {{oscar}}.* TO {role}",
        f"GRANT {role} TO {{account}}",
        f"SET DEFAULT ROLE {role} FOR {{account}}",
    )
    report = with_account(OWN, LOG)
    with_account.execute(f"DROP ROLE {role}")
    assert (report["oscar-rights"].level, report["least-rights"].level) == ("ok", "ok")


def test_without_any_right_on_oscars_tables_each_missing_grant_is_given_as_a_statement(with_account: Any) -> None:
    report = with_account(OWN)
    names = with_account.names
    result = report["oscar-rights"]
    assert result.level == "failure"
    for table in NEEDED:
        bare = result.remedy.replace("`", "")
        assert f"GRANT SELECT ON {names['oscar']}.{table} TO {names['account']};" in bare
    assert "visit-statuses" in report.not_checked
    assert "cpar-exclusions" in report.not_checked


def test_the_statements_that_it_gives_fix_it(with_account: Any) -> None:
    report = with_account("GRANT USAGE ON *.*", "GRANT SELECT, CREATE ON {own}.*")
    for name in ("own-rights", "oscar-rights", "audit-log"):
        assert report[name].level == "failure", name
        statements = report[name].remedy.partition("server: ")[2].partition(" or set")[0]
        with_account.execute(*(one for one in statements.split(";") if one.strip()))
    fixed = with_account()
    for name in ("own-rights", "oscar-rights", "oscar-tables", "audit-log", "least-rights"):
        assert fixed[name].level == "ok", fixed[name]


def test_one_table_that_may_not_be_read_is_named_with_what_does_not_work_then(with_account: Any) -> None:
    report = with_account(OWN, *(f"GRANT SELECT ON {{oscar}}.{table}" for table in NEEDED if table != "appointment"))
    result = report["oscar-rights"]
    assert "appointment (no one has a visit, and everyone is excluded)" in result.message
    assert result.remedy.count("GRANT") == 1
    assert report["oscar-tables"].level == "failure"


def test_the_clinics_names_of_statuses_that_may_not_be_read_are_a_warning_with_the_grant(with_account: Any) -> None:
    report = with_account(OWN, *(f"GRANT SELECT ON {{oscar}}.{table}" for table in NEEDED), LOG)
    result = report["visit-statuses"]
    names = with_account.names
    assert result.level == "warning"
    grant = f"GRANT SELECT ON {names['oscar']}.appointment_status TO {names['account']};"
    assert grant in result.remedy.replace("`", "")
    assert with_account("GRANT SELECT ON {oscar}.appointment_status")["visit-statuses"].level == "ok"


def test_passwords_that_may_not_be_read_are_named_where_they_are_needed(with_account: Any) -> None:
    assert with_account(OWN, READ.replace(".*", ".provider"))["oscar-rights"].message.find("security") == -1
    assert "security (no one can sign in)" in with_account(sign_in="password")["oscar-rights"].message


def test_a_table_that_may_be_read_in_part_only_is_a_failure(with_account: Any) -> None:
    others = [f"GRANT SELECT ON {{oscar}}.{table}" for table in NEEDED if table != "provider"]
    report = with_account(OWN, *others, "GRANT SELECT (provider_no, last_name) ON {oscar}.provider")
    assert report["oscar-tables"].level == "failure"
    assert "whole tables" in report["oscar-tables"].remedy


def test_a_log_that_may_not_be_written_is_a_failure_unless_only_the_ledger_is_kept(with_account: Any) -> None:
    result = with_account(OWN, READ)["audit-log"]
    assert result.level == "failure"
    assert f"GRANT INSERT ON {with_account.names['oscar']}.log TO" in result.remedy.replace("`", "")
    assert with_account(audit="ledger")["audit-log"].level == "ok"


def test_looking_writes_nothing_to_the_log(with_account: Any, on_mariadb: Any) -> None:
    with_account(OWN, READ, LOG)
    with_account.execute("CREATE TABLE {own}.counted AS SELECT COUNT(*) AS n FROM {oscar}.log")
    with_account.execute("INSERT INTO {own}.counted SELECT 1 / (1 - n) FROM {own}.counted", "DROP TABLE {own}.counted")


@pytest.mark.parametrize(
    ("grant", "advice"),
    [
        ("GRANT SELECT, UPDATE ON {oscar}.*", "UPDATE on `{oscar}`.*"),
        ("GRANT DELETE ON {oscar}.appointment", "DELETE on `{oscar}`.`appointment`"),
        ("GRANT DELETE ON {oscar}.log", "DELETE on `{oscar}`.`log`"),
        ("GRANT UPDATE (hin) ON {oscar}.demographic", "UPDATE on `{oscar}`.`demographic`"),
        ("GRANT DROP ON `oscar\\_%`.*", "DROP on `oscar\\_%`.*"),
        ("GRANT SELECT ON *.*", "SELECT on *.*"),
        ("GRANT ALL ON {oscar}.*", "ALL PRIVILEGES on `{oscar}`.*"),
    ],
)
def test_more_than_reading_is_a_warning_with_what_takes_it_away(grant: str, advice: str, with_account: Any) -> None:
    result = with_account(OWN, READ, LOG, grant)["least-rights"]
    assert result.level == "warning"
    assert advice.format(**with_account.names) in result.message
    revoke = result.remedy.partition("server: ")[2]
    with_account.execute(*(one for one in revoke.split(";") if one.strip()))
    assert with_account(READ)["least-rights"].level == "ok"


def test_a_right_that_lacks_in_the_own_database_is_named(with_account: Any) -> None:
    report = with_account("GRANT SELECT, INSERT, UPDATE, DELETE, CREATE, ALTER, DROP, INDEX ON {own}.*", READ)
    result = report["own-rights"]
    assert (result.level, result.message) == (
        "failure",
        f"The account may not REFERENCES in the database {with_account.names['own']}.",
    )


def test_one_database_for_everything_is_a_warning(with_account: Any) -> None:
    report = with_account(OWN, READ, LOG, host_schema="")
    assert report["oscar-tables"].level == "failure"
    assert report["least-rights"].level == "warning"


def test_a_right_on_one_table_of_the_own_database_is_not_enough(with_account: Any) -> None:
    result = with_account("GRANT SELECT, CREATE ON {own}.*", "GRANT INSERT ON {own}.cpar_member", READ)["own-rights"]
    assert (result.level, "INSERT" in result.message) == ("failure", True)
