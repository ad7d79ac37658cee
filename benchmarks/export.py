"""A bulk export against its floor, its memory as panels grow, and a whole export of a panel of 2,000 over HTTP.

The floor is reading the same rows and writing one ready dict for each: less no export can do. An export does that,
makes the resource of each row, compares it with the version that is known, and keeps a claim. Compared is the
processor's time of this process, so that other processes do not matter much; elapsed time is printed next to it.
"""

import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time, sleep
from typing import NamedTuple

import click
import orjson
import requests
from joserfc.jwk import ECKey

from cpar_plugin.domain.export import ExportState
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services.clients import registry, tokens
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.exports import jobs
from cpar_plugin.services.exports.request import ExportRequest
from cpar_plugin.services.exports.workers import Workers
from cpar_plugin.services.fhir.patients import PatientSource
from cpar_plugin.services.fhir.refresh import refresh
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost, open_host

from .big_clinic import NOW, PANEL_ID, empty_hosts, fill, join

PATIENTS, FEW, ON_A_PANEL = 100_000, 10_000, 2_000
AT_MOST, MEBIBYTES, SECONDS = 1.5, 8, 0.5
_ROUNDS = 5
_TIMES = 5
_STREAMED = 100
_ASYNC = {"Accept": "application/fhir+json", "Prefer": "respond-async"}


class Seconds(NamedTuple):
    """How long something took: of this process's processor, and by the clock."""

    processor: float
    clock: float


