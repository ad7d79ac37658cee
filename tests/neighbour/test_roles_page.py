"""What the page about roles tells an administrator to do has the effect that it names."""

import re
from pathlib import Path
from typing import Any

from cpar_plugin.hooks import Actor
from oscar_host.host import OscarHost

PAGE = Path(__file__).parents[2] / "docs/how-to/roles-in-oscar.md"
MANAGE = "CONFIGURE_CPAR_PANEL_CREATE"


def test_the_role_of_the_page_manages_panels_and_sees_no_patient(host: OscarHost, oscar: Any) -> None:
    [statements] = re.findall(r"```sql\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    actor = Actor(actor_id=oscar.provider("101"), display_name="")
    patient = oscar.patient()
    assert not host.identity.has(actor, MANAGE)
    tables = [table.name for table in host.tables.metadata.sorted_tables]
    schema = f"{host.tables.metadata.schema}." if host.tables.metadata.schema else ""
    with host.database.writing() as connection:
        for statement in filter(str.strip, statements.split(";")):
            into = re.sub(rf"INSERT INTO ({'|'.join(tables)}) ", rf"INSERT INTO {schema}\1 ", statement)
            connection.exec_driver_sql(into)
    assert host.identity.has(actor, MANAGE)
    assert not host.identity.administers(actor)
    assert not host.identity.may_see(actor, patient)
