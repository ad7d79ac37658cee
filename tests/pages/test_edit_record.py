"""The embedded EMR's form for a patient's record and appointments, with which exclusions are fixed."""

import re
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.panels import one_patient
from oscar_host.host import OscarHost

from ..conftest import NOW, place_of_the_emr

pytestmark = pytest.mark.databases("one")

place = place_of_the_emr

MARK = NOW.replace(tzinfo=None).isoformat()
FIELDS = ("last_name", "first_name", "birth_date", "sex", "hin", "hc_type", "patient_status", "provider_no")


def _text(answer: Any) -> str:
    return re.sub(r"\s+", " ", answer.get_data(as_text=True))


def _record(host: OscarHost, patient: int) -> Any:
    record = host.tables.demographic
    with host.database.engine.connect() as connection:
        columns = [column for column in record.c if not column.system]
        return connection.execute(select(*columns).where(record.c.demographic_no == patient)).one()


def _shown(page: str) -> dict[str, str]:
    """What the form sends when nothing in it is changed."""
    inputs = dict(re.findall(r'<input id="\w+" name="(\w+)" value="([^"]*)"', page))
    option = r'<select id="[\w-]+" name="([\w-]+)"(?:(?!</select>).)*?<option value="([^"]*)" selected'
    chosen = re.findall(option, page)
    mark = re.findall(r'name="(mark)" value="([^"]+)"', page)
    return inputs | dict(chosen) | dict(mark)


@pytest.mark.databases("both")
def test_every_exclusion_that_a_record_causes_is_fixed_on_its_form(
    host: OscarHost, oscar: Any, reception: Any, panel: int
) -> None:
    patient = oscar.patient(
        last_name="", born="1980-02-31", sex="", hin="12", hc_type="BC", patient_status="IN", provider_no="102"
    )
    visit = oscar.visit(patient, status="N")
    one_patient.choose(host, host.identity.system, patient, panel, seen_panel_id=None)
    assert "Will be excluded" in _text(reception.get(f"/patients/{patient}"))
    form = _shown(_text(reception.get(f"/patients/{patient}/edit")))
    assert {name: form[name] for name in FIELDS} == {
        "last_name": "",
        "first_name": "Pat",
        "birth_date": "1980-02-31",
        "sex": "",
        "hin": "12",
        "hc_type": "BC",
        "patient_status": "IN",
        "provider_no": "102",
    }
    assert form[f"appointment-{visit}"] == "N"
    fixed = {
        "hc_renew_date": "2027-02-03",
        "last_name": "Brightwater",
        "birth_date": "1980-03-02",
        "sex": "F",
        "hin": "100000001",
        "hc_type": "AB",
        "patient_status": "AC",
        "provider_no": "101",
        f"appointment-{visit}": "B",
    }
    answer = reception.post(f"/patients/{patient}/edit", **form | fixed)
    assert (answer.status_code, answer.location) == (303, f"/patients/{patient}")
    page = _text(reception.get(f"/patients/{patient}"))
    assert "BRIGHTWATER" in page
    assert "Will be excluded" not in page
    row = _record(host, patient)
    assert (row.year_of_birth, row.month_of_birth, row.date_of_birth) == ("1980", "03", "02")
    assert (row.eff_date, row.hc_renew_date) == (None, date(2027, 2, 3))
    assert (row.lastUpdateUser, row.patient_status_date) == ("201", NOW.date())


def test_a_change_is_written_to_the_log_by_its_fields_without_values_and_saving_the_same_changes_nothing(
    host: OscarHost, oscar: Any, reception: Any, clock: FixedClock
) -> None:
    patient = oscar.patient(hin="100000001")
    visit = oscar.visit(patient)
    form = _shown(_text(reception.get(f"/patients/{patient}/edit")))
    clock.move_to(clock.now() + timedelta(minutes=5))
    reception.post(f"/patients/{patient}/edit", **form)
    assert _record(host, patient).lastUpdateDate.isoformat() == MARK
    reception.post(f"/patients/{patient}/edit", **form | {"hin": "200000003", f"appointment-{visit}": "C"})
    log = host.tables.log.c
    with host.database.engine.connect() as connection:
        rows = connection.execute(
            select(log.content, log.contentId, log.demographic_no, log.data).where(
                log.action == "update", log.content != "cparSettings"
            )
        ).all()
    assert [tuple(row) for row in rows] == [
        ("demographic", str(patient), patient, "changed: hin"),
        ("appointment", str(visit), patient, "changed: status"),
    ]


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"birth_date": "1980-02-31"}, "Enter the date of birth as YYYY-MM-DD"),
        ({"birth_date": "2 March"}, "Enter the date of birth as YYYY-MM-DD"),
        ({"hc_renew_date": "2027-02-30"}, "Enter the Health Card Renew Date as YYYY-MM-DD"),
        ({"last_name": "x" * 31}, "Last Name: at most 30 characters."),
        ({"first_name": "\N{SEE-NO-EVIL MONKEY}"}, "OSCAR cannot store others"),
        ({"mark": "2020-01-01T00:00:00", "sex": "M"}, "Someone else changed this record in the meantime"),
    ],
)
def test_what_cannot_be_saved_is_said_at_the_form_and_changes_nothing(
    host: OscarHost, oscar: Any, reception: Any, fields: dict[str, str], message: str
) -> None:
    patient = oscar.patient()
    before = _record(host, patient)
    form = _shown(_text(reception.get(f"/patients/{patient}/edit")))
    answer = reception.post(f"/patients/{patient}/edit", **form | fields)
    assert answer.status_code in (409, 422)
    assert message in _text(answer)
    assert _record(host, patient) == before


def test_who_may_only_read_records_is_offered_no_form(oscar: Any, no_rights: Any, app: Any) -> None:
    patient = oscar.patient()
    oscar.role("401", "reader")
    oscar.privilege("reader", "_demographic", "r")
    assert "/edit" not in _text(no_rights.get(f"/patients/{patient}"))
    for answer in (no_rights.get(f"/patients/{patient}/edit"), no_rights.post(f"/patients/{patient}/edit")):
        assert answer.status_code == 403
        assert "let you read this record, but not change it" in _text(answer)


def test_a_record_that_is_gone_has_no_form_and_another_patients_appointment_stays(
    host: OscarHost, oscar: Any, reception: Any
) -> None:
    patient, other = oscar.patient(), oscar.patient()
    visit = oscar.visit(other)
    assert reception.get("/patients/987654/edit").status_code == 404
    assert reception.post("/patients/987654/edit").status_code == 404
    form = _shown(_text(reception.get(f"/patients/{patient}/edit")))
    reception.post(f"/patients/{patient}/edit", **form | {f"appointment-{visit}": "C"})
    table = host.tables.appointment
    with host.database.engine.connect() as connection:
        assert connection.scalar(select(table.c.status).where(table.c.appointment_no == visit)) != "C"
