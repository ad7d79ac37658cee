"""The plain list pages with 20,000 members and 300 panels, against the same page of a panel with 200 members."""

from collections.abc import Callable
from time import perf_counter

import click
from sqlalchemy import insert, update

from cpar_plugin.services import panel_members, panels
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .big_clinic import NOW, PANEL_ID, empty_hosts, fill, join

MEMBERS, FEW, PANELS = 20_000, 200, 300
AIM = 3.0
_ROUNDS = 5


def main(many: int = MEMBERS) -> None:
    """Print a line for each page and database: the ratio, and what it should be at most."""
    with empty_hosts() as hosts:
        for name, host in hosts:
            fill(host, many + FEW)
            small = _more_panels(host)
            join(host, range(1, many + FEW + 1))
            few = tables.member.c.patient_id > many
            with host.database.session() as session:
                session.execute(update(tables.member).where(few).values(panel_id=small))
            for sort in (panel_members.Sort.NAME, panel_members.Sort.CONFIRMED):
                big, little = (_best(_list(host, panel_id, sort)) for panel_id in (PANEL_ID, small))
                click.echo(
                    f"list of {many} members by {sort}, {PANELS} panels, {name}: {big / little:.2f} x that of {FEW} "
                    f"({big:.3f} s : {little:.3f} s; aim: at most {AIM:g} x)"
                )


def _more_panels(host: OscarHost) -> int:
    """Make the panels beside the first one; returns the id of the last."""
    ids = range(PANEL_ID + 1, PANELS + 1)
    with host.database.session() as session:
        for table, row in (
            (tables.panel, {"created_at": NOW}),
            (tables.panel_facility, {"position": 0, "facility_id": "000113"}),
            (tables.panel_provider, {"position": 0, "provider_id": "101"}),
        ):
            for panel_id in ids:
                number = {"number": f"P-{panel_id}", "live_number": f"P-{panel_id}"} if table is tables.panel else {}
                session.execute(insert(table).values(panel_id=panel_id, **row, **number))
    return ids[-1]


def _list(host: OscarHost, panel_id: int, sort: panel_members.Sort) -> Callable[[], None]:
    """What the server asks of the database for one page."""

    def ask() -> None:
        with host.database.engine.connect() as connection:
            panels.live_panels(connection, host)
            wanted = panel_members.Wanted(sort=sort)
            found = panel_members.listing(connection, host, host.identity.system, Settings(), panel_id, wanted)
        assert len(found.members) == panel_members.AT_ONCE

    return ask


def _best(ask: Callable[[], None]) -> float:
    seconds = []
    for _ in range(_ROUNDS):
        start = perf_counter()
        ask()
        seconds.append(perf_counter() - start)
    return min(seconds)


if __name__ == "__main__":
    main()
