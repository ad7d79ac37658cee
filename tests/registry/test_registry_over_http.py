"""The registry as others meet it: a process that is talked to over HTTP."""

import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import psutil
import pytest
import requests
from click.testing import CliRunner

from oscar_host.demo.registry.command import command
from oscar_host.demo.registry.process import RunningRegistry, running

from ..waiting import wait_until

Json = dict[str, Any]
Post = Callable[[Json], requests.Response]


def test_a_first_submission_creates_and_a_repeated_one_finds_everything(
    registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    first, again = post(submission()), post(submission())
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.headers["Content-Type"] == "application/fhir+json"
    assert first.json()["type"] == "transaction-response"
    assert [entry["response"]["status"] for entry in first.json()["entry"]] == ["201 Created"] * 7
    assert [entry["response"]["status"] for entry in again.json()["entry"]] == ["200 OK"] * 7
    assert first.json()["id"] == again.json()["id"]


def test_a_new_submission_of_the_panel_updates_what_is_known(post: Post, submission: Callable[..., Json]) -> None:
    post(submission())
    entries = post(submission(patients=3, identifier="urn:uuid:0")).json()["entry"]
    statuses = [entry["response"]["status"][:3] for entry in entries]
    assert statuses == ["200", "200", "200", "200", "200", "200", "201", "200"]


def test_what_came_is_counted_by_identifier_and_content(
    registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    bundle = submission()
    post(bundle), post(bundle)
    (held,) = registry.received()
    assert held["identifier"] == bundle["identifier"]["value"]
    assert held["sha256"] == hashlib.sha256(orjson.dumps(bundle)).hexdigest()
    assert (held["panel_number"], held["members"], held["entries"], held["arrivals"]) == ("0042", 2, 7, 2)


def test_other_content_under_a_known_identifier_is_refused_and_shown(
    registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    post(submission())
    answer = post(submission(patients=3))
    assert answer.status_code == 409
    assert answer.json()["issue"][0]["code"] == "conflict"
    assert sorted(one["accepted"] for one in registry.received()) == [0, 1]


def test_a_faulty_submission_is_refused_with_the_expression_and_not_kept(
    registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    bundle = submission()
    bundle["entry"][4]["resource"]["gender"] = "F"
    answer = post(bundle)
    assert answer.status_code == 422
    (issue,) = answer.json()["issue"]
    assert (issue["severity"], issue["code"]) == ("error", "code-invalid")
    assert issue["expression"] == ["Bundle.entry[4].resource.gender"]
    assert registry.received() == []


def test_null_is_refused_with_its_place(registry: RunningRegistry, post: Post, submission: Callable[..., Json]) -> None:
    bundle = submission()
    bundle["entry"][4]["resource"]["identifier"] = None
    answer = post(bundle)
    assert answer.status_code == 422
    (issue,) = answer.json()["issue"]
    assert (issue["code"], issue["expression"]) == ("structure", ["Bundle.entry[4].resource.identifier"])
    assert registry.received() == []


@pytest.mark.parametrize("operation", ["$bulk-submit", "$bulk-submit-status"])
def test_null_in_the_parameters_of_an_operation_is_refused_with_its_place(
    registry: RunningRegistry, operation: str
) -> None:
    body = {"resourceType": "Parameters", "parameter": [{"name": "submitter", "valueIdentifier": None}]}
    answer = requests.post(f"{registry.fhir_url}/{operation}", json=body, timeout=120)
    assert answer.status_code == 422
    assert answer.json()["issue"][0]["expression"] == ["Parameters.parameter[0].valueIdentifier"]


def test_of_many_faults_the_first_are_reported_and_the_rest_counted(
    post: Post, submission: Callable[..., Json]
) -> None:
    bundle = submission(patients=50)
    for entry in bundle["entry"][4:-1]:
        entry["resource"]["gender"] = "F"
    issues = post(bundle).json()["issue"]
    assert len(issues) == 21
    assert issues[-1]["diagnostics"] == "and 30 more"


def test_what_is_not_fhir_json_is_refused(registry: RunningRegistry) -> None:
    answer = requests.post(registry.fhir_url, b"a=b", headers={"Content-Type": "text/plain"}, timeout=120)
    assert answer.status_code == 415
    assert answer.json()["resourceType"] == "OperationOutcome"


def test_a_killed_registry_still_holds_what_it_acknowledged(tmp_path: Path, submission: Callable[..., Json]) -> None:
    headers = {"Content-Type": "application/fhir+json"}
    with running(tmp_path) as first:
        requests.post(first.fhir_url, orjson.dumps(submission()), headers=headers, timeout=120)
        port = first.port
    with running(tmp_path, port=port) as second:
        assert second.port == port
        assert [one["arrivals"] for one in second.received()] == [1]


def test_the_status_page_lists_what_came_and_escapes_it(
    registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    bundle = submission()
    bundle["entry"][-1]["resource"]["identifier"][0]["value"] = "<b>7"
    bundle["entry"][-1]["request"]["url"] = "Group?identifier=https://x.invalid/panel%7C%3Cb%3E7"
    assert post(bundle).status_code == 200
    page = requests.get(f"{registry.address}/", timeout=120).text
    assert "&lt;b&gt;7" in page
    assert "<b>7" not in page
    assert hashlib.sha256(orjson.dumps(bundle)).hexdigest() in page
    kept = requests.get(f"{registry.address}/received/{bundle['identifier']['value']}", timeout=120)
    assert kept.json() == bundle


@pytest.mark.parametrize(("kind", "status"), [("fail", 503), ("refuse", 422)])
def test_on_request_it_answers_with_an_error_and_stores_nothing(
    kind: str, status: int, registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    registry.behave(kind)
    answer = post(submission())
    assert (answer.status_code, answer.json()["resourceType"]) == (status, "OperationOutcome")
    assert registry.received() == []


@pytest.mark.parametrize("kind", ["fail", "cut", "nonsense", "redirect"])
def test_on_request_it_loses_the_answer_after_storing(
    kind: str, registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    registry.behave(kind, when="after")
    try:
        answer = post(submission())
        assert "transaction-response" not in answer.text
    except requests.exceptions.ChunkedEncodingError:
        assert kind == "cut"
    assert len(registry.received()) == 1


def test_on_request_it_cuts_the_line_before_it_has_read_anything(
    registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    registry.behave("cut")
    with pytest.raises(requests.ConnectionError):
        post(submission())
    assert registry.received() == []


def test_on_request_it_fails_the_same_share_again_for_the_same_seed(
    registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    def statuses() -> list[int]:
        registry.behave("fail", share=1 / 3, seed=7)
        return [post(submission()).status_code for _ in range(30)]

    once = statuses()
    assert statuses() == once
    assert 5 <= once.count(503) <= 15
    assert registry.behaviour()["done"] == {"ok": once.count(200), "fail before": once.count(503)}


@pytest.mark.parametrize(("when", "held"), [("before", 0), ("after", 1)])
def test_on_request_it_sends_a_byte_now_and_then_and_never_all_of_its_answer(
    when: str, held: int, registry: RunningRegistry, post: Post, submission: Callable[..., Json]
) -> None:
    registry.behave("drip", when=when, seconds=0.5)
    answer = post(submission())  # a client takes the end of the line for the end of the head
    assert answer.headers["X-Slow"] == "-" * len(answer.headers["X-Slow"])
    assert not answer.content
    assert len(registry.received()) == held


def test_flaky_is_every_kind_of_trouble(registry: RunningRegistry, post: Post, submission: Callable[..., Json]) -> None:
    registry.behave("flaky", seed=3, seconds=0.2)
    for _ in range(40):
        try:
            post(submission())
        except requests.RequestException:
            continue
    kinds = {f"{kind} {when}" for kind in ("fail", "cut", "nonsense", "drip") for when in ("before", "after")}
    assert set(registry.behaviour()["done"]) == kinds


@pytest.mark.parametrize(
    "wish",
    [{"kind": "explode"}, {"when": "never"}, {"share": 2}, {"status": 200}, {"seconds": "5"}, {"tone": "rude"}, []],
)
def test_a_behaviour_that_there_is_not_is_refused_with_what_there_is(wish: Any, registry: RunningRegistry) -> None:
    answer = requests.post(f"{registry.address}/_behaviour", json=wish, timeout=120)
    assert answer.status_code == 400
    assert len(answer.text) > 20
    assert registry.behaviour()["kind"] == "ok"


def test_with_a_client_only_its_tokens_open_the_registry(tmp_path: Path, submission: Callable[..., Json]) -> None:
    body = orjson.dumps(submission())
    headers = {"Content-Type": "application/fhir+json"}
    with running(tmp_path, ["--client-id", "clinic", "--client-secret", "s:ecret&"]) as registry:
        assert requests.post(registry.fhir_url, body, headers=headers, timeout=120).status_code == 401
        form = {"grant_type": "client_credentials"}
        for wrong in (("clinic", "wrong"), ("other", "s%3Aecret%26"), ("", "")):
            assert requests.post(registry.token_url, form, auth=wrong, timeout=120).json() == {
                "error": "invalid_client"
            }
        answer = requests.post(registry.token_url, form, auth=("clinic", "s%3Aecret%26"), timeout=120)
        assert answer.headers["Cache-Control"] == "no-store"
        headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        assert requests.post(registry.fhir_url, body, headers=headers, timeout=120).status_code == 200


@pytest.mark.parametrize(
    "arguments",
    [
        ["--behave", "explode"],
        ["--share", "2"],
        ["--port", "70000"],
        ["--status", "200"],
        ["--client-id", "only"],
        ["--client-ca", __file__],
        ["--certificate", __file__, "--key", __file__],
        ["--certificate", "/no/such/file", "--key", __file__],
        ["--host", "no.such.host.invalid"],
        ["--folder", __file__],
        ["--folder", f"{__file__}/below"],
    ],
)
def test_a_wrong_option_is_reported_in_a_sentence(arguments: list[str], tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--folder", str(tmp_path), "--port", "0", *arguments])
    assert result.exit_code in (1, 2)
    assert "Error: " in result.output
    assert "Traceback" not in result.output


def test_a_port_that_is_taken_is_reported(registry: RunningRegistry, tmp_path: Path) -> None:
    result = CliRunner().invoke(command, ["--folder", str(tmp_path), "--port", str(registry.port)])
    assert result.exit_code == 1
    assert f"127.0.0.1:{registry.port}" in result.output


def test_it_ends_with_the_process_that_started_it(tmp_path: Path) -> None:
    code = (
        "import os, pathlib, sys; from oscar_host.demo.registry.process import start;"
        "print(start(pathlib.Path(sys.argv[1])).process.pid, flush=True); os.kill(os.getpid(), 9)"
    )
    starter = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=False)
    pid = int(starter.stdout)
    wait_until(lambda: not runs(pid))


def runs(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
