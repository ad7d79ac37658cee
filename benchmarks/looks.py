"""What it costs to record a look at a page of 100 patients, against the bare statements that it consists of.

The aim is 5 ms for the whole record: three statements and a commit.
"""

from statistics import median
from time import perf_counter

import click
from sqlalchemy import insert

from cpar_plugin.services.operations import looks
from cpar_plugin.services.operations.looks import Look
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .big_clinic import empty_hosts

PATIENTS = range(1, 101)
AIM_MILLISECONDS, AIM_RATIO = 5.0, 2.0
_ROUNDS = 200


def main(rounds: int = _ROUNDS) -> None:
    """Print a line for each database."""
    with empty_hosts() as hosts:
        for name, host in hosts:
            recorded, bare = [], []
            for _ in range(rounds):  # in turn, so that other load meets both
                recorded.append(_recorded(host))
                bare.append(_bare(host))
            cost, least = median(recorded) * 1000, median(bare) * 1000
            click.echo(
                f"a look at 100 patients, {name}: {cost:.2f} ms (aim: at most {AIM_MILLISECONDS:g} ms), "
                f"{cost / least:.2f} x the bare statements ({least:.2f} ms; aim: at most {AIM_RATIO:g} x)"
            )


def _recorded(host: OscarHost) -> float:
    start = perf_counter()
    looks.record(host, Look(host.identity.system, "panel", "/cpar/panels/1", "192.0.2.1"), PATIENTS)
    return perf_counter() - start


def _bare(host: OscarHost) -> float:
    """The same rows, written by hand."""
    now, log = host.clock.now(), host.tables.log
    row = {"at": now, "actor_id": "-1", "role": "", "page": "panel", "path": "/cpar/panels/1", "address": "192.0.2.1"}
    line = {"dateTime": now.replace(tzinfo=None, microsecond=0), "provider_no": "-1", "action": "read", "data": ""}
    start = perf_counter()
    with host.database.writing() as connection:
        made = connection.execute(insert(tables.look).values(row)).inserted_primary_key
        assert made
        rows = [{"look_id": made[0], "patient_id": patient_id} for patient_id in PATIENTS]
        connection.execute(insert(tables.look_patient), rows)
        connection.execute(insert(log).values(line | {"content": "cparPanelMember", "contentId": "1"}))
    return perf_counter() - start


if __name__ == "__main__":
    main()
