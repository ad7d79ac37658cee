"""A complete host: that of Meadow, an invented EMR that keeps its clinic in one SQLite file (see meadow.sql).

What any host needs it takes from `cpar_plugin.host_kit`: engine, migrations, application, plain pages, and clock.
"""

from types import SimpleNamespace

import sqlalchemy as sa
from flask import has_request_context, session

from cpar_plugin.hooks import Actor, Plugins, StatusKind
from cpar_plugin.host_kit import zone_rules
from cpar_plugin.host_kit.application import new_application, register_plugins
from cpar_plugin.host_kit.clock import SystemClock
from cpar_plugin.host_kit.database import HostDatabase
from cpar_plugin.host_kit.migrations import upgrade
from cpar_plugin.host_kit.pages import PlainPages
from cpar_plugin.host_kit.sql import filled, moment_of, seen, without_separators

PLUGINS = Plugins()
PLUGINS.load_installed()


class Roster:
    active_status = "here"
    status_labels = {"here": "Active", "moved": "Moved away", "dead": "Deceased"}  # noqa: RUF012
    status_kinds = {"here": StatusKind.ACTIVE, "moved": StatusKind.MOVED, "dead": StatusKind.DECEASED}  # noqa: RUF012
    field_labels = {"phn": "Health number", "birth_date": "Born", "status": "State"}  # noqa: RUF012

    def __init__(self, tables):
        self.person, self.staff, self.booking = (tables[name] for name in ("person", "staff", "booking"))

    def patients(self):
        c = self.person.c
        columns = (
            c.id.label("patient_id"),
            without_separators(c.health_number).label("phn"),
            sa.func.coalesce(filled(c.province), "unknown").label("phn_jurisdiction"),
            seen(c.surname).label("family_name"),
            seen(c.forename).label("given_name"),
            seen(c.middle).label("middle_names"),
            seen(c.called).label("preferred_name"),
            sa.cast(c.born, sa.String).label("birth_date"),
            filled(c.sex).label("gender"),
            filled(c.state).label("status"),
            filled(c.doctor).label("mrp_id"),
            sa.cast(c.covered_from, sa.String).label("coverage_start"),
            sa.cast(c.covered_until, sa.String).label("coverage_end"),
            filled(c.card_version).label("card_version"),
        )
        return sa.select(*columns).where(c.merged_into.is_(None)).subquery("patient")

    def with_phn(self, phn):
        return sa.select(self.person.c.id).where(without_separators(self.person.c.health_number) == phn)

    def with_phns(self, phns):
        return sa.select(self.person.c.id).where(without_separators(self.person.c.health_number).in_(phns))

    def shared_phns(self, patient_ids):
        return sa.select(phn := self.patients().c.phn).group_by(phn).having(sa.func.count() > 1)

    def last_visit_on(self, patient_id, until):
        visit = self.booking.alias("visit")
        latest = sa.select(sa.func.max(visit.c.day)).where(self.of(patient_id, visit), self.attended(visit, until))
        return latest.correlate_except(visit).scalar_subquery()

    def of(self, patient_id, visit):
        merge = self._merges()
        retired = sa.select(merge.c.retired_id).where(merge.c.kept_id == patient_id).correlate_except(merge)
        return sa.or_(visit.c.person == patient_id, visit.c.person.in_(retired))

    def attended(self, visit, until):
        if until.tzinfo is None:
            raise ValueError("until needs a time zone")
        now = until.astimezone(zone_rules.zone())
        started = sa.or_(visit.c.day < now.date(), sa.and_(visit.c.day == now.date(), visit.c.at < now.time()))
        return sa.and_(started, visit.c.state.not_in(["cancelled", "missed", "deleted"]))

    def providers(self):
        c = self.staff.c
        columns = (
            c.login.label("provider_id"),
            seen(c.surname).label("family_name"),
            seen(c.forename).label("given_name"),
            filled(c.prac_id).label("practitioner_id"),
            filled(c.licence).label("licence_id"),
            (~c.has_left).label("active"),
        )
        return sa.select(*columns).subquery("provider")

    def merged(self):
        merge, c = self._merges(), self.person.c
        return sa.select(merge).where(merge.c.kept_id.in_(sa.select(c.id).where(c.merged_into.is_(None)))).subquery()

    def merged_phns(self):
        merged, phn = self.merged(), without_separators(self.person.c.health_number).label("phn")
        return sa.select(merged, phn).where(self.person.c.id == merged.c.retired_id, phn.is_not(None)).subquery()

    def _merges(self):
        """Every record merged away, with each record after it in its chain."""
        person, onward = self.person, self.person.alias()
        first = sa.select(person.c.id.label("retired_id"), person.c.merged_into.label("kept_id"))
        chain = first.where(person.c.merged_into.is_not(None)).cte(recursive=True, nesting=True)
        further = sa.select(chain.c.retired_id, onward.c.merged_into).join(onward, onward.c.id == chain.c.kept_id)
        return sa.select(chain.union(further.where(onward.c.merged_into.is_not(None)))).subquery()


