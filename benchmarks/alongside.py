"""Alongside a large OSCAR: a million patients with ten million appointments, against a tenth of them, on MariaDB.

The provider has 4,000 patients and the panel 2,000 members in both clinics. OSCAR's tables have OSCAR's own keys. Each
statement that reads appointments is explained by the server: none may read the whole table.
"""

import logging
import re
from collections.abc import Callable
from time import perf_counter
from typing import Any, NamedTuple

import click
from flask.testing import FlaskClient
from sqlalchemy import Connection, event, text

from cpar_plugin.services.snapshots import build
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from .big_clinic import NOW, PANEL_ID, fill, join, mariadb_host
from .pages import manager
from .processor import Processor

PATIENTS, SHARE, VISITS = 1_000_000, 10, 10
OF_THE_PROVIDER, MEMBERS = 4_000, 2_000
AIM, AIM_SCAN = 1.5, 1.3
_PREVIEW = f"preview of assigning {OF_THE_PROVIDER} patients"
_ROUNDS = 7
_SETTINGS = Settings()
_VISITS_TABLE = "oscar.appointment"
_VISITS = ("appointment", "own_visit", "merged_visit")  # what statements call it
_LIMIT = re.compile(r"^SET STATEMENT .*? FOR ")  # of statements with a deadline; EXPLAIN needs the bare statement
_SCATTER = 7919  # a prime number: one patient's visits are far from each other, as in chronological order
_PATIENTS_SQL = """
    INSERT INTO oscar.demographic (demographic_no, last_name, first_name, year_of_birth, month_of_birth, date_of_birth,
        sex, hin, hc_type, patient_status, provider_no, lastUpdateDate)
    SELECT seq, ELT(1 + seq % 5, 'Tremblay', 'Singh', 'MacDonald', 'Nguyen', 'Cardinal'),
        ELT(1 + seq % 7, 'Marie', 'Liam', 'Noor', 'Hannah', 'Arjun', 'Sky', 'Wei'), 1930 + seq % 90,
        LPAD(1 + seq % 12, 2, '0'), LPAD(1 + seq % 28, 2, '0'), ELT(1 + seq % 2, 'F', 'M'), 100000000 + seq, 'AB', 'AC',
        IF(seq % {every} = 0, '101', CONCAT('2', seq % 300)), '2026-11-10'
    FROM oscar.seq_1_to_{patients}
"""
_VISITS_SQL = """
    INSERT INTO oscar.appointment (provider_no, appointment_date, start_time, demographic_no, status, updatedatetime)
    SELECT '101', '2017-01-01' + INTERVAL FLOOR(seq * 3500 / {visits}) DAY, SEC_TO_TIME(28800 + seq % 500 * 60),
        1 + seq * {scatter} % {patients}, ELT(1 + seq % 7, 'B', 'H', 't', 'C', 'b', 'N', 'B'), '2026-11-10'
    FROM oscar.seq_1_to_{visits}
"""


Works = dict[str, Callable[[], object]]


class Access(NamedTuple):
    """One line of EXPLAIN: the server's word for how it reads a table, and by which key."""

    type: str
    key: str | None

    @property
    def whole(self) -> bool:
        """Whether all rows are read, of the table or of the key."""
        return self.type in ("ALL", "index")


