"""Submissions that the registry fetches from us (`$bulk-submit`), over real HTTP in both directions."""

import os
import signal
import threading
import uuid
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import orjson
import pytest
import requests
from sqlalchemy import select, update
from werkzeug.serving import make_server
from werkzeug.wrappers import Request, Response

from cpar_plugin.domain.submission import SubmissionState
from cpar_plugin.domain.submission_key import HEADER, submission_key
from cpar_plugin.hooks import Plugins
from cpar_plugin.services.submissions import history
from cpar_plugin.settings import load
from cpar_plugin.store.tables import snapshot
from oscar_host.demo.app import create_app
from oscar_host.demo.registry.process import RunningRegistry

SECRET = "not so secret: only a test's, " + "x" * 32
NIGHT, LATER = "2026-11-07T03:15", "2026-11-07T03:17"


@pytest.fixture
def clinic(with_settings: Any, registry: RunningRegistry) -> Iterator[Any]:
    """A clinic whose FHIR interface is served, and which offers its submissions to the registry. With one panel."""
    with ExitStack() as open_:
        server = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
        open_.callback(server.server_close)
        base = f"http://127.0.0.1:{server.port}/fhir"
        named = {
            "transport": "bulk-submit",
            "registry_url": registry.fhir_url,
            "registry_seconds": 120,
            "fhir_base_url": base,
            "bulk_submit_system": "https://registry.example/submitters",
            "bulk_submit_submitter": "clinic-7",
            "bulk_submit_secret": SECRET,
        }
        world = with_settings(**named)
        plugins = Plugins()
        plugins.load_installed()
        own = replace(world.host, settings={name: str(value) for name, value in named.items()})
        world.away = set()
        server.app = _behind_a_proxy(create_app(own, plugins), world.away)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        open_.callback(server.shutdown)
        world.number, world.base = uuid.uuid4().hex[:12], base
        world.its_panel = world.panel(world.number, 3)
        yield world


def _behind_a_proxy(app: Any, away: set[str]) -> Any:
    """The same application, with what a proxy says where a path ends as one of `away` does: nobody answers there."""

    def called(environ: Any, start_response: Any) -> Any:
        unanswered = environ["PATH_INFO"].endswith(tuple(away))
        return (Response("Bad Gateway", status=502) if unanswered else app)(environ, start_response)

    return called


def the_submission(clinic: Any) -> history.Submission:
    with clinic.host.database.engine.connect() as connection:
        return history.history(connection, clinic.host)[0]


def accepted(registry: RunningRegistry, clinic: Any) -> list[dict[str, Any]]:
    return [one for one in registry.received() if one["panel_number"] == clinic.number and one["accepted"]]


def test_the_registry_fetches_the_panel_and_accepts_it(clinic: Any, registry: RunningRegistry) -> None:
    clinic.run_at(NIGHT)
    shown = the_submission(clinic)
    assert (shown.state, shown.failure) == (SubmissionState.DELIVERED, None)
    (received,) = accepted(registry, clinic)
    assert received["identifier"] == f"urn:uuid:{shown.snapshot_id}"
    assert (received["members"], received["arrivals"]) == (3, 1)
    assert shown.answer_id == shown.snapshot_id


def test_a_manifest_that_could_not_be_fetched_is_replaced_by_one_that_can(
    clinic: Any, registry: RunningRegistry
) -> None:
    clinic.away.add("/1")
    clinic.run_at(NIGHT)
    shown = the_submission(clinic)
    assert (shown.state, shown.attempts, shown.failure) == (SubmissionState.DELIVERED, 1, None)
    (received,) = accepted(registry, clinic)
    assert (received["members"], received["arrivals"]) == (3, 1)


def test_a_manifest_that_can_be_fetched_at_neither_address_is_refused_with_what_the_registry_says(
    clinic: Any, registry: RunningRegistry
) -> None:
    clinic.away |= {"/1", "/2"}
    clinic.run_at(NIGHT)
    shown = the_submission(clinic)
    assert shown.state == SubmissionState.REFUSED
    assert "(incomplete)" in (shown.failure or "")
    assert "could not be read" in (shown.detail or "")
    assert accepted(registry, clinic) == []


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("kind", ["fail", "cut", "nonsense", "drip"])
def test_whatever_is_lost_on_the_way_it_is_one_submission(
    clinic: Any, registry: RunningRegistry, kind: str, when: str
) -> None:
    usual = clinic.settings
    clinic.settings = usual.model_copy(update={"registry_seconds": 5, "registry_read_seconds": 2})
    registry.behave(kind, when=when, share=0.5, seed=3, seconds=3)
    clinic.run_at(NIGHT)
    registry.behave("ok")
    clinic.settings = usual
    clinic.run_at(LATER)
    assert the_submission(clinic).state == SubmissionState.DELIVERED
    (received,) = accepted(registry, clinic)
    assert received["arrivals"] == 1


