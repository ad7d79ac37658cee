"""Starts a registry as a process of its own and talks to it: for tests, benchmarks and the demo."""

import os
import re
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

_START_SECONDS = 120
_ANSWER_SECONDS = 120


@dataclass
class RunningRegistry:
    """A registry that runs. `address` is its status page's, without a slash at the end."""

    address: str
    process: subprocess.Popen[bytes] = field(repr=False)
    session: requests.Session = field(repr=False)

    @property
    def fhir_url(self) -> str:
        """Where it takes submissions: the setting registry_url."""
        return f"{self.address}/fhir"

    @property
    def token_url(self) -> str:
        """Where it gives out tokens: the setting registry_token_url."""
        return f"{self.address}/oauth/token"

    @property
    def port(self) -> int:
        """The port it listens on, to start another at the same address."""
        return int(self.address.rpartition(":")[2])

    def behave(self, kind: str = "ok", **more: Any) -> None:
        """Behave so from now on: the fields of behaviour.Behaviour."""
        answer = self.session.post(f"{self.address}/_behaviour", json={"kind": kind} | more, timeout=_ANSWER_SECONDS)
        answer.raise_for_status()

    def behaviour(self) -> dict[str, Any]:
        """Its behaviour, and under `done` how often it did what since that was set."""
        return dict(self._get("_behaviour"))

    def received(self) -> list[dict[str, Any]]:
        """What it holds, the latest first: identifier, sha256, accepted, panel_number, members, entries, arrivals..."""
        return list(self._get("_received"))

    def forget(self) -> None:
        """Have it begin again, with nothing received."""
        self.session.delete(f"{self.address}/_received", timeout=_ANSWER_SECONDS).raise_for_status()

    def _get(self, path: str) -> Any:
        answer = self.session.get(f"{self.address}/{path}", timeout=_ANSWER_SECONDS)
        answer.raise_for_status()
        return answer.json()

    def stop(self) -> None:
        """End it at once, as a power cut would. What it has stored stays."""
        self.process.kill()
        self.process.communicate()
        self.session.close()


def start(
    folder: Path,
    arguments: Sequence[str] = (),
    *,
    port: int = 0,
    ca_file: str = "",
    client_certificate: tuple[str, str] | None = None,
) -> RunningRegistry:
    """Start a registry with the arguments of `cpar registry`; it ends with this process, however that ends.

    `ca_file` and `client_certificate`: how to talk to it when the arguments give it a certificate.
    Raises RuntimeError when it does not start; what it said is in registry.log in its folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    command = [sys.executable, "-m", __package__, "--port", str(port), "--folder", str(folder), "--with-standard-input"]
    with (folder / "registry.log").open("ab") as log:
        process = subprocess.Popen(  # noqa: S603
            [*command, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, start_new_session=True
        )
    assert process.stdout is not None
    too_late = threading.Timer(_START_SECONDS, process.kill)
    too_late.start()
    line = process.stdout.readline().decode()
    too_late.cancel()
    match = re.search(r"https?://\S+:\d+", line)
    if not match:
        process.kill()
        process.communicate()
        raise RuntimeError(f"The registry did not start; see {folder / 'registry.log'}.")
    session = requests.Session()
    session.trust_env = False
    session.verify = ca_file or True
    session.cert = client_certificate
    return RunningRegistry(match.group(), process, session)


@contextmanager
def running(folder: Path, arguments: Sequence[str] = (), **more: Any) -> Iterator[RunningRegistry]:
    """A registry for as long as the block lasts; see start."""
    registry = start(folder, arguments, **more)
    try:
        yield registry
    finally:
        registry.stop()


def end_with_standard_input() -> None:
    """End this process when its standard input ends: the one that started it has stopped, or was killed."""

    def wait() -> None:
        sys.stdin.buffer.read()
        os._exit(0)

    threading.Thread(target=wait, daemon=True).start()
