"""The bench of `oscar_host`: it enters people as OSCAR's own pages would."""

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from cpar_plugin.hooks import Actor, Host, Plugins
from cpar_plugin.hooks.conformance import AuditLine, NewPatient, NewProvider, NewVisit, VisitOutcome
from cpar_plugin.host_kit.clock import FixedClock
from oscar_host.demo.app import create_app
from oscar_host.demo.frame import EmbeddedPages
from oscar_host.host import OscarHost, open_host
from oscar_host.privileges import object_of

from ..conftest import NOW, Oscar, Place
from ..signing_in import sign_in

LETTERS = {
    VisitOutcome.ATTENDED: "B",
    VisitOutcome.EXPECTED: "t",
    VisitOutcome.CANCELLED: "C",
    VisitOutcome.NO_SHOW: "N",
    VisitOutcome.DELETED: "D",
}
COLUMNS = {
    "phn": "hin",
    "phn_jurisdiction": "hc_type",
    "family_name": "last_name",
    "given_name": "first_name",
    "middle_names": "middleNames",
    "preferred_name": "pref_name",
    "gender": "sex",
    "status": "patient_status",
    "mrp_id": "provider_no",
    "card_version": "ver",
    "street": "address",
}
DAYS = {"coverage_start": "eff_date", "coverage_end": "hc_renew_date"}
NEVER_NULL = ("last_name", "first_name", "sex")
_CARELESS = "PRAGMA synchronous = OFF"  # nobody minds losing it, and it is quick
_numbers = count(101)  # several benches in one process may share a database


@dataclass
class OscarBench:
    """A bench on the embedded EMR. `host` may be another one on the same database: one that breaks a rule."""

    host: Host
    app: Flask
    oscar: Oscar
    clock: FixedClock = field(repr=False)

    def set_clock(self, moment: dt.datetime) -> None:
        self.clock.move_to(moment)

    def provider(self, new: NewProvider) -> str:
        return self.oscar.provider(
            str(next(_numbers)),
            last_name=new.family_name or "",
            first_name=new.given_name or "",
            ohip_no=new.practitioner_id or "",
            practitionerNo=new.licence_id,
            status="1" if new.active else "0",
        )

    def patient(self, new: NewPatient) -> int:
        columns = {column: getattr(new, name) for name, column in COLUMNS.items()}
        columns |= {column: columns[column] or "" for column in NEVER_NULL}
        days = {column: getattr(new, name) for name, column in DAYS.items()}
        columns |= {column: dt.date.fromisoformat(day) for column, day in days.items() if day}
        if new.birth_date is None:
            return self.oscar.patient(**columns, year_of_birth=None, month_of_birth="", date_of_birth="")
        return self.oscar.patient(born=new.birth_date, **columns)

    def visit(self, new: NewVisit) -> None:
        letter = LETTERS[new.outcome]
        words = {"type": new.visit_type, "reason": new.reason}
        self.oscar.visit(new.patient_id, new.day, new.time, letter, provider_no=new.provider_id, **words)

    def merge(self, retired: int, kept: int) -> None:
        self.oscar.merge(retired, kept)

    def person(self, *, permissions: Collection[str] = (), administrator: bool = False) -> Actor:
        provider_id = self.provider(NewProvider(family_name="Penner", given_name="Ada"))
        self.oscar.privilege(provider_id, "_demographic", "r")
        for name, letter in [*map(object_of, permissions), *([("_admin", "x")] if administrator else [])]:
            self.oscar.privilege(provider_id, name, letter)
        return Actor(actor_id=provider_id, display_name="Penner, Ada")

    def deny_access(self, actor: Actor, patient_id: int) -> None:
        self.oscar.privilege(actor.actor_id, f"_demographic${patient_id}", "o")

    def browser(self, actor: Actor | None) -> FlaskClient:
        client = self.app.test_client()
        if actor:
            sign_in(client, actor.actor_id)
        return client

    def audit_lines(self) -> Sequence[AuditLine]:
        log = self.oscar.tables.log
        line = select(log.c.provider_no, log.c.action, log.c.content, log.c.contentId, log.c.demographic_no)
        with self.host.database.engine.connect() as connection:
            return [AuditLine(*row) for row in connection.execute(line.order_by(log.c.id))]


@contextmanager
def bench_at(place: Place, outbox: Path) -> Iterator[OscarBench]:
    """A bench on a database with all tables."""
    clock = FixedClock(NOW)
    settings = {"outbox_folder": str(outbox)}
    with open_host(
        place.url, host_schema=place.host_schema, clock=clock, pages=EmbeddedPages(), settings=settings
    ) as host:
        yield _prepared(host, clock)


def _prepared(host: OscarHost, clock: FixedClock) -> OscarBench:
    if host.database.engine.dialect.name == "sqlite":
        event.listen(host.database.engine, "connect", lambda connection, _: connection.execute(_CARELESS).close())
    plugins = Plugins()
    plugins.load_installed()
    app = create_app(host, plugins)
    return OscarBench(app.extensions["emr"].host, app, Oscar(host), clock)
