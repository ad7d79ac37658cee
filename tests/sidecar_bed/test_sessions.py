"""What the pages ask a running OSCAR about a session, through nginx, and how often."""

import time

import pytest
import requests

from .bed import Bed
from .installed import DOCTOR, MANAGER
from .test_oscar import session

KEPT_SECONDS = 15


def opened(bed: Bed, cookie: dict[str, str], path: str = "/panels") -> requests.Response:
    return requests.get(f"{bed.site}/oscar/cpar{path}", headers=cookie, verify=bed.authority, timeout=60)


@pytest.mark.parametrize("state", ["mfa", "reset", "without-provider"])
def test_a_user_who_has_not_finished_signing_in_is_asked_to(bed: Bed, state: str) -> None:
    bed.oscar.set(states=[(MANAGER, state)])
    halfway = session(bed.oscar.url, MANAGER)
    answer = opened(bed, halfway)
    assert [redirect.status_code for redirect in answer.history] == [303]
    assert "Sign in to OSCAR, or finish signing in, then reload this page." in answer.text
    assert opened(bed, halfway, "/page/menu").text == ""


@pytest.mark.parametrize("is_alive", [True, False])
def test_a_busy_session_is_asked_about_at_most_every_fifteen_seconds(bed: Bed, is_alive: bool) -> None:
    cookie = session(bed.oscar.url, MANAGER) if is_alive else {"Cookie": "JSESSIONID=LONG-GONE"}
    before, began = len(bed.oscar.questions()), time.monotonic()
    for _ in range(5):  # whichever of the workers answers
        for path in ("/panels", "/page/menu", "/submissions"):
            assert ("Sign in to OSCAR" not in opened(bed, cookie, path).text) is is_alive or path == "/page/menu"
    most = 1 + int((time.monotonic() - began) / KEPT_SECONDS)
    asked = [line for line in bed.oscar.questions()[before:] if cookie["Cookie"] in line.cookie]
    assert 1 <= len(asked) <= most


def test_signing_out_in_oscar_ends_the_session_here(bed: Bed) -> None:
    cookie = session(bed.oscar.url, DOCTOR)
    assert "Sign in to OSCAR" not in opened(bed, cookie).text
    requests.get(f"{bed.oscar.url}/logout.jsp", headers=cookie, timeout=60)
    signed_out = time.monotonic()
    while "Sign in to OSCAR" not in opened(bed, cookie).text:
        assert time.monotonic() - signed_out < 600
        time.sleep(1)
    assert bed.oscar.questions()[-1].action == "REST WS: NOT AUTHORIZED"
