"""The pages about FHIR clients, as an administrator of the EMR uses them."""

from collections.abc import Callable
from html import unescape
from itertools import product
from typing import Any

import orjson
import pytest
from flask import Flask
from joserfc.jwk import ECKey
from playwright.sync_api import expect
from sqlalchemy import update

from cpar_plugin.domain.scopes import SUBSCRIBE
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import Client
from cpar_plugin.services.panels import editing
from cpar_plugin.store.tables import subscription
from oscar_host.host import OscarHost

from ..browser import OpenTab, look
from ..fhirapi.receiver import a_subscription
from .conftest import MANAGER, PUBLIC_KEYS

pytestmark = pytest.mark.databases("one")

OTHER_KEYS = PUBLIC_KEYS.replace("ec-1", "ec-2")


@pytest.fixture
def registered(host: OscarHost) -> Callable[[], list[Client]]:
    """All clients as they stand."""

    def read() -> list[Client]:
        with host.database.engine.connect() as connection:
            return registry.every_client(connection)

    return read


def test_a_client_is_registered_for_one_panel(
    manager: Any, panel: int, other_panel: int, registered: Callable[[], list[Client]]
) -> None:
    entered = {
        "name": "Network",
        "scopes": ["system/Group.rs", "system/Patient.rs"],
        "panels": panel,
        "jwks": PUBLIC_KEYS,
    }
    answer = manager.post("/cpar/clients/new", **entered)
    assert answer.location == "/cpar/clients"
    [client] = registered()
    assert (client.name, client.scopes, client.panels) == ("Network", "system/Group.rs system/Patient.rs", (panel,))
    page = manager.get("/cpar/clients").get_data(as_text=True)
    for part in ("Network was registered", "client-1", "Panel 0042", "ec-1", "Never", "http://localhost/fhir"):
        assert part in page
    assert "0077" not in page


def test_a_client_without_panels_is_said_to_have_all(manager: Any, panel: int) -> None:
    assert "If none are selected, it may do this with all of the clinic's panels" in manager.get(
        "/cpar/clients/new"
    ).get_data(as_text=True)
    manager.post("/cpar/clients/new", name="Network", scopes="system/*.rs", jwks=PUBLIC_KEYS)
    assert "All of the clinic's panels" in manager.get("/cpar/clients").get_data(as_text=True)


def test_everything_that_is_wrong_is_said_and_what_was_entered_remains(
    manager: Any, panel: int, registered: Callable[[], list[Client]]
) -> None:
    private = ECKey.generate_key("P-384").as_dict(private=True)
    pasted = str(private).replace("'", '"')
    answer = manager.post("/cpar/clients/new", name="", panels=panel, jwks=pasted)
    assert answer.status_code == 422
    page = answer.get_data(as_text=True)
    for part in ("Enter the name of the client", "Select what the client can do", "contains a private key"):
        assert part in page
    assert f'value="{panel}" checked' in page
    answer = manager.post("/cpar/clients/new", name="A", scopes="system/*.rs", jwks_url="https://127.0.0.1/jwks.json")
    assert answer.status_code == 422
    assert "private network" in answer.get_data(as_text=True)
    assert registered() == []


def test_the_web_pages_of_a_client_are_entered_shown_and_taken_away(
    manager: Any, registered: Callable[[], list[Client]]
) -> None:
    entered = {"name": "Network", "scopes": "system/*.rs", "jwks": PUBLIC_KEYS}
    wrong = manager.post("/cpar/clients/new", **entered, origins="https://app.example/start")
    assert wrong.status_code == 422
    page = unescape(wrong.get_data(as_text=True))
    assert "without a path" in page
    assert "https://app.example/start</textarea>" in page
    manager.post("/cpar/clients/new", **entered, origins="https://app.example/\nhttps://b.example:8443")
    [client] = registered()
    assert client.origins == "https://app.example https://b.example:8443"
    assert "https://app.example\nhttps://b.example:8443" in manager.get("/cpar/clients/1").get_data(as_text=True)
    assert "https://b.example:8443" in manager.get("/cpar/clients").get_data(as_text=True)
    manager.post("/cpar/clients/1", **entered, origins="", version="1")
    assert registered()[0].origins == ""


