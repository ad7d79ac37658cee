"""Every page of the plugin in a clinic with 20,000 members and 300 panels: at most 16 SQL statements each."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import insert

from benchmarks.big_clinic import PANEL_ID, fill, more_panels
from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.hooks import Plugins
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.submissions import requests
from cpar_plugin.services.submissions.run import run_due
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from .conftest import MANAGER, PUBLIC_KEYS

MEMBERS, PANELS, AT_MOST = 20_000, 300, 16
EARLIER = 10  # submissions of each panel
# The parts of addresses. A page with another one needs a value here.
PARTS = {
    "patient_id": 1,
    "panel_id": PANEL_ID,
    "operation_id": 1,
    "submission_id": PANELS * EARLIER + 1,
    "client_no": 1,
}
NO_PAGES = ("cpar.static", "cpar.submission_file")  # a submission's file is read piece by piece
OTHER_PAGES = ("master_record", "details", "search", "administration")  # they show the plugin's widget or notices


@pytest.fixture
def app(host: OscarHost, emr: OscarHost, oscar: Any, clock: FixedClock, tmp_path: Path) -> Flask:
    """The embedded EMR with the big clinic: a bulk update has filled a panel, which was then submitted."""
    fill(emr, MEMBERS)
    more_panels(host, PANELS)
    oscar.provider(MANAGER, last_name="Penner", provider_type="staff", ohip_no="")
    oscar.role(MANAGER, "admin", "receptionist")
    oscar.privilege("admin", "_admin", "x")
    oscar.privilege("receptionist", "_demographic", "x")
    everyone, settings = host.identity.system, Settings(outbox_folder=tmp_path / "outbox")
    filled = bulk.carry_out(host, everyone, Assign("101", "AC", PANEL_ID))
    assert (filled.operation_id, filled.added) == (PARTS["operation_id"], MEMBERS - MEMBERS // 50)
    with emr.database.writing() as connection:
        connection.execute(insert(tables.submission), list(_earlier(host)))
    assert requests.ask(host, settings, everyone, PANEL_ID) == PARTS["submission_id"]
    network = ClientDraft(name="Network", scopes="system/*.rs", jwks=PUBLIC_KEYS, panels=range(1, PANELS))
    assert registry.register(host, everyone, network) == registry.id_of(PARTS["client_no"])
    clock.move_to(clock.now().astimezone(clock.zone).replace(day=11, hour=4))
    assert run_due(host, settings, clock.now()).states == {SubmissionState.WRITTEN: 1}
    plugins = Plugins()
    plugins.load_installed()
    return create_app(host, plugins)


def _earlier(host: OscarHost) -> Iterator[dict[str, Any]]:
    """Submissions of all panels, the last of some a failure, of which every page tells."""
    now = host.clock.now()
    for time in range(1, EARLIER + 1):
        for panel_id in range(1, PANELS + 1):
            failed = time == EARLIER and panel_id % 10 == 2
            yield {
                "panel_id": panel_id,
                "requested_at": now,
                "requested_by": "101",
                "due_on": now.date(),
                "state": "failed" if failed else "written",
                "finished_at": now,
                "failure": "The registry did not answer. Press Retry." if failed else None,
            }


def _addresses(app: Flask) -> Iterator[str]:
    with app.test_request_context():
        adapter = app.url_map.bind("localhost")
        for rule in app.url_map.iter_rules():
            own = rule.endpoint.startswith("cpar.") and rule.endpoint not in NO_PAGES
            if "GET" in (rule.methods or ()) and (own or rule.endpoint in OTHER_PAGES):
                yield adapter.build(rule.endpoint, {part: PARTS[part] for part in rule.arguments})


_PANEL = f"/cpar/panels/{PANEL_ID}"
_NARROWED = {"unseen": "2", "unconfirmed": "1", "mrp": "outside"}
QUERIES: tuple[tuple[str, dict[str, str]], ...] = (
    *((_PANEL, {"show": show, "after": "77"}) for show in ("sent", "excluded", "not-active", "shared-phn")),
    *((_PANEL, {"sort": sort, "before": "10000"}) for sort in ("name", "-seen", "confirmed", "born", "record")),
    (_PANEL, {"show": "excluded", "sort": "-seen", **_NARROWED}),
    (_PANEL, {"operation_id": "1", **_NARROWED}),
    ("/cpar/panels", {"created": "2"}),
    ("/cpar/panels/fill", {"panel": "2", "move": "yes"}),
    (f"/patients/{PARTS['patient_id']}", {"panel": "choose"}),
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


def test_every_page_of_a_big_clinic_takes_at_most_sixteen_statements(
    app: Flask, manager: Any, statements: list[str]
) -> None:
    manager.post(_PANEL)  # the host looks at its tables once, and the token of the forms is fetched once
    asked = [(address, {}, manager.get) for address in _addresses(app)]
    assert len(asked) > 10
    asked += [(address, fields, manager.get) for address, fields in QUERIES]
    asked += [(address, fields, manager.post) for address, fields in FORMS]
    taken = {}
    for address, fields, ask in asked:
        statements.clear()
        answer = ask(address, **fields)
        if answer.status_code == 303:  # the list or the preview is a page of its own
            statements.clear()
            answer = manager.get(answer.location)
        assert answer.status_code in (200, 422), (address, fields, answer.status_code)
        assert answer.data
        taken[address, *fields.items()] = len(statements)
    assert {one: count for one, count in taken.items() if count > AT_MOST} == {}
