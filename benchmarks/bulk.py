"""Bulk assign, ledger included, against one bare INSERT ... SELECT with the same look-up of the last visit."""

from time import perf_counter

import click
from sqlalchemy import insert, literal, select

from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign
from cpar_plugin.store import tables
from cpar_plugin.store.types import Moment
from oscar_host.host import OscarHost

from .big_clinic import PANEL_ID, empty_hosts, fill

PATIENTS = 100_000
AIM = 2.0
_ROUNDS = 3


def main(patients: int = PATIENTS) -> None:
    """Print a line for each database: what was measured, the ratio, and what it should be at most."""
    with empty_hosts() as hosts:
        for name, host in hosts:
            fill(host, patients)
            rounds = [(_bare(host), _assign(host)) for _ in range(_ROUNDS)]  # by turns: both meet the same machine
            bare, assign = (min(seconds) for seconds in zip(*rounds, strict=True))
            click.echo(
                f"bulk assign of {patients} patients, {name}: {assign / bare:.2f} x one bare INSERT ... SELECT "
                f"({assign:.2f} s : {bare:.2f} s; aim: at most {AIM:g} x)"
            )


def _bare(host: OscarHost) -> float:
    """Seconds for filling `cpar_member` in one statement, with its commit."""
    patient = host.roster.patients()
    now = host.clock.now()
    rows = select(
        patient.c.patient_id,
        literal(PANEL_ID),
        literal(now, Moment),
        host.roster.last_visit_on(patient.c.patient_id, now),
        literal("last visit"),
    ).where(patient.c.mrp_id == "101", patient.c.status == "AC")
    start = perf_counter()
    with host.database.session() as session:
        session.execute(insert(tables.member).from_select(list(tables.member.c), rows))
    seconds = perf_counter() - start
    _empty(host)
    return seconds


def _assign(host: OscarHost) -> float:
    """Seconds for the whole operation, as the page does it."""
    start = perf_counter()
    outcome = bulk.carry_out(host, host.identity.system, Assign("101", "AC", PANEL_ID))
    seconds = perf_counter() - start
    assert outcome.added
    _empty(host)
    return seconds


def _empty(host: OscarHost) -> None:
    with host.database.session() as session:
        for table in (tables.member, tables.ledger, tables.skipped, tables.operation_panel, tables.operation):
            session.execute(table.delete())


if __name__ == "__main__":
    main()