def test_a_private_key_is_never_put_back_into_the_page(manager: Any, registered: Callable[[], list[Client]]) -> None:
    key = ECKey.generate_key("P-384")
    json = orjson.dumps(key.as_dict(private=True) | {"kid": "k"}).decode()
    pasted = [json, '{"keys": [' + json + "]}", json[:-1], key.as_pem(private=True).decode(), json.replace('"', "'")]
    manager.post("/cpar/clients/new", name="Network", scopes="system/*.rs", jwks=PUBLIC_KEYS)
    for address, text in product(("/cpar/clients/new", "/cpar/clients/1"), pasted):
        for field in ("jwks", "jwks_url", "name"):
            entered = {"name": "Network", "scopes": "system/*.rs", "version": "1", field: text}
            answer = manager.post(address, **entered)
            assert answer.status_code == 422
            page = answer.get_data(as_text=True)
            assert json[100:140] not in unescape(page), (address, field)
            assert key.as_dict(private=True)["d"] not in page
    [client] = registered()
    assert "ec-1" in (client.jwks or "")
    # What is public remains, and so does what was registered.
    assert "ec-1" in manager.post("/cpar/clients/new", name="", jwks=PUBLIC_KEYS).get_data(as_text=True)
    assert "ec-1" in manager.post("/cpar/clients/1", name="", jwks=json, version="1").get_data(as_text=True)


def test_a_client_is_changed_and_a_second_person_is_informed(
    manager: Any, panel: int, registered: Callable[[], list[Client]]
) -> None:
    manager.post("/cpar/clients/new", name="Network", scopes="system/*.rs", panels=panel, jwks=PUBLIC_KEYS)
    assert "ec-1" in manager.get("/cpar/clients/1").get_data(as_text=True)
    entered = {"name": "Network", "scopes": "system/Group.rs", "panels": panel, "jwks": OTHER_KEYS, "version": "1"}
    assert manager.post("/cpar/clients/1", **entered).status_code == 303
    assert registered()[0].scopes == "system/Group.rs"
    assert manager.post("/cpar/clients/1", **(entered | {"scopes": "system/*.rs"})).status_code == 409
    assert registered()[0].scopes == "system/Group.rs"


def test_a_panel_that_is_deleted_remains_selected(
    manager: Any, host: OscarHost, panel: int, registered: Callable[[], list[Client]]
) -> None:
    manager.post("/cpar/clients/new", name="Network", scopes="system/*.rs", panels=panel, jwks=PUBLIC_KEYS)
    editing.delete(host, host.identity.system, panel, 1)
    page = manager.get("/cpar/clients/1").get_data(as_text=True)
    assert "A deleted panel" in page
    assert f'value="{panel}" checked' in page
    assert "A deleted panel" in manager.get("/cpar/clients").get_data(as_text=True)


def test_a_check_in_program_is_registered_for_confirming_alone(
    manager: Any, registered: Callable[[], list[Client]]
) -> None:
    manager.post("/cpar/clients/new", name="Kiosk", scopes="system/Group.u", jwks=PUBLIC_KEYS)
    assert [client.scopes for client in registered()] == ["system/Group.u"]
    assert "Confirm patients who were asked" in manager.get("/cpar/clients").get_data(as_text=True)
    assert 'value="system/Group.u" checked' in manager.get("/cpar/clients/1").get_data(as_text=True)


def test_revoking_is_asked_about_and_done(manager: Any, registered: Callable[[], list[Client]], panel: int) -> None:
    manager.post("/cpar/clients/new", name="Network", scopes="system/*.rs", jwks=PUBLIC_KEYS)
    assert "cannot be undone" in manager.get("/cpar/clients/1/revoke").get_data(as_text=True)
    assert manager.post("/cpar/clients/1/revoke").status_code == 303
    assert registered()[0].revoked_at
    page = manager.get("/cpar/clients").get_data(as_text=True)
    assert "No client is registered." in page
    assert manager.get("/cpar/clients/1").status_code == 404
    assert manager.post("/cpar/clients/1/revoke").status_code == 404


