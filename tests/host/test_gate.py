"""So many requests at a time: others wait, too many are told at once, and what nobody waits for is not done."""

import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing

import pytest
from flask import Blueprint, Flask
from werkzeug.test import Client, TestResponse

from cpar_plugin.host_kit.application import new_application
from cpar_plugin.host_kit.faults import FaultPages, handle_faults
from cpar_plugin.host_kit.gate import Gate
from cpar_plugin.web.fhir.refusals import refused

from ..waiting import PATIENCE, wait_until

AT_ONCE = WAITING = 2


class Site:
    """An application with a page that is slow until `go_on` is set, and a gate before it."""

    def __init__(self, seconds: float = PATIENCE) -> None:
        self.begun: list[str] = []
        self.go_on = threading.Event()
        app = new_application(__name__, cookie_name="c", secret_key="k" * 32, https_only=False)
        app.add_url_rule("/slow/<name>", "slow", self._slow, methods=["GET", "POST"])
        program = Blueprint("program", __name__)
        program.add_url_rule("/Group", "group", lambda: "group")
        program.register_error_handler(Exception, refused)
        app.register_blueprint(program)
        handle_faults(app, FaultPages(lambda *_: "", "", lambda: "", lambda: False, lambda _: ""))
        self._client = Client(Gate(app.wsgi_app, at_once=AT_ONCE, waiting=WAITING, seconds=seconds))
        self._pool = ThreadPoolExecutor(20)

    def _slow(self, name: str) -> str:
        self.begun.append(name)
        self.go_on.wait(PATIENCE)
        return name

    def ask(self, path: str, caller: socket.socket | None = None, method: str = "GET") -> TestResponse:
        return self._client.open(path, method=method, environ_base={"gunicorn.socket": caller}, buffered=True)

    def asked(self, name: str, *more: object) -> "Future[TestResponse]":
        return self._pool.submit(self.ask, f"/slow/{name}", *more)  # type: ignore[arg-type]

    def until_begun(self, number: int) -> None:
        wait_until(lambda: len(self.begun) >= number)

    def close(self) -> None:
        self.go_on.set()
        self._pool.shutdown()


@pytest.fixture
def site() -> Iterator[Site]:
    with closing(Site()) as site:
        yield site


def test_so_many_are_worked_on_others_wait_and_too_many_are_reported_at_once(site: Site) -> None:
    working = [site.asked(f"work{number}") for number in range(AT_ONCE)]
    site.until_begun(AT_ONCE)
    asked = [site.asked(f"wait{number}") for number in range(WAITING + 1)]
    # One of the three is told while the others still wait, and so is a program.
    turned_away = next(iter(done(asked, 1)))
    assert (turned_away.status_code, turned_away.headers["Retry-After"]) == (503, "10")
    assert "Nothing was changed: try again in a moment." in turned_away.text
    answer = site.ask("/Group")
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "10")
    assert answer.get_json()["issue"][0]["code"] == "transient"
    site.go_on.set()
    assert [one.result(PATIENCE).status_code for one in working] == [200] * AT_ONCE
    assert sorted(one.result(PATIENCE).status_code for one in asked) == [200] * WAITING + [503]
    assert site.ask("/Group").text == "group"


def done(asked: "list[Future[TestResponse]]", number: int) -> list[TestResponse]:
    """The answers of those that have one, as soon as there are so many."""
    tries = threading.Event()
    for _ in range(int(PATIENCE / 0.01)):
        answers = [one.result() for one in asked if one.done()]
        if len(answers) >= number:
            return answers
        tries.wait(0.01)
    pytest.fail("waited in vain")


def test_a_user_who_waits_too_long_is_informed() -> None:
    with closing(Site(seconds=0.01)) as site:
        for number in range(AT_ONCE):
            site.asked(f"work{number}")
        site.until_begun(AT_ONCE)
        assert site.ask("/Group").status_code == 503


def test_what_no_one_waits_for_is_not_done_unless_it_may_change_something(site: Site) -> None:
    site.go_on.set()
    ours, theirs = socket.socketpair()
    with ours:
        assert site.ask("/slow/waited-for", ours).status_code == 200
        theirs.close()
        site.ask("/slow/given-up", ours)
        assert site.ask("/slow/form", ours, "POST").status_code == 200
    assert site.begun == ["waited-for", "form"]


def test_a_caller_who_hangs_up_while_waiting_makes_room_at_once(site: Site) -> None:
    for number in range(AT_ONCE):
        site.asked(f"work{number}")
    site.until_begun(AT_ONCE)
    pairs = [socket.socketpair() for _ in range(WAITING)]
    given_up = [site.asked(f"given-up{number}", ours) for number, (ours, _) in enumerate(pairs)]
    for _, theirs in pairs:
        theirs.close()
    for one in given_up:
        one.result(PATIENCE)
    waiting = site.asked("somebody")
    site.go_on.set()
    assert waiting.result(PATIENCE).status_code == 200
    for ours, _ in pairs:
        ours.close()
    assert sorted(site.begun) == ["somebody", "work0", "work1"]


def test_a_place_is_held_until_the_answer_has_been_taken_and_given_back_when_it_breaks_off() -> None:
    app = Flask(__name__)

    def pieces() -> Iterator[bytes]:
        yield b"one"
        raise LookupError

    app.add_url_rule("/", "pieces", pieces)
    client = Client(Gate(app.wsgi_app, at_once=1, waiting=1, seconds=0))
    for _ in range(3):
        answer = client.get("/")
        with pytest.raises(LookupError):
            answer.get_data()
        answer.close()
