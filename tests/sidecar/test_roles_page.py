"""What the page about roles tells an administrator to do has the effect that it names."""

import re
from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from cpar_plugin.hooks import Actor
from oscar_host.host import OscarHost

HOW_TO = Path(__file__).parents[2] / "docs/how-to"
MANAGE = "CONFIGURE_CPAR_PANEL_CREATE"


def carry_out(emr: OscarHost, page: str) -> None:
    """The SQL of a page, in OSCAR's database."""
    [statements] = re.findall(r"```sql\n(.*?)```", (HOW_TO / page).read_text(encoding="utf-8"), re.DOTALL)
    schema = f"{emr.tables.metadata.schema}." if emr.tables.metadata.schema else ""
    with emr.database.writing() as connection:
        for statement in filter(str.strip, statements.split(";")):
            connection.exec_driver_sql(re.sub(r"(INTO|FROM) (?=sec)", rf"\1 {schema}", statement))


def test_the_role_of_the_page_manages_panels_and_sees_no_patient(host: OscarHost, emr: OscarHost, oscar: Any) -> None:
    actor = Actor(actor_id=oscar.provider("101"), display_name="")
    patient = oscar.patient()
    assert not host.identity.has(actor, MANAGE)
    carry_out(emr, "roles-in-oscar.md")
    assert host.identity.has(actor, MANAGE)
    assert not host.identity.administers(actor)
    assert not host.identity.may_see(actor, patient)


def test_the_page_about_removing_takes_the_role_back(host: OscarHost, emr: OscarHost, oscar: Any) -> None:
    oscar.provider("101")
    carry_out(emr, "roles-in-oscar.md")
    carry_out(emr, "remove.md")
    with emr.database.engine.connect() as connection:
        for table in (emr.tables.role, emr.tables.user_role, emr.tables.object_name, emr.tables.object_privilege):
            assert connection.scalar(select(func.count()).select_from(table)) == 0