class Schedule:
    def __init__(self, tables, roster):
        self.booking, self.roster = tables["booking"].c, roster

    def appointments(self, day):
        c, merge = self.booking, self.roster.merged()
        patient_id = sa.func.coalesce(merge.c.kept_id, c.person).label("patient_id")
        times = (c.at.label("starts_at"), (c.state == "done").label("arrived"))
        names = (c.id.label("appointment_id"), patient_id, c.doctor.label("provider_id"))
        today = sa.select(*names, *times).outerjoin(merge, merge.c.retired_id == c.person).where(c.day == day)
        held = today.where(c.person.is_not(None), c.state.not_in(["cancelled", "missed", "deleted"]))
        return held.subquery("appointment")

    def next_on(self, patient_id, after):
        booking = self.roster.booking.alias("coming")
        held = sa.and_(booking.c.day > after, booking.c.state.not_in(["cancelled", "missed", "deleted"]))
        first = sa.select(sa.func.min(booking.c.day)).where(self.roster.of(patient_id, booking), held)
        return first.correlate_except(booking).scalar_subquery()


class Visits:
    def __init__(self, tables, roster):
        self.booking, self.roster = tables["booking"], roster

    def last_provider(self, patient_id, until):
        visit = self.booking.alias("visit")
        own = sa.select(visit.c.doctor).where(self.roster.of(patient_id, visit), self.roster.attended(visit, until))
        return own.order_by(visit.c.day.desc(), visit.c.at.desc()).limit(1).correlate_except(visit).scalar_subquery()

    def attended(self, first, until, patient_id=None):
        c, merge = self.booking.c, self.roster.merged()
        own = sa.func.coalesce(merge.c.kept_id, c.person)
        started_at = moment_of(c.day, c.at).label("started_at")
        names = {"provider_id": c.doctor, "visited_on": c.day, "status": c.state, "visit_type": c.kind, "reason": c.why}
        visits = sa.select(own.label("patient_id"), started_at, *(names[name].label(name) for name in names))
        visits = visits.outerjoin(merge, merge.c.retired_id == c.person).where(c.person.is_not(None), c.day >= first)
        visits = visits.where(own == patient_id) if patient_id else visits
        return visits.where(self.roster.attended(self.booking, until)).subquery("visit")


class Identity:
    system = Actor(actor_id="system", display_name="Meadow")

    def __init__(self, tables, engine):
        self.granted, self.closed, self.engine = tables["granted"].c, tables["closed_chart"].c, engine
        self.staff = sa.select(tables["staff"]).where(~tables["staff"].c.has_left).subquery().c

    def current(self):
        login = session.get("login") if has_request_context() else None
        name = self._ask(sa.select(self.staff.forename + " " + self.staff.surname).where(self.staff.login == login))
        return Actor(actor_id=login, display_name=name) if name else None

    def has(self, actor, permission):
        given = sa.exists().where(self.granted.login == self.staff.login, self.granted.permission == permission)
        right = sa.select(self.staff.login).where(self.staff.login == actor.actor_id, sa.or_(self.staff.admin, given))
        return actor == self.system or self._ask(right) is not None

    def may_see(self, actor, patient_id):
        return bool(self._ask(sa.select(self.visible(actor, sa.literal(patient_id)))))

    def visible(self, actor, patient_id):
        closed = sa.select(self.closed.person).where(self.closed.login == actor.actor_id)
        works = sa.exists().where(self.staff.login == actor.actor_id)
        return sa.true() if actor == self.system else sa.and_(works, patient_id.not_in(closed))

    def _ask(self, question):
        with self.engine.connect() as connection:
            return connection.scalar(question)


class Audit:
    def __init__(self, trail):
        self.trail = trail

    def record(self, session, *events):
        names = ("login", "action", "noun", "key", "person", "detail")
        lines = [(one.actor.actor_id, one.action, one.noun, one.key, one.patient_id, one.detail) for one in events]
        if lines:
            session.execute(sa.insert(self.trail), [dict(zip(names, line, strict=True)) for line in lines])


def open_host(file="meadow.db", clock=None, **settings):
    """The host on Meadow's file, with the plugins' tables up to date."""
    database, known = HostDatabase(f"sqlite:///{file}"), sa.MetaData()
    known.reflect(database.engine)
    for source in PLUGINS.emr_migrations():
        upgrade(database.engine, source)
    tables, pages, clock = known.tables, PlainPages(), clock or SystemClock()
    roster, identity, audit = Roster(tables), Identity(tables, database.engine), Audit(tables["trail"])
    ports = {"roster": roster, "schedule": Schedule(tables, roster), "visits": Visits(tables, roster), "pages": pages}
    ports |= {"homes": None}  # Meadow keeps no addresses
    return SimpleNamespace(**ports, identity=identity, audit=audit, database=database, clock=clock, settings=settings)


def create_app(host, secret_key):
    """Here Meadow would add its own pages; those of the plugins are in it."""
    app = new_application("meadow", cookie_name="meadow", secret_key=secret_key, https_only=False)
    register_plugins(app, host, PLUGINS)
    return app
