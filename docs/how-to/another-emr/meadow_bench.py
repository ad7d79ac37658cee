"""Meadow on the bench: how the checks of the conformance kit put people and visits into it."""

import sqlite3
import tempfile
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path

import meadow

from cpar_plugin.hooks import Actor
from cpar_plugin.hooks.conformance import AuditLine, VisitOutcome
from cpar_plugin.host_kit.clock import FixedClock

STATES = {
    VisitOutcome.ATTENDED: "done",
    VisitOutcome.EXPECTED: "booked",
    VisitOutcome.CANCELLED: "cancelled",
    VisitOutcome.NO_SHOW: "missed",
    VisitOutcome.DELETED: "deleted",
}


class MeadowBench:
    def __init__(self, folder):
        self._file, self._clock, self._numbers = folder / "meadow.db", FixedClock(meadow.SystemClock().now()), count(1)
        with closing(sqlite3.connect(self._file)) as connection:
            connection.executescript(Path(__file__).with_name("meadow.sql").read_text(encoding="utf-8"))
        self.host = meadow.open_host(self._file, self._clock, outbox_folder=str(folder / "outbox"))
        self._app = meadow.create_app(self.host, "secret")

    def set_clock(self, moment):
        self._clock.move_to(moment)

    def provider(self, new):
        login = f"doctor{next(self._numbers)}"
        values = (login, new.family_name, new.given_name, new.practitioner_id, new.licence_id, not new.active, False)
        self._write("INSERT INTO staff VALUES (?, ?, ?, ?, ?, ?, ?)", *values)
        return login

    def patient(self, new):
        values = (new.family_name, new.given_name, new.middle_names, new.preferred_name, new.birth_date, new.gender)
        values += (new.phn, new.phn_jurisdiction, new.status, new.mrp_id, None)
        values += (new.coverage_start, new.coverage_end, new.card_version)
        return self._write("INSERT INTO person VALUES (NULL, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", *values)

    def visit(self, new):
        at = new.time and new.time.isoformat("microseconds")
        values = (new.patient_id, new.provider_id, new.day.isoformat(), at, STATES[new.outcome])
        self._write("INSERT INTO booking VALUES (NULL, ?, ?, ?, ?, ?, ?, ?)", *values, new.visit_type, new.reason)

    def merge(self, retired, kept):
        self._write("UPDATE person SET merged_into = ? WHERE id = ?", kept, retired)

    def person(self, *, permissions=(), administrator=False):
        login = f"clerk{next(self._numbers)}"
        self._write("INSERT INTO staff VALUES (?, 'Clerk', 'Casey', NULL, NULL, FALSE, ?)", login, administrator)
        for permission in permissions:
            self._write("INSERT INTO granted VALUES (?, ?)", login, permission)
        return Actor(actor_id=login, display_name="Casey Clerk")

    def deny_access(self, actor, patient_id):
        self._write("INSERT INTO closed_chart VALUES (?, ?)", actor.actor_id, patient_id)

    def browser(self, actor):
        client = self._app.test_client()
        if actor:
            with client.session_transaction() as session:
                session["login"] = actor.actor_id
        return client

    def audit_lines(self):
        with closing(sqlite3.connect(self._file)) as connection:
            lines = connection.execute("SELECT login, action, noun, key, person FROM trail ORDER BY id")
            return [AuditLine(*line) for line in lines]

    def _write(self, statement, *values):
        with closing(sqlite3.connect(self._file)) as connection, connection:
            return connection.execute(statement, values).lastrowid


@contextmanager
def open_bench():
    with tempfile.TemporaryDirectory() as folder:
        bench = MeadowBench(Path(folder))
        yield bench
        bench.host.database.engine.dispose()
