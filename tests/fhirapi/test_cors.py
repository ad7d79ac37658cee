"""Programs in web pages: which pages may call the interface in a browser, and what they can read."""

import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser, Error
from werkzeug.test import TestResponse

from cpar_plugin.domain.refusals import Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from oscar_host.host import OscarHost

from ..browser import new_page
from ..signing_in import sign_in
from .clients import KeyPair, Registered, key_set
from .rest import MANAGER
from .test_over_http import Served, server, token_of  # noqa: F401  fixtures

pytestmark = pytest.mark.databases("one")

OURS, THEIRS, STRANGE = "https://app.example", "https://other.example:8443", "https://strange.example"
ALLOW, EXPOSE = "Access-Control-Allow-Origin", "Access-Control-Expose-Headers"
ASKED = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}


@pytest.fixture
def in_pages(app: Flask, site: OscarHost, clerk: Actor, rsa: KeyPair) -> Callable[..., Registered]:
    """Registers a client with the pages from which it calls."""

    def make(name: str, origins: str) -> Registered:
        draft = ClientDraft(name=name, scopes="system/*.rs", jwks=key_set(rsa), origins=origins)
        return Registered(registry.register(site, clerk, draft), rsa, app, site)

    return make


@pytest.fixture
def asked(app: Flask, in_pages: Callable[..., Registered]) -> Callable[..., TestResponse]:
    """Sends a request from a page. Two clients are registered, each with a page of its own."""
    in_pages("Ours", OURS), in_pages("Theirs", f"{THEIRS} {OURS}9")

    def send(path: str, origin: str, method: str = "GET", **headers: str) -> TestResponse:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return app.test_client().open(f"/fhir{path}", method=method, headers={"Origin": origin, **named})

    return send


