"""A panel from its creation to the file of a submission, by way of a bulk update."""

import json
import re
from datetime import date, datetime, time
from itertools import count
from pathlib import Path
from uuid import uuid4

from flask.testing import FlaskClient

from ..hooks import Actor, Plugins
from ..hooks.conformance import Bench, NewPatient, NewProvider, NewVisit, VisitOutcome
from ..services.operations import access, clinic

_MORNINGS = count(uuid4().int % 2400)


def test_a_bulk_update_is_submitted_with_exactly_the_right_people(bench: Bench) -> None:
    clinic.enable(bench.host, bench.host.identity.system)  # as `cpar enable` does
    morning = _morning(bench)
    bench.set_clock(morning)
    manager = bench.person(permissions=[access.MANAGE])
    doctor = bench.provider(NewProvider(family_name="Okafor", given_name="Adaeze", practitioner_id=_digits(9)))
    right_people = _people(bench, manager, doctor)
    before = _files(bench)
    _submit(bench, manager, doctor)

    bench.set_clock(morning.replace(day=morning.day + 1, hour=3, minute=15))
    plugins = Plugins()
    plugins.load_installed()
    for job in plugins.emr_scheduled_jobs(bench.host):
        job.run(bench.host.clock.now())

    [file] = _files(bench) - before
    resources = [entry["resource"] for entry in json.loads(file.read_text(encoding="utf-8"))["entry"]]
    sent = {
        number["value"]
        for resource in resources
        if resource["resourceType"] == "Patient"
        for number in resource["identifier"]
    }
    phns = {number for number in sent if number in right_people}
    patients = [resource for resource in resources if resource["resourceType"] == "Patient"]
    assert phns == {phn for phn, is_submitted in right_people.items() if is_submitted}
    assert len(patients) == len(phns), "and no one else"


def _morning(bench: Bench) -> datetime:
    """Of a day before another one's night run: each takes place once, and this database may have been checked before.

    The second to the fifth of a month: after the blackout, and the night after it before the automatic day.
    """
    day, month = divmod(next(_MORNINGS) % 2400, 600)
    return datetime(2030 + month // 12, 1 + month % 12, 2 + day, 10, tzinfo=bench.host.clock.zone)


def _digits(number: int) -> str:
    """Some that no one else has."""
    return str(uuid4().int)[:number]


def _people(bench: Bench, manager: Actor, doctor: str) -> dict[str, bool]:
    """By PHN, whether the patient is to be submitted: two are, one of them because of a visit of a merged record."""
    active = bench.host.roster.active_status
    inactive = next(status for status in bench.host.roster.status_labels if status != active)
    series, numbers = _digits(5), count()
    people: dict[str, bool] = {}

    def patient(
        name: str,
        is_submitted: bool,
        *,
        mrp_id: str = doctor,
        status: str = active,
        seen: VisitOutcome | None = VisitOutcome.ATTENDED,
    ) -> int:
        phn = f"{series}{next(numbers):04}"
        people[phn] = is_submitted
        new = NewPatient(
            phn=phn,
            phn_jurisdiction="AB",
            family_name=name,
            given_name="Pat",
            birth_date="1980-11-12",
            gender="F",
            status=status,
            mrp_id=mrp_id,
        )
        patient_id = bench.patient(new)
        if seen:
            bench.visit(
                NewVisit(
                    patient_id=patient_id, provider_id=doctor, day=date(2026, 5, 5), time=time(9, 30), outcome=seen
                )
            )
        return patient_id

    patient("Abel", True)
    kept = patient("Berg", True, seen=None)
    bench.merge(patient("Berg", False), kept)
    patient("Never-Seen", False, seen=None)
    patient("No-Show", False, seen=VisitOutcome.NO_SHOW)
    patient("Inactive", False, status=inactive)
    patient("Elsewhere", False, mrp_id=bench.provider(NewProvider(family_name="Other")))
    bench.deny_access(manager, patient("Barred", False))
    return people


def _submit(bench: Bench, manager: Actor, doctor: str) -> None:
    """As a manager does it at a browser."""
    browser, number = bench.browser(manager), uuid4().hex[:8]
    with browser:
        version = _read(browser, "/cpar/settings", r'name="version" value="(\d+)"')
        _send(browser, "/cpar/settings", name="Conformance Clinic", site_id="S-1", version=version)
        _send(
            browser,
            "/cpar/panels/new",
            number=number,
            facilities="113",
            providers=doctor,
            practitioner_ids="",
            notify="",
            step="save",
        )
        panel_id = _read(browser, "/cpar/panels", rf"/cpar/panels/(\d+)[^0-9][^<]*>\s*{number}")
        order = {"kind": "assign", "provider_id": doctor, "panel_id": panel_id, "from_panel_id": ""}
        _send(browser, "/cpar/bulk", **order, status=bench.host.roster.active_status, step="carry-out")
        _send(browser, f"/cpar/panels/{panel_id}/submit")


def _read(browser: FlaskClient, path: str, pattern: str) -> str:
    answer = browser.get(path)
    assert answer.status_code == 200, f"{path}: register the blueprints of plugins ({answer.status})"
    match = re.search(pattern, answer.get_data(as_text=True))
    assert match, f"{path}: the page of the plugin is not in the host's frame"
    return match[1]


def _send(browser: FlaskClient, path: str, **fields: str) -> None:
    token = _read(browser, "/cpar/settings", r'name="csrf_token" value="([^"]+)"')
    answer = browser.post(path, data={**fields, "csrf_token": token})
    assert answer.status_code == 303, f"POST {path} is answered with {answer.status}: {answer.get_data(as_text=True)}"


def _files(bench: Bench) -> set[Path]:
    return set(Path(bench.host.settings["outbox_folder"]).glob("*.json"))
