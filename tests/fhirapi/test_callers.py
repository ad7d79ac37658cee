"""Who may read through the FHIR interface: by a token, or signed in to the EMR."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask, request
from flask_wtf.csrf import generate_csrf

from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.clients import registry
from cpar_plugin.services.operations import clinic
from cpar_plugin.settings import load
from cpar_plugin.web.fhir.callers import AccessDenied, Callers, TooMany, TurnedAway, Unauthorized, require, turned_away
from oscar_host.host import OscarHost

from .clients import Registered

MANAGER, RECEPTION, GONE = "301", "201", "999"


@pytest.fixture
def people(oscar: Any) -> None:
    """A manager of panels, a receptionist."""
    oscar.provider(MANAGER, last_name="Penner")
    oscar.provider(RECEPTION, last_name="Santos")
    oscar.role(MANAGER, "CPAR Admin")
    oscar.role(RECEPTION, "receptionist")
    oscar.privilege("CPAR Admin", "_admin.cpar", "x")
    oscar.privilege("receptionist", "_demographic", "x")


@pytest.fixture
def calling(app: Flask, site: OscarHost, people: None) -> Callable[..., Any]:
    """Who a request is from: with a token, or by somebody who is signed in."""

    def call(authorization: str = "", *, signed_in: str = "", method: str = "GET", form_token: bool = False) -> Any:
        headers = {"Authorization": authorization} if authorization else {}
        with app.test_request_context("/fhir/Patient", method=method, headers=headers):
            identity = replace(site.identity, signed_in=lambda: signed_in)
            callers = Callers(replace(site, identity=identity), load(site.settings))
            if form_token:
                request.environ["HTTP_X_CSRFTOKEN"] = generate_csrf()
            with site.database.engine.connect() as connection:
                return callers.caller(connection)

    return call


def test_no_one_gets_in_without_a_token_or_a_sign_in(calling: Callable[..., Any]) -> None:
    for authorization in (
        "",
        "Basic Y2xpZW50LTE6eA==",
        "Bearer",
        "Bearer ",
        "Bearer x",
        f"Bearer {'A' * 43}",
        "x" * 9000,
    ):
        with pytest.raises(Unauthorized) as nobody:
            calling(authorization)
        assert nobody.value.headers["WWW-Authenticate"].startswith("Bearer ")


def test_a_token_opens_what_its_scope_names(calling: Callable[..., Any], registered: Callable[..., Registered]) -> None:
    client = registered()
    caller = calling(f"Bearer {client.token('system/Group.r')}")
    assert caller.client_id == client.client_id
    require(caller, "Group", "read")
    for kind, interaction in (("Group", "search"), ("Patient", "read")):
        with pytest.raises(AccessDenied) as refused:
            require(caller, kind, interaction)
        assert f'scope="system/{kind}.{interaction[0]}"' in refused.value.headers["WWW-Authenticate"]


def test_the_word_bearer_may_be_written_in_any_way(calling: Callable[..., Any], token: str) -> None:
    assert calling(f"bearer {token}").client_id == "client-1"


def test_an_expired_or_revoked_token_opens_nothing(
    calling: Callable[..., Any], registered: Callable[..., Registered], site: OscarHost, clerk: Actor, clock: FixedClock
) -> None:
    client = registered()
    first = client.token()
    clock.move_to(clock.now() + timedelta(minutes=5))
    with pytest.raises(Unauthorized, match="expired"):
        calling(f"Bearer {first}")
    second = client.token()
    registry.revoke(site, clerk, client.client_id)
    with pytest.raises(Unauthorized) as out:
        calling(f"Bearer {second}")
    assert 'error="invalid_token"' in out.value.headers["WWW-Authenticate"]


def test_people_who_manage_panels_may_read_and_others_may_not(calling: Callable[..., Any]) -> None:
    caller = calling(signed_in=MANAGER)
    assert caller.client_id is None
    assert caller.panels is None
    assert caller.actor.actor_id == MANAGER
    assert caller.may("Patient", "search")
    with pytest.raises(AccessDenied):
        calling(signed_in=RECEPTION)
    with pytest.raises(Unauthorized):
        calling(signed_in=GONE)


def test_another_site_cannot_post_with_the_cookie_of_the_emr(calling: Callable[..., Any], token: str) -> None:
    with pytest.raises(AccessDenied, match="X-CSRFToken"):
        calling(signed_in=MANAGER, method="POST")
    assert calling(signed_in=MANAGER, method="POST", form_token=True).actor.actor_id == MANAGER
    assert calling(f"Bearer {token}", method="POST").client_id == "client-1"


def test_a_wrong_token_is_not_made_good_by_a_cookie(calling: Callable[..., Any]) -> None:
    with pytest.raises(Unauthorized):
        calling("Bearer wrong", signed_in=MANAGER)


def test_everything_is_closed_while_the_integration_is_off(
    calling: Callable[..., Any], token: str, site: OscarHost, clerk: Actor
) -> None:
    clinic.disable(site, clerk)
    for arguments in ({"authorization": f"Bearer {token}"}, {"signed_in": MANAGER}):
        with pytest.raises(AccessDenied, match="turned off"):
            calling(**arguments)


def test_each_caller_has_so_many_requests_a_minute(
    app: Flask, site: OscarHost, token: str, registered: Callable[..., Registered], clock: FixedClock
) -> None:
    callers = Callers(site, load({"fhir_requests_per_minute": "2"}))

    def call(with_token: str) -> None:
        headers = {"Authorization": f"Bearer {with_token}"}
        with app.test_request_context("/fhir/Patient", headers=headers), site.database.engine.connect() as connection:
            callers.caller(connection)

    other = registered("Other").token()
    for each in (token, token, other):
        call(each)
    with pytest.raises(TooMany) as wait:
        call(token)
    assert wait.value.headers["Retry-After"] == "60"
    call(other)
    clock.move_to(clock.now() + timedelta(seconds=60))
    call(token)


def test_requests_of_no_one_known_are_counted_for_their_address_alone(
    site: OscarHost, served: Callable[..., Flask], registered: Callable[..., Registered]
) -> None:
    app = served(site, {"fhir_requests_per_minute": "3"})
    token = replace(registered("Network"), app=app).token()

    def status(sent: str, address: str) -> int:
        headers, base = {"Authorization": f"Bearer {sent}"}, {"REMOTE_ADDR": address}
        return app.test_client().get("/fhir/Organization/clinic", headers=headers, environ_base=base).status_code

    assert [status("x" * 43, "192.0.2.7") for _ in range(5)] == [401, 401, 401, 429, 429]
    assert status("x" * 43, "192.0.2.8") == 401
    assert [status("x" * 43, f"2001:db8::{number}") for number in range(1, 6)] == [401, 401, 401, 429, 429]
    assert [status(token, "192.0.2.7") for _ in range(4)] == [200, 200, 200, 429]


def test_a_client_that_is_turned_away_gets_an_operation_outcome(app: Flask, check_r4: Callable[[Any], Any]) -> None:
    kinds: list[tuple[type[TurnedAway], int, str]] = [
        (Unauthorized, 401, "login"),
        (AccessDenied, 403, "forbidden"),
        (TooMany, 429, "throttled"),
    ]
    for kind, status, code in kinds:
        with app.test_request_context("/fhir/Patient"):
            answer = turned_away(kind("Why.", Retry_After="7"))
        assert answer.status_code == status
        assert answer.headers["Retry-After"] == "7"
        assert answer.json is not None
        assert answer.json["issue"] == [{"severity": "error", "code": code, "diagnostics": "Why."}]
        check_r4(answer.json)