def test_only_administrators_find_it_in_the_menu(manager: Any, cpar_role: Any) -> None:
    assert "FHIR Clients" in manager.get("/administration").get_data(as_text=True)
    assert "FHIR Clients" not in cpar_role.get("/administration").get_data(as_text=True)
    answer = cpar_role.get("/cpar/clients")
    assert answer.status_code == 403
    assert "admin role" in answer.get_data(as_text=True)


def test_the_page_is_fit_to_be_seen_with_several_clients_and_with_mistakes(
    app: Flask, host: OscarHost, manager: Any, panel: int, other_panel: int, open_tab: OpenTab
) -> None:
    manager.post("/cpar/clients/new", name="Registry of the zone", scopes="system/Group.rs", jwks=PUBLIC_KEYS)
    with host.database.session() as session:
        registry.hold(session, host, host.identity.system)
    for name, chosen in (("Network analytics", [panel, other_panel]), ("Referral system of the zone", [])):
        manager.post(
            "/cpar/clients/new",
            name=name,
            scopes=["system/Group.rs", "system/Patient.rs"],
            panels=chosen,
            jwks=PUBLIC_KEYS,
        )
    number = a_subscription(host)
    values = {"last_number": 1290, "sent_number": 1200, "attempts": 290, "last_event_at": host.clock.now()}
    values |= {"failing_since": host.clock.now(), "failure": "receiver.example answered with status 503."}
    with host.database.session() as session:
        session.execute(update(subscription).values(values).where(subscription.c.subscription_id == number))
    manager.post("/cpar/clients/new", name="Old system", scopes="system/*.rs", jwks=PUBLIC_KEYS)
    manager.post("/cpar/clients/4/revoke")
    page = open_tab(MANAGER)
    page.goto("/cpar/clients")
    expect(page.get_by_text("On hold since a backup was restored")).to_have_count(1)
    look(page, "clients-several")
    page.get_by_role("link", name="Turn off the subscription").click()
    look(page, "subscription-off")
    page.get_by_role("link", name="Cancel").click()
    page.get_by_role("link", name="Register a Client").click()
    page.get_by_label("Name", exact=True).fill("Province")
    page.get_by_role("button", name="Save").click()
    look(page, "client-form-mistakes")
    page.get_by_role("link", name="Select what the client can do").click()
    page.get_by_label("Everything").check()
    page.get_by_label("Or the public keys").fill(PUBLIC_KEYS)
    page.get_by_role("button", name="Save").click()
    page.get_by_text("Province was registered").wait_for()


def test_subscriptions_are_listed_with_their_state_and_turned_off_for_good(
    manager: Any, host: OscarHost, registered: Callable[[], list[Client]]
) -> None:
    manager.post("/cpar/clients/new", name="Network", scopes=["system/Group.rs", SUBSCRIBE], jwks=PUBLIC_KEYS)
    assert registered()[0].scopes == f"system/Group.rs {SUBSCRIBE}"
    number = a_subscription(host)
    shown = manager.get("/cpar/clients").get_data(as_text=True)
    for part in ("receiver.example", "Stopped after failures; its client can activate it", "Record numbers and panels"):
        assert part in shown
    address = f"/cpar/clients/subscriptions/{number}/off"
    assert "receiver.example will no longer be notified" in manager.get(address).get_data(as_text=True)
    answer = manager.post(address)
    assert answer.location == "/cpar/clients"
    shown = manager.get("/cpar/clients").get_data(as_text=True)
    assert "A subscription of Network was turned off." in shown
    assert "Turned off by" in shown
    assert address not in shown
    assert manager.get("/cpar/clients/subscriptions/999/off").status_code == 404
