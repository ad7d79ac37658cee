"""Twenty people at work in OSCAR for a minute, through nginx and Tomcat: the panel box of each record that they open.

Then the day sheet with forty appointments, with our marks and without, in Chromium. Tomcat, nginx, MariaDB and Chromium
have to be installed: `sh scripts/needs.sh mariadb browser nginx tomcat`.
"""

import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from math import ceil
from statistics import median, quantiles
from threading import Event
from time import monotonic, perf_counter, sleep
from typing import NamedTuple

import click
import requests
from playwright.sync_api import Page, sync_playwright

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from oscar_host.demo.mariadb import private_mariadb
from tests.browser import launched
from tests.conftest import Oscar as OscarRows
from tests.sidecar_bed.bed import Bed
from tests.sidecar_bed.conftest import master_record
from tests.sidecar_bed.installed import DOCTOR, host_of, installed_bed, oscar_database
from tests.sidecar_bed.oscar import PASSWORD

PEOPLE, SECONDS, PAUSE = 20, 60, 0.5
PATIENTS, APPOINTMENTS, ROUNDS = 40, 40, 15
MOST_QUESTIONS, MOST_RATIO = 4, 1.2  # of a session in a minute; of the day sheet with marks to the one without
_DAY = "/oscar/provider/providercontrol.jsp"
_UNMARKED = f"{_DAY};"  # the same for Tomcat, and another address for nginx, which adds nothing there


class Work(NamedTuple):
    """What one person has done: seconds of each box that was answered, and how many were not."""

    seconds: list[float]
    failures: int


def main() -> None:
    """Print what was measured; exit with 1 where it misses its aims."""
    with private_mariadb() as server, oscar_database(server) as rows:
        people = _staff(rows)
        with installed_bed(server, str(rows.tables.metadata.schema)) as bed:
            patients = _patients(rows, bed)
            fine = [_boxes(bed, people, patients), _day_sheet(bed, patients)]
    if not all(fine):
        sys.exit(1)


def _staff(rows: OscarRows) -> list[str]:
    people = [str(number) for number in range(500, 500 + PEOPLE)]
    for provider_id in people:
        rows.provider(provider_id, last_name=f"Person {provider_id}", first_name="Ada")
        rows.role(provider_id, "doctor")
    return people


def _patients(rows: OscarRows, bed: Bed) -> list[int]:
    """Half of them on a panel."""
    patients = [rows.patient(hin=str(200_000_000 + number)) for number in range(PATIENTS)]
    with host_of(bed) as host:
        system = host.identity.system
        with host.database.engine.connect() as connection:
            version = clinic.load(connection).version
        clinic.save(host, system, name="Example Clinic", site_id="S-1", version=version)
        panel_id = editing.create(host, system, panel_draft("0042", ["113"], [(DOCTOR, "123456789")]))
        for patient_id in patients[::2]:
            rows.visit(patient_id)
            one_patient.choose(host, system, patient_id, panel_id, seen_panel_id=None)
    return patients


def _boxes(bed: Bed, people: list[str], patients: list[int]) -> bool:
    before, end, began = len(bed.oscar.questions()), Event(), monotonic()
    with ThreadPoolExecutor(len(people)) as pool:
        work = [pool.submit(_at_work, bed, provider_id, patients, end) for provider_id in people]
        sleep(SECONDS)
        end.set()
        result = [one.result() for one in work]
    minutes = max((monotonic() - began) / 60, 1)
    boxes, failures = [second * 1000 for one in result for second in one.seconds], sum(one.failures for one in result)
    asked = Counter(line.cookie for line in bed.oscar.questions()[before:])
    most = max(asked.values())
    click.echo(
        f"{PEOPLE} people, {SECONDS} s: {len(boxes)} boxes, {failures} not answered; median {median(boxes):.0f} ms, "
        f"95 of 100 within {quantiles(boxes, n=20)[-1]:.0f} ms. Questions to OSCAR for one session: {most} at most."
    )
    return not failures and most <= ceil(MOST_QUESTIONS * minutes)


def _at_work(bed: Bed, provider_id: str, patients: list[int], end: Event) -> Work:
    """Open one record after the other, each with its box as record.js fetches it."""
    seconds: list[float] = []
    failures = 0
    with requests.Session() as person:
        person.trust_env, person.verify = False, bed.authority
        form = {"username": provider_id, "password": PASSWORD}
        person.post(f"{bed.site}/oscar/login.do", data=form, timeout=60).raise_for_status()
        number = int(provider_id)
        while not end.wait(PAUSE):
            number += 1
            patient_id = patients[number % len(patients)]
            record = person.get(bed.site + master_record(patient_id), timeout=60)
            began = perf_counter()
            box = person.get(
                f"{bed.site}/oscar/cpar/page/patients/{patient_id}", headers={"HX-Request": "true"}, timeout=60
            )
            seconds.append(perf_counter() - began)
            failures += "record.js" not in record.text or "Panel (CPAR)" not in box.text
    return Work(seconds, failures)


def _day_sheet(bed: Bed, patients: list[int]) -> bool:
    day = [(number, patients[number % len(patients)], f"PERSON, {number}", "09:15") for number in range(APPOINTMENTS)]
    bed.oscar.set(appointments=day)
    with _signed_in(bed) as page:
        asked: list[str] = []
        page.on("request", lambda request: asked.append(request.url) if "/oscar/cpar/page/" in request.url else None)
        times: dict[str, list[float]] = {_DAY: [], _UNMARKED: []}
        for _ in range(ROUNDS):
            for address, result in times.items():
                page.goto(address)
                page.wait_for_load_state("networkidle")
                result.append(page.evaluate("performance.getEntriesByType('navigation')[0].loadEventEnd"))
    marked, bare = (median(result) for result in times.values())
    click.echo(
        f"Day sheet with {APPOINTMENTS} appointments: {marked:.0f} ms with our marks, {bare:.0f} ms without, ratio "
        f"{marked / bare:.2f}; {len(asked) / ROUNDS:g} request of ours each time."
    )
    return len(asked) == ROUNDS and marked <= bare * MOST_RATIO


@contextmanager
def _signed_in(bed: Bed) -> Iterator[Page]:
    with sync_playwright() as playwright, launched(playwright) as browser:
        page = browser.new_context(base_url=bed.site, ignore_https_errors=True).new_page()
        page.goto("/oscar/")
        page.get_by_label("User name").fill(DOCTOR)
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        page.wait_for_url("**/providercontrol.jsp")
        yield page


if __name__ == "__main__":
    main()