def test_a_busy_registry_is_asked_again_within_the_attempt(clinic: Any, registry: RunningRegistry) -> None:
    registry.behave("fail", status=429, share=0.4, seed=5)
    clinic.run_at(NIGHT)
    assert registry.behaviour()["done"].get("fail before")
    assert the_submission(clinic).state == SubmissionState.DELIVERED
    assert the_submission(clinic).attempts == 1


def test_a_slow_registry_is_left_at_the_deadline_of_all_requests_together(
    clinic: Any, registry: RunningRegistry
) -> None:
    clinic.settings = clinic.settings.model_copy(update={"registry_seconds": 1.5})
    registry.behave("slow", seconds=1)
    clinic.run_at(NIGHT)
    waiting = the_submission(clinic)
    assert waiting.state == SubmissionState.WAITING
    assert "too slow" in (waiting.failure or "")


def test_what_the_registry_finds_in_resources_is_kept_and_the_submission_is_stopped(
    clinic: Any, registry: RunningRegistry
) -> None:
    registry.behave("fault")
    clinic.run_at(NIGHT)
    refused = the_submission(clinic)
    assert refused.state == SubmissionState.REFUSED
    assert "3 resources" in (refused.failure or "")
    assert clinic.rows(clinic.its_panel)[0].answer_detail.count("Patient/") >= 3
    assert accepted(registry, clinic) == []


def _files(clinic: Any, key: str, path: str = "") -> requests.Response:
    with clinic.host.database.engine.connect() as connection:
        snapshot_id = connection.scalar(select(snapshot.c.snapshot_id))
    return requests.get(f"{clinic.base}/submitted/{snapshot_id}/1{path}", headers={HEADER: key}, timeout=120)


def _key(clinic: Any) -> str:
    with clinic.host.database.engine.connect() as connection:
        row = connection.execute(select(snapshot)).one()
    return submission_key(SECRET, row.snapshot_id, row.taken_at)


@pytest.fixture
def waiting(clinic: Any, registry: RunningRegistry) -> Any:
    """The same clinic, with a submission that is still to be sent."""
    registry.behave("fail", status=503)
    clinic.run_at(NIGHT)
    assert the_submission(clinic).state == SubmissionState.WAITING
    return clinic


def test_only_who_has_the_key_gets_the_files_and_only_for_a_time(waiting: Any, registry: RunningRegistry) -> None:
    key = _key(waiting)
    manifest = _files(waiting, key)
    assert manifest.status_code == 200
    assert [file["type"] for file in manifest.json()["output"]][-2:] == ["Patient", "Group"]
    for wrong in ("", key[:-1], key[:-1] + ("A" if key[-1] != "A" else "B"), "9" + key, "é"):
        for path in ("", "/Patient.ndjson"):
            answer = requests.get(
                f"{waiting.base}/submitted/{the_submission(waiting).snapshot_id}/1{path}",
                headers={HEADER: wrong.encode()},
                timeout=120,
            )
            assert (answer.status_code, answer.json()["resourceType"]) == (404, "OperationOutcome")
    assert _files(waiting, key, "/Patient.ndjson").status_code == 200
    assert _files(waiting, key, "/Nonsense.ndjson").status_code == 404
    waiting.at("2026-11-08T05:00")
    assert _files(waiting, key).status_code == 404


def test_no_key_opens_a_submission_that_is_over(clinic: Any) -> None:
    clinic.run_at(NIGHT)
    assert the_submission(clinic).state == SubmissionState.DELIVERED
    assert _files(clinic, _key(clinic)).status_code == 404


