"""Who is signed in, by OSCAR's own session: every way in which OSCAR may answer, and those in which it does not."""

import datetime as dt
import logging
import os
import re
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.host_kit.clock import FixedClock
from oscar_host.sidecar.answers import Answers, ProviderAnswer
from oscar_host.sidecar.rest import OscarUnavailable
from oscar_host.sidecar.turns import Turns

from ..conftest import NOW
from ..serving import serving
from ..waiting import wait_until
from .conftest import Beside, Person
from .stand_in import LOGIN_PAGE, ME, Answer, StandIn

NewPerson = Callable[[str | None], Person]
# A machine that is slow at anything else fails no test: what is waited for never comes.
SMALL_PATIENCE = {"oscar_connect_seconds": "0.3", "oscar_seconds": "0.3"}


@pytest.fixture
def database_kind() -> str:
    """Who is signed in is asked of OSCAR, whatever the database is."""
    return "sqlite"


def waiting() -> Turns:
    return Turns(OscarUnavailable, 60)


def asked_who(standing_in: StandIn) -> int:
    return sum(question.path == ME for question in standing_in.asked)


def test_the_question_carries_oscars_cookie_alone_and_is_no_activity_of_the_person(
    person: NewPerson, standing_in: StandIn
) -> None:
    somebody = person("manager")
    somebody.session.cookies.set("other", "thing", path="/oscar")
    assert somebody.get("/panels").status_code == 200
    [question] = standing_in.asked
    assert question.headers["cookie"] == "JSESSIONID=manager"
    assert question.query == {"autoRefresh": "true"}


def test_what_oscar_sets_does_not_reach_the_browser(person: NewPerson) -> None:
    answer = person("manager").get("/panels")
    assert "another-one" not in str(answer.headers)


def test_without_a_cookie_of_oscars_no_one_is_asked_about(person: NewPerson, standing_in: StandIn) -> None:
    somebody = person(None)
    somebody.session.cookies.set("other", "thing", path="/oscar")
    answer = somebody.get("/panels")
    assert (answer.status_code, answer.headers["Location"]) == (
        303,
        "/oscar/cpar/sign-in?next=%2Foscar%2Fcpar%2Fpanels",
    )
    assert standing_in.asked == []


@pytest.mark.parametrize("value", ['"a\\015\\012X-Evil: yes"', '"manager; JSESSIONID=doctor"', "a" * 5000, '"a b"'])
def test_a_cookie_that_oscar_never_set_is_not_handed_on(site: str, standing_in: StandIn, value: str) -> None:
    answer = Person(site).get("/panels", headers={"Cookie": f"JSESSIONID={value}"})
    assert answer.status_code == 303
    assert standing_in.asked == []


def test_only_the_cookies_that_are_named_are_handed_on(beside: Beside, standing_in: StandIn) -> None:
    with serving(beside(oscar_cookies="JSESSIONID ROUTE")) as site:
        somebody = Person(site, "manager")
        for name in ("ROUTE", "SECRET"):
            somebody.session.cookies.set(name, "node1", path="/oscar")
        assert somebody.get("/panels").status_code == 200
    assert standing_in.asked[0].headers["cookie"] == "JSESSIONID=manager; ROUTE=node1"


@pytest.mark.parametrize(
    "shape",
    [
        {"providerNo": "301"},
        {"providerNo": 301, "status": 1},
        {"provider": {"providerNo": "301", "lastName": "Penner"}},
        {"provider": {"provider": {"providerNo": 301}}},
        {"headers": {}, "body": {"providerNo": "301"}, "error": None, "status": "SUCCESS"},
    ],
)
def test_every_shape_of_the_answer_is_understood(person: NewPerson, standing_in: StandIn, shape: object) -> None:
    standing_in.answers[ME] = lambda *_: Answer(200, shape)
    assert "Penner, Ada" in person("manager").get("/panels").text


