"""The command as an operator, or a monitoring, calls it; and accounts with more or fewer rights."""

import json
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import pytest
from click.testing import CliRunner
from sqlalchemy import NullPool, create_engine, make_url

from oscar_host.doctor.command import command

from ..conftest import MariaDBStock, Place, no_more_rights

more_rights = no_more_rights


class Found(NamedTuple):
    """What a check has said."""

    level: str
    message: str
    remedy: str


class Report(NamedTuple):
    """What `cpar doctor --json` has said, by check."""

    checks: Mapping[str, Found]
    not_checked: list[str]
    text: str

    def __getitem__(self, name: Any) -> Found:
        return self.checks[name]


Doctor = Callable[..., Report]


def examine(environment: Mapping[str, str | None]) -> Report:
    """Call `cpar doctor --json` with these variables; its exit code must fit to what it says."""
    result = CliRunner().invoke(command, ["--json"], env=dict(environment))
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    document = json.loads(result.stdout)
    checks = {one.pop("name"): Found(**one) for one in document["checks"]}
    levels = {outcome.level for outcome in checks.values()}
    assert result.exit_code == (1 if "failure" in levels else 0)
    assert document["level"] == next(level for level in ("failure", "warning", "ok") if level in levels)
    for outcome in checks.values():
        assert bool(outcome.remedy) == (outcome.level != "ok"), outcome
    return Report(checks, document["not_checked"], result.output)


@pytest.fixture
def folders(tmp_path: Any) -> dict[str, str]:
    """Where files go, so that no test writes beside another."""
    return {"CPAR_OUTBOX_FOLDER": str(tmp_path / "outbox"), "CPAR_FHIR_EXPORT_FOLDER": str(tmp_path / "exports")}


@pytest.fixture
def doctor(host: Any, environment: dict[str, str], folders: dict[str, str]) -> Doctor:
    """Look at the host of this test, with further CPAR_* variables in small letters."""

    def look(**settings: str | None) -> Report:
        return examine(environment | folders | {f"CPAR_{name.upper()}": value for name, value in settings.items()})

    return look


@pytest.fixture
def on_mariadb(_mariadb_stock: MariaDBStock) -> Place:
    """A place on MariaDB, with all tables: for what SQLite has nothing like."""
    return _mariadb_stock.emptied()


@pytest.fixture
def with_account(on_mariadb: Place, folders: dict[str, str]) -> Iterator[Doctor]:
    """Look with an account that has these grants; {own}, {oscar} and {account} stand for what is meant."""
    administrator = make_url(on_mariadb.url)
    user = f"doctor_{uuid.uuid4().hex[:8]}"
    account = f"'{user}'@'localhost'" if administrator.host in (None, "localhost") else f"'{user}'@'%'"
    names = {"own": administrator.database, "oscar": on_mariadb.host_schema, "account": account}
    engine = create_engine(administrator.set(database=None), poolclass=NullPool)

    def execute(*statements: str) -> None:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement.format(**names).replace("%", "%%"))

    def look(*grants: str, **settings: str) -> Report:
        execute(*(f"{grant} TO {{account}}" if grant.startswith("GRANT") else grant for grant in grants))
        url = administrator.set(username=user, password="not-to-be-shown")
        report = examine(
            {"CPAR_DATABASE_URL": url.render_as_string(hide_password=False), "CPAR_HOST_SCHEMA": on_mariadb.host_schema}
            | folders
            | {f"CPAR_{name.upper()}": value for name, value in settings.items()}
        )
        assert "not-to-be-shown" not in report.text
        return report

    execute("CREATE USER {account} IDENTIFIED BY 'not-to-be-shown'")
    look.execute = execute  # type: ignore[attr-defined]
    look.names = names  # type: ignore[attr-defined]
    yield look
    execute("DROP USER {account}")
