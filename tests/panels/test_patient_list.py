"""What a list of the EMR's, such as a day sheet, is told of each of its patients."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.to_do import ToDo
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.plugin import emr_patient_notes
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.panels.patient_list import ListedPatient, listed_patients
from cpar_plugin.settings import load
from cpar_plugin.web import blueprint
from oscar_host.host import OscarHost

MakePanel = Callable[..., int]
Listed = Callable[..., dict[int, ListedPatient]]


@pytest.fixture
def listed(site: OscarHost, clerk: Actor) -> Listed:
    """What is told, by patient."""

    def read(*patient_ids: int, actor: Actor = clerk, **settings: str) -> dict[int, ListedPatient]:
        result = listed_patients(site, actor, load(settings), patient_ids)
        return {one.patient_id: one for one in result}

    return read


@pytest.fixture
def member(site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel) -> Callable[..., int]:
    """Makes a patient who was seen, and puts them on panel 0042 today."""
    panel_id = make_panel("0042")

    def make(**columns: Any) -> int:
        patient_id: int = oscar.patient(**({"hin": f"{100_000_000 + len(made)}"} | columns))
        made.append(patient_id)
        oscar.visit(patient_id)
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
        return patient_id

    made: list[int] = []
    return make


def test_each_patient_is_reported_with_the_panel_and_what_there_is_to_do(
    member: Callable[..., int], oscar: Any, clock: FixedClock, listed: Listed
) -> None:
    lapsed = member()
    clock.move_to(clock.now() + timedelta(days=366))
    well, without_phn = member(), member(hin="")
    nobodys, gone = oscar.patient(), oscar.patient(patient_status="MO")
    result = listed(well, without_phn, lapsed, nobodys, gone)
    assert {key: one.panel_number for key, one in result.items()} == {
        well: "0042",
        without_phn: "0042",
        lapsed: "0042",
        nobodys: None,
        gone: None,
    }
    assert result[without_phn].reasons == (Reason.NO_PHN,)
    assert {key: one.to_do for key, one in result.items()} == {
        well: (),
        without_phn: (ToDo.EXCLUDED,),
        lapsed: (ToDo.NOT_CONFIRMED,),
        nobodys: (ToDo.NOT_PANELED,),
        gone: (),
    }


def test_after_how_many_months_is_a_setting(member: Callable[..., int], clock: FixedClock, listed: Listed) -> None:
    patient_id = member()
    clock.move_to(clock.now() + timedelta(days=70))
    assert listed(patient_id)[patient_id].to_do == ()
    assert listed(patient_id, unconfirmed_months="2")[patient_id].to_do == (ToDo.NOT_CONFIRMED,)


def test_a_phn_that_another_member_has_excludes_whether_or_not_both_are_listed(
    member: Callable[..., int], listed: Listed
) -> None:
    one, other = member(hin="123456782"), member(hin="123456782")
    assert listed(one)[one].reasons == listed(one, other)[other].reasons == (Reason.SHARED_PHN,)


def test_nothing_is_said_of_patients_the_reader_may_not_see(
    site: OscarHost, member: Callable[..., int], oscar: Any, listed: Listed
) -> None:
    open_one, closed = member(), member()
    oscar.provider("201")
    oscar.role("201", "receptionist")
    oscar.privilege("receptionist", "_demographic", "x")
    oscar.privilege("201", f"_demographic${closed}", "o", 1)
    receptionist = Actor(actor_id="201", display_name="Reception")
    assert listed(open_one, closed, actor=receptionist).keys() == {open_one}
    assert listed(open_one, closed, actor=Actor(actor_id="999", display_name="Nobody")) == {}


def test_strangers_merged_records_and_impossible_numbers_are_not_found(
    member: Callable[..., int], oscar: Any, listed: Listed
) -> None:
    kept, retired = member(), oscar.patient()
    oscar.merge(retired, kept)
    assert listed(kept, retired, 999_999, 0, -1, 10**30).keys() == {kept}
    assert listed() == {}


def test_nothing_is_reported_while_the_integration_is_off(
    site: OscarHost, clerk: Actor, member: Callable[..., int], listed: Listed
) -> None:
    patient_id = member()
    clinic.disable(site, clerk)
    assert listed(patient_id) == {}


def test_the_look_is_in_the_audit_trail_in_one_line(site: OscarHost, clerk: Actor, member: Callable[..., int]) -> None:
    one, other = member(), member()
    log = site.tables.log
    with site.database.engine.connect() as connection:
        before = len(connection.execute(select(log.c.id)).all())
    app = Flask(__name__)
    app.register_blueprint(blueprint(site))
    with app.test_request_context("/cpar/notes"):
        emr_patient_notes(site, clerk, [other, one, 999_999])
    with site.database.engine.connect() as connection:
        [row] = connection.execute(select(log).order_by(log.c.id).offset(before)).all()
    assert (row.action, row.content, row.data) == ("read", "cparPanelMember", f"list of records: {one} {other}")


def test_a_whole_day_takes_as_many_statements_as_one_patient(
    member: Callable[..., int], listed: Listed, statements: Any
) -> None:
    patients = [member() for _ in range(12)]
    counts = []
    for day in (patients[:1], patients):
        with statements() as sent:
            assert len(listed(*day)) == len(day)
        counts.append(len(sent))
    assert counts[0] == counts[1] <= 5


def test_the_words_say_what_to_do(
    site: OscarHost, clerk: Actor, member: Callable[..., int], oscar: Any, clock: FixedClock
) -> None:
    lapsed = member(hin="")
    nobodys = oscar.patient()
    clock.move_to(clock.now() + timedelta(days=366))
    app = Flask(__name__)
    app.register_blueprint(blueprint(site))
    with app.test_request_context():
        notes = {note.patient_id: note for note in emr_patient_notes(site, clerk, [lapsed, nobodys])}
    assert {note.title for note in notes.values()} == {"Panel"}
    assert (notes[nobodys].text, notes[nobodys].to_do) == ("Not Paneled", ("Not Paneled.",))
    assert notes[lapsed].text == "0042"
    assert notes[lapsed].work_url == f"/cpar/check-in/{lapsed}"
    assert notes[lapsed].to_do == (
        "No PHN. Enter the patient's PHN. EMR field: Health Ins. #.",
        "Last confirmed Nov 10, 2026.",
    )
