"""The overview of 34,000 members, and the coverage of their panel, against a bare aggregate over the same rows.

What is measured is the processor's time, of the database too.
"""

import logging
from collections.abc import Callable

import click
from flask.testing import FlaskClient
from sqlalchemy import func, select

from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign
from cpar_plugin.services.fhir.refresh import refresh
from cpar_plugin.settings import load
from cpar_plugin.store.tables import member
from oscar_host.host import OscarHost

from .big_clinic import PANEL_ID, empty_hosts, fill
from .pages import manager
from .processor import Processor

MEMBERS = 34_000
AIM, SECONDS = 3.0, 2.0
_ROUNDS = 4


def main(members: int = MEMBERS) -> None:
    """Print a line for each page and database: the ratio, the seconds, and what they should be at most."""
    logging.disable(logging.WARNING)
    with empty_hosts() as hosts:
        for name, host in hosts:
            fill(host, members)
            bulk.carry_out(host, host.identity.system, Assign("101", "AC", PANEL_ID))
            refresh(host, load(host.settings))
            processor, client = Processor(host), manager(host)
            for page, address, bare in (
                ("overview", "/cpar/overview", lambda host=host: _visits(host)),
                ("coverage of a panel", f"/cpar/panels/{PANEL_ID}/coverage", lambda host=host: _dates(host)),
            ):
                rounds = [
                    (processor.seconds(bare), processor.seconds(_reading(client, address))) for _ in range(_ROUNDS)
                ]
                floor, ours = (min(seconds) for seconds in zip(*rounds, strict=True))
                click.echo(
                    f"{page}, {members} members, {name}: {ours / floor:.2f} x the bare aggregate ({ours:.3f} s : "
                    f"{floor:.3f} s; aim: at most {AIM:g} x and {SECONDS:g} s)"
                )


def _reading(client: FlaskClient, address: str) -> Callable[[], None]:
    def read() -> None:
        assert client.get(address).status_code == 200

    return read


def _visits(host: OscarHost) -> None:
    """Each member's record and last visit, by what the overview groups them by."""
    record, visit = host.tables.demographic.c, host.tables.appointment.c
    last_visit = select(func.max(visit.appointment_date)).where(
        visit.demographic_no == member.c.patient_id, visit.status == "B"
    )
    keys = record.year_of_birth, record.sex, member.c.confirmed_on
    query = select(*keys, func.count(), func.count(record.hin.distinct()), func.max(last_visit.scalar_subquery()))
    joined = member.join(host.tables.demographic, record.demographic_no == member.c.patient_id)
    _all(host, query.select_from(joined).group_by(*keys))


def _dates(host: OscarHost) -> None:
    """How many members have which dates of coverage."""
    record = host.tables.demographic.c
    keys = record.patient_status, record.hc_type, record.eff_date, record.hc_renew_date
    joined = member.join(host.tables.demographic, record.demographic_no == member.c.patient_id)
    _all(host, select(*keys, func.count()).select_from(joined).group_by(*keys))


def _all(host: OscarHost, query: object) -> None:
    with host.database.engine.connect() as connection:
        connection.execute(query).all()  # type: ignore[call-overload]


if __name__ == "__main__":
    main()