@pytest.mark.parametrize(
    "signed_out",
    [
        Answer(401, "<no/>", {"Set-Cookie": "JSESSIONID=new; Path=/oscar; HttpOnly"}),  # between two factors as well
        Answer(403),
        Answer(404),  # the newest Open-O, for a session without a provider
        Answer(302, "", {"Location": "/oscar/index.jsp"}),
    ],
)
def test_a_user_who_is_not_signed_in_in_oscar_is_not_signed_in_here(
    person: NewPerson, standing_in: StandIn, clock: FixedClock, signed_out: Answer
) -> None:
    standing_in.signed_out = signed_out
    somebody = person("gone")
    for _ in range(3):  # that nobody is signed in is kept as well: OSCAR makes a session of each such question
        answer = somebody.get("/panels")
        assert (answer.status_code, answer.headers["Location"].partition("?")[0]) == (303, "/oscar/cpar/sign-in")
    assert asked_who(standing_in) == 1
    assert "Sign in to OSCAR, or finish signing in, then reload this page." in somebody.get("/sign-in").text
    standing_in.sessions["gone"] = "301"
    clock.move_to(clock.now() + dt.timedelta(seconds=15))
    assert somebody.get("/panels").status_code == 200


def test_a_redirect_is_never_followed(person: NewPerson, standing_in: StandIn) -> None:
    standing_in.signed_out = Answer(302, "", {"Location": f"{standing_in.url}/elsewhere"})
    standing_in.answers["/oscar/elsewhere"] = lambda *_: Answer(200, {"providerNo": "301"})
    assert person("gone").get("/panels").status_code == 303
    assert len(standing_in.asked) == 1


@pytest.mark.parametrize(
    "nonsense",
    [
        Answer(200, LOGIN_PAGE),
        Answer(200, ""),
        Answer(200, "null"),
        Answer(200, "[]"),
        Answer(200, "301"),
        Answer(200, {}),
        Answer(200, {"providerNo": ""}),
        Answer(200, {"providerNo": None}),
        Answer(200, {"providerNo": True}),
        Answer(200, {"providerNo": ["301"]}),
        Answer(200, {"provider": [{"providerNo": "301"}]}),
        Answer(200, '{"providerNo": "301"'),
        Answer(204),
        Answer(500, {"providerNo": "301"}),
        Answer(503, LOGIN_PAGE),
    ],
)
def test_nonsense_is_never_a_way_in(person: NewPerson, standing_in: StandIn, nonsense: Answer) -> None:
    standing_in.answers[ME] = lambda *_: nonsense
    answer = person("manager").get("/panels")
    assert answer.status_code == 503
    assert "OSCAR is not responding" in answer.text
    assert "Try again" in answer.text


def test_a_provider_that_the_tables_do_not_know_as_active_does_not_come_in(
    person: NewPerson, standing_in: StandIn, oscar: object
) -> None:
    standing_in.sessions |= {"stranger": "999", "the system": "-1"}
    for cookie in ("stranger", "the system"):
        assert person(cookie).get("/panels").status_code == 303


def test_after_oscar_is_back_so_are_the_pages(person: NewPerson, standing_in: StandIn) -> None:
    good = standing_in.answers[ME]
    somebody = person("manager")
    standing_in.answers[ME] = lambda *_: Answer(500)
    assert somebody.get("/panels").status_code == 503
    read = somebody.get("/fhir/Group")
    assert (read.status_code, read.headers["Retry-After"]) == (503, "10")
    assert read.json()["issue"][0]["code"] == "transient"
    standing_in.answers[ME] = good
    assert [somebody.get(path).status_code for path in ("/panels", "/fhir/Group")] == [200, 200]


def test_where_nothing_listens_the_page_says_so(beside: Beside) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with serving(beside(oscar_url=f"http://127.0.0.1:{port}/oscar")) as site:
        assert Person(site, "manager").get("/panels").status_code == 503


def test_an_oscar_that_says_nothing_is_not_waited_for(beside: Beside, standing_in: StandIn) -> None:
    ended = threading.Event()

    def slow(*_: object) -> Answer:
        ended.wait(60)
        return Answer(200, {"providerNo": "301"})

    standing_in.answers[ME] = slow
    with serving(beside(**SMALL_PATIENCE)) as site:
        assert Person(site, "manager").get("/panels").status_code == 503
    ended.set()


