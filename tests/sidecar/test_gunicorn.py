"""The application as an operator runs it: gunicorn with several workers, settings in a file."""

import os
import re
import signal
import subprocess
import sys
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed, wait
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
import requests

from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.operations import clinic
from oscar_host.host import OscarHost
from oscar_host.sidecar import gunicorn_settings

from ..conftest import NOW
from ..dripping import HTTP, dripping
from ..fhirapi.clients import ASSERTION_TYPE, KeyPair, key_set, rsa  # noqa: F401  a fixture
from ..transport.conftest import authority  # noqa: F401  a fixture
from ..waiting import wait_until
from .conftest import CONTEXT_PATH, Person
from .stand_in import ME, StandIn
from .test_slow_oscar import Hanging

# A plugin that always has something to do: while one run lasts, others are due.
_BUSY = """
import os
import time
from datetime import timedelta
from cpar_plugin.hooks import Job, Manifest, hookimpl

@hookimpl
def emr_manifest():
    return Manifest(name="busy", version="1", contract=">=1.0,<2")

@hookimpl
def emr_startup(host):
    print("started", os.getpid(), flush=True)

@hookimpl
def emr_shutdown(host):
    with host.database.engine.connect() as connection:
        connection.exec_driver_sql("SELECT 1")
    print("ended", os.getpid(), flush=True)

@hookimpl
def emr_scheduled_jobs(host):
    def last_long(now):
        print("busy", os.getpid(), flush=True)
        with host.database.engine.connect() as connection:
            time.sleep(4)
            connection.exec_driver_sql("SELECT 1")
        print("done", os.getpid(), flush=True)

    return [
        Job(name="long", every=timedelta(seconds=1), run=last_long),
        Job(name="short", every=timedelta(seconds=1), run=lambda now: None),
    ]
"""
OURS = ["--config", "python:oscar_host.sidecar.gunicorn_settings"]
LONG = 600.0  # seconds that a test never waits for
MANY = 30  # at a time; all of them may wait in one process
_LISTENING = re.compile(r"Listening at: (http://127\.0\.0\.1:\d+)")


@pytest.fixture
def busy(tmp_path: Path) -> None:
    """Installs the plugin that is always busy."""
    (tmp_path / "busy.py").write_text(_BUSY)
    installed = tmp_path / "busy-1.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: busy\nVersion: 1\n")
    (installed / "entry_points.txt").write_text("[oscar_emr]\nbusy = busy\n")


@pytest.fixture
def options() -> list[str]:
    """What it is started with. A test may have others."""
    return OURS