def test_a_browser_hears_what_a_page_that_is_registered_may_send(asked: Callable[..., TestResponse]) -> None:
    for path in ("/Patient/1", "/Group", "/token", "/.well-known/smart-configuration", "/metadata", "/$export"):
        answer = asked(path, OURS, "OPTIONS", **ASKED)
        assert (answer.status_code, answer.data) == (204, b""), path
        assert answer.headers[ALLOW] == OURS
        assert answer.headers["Access-Control-Allow-Methods"] == "GET, HEAD, POST, PUT, DELETE"
        allowed = "Authorization, Accept, Prefer, If-None-Match, If-Modified-Since, Content-Type"
        assert answer.headers["Access-Control-Allow-Headers"] == allowed
        assert "Origin" in answer.headers["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer.headers


@pytest.mark.parametrize("origin", [STRANGE, "null", "http://app.example", f"{OURS}:444", f"{OURS}.evil.example", "*"])
def test_no_other_page_is_allowed_anything(asked: Callable[..., TestResponse], origin: str) -> None:
    for path in ("/Patient/1", "/token", "/metadata"):
        for answer in (asked(path, origin, "OPTIONS", **ASKED), asked(path, origin), asked(path, origin, "POST")):
            assert not [name for name, _ in answer.headers if name.startswith("Access-Control")], (path, origin)


def test_a_page_reads_answers_and_refusals_with_the_headers_it_needs(
    app: Flask, in_pages: Callable[..., Registered], people: dict[str, int]
) -> None:
    client = in_pages("Ours", OURS)
    token, page = client.token(), app.test_client()
    from_page = {"Origin": OURS, "Authorization": f"Bearer {token}"}
    for path, status in ((f"/Patient/{people['helene']}", 200), ("/Patient/999", 404), ("/Patient?_count=x", 400)):
        answer = page.get(f"/fhir{path}", headers=from_page)
        assert (answer.status_code, answer.headers[ALLOW]) == (status, OURS)
        assert answer.headers[EXPOSE] == "ETag, Last-Modified, Content-Location, Retry-After, X-Progress"
        assert "Access-Control-Allow-Credentials" not in answer.headers
    expired = page.get("/fhir/Patient", headers=from_page | {"Authorization": f"Bearer {'x' * 43}"})
    assert (expired.status_code, expired.headers[ALLOW]) == (401, OURS)
    form = client.form(client.pair.sign(client.claims()))
    for sent, status in ((form, 200), (form, 400)):
        answer = page.post("/fhir/token", data=sent, headers={"Origin": OURS})
        assert (answer.status_code, answer.headers[ALLOW]) == (status, OURS)
    assert ALLOW not in page.get("/fhir/metadata").headers


def test_a_token_is_of_no_use_to_the_page_of_another_client(
    app: Flask, site: OscarHost, clerk: Actor, in_pages: Callable[..., Registered]
) -> None:
    ours, theirs = in_pages("Ours", OURS), in_pages("Theirs", THEIRS)
    page, token = app.test_client(), ours.token()
    headers = {"Origin": THEIRS, "Authorization": f"Bearer {token}"}
    assert ALLOW not in page.get("/fhir/Group", headers=headers).headers
    form = ours.form(ours.pair.sign(ours.claims()))
    given = page.post("/fhir/token", data=form, headers={"Origin": THEIRS})
    assert given.status_code == 200
    assert ALLOW not in given.headers
    # Nor is the page of a client that has been revoked.
    registry.revoke(site, clerk, theirs.client_id)
    assert ALLOW not in page.options("/fhir/Group", headers={"Origin": THEIRS, **ASKED}).headers


def test_a_page_gets_nothing_with_the_cookie_of_a_person(
    app: Flask, in_pages: Callable[..., Registered], staff: None
) -> None:
    in_pages("Ours", OURS)
    browser = app.test_client()
    sign_in(browser, MANAGER)
    answer = browser.get("/fhir/Group", headers={"Origin": OURS})
    assert answer.status_code == 200
    assert ALLOW not in answer.headers


@pytest.mark.parametrize(
    ("entered", "kept"),
    [
        ("https://APP.example/", "https://app.example"),
        ("https://app.example:443, http://localhost:3000", "https://app.example http://localhost:3000"),
        ("https://a.example\nhttps://a.example", "https://a.example"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("", ""),
    ],
)
def test_origins_are_kept_as_a_browser_sends_them(
    site: OscarHost, in_pages: Callable[..., Registered], entered: str, kept: str
) -> None:
    client = in_pages("Ours", entered)
    with site.database.engine.connect() as connection:
        assert registry.live_client(connection, client.client_id).origins == kept


@pytest.mark.parametrize(
    "entered",
    [
        *("*", "app.example", "http://app.example", "https://app.example/path", "https://u:p@a.example"),
        *("https://a:99999", "null", "https://é.example"),
        " ".join(f"https://a{number}.example" for number in range(11)),
    ],
)
def test_what_is_no_origin_is_refused(in_pages: Callable[..., Registered], entered: str) -> None:
    with pytest.raises(Refused) as refused:
        in_pages("Ours", entered)
    assert set(refused.value.messages) == {"origins"}


class _Page(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>A program</title>")

    def log_message(self, *_: Any) -> None:
        pass


@contextmanager
def web_page() -> Iterator[str]:
    """The origin of a page that is there while the block runs."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Page) as served:
        threading.Thread(target=served.serve_forever, args=(0.02,)).start()
        yield f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


READ = """async ([fhir, token, form]) => {
    if (form) {
        const given = await fetch(fhir + "/token", {method: "POST", body: new URLSearchParams(form)});
        token = (await given.json()).access_token;
    }
    const headers = {Authorization: "Bearer " + token, Accept: "application/fhir+json"};
    const first = await fetch(fhir + "/Group", {headers});
    const id = (await first.json()).entry[0].resource.id;
    const group = await fetch(fhir + "/Group/" + id, {headers});
    const etag = group.headers.get("ETag");
    const again = await fetch(fhir + "/Group/" + id, {headers: {...headers, "If-None-Match": etag}, cache: "no-store"});
    const kicked = await fetch(fhir + "/$export", {headers: {...headers, Prefer: "respond-async"}});
    const smart = await fetch(fhir + "/.well-known/smart-configuration");
    return [(await group.json()).quantity, etag, again.status, kicked.headers.get("Content-Location"), smart.ok];
}"""


def test_a_page_in_a_browser_gets_a_token_and_reads(
    server: Served,  # noqa: F811
    site: OscarHost,
    clerk: Actor,
    chromium: Browser,
    rsa: KeyPair,
) -> None:
    with ExitStack() as stack:
        ours, theirs = (stack.enter_context(web_page()) for _ in range(2))
        draft = ClientDraft(name="In a page", scopes="system/*.rs", jwks=key_set(rsa), origins=ours)
        client = replace(server.client, client_id=registry.register(site, clerk, draft))
        now = site.clock.now()
        claims = client.claims(aud=f"{server.fhir}/token", exp=int(now.timestamp()) + 200)
        page = new_page(chromium)
        page.goto(ours)
        quantity, etag, again, kicked, smart = page.evaluate(READ, [server.fhir, "", client.form(rsa.sign(claims))])
        assert (quantity, again, smart) == (5, 304, True)
        assert etag.startswith('W/"')
        assert kicked.startswith(f"{server.fhir}/export/")
        for token in (server.token, token_of(client, server.fhir)):
            page.goto(theirs)
            with pytest.raises(Error, match="Failed to fetch"):
                page.evaluate(READ, [server.fhir, token, None])
        # A token of another client from this page: the browser does not let it read.
        page.goto(ours)
        with pytest.raises(Error, match="Failed to fetch"):
            page.evaluate(READ, [server.fhir, server.token, None])
        page.context.close()
