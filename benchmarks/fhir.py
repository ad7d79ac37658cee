"""Requests to the FHIR interface against a bare view of Flask's that returns a text which is ready.

One process and one thread, through Flask's test client. The token is looked up and each read leaves its record, as when
served. Counted is the processor's time of this process, so that whatever else runs here does not matter much. On
MariaDB the server's share is not in it: the rate by elapsed time is printed next to it.

The aims are what the faster of two other servers answered when they were measured in 2026: Medplum 4.3.10 and
sekmet-fhir 0.1.1 (PyPI), each with one processor of the machine on which this benchmark was written. They are not run
here. At the end the same over HTTP, from a process of its own; and how much memory that needs for a Group that grows.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta
from time import perf_counter, process_time

import click
import orjson
from flask import Flask
from joserfc.jwk import ECKey

from cpar_plugin.hooks import Plugins
from cpar_plugin.services.clients import registry, tokens
from cpar_plugin.services.fhir.refresh import refresh
from cpar_plugin.settings import load
from oscar_host.demo.app import create_app
from oscar_host.host import OscarHost

from .bare import bare as bare_app
from .big_clinic import PANEL_ID, empty_hosts, fill, join, more_panels, place
from .served import serving

MEMBERS, PATIENTS, PANELS = 2_000, 20_000, 300
LARGE, VERY_LARGE = 10_000, 100_000
AIM, MEBIBYTES = 0.3, 4
_ROUNDS = 5
_OVER_HTTP = 2_000
SETTINGS = {"fhir_requests_per_minute": "1000000000", "fhir_base_url": "https://emr.example/fhir"}
_RECORD = "https://cpar.invalid/NamingSystem/patient-record"
_PHN = "https://fhir.infoway-inforoute.ca/NamingSystem/ca-ab-patient-healthcare-id"
_FIRST_PHN = 100_000_001


@dataclass(frozen=True)
class Request:
    """What is asked for, `{}` being one of the members; how often, and how many a second there should be more than."""

    name: str
    address: str
    times: int
    least: int


REQUESTS = (
    Request("Patient read", "/fhir/Patient/{}", 300, 869),
    Request("search by identifier", f"/fhir/Patient?identifier={_RECORD}|{{}}", 150, 706),
    Request("search by health number", f"/fhir/Patient?identifier={_PHN}|{{}}", 150, 706),
    Request("page of 50", "/fhir/Patient?_count=50", 50, 141),
    Request(f"Group of {MEMBERS}", f"/fhir/Group/{PANEL_ID}", 10, 79),
)


def main() -> None:
    """Print a line for each kind of request and database, and one for what a server does over HTTP."""
    logging.disable(logging.WARNING)
    bare = _asking(bare_app(), "")
    with empty_hosts() as hosts:
        for _, host in hosts:
            app, token = _served(host)
            served = _asking(app, token)
            for one in REQUESTS:
                turns = [(_rates(bare, ["/"] * 500), _rates(served, _addresses(one))) for _ in range(_ROUNDS)]
                plain = max(cpu for (cpu, _), _ in turns)
                cpu, clock = (max(rates) for rates in zip(*(ours for _, ours in turns), strict=True))
                click.echo(
                    f"{one.name}, {place(host)}: {cpu:.0f} in a second of the processor, "
                    f"{cpu / plain:.3f} x the bare view's "
                    f"{plain:.0f} ({clock:.0f} by the clock; aim: {one.least}, and {AIM:g} x for a read)"
                )
            app.extensions["cpar_fhir_callers"].background.stop()
            click.echo(f"over HTTP, {place(host)}: {_over_http(host, token)}")


def _over_http(host: OscarHost, token: str) -> str:
    addresses = [REQUESTS[0].address.format(1 + at % MEMBERS) for at in range(_OVER_HTTP)]
    with serving(host, SETTINGS) as server:
        rate = _rates(lambda address: server.get(address, token), addresses)[1]
        peaks = []
        for first, last in ((MEMBERS, LARGE), (LARGE, VERY_LARGE)):
            join(host, range(first + 1, last + 1))
            server.wait()
            server.get(f"/fhir/Group/{PANEL_ID}", token)
            peaks.append(server.peak_mebibytes)
    return (
        f"{rate:.0f} Patient reads in a second by the clock, one after the other; at most {peaks[-1]:.0f} MiB for a "
        f"Group of {VERY_LARGE}, {peaks[-1] - peaks[0]:.1f} more than for one of {LARGE} (aim: {MEBIBYTES} at most)"
    )


def _addresses(asked: Request) -> list[str]:
    first = _FIRST_PHN if _PHN in asked.address else 1
    return [asked.address.format(first + at % MEMBERS) for at in range(asked.times)]


def _served(host: OscarHost) -> tuple[Flask, str]:
    """The embedded EMR of a clinic of this size, with the token of a client that may read everything."""
    fill(host, PATIENTS)
    more_panels(host, PANELS)
    join(host, range(1, MEMBERS + 1))
    host = replace(host, settings=SETTINGS)
    refresh(host, load(host.settings))
    token = client_token(host)
    plugins = Plugins()
    plugins.load_installed()
    app = create_app(host, plugins)
    plugins.emr_startup(host)
    return app, token


def client_token(host: OscarHost) -> str:
    """The token of a client that may read everything."""
    key = ECKey.generate_key("P-384").as_dict(private=False) | {"kid": "1", "alg": "ES384", "use": "sig"}
    draft = registry.ClientDraft(name="Network", scopes="system/*.rs", jwks=orjson.dumps({"keys": [key]}).decode())
    client_id = registry.register(host, host.identity.system, draft)
    with host.database.engine.connect() as connection:
        client = registry.live_client(connection, client_id)
    return tokens.issue(host, client, "system/*.rs", timedelta(minutes=5))


def _asking(app: Flask, token: str) -> Callable[[str], None]:
    client = app.test_client(use_cookies=False)
    headers = {"Authorization": f"Bearer {token}"} if token else {}

    def ask(address: str) -> None:
        with client.get(address, headers=headers) as answer:
            assert answer.status_code == 200, answer.get_data(as_text=True)
            assert answer.data

    return ask


def _rates(ask: Callable[[str], object], addresses: list[str]) -> tuple[float, float]:
    """How many requests in a second of the processor, and by the clock."""
    clock, cpu = perf_counter(), process_time()
    for address in addresses:
        ask(address)
    cpu, clock = process_time() - cpu, perf_counter() - clock
    return len(addresses) / cpu, len(addresses) / clock


if __name__ == "__main__":
    main()
