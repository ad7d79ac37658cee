"""The embedded EMR of the tortured clinic, served by two processes that may be killed, and people who use it."""

import json
import random
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from time import sleep
from typing import Any

import psutil
import requests
from flask import Flask
from gunicorn.app.base import BaseApplication
from sqlalchemy import select

from benchmarks.torture_clinic import PANELS_AT_BROWSERS, PATIENTS_AT_BROWSERS, SIGN_IN, Scene
from cpar_plugin.hooks import Plugins
from cpar_plugin.store.tables import panel
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

WORKERS, THREADS, CLERKS = 2, 4, 2
ANSWER_SECONDS = 60.0  # a longer wait is reported
PAGES = ("panels", "overview", "submissions", "clients", "bulk", "panels/{}", "panels/{}/overview", "panels/{}/print")
RESOURCES = ("Group/{}", "Group?_count=5", "Patient?_count=20", "PractitionerRole", "metadata")
FINE = frozenset({200, 202, 303, 409, 429, 503})
GAVE_UP = "The export was interrupted several times."  # killed three times
OVER = 404  # an export is removed a day after it was made: a few seconds here
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')
_ON_PANEL = re.compile(r'name="seen_panel_id" value="(\d*)"')


class _Server(BaseApplication):  # type: ignore[misc]
    def __init__(self, app: Flask, port: int, **hooks: Callable[..., None]) -> None:
        self._app, self._port, self._hooks = app, port, hooks
        super().__init__()

    def load_config(self) -> None:
        options = {"bind": f"127.0.0.1:{self._port}", "workers": WORKERS, "threads": THREADS, "loglevel": "critical"}
        for name, value in (options | {"worker_class": "gthread", "timeout": 120} | self._hooks).items():
            self.cfg.set(name, value)

    def load(self) -> Flask:
        return self._app


def main() -> None:
    """Serve the scene from standard input, at a free port, which is written to standard output."""
    given = json.loads(sys.stdin.readline())
    scene, port = Scene(**given["scene"]), int(given["port"])
    configured = {
        "fhir_requests_per_minute": "1000000000",
        "fhir_export_folder": str(scene.settings().fhir_export_folder),
        "secret_key": "0" * 64,
        "idle_minutes": "720",
    }
    host = replace(scene.open(), settings=configured)
    plugins = Plugins()
    plugins.load_installed()
    app = create_app(host, plugins)
    host.close()  # connections do not survive a fork

    def start(worker: object) -> None:
        plugins.emr_startup(host)

    def stop(server: object, worker: object) -> None:
        plugins.emr_shutdown(host)

    _Server(app, port, post_worker_init=start, worker_exit=stop).run()


@dataclass
class Site:
    """The served EMR."""

    address: str
    process: subprocess.Popen[str] = field(repr=False)

    def wait(self) -> None:
        """Until it answers."""
        while True:
            assert self.process.poll() is None, "the server has ended"
            try:
                requests.get(f"{self.address}/sign-in", timeout=ANSWER_SECONDS).raise_for_status()
            except requests.ConnectionError:
                sleep(0.05)
            else:
                return

    def kill_a_worker(self, chance: random.Random) -> None:
        """SIGKILL to one of the processes that answer; the one that watches them starts another."""
        while not (workers := psutil.Process(self.process.pid).children()):
            sleep(0.01)
        with suppress(psutil.NoSuchProcess):  # one that was killed a moment ago
            chance.choice(workers).kill()


@contextmanager
def served(scene: Scene, port: int) -> Iterator[Site]:
    """Serve the scene while the block runs."""
    command = [sys.executable, "-m", "benchmarks.torture_web"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, text=True) as process:
        assert process.stdin
        process.stdin.write(json.dumps({"scene": asdict(scene), "port": port}) + "\n")
        process.stdin.flush()
        site = Site(f"http://127.0.0.1:{port}", process)
        try:
            site.wait()
            yield site
        finally:
            process.terminate()