def test_the_files_are_the_stored_submission_with_ids(waiting: Any) -> None:
    key = _key(waiting)
    kinds = [file["type"] for file in _files(waiting, key).json()["output"]]
    lines = {kind: _files(waiting, key, f"/{kind}.ndjson").content.splitlines() for kind in kinds}
    resources = {kind: [orjson.loads(line) for line in lines[kind]] for kind in kinds}
    assert {kind: len(of_kind) for kind, of_kind in resources.items()} == {
        "Organization": 1,
        "Location": 1,
        "Practitioner": 1,
        "PractitionerRole": 1,
        "Patient": 3,
        "Group": 1,
    }
    ids = {f"{kind}/{one['id']}" for kind, of_kind in resources.items() for one in of_kind}
    [group] = resources["Group"]
    members = {one["entity"]["reference"] for one in group["member"]}
    assert members == {f"Patient/{one['id']}" for one in resources["Patient"]}
    [role] = resources["PractitionerRole"]
    assert {role["practitioner"]["reference"], group["managingEntity"]["reference"]} <= ids
    assert b"urn:uuid:" not in b"".join(line for of_kind in lines.values() for line in of_kind)


def test_a_damaged_submission_is_given_to_nobody(waiting: Any, registry: RunningRegistry) -> None:
    with waiting.host.database.session() as session:
        session.execute(update(snapshot).values(sha256="0" * 64))
    assert _files(waiting, _key(waiting)).status_code == 500
    registry.behave("ok")
    waiting.run_at(LATER)
    refused = the_submission(waiting)
    assert refused.state == SubmissionState.REFUSED
    assert accepted(registry, waiting) == []


MISSING = ["registry_url", "fhir_base_url", "bulk_submit_system", "bulk_submit_submitter", "bulk_submit_secret"]


@pytest.mark.parametrize("missing", MISSING)
def test_a_setting_that_is_missing_is_named(missing: str) -> None:
    named = {
        "transport": "bulk-submit",
        "registry_url": "https://registry.example/fhir",
        "fhir_base_url": "https://emr.example/fhir",
        "bulk_submit_system": "https://registry.example/submitters",
        "bulk_submit_submitter": "clinic-7",
        "bulk_submit_secret": SECRET,
    }
    assert load(named).transport == "bulk-submit"
    with pytest.raises(Exception, match=missing):
        load({**named, missing: ""})
    with pytest.raises(Exception, match="bulk_submit_secret"):
        load({**named, "bulk_submit_secret": "short"})


class _Deadly:
    """A way to the registry on which the worker is killed with a request: before it arrives, or after its answer."""

    def __init__(self, registry: RunningRegistry) -> None:
        self._registry = registry
        self.worker, self.deaths, self._left, self._when = 0, 0, 0, "before"

    def kill_at(self, request: int, when: str) -> None:
        self._left, self._when = request, when

    def __call__(self, environ: Any, start_response: Any) -> Any:
        request = Request(environ)
        self._left -= 1
        if (self._left, self._when) == (0, "before"):
            self._kill()
        answer = requests.request(
            request.method,
            f"{self._registry.address}{request.path}",
            data=request.get_data(),
            headers={name: value for name, value in request.headers.items() if name != "Connection"},
            timeout=60,
        )
        if (self._left, self._when) == (0, "after"):
            self._kill()
        headers = {
            name: answer.headers[name] for name in ("Content-Location", "Content-Type") if name in answer.headers
        }
        return Response(answer.content, answer.status_code, headers=headers)(environ, start_response)

    def _kill(self) -> None:
        self.deaths += 1
        os.kill(self.worker, signal.SIGKILL)


@pytest.mark.parametrize("when", ["before", "after"])
def test_a_worker_may_die_with_any_request_and_one_submission_is_accepted(
    clinic: Any, registry: RunningRegistry, when: str
) -> None:
    deadly = _Deadly(registry)
    server = make_server("127.0.0.1", 0, deadly, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    clinic.settings = clinic.settings.model_copy(update={"registry_url": f"http://127.0.0.1:{server.port}/fhir"})
    clinic.at(NIGHT)
    for request in range(1, 30):
        deadly.kill_at(request, when)
        has_been_noted, note = os.pipe()
        worker = os.fork()
        if not worker:
            try:
                clinic.host.database.engine.dispose(close=False)  # the connections are the parent's
                os.read(has_been_noted, 1)
                clinic.run()
            finally:
                os._exit(0)
        deadly.worker = worker
        os.write(note, b".")
        os.waitpid(worker, 0)
        os.close(has_been_noted)
        os.close(note)
        if the_submission(clinic).state == SubmissionState.DELIVERED:
            break
        clinic.clock.move_to(clinic.clock.now() + timedelta(minutes=10))
    server.shutdown()
    server.server_close()
    assert deadly.deaths > 3
    assert the_submission(clinic).state == SubmissionState.DELIVERED
    (received,) = accepted(registry, clinic)
    assert received["arrivals"] == 1
