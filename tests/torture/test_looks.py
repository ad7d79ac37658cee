"""Servers are killed at random while pages are read and confirmations pressed: whatever was answered has its record."""

import random
import re
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import timedelta

import pytest
from sqlalchemy import literal, select

from benchmarks.torture import places
from benchmarks.torture_clinic import BEGIN, MANAGER, PROVIDERS, Scene, set_up
from benchmarks.torture_web import Clerk, Site, served
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.clients import registry, tokens
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.operations.record import OperationKind
from cpar_plugin.store.tables import ledger, look, look_patient, operation, panel, read
from oscar_host.demo.ports import free_port
from oscar_host.host import OscarHost

from ..fhirapi.recorded import GIVEN_OUT, PATIENT
from ..pages.conftest import PUBLIC_KEYS

PATIENTS, READERS, CLIENTS = 300, 2, 2
MOST_ON_MARIADB = 200  # kills: each takes longer there, and more of them show no more
_RECORD = re.compile(r'href="/patients/(\d+)"')
_TOKEN = re.compile(r'name="csrf_token" value="([^"]+)"')

Pages = Counter[tuple[str, frozenset[int]]]


class Reader(Clerk):
    """Opens the lists of panels, and confirms patients one by one."""

    pages: Pages
    confirmed: set[int]

    def run(self) -> None:
        self.pages, self.confirmed = Counter(), set()
        super().run()

    def _change(self) -> None:
        panel_id = self._chance.choice(self._all_panels)
        answer = self._read_list(panel_id)
        if not answer:
            return
        patient_id = self._chance.choice([int(result) for result in _RECORD.findall(answer)])
        form = {"csrf_token": _TOKEN.findall(answer)[0], "single": f"confirm-{patient_id}"}
        pressed = self._ask("POST", f"cpar/panels/{panel_id}/selected", data=form)
        if pressed.status_code == 303 and "/sign-in" not in pressed.headers["Location"]:
            self.confirmed.add(patient_id)

    def _read_list(self, panel_id: int) -> str:
        path = f"/cpar/panels/{panel_id}"
        answer = self._ask("GET", path.removeprefix("/"), params={"sort": self._chance.choice(("name", "-record"))})
        if answer.status_code != 200:
            return ""
        self.pages[path, frozenset(map(int, _RECORD.findall(answer.text)))] += 1
        return answer.text

    def _read(self) -> None:
        self._read_list(self._chance.choice(self._all_panels))

    _read_resource = _export = _read


class Network(Reader):
    """A client that reads panels and searches for patients through the FHIR interface."""

    def __init__(self, host: OscarHost, site: Site, seed: int, panels: Sequence[int], token: str) -> None:
        super().__init__(host, site, seed, [], panels)
        self._browser.headers["Authorization"] = f"Bearer {token}"

    def _change(self) -> None:
        path = f"Group/{self._chance.choice(self._all_panels)}"
        answer = self._ask("GET", f"fhir/{path}")
        if answer.status_code == 200:
            references = [member["entity"]["reference"] for member in answer.json()["member"]]
            self.pages[path, frozenset(int(reference.removeprefix("Patient/")) for reference in references)] += 1

    def _read(self) -> None:
        answer = self._ask("GET", "fhir/Patient", params={"_count": self._chance.choice((5, 20))})
        if answer.status_code == 200:
            found = frozenset(int(entry["resource"]["id"]) for entry in answer.json()["entry"])
            self.pages["Patient/", found] += 1

    _read_resource = _export = _change


@pytest.fixture
def scene(database_kind: str, request: pytest.FixtureRequest) -> Iterator[Scene]:
    server = ""
    if database_kind == "mariadb":
        server = request.getfixturevalue("mariadb_server").render_as_string(hide_password=False)
    with places(database_kind, server) as (url, schema), tempfile.TemporaryDirectory() as folder:
        made = Scene(url, schema, "http://127.0.0.1:9", folder, time.time(), 1.0)
        set_up(made, PATIENTS)
        yield made


@pytest.mark.parametrize("kills", [10, pytest.param(1000, marks=pytest.mark.large)])
def test_every_page_and_press_that_was_answered_has_its_record(scene: Scene, kills: int, database_kind: str) -> None:
    kills = min(kills, MOST_ON_MARIADB) if database_kind == "mariadb" else kills
    chance, host = random.Random(kills), scene.open(FixedClock(BEGIN - timedelta(days=3), BEGIN.tzinfo))
    with host.database.engine.connect() as connection:
        panels = list(connection.scalars(select(panel.c.panel_id).where(panel.c.number.in_(("P0", "P1", "P2")))))
    for panel_id, provider in zip(panels, PROVIDERS, strict=True):
        bulk.carry_out(host, MANAGER, bulk.Assign(provider, "AC", panel_id))
    with served(scene, free_port()) as site:
        readers = [Reader(host, site, chance.randrange(2**31), [], panels) for _ in range(READERS)]
        readers += [
            Network(host, site, chance.randrange(2**31), panels, _token(host, f"Network {name}"))
            for name in range(CLIENTS)
        ]
        for reader in readers:
            reader.start()
        for _ in range(kills):
            threading.Event().wait(chance.uniform(0, 0.5))
            site.kill_a_worker(chance)
        for reader in readers:
            while not reader.pages:
                time.sleep(0.05)
            reader.stop()
    assert [wrong for reader in readers for wrong in reader.wrong] == []
    answered: Pages = sum((reader.pages for reader in readers), Counter())
    assert {path.partition("/")[0] for path, _ in answered} >= {"", "Group"}
    recorded = _recorded(host)
    assert {page: count for page, count in answered.items() if recorded[page] < count} == {}
    assert set().union(*(reader.confirmed for reader in readers)) <= _confirmed(host)
    host.close()


def _token(host: OscarHost, name: str) -> str:
    draft = ClientDraft(name=name, scopes="system/*.rs", jwks=PUBLIC_KEYS)
    client_id = registry.register(host, MANAGER, draft)
    with host.database.engine.connect() as connection:
        client = registry.live_client(connection, client_id)
    return tokens.issue(host, client, "system/*.rs", timedelta(days=30))


def _recorded(host: OscarHost) -> Pages:
    shown: dict[tuple[str, int], tuple[str, set[int]]] = {}
    by_people = select(literal("look"), look.c.look_id, look.c.path, look_patient.c.patient_id)
    path = read.c.kind.concat("/").concat(read.c.resource_id)
    by_clients = GIVEN_OUT.with_only_columns(literal("read"), read.c.read_id, path, PATIENT)
    with host.database.engine.connect() as connection:
        for rows in (by_people.join_from(look, look_patient), by_clients):
            for kind, number, address, patient_id in connection.execute(rows):
                shown.setdefault((kind, number), (address, set()))[1].add(patient_id)
    return Counter((address, frozenset(ids)) for address, ids in shown.values())


def _confirmed(host: OscarHost) -> set[int]:
    confirmations = operation.c.kind == OperationKind.BULK_CONFIRM
    query = select(ledger.c.patient_id).join(operation, operation.c.operation_id == ledger.c.operation_id)
    with host.database.engine.connect() as connection:
        return set(connection.scalars(query.where(confirmations)))