class Clerk(threading.Thread):
    """A user with a browser, with patients that no one else changes. `wrong` is what should not have happened."""

    def __init__(self, host: OscarHost, site: Site, seed: int, patients: Sequence[int], panels: Sequence[int]) -> None:
        super().__init__()
        self._site, self._chance, self._patients, self._all_panels = site, random.Random(seed), patients, panels
        with host.database.engine.connect() as connection:
            mine = select(panel.c.panel_id).where(panel.c.live_number.in_(PANELS_AT_BROWSERS))
            self._panels = list(connection.scalars(mine))
        self._over = threading.Event()
        self._browser = requests.Session()
        self._browser.trust_env = False
        self.wrong: list[str] = []
        self.done: Counter[str] = Counter()

    def stop(self) -> None:
        """End after what is being done."""
        self._over.set()
        self.join()

    def run(self) -> None:
        """Work until it is enough. An answer that is cut off is no answer: what was asked for may be done or not."""
        while not self._over.is_set():
            try:
                self._chance.choice((self._change, self._change, self._read, self._read_resource, self._export))()
            except requests.Timeout:
                self.wrong.append(f"no answer in {ANSWER_SECONDS:g} s")
            except requests.RequestException:
                self.done["cut off"] += 1
                sleep(0.05)
            except Exception as error:
                self.wrong.append(f"{type(error).__name__}: {error}")

    def _ask(self, method: str, path: str, **more: Any) -> requests.Response:
        address = path if path.startswith("http") else f"{self._site.address}/{path}"
        while _signed_out(
            answer := self._browser.request(method, address, timeout=ANSWER_SECONDS, allow_redirects=False, **more)
        ):
            self._sign_in()
            if method == "POST":  # its token was that of the session that is over
                return answer
        self.done[f"{method} {answer.status_code}"] += 1
        of_export = "/export/" in path and (answer.status_code == OVER or GAVE_UP in answer.text)
        if answer.status_code not in FINE and not of_export:
            self.wrong.append(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer

    def _sign_in(self) -> None:
        address = f"{self._site.address}/sign-in"
        page = self._browser.get(address, timeout=ANSWER_SECONDS).text
        [token] = set(_TOKEN.findall(page))
        form = {"csrf_token": token, "user_name": SIGN_IN[0], "password": SIGN_IN[1]}
        self._browser.post(address, form, timeout=ANSWER_SECONDS, allow_redirects=False)
        self.done["signed in"] += 1

    def _box(self, patient_id: int) -> tuple[str, str] | None:
        """The token and the panel that the box shows."""
        answer = self._ask("GET", f"cpar/patients/{patient_id}/panel")
        if answer.status_code != 200:
            return None
        return _TOKEN.findall(answer.text)[0], _ON_PANEL.findall(answer.text)[0]

    def _change(self) -> None:
        patient_id, panel_id = self._chance.choice(self._patients), self._chance.choice(self._panels)
        if not (shown := self._box(patient_id)):
            return
        token, seen = shown
        wish = self._chance.choice(("choose", "choose", "confirm", "remove")) if seen else "choose"
        form = {"csrf_token": token, "seen_panel_id": seen, "panel_id": str(panel_id)}
        answer = self._ask("POST", f"cpar/patients/{patient_id}/{wish}", data=form)
        if answer.status_code != 303 or _signed_out(answer):
            return
        becomes = {"choose": str(panel_id), "confirm": seen, "remove": ""}[wish]
        while not (then := self._seen_again(patient_id)):
            continue
        if then[1] != becomes:
            self.wrong.append(f"{wish} was answered as done, and the box says {then[1] or 'no panel'}")
        self.done[f"{wish} is so"] += 1

    def _seen_again(self, patient_id: int) -> tuple[str, str] | None:
        try:
            return self._box(patient_id)
        except requests.ConnectionError:
            return None

    def _read(self) -> None:
        self._ask("GET", "cpar/" + self._chance.choice(PAGES).format(self._chance.choice(self._all_panels)))

    def _read_resource(self) -> None:
        asked = self._chance.choice(RESOURCES).format(self._chance.choice(self._all_panels))
        answer = self._ask("GET", f"fhir/{asked}")
        if answer.status_code == 200:
            read = answer.json()
            if read["resourceType"] == "Group" and read["quantity"] != len(read.get("member", [])):
                self.wrong.append("a Group that says another number of members than it has")

    def _export(self) -> None:
        wants = {"Accept": "application/fhir+json", "Prefer": "respond-async"}
        begun = self._ask("GET", "fhir/$export", headers=wants)
        if begun.status_code != 202:
            return
        while (answer := self._ask("GET", begun.headers["Content-Location"])).status_code == 202:
            if self._over.wait(0.2):
                return
        if answer.status_code != 200:
            return
        for file in answer.json()["output"]:
            lines = self._ask("GET", file["url"])
            if lines.status_code == 200 and len(lines.text.splitlines()) != file["count"]:
                self.wrong.append(f"an export of {file['count']} {file['type']} with {len(lines.text.splitlines())}")
        self.done["export read"] += 1


def _signed_out(answer: requests.Response) -> bool:
    """Whether the session is over, after twelve hours at most: some seconds here."""
    return answer.status_code == 401 or "/sign-in" in answer.headers.get("Location", "")


@contextmanager
def clerks(host: OscarHost, site: Site, panels: Sequence[int], chance: random.Random) -> Iterator[list[Clerk]]:
    """People who work at the site while the block runs."""
    share = len(PATIENTS_AT_BROWSERS) // CLERKS
    all_of_them = [
        Clerk(host, site, chance.randrange(2**31), PATIENTS_AT_BROWSERS[place * share : (place + 1) * share], panels)
        for place in range(CLERKS)
    ]
    for one in all_of_them:
        one.start()
    try:
        yield all_of_them
    finally:
        for one in all_of_them:
            one.stop()


if __name__ == "__main__":
    main()
