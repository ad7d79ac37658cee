"""A clinic at work: people who open pages and send forms, each once a second, and wait for what they get."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from threading import Event, Thread

import requests

PEOPLE = 36
_FORM = "/oscar/cpar/settings"
_PATIENCE = 290  # s: it bounds a hang, and must not fail a slow machine


@dataclass
class Traffic:
    """At the address `site`, by people who share the `cookies` of a manager's session. `lost` tells what was lost."""

    site: str
    cookies: dict[str, str]
    authority: str
    reads: int = 0
    forms: int = 0
    lost: list[str] = field(default_factory=list)

    @contextmanager
    def flowing(self) -> Iterator[None]:
        """While the block runs, and until everybody has got an answer both before and after it."""
        first = self._person()
        page = first.get(f"{self.site}{_FORM}", timeout=_PATIENCE)
        hidden = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        self.cookies |= dict(first.cookies)
        end = Event()
        people = [Thread(target=self._work, args=(number, hidden, end)) for number in range(PEOPLE)]
        for person in people:
            person.start()
        try:
            self._go_on_for_a_round()
            yield
            self._go_on_for_a_round()
        finally:
            end.set()
            for person in people:
                person.join()

    def _go_on_for_a_round(self) -> None:
        until, given_up = self.reads + self.forms + 2 * PEOPLE, time.monotonic() + _PATIENCE
        while self.reads + self.forms < until and not self.lost:
            assert time.monotonic() < given_up
            time.sleep(0.1)

    def _person(self) -> requests.Session:
        person = requests.Session()
        person.trust_env, person.verify = False, self.authority
        person.cookies.update(self.cookies)
        return person

    def _work(self, number: int, hidden: dict[str, str], end: Event) -> None:
        person = self._person()
        while not end.wait(1):
            try:
                if number % 2:
                    answer = person.get(f"{self.site}/oscar/cpar/panels", timeout=_PATIENCE)
                    kept = answer.status_code == 200 and "Panel Management" in answer.text
                else:
                    typed = f"S-{number}"
                    form = {**hidden, "name": "", "site_id": typed}
                    answer = person.post(f"{self.site}{_FORM}", data=form, timeout=_PATIENCE)
                    kept = answer.status_code == 422 and typed in answer.text  # a name is missing
            except requests.RequestException as error:
                self.lost.append(type(error).__name__)
                continue
            if answer.status_code == HTTPStatus.SERVICE_UNAVAILABLE:
                continue  # on a slow machine the application itself may ask for patience: then people ask again
            if kept:
                self.reads += number % 2
                self.forms += 1 - number % 2
            else:
                self.lost.append(f"{answer.request.method}: {answer.status_code}")