@pytest.fixture
def gunicorn(
    options: list[str],
    host: OscarHost,
    staff: None,
    environment: dict[str, str],
    sidecar_settings: dict[str, str],
    tmp_path: Path,
) -> Iterator[subprocess.Popen[str]]:
    """The running program; its messages come on standard error."""
    clinic.enable(host, host.identity.system)
    file = tmp_path / "cpar.ini"
    given = {name.removeprefix("CPAR_").lower(): value for name, value in environment.items()} | sidecar_settings
    given["now"] = "2026-11-10T10:00"  # so that no answer of OSCAR's grows old, however slow the machine is
    file.write_text("[cpar]\n" + "".join(f"{name} = {value}\n" for name, value in given.items()), encoding="utf-8")
    command = [sys.executable, "-m", "gunicorn", "--no-control-socket", "--bind", "127.0.0.1:0", *options]
    with subprocess.Popen(
        [*command, "oscar_host.sidecar:app()"],
        env={"CPAR_SETTINGS": str(file), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
    ) as process:
        yield process
        if process.poll() is None:
            process.kill()


def listening(gunicorn: subprocess.Popen[str]) -> str:
    """Where it answers, as soon as it says so."""
    assert gunicorn.stderr
    lines = []
    for line in gunicorn.stderr:
        lines.append(line)
        if result := _LISTENING.search(line):
            return result[1]
    pytest.fail("".join(lines))


def _said(gunicorn: subprocess.Popen[str], until: Callable[[list[tuple[str, str]]], bool]) -> list[tuple[str, str]]:
    """What the busy plugin says from now on, as words and ids of workers, until that is enough."""
    assert gunicorn.stdout
    said: list[tuple[str, str]] = []
    for line in gunicorn.stdout:
        said.append(_word_and_worker(line))
        if until(said):
            return said
    pytest.fail(str(said))


def _word_and_worker(line: str) -> tuple[str, str]:
    word, worker = line.split()
    return word, worker


def _workers(said: list[tuple[str, str]], word: str) -> int:
    return len({worker for of_word, worker in said if of_word == word})


def test_it_serves_people_with_several_workers_that_ask_oscar_once_and_ends_in_peace(
    gunicorn: subprocess.Popen[str], standing_in: StandIn
) -> None:
    site = listening(gunicorn)
    somebody = Person(site, "manager")
    page = somebody.get("/settings")
    assert page.status_code == 200, page.text
    token = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert token
    # Any worker takes the token that another has made.
    for number in range(6):
        wrong = requests.post(
            f"{site}/oscar/cpar/settings",
            data={"csrf_token": token[1], "name": "", "site_id": str(number)},
            cookies=somebody.session.cookies,
            timeout=120,
        )
        assert wrong.status_code == 422, wrong.text
    assert [question.path for question in standing_in.asked] == [ME]
    gunicorn.send_signal(signal.SIGTERM)
    _, rest = gunicorn.communicate(timeout=120)
    assert gunicorn.returncode == 0
    assert "Traceback" not in rest
    assert "Error" not in rest


def test_each_worker_is_started_once_and_stops_its_regular_work_before_anything_else(
    busy: None, gunicorn: subprocess.Popen[str]
) -> None:
    lines = _said(gunicorn, until=lambda said: _workers(said, "started") == 2 and _workers(said, "busy") == 1)
    gunicorn.send_signal(signal.SIGTERM)
    rest, messages = gunicorn.communicate(timeout=120)
    assert gunicorn.returncode == 0, messages
    assert "Traceback" not in messages
    assert "Error" not in messages
    said = [*lines, *map(_word_and_worker, rest.splitlines())]
    for worker in {worker for _, worker in said}:
        words = [word for word, of_worker in said if of_worker == worker]
        assert (words[0], words[-1]) == ("started", "ended")
        assert (words.count("started"), words.count("ended")) == (1, 1)
        assert "busy" not in words or words[-2] == "done"


def test_one_worker_at_a_time_runs_the_jobs_and_where_it_is_killed_another_one_does(
    busy: None, gunicorn: subprocess.Popen[str]
) -> None:
    lines = _said(gunicorn, until=lambda said: [word for word, _ in said].count("done") == 2)
    [first] = {worker for word, worker in lines if word == "busy"}
    os.kill(int(first), signal.SIGKILL)
    lines = _said(gunicorn, until=lambda said: ("done", first) != said[-1] and said[-1][0] == "done")
    [second] = {worker for word, worker in lines if word == "busy" and worker != first}
    assert second != first


@pytest.mark.parametrize("options", [[]], ids=["none of our settings"])
def test_without_our_settings_it_answers_no_one_and_says_what_is_missing(gunicorn: subprocess.Popen[str]) -> None:
    assert Person(listening(gunicorn), "manager").get("/panels").status_code == 500
    gunicorn.send_signal(signal.SIGTERM)
    messages = gunicorn.communicate(timeout=120)[1]
    assert "Nothing has started this process: let gunicorn use the settings `post_worker_init`" in messages


@dataclass
class SlowClient:
    """A client whose keys come from a server that does not end its answer until `over` is closed."""

    client_id: str
    over: ExitStack


@pytest.fixture
def slow_client(
    authority: Any,  # noqa: F811
    host: OscarHost,
    sidecar_settings: dict[str, str],
) -> Iterator[SlowClient]:
    """To be asked for before `gunicorn`."""
    with ExitStack() as over:
        port = over.enter_context(dripping(HTTP["head"], authority.issue("127.0.0.1"), patience_seconds=LONG))
        sidecar_settings |= {
            "fhir_jwks_ca_file": authority.file,
            "fhir_jwks_private_networks": "yes",
            "fhir_jwks_seconds": str(LONG),
        }
        draft = ClientDraft(name="Slow", scopes="system/*.rs", jwks_url=f"https://127.0.0.1:{port}/jwks")
        yield SlowClient(registry.register(host, host.identity.system, draft), over)


def test_pages_answer_while_the_server_of_a_clients_keys_drips(
    slow_client: SlowClient,
    rsa: KeyPair,  # noqa: F811
    gunicorn: subprocess.Popen[str],
) -> None:
    site = listening(gunicorn)
    form = {
        "grant_type": "client_credentials",
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": rsa.sign({"iss": slow_client.client_id}),
    }

    def ask(_: int) -> int:
        answer = requests.post(f"{site}{CONTEXT_PATH}/fhir/token", form, timeout=LONG)
        return answer.status_code

    with ThreadPoolExecutor(MANY) as pool, slow_client.over:
        assert Person(site, "manager").get("/panels").status_code == 200
        asked = [pool.submit(ask, number) for number in range(MANY)]
        answered = [one.result() for one in islice(as_completed(asked), MANY - gunicorn_settings.workers)]
        assert set(answered) == {503}
        for _ in range(5):
            assert Person(site, "manager").get("/panels").status_code == 200
        assert not all(one.done() for one in asked)


@dataclass
class Limited:
    """Two clients, of a clinic that allows each so many requests and tokens in a minute."""

    first: str
    second: str
    requests: int = 30
    tokens: int = 7


@pytest.fixture
def limited(host: OscarHost, sidecar_settings: dict[str, str], rsa: KeyPair) -> Limited:  # noqa: F811
    """To be asked for before `gunicorn`."""
    clients = [
        registry.register(host, host.identity.system, ClientDraft(name=name, scopes="system/*.rs", jwks=key_set(rsa)))
        for name in ("First", "Second")
    ]
    limited = Limited(*clients)
    sidecar_settings |= {
        "fhir_requests_per_minute": str(limited.requests),
        "fhir_tokens_per_minute": str(limited.tokens),
    }
    return limited


def test_all_workers_count_together_and_one_client_keeps_no_other_waiting(
    limited: Limited,
    rsa: KeyPair,  # noqa: F811
    gunicorn: subprocess.Popen[str],
) -> None:
    fhir = f"{listening(gunicorn)}{CONTEXT_PATH}/fhir"

    def token(client_id: str) -> requests.Response:
        claims = {"iss": client_id, "sub": client_id, "aud": f"{fhir}/token", "jti": uuid.uuid4().hex}
        form = {
            "grant_type": "client_credentials",
            "scope": "system/*.rs",
            "client_assertion_type": ASSERTION_TYPE,
            "client_assertion": rsa.sign(claims | {"exp": int(NOW.timestamp()) + 240}),
        }
        return requests.post(f"{fhir}/token", form, timeout=LONG)

    def read(access_token: str) -> int:
        headers = {"Authorization": f"Bearer {access_token}"}
        return requests.get(f"{fhir}/Organization", headers=headers, timeout=LONG).status_code

    with ThreadPoolExecutor(8) as pool:
        asked = list(pool.map(token, [limited.first] * 3 * limited.tokens))
        given = [answer.json()["access_token"] for answer in asked if answer.status_code == 200]
        assert len(given) == limited.tokens, {answer.text for answer in asked}
        assert Counter(answer.status_code for answer in asked)[429] == 2 * limited.tokens
        statuses = Counter(pool.map(read, given * 15))
        assert statuses == {200: limited.requests, 429: 15 * limited.tokens - limited.requests}
        other = token(limited.second)
        assert other.status_code == 200, other.text
        assert read(other.json()["access_token"]) == 200


def test_pages_answer_while_oscar_hangs_for_others(gunicorn: subprocess.Popen[str], standing_in: StandIn) -> None:
    hanging = Hanging(standing_in)
    site = listening(gunicorn)
    with ThreadPoolExecutor(MANY) as pool:
        try:
            assert Person(site, "manager").get("/panels").status_code == 200
            asked = [pool.submit(Person(site, f"made-up-{number}").get, "/panels") for number in range(MANY)]
            wait(asked, 120, return_when="FIRST_COMPLETED")
            for _ in range(5):
                assert Person(site, "manager").get("/panels").status_code == 200
            assert not hanging.over.is_set()
            wait_until(lambda: hanging.held)  # the first one who is told need not be the first who asks
        finally:
            hanging.over.set()
    assert {one.result().status_code for one in asked} <= {303, 503}
