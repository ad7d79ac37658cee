"""How long a sign-in with a password lasts: a session ends on the server, whatever a browser still sends."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select, update

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.store.tables import clinic as clinic_row
from oscar_host.host import OscarHost
from oscar_host.own_sessions import own_session

from ..serving import serving
from .conftest import PASSWORD, Beside, Visitor

COOKIE = "oscar_sidecar"
MINUTE = dt.timedelta(minutes=1)


@pytest.fixture
def install_options() -> tuple[str, ...]:
    """The account of MariaDB reads the passwords, too."""
    return ("--sign-in", "password")


@pytest.fixture
def signed_in(visitor: Visitor) -> Visitor:
    """The administrator."""
    assert visitor.sign_in().status_code == 303
    return visitor


def kept_cookie(visitor: Visitor) -> Visitor:
    """Somebody who has a copy of the cookie."""
    other = Visitor(visitor.site)
    other.session.cookies.update(visitor.session.cookies)
    return other


def opens(visitor: Visitor) -> bool:
    """Whether the pages are open to the browser; otherwise it is sent to the sign-in."""
    answer = visitor.get("/settings")
    assert answer.status_code in (200, 303)
    assert answer.status_code == 200 or "/sign-in?" in answer.headers["Location"]
    return answer.status_code == 200


def test_a_cookie_that_was_kept_is_worth_nothing_after_signing_out(signed_in: Visitor) -> None:
    thief = kept_cookie(signed_in)
    assert opens(thief)
    form = {"csrf_token": signed_in.token()}
    assert signed_in.post("/sign-out", data=form).status_code == 303
    assert not opens(thief)
    script = {"HX-Request": "true"}
    response = thief.post("/patients/1/choose", data=form, headers=script)
    assert (response.status_code, response.headers["HX-Reswap"]) == (403, "afterbegin")
    assert "You are signed out" in response.text


@pytest.mark.parametrize(
    "changed",
    [
        {"password": "another password"},
        {"pin": "1118"},
        {"forcePasswordReset": 1},
        {"b_ExpireSet": 1, "date_ExpireDate": dt.date(2026, 11, 9)},
        {"usingMfa": 1},
        {"provider_no": "999"},
    ],
)
def test_a_change_of_the_account_ends_its_session(
    signed_in: Visitor,
    change: Callable[..., None],
    changed: dict[str, Any],
) -> None:
    change(user_name="penner")
    assert opens(signed_in)
    change(**changed)
    assert not opens(signed_in)


def test_an_account_that_is_removed_ends_its_session(signed_in: Visitor, emr: OscarHost) -> None:
    with emr.database.writing() as connection:
        connection.execute(delete(emr.tables.security))
    assert not opens(signed_in)


@pytest.mark.parametrize(("password_settings", "minutes"), [({}, 30), ({"idle_minutes": "10"}, 10)])
def test_a_session_ends_when_it_was_not_used_for_so_long(
    beside: Beside,
    accounts: None,
    clock: FixedClock,
    password_settings: dict[str, str],
    minutes: int,
) -> None:
    with serving(beside(sign_in="password", **password_settings)) as site:
        somebody = Visitor(site)
        somebody.sign_in()
        for _ in range(3):
            clock.move_to(clock.now() + minutes * MINUTE - dt.timedelta(seconds=1))
            assert opens(somebody)
        clock.move_to(clock.now() + minutes * MINUTE)
        assert not opens(somebody)
        clock.move_to(clock.now() - minutes * MINUTE)
        assert opens(somebody)  # by the clock, not by the cookie


def test_a_session_ends_after_twelve_hours_of_use(signed_in: Visitor, clock: FixedClock) -> None:
    began = clock.now()
    for minutes in range(20, 12 * 60, 20):
        clock.move_to(began + minutes * MINUTE)
        assert opens(signed_in)
    clock.move_to(began + dt.timedelta(hours=11, minutes=59, seconds=59))
    assert opens(signed_in)
    clock.move_to(began + dt.timedelta(hours=12))
    assert not opens(signed_in)


def test_a_page_that_asks_by_itself_keeps_no_session_alive(signed_in: Visitor, clock: FixedClock) -> None:
    for _ in range(29):
        clock.move_to(clock.now() + MINUTE)
        signed_in.get("/submissions/progress", headers={"HX-Request": "true"})
    clock.move_to(clock.now() + MINUTE)
    assert not opens(signed_in)


def test_use_is_written_down_once_a_minute(signed_in: Visitor, clock: FixedClock, statements: list[str]) -> None:
    for _ in range(5):
        assert opens(signed_in)
    assert not [statement for statement in statements if statement.startswith("UPDATE")]
    clock.move_to(clock.now() + MINUTE)
    for _ in range(5):
        assert opens(signed_in)
    assert len([statement for statement in statements if statement.startswith("UPDATE")]) == 1


def test_no_one_waits_for_someone_who_is_writing(signed_in: Visitor, host: OscarHost, clock: FixedClock) -> None:
    clock.move_to(clock.now() + 2 * MINUTE)
    seconds = 20  # a writer is waited for longer
    with host.database.writing() as connection:
        connection.execute(update(clinic_row).values(version=clinic_row.c.version))
        answer = signed_in.session.get(f"{signed_in.site}/oscar/cpar/settings", timeout=seconds)
    assert answer.status_code == 200
    assert opens(signed_in)


def test_all_processes_agree(signed_in: Visitor, beside: Beside) -> None:
    with serving(beside(sign_in="password")) as other_process:
        there = kept_cookie(signed_in)
        there.site = other_process
        assert opens(there)
        there.post("/sign-out", data={"csrf_token": there.token()})
        assert not opens(signed_in)


def test_a_session_that_was_there_before_the_sign_in_is_not_that_of_the_user_who_signs_in(signed_in: Visitor) -> None:
    planted = kept_cookie(signed_in)
    assert signed_in.sign_in("okafor").status_code == 303
    assert signed_in.session.cookies[COOKIE] != planted.session.cookies[COOKIE]
    assert not opens(planted)
    assert "Okafor, Ada" in signed_in.get("/settings").text


def test_the_table_holds_nothing_that_opens_a_session_and_none_that_has_ended(
    signed_in: Visitor, host: OscarHost, clock: FixedClock
) -> None:
    def rows() -> list[Any]:
        with host.database.engine.connect() as connection:
            return list(connection.execute(select(own_session)).all())

    [row] = rows()
    assert (len(row.token_hash), len(row.seal)) == (64, 64)
    assert PASSWORD not in repr(row)
    clock.move_to(clock.now() + 30 * MINUTE)
    assert Visitor(signed_in.site).sign_in().status_code == 303
    [other] = rows()
    assert other.token_hash != row.token_hash


def test_a_clock_that_was_ahead_keeps_no_session_longer(signed_in: Visitor, clock: FixedClock) -> None:
    now = clock.now()
    clock.move_to(now - dt.timedelta(seconds=30))  # as another machine's clock may be
    assert opens(signed_in)
    clock.move_to(now - dt.timedelta(hours=2))
    assert not opens(signed_in)


@pytest.mark.parametrize("minutes", ["4", "721", "half an hour"])
def test_a_wrong_number_of_minutes_stops_the_start(beside: Beside, minutes: str) -> None:
    with pytest.raises(Refused, match="idle_minutes"):
        beside(sign_in="password", idle_minutes=minutes)
