"""An OSCAR that hangs holds a few threads: who is known already sees pages, and nobody queues up to ask."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack

import pytest
import requests

from cpar_plugin.host_kit.gate import Gate

from ..serving import serving
from .conftest import Beside, Person
from .stand_in import ME, Answer, Question, StandIn

PATIENCE = 120  # s: it bounds a hang, and must not fail a slow machine


@pytest.fixture
def database_kind() -> str:
    """Who is signed in is asked of OSCAR, whatever the database is."""
    return "sqlite"


class Hanging:
    """What the stand-in does with questions about made-up cookies."""

    def __init__(self, standing_in: StandIn) -> None:
        self.over = threading.Event()
        self.held: list[str] = []
        good = standing_in.answers[ME]

        def answer(question: Question, provider_id: str) -> Answer:
            if provider_id == "301":
                return good(question, provider_id)
            self.held.append(question.headers["cookie"])
            self.over.wait(PATIENCE)
            return Answer(401)

        standing_in.answers[ME] = answer
        standing_in.sessions |= {f"made-up-{number}": f"{number}" for number in range(80)} | {"one": "one"}


@pytest.fixture
def hanging(standing_in: StandIn) -> Iterator[Hanging]:
    """An OSCAR that answers about the manager alone until it is over."""
    hanging = Hanging(standing_in)
    yield hanging
    hanging.over.set()


@pytest.mark.parametrize("cookies", [[f"made-up-{number}" for number in range(60)], ["one"] * 60], ids=["many", "one"])
def test_pages_answer_while_sixty_ask_an_oscar_that_hangs(beside: Beside, hanging: Hanging, cookies: list[str]) -> None:
    app = beside(oscar_seconds="60")
    app.wsgi_app = Gate(app.wsgi_app, waiting=100, seconds=PATIENCE)  # type: ignore[method-assign]
    with ExitStack() as stack:
        site = stack.enter_context(serving(app))
        stack.callback(hanging.over.set)
        assert Person(site, "manager").get("/panels").status_code == 200
        pool = stack.enter_context(ThreadPoolExecutor(len(cookies)))
        asked = [pool.submit(Person(site, cookie).get, "/panels") for cookie in cookies]
        answered, held = wait(asked, PATIENCE, return_when="FIRST_COMPLETED")
        assert answered
        for _ in range(5):
            assert Person(site, "manager").get("/panels").status_code == 200
        assert not hanging.over.is_set()
        enough = threading.Event()
        while len(answered) < len(cookies) - 4:
            answered, held = wait(asked, 0.05)
            enough.wait(0.05)
        # All but a few have been told, and those few are the ones who still wait.
        assert {one.result().status_code for one in answered} == {503}
        assert len(hanging.held) <= 3
        hanging.over.set()
        assert {one.result().status_code for one in held} <= {303, 503}


def test_after_a_question_in_vain_one_at_a_time_finds_out_whether_oscar_is_back(
    beside: Beside, standing_in: StandIn, hanging: Hanging
) -> None:
    with serving(beside(oscar_seconds="2", oscar_connect_seconds="2")) as site:
        assert Person(site, "made-up-0").get("/panels").status_code == 503
        with ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(Person(site, f"made-up-{number}").get, "/panels") for number in range(1, 21)]
            assert {one.result().status_code for one in asked} == {503}
        assert len(hanging.held) < 20
        hanging.over.set()
        answers: list[requests.Response] = [Person(site, "manager").get("/panels") for _ in range(2)]
        assert [answer.status_code for answer in answers] == [200, 200]