def main(members: int = PATIENTS) -> None:
    """Print three lines for each database: what was measured, the figure, and what it should be."""
    with empty_hosts() as hosts, TemporaryDirectory(prefix="cpar-bench-") as folder:
        for name, host in hosts:
            settings = Settings(fhir_export_folder=Path(folder, name))
            fill(host, members)
            caller, token = _client(host)
            join(host, range(1, ON_A_PANEL + 1))
            refresh(host, settings)
            seconds = _over_http(host, settings, token)
            few = min(FEW, members // 10)
            join(host, range(ON_A_PANEL + 1, few + 1))
            refresh(host, settings)
            small = _peak_mebibytes(host, settings, caller)
            join(host, range(few + 1, members + 1))
            refresh(host, settings)
            large = _peak_mebibytes(host, settings, caller)
            rounds = [(_floor(host, caller, Path(folder)), _exporting(host, settings, caller)) for _ in range(_ROUNDS)]
            floor, exporting = (Seconds(*map(min, zip(*taken, strict=True))) for taken in zip(*rounds, strict=True))
            what = f"$export of {members} patients, {name}:"
            click.echo(
                f"{what} {exporting.processor / floor.processor:.2f} x reading the rows and writing a ready dict for "
                f"each ({exporting.processor:.2f} s : {floor.processor:.2f} s of the processor, "
                f"{exporting.clock:.2f} s : {floor.clock:.2f} s by the clock; aim: at most {AT_MOST:g} x)"
            )
            click.echo(
                f"{what} peak memory {large:.0f} MiB, {large - small:.1f} MiB more than for {few} "
                f"(aim: at most {MEBIBYTES} more)"
            )
            click.echo(
                f"$export of a panel of {ON_A_PANEL}, {name}: {seconds:.3f} s over HTTP from the kick-off to the last "
                f"file of six (aim: less than {SECONDS:g} s)"
            )


def _client(host: OscarHost) -> tuple[Caller, str]:
    """A client that may read everything, and its token."""
    key = ECKey.generate_key("P-384").as_dict(private=False) | {"kid": "1", "alg": "ES384", "use": "sig"}
    draft = registry.ClientDraft(name="Network", scopes="system/*.rs", jwks=orjson.dumps({"keys": [key]}).decode())
    client_id = registry.register(host, host.identity.system, draft)
    with host.database.engine.connect() as connection:
        client = registry.live_client(connection, client_id)
    actor = replace(host.identity.system, actor_id=client_id)
    return Caller(actor, client_id, EVERYTHING, None), tokens.issue(host, client, "system/*.rs", timedelta(minutes=5))


def _floor(host: OscarHost, caller: Caller, folder: Path) -> Seconds:
    """Read the same rows, and write as much for each."""
    patients = PatientSource(host, Settings(), caller)
    query = patients.select().execution_options(yield_per=_STREAMED)
    since = _now()
    with host.database.engine.connect() as connection, folder.joinpath("floor").open("wb") as file:
        [first] = connection.execute(patients.select().limit(1)).all()
        [ready] = patients.versioned(connection, [first])
        for _ in connection.execute(query):
            file.write(ready.text)
            file.write(b"\n")
    return _passed(since)


def _exporting(host: OscarHost, settings: Settings, caller: Caller) -> Seconds:
    since = _now()
    export_id = jobs.create(host, caller, ExportRequest(kinds=("Patient",)), None, "")
    Workers(host, settings).work_off()
    taken = _passed(since)
    with host.database.engine.connect() as connection:
        made = jobs.find(connection, caller, export_id)
    assert made.state is ExportState.COMPLETED
    jobs.remove(host, settings, made)
    return taken


def _now() -> Seconds:
    return Seconds(process_time(), perf_counter())


def _passed(since: Seconds) -> Seconds:
    now = _now()
    return Seconds(now.processor - since.processor, now.clock - since.clock)


def _over_http(host: OscarHost, settings: Settings, token: str) -> float:
    """Seconds from the kick-off until the last file is there, of all kinds; the best of some."""
    with _server(host, settings) as base, requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {token}"
        return min(_all_files(session, base) for _ in range(_TIMES))


def _all_files(session: requests.Session, base: str) -> float:
    began = perf_counter()
    asked = session.get(f"{base}/Group/{PANEL_ID}/$export", headers=_ASYNC, timeout=60)
    assert asked.status_code == 202, asked.text
    address = asked.headers["Content-Location"]
    while (answer := session.get(address, timeout=60)).status_code == 202:
        sleep(0.01)
    files = {one["type"]: session.get(one["url"], timeout=60) for one in answer.json()["output"]}
    taken = perf_counter() - began
    assert files["Patient"].content.count(b"\n") == ON_A_PANEL
    session.delete(address, timeout=60)
    return taken


@contextmanager
def _server(host: OscarHost, settings: Settings) -> Iterator[str]:
    """The embedded EMR, served by a process of its own: the address of its interface."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    schema = host.tables.demographic.schema
    environment = {
        "CPAR_DATABASE_URL": host.database.engine.url.render_as_string(hide_password=False),
        "CPAR_NOW": NOW.isoformat(),
        "CPAR_FHIR_EXPORT_FOLDER": str(settings.fhir_export_folder),
        **({"CPAR_HOST_SCHEMA": schema} if schema else {}),
    }
    program = str(Path(sys.executable).with_name("cpar"))
    with subprocess.Popen([program, "serve", "--port", str(port)], env={**os.environ, **environment}) as process:
        try:
            base = f"http://127.0.0.1:{port}/fhir"
            while not _answers(f"{base}/metadata"):
                assert process.poll() is None
                sleep(0.05)
            yield base
        finally:
            process.terminate()


def _answers(address: str) -> bool:
    try:
        return requests.get(address, timeout=60).ok
    except requests.ConnectionError:
        return False


def _peak_mebibytes(host: OscarHost, settings: Settings, caller: Caller) -> float:
    """The most memory that a fresh process needs for an export."""
    url = host.database.engine.url.render_as_string(hide_password=False)
    with get_context("spawn").Pool(1) as process:
        return process.apply(_peak, (url, host.tables.demographic.schema, settings, caller))


def _peak(url: str, schema: str | None, settings: Settings, caller: Caller) -> float:
    _exporting(open_host(url, host_schema=schema, clock=FixedClock(NOW)), settings, caller)
    match = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text(encoding="ascii"))
    assert match
    return int(match[1]) / 1024


if __name__ == "__main__":
    main()
