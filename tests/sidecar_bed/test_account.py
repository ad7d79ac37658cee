"""The account in MariaDB: what it may, that nothing needs more, and that OSCAR's tables stay as they are."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from sqlalchemy import URL, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.services import bulk
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.submissions import history, requests
from cpar_plugin.settings import load
from oscar_host.audit import NoAuditTrail
from oscar_host.host import OscarHost

from .bed import Bed
from .installed import DOCTOR

READ = (
    "appointment",
    "appointment_status",
    "demographic",
    "demographic_merged",
    "provider",
    "secObjPrivilege",
    "secUserRole",
)


@contextmanager
def connected(url: URL) -> Iterator[Any]:
    engine = create_engine(url, poolclass=NullPool, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_the_account_may_read_seven_tables_and_write_to_its_own_database(bed: Bed, own_host: OscarHost) -> None:
    with own_host.database.engine.connect() as connection:
        grants = connection.exec_driver_sql("SHOW GRANTS").scalars().all()
    granted = sorted(grant.partition(" TO ")[0] for grant in grants)
    own = bed.own_database.replace("_", r"\_")
    assert granted == sorted(
        [
            "GRANT USAGE ON *.*",
            f"GRANT ALL PRIVILEGES ON `{own}`.*",
            *(f"GRANT SELECT ON `{bed.oscar_database}`.`{table}`" for table in READ),
            f"GRANT INSERT ON `{bed.oscar_database}`.`log`",
        ]
    )


@pytest.mark.parametrize("table", [*READ, "log", "security", "clinic"])
def test_no_row_of_oscars_can_be_changed_by_it(bed: Bed, own_host: OscarHost, table: str) -> None:
    refused = ["DELETE FROM {}", "UPDATE {} SET provider_no = '1'", "DROP TABLE {}", "ALTER TABLE {} ADD COLUMN x INT"]
    if table not in READ:
        refused.append("SELECT * FROM {}")
    for statement in refused:
        with own_host.database.writing() as connection, pytest.raises(OperationalError, match="denied"):
            connection.execute(text(statement.format(f"{bed.oscar_database}.{table}")))


def work(host: OscarHost, rows: Any, number: str) -> None:
    """Make a panel, fill it in bulk, move a patient away, and all of it by the clinic's own rules."""
    system = host.identity.system
    first, second = (
        editing.create(host, system, panel_draft(digits, ["113"], [(DOCTOR, "123456789")]))
        for digits in (number, f"{int(number) + 1:04}")
    )
    status = f"W{number[:1]}{number[-1]}"
    patient_ids = [rows.patient(patient_status=status) for _ in range(3)]
    rows.visit(patient_ids[0])
    rows.merge(patient_ids[2], patient_ids[1])
    bulk.carry_out(host, system, bulk.Assign(DOCTOR, status, first))
    one_patient.choose(host, system, patient_ids[0], second, seen_panel_id=first)
    one_patient.remove(host, system, patient_ids[0], seen_panel_id=second)


def configured(host: OscarHost) -> None:
    with host.database.engine.connect() as connection:
        version = clinic.load(connection).version
    clinic.save(host, host.identity.system, name="Example Clinic", site_id="S-1", version=version)


def test_every_change_works_with_no_more_rights_and_is_in_oscars_audit_trail(own_host: OscarHost, rows: Any) -> None:
    configured(own_host)
    work(own_host, rows, "0310")
    with rows._host.database.engine.connect() as connection:
        nouns = set(connection.execute(text("SELECT DISTINCT content FROM log")).scalars())
    assert {"cparPanel", "cparPanelMember"} <= nouns


def test_it_works_without_writing_to_the_audit_trail_where_nothing_may_be_written(
    bed: Bed, own_host: OscarHost, rows: Any, mariadb_server: URL
) -> None:
    configured(own_host)
    insert = f"INSERT ON {bed.oscar_database}.log"
    with connected(mariadb_server) as administrator:
        account = administrator.exec_driver_sql(
            "SELECT CONCAT(QUOTE(user), '@', QUOTE(host)) FROM mysql.user WHERE user = %s", (bed.account,)
        ).scalar_one()
        administrator.exec_driver_sql(f"REVOKE {insert} FROM {account}".replace("%", "%%"))
        try:
            with pytest.raises(Refused, match="audit = ledger"):
                work(own_host, rows, "0410")
            work(replace(own_host, audit=NoAuditTrail()), rows, "0510")
        finally:
            administrator.exec_driver_sql(f"GRANT {insert} TO {account}".replace("%", "%%"))


def test_submissions_are_submitted_and_the_service_reports_itself_well(
    bed: Bed, own_host: OscarHost, rows: Any
) -> None:
    configured(own_host)
    settings, system = load(own_host.settings), own_host.identity.system
    panel = editing.create(own_host, system, panel_draft("0610", ["113"], [(DOCTOR, "123456789")]))
    patient_id = rows.patient(hin="100000610")
    rows.visit(patient_id)
    one_patient.choose(own_host, system, patient_id, panel, seen_panel_id=None)
    submission_id = requests.ask(own_host, settings, system, panel)
    night = settings.calendar(own_host.clock.zone).moment(requests.run_date(own_host, settings), settings.night_run_at)
    assert "Written to folder: " in bed.cpar("run-due", "--now", night.isoformat())
    with own_host.database.engine.connect() as connection:
        assert history.one(connection, own_host, submission_id).sent == 1
    assert "on" in bed.cpar("status")


def test_the_doctor_ends_well_on_an_installation_by_the_book(bed: Bed) -> None:
    report = json.loads(bed.cpar("doctor", "--json"))  # the exit code is 0
    levels = {check["name"]: check["level"] for check in report["checks"]}
    assert [name for name, level in levels.items() if level == "failure"] == []
    for name in ("oscar", "oscar-rights", "oscar-tables", "audit-log", "least-rights", "oscar-clock", "visit-statuses"):
        assert levels[name] == "ok", report


def test_a_database_whose_name_is_alike_is_none_of_its_own(bed: Bed, own_host: OscarHost, mariadb_server: URL) -> None:
    alike = bed.own_database.replace("_", "x")
    with connected(mariadb_server) as administrator:
        administrator.exec_driver_sql(f"CREATE DATABASE {alike}")
        try:
            with own_host.database.engine.connect() as connection, pytest.raises(OperationalError, match="denied"):
                connection.exec_driver_sql(f"CREATE TABLE {alike}.t (n INT)")
        finally:
            administrator.exec_driver_sql(f"DROP DATABASE {alike}")


def test_the_service_works_with_no_more_system_calls_than_its_unit_leaves_it(bed: Bed) -> None:
    workers = psutil.Process(bed.units.pid("cpar")).children()
    assert workers
    for worker in workers:
        assert "\nSeccomp:\t2\n" in Path(f"/proc/{worker.pid}/status").read_text()
    assert "Operation not permitted" not in bed.log()
