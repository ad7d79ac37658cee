"""Whatever is sent to whichever address: no failure of ours, no trace, and nothing of patients in the log.

Some of it at each run, from a seed. For more, or other input: `CPAR_TEST_INPUTS="12000 7"` (how many, from which seed).
"""

import logging
import os
import random
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from werkzeug.routing import Rule

from cpar_plugin.services import bulk
from oscar_host.host import OscarHost

from ..fhirapi.receiver import a_subscription
from .conftest import Person
from .list_layouts import a_letter, a_registry_list, a_report, an_affiliation, emptied_and_filled
from .test_bad_input import HOSTILE
from .test_rights import EXPECTED, a_client

MANY, SEED = (int(part) for part in os.environ.get("CPAR_TEST_INPUTS", "200 1").split())
SOME = 70
NAME, PHN = "Zachariassen", "987654321"
FIELD = re.compile(r"<(?:input|select|textarea|button)[^>]* name=\"([^\"]+)\"(?:[^>]* value=\"([^\"]*)\")?")
TEXTS = [
    *HOSTILE,
    NAME,
    PHN,
    "=1+1",
    "%00",
    "\r\nX-Injected: 1",
    "2026-02-30",
    "0000-00-00",
    "NaN",
    "true",
    "[]",
    "101",
    "AC",
]
NUMBERS = ("0", "-1", "1", "2147483647", "2147483648", "9223372036854775807", "9223372036854775808", "1e3", "x")
MORE_HEADERS = (
    {},
    {"HX-Request": "true"},
    {"Accept-Language": "\xff"},
    {"Referer": f"http://localhost/{NAME}"},
    {"Content-Type": "application/json"},
    {"Content-Type": "multipart/form-data; boundary=x"},
    {"Range": "bytes=9-1"},
    {"If-None-Match": '"'},
)


def address(rule: Rule, ids: dict[str, int], otherwise: str = "1") -> str:
    """The path of a rule, with the ids that there are."""
    return re.sub(r"<(?:[^>]*:)?([^>:]+)>", lambda found: str(ids.get(found[1], otherwise)), rule.rule)


class Generator:
    """Draws requests: mostly right ones of which some parts are not."""

    def __init__(self, app: Flask, seed: int, ids: dict[str, int], fields: dict[str, list[str]]) -> None:
        self.chance = random.Random(seed)
        self._rules = [rule for rule in app.url_map.iter_rules() if not rule.endpoint.startswith("cpar_fhir.")]
        self._ids, self._fields = ids, fields

    def draw(self) -> tuple[str, str, dict[str, Any]]:
        """A method, an address, and what else Flask's test client takes."""
        rule = self.chance.choice(self._rules)
        method = self.chance.choice(sorted(rule.methods or {"GET"}) if self.chance.random() < 0.9 else ["PUT", "TRACE"])
        more: dict[str, Any] = {"headers": self.chance.choice(MORE_HEADERS)}
        if self.chance.random() < 0.5:
            more["query_string"] = self._values()
        if method == "POST":
            more["data"] = self.chance.randbytes(50) if self.chance.random() < 0.05 else self._values()
        return method, self._address(rule), more

    def _address(self, rule: Rule) -> str:
        return address(rule, self._ids if self.chance.random() < 0.8 else {}, self.chance.choice(NUMBERS))

    def _values(self) -> dict[str, list[str]]:
        names = self.chance.sample(sorted(self._fields), self.chance.randint(0, 6))
        return {
            name: [
                self.chance.choice(self._fields[name] if self.chance.random() < 0.5 else TEXTS)
                for _ in range(self.chance.choice((1, 1, 1, 2, 3)))
            ]
            for name in names
        }


def _all_fields(pages: Iterator[str]) -> dict[str, list[str]]:
    """The fields of all forms by name, with right values."""
    fields: dict[str, set[str]] = {"next": {"/"}, "page": {"1"}, "sort": {"name"}}
    for page in pages:
        for name, value in FIELD.findall(page):
            fields.setdefault(name, set()).add(value)
    return {name: sorted(values) for name, values in fields.items() if name != "csrf_token"}


@pytest.fixture
def ids(host: OscarHost, oscar: Any, panel: int) -> dict[str, int]:
    """What there is to be asked for."""
    patient = oscar.patient(last_name=NAME, hin=PHN)
    oscar.visit(patient)
    assigned = bulk.carry_out(host, host.identity.system, bulk.Assign("101", "AC", panel))
    assert assigned.operation_id
    affiliation = an_affiliation(host, "North", patient)
    return {
        "patient_id": patient,
        "panel_id": panel,
        "operation_id": assigned.operation_id,
        "submission_id": 1,
        "report_id": a_report(host, patient, 1),
        "list_id": a_registry_list(host, patient, 1),
        "line_id": a_report(host, patient, 2, accepted=True),
        "other_id": affiliation,
        "other_operation_id": emptied_and_filled(host, affiliation),
        "letter_id": a_letter(host, patient),
        "client_no": a_client(host, "Network"),
        "subscription_no": a_subscription(host),
        "role_no": 1,
    }


@pytest.mark.parametrize(
    "count",
    [pytest.param(SOME, marks=pytest.mark.databases("one")), pytest.param(MANY, marks=pytest.mark.large)],
    ids=["some", "many"],
)
def test_no_input_makes_us_fail_or_is_in_the_log(
    count: int, app: Flask, ids: dict[str, int], manager: Person, caplog: pytest.LogCaptureFixture
) -> None:
    shown = (rule for rule in app.url_map.iter_rules() if ("GET", rule.endpoint) in EXPECTED)
    pages = (manager.get(address(rule, ids)).get_data(as_text=True) for rule in shown)
    generator = Generator(app, SEED, ids, _all_fields(pages))
    token = manager.shown_token()
    caplog.set_level(logging.DEBUG)
    statuses = set()
    for _ in range(count):
        method, path, more = generator.draw()
        if isinstance(more.get("data"), dict):
            more["data"]["csrf_token"] = token
        with manager.client.open(path, method=method, **more) as answer:
            page = answer.get_data(as_text=True)
            statuses.add(answer.status_code)
            assert answer.status_code < 500, (method, path, more, page)
            assert "Traceback" not in page
            assert "X-Injected" not in answer.headers
        if "/sign-" in path:
            manager.sign_in()
            token = manager.shown_token()
    assert {200, 404, 405, 422} <= statuses
    assert count == SOME or {303, 400} <= statuses
    logged = " ".join(record.getMessage() + str(record.exc_info or "") for record in caplog.records)
    assert NAME not in logged
    assert PHN not in logged
