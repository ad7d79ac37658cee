"""sekmet-fhir from PyPI, served with the resources of one of our panels."""

import configparser
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from pathlib import Path
from tempfile import TemporaryDirectory
from time import sleep
from typing import Final

from oscar_host.demo.ports import free_port

TOKEN: Final = "a-token-that-both-know"
_SETUP: Final = Path(__file__).parents[1] / "setup.cfg"
_AT_ONCE: Final = 100
_JSON: Final = "application/fhir+json"


class Peer:
    """The server: its port, and its process."""

    def __init__(self, port: int, process: subprocess.Popen[bytes]) -> None:
        self.port = port
        self.pid = process.pid
        self._process = process

    def wait(self) -> None:
        """Until it answers."""
        while True:
            assert self._process.poll() is None, "the peer has ended"
            with suppress(OSError):
                self._ask("GET", "/fhir/metadata")
                return
            sleep(0.1)

    def put(self, resources: Sequence[bytes]) -> None:
        """Store these resources under the ids that they have."""
        for first in range(0, len(resources), _AT_ONCE):
            some = [json.loads(each) for each in resources[first : first + _AT_ONCE]]
            entries = [
                {"resource": each, "request": {"method": "PUT", "url": f"{each['resourceType']}/{each['id']}"}}
                for each in some
            ]
            answer = json.loads(
                self._ask("POST", "/fhir", json.dumps({"resourceType": "Bundle", "type": "batch", "entry": entries}))
            )
            assert all(each["response"]["status"].startswith("20") for each in answer["entry"]), answer

    def _ask(self, method: str, path: str, body: str | None = None) -> bytes:
        connection = HTTPConnection("127.0.0.1", self.port, timeout=300)
        try:
            connection.request(method, path, body, {"Authorization": f"Bearer {TOKEN}", "Content-Type": _JSON})
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 200, (answer.status, text[:1000])
            return text
        finally:
            connection.close()


@contextmanager
def serving_peer() -> Iterator[Peer]:
    """Serve an empty one while the block runs: with its log, which it writes by default, and a token that it checks."""
    port = free_port()
    with TemporaryDirectory(prefix="cpar-bench-") as folder:
        settings = {
            "base_url": f"http://127.0.0.1:{port}/fhir",
            "host": "127.0.0.1",
            "port": port,
            "data_dir": folder,
            "server_auth": {"types": ["bearer"], "tokens": [TOKEN]},
            "validation": {"inbound": "off"},  # ours are checked by our tests
        }
        place = Path(folder, "settings.yaml")
        place.write_text(json.dumps(settings), encoding="utf-8")
        program = [str(_environment() / "bin" / "sekmet"), "serve", "--config", str(place)]
        with Path(folder, "output").open("wb") as output:
            process = subprocess.Popen(program, cwd=folder, stdout=output, stderr=output)
            try:
                peer = Peer(port, process)
                peer.wait()
                yield peer
            finally:
                process.terminate()
                process.wait()


def _environment() -> Path:
    """A virtual environment with the packages of the extra `bench`, made once."""
    setup = configparser.ConfigParser()
    setup.read(_SETUP, encoding="utf-8")
    names = setup["options.extras_require"]["bench"].split()
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    result = Path(sys.prefix) / f"bench-{digest}"
    ready = result / "ready"
    if not ready.exists():
        shutil.rmtree(result, ignore_errors=True)
        subprocess.run([sys.executable, "-m", "venv", str(result)], check=True)
        pip = [str(result / "bin" / "python"), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
        subprocess.run([*pip, *names], check=True, env=environment)
        ready.touch()
    return result
