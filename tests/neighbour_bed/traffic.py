"""A clinic at work: people who open pages and send forms, each once a second, and wait for what they get."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import requests

PEOPLE = 36
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
        end = Event()
        people = [Thread(target=self._work, args=(number, end)) for number in range(PEOPLE)]
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

    def _work(self, number: int, end: Event) -> None:
        person = requests.Session()
        person.trust_env, person.verify = False, self.authority
        person.cookies.update(self.cookies)
        settings = f"{self.site}/oscar/cpar/settings"
        page = person.get(settings, timeout=_PATIENCE)
        hidden = dict(re.findall(r'name="(csrf_token|version)" value="([^"]+)"', page.text))
        while not end.wait(1):
            try:
                if number % 2:
                    answer = person.get(f"{self.site}/oscar/cpar/panels", timeout=_PATIENCE)
                    kept = answer.status_code == 200 and "Panel Management" in answer.text
                    self.reads += 1
                else:
                    typed = f"S-{number}"
                    form = {**hidden, "name": "", "site_id": typed}
                    answer = person.post(settings, data=form, timeout=_PATIENCE)
                    kept = answer.status_code == 422 and typed in answer.text  # a name is missing
                    self.forms += 1
                if not kept:
                    self.lost.append(f"{answer.request.method}: {answer.status_code}")
            except requests.RequestException as error:
                self.lost.append(type(error).__name__)