@pytest.fixture
def dripping() -> Iterator[str]:
    """The address of a server that begins a good answer and sends the rest one blank at a time, for ever."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        stop = threading.Event()

        def drip() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(65536)
                connection.sendall(b'HTTP/1.1 200 OK\r\nContent-Length: 9999\r\n\r\n{"providerNo": "301"')
                while not stop.wait(0.05):
                    try:
                        connection.sendall(b" ")
                    except OSError:
                        return

        thread = threading.Thread(target=drip)
        thread.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/oscar"
        stop.set()
        thread.join()


def test_an_answer_that_never_ends_is_given_up(beside: Beside, dripping: str) -> None:
    with serving(beside(oscar_url=dripping, **SMALL_PATIENCE)) as site:
        assert Person(site, "manager").get("/panels").status_code == 503


def test_an_answer_without_end_is_not_read_into_memory(person: NewPerson, standing_in: StandIn) -> None:
    standing_in.answers[ME] = lambda *_: Answer(200, '{"providerNo": "301"' + " " * 9_000_000 + "}")
    assert person("manager").get("/panels").status_code == 503


def test_a_script_that_puts_the_widget_in_place_gets_a_few_words(person: NewPerson, standing_in: StandIn) -> None:
    standing_in.answers[ME] = lambda *_: Answer(500)
    for header in ({"HX-Request": "true"}, {"Sec-Fetch-Dest": "empty"}):
        answer = person("doctor").get("/patients/1/widget", headers=header)
        assert answer.status_code == 503
        words = "OSCAR is not responding, so your sign-in cannot be verified. Try again in a moment."
        assert re.sub("<[^>]+>", "", answer.text) == words
        assert answer.headers["HX-Reswap"] == "afterbegin"


def test_an_answer_is_kept_for_fifteen_seconds(person: NewPerson, standing_in: StandIn, clock: FixedClock) -> None:
    somebody = person("manager")
    for seconds, questions in ((0, 1), (14, 1), (1, 2)):
        clock.move_to(clock.now() + dt.timedelta(seconds=seconds))
        assert somebody.get("/panels").status_code == 200
        assert asked_who(standing_in) == questions


def test_a_session_that_ends_is_noticed_after_fifteen_seconds_at_the_latest(
    person: NewPerson, standing_in: StandIn, clock: FixedClock
) -> None:
    somebody = person("manager")
    assert somebody.get("/panels").status_code == 200
    del standing_in.sessions["manager"]
    clock.move_to(clock.now() + dt.timedelta(seconds=15))
    assert somebody.get("/panels").status_code == 303


def test_a_clock_that_is_set_back_keeps_no_answer_longer(
    person: NewPerson, standing_in: StandIn, clock: FixedClock
) -> None:
    somebody = person("manager")
    assert somebody.get("/panels").status_code == 200
    del standing_in.sessions["manager"]
    clock.move_to(clock.now() - dt.timedelta(hours=1))
    assert somebody.get("/panels").status_code == 303


def test_two_people_are_never_taken_for_each_other(person: NewPerson) -> None:
    for cookie, name in (("manager", "Penner, Ada"), ("cpar-role", "Quill, Ada"), ("manager", "Penner, Ada")):
        assert name in person(cookie).get("/panels").text


def test_many_requests_at_once_ask_once_for_each_person(site: str, standing_in: StandIn) -> None:
    good, everybody_waits = standing_in.answers[ME], threading.Event()
    standing_in.answers[ME] = lambda *arguments: good(*arguments) if everybody_waits.wait(60) else Answer(500)
    cookies = ["manager", "cpar-role"] * 8
    with ThreadPoolExecutor(len(cookies)) as pool:
        answers = [pool.submit(Person(site, cookie).get, "/panels") for cookie in cookies]
        wait_until(lambda: asked_who(standing_in) >= 2)
        everybody_waits.set()
        assert [answer.result().status_code for answer in answers] == [200] * len(cookies)
    assert asked_who(standing_in) == 2


def test_those_who_wait_for_an_oscar_that_fails_fail_together(site: str, standing_in: StandIn) -> None:
    failing = threading.Event()
    standing_in.answers[ME] = lambda *_: Answer(500 if failing.wait(60) else 200)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(Person(site, "manager").get, "/panels") for _ in range(8)]
        wait_until(lambda: asked_who(standing_in) >= 1)
        failing.set()
        assert {answer.result().status_code for answer in answers} == {503}


@pytest.fixture
def two_processes(beside: Beside) -> Iterator[list[str]]:
    """Two applications that have nothing in common but their settings."""
    with serving(beside()) as first, serving(beside()) as second:
        yield [first, second]


def test_one_answer_serves_all_processes_and_none_flaps(
    two_processes: list[str], standing_in: StandIn, clock: FixedClock
) -> None:
    def statuses() -> list[int]:
        return [Person(site, "manager").get("/panels").status_code for site in two_processes * 2]

    assert statuses() == [200] * 4
    clock.move_to(clock.now() + dt.timedelta(seconds=10))
    del standing_in.sessions["manager"]
    assert statuses() == [200] * 4
    clock.move_to(clock.now() + dt.timedelta(seconds=5))
    assert statuses() == [303] * 4
    assert asked_who(standing_in) == 2


def test_processes_that_want_to_know_at_once_ask_once(two_processes: list[str], standing_in: StandIn) -> None:
    good, everybody_waits = standing_in.answers[ME], threading.Event()
    standing_in.answers[ME] = lambda *arguments: good(*arguments) if everybody_waits.wait(60) else Answer(500)
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(Person(site, "manager").get, "/panels") for site in two_processes * 4]
        wait_until(lambda: asked_who(standing_in) >= 1)
        everybody_waits.set()
        assert [answer.result().status_code for answer in answers] == [200] * 8
    assert asked_who(standing_in) == 1


@pytest.mark.parametrize(("busy_count", "dead_count"), [(2, 1), pytest.param(16, 4, marks=pytest.mark.large)])
def test_busy_sessions_make_at_most_four_questions_a_minute_each(
    two_processes: list[str],
    standing_in: StandIn,
    clock: FixedClock,
    oscar: Any,
    panel: int,
    busy_count: int,
    dead_count: int,
) -> None:
    patient = oscar.patient()
    dead = [f"dead-{number}" for number in range(dead_count)]
    cookies = [f"busy-{number}" for number in range(busy_count)]
    standing_in.sessions |= dict.fromkeys(cookies, "301")
    people = [Person(site, cookie) for cookie in cookies + dead for site in two_processes]
    for _ in range(12):  # a minute in steps of five seconds
        for number, somebody in enumerate(people):
            path = (f"/patients/{patient}/widget", "/panels", f"/panels/{panel}")[number % 3]
            assert somebody.get(path).status_code in (200, 303)
        clock.move_to(clock.now() + dt.timedelta(seconds=5))
    questions = Counter(question.headers["cookie"] for question in standing_in.asked if question.path == ME)
    assert len(questions) == busy_count + dead_count
    assert set(questions.values()) == {4}


def test_a_page_that_polls_asks_nothing_and_ends_with_the_session(
    person: NewPerson, standing_in: StandIn, clock: FixedClock
) -> None:
    somebody = person("manager")

    def poll() -> requests.Response:
        asking = {"HX-Request": "true", "HX-Current-URL": f"{somebody.site}/oscar/cpar/submissions?page=2"}
        return somebody.get("/submissions/progress", headers=asking)

    assert somebody.get("/submissions").status_code == 200
    for _ in range(9):
        clock.move_to(clock.now() + dt.timedelta(minutes=1))
        assert poll().status_code == 200
    standing_in.answers[ME] = lambda *_: Answer(500)  # nor does it mind that OSCAR is down
    assert poll().status_code == 200
    assert asked_who(standing_in) == 1
    clock.move_to(clock.now() + dt.timedelta(minutes=1))
    answer = poll()
    assert (answer.status_code, answer.headers["HX-Redirect"]) == (
        204,
        "/oscar/cpar/sign-in?next=%2Foscar%2Fcpar%2Fsubmissions",
    )
    assert asked_who(standing_in) == 1


def test_a_page_that_polls_is_signed_out_as_soon_as_anything_else_has_noticed(
    person: NewPerson, standing_in: StandIn, clock: FixedClock
) -> None:
    somebody = person("manager")
    assert somebody.get("/submissions").status_code == 200
    del standing_in.sessions["manager"]
    clock.move_to(clock.now() + dt.timedelta(seconds=15))
    assert somebody.get("/panels").status_code == 303
    assert somebody.get("/submissions/progress").status_code == 303


@pytest.fixture
def folder(sidecar_settings: dict[str, str]) -> Path:
    """Where the processes keep what OSCAR has answered."""
    return Path(sidecar_settings["session_folder"])


def test_nothing_that_is_kept_holds_a_cookie_and_no_one_else_may_read_it(person: NewPerson, folder: Path) -> None:
    assert person("manager").get("/panels").status_code == 200
    [kept] = folder.iterdir()
    assert "301" in kept.read_text()
    assert "manager" not in kept.name + kept.read_text()
    assert [oct(path.stat().st_mode)[-3:] for path in (folder, kept)] == ["700", "600"]


@pytest.mark.parametrize(
    "spoil", [lambda file: file.write_text('{"requested_at": "20'), lambda file: file.write_text("7")]
)
def test_an_answer_that_cannot_be_read_is_requested_again(
    person: NewPerson, standing_in: StandIn, folder: Path, spoil: Callable[[Path], object]
) -> None:
    assert person("manager").get("/panels").status_code == 200
    [kept] = folder.iterdir()
    spoil(kept)
    assert person("manager").get("/panels").status_code == 200
    assert asked_who(standing_in) == 2


def test_a_folder_that_cannot_be_used_costs_questions_and_nothing_else(
    person: NewPerson, standing_in: StandIn, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder.rmdir()
    folder.write_text("in the way")
    assert [person("manager").get("/panels").status_code for _ in range(2)] == [200, 200]
    assert person("gone").get("/panels").status_code == 303
    assert asked_who(standing_in) == 3
    assert "OSCAR is asked each time" in caplog.text


def test_a_folder_that_cannot_be_made_stops_the_start(beside: Beside, folder: Path) -> None:
    folder.write_text("in the way")
    with pytest.raises(Refused, match="sessions cannot be made") as refused:
        beside()
    assert list(refused.value.messages) == ["session_folder"]


def test_a_caller_who_was_waiting_shares_a_failure_and_anyone_who_comes_later_asks_again(folder: Path) -> None:
    answers, began = Answers(folder, waiting()), time.monotonic()
    with answers.of("a") as asking:
        asking.keep(ProviderAnswer(NOW, "301"))
        asking.note_failure()
    with answers.of("a") as waited:
        assert waited.failed_since(began)
        assert not waited.failed_since(time.monotonic())
        assert waited.answer == ProviderAnswer(NOW, "301")  # for pages that poll
    with answers.of("b") as of_another:
        assert not of_another.failed_since(began)


def test_what_is_kept_is_bounded_and_old_answers_go(folder: Path) -> None:
    answers = Answers(folder, waiting(), most_kept=3)
    (folder / "another file").touch()
    for number in range(5):
        kept = folder / f"{number:064x}"
        kept.write_text("{}")
        os.utime(kept, (number + 1, number + 1) if number < 2 else None)
    with answers.of("f" * 64):
        left = {path.name for path in folder.iterdir()}
    assert len(left) == 4
    assert {"another file", "f" * 64} <= left
    assert not {f"{0:064x}", f"{1:064x}"} & left


def test_no_log_line_holds_a_cookie(person: NewPerson, standing_in: StandIn, caplog: pytest.LogCaptureFixture) -> None:
    for logger in ("oscar_host", "cpar_plugin"):
        caplog.set_level(logging.DEBUG, logger)
    secret = "5E55104C00C1E"
    standing_in.sessions[secret] = "301"
    for answer in (Answer(500), Answer(200, LOGIN_PAGE), Answer(302, "", {"Location": f"/?s={secret}"})):
        standing_in.answers[ME] = lambda *_, answer=answer: answer
        assert person(secret).get("/panels").status_code != 200
    assert caplog.text.count("OSCAR") == 3
    assert secret not in caplog.text
