"""What does not match is compared with the registry's value: a line is fixed by itself once the record has it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, update

from cpar_plugin.domain.csv_columns import CsvColumn
from cpar_plugin.domain.list_columns import ColumnField, Purpose
from cpar_plugin.domain.report_lines import ReportLineState
from cpar_plugin.domain.reports import Mismatch, ReportKind
from cpar_plugin.hooks import Actor, Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.reports import (
    accepting,
    comparing,
    line_history,
    lines,
    lines_csv,
    listing,
    of_patient,
    receiving,
    working,
)
from cpar_plugin.services.reports.lines_query import LinesShown, ReportLineCriteria
from cpar_plugin.services.reports.listing import ReportRow
from cpar_plugin.services.uploads import kept, layouts
from cpar_plugin.services.uploads.reading import ListFile
from cpar_plugin.services.work_lines.changes import LineAction, LineChange, SeenLine
from cpar_plugin.settings import Settings
from cpar_plugin.store.tables import report_line, report_row
from oscar_host.host import OscarHost

Correct = Callable[..., None]
FIELDS = ("phn", "family-name", "birth-date", "mismatch", "registry-value")


@pytest.fixture
def correct(emr: OscarHost) -> Correct:
    """What a clerk does in the EMR."""

    def change(patient_id: int, **columns: Any) -> None:
        record = emr.tables.demographic
        with emr.database.writing() as connection:
            connection.execute(update(record).where(record.c.demographic_no == patient_id).values(**columns))

    return change


def receive(host: OscarHost, actor: Actor, *rows: str) -> int:
    file = ListFile("\r\n".join(("PHN,Name,DOB,Mismatch,Registry value", *rows)).encode())
    upload_id = kept.keep(host, actor, Purpose.REPORT, file, "list.csv", None)
    with host.database.engine.connect() as connection:
        reading = layouts.propose(connection, file, Purpose.REPORT).reading
    said = {"kind": ReportKind.MISMATCH, "fields": tuple(map(ColumnField, FIELDS))}
    meanings = {ColumnField.MISMATCH: {text: text for text in Mismatch}, ColumnField.GENDER: {"1": "male"}}
    return receiving.receive(host, actor, upload_id, file, reading.model_copy(update=said | {"codes": meanings}))


def rows(host: OscarHost, actor: Actor, report_id: int) -> list[ReportRow]:
    with host.database.engine.connect() as connection:
        return list(listing.rows_of(connection, host, actor, report_id, None, 0).rows)


def states(host: OscarHost) -> list[str]:
    with host.database.engine.connect() as connection:
        rows = report_line.join(report_row, report_line.c.line_key == report_row.c.line_key)
        query = select(report_line.c.state).select_from(rows).order_by(report_row.c.row_number)
        return list(connection.scalars(query))


@pytest.mark.parametrize(
    ("code", "registry", "after"),
    [
        ("family-name", "COTE ROY", {"last_name": "Côté-Roy"}),
        ("given-name", "Pat Anne", {"middleNames": "Anne"}),
        ("birth-date", "1981-02-03", {"year_of_birth": "1981"}),
        ("gender", "Male", {"sex": "M"}),
        ("gender", "1", {"sex": "M"}),
        ("gender", "Other", {"sex": "X"}),
        ("phn", "100 000 009", {"hin": "100000009"}),
    ],
)
def test_a_line_is_fixed_by_itself_when_the_record_has_what_the_registry_has(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    correct: Correct,
    code: str,
    registry: str,
    after: dict[str, str],
) -> None:
    patient_id = oscar.patient(hin="100000001", last_name="Roy", first_name="Pat", born="1980-02-03", sex="F")
    report_id = receive(site, clerk, f"100000001,,,{code},{registry}", "100000001,,,other,Something")
    comparing.compare_to_show(site)
    assert (states(site), [row.is_fixed for row in rows(site, clerk, report_id)]) == (["open", "open"], [False, False])
    correct(patient_id, **after)
    [row, other] = rows(site, clerk, report_id)
    assert (row.is_fixed, other.is_fixed, other.own_value) == (True, False, None)
    comparing.compare_to_show(site)
    assert states(site) == ["fixed", "open"]


def test_the_scheduler_compares_lines_with_records_once_an_hour(
    site: OscarHost, oscar: Any, clerk: Actor, correct: Correct, clock: FixedClock
) -> None:
    def minute() -> None:
        clock.move_to(clock.now() + timedelta(minutes=1))
        job.run(clock.now())

    plugins = Plugins()
    plugins.load_installed()
    [job] = [job for job in plugins.emr_scheduled_jobs(site) if job.name == "cpar-reports"]
    patient_id = oscar.patient(hin="100000001", last_name="Roy", first_name="Pat", born="1980-02-03", sex="F")
    receive(site, clerk, "100000001,,,gender,M")
    minute()
    correct(patient_id, sex="M")
    minute()
    assert states(site) == ["open"]
    clock.move_to(clock.now() + timedelta(hours=1))
    minute()
    assert states(site) == ["fixed"]
    correct(patient_id, sex="F")
    clinic.disable(site, clerk)
    clock.move_to(clock.now() + timedelta(hours=1))
    minute()
    assert states(site) == ["fixed"]
    clinic.enable(site, clerk)
    minute()
    assert states(site) == ["open"]


def test_a_report_that_comes_after_the_correction_opens_no_line(site: OscarHost, oscar: Any, clerk: Actor) -> None:
    oscar.patient(hin="100000001", last_name="Roy", first_name="Pat", born="1980-02-03", sex="F")
    report_id = receive(site, clerk, "100000001,,,family-name,ROY", "100000001,,,gender,", "100000001,,,phn,100000002")
    assert states(site) == ["fixed", "open", "open"]
    assert [row.own_value for row in rows(site, clerk, report_id)] == ["Roy", "F", "100000001"]


def test_who_is_only_proposed_is_compared_once_accepted(site: OscarHost, oscar: Any, clerk: Actor) -> None:
    oscar.patient(hin="100000001", last_name="Roy", first_name="Pat", born="1980-02-03", sex="F")
    report_id = receive(site, clerk, "100000001,Else,1990-01-01,family-name,Roy")
    [row] = rows(site, clerk, report_id)
    assert (row.how, row.own_value, row.is_fixed, states(site)) == ("phn-only", None, False, ["open"])
    accepting.accept(site, clerk, report_id, [2])
    comparing.compare_to_show(site)
    assert states(site) == ["fixed"]


def test_a_proposal_is_accepted_by_no_one_who_may_not_see_the_record_that_was_kept(
    site: OscarHost, oscar: Any, clerk: Actor
) -> None:
    oscar.provider("401", last_name="Penner", first_name="Ada")
    oscar.role("401", "manager")
    oscar.privilege("manager", "_demographic", "x")
    retired = oscar.patient(hin="100000001", last_name="Roy", first_name="Pat", born="1980-02-03", sex="F")
    kept_record = oscar.patient(hin="100000008", last_name="Roy", first_name="Pat", born="1970-02-03", sex="F")
    report_id = receive(site, clerk, "100000001,Else,1990-01-01,family-name,Roy")
    colleague = Actor(actor_id="401", display_name="Penner, Ada")
    assert accepting.accept(site, colleague, report_id, [2]) == 1
    assert accepting.withdraw(site, colleague, report_id, [2]) == 1
    oscar.privilege("401", f"_demographic${kept_record}", "o")
    oscar.merge(retired, kept_record)
    assert accepting.accept(site, colleague, report_id, [2]) == 0


def test_what_the_system_has_fixed_is_in_the_history_apart_from_what_a_person_has_done(
    site: OscarHost, oscar: Any, clerk: Actor, correct: Correct, clock: FixedClock
) -> None:
    patient_id = oscar.patient(hin="100000001", last_name="Roy", first_name="Pat", born="1980-02-03", sex="F")
    oscar.patient(hin="100000002", last_name="Poirier", first_name="Ann", born="1980-02-03", sex="F")
    receive(site, clerk, "100000001,,,family-name,Cote", "100000002,,,family-name,Adams")
    done = LineChange(LineAction.SET_STATE, state=ReportLineState.DONE, state_label="Done")
    second = shown(site, clerk)[1]
    working.change_selected(site, clerk, [SeenLine((second.line_id,), second.version)], done)
    [line] = shown(site, clerk)
    assert (line.own_value, line.details[ColumnField.REGISTRY_VALUE]) == ("Roy", "Cote")
    assert [each.kind for each in of_patient.to_do_of(site, patient_id)] == [ReportKind.MISMATCH]
    clock.move_to(clock.now() + timedelta(hours=1))
    correct(patient_id, last_name="Cote")
    assert of_patient.to_do_of(site, patient_id) == []
    comparing.compare_to_show(site)
    states = {line.line_id: line.state for line in shown(site, clerk, shown=LinesShown.NOT_CLOSED)}
    assert states == {line.line_id: ReportLineState.FIXED, second.line_id: ReportLineState.DONE}
    assert [line.line_id for line in shown(site, clerk, state=ReportLineState.FIXED)] == [line.line_id]
    event = line_history.history_of(site, clerk, Settings(), line.line_id).events[0]
    assert (event.text, event.by, event.at) == (
        "The record has what the registry has; Open \u2192 Fixed in the record",
        "Automatic",
        clock.now(),
    )
    assert event.operation_id is None, "what the record has is not undone from here"
    exported = list(lines_csv.export(site, clerk, Settings(), ReportLineCriteria(shown=LinesShown.NOT_CLOSED)))
    columns = [
        exported[0].index(name) for name in (CsvColumn.LINE_STATE, CsvColumn.OUR_VALUE, CsvColumn.REGISTRY_VALUE)
    ]
    assert [[row[column] for column in columns] for row in exported[1:]] == [
        ["Fixed in the record", "Cote", "Cote"],
        ["Done", "Poirier", "Adams"],
    ]


def test_a_line_opens_again_when_the_record_no_longer_has_what_the_registry_has(
    site: OscarHost, oscar: Any, clerk: Actor, correct: Correct, clock: FixedClock
) -> None:
    patient_id = oscar.patient(hin="100000001", last_name="Roy", first_name="Pat", born="1980-02-03", sex="F")
    receive(site, clerk, "100000001,,,family-name,Roy")
    [line] = shown(site, clerk, state=ReportLineState.FIXED)
    clock.move_to(clock.now() + timedelta(hours=1))
    correct(patient_id, last_name="Poirier")
    comparing.compare_to_show(site)
    assert [one.line_id for one in shown(site, clerk, state=ReportLineState.OPEN)] == [line.line_id]
    text = line_history.history_of(site, clerk, Settings(), line.line_id).events[0].text
    assert text == "The record no longer has what the registry has; Fixed in the record \u2192 Open"
    comparing.compare_to_show(site)
    assert len(line_history.history_of(site, clerk, Settings(), line.line_id).events) == 3


def shown(host: OscarHost, actor: Actor, **criteria: Any) -> list[lines.ReportLine]:
    return list(lines.show(host, actor, Settings(), ReportLineCriteria(**criteria), 0).lines)
