"""The fallback: signing in with the password that OSCAR's table `security` keeps."""

import datetime as dt
import logging
import re
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, event, update

from cpar_plugin.host_kit.clock import FixedClock
from oscar_host.host import OscarHost
from oscar_host.passwords import hashed

from ..serving import serving
from .conftest import MANAGER, PASSWORD, Beside, Person, Visitor

pytestmark = pytest.mark.databases("one")

SIGN_IN = "/oscar/cpar/sign-in?next=%2Foscar%2Fcpar%2Fpanels"


@pytest.fixture
def install_options() -> tuple[str, ...]:
    """The account of MariaDB reads the passwords, too."""
    return ("--sign-in", "password")


def test_a_user_who_signs_in_comes_to_the_page_that_was_requested_and_can_sign_out(visitor: Visitor) -> None:
    asked_for = visitor.get("/panels")
    assert (asked_for.status_code, asked_for.headers["Location"]) == (303, SIGN_IN)
    answer = visitor.sign_in(next="/oscar/cpar/panels")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/oscar/cpar/panels")
    page = visitor.get("/panels").text
    assert "Penner, Ada" in page
    token = re.search(r'name="csrf_token" value="([^"]+)"', page)
    assert token
    assert visitor.post("/sign-out", data={"csrf_token": token[1]}).status_code == 303
    assert visitor.get("/panels").status_code == 303


def test_the_cookie_goes_no_further_than_it_has_to(beside: Beside, accounts: None) -> None:
    with serving(beside(sign_in="password", https_only="yes")) as site:
        cookie = Person(site).get("/sign-in").headers["Set-Cookie"]
    assert {part.strip() for part in cookie.split(";")[1:]} == {
        "Secure",
        "HttpOnly",
        "Path=/oscar/cpar",
        "SameSite=Lax",
    }


@pytest.mark.parametrize(
    ("https_only", "headers", "is_said"),
    [
        ("yes", {}, True),
        ("no", {}, False),
        ("yes", {"X-Forwarded-Proto": "https"}, False),  # by the proxy that is trusted
        ("yes", {"Sec-Fetch-Site": "none"}, False),  # by a browser, over HTTPS or on the machine itself alone
    ],
)
def test_the_form_says_where_no_browser_would_keep_its_session(
    beside: Beside, accounts: None, https_only: str, headers: dict[str, str], is_said: bool
) -> None:
    """Over plain HTTP the form came back without a word, since the browser had kept no cookie."""
    with serving(beside(sign_in="password", https_only=https_only, trusted_proxies="1")) as site:
        form = Person(site).get("/sign-in", headers=headers).text
    assert ("Open its address with https://" in form) is is_said


def test_a_cookie_of_oscars_opens_nothing_here(visitor: Visitor, standing_in: Any) -> None:
    visitor.session.cookies.set("JSESSIONID", "manager", path="/oscar")
    assert visitor.get("/panels").status_code == 303
    assert standing_in.asked == []


@pytest.mark.parametrize("back_to", ["https://evil.example/", "//evil.example", "/\\evil.example", "evil", "/a\nb", ""])
def test_signing_in_leads_to_no_other_site(visitor: Visitor, back_to: str) -> None:
    assert visitor.sign_in(next=back_to).headers["Location"] == "/oscar/cpar/"


SHA1 = "-51-282443-97-5-9410489-60-1021-45-127-12435464-32"  # of mac2002


@pytest.mark.parametrize(("kept", "entered"), [("as it is", "as it is"), (SHA1, "mac2002")])
def test_older_forms_of_passwords_sign_in(
    visitor: Visitor, change: Callable[..., None], kept: str, entered: str
) -> None:
    change(password=kept)
    assert visitor.sign_in(password=kept + " ").status_code == 422
    assert visitor.sign_in(password=entered).status_code == 303


@pytest.mark.parametrize(
    "barred",
    [
        {"b_ExpireSet": 1, "date_ExpireDate": dt.date(2026, 11, 9)},
        {"b_ExpireSet": 1, "date_ExpireDate": None},
        {"forcePasswordReset": 1},
        {"usingMfa": 1},
        {"b_RemoteLockSet": 1},
        {"b_RemoteLockSet": 1, "pin": ""},
        {"b_RemoteLockSet": 1, "pin": "1117"},
        {"provider_no": "999"},
        {"password": ""},
    ],
)
def test_every_refusal_has_the_same_words(
    visitor: Visitor, host: OscarHost, change: Callable[..., None], barred: dict[str, Any]
) -> None:
    wrong = visitor.sign_in(password="wrong")
    change(**barred)
    answer = visitor.sign_in()
    assert answer.status_code == wrong.status_code == 422

    def words(text: str) -> str:
        return re.sub(r'name="csrf_token" value="[^"]+"', "", text)

    assert words(answer.text) == words(wrong.text)
    assert visitor.get("/panels").status_code == 303


@pytest.mark.parametrize(
    "open_",
    [
        {"b_ExpireSet": 1, "date_ExpireDate": dt.date(2026, 11, 10)},
        {"b_ExpireSet": 0, "date_ExpireDate": dt.date(2020, 1, 1)},
        {"b_LocalLockSet": 1, "pin": "1117"},  # only inside, and nobody is inside by default
        {"b_RemoteLockSet": 0, "b_LocalLockSet": None, "forcePasswordReset": 0, "usingMfa": None},
    ],
)
def test_what_bars_no_one_is_passed_over(visitor: Visitor, change: Callable[..., None], open_: dict[str, Any]) -> None:
    change(**open_)
    assert visitor.sign_in().status_code == 303


