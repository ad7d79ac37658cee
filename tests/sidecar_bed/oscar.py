"""A Tomcat with pages that have what ours hold on to in OSCAR's, and answer as a running one was seen to."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, NamedTuple

import pytest
import requests

from oscar_host.demo.ports import free_ports

PASSWORD: Final = "any-password"
WRONG_SIGN_INS: Final = 10  # for one address; then it is locked out
VALVE: Final = '<Valve className="org.apache.catalina.valves.RemoteIpValve" protocolHeader="X-Forwarded-Proto"/>'
_TOMCATS: Final = (Path("/usr/share/tomcat10"), Path("/usr/share/tomcat11"))  # Debian 14 has the newer one alone
_TOMCAT: Final = next((folder for folder in _TOMCATS if folder.exists()), _TOMCATS[0])
_BOOT: Final = (_TOMCAT / "bin/bootstrap.jar", _TOMCAT / "bin/tomcat-juli.jar")
_OURS: Final = Path(__file__).parent / "tomcat"
_JAVA: Final = ("-Xmx256m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Djava.awt.headless=true")
_PATIENCE: Final = 120  # s: it bounds a hang, and must not fail a slow machine


class Question(NamedTuple):
    """A line in OSCAR's log: what was done, by whom, from which address, and the request's header Cookie."""

    action: str
    provider_id: str
    address: str
    cookie: str


@dataclass
class Oscar:
    """A running OSCAR. The user name of everybody is their provider id.

    It answers at three ports of one process: as Tomcat comes (`plain_url`), with the line in server.xml that lets it
    know by which scheme browsers ask (`url`), and where its connector has always said https (`secure_url`).
    `site_port` is the one in browsers.
    """

    folder: Path
    site_port: int
    valve: str = VALVE
    ports: Sequence[int] = field(default_factory=lambda: free_ports(3))
    _process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        shutil.copytree(_OURS, self.folder, dirs_exist_ok=True)
        for name in ("logs", "temp", "work"):
            (self.folder / name).mkdir(exist_ok=True)
        server = self.folder / "conf/server.xml"
        valve = self.valve.replace("/>", f' httpsServerPort="{self.site_port}"/>')
        server.write_text(server.read_text().replace("VALVE", valve))
        self.as_usual()

    @property
    def plain_url(self) -> str:
        return f"http://127.0.0.1:{self.ports[0]}/oscar"

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.ports[1]}/oscar"

    @property
    def secure_url(self) -> str:
        return f"http://127.0.0.1:{self.ports[2]}/oscar"

    def as_usual(self) -> None:
        """As most are: nothing of the clinic's own, nobody locked out."""
        self.set()
        for script in (self.folder / "oscar/js/custom/clinic").glob("*.js"):
            script.unlink()
        if self._process:
            requests.get(f"{self.url}/admin/unLock.jsp?unlock=all", timeout=_PATIENCE)

    def set(self, **settings: str | int | bool | Iterable[Iterable[object]]) -> None:
        """Set these, and forget others.

        `custom`, `of_the_day`: addresses of scripts, with blanks between, that the Master Record, the day sheet load;
        `main`: whether the Administration loads the custom script of that name; `included`: HTML that the Master Record
        has in its right column; `right`: whether it has that column; `appointments`: of the day (id, patient or 0,
        name, time); `patients`: those found by a search (id, name); `merged`: (retired, kept); `states`: (provider,
        "mfa", "reset" or "without-provider"); `rights`: (provider, object, privilege) for persona/hasRight; `closed`:
        (provider, patient); `idle`: after so many seconds a session ends.
        """
        lines = dict(_lines(settings))
        (self.folder / "oscar/WEB-INF/set.properties").write_text(
            "".join(f"{name}={_escaped(text)}\n" for name, text in lines.items()), encoding="utf-8"
        )

    def script(self, name: str, text: str) -> None:
        """A script of the clinic's own for customizing, years old."""
        file = self.folder / f"oscar/js/custom/clinic/{name}.js"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (1_577_836_800,) * 2)

    def log(self) -> list[Question]:
        """What OSCAR has written to its log since it was installed."""
        with suppress(FileNotFoundError):
            lines = (self.folder / "oscar/WEB-INF/log.txt").read_text().splitlines()
            return [Question(*line.split("\t")) for line in lines]
        return []

    def questions(self) -> list[Question]:
        """Those lines that come of questions to its REST interface."""
        return [line for line in self.log() if line.action.startswith("REST WS")]

    def start(self) -> None:
        """Answer from now on, at the same ports; nobody's session is left."""
        if not all(file.exists() for file in _BOOT) or not shutil.which("java"):
            pytest.fail("Tomcat is not installed. Install it with: apt-get install tomcat10-common")
        names = zip(("plain", "valve", "secure", "site"), (*self.ports, self.site_port), strict=True)
        with (self.folder / "logs/tomcat.log").open("ab") as log:
            self._process = subprocess.Popen(
                [
                    *("java", *_JAVA, *(f"-D{name}.port={port}" for name, port in names)),
                    *(f"-Dcatalina.home={_TOMCAT}", f"-Dcatalina.base={self.folder}"),
                    *(
                        f"-Djava.io.tmpdir={self.folder}/temp",
                        "-cp",
                        f"{_TOMCAT}/bin/bootstrap.jar:{_TOMCAT}/bin/tomcat-juli.jar",
                    ),
                    *("org.apache.catalina.startup.Bootstrap", "start"),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        for url in (self.plain_url, self.url, self.secure_url):
            self._until_it_answers(url)

    def _until_it_answers(self, url: str) -> None:
        until = time.monotonic() + _PATIENCE
        while time.monotonic() < until:
            assert self._process
            if self._process.poll() is not None:
                break
            with suppress(requests.RequestException):
                if requests.get(f"{url}/index.jsp", timeout=_PATIENCE).ok:
                    return
            time.sleep(0.05)
        pytest.fail((self.folder / "logs/tomcat.log").read_text())

    def stop(self) -> None:
        """Answer no more, and refuse connections."""
        if self._process:
            self._process.kill()
            self._process.wait()
            self._process = None

    def hang(self) -> None:
        """Take connections and answer none, as one that is starting does, until `go_on`."""
        assert self._process
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process
        self._process.send_signal(signal.SIGCONT)


def _lines(settings: dict[str, object]) -> Iterable[tuple[str, str]]:
    for name, value in settings.items():
        match name, value:
            case ("merged", [*rows]):
                yield from ((f"merged.{retired}", str(kept)) for retired, kept in rows)
            case ("states", [*rows]):
                yield from ((f"state.{provider_id}", state) for provider_id, state in rows)
            case ("rights", [*rows]):
                yield from ((f"right.{provider_id}.{thing}", privilege) for provider_id, thing, privilege in rows)
            case ("closed", [*rows]):
                for who in {provider_id for provider_id, _ in rows}:
                    yield (
                        f"closed.{who}",
                        " ".join(f"${patient}" for provider_id, patient in rows if provider_id == who),
                    )
            case (_, bool()):
                yield name, str(value).lower()
            case (_, str() | int()):
                yield name, str(value)
            case (_, [*rows]):
                yield name, "\n".join("|".join(map(str, row)) for row in rows)


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")
