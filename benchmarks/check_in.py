"""The check-in list of a morning, and one press of a key, against the bare statements that read and store the same.

What is measured is the server's whole time for a request, and the statements with their commit.
"""

import logging
import re
from collections.abc import Callable
from datetime import date, time
from time import perf_counter

import click
from flask.testing import FlaskClient
from sqlalchemy import insert, select, update

from cpar_plugin.domain.confirmation import ConfirmedHow
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from .big_clinic import NOW, PANEL_ID, empty_hosts, fill, join
from .pages import manager

MEMBERS, APPOINTMENTS, PRESSES = 20_000, 300, 50
PRESS_AIM = 0.1  # seconds
_ROUNDS = 5
_TODAY = NOW.date()
_LIST = "/cpar/check-in"


def main(members: int = MEMBERS) -> None:
    """Print two lines for each database: the seconds, the ratio, and for a press what it should be at most."""
    logging.disable(logging.WARNING)
    with empty_hosts() as hosts:
        for name, host in hosts:
            _measure(name, host, members)


def _measure(name: str, host: OscarHost, members: int) -> None:
    _morning(host, members)
    client = manager(host)
    page = client.get(_LIST).get_data(as_text=True)
    assert page.count("data-check-in") == APPOINTMENTS, "everyone is to be asked"
    token = re.findall(r'name="csrf_token" value="([^"]+)"', page)[0]
    shown, read = _best(lambda _: _open(client), lambda _: _read(host), range(_ROUNDS))
    click.echo(
        f"check-in list of {APPOINTMENTS} appointments of {members} members, {name}: {shown / read:.1f} x the bare "
        f"statement ({shown * 1000:.0f} ms : {read * 1000:.1f} ms)"
    )
    pressed, stored = _best(
        lambda at: _press(client, token, 1 + at), lambda at: _store(host, 1 + PRESSES + at), range(PRESSES)
    )
    click.echo(
        f"a press, {name}: {pressed / stored:.1f} x the bare statements ({pressed * 1000:.1f} ms : "
        f"{stored * 1000:.1f} ms; aim: at most {PRESS_AIM * 1000:g} ms)"
    )


def _morning(host: OscarHost, members: int) -> None:
    """A big panel whose members were confirmed long ago, the first of whom come today, two minutes apart."""
    fill(host, members)
    join(host, range(1, members + 1))
    visit = {"provider_no": "101", "appointment_date": _TODAY, "status": "t"}
    with host.database.writing() as connection:
        connection.execute(update(tables.member).values(confirmed_on=date(2024, 5, 1)))
        connection.execute(update(host.tables.demographic).values(patient_status="AC"))
        connection.execute(
            insert(host.tables.appointment),
            [
                {**visit, "demographic_no": 1 + at, "start_time": time(8 + at // 30, at % 30 * 2)}
                for at in range(APPOINTMENTS)
            ],
        )


def _open(client: FlaskClient) -> None:
    assert client.get(_LIST).status_code == 200


def _read(host: OscarHost) -> None:
    """Who comes today, with their membership, by provider and time."""
    visit, patient, member = host.tables.appointment.c, host.tables.demographic.c, tables.member.c
    query = (
        select(visit.start_time, visit.provider_no, patient.last_name, patient.first_name, member.confirmed_on)
        .join(host.tables.demographic, patient.demographic_no == visit.demographic_no)
        .outerjoin(tables.member, member.patient_id == visit.demographic_no)
        .where(visit.appointment_date == _TODAY)
        .order_by(visit.provider_no, visit.start_time)
    )
    with host.database.engine.connect() as connection:
        assert len(connection.execute(query).all()) == APPOINTMENTS


def _press(client: FlaskClient, token: str, patient_id: int) -> None:
    form = {"answer": "asked", "day": _TODAY.isoformat(), "seen_panel_id": PANEL_ID, "csrf_token": token}
    answer = client.post(f"{_LIST}/{patient_id}", data=form, headers={"HX-Request": "true"})
    assert b"Confirmed: asked at check-in." in answer.data, answer.data


def _store(host: OscarHost, patient_id: int) -> None:
    """The confirmation, its line in the ledger and in OSCAR's log, and the answer of the day, in one transaction."""
    confirmed = {"confirmed_on": _TODAY, "confirmed_how": ConfirmedHow.AT_CHECK_IN}
    with host.database.session() as session:
        inserted = session.execute(
            insert(tables.operation).values(kind="confirm", at=NOW, actor_id="101", panel_id=PANEL_ID, detail="{}")
        )
        entry = {f"to_{name}": value for name, value in (confirmed | {"panel_id": PANEL_ID}).items()}
        operation_id = inserted.inserted_primary_key[0]  # type: ignore[attr-defined]
        session.execute(insert(tables.ledger).values(patient_id=patient_id, operation_id=operation_id, **entry))
        session.execute(update(tables.member).where(tables.member.c.patient_id == patient_id).values(confirmed))
        answer = {"day": _TODAY, "patient_id": patient_id, "answer": "asked", "at": NOW, "actor_id": "101"}
        session.execute(insert(tables.check_in).values(answer))
        line = {"dateTime": NOW.replace(tzinfo=None), "action": "update", "demographic_no": patient_id}
        session.execute(insert(host.tables.log).values(line))


def _best(ours: Callable[[int], None], bare: Callable[[int], None], rounds: range) -> tuple[float, float]:
    """Seconds of the quickest of each, in turn, so that other load meets both."""
    timed = [(_seconds(ours, at), _seconds(bare, at)) for at in rounds]
    first, second = zip(*timed, strict=True)
    return min(first), min(second)


def _seconds(work: Callable[[int], None], at: int) -> float:
    start = perf_counter()
    work(at)
    return perf_counter() - start


if __name__ == "__main__":
    main()
