"""Hosts that break one rule each outside of the roster."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import timedelta, timezone
from sqlite3 import SQLITE_DENY, SQLITE_OK, SQLITE_READ
from typing import Any

import flask
from flask_wtf import CSRFProtect
from markupsafe import Markup, escape
from sqlalchemy import ColumnElement, Connection, Select, event, false, literal_column, text, true
from sqlalchemy.orm import Session

from cpar_plugin.hooks import Actor, AuditEvent, Plugins
from cpar_plugin.hooks.conformance import AuditLine
from cpar_plugin.host_kit.database import HostDatabase
from oscar_host.demo.app import create_app

from .breaking import ABSENT, Altered, breaks, with_port
from .oscar_bench import OscarBench


@breaks("test_outside_a_request_no_one_is_signed_in")
def outside_of_a_request_it_is_the_system(bench: OscarBench) -> OscarBench:
    real = bench.host.identity
    return with_port(
        bench, "identity", current=lambda: real.current() or (None if flask.has_request_context() else real.system)
    )


@breaks("test_in_an_anonymous_request_no_one_is_signed_in")
def whoever_is_not_signed_in_is_a_guest(bench: OscarBench) -> OscarBench:
    real, guest = bench.host.identity, Actor(actor_id="guest", display_name="Guest")
    return with_port(
        bench, "identity", current=lambda: real.current() or (guest if flask.has_request_context() else None)
    )


@breaks("test_in_a_request_the_actor_is_who_sent_it")
def the_first_who_signs_in_is_remembered(bench: OscarBench) -> OscarBench:
    kept: list[Actor] = []

    def current() -> Actor | None:
        result = real.current()
        return result and (kept or kept.append(result) or kept)[0]  # type: ignore[func-returns-value]

    real = bench.host.identity
    return with_port(bench, "identity", current=current)


@breaks("test_only_users_with_a_permission_have_it")
def everybody_has_every_permission(bench: OscarBench) -> OscarBench:
    return with_port(bench, "identity", has=lambda actor, permission: True)


@breaks("test_an_administrator_has_every_permission")
def an_administrator_has_only_what_was_given(bench: OscarBench) -> OscarBench:
    real: Any = bench.host.identity
    return with_port(
        bench,
        "identity",
        has=lambda actor, permission: real.has(actor, permission) and not real.administers(actor),
    )


@breaks("test_the_system_has_a_name_and_sees_everyone")
def the_system_sees_no_one(bench: OscarBench) -> OscarBench:
    real = bench.host.identity
    return with_port(
        bench,
        "identity",
        may_see=lambda actor, patient_id: actor != real.system and real.may_see(actor, patient_id),
        visible=lambda actor, patient_id: false() if actor == real.system else real.visible(actor, patient_id),
    )


@breaks("test_a_user_barred_from_a_patient_no_longer_sees_that_patient")
def access_to_patients_is_remembered(bench: OscarBench) -> OscarBench:
    kept: dict[tuple[Actor, int], bool] = {}

    def may_see(actor: Actor, patient_id: int) -> bool:
        return kept.setdefault((actor, patient_id), real.may_see(actor, patient_id))

    real = bench.host.identity
    return with_port(bench, "identity", may_see=may_see)


@breaks("test_visible_says_of_every_patient_what_may_see_says")
def visible_knows_no_barred_patients(bench: OscarBench) -> OscarBench:
    """... where it is asked for whoever is not signed in."""
    real = bench.host.identity

    def visible(actor: Actor, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
        return real.visible(actor, patient_id) if actor.actor_id.isdigit() else true()

    return with_port(bench, "identity", visible=visible)


@breaks("test_visible_is_a_condition_on_whatever_column_is_given")
def visible_takes_the_column_from_the_patients(bench: OscarBench) -> OscarBench:
    real, column = bench.host.identity, literal_column("patient.patient_id")
    return with_port(bench, "identity", visible=lambda actor, patient_id: real.visible(actor, column))


@breaks("test_an_event_becomes_a_line_with_all_that_it_says")
def the_patient_of_an_event_is_lost(bench: OscarBench) -> OscarBench:
    real = bench.host.audit

    def record(session: Session, *events: AuditEvent) -> None:
        real.record(session, *(one._replace(patient_id=None) for one in events))

    return with_port(bench, "audit", record=record)


@breaks("test_a_change_that_was_rolled_back_leaves_no_line")
def lines_are_written_outside_of_the_transaction(bench: OscarBench) -> Any:
    lines: list[AuditLine] = []

    def record(_: Session, *events: AuditEvent) -> None:
        lines.extend(AuditLine(one.actor.actor_id, one.action, one.noun, one.key, one.patient_id) for one in events)

    elsewhere = with_port(bench, "audit", record=record, record_each=ABSENT, record_on=ABSENT)
    return Altered(elsewhere, audit_lines=lambda: list(lines))


@breaks("test_a_thousand_events_are_a_thousand_lines_and_few_statements")
def events_are_written_one_by_one(bench: OscarBench) -> OscarBench:
    real = bench.host.audit

    def record(session: Session, *events: AuditEvent) -> None:
        for one in events:
            real.record(session, one)

    return with_port(bench, "audit", record=record)


@breaks("test_a_thousand_events_are_a_thousand_lines_and_few_statements")
def of_many_events_the_first_is_written(bench: OscarBench) -> OscarBench:
    real = bench.host.audit
    return with_port(bench, "audit", record=lambda session, *events: real.record(session, *events[:1]))


@breaks("test_an_event_on_a_connection_is_a_line_once_it_is_committed")
def lines_on_a_connection_are_committed_at_once(bench: OscarBench) -> OscarBench:
    real = bench.host.audit

    def record_on(connection: Connection, *events: AuditEvent) -> None:
        with bench.host.database.session() as session:
            real.record(session, *events)

    return with_port(bench, "audit", record_on=record_on)


@breaks("test_an_event_of_many_patients_becomes_a_line_under_each")
def of_many_patients_the_first_has_a_line(bench: OscarBench) -> OscarBench:
    real = bench.host.audit

    def record_each(session: Session, event: AuditEvent, patient_ids: Select[int]) -> None:
        real.record_each(session, event, patient_ids.limit(1))

    return with_port(bench, "audit", record_each=record_each)


@breaks("test_a_session_is_one_transaction_and_hides_no_error")
def a_session_commits_what_it_has(bench: OscarBench) -> OscarBench:
    @contextmanager
    def session() -> Iterator[Session]:
        with real.session() as opened:
            try:
                yield opened
            except LookupError as error:
                raised = error
            else:
                return
        raise raised

    real = bench.host.database
    return with_port(bench, "database", session=session)


@breaks("test_a_session_is_one_transaction_and_hides_no_error")
def a_session_swallows_errors(bench: OscarBench) -> OscarBench:
    @contextmanager
    def session() -> Iterator[Session]:
        with suppress(LookupError), real.session() as opened:
            yield opened

    real = bench.host.database
    return with_port(bench, "database", session=session)


@breaks("test_a_connection_for_writing_is_one_transaction_and_hides_no_error")
def a_connection_for_writing_commits_each_statement(bench: OscarBench) -> OscarBench:
    @contextmanager
    def writing() -> Iterator[Connection]:
        with real.engine.connect() as connection:
            try:
                yield connection
            finally:
                connection.commit()

    real = bench.host.database
    return with_port(bench, "database", writing=writing)


@breaks("test_a_reading_connection_sees_one_state_of_the_data_to_its_end")
def every_statement_reads_again(bench: OscarBench) -> OscarBench:
    engine = bench.host.database.engine.execution_options(begin="SELECT 1")
    return with_port(bench, "database", engine=engine)


@breaks("test_two_changes_of_the_same_row_both_take_effect")
def who_writes_does_not_wait(bench: OscarBench) -> OscarBench:
    @contextmanager
    def session() -> Iterator[Session]:
        with Session(real.engine) as opened, opened.begin():
            yield opened

    real = bench.host.database
    return with_port(bench, "database", session=session)


@breaks("test_a_moment_comes_back_as_it_was_written")
def moments_lose_their_microseconds(bench: OscarBench) -> OscarBench:
    real = bench.host.database.engine
    database = HostDatabase(real.url.render_as_string(hide_password=False))
    event.listen(real, "engine_disposed", lambda _: database.engine.dispose())
    moment = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)\.\d{6}")

    def cut(value: Any) -> Any:
        if isinstance(value, tuple | list):
            return type(value)(map(cut, value))
        return moment.sub(r"\1.000000", value) if isinstance(value, str) else value

    def on_its_way(_: Any, __: Any, statement: str, parameters: Any, *___: Any) -> tuple[str, Any]:
        return statement, cut(parameters)

    event.listen(database.engine, "before_cursor_execute", on_its_way, retval=True)
    return with_port(bench, "database", engine=database.engine, session=database.session)


@breaks("test_a_session_for_writing_reads_the_patients_too")
def who_writes_may_not_read_the_patients(bench: OscarBench) -> OscarBench:
    def denied(action: int, table: str | None, *_: Any) -> int:
        return SQLITE_DENY if action == SQLITE_READ and table == "demographic" else SQLITE_OK

    @contextmanager
    def session() -> Iterator[Session]:
        with real.session() as opened:
            driver: Any = opened.connection().connection.driver_connection
            driver.set_authorizer(denied)
            try:
                yield opened
            finally:
                driver.set_authorizer(None)

    real = bench.host.database
    return with_port(bench, "database", session=session)


@breaks("test_a_page_is_complete_and_has_its_title")
def a_page_is_its_body_alone(bench: OscarBench) -> OscarBench:
    return with_port(bench, "pages", render=lambda *, title, body, section: str(body))


@breaks("test_a_title_is_escaped")
def a_title_is_put_in_as_it_is(bench: OscarBench) -> OscarBench:
    real = bench.host.pages

    def render(*, title: str, body: Markup, section: str) -> str:
        return real.render(title=title, body=body, section=section).replace(str(escape(title)), title)

    return with_port(bench, "pages", render=render)


@breaks("test_the_body_is_kept_as_it_is")
def a_body_is_escaped_once_more(bench: OscarBench) -> OscarBench:
    real = bench.host.pages
    return with_port(
        bench,
        "pages",
        render=lambda *, title, body, section: real.render(title=title, body=escape(str(body)), section=section),
    )


@breaks("test_the_address_of_a_patient_is_a_path_of_their_own")
def an_address_is_relative(bench: OscarBench) -> OscarBench:
    return with_port(bench, "pages", patient_href=lambda patient_id: f"patients/{patient_id}")


@breaks("test_the_address_of_a_patient_is_a_path_of_their_own")
def all_patients_have_one_address(bench: OscarBench) -> OscarBench:
    return with_port(bench, "pages", patient_href=lambda patient_id: "/patients")


@breaks("test_the_address_of_the_sign_in_leads_back")
def the_way_back_is_not_encoded(bench: OscarBench) -> OscarBench:
    return with_port(bench, "pages", sign_in_href=lambda back_to: f"/sign-in?next={back_to}")


@breaks("test_the_clock_returns_moments_in_utc")
def the_clock_returns_no_zone(bench: OscarBench) -> OscarBench:
    return with_port(bench, "clock", now=lambda: bench.clock.now().astimezone(bench.clock.zone).replace(tzinfo=None))


@breaks("test_the_clock_returns_moments_in_utc")
def the_clock_returns_the_time_of_the_clinic(bench: OscarBench) -> OscarBench:
    return with_port(bench, "clock", now=lambda: bench.clock.now().astimezone(bench.clock.zone))


@breaks("test_each_call_reads_the_clock")
def the_clock_returns_the_moment_of_the_start(bench: OscarBench) -> OscarBench:
    started = bench.clock.now()
    return with_port(bench, "clock", now=lambda: started)


@breaks("test_the_zone_is_one_that_knows_of_summer_and_winter")
def the_zone_is_an_offset(bench: OscarBench) -> OscarBench:
    here = bench.clock.now().astimezone(bench.clock.zone)
    return with_port(bench, "clock", zone=timezone(here.utcoffset() or timedelta(0)))


@breaks("test_settings_are_texts_under_lower_case_names")
def a_setting_is_a_number(bench: OscarBench) -> OscarBench:
    return replace(bench, host=Altered(bench.host, settings={**bench.host.settings, "automatic_day": 7}))  # type: ignore[arg-type]


@breaks("test_settings_are_texts_under_lower_case_names")
def settings_have_the_names_of_the_environment(bench: OscarBench) -> OscarBench:
    settings = {f"CPAR_{name.upper()}": value for name, value in bench.host.settings.items()}
    return replace(bench, host=Altered(bench.host, settings=settings))  # type: ignore[arg-type]


@breaks("test_the_tables_of_every_plugin_are_of_its_newest_version")
@contextmanager
def versions_are_kept_in_another_table(bench: OscarBench) -> Iterator[OscarBench]:
    with bench.host.database.session() as session:
        session.execute(text("ALTER TABLE cpar_alembic_version RENAME TO alembic_version"))
    yield bench
    with bench.host.database.session() as session:
        session.execute(text("ALTER TABLE alembic_version RENAME TO cpar_alembic_version"))


def another_app(bench: OscarBench) -> flask.Flask:
    plugins = Plugins()
    plugins.load_installed()
    return create_app(bench.host, plugins)  # type: ignore[arg-type]


@breaks("test_programs_need_no_form_of_the_host")
def programs_need_a_form_too(bench: OscarBench) -> OscarBench:
    app = another_app(bench)
    CSRFProtect(app)
    return replace(bench, app=app)