@pytest.mark.parametrize("kept", ["1117", hashed("1117")], ids=["plain", "bcrypt"])  # its salt is another each time
def test_the_pin_is_requested_outside(visitor: Visitor, change: Callable[..., None], kept: str) -> None:
    change(b_RemoteLockSet=1, pin=kept)
    assert visitor.sign_in().status_code == 422
    assert visitor.sign_in(pin="1118").status_code == 422
    assert visitor.sign_in(password="wrong", pin="1117").status_code == 422
    assert visitor.sign_in(pin="1117").status_code == 303


def test_the_clinics_own_networks_are_inside(beside: Beside, accounts: None, change: Callable[..., None]) -> None:
    change(b_RemoteLockSet=1, b_LocalLockSet=0, pin="1117")
    with serving(beside(sign_in="password", inside_networks="10.0.0.0/8 127.0.0.0/8")) as site:
        assert Visitor(site).sign_in().status_code == 303
        change(b_LocalLockSet=1)
        assert Visitor(site).sign_in().status_code == 422
        assert Visitor(site).sign_in(pin="1117").status_code == 303


def test_what_a_browser_says_of_its_own_address_counts_only_behind_a_proxy_that_is_trusted(
    beside: Beside, accounts: None, change: Callable[..., None]
) -> None:
    change(b_RemoteLockSet=1, b_LocalLockSet=0, pin="1117")
    pretending = {"X-Forwarded-For": "10.1.2.3"}
    for proxies, status in (("0", 422), ("1", 303)):
        settings = {"sign_in": "password", "inside_networks": "10.0.0.0/8", "trusted_proxies": proxies}
        with serving(beside(**settings)) as site:
            assert Visitor(site).sign_in(headers=pretending).status_code == status


def test_a_provider_who_is_no_longer_active_is_signed_out_at_once(
    visitor: Visitor, host: OscarHost, emr: OscarHost
) -> None:
    assert visitor.sign_in().status_code == 303
    assert visitor.get("/panels").status_code == 200
    with emr.database.writing() as connection:
        connection.execute(update(host.tables.provider).values(status="0"))
    assert visitor.get("/panels").status_code == 303
    assert visitor.sign_in().status_code == 422


def test_a_user_who_has_no_role_does_not_come_in(visitor: Visitor, host: OscarHost, emr: OscarHost) -> None:
    held = host.tables.user_role
    with emr.database.writing() as connection:
        connection.execute(delete(held).where(held.c.provider_no == MANAGER))
    assert visitor.sign_in().status_code == 422
    assert visitor.sign_in("okafor").status_code == 303


@pytest.mark.databases("both")
@pytest.mark.parametrize("status", ["", "2", None])
def test_only_a_status_of_0_bars_a_provider(
    visitor: Visitor, host: OscarHost, emr: OscarHost, status: str | None
) -> None:
    with emr.database.writing() as connection:
        connection.execute(update(host.tables.provider).values(status=status))
    assert visitor.sign_in().status_code == 303
    assert visitor.get("/panels").status_code == 200


def test_five_wrong_passwords_close_a_name_for_a_minute(visitor: Visitor, clock: FixedClock) -> None:
    for name in ("penner", "Penner", "PENNER", "penner", "penner "):
        assert visitor.sign_in(name, "wrong").status_code == 422
    refused = visitor.sign_in()
    assert refused.status_code == 429
    assert "Wait a minute" in refused.text
    assert visitor.sign_in("okafor").status_code == 303
    clock.move_to(clock.now() + dt.timedelta(minutes=1))
    assert visitor.sign_in().status_code == 303


def test_a_form_without_its_token_signs_no_one_in(visitor: Visitor) -> None:
    answer = visitor.post("/sign-in", data={"user_name": "penner", "password": PASSWORD})
    assert answer.status_code == 303  # to the form, with a token
    assert answer.headers["Location"].startswith("/oscar/cpar/sign-in")
    assert visitor.get("/panels").status_code == 303


@pytest.mark.databases("both")
@pytest.mark.parametrize(
    "entered", [("", ""), ("🙈", "🙈"), ("x" * 5000, "x" * 5000), ("penner", "\0"), ("a\nb", "\b")]
)
def test_whatever_is_entered_is_refused_in_peace(visitor: Visitor, entered: tuple[str, str]) -> None:
    assert visitor.sign_in(*entered, pin="🙈").status_code == 422


@pytest.mark.databases("both")
def test_nothing_is_ever_written_to_the_table(host: OscarHost, visitor: Visitor) -> None:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        statements.append(statement)

    event.listen(host.database.engine, "before_cursor_execute", note)
    visitor.sign_in(password="wrong")
    visitor.sign_in()
    event.remove(host.database.engine, "before_cursor_execute", note)
    of_table = [statement for statement in statements if "security" in statement]
    assert of_table
    reading = re.compile(r"(SET STATEMENT max_\S+ = \S+ FOR )?\s*(SELECT|SHOW|PRAGMA)")
    assert all(map(reading.match, of_table))


def test_the_log_shows_a_refusal_without_name_or_password(visitor: Visitor, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "oscar_host")
    visitor.sign_in(password="a wrong one")
    assert "A sign-in from 127.0.0.1 was refused." in caplog.text
    assert "penner" not in caplog.text
    assert "a wrong one" not in caplog.text


def test_without_the_setting_no_one_signs_in_with_a_password(accounts: None, site: str) -> None:
    page = Person(site).get("/sign-in")
    assert "<form" not in page.text
    assert 'type="password"' not in page.text
    assert Person(site).post("/sign-in", data={"user_name": "penner", "password": PASSWORD}).status_code in (303, 405)