def main(patients: int = PATIENTS) -> None:
    """Print two lines for each of what a clinic does: the ratio, and what the server says of its statements."""
    logging.disable(logging.WARNING)
    with mariadb_host() as tenth, mariadb_host() as whole:
        little, large = works(tenth, patients // SHARE), works(whole, patients)
        for what, work in large.items():
            rounds = [(_seconds(little[what]), _seconds(work)) for _ in range(_ROUNDS)]
            small, big = (min(seconds) for seconds in zip(*rounds, strict=True))
            click.echo(
                f"{what}, {patients} patients with {patients * VISITS} appointments: {big / small:.2f} x a tenth of "
                f"them ({big:.3f} s : {small:.3f} s; aim: at most {AIM:g} x)"
            )
            click.echo(f"{what}: {_summary(visits_read(whole, work))}")
        processor, preview = Processor(whole), large[_PREVIEW]
        turns = [(processor.seconds(lambda: _scan(whole)), processor.seconds(preview)) for _ in range(_ROUNDS)]
        scan, ours = (min(seconds) for seconds in zip(*turns, strict=True))
        click.echo(
            f"{_PREVIEW}, {patients} patients: {ours / scan:.2f} x reading `demographic` once ({ours:.3f} s : "
            f"{scan:.3f} s of the processor; aim: at most {AIM_SCAN:g} x)"
        )


def works(host: OscarHost, patients: int) -> Works:
    """What is measured, in a clinic of this size."""
    every = patients // OF_THE_PROVIDER
    fill(host, 0)
    with host.database.engine.connect() as connection:
        connection.execute(text(_PATIENTS_SQL.format(patients=patients, every=every)))
        connection.execute(text(_VISITS_SQL.format(patients=patients, visits=patients * VISITS, scatter=_SCATTER)))
        connection.commit()
        connection.exec_driver_sql("ANALYZE TABLE oscar.demographic, oscar.appointment").close()
    join(host, range(every, every * MEMBERS + 1, every))
    client = manager(host)
    token = re.search(r'name="csrf_token" value="([^"]+)"', _page(client, "/cpar/bulk"))
    assert token
    return {
        "widget": lambda: _page(client, f"/cpar/patients/{every}/widget"),
        "panel's page": lambda: _page(client, f"/cpar/panels/{PANEL_ID}"),
        _PREVIEW: lambda: _preview(client, token[1]),
        f"snapshot of {MEMBERS} members": lambda: _snapshot(host),
    }


def _page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, (address, answer.status_code)
    return answer.text


def _preview(client: FlaskClient, token: str) -> None:
    order = {"kind": "assign", "provider_id": "101", "panel_id": str(PANEL_ID), "status": "AC"}
    answer = client.post("/cpar/bulk", data={"csrf_token": token, "step": "preview", **order}, follow_redirects=True)
    assert f"Assign {OF_THE_PROVIDER - MEMBERS:,} Patients" in answer.text


def _snapshot(host: OscarHost) -> None:
    taken = build.take(host, _SETTINGS, PANEL_ID, now=NOW)
    assert taken.sent > MEMBERS * 0.9
    build.forget(host, taken.snapshot_id)


def _scan(host: OscarHost) -> None:
    query = "SELECT COUNT(*) FROM oscar.demographic WHERE provider_no = '101' AND patient_status = 'AC'"
    with host.database.engine.connect() as connection:
        assert connection.scalar(text(query))


def _seconds(work: Callable[[], object]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def visits_read(host: OscarHost, work: Callable[[], object]) -> list[Access]:
    """How the server gets at the appointments while the work is done, one for each place in a statement."""
    accesses: list[Access] = []

    def explain(connection: Connection, _cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if _VISITS_TABLE in statement:
            asking = connection.connection.cursor()
            asking.execute(f"EXPLAIN {_LIMIT.sub('', statement)}", parameters)
            names = [column[0] for column in asking.description]
            rows = [dict(zip(names, row, strict=True)) for row in asking.fetchall()]
            accesses.extend(Access(row["type"], row["key"]) for row in rows if row["table"] in _VISITS)
            asking.close()

    event.listen(host.database.engine, "before_cursor_execute", explain)
    work()
    event.remove(host.database.engine, "before_cursor_execute", explain)
    return accesses


def _summary(accesses: list[Access]) -> str:
    keys = ", ".join(sorted({access.key or "no key" for access in accesses}))
    whole = "WHOLE" if any(access.whole for access in accesses) else "never whole"
    return f"appointments are read in {len(accesses)} places by {keys}, {whole}"


if __name__ == "__main__":
    main()
