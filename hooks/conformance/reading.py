"""What the checks read of a host: single records of its roster, a request, and a table such as a plugin's own."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from flask.testing import FlaskClient
from sqlalchemy import Column, DateTime, Integer, MetaData, RowMapping, String, Table, select
from sqlalchemy.dialects.mysql import DATETIME, VARCHAR

from .. import Actor, Host
from .bench import Bench

MARIADB = ("mysql", "mariadb")
# The texts of a patient, in the order of `StoredPatients.record`.
RECORD = (
    "phn",
    "phn_jurisdiction",
    "family_name",
    "given_name",
    "middle_names",
    "preferred_name",
    "birth_date",
    "gender",
    "status",
)


def patient_row(host: Host, patient_id: int) -> RowMapping | None:
    """The roster's first row of one patient, None where it has none."""
    patient = host.roster.patients()
    with host.database.engine.connect() as connection:
        return connection.execute(select(patient).where(patient.c.patient_id == patient_id)).mappings().first()


def provider_row(host: Host, provider_id: str) -> RowMapping | None:
    """The roster's first row of one provider, None where it has none."""
    provider = host.roster.providers()
    with host.database.engine.connect() as connection:
        query = select(provider).where(provider.c.provider_id == provider_id)
        return connection.execute(query).mappings().first()


def last_visit(host: Host, patient_id: int, until: datetime) -> str | None:
    """The last visit as ISO text, whatever its type: one check alone is about that."""
    patient = host.roster.patients()
    query = select(host.roster.last_visit_on(patient.c.patient_id, until)).where(patient.c.patient_id == patient_id)
    with host.database.engine.connect() as connection:
        visited_on: Any = connection.scalar(query)
    return None if visited_on is None else str(visited_on)[:10]


@contextmanager
def request_of(bench: Bench, actor: Actor | None) -> Iterator[FlaskClient]:
    """Inside, a request of this person is under way, of no one for None."""
    with bench.browser(actor) as browser:
        browser.get("/")  # whatever is there
        yield browser


@contextmanager
def plugin_table(host: Host) -> Iterator[Table]:
    """An empty table, made as plugins make theirs: `number`, `name` (at most ten letters, exact) and `at` (UTC)."""
    exact = VARCHAR(10, charset="utf8mb4", collation="utf8mb4_bin")
    table = Table(
        "cpar_conformance",
        MetaData(),
        Column("number", Integer, primary_key=True, autoincrement=False),
        Column("name", String(10).with_variant(exact, *MARIADB)),
        Column("at", DateTime().with_variant(DATETIME(fsp=6), *MARIADB)),
        mysql_engine="InnoDB",
    )
    with host.database.session() as session:
        table.drop(session.connection(), checkfirst=True)  # a run that was killed may have left it
        table.create(session.connection())
    try:
        yield table
    finally:
        with host.database.session() as session:
            table.drop(session.connection())
