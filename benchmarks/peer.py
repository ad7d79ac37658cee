"""The FHIR interface on MariaDB beside sekmet-fhir (PyPI), over HTTP, both with the same resources in one run.

Each is served by one process, and eight connections ask it. Both look at a token and leave a record of each request:
ours in MariaDB, the peer's in its own SQLite. Counted is the processor's time of all processes concerned, MariaDB's
with ours, so that whatever else runs here does not matter much. Turns of both follow each other; the least of each
counts. The peer (extra `bench`) has a folder of its own, as what it needs need not go together with what we need.

Then what a read takes with one connection and with eight, on both databases and against a bare view in a server of the
same kind; and what a search by the beginning of a family name takes of MariaDB in a larger clinic.
"""

import logging
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import click

from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.fhir.groups import GroupSource
from cpar_plugin.services.fhir.patients import PatientSource
from cpar_plugin.services.fhir.refresh import refresh
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

from .bare import serving_bare
from .big_clinic import PANEL_ID, empty_hosts, fill, join, place
from .eight import CONNECTIONS, database_process, milliseconds, processes_of
from .fhir import SETTINGS, client_token
from .peer_server import TOKEN, serving_peer
from .served import serving

PATIENTS, LARGE = 2_000, 20_000
READ_AIM, NAME_AIM = 1.3, 2.5  # ms
BARE_AIMS = {"sqlite": 0.5, "mariadb": 0.35}
_ROUNDS = 4
_RECORD = "https://cpar.invalid/NamingSystem/patient-record"


@dataclass(frozen=True)
class Asked:
    """What both are asked for, `{}` being one of the members; how often in a turn; by how much ours should be ahead."""

    name: str
    address: str
    times: int
    aim: float


READ = Asked("read", "/fhir/Patient/{}", 400, 1.2)
ASKED = (
    READ,
    Asked("search by identifier", f"/fhir/Patient?identifier={_RECORD}|{{}}", 300, 1.2),
    Asked("page of 50", "/fhir/Patient?_count=50", 80, 1.5),
    Asked("page of 50 without the total, which the peer always has", "/fhir/Patient?_count=50&_total=none", 80, 1.5),
    Asked(f"Group of {PATIENTS}", f"/fhir/Group/{PANEL_ID}", 24, 4),
    Asked("Group by member", "/fhir/Group?member=Patient/{}", 24, 4),
)
NAME = Asked("search by family name", "/fhir/Patient?family=Tr&_count=50", 40, 1)
PAGE = ASKED[2]


def main(rounds: int = _ROUNDS) -> None:
    """Print a line for each kind of request, each number of connections, and each database."""
    logging.disable(logging.WARNING)
    with empty_hosts() as hosts:
        for name, host in hosts:
            _measure(name, host, rounds)


def _measure(name: str, host: OscarHost, rounds: int) -> None:
    fill(host, LARGE)
    join(host, range(1, PATIENTS + 1))
    refresh(host, load(SETTINGS))
    token = client_token(host)
    database = processes_of(*database_process(host))
    with ExitStack() as open_:
        server = open_.enter_context(serving(host, SETTINGS))
        ours = (*processes_of(server.pid), *database)
        if database:
            peer = open_.enter_context(serving_peer())
            peer.put(_resources(host))
            theirs = processes_of(peer.pid)
            for one in ASKED:
                turns = [
                    (
                        milliseconds(server.port, token, _addresses(one), ours),
                        milliseconds(peer.port, TOKEN, _addresses(one), theirs),
                        milliseconds(server.port, token, _addresses(one), database),
                    )
                    for _ in range(rounds)
                ]
                own, other, _ = map(min, zip(*turns, strict=True))
                click.echo(
                    f"{one.name}, {place(host)}, {CONNECTIONS} connections: {other / own:.2f} x the peer's rate "
                    f"({own:.2f} ms : {other:.2f} ms of the processor; aim: {one.aim:g} x)"
                )
        bare = open_.enter_context(serving_bare())
        plain = processes_of(bare.pid)
        for connections in (1, CONNECTIONS):
            pairs = [
                (
                    milliseconds(server.port, token, _addresses(READ), ours, connections),
                    milliseconds(bare.port, "", ["/"] * READ.times, plain, connections),
                )
                for _ in range(rounds)
            ]
            own, least = map(min, zip(*pairs, strict=True))
            click.echo(
                f"read, {place(host)}, connections: {connections}: {own:.2f} ms of the processor "
                f"(aim: {READ_AIM:g} ms), "
                f"{least / own:.2f} x the rate of a bare view ({least:.2f} ms; aim: {BARE_AIMS[name]:g} x)"
            )
        if database:
            join(host, range(PATIENTS + 1, LARGE + 1))
            refresh(host, load(SETTINGS))
            of_name, of_page = (
                min(milliseconds(server.port, token, _addresses(one), database) for _ in range(rounds))
                for one in (NAME, PAGE)
            )
            click.echo(
                f"{NAME.name} among {LARGE}, {place(host)}: {of_name:.2f} ms of the database's processor "
                f"(aim: {NAME_AIM:g} ms; a page without the name: {of_page:.2f} ms)"
            )


def _resources(host: OscarHost) -> list[bytes]:
    """Every Patient, and the Group with its members, as we serve them."""
    settings, caller = load(SETTINGS), Caller(host.identity.system, None, EVERYTHING, panels=None)
    with host.database.engine.connect() as connection:
        source, groups = PatientSource(host, settings, caller), GroupSource(host, settings, caller)
        patients = source.versioned(connection, connection.execute(source.select()).all())
        group = b"".join(groups.body(connection, groups.read(connection, str(PANEL_ID))))
    return [*(each.text for each in patients), group]


def _addresses(one: Asked) -> Sequence[str]:
    return [one.address.format(1 + at % PATIENTS) for at in range(one.times)]


if __name__ == "__main__":
    main()
