"""Every page of the plugin in a big clinic: few SQL statements each, however many patients."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask import Flask
from sqlalchemy import insert

from benchmarks.big_clinic import PANEL_ID, fill, more_panels
from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.exclusions import due
from cpar_plugin.services.other_panels import editing as other_panels
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from ..fhirapi.receiver import a_subscription
from .conftest import MANAGER, PUBLIC_KEYS
from .list_layouts import upload_list

AT_MOST = 24  # the history of a patient takes these; of each page, three record the look
# What has a whole list, or searches one that was sent, reads 500 patients or more at a time, records looks.
WHOLE_LISTS = re.compile(r"/(print|export)$|^/cpar/(submissions/\d+|panels/\d+/rehearsal)$")
AT_ONCE, FOR_THEM = 500, 6


class Size(NamedTuple):
    """How big the clinic is; `earlier` are submissions of each panel. Lists have more than one page in each."""

    members: int
    panels: int
    earlier: int

    @property
    def parts(self) -> dict[str, int]:
        """The parts of addresses. A page with another one needs a value here."""
        return {
            "patient_id": PATIENT_ID,
            "panel_id": PANEL_ID,
            "other_id": 1,
            "other_operation_id": 1,
            "operation_id": 1,
            "submission_id": self.panels * self.earlier + 1,
            "client_no": 1,
            "subscription_no": 1,
        }


SOME, MANY = Size(500, 60, 2), Size(20_000, 300, 10)
PATIENT_ID = 1
# A form that is offered again is no page of its own, a submission's file is read piece by piece, imports and
# reports need a file that was uploaded, and these a provider who leaves.
NO_PAGES = (
    "cpar.export_import",
    "cpar.other_bulk_result",
    "cpar.other_import_columns",
    "cpar.other_import_review",
    "cpar.departure_letters",
    "cpar.departure_not_moved",
    "cpar.departure_patients",
    "cpar.import_columns",
    "cpar.import_review",
    "cpar.report",
    "cpar.remove_report",
    "cpar.letter",
    "cpar.letters_of_day",
    "cpar.report_conflict",
    "cpar.report_columns",
    "cpar.report_heaps",
    "cpar.print_report_heaps",
    "cpar.export_report_heaps",
    "cpar.report_line",
    "cpar.interrupted_form",
    "cpar.review_attachment",
    "cpar.static",
    "cpar.submission_file",
)
OTHER_PAGES = ("master_record", "details", "search", "administration")  # they show the plugin's widget or notices


ON_ONE = pytest.param(SOME, marks=pytest.mark.databases("one"))  # statements are the same on each


@pytest.fixture(params=[ON_ONE, pytest.param(MANY, marks=pytest.mark.large)], ids=["some patients", "many patients"])
def size(request: pytest.FixtureRequest) -> Size:
    """How big the clinic is."""
    result: Size = request.param
    return result


@pytest.fixture
def app(size: Size, host: OscarHost, emr: OscarHost, oscar: Any, clock: FixedClock, tmp_path: Path) -> Flask:
    """The embedded EMR with the big clinic: a bulk update has filled a panel, which was then submitted."""
    fill(emr, size.members)
    more_panels(host, size.panels)
    oscar.provider(MANAGER, last_name="Penner", provider_type="staff", ohip_no="")
    oscar.role(MANAGER, "admin", "receptionist")
    oscar.privilege("admin", "_admin", "x")
    oscar.privilege("receptionist", "_demographic", "x")
    everyone, settings = host.identity.system, Settings(outbox_folder=tmp_path / "outbox")
    filled = bulk.carry_out(host, everyone, Assign("101", "AC", PANEL_ID))
    assert (filled.operation_id, filled.added) == (size.parts["operation_id"], size.members - size.members // 50)
    with emr.database.writing() as connection:
        connection.execute(insert(tables.submission), list(_earlier(host, size)))
    assert requests.ask(host, settings, everyone, PANEL_ID) == size.parts["submission_id"]
    assert other_panels.create(host, everyone, other_draft("affiliation", "North")) == size.parts["other_id"]
    network = ClientDraft(name="Network", scopes="system/*.rs", jwks=PUBLIC_KEYS, panels=range(1, size.panels))
    assert registry.register(host, everyone, network) == registry.id_of(size.parts["client_no"])
    assert a_subscription(host) == size.parts["subscription_no"]
    clock.move_to(clock.now().astimezone(clock.zone).replace(day=11, hour=4))
    assert run_due(host, settings, clock.now()).states == {SubmissionState.WRITTEN: 1}
    due.compare_due(host, settings, clock.now())
    oscar.visit(PATIENT_ID, clock.now().astimezone(clock.zone).date(), "16:00", "t")
    plugins = Plugins()
    plugins.load_installed()
    return create_app(host, plugins)


def _earlier(host: OscarHost, size: Size) -> Iterator[dict[str, Any]]:
    """Submissions of all panels, the last of some a failure, of which every page tells."""
    now = host.clock.now()
    for time in range(1, size.earlier + 1):
        for panel_id in range(1, size.panels + 1):
            failed = time == size.earlier and panel_id % 10 == 2
            yield {
                "panel_id": panel_id,
                "requested_at": now,
                "requested_by": "101",
                "due_on": now.date(),
                "state": "failed" if failed else "written",
                "finished_at": now,
                "failure": "The registry did not answer. Press Retry." if failed else None,
            }


def _addresses(app: Flask, parts: dict[str, int]) -> Iterator[str]:
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            own = rule.endpoint.startswith("cpar.") and rule.endpoint not in NO_PAGES
            if "GET" in (rule.methods or ()) and (own or rule.endpoint in OTHER_PAGES):
                yield adapter.build(rule.endpoint, {part: parts[part] for part in rule.arguments})


_PANEL = f"/cpar/panels/{PANEL_ID}"
_NARROWED = {"unseen": "2", "unconfirmed": "1", "mrp": "outside"}
QUERIES: tuple[tuple[str, dict[str, str]], ...] = (
    *((_PANEL, {"show": show, "after": "77"}) for show in ("sent", "excluded", "not-active", "shared-phn")),
    *((_PANEL, {"sort": sort, "before": "300"}) for sort in ("name", "-seen", "confirmed", "born", "record")),
    (_PANEL, {"show": "excluded", "sort": "-seen", **_NARROWED}),
    (_PANEL, {"operation_id": "1", **_NARROWED}),
    ("/cpar/panels", {"created": "2"}),
    ("/cpar/panels/fill", {"panel": "2", "move": "yes"}),
    (f"/patients/{PATIENT_ID}", {"panel": "choose"}),
    ("/cpar/exclusions", {"panel": "1", "mrp": "101", "reason": "not-active", "state": "open", "sort": "-age"}),
    ("/cpar/exclusions", {"state": "closed", "sort": "panel"}),
    ("/cpar/attachment", {"show": "four-cut", "cut": "1", "panel": "1"}),
    ("/cpar/attachment", {"show": "not-seen"}),
    ("/cpar/exclusions", {"after": "500-not-active"}),
)
FORMS: tuple[tuple[str, dict[str, str]], ...] = (
    (_PANEL, {"text": "Trem"}),
    (_PANEL, {"text": "O'Brien, Sky 1950-06-04", "show": "sent", "after": "9000"}),
    (f"{_PANEL}/selected", {"action": "select-all", "sort": "seen"}),
    (f"{_PANEL}/selected", {"action": "burn"}),
    ("/cpar/bulk", {"kind": "assign", "provider_id": "101", "status": "IN", "panel_id": "2"}),
    ("/cpar/bulk", {"kind": "move", "from_panel_id": "1", "panel_id": "2", "status": "AC"}),
    ("/cpar/bulk", {"kind": "remove", "from_panel_id": "1", "status": "AC"}),
    ("/cpar/bulk", {"kind": "move", "step": "change"}),
    ("/cpar/bulk", {"kind": "assign"}),
    ("/cpar/panels/new", {"step": "add-provider"}),
    ("/cpar/panels/new-several", {"provider": "101", "number": "", "practitioner_id": ""}),
    (f"{_PANEL}/edit", {"step": "add-facility", "version": "1"}),
    ("/cpar/settings", {"name": "", "site_id": "", "version": "1"}),
)


def test_every_page_of_a_big_clinic_takes_few_statements(
    app: Flask, size: Size, manager: Any, statements: list[str]
) -> None:
    manager.post(_PANEL)  # the host looks at its tables once, and the token of the forms is fetched once
    upload_list(manager, PANEL_ID)
    asked = [(address, {}, manager.get) for address in _addresses(app, size.parts)]
    assert len(asked) > 10
    asked += [(address, fields, manager.get) for address, fields in QUERIES]
    asked += [(address, fields, manager.post) for address, fields in FORMS]
    too_many = {}
    for address, fields, ask in asked:
        statements.clear()
        answer = ask(address, **fields)
        if answer.status_code == 303:  # the list or the preview is a page of its own
            statements.clear()
            answer = manager.get(answer.location)
        assert answer.status_code in (200, 422), (address, fields, answer.status_code)
        assert answer.data
        portions = size.members // AT_ONCE if WHOLE_LISTS.search(address) else 0
        if len(statements) > AT_MOST + FOR_THEM * portions:
            too_many[address, *fields.items()] = len(statements)
    assert too_many == {}
