"""Links to a patient lead to the page that this OSCAR has for records, and browsers are asked for GET and POST only."""

from collections.abc import Callable
from http import HTTPStatus

import pytest
from flask import Flask

from oscar_host.sidecar.record_page import RecordPage, RecordPages

from .conftest import Person
from .stand_in import Answer, StandIn

CONTROL, EDIT = (f"/oscar/{page}" for page in RecordPage)


@pytest.fixture
def links(app: Flask, standing_in: StandIn, person: Callable[[str | None], Person]) -> Callable[[str | None], str]:
    """Where a patient's link leads for whoever has this cookie."""
    from oscar_host.sidecar.frame import sidecar

    def lead(cookie: str | None) -> str:
        headers = {"Cookie": f"JSESSIONID={cookie}"} if cookie else {}
        with app.test_request_context("/", headers=headers):
            return sidecar().host.pages.patient_href(7)

    return lead


def asked(standing_in: StandIn) -> list[str]:
    return [question.path for question in standing_in.asked]


def test_an_oscar_with_the_usual_page_is_asked_once(links: Callable[[str | None], str], standing_in: StandIn) -> None:
    assert {links("doctor") for _ in range(3)} == {
        f"{CONTROL}?demographic_no=7&displaymode=edit&dboperation=search_detail"
    }
    assert asked(standing_in) == [CONTROL]


def test_an_oscar_that_edits_records_at_another_page_gets_links_there(
    links: Callable[[str | None], str], standing_in: StandIn
) -> None:
    del standing_in.answers[CONTROL]
    standing_in.answers[EDIT] = lambda *_: Answer(200, "")
    assert {links("doctor") for _ in range(3)} == {f"{EDIT}?demographic_no=7"}
    assert asked(standing_in) == [CONTROL, EDIT]


@pytest.mark.parametrize("signed_out", [302, 401])
def test_a_session_that_has_ended_says_nothing(
    signed_out: int, links: Callable[[str | None], str], standing_in: StandIn
) -> None:
    del standing_in.answers[CONTROL]
    standing_in.answers[EDIT] = lambda *_: Answer(200, "")
    standing_in.signed_out = Answer(signed_out, "", {"Location": "/oscar/logout.jsp"})
    assert links("ended").startswith(CONTROL)
    assert links(None).startswith(CONTROL)
    assert links("doctor") == f"{EDIT}?demographic_no=7"


def test_an_oscar_that_never_answers_is_not_asked_forever() -> None:
    times: list[RecordPage] = []

    def ask(page: RecordPage) -> int:
        times.append(page)
        return HTTPStatus.FOUND

    pages = RecordPages(ask)
    assert {pages.page() for _ in range(100)} == {RecordPage.CONTROL}
    assert len(times) == 6


def test_browsers_are_asked_for_get_and_post_only(app: Flask) -> None:
    methods = {
        method
        for rule in app.url_map.iter_rules()
        if not rule.rule.startswith("/fhir")
        for method in rule.methods or ()
    }
    assert methods == {"GET", "HEAD", "OPTIONS", "POST"}
