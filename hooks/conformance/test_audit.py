"""`AuditTrail`: what was done is there when it was done, and only then."""

from collections import Counter
from typing import Any

from sqlalchemy import event, insert, select

from .. import AuditEvent, AuditTrailOfMany, AuditTrailOnConnection
from .bench import AuditLine, Bench, NewPatient
from .reading import plugin_table

NOUN = "cparConformance"
MANY = 1000
FEW_STATEMENTS = 50


def _event(bench: Bench, key: str, patient_id: int | None = None) -> AuditEvent:
    actor = bench.host.identity.system
    return AuditEvent(actor=actor, action="update", noun=NOUN, key=key, patient_id=patient_id, detail="panel 7")


def _keys(lines: list[AuditLine]) -> list[str]:
    return [line.key for line in lines if line.noun == NOUN]


def test_an_event_becomes_a_line_with_all_that_it_says(bench: Bench) -> None:
    patient_id, actor_id = bench.patient(NewPatient()), bench.host.identity.system.actor_id
    before = len(bench.audit_lines())
    with bench.host.database.session() as session:
        bench.host.audit.record(session, _event(bench, "12", patient_id))
    with bench.host.database.session() as session:
        bench.host.audit.record(session, _event(bench, "13"))
    assert list(bench.audit_lines())[before:] == [
        AuditLine(actor_id, "update", NOUN, "12", patient_id),
        AuditLine(actor_id, "update", NOUN, "13", None),
    ]


def test_a_change_that_was_rolled_back_leaves_no_line(bench: Bench) -> None:
    before = len(bench.audit_lines())
    with bench.host.database.session() as session:
        bench.host.audit.record(session, _event(bench, "14"))
        session.rollback()
    assert _keys(list(bench.audit_lines())[before:]) == [], "write with the session that is given, and nothing else"


def test_a_thousand_events_are_a_thousand_lines_and_few_statements(bench: Bench) -> None:
    host, before, counts = bench.host, len(bench.audit_lines()), Counter[str]()

    def note(*_: Any) -> None:
        counts["statements"] += 1

    with host.database.session() as session:
        event.listen(session.connection(), "before_cursor_execute", note)
        host.audit.record(session, *(_event(bench, str(number)) for number in range(MANY)))
    assert _keys(list(bench.audit_lines())[before:]) == [str(number) for number in range(MANY)]
    assert counts["statements"] <= FEW_STATEMENTS, "insert all lines with one statement"


def test_an_event_on_a_connection_is_a_line_once_it_is_committed(bench: Bench) -> None:
    database, audit, before = bench.host.database, bench.host.audit, len(bench.audit_lines())
    if not isinstance(audit, AuditTrailOnConnection):
        return  # a host may go without it
    with database.writing() as connection:
        audit.record_on(connection, _event(bench, "16"))
    with database.writing() as connection:
        audit.record_on(connection, _event(bench, "17"))
        connection.rollback()
    assert _keys(list(bench.audit_lines())[before:]) == ["16"], "write in the connection's own transaction"


def test_an_event_of_many_patients_becomes_a_line_under_each(bench: Bench) -> None:
    host, audit = bench.host, bench.host.audit
    if not isinstance(audit, AuditTrailOfMany):
        return  # a host may go without it
    some = sorted(bench.patient(NewPatient()) for _ in range(3))
    before = len(bench.audit_lines())
    with plugin_table(host) as table, host.database.session() as session:
        session.execute(insert(table), [{"number": patient_id} for patient_id in some])
        audit.record_each(session, _event(bench, "15"), select(table.c.number))
    lines = list(bench.audit_lines())[before:]
    actor_id = host.identity.system.actor_id
    expected = [AuditLine(actor_id, "update", NOUN, "15", patient_id) for patient_id in some]
    assert sorted(lines, key=lambda line: line.patient_id or 0) == expected
