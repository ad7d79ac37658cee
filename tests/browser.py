"""Chromium, the application under test at an address of its own, and a look at what a page shows."""

import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from playwright.sync_api import Browser, BrowserContext, Error, FrameLocator, Page, Playwright, expect, sync_playwright

from .peers import absent
from .serving import serving
from .signing_in import session_of
from .waiting import wait_until

SCREENSHOTS = Path(__file__).parent.parent / "test-output" / "pages"
_PROGRAMS = ("chromium-headless-shell", "chromium")  # the first takes half of the time
PATIENCE = 120_000  # ms: it bounds a hang, and must not fail a slow machine
_SCROLL_WIDTH = "document.documentElement.scrollWidth"
WIDTHS = (390, 800, 1280)
_OPTIONS = [
    "--no-sandbox",
    "--headless=new",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]

OpenTab = Callable[..., Page]


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """Debian's Chromium, one for all tests: each opens a context of its own."""
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright, launched(playwright) as browser:
        yield browser


@contextmanager
def launched(playwright: Playwright) -> Iterator[Browser]:
    """Debian's Chromium, closed afterwards."""
    result = next(filter(None, map(shutil.which, _PROGRAMS)), "/usr/bin/chromium")
    try:
        browser = playwright.chromium.launch(executable_path=result, args=_OPTIONS)
    except Error as error:
        pytest.fail(f"Chromium does not start. Install it with: apt-get install chromium-headless-shell\n{error}")
    yield browser
    browser.close()


def new_page(chromium: Browser, **options: Any) -> Page:
    """A page in a context of its own, to be closed by `page.context.close()`; `options` are the context's."""
    context = chromium.new_context(**options)
    context.set_default_timeout(PATIENCE)
    return context.new_page()


@pytest.fixture
def site(app: Flask) -> Iterator[str]:
    """The address at which the test's `app` answers, from this process."""
    with serving(app) as address:
        yield address


@pytest.fixture
def open_tab(app: Flask, site: str, chromium: Browser) -> Iterator[OpenTab]:
    """Opens a browser of its own for a signed-in person: `open_tab(RECEPTION, script=False, width=800)`.

    Afterwards no page may have logged an error, broken the security policy or met a failure of the server.
    """
    contexts: list[BrowserContext] = []
    complaints: list[str] = []

    def opened(provider_id: str | None, *, script: bool = True, width: int = 1280) -> Page:
        page = new_page(chromium, base_url=site, java_script_enabled=script, viewport={"width": width, "height": 800})
        contexts.append(context := page.context)
        if provider_id:
            signing = SecureCookieSessionInterface().get_signing_serializer(app)
            assert signing
            cookie = signing.dumps(session_of(app, provider_id))
            context.add_cookies([{"name": app.config["SESSION_COOKIE_NAME"], "value": cookie, "url": site}])
        watch(page, complaints)
        return page

    yield opened
    for context in contexts:
        context.close()
    assert complaints == []


def watch(page: Page, complaints: list[str]) -> None:
    """Note every error of the page, everything that its security policy has blocked, and failures of the server."""

    def note(message: str) -> None:
        # The browser itself notes every 4xx that a test has asked for.
        if "the server responded with a status of 4" not in message:
            complaints.append(message)

    page.on("console", lambda message: note(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: note(str(error)))
    page.on("response", lambda answer: note(answer.url) if answer.status >= 500 else None)


def look(page: Page, name: str) -> None:
    """What is open exceeds none of the widths, and axe finds nothing in it, nor too little contrast in the dark."""
    page.wait_for_load_state("networkidle")  # a click does not wait for the page that it leads to
    no_findings(page, name)
    page.emulate_media(color_scheme="dark")
    no_findings(page, f"{name}, dark", rules=["color-contrast"])
    page.emulate_media(color_scheme=None)
    fits_each_width(page, name)


def no_findings(page: Page, name: str, part: str | None = None, *, rules: Sequence[str] = ()) -> None:
    """Axe finds nothing in the page, or in this part of it, by these of its rules or all. The page must run scripts."""
    if "axe-playwright-python" in absent():
        return  # the run says at its end that this was not checked
    from axe_playwright_python.base import AXE_SCRIPT

    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(AXE_SCRIPT)
    options = {"resultTypes": ["violations"], **({"runOnly": {"type": "rule", "values": list(rules)}} if rules else {})}
    result = page.evaluate(_LOOK, [part, _MORE_OF_THE_SAME, options])
    assert result == [], f"{name}: {result}"


# Axe takes as long for each row of a table, and the sixth is made as the first.
_MORE_OF_THE_SAME = "tbody > tr:nth-child(n + 6):not(:last-child)"
_LOOK = """
async ([part, moreOfTheSame, options]) => {
    const include = part ? [...document.querySelectorAll(part)] : [document];
    const context = {include, exclude: [...document.querySelectorAll(moreOfTheSame)]};
    const {violations} = await axe.run(context, options);
    return violations.map(({id, nodes}) => [id, nodes.map((node) => node.html)]);
}
"""


def fits_each_width(page: Page, name: str, widths: Sequence[int] = WIDTHS) -> None:
    """What is open exceeds none of the widths. Pictures are kept as by `picture`."""
    for width in widths:
        resize(page, width)
        picture(page, f"{name}-{width}")
        wide = _settled_width(page, width)
        assert wide <= width, f"{name} is {wide} wide, more than {width} pixels"


def resize(page: Page, width: int, height: int = 800) -> None:
    """And wait until the page knows it: a busy browser takes the window's size some time after it was told."""
    page.set_viewport_size({"width": width, "height": height})
    wait_until(lambda: page.evaluate("[innerWidth, innerHeight]") == [width, height])


def _settled_width(page: Page, width: int) -> int:
    """How wide a page is that is to fit. What fits itself to the window has a while."""
    wide = int(page.evaluate(_SCROLL_WIDTH))
    for _ in range(50):
        if wide <= width:
            break
        page.wait_for_timeout(100)
        wide = int(page.evaluate(_SCROLL_WIDTH))
    return wide


def picture(page: Page, name: str, *, full_page: bool = True) -> None:
    """Keep a picture of what is open, where CPAR_TEST_SCREENSHOTS asks for that: each takes longer than its page."""
    if os.environ.get("CPAR_TEST_SCREENSHOTS"):
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=full_page)


def choose(page: Page | FrameLocator, label: str, text: str) -> None:
    """Select the option that holds the text."""
    field = page.get_by_label(label, exact=True)
    field.select_option(label=field.locator("option", has_text=text).first.text_content())
