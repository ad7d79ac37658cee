"""The four-cut over a million patients and ten million appointments, against what cannot be less.

That is: counting the same visits by patient and provider, `SELECT patient, provider, COUNT(*) ... GROUP BY` both. What
either finds is counted, so that no time is spent on sending it.
"""

import sys
from datetime import timedelta
from itertools import islice
from time import perf_counter

import click
from sqlalchemy import FromClause, func, insert, select

from cpar_plugin.services.roster.four_cut import counted_visits, proposals
from cpar_plugin.settings import Settings
from oscar_host.demo.data.fitting import FittedInsert
from oscar_host.host import OscarHost

from .big_clinic import NOW, empty_hosts

PATIENTS, VISITS = 1_000_000, 10
AIM = 2.0
_ROUNDS = 2
_AT_ONCE = 50_000
_SERVER = ("innodb-buffer-pool-size=3G", "tmp-table-size=1G", "max-heap-table-size=1G")  # one for as many appointments
_COLUMNS = ("demographic_no", "provider_no", "appointment_date", "start_time", "status", "type")
_DOCTORS = [str(101 + number) for number in range(120)]
_DAYS = [str(NOW.date() - timedelta(days=back)) for back in range(1, 3 * 365)]
_TIMES = [f"{8 + quarter // 4:02}:{quarter % 4 * 15:02}:00" for quarter in range(36)]
_TYPES = (None, "Office", "Office", "Phone", "Physical")


def main(patients: int = PATIENTS, visits: int = VISITS) -> None:
    """Print a line for each database; exit with 1 where one misses its aim."""
    fine, rules = True, Settings(four_cut_months=36).four_cut
    with empty_hosts(*_SERVER) as hosts:
        for name, host in hosts:
            _fill(host, patients, visits)
            visit = counted_visits(host, rules)
            grouped = select(visit.c.patient_id, visit.c.provider_id, func.count().label("visits"))
            bare = grouped.group_by(visit.c.patient_id, visit.c.provider_id).subquery("bare")
            rounds = [(_seconds(host, bare), _seconds(host, proposals(host, rules))) for _ in range(_ROUNDS)]
            least, ours = (min(seconds) for seconds in zip(*rounds, strict=True))  # both meet the same machine
            fine &= ours <= AIM * least
            click.echo(
                f"four-cut of {patients} patients and {patients * visits} appointments, {name}: {ours / least:.2f} x "
                f"the bare GROUP BY patient, provider ({ours:.1f} s : {least:.1f} s; aim: at most {AIM:g} x)"
            )
    if not fine:
        sys.exit(1)


def _seconds(host: OscarHost, query: FromClause) -> float:
    start = perf_counter()
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(query))
    return perf_counter() - start


def _fill(host: OscarHost, patients: int, visits: int) -> None:
    """Appointments of three years: two of three with the own doctor, the others with one of four colleagues."""
    changed = {"last_name": "Doctor", "status": "1", "lastUpdateDate": NOW.replace(tzinfo=None)}
    with host.database.writing() as connection:
        doctors = [{"provider_no": one, "first_name": one, **changed} for one in _DOCTORS]
        connection.execute(insert(host.tables.provider), doctors)
    rows = (_visit(patient, number) for patient in range(1, patients + 1) for number in range(visits))
    while some := list(islice(rows, _AT_ONCE)):
        with host.database.writing() as connection:
            FittedInsert(connection, host.tables.appointment, _COLUMNS).write(connection, some)


def _visit(patient: int, number: int) -> tuple[int | str | None, ...]:
    """Made up of the two numbers, by a rule without a pattern that an index or a cache would like."""
    mixed = (patient * 2_654_435_761 + number * 40_503 + number * number * 9_973) >> 5
    doctor = patient if mixed % 3 else patient + 1 + mixed // 3 % 4
    return (
        patient,
        _DOCTORS[doctor % len(_DOCTORS)],
        _DAYS[mixed // 7 % len(_DAYS)],
        _TIMES[mixed // 11 % len(_TIMES)],
        "B",
        _TYPES[mixed // 13 % len(_TYPES)],
    )
