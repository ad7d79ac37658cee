"""Whatever changes, nothing answers 500: requests of the interface, twice before the change and twice after it.

`make large` sends every request around every change; `make test` every request, each around some of the changes.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from itertools import product
from typing import Any, NamedTuple, TypeVar

import pytest
from flask import Flask, request, request_started
from sqlalchemy import delete, update

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.fhir_mappings.searchable import SearchType
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import undo
from cpar_plugin.services.bulk.orders import Order
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.fhir.refresh import refresh
from cpar_plugin.services.fhir.search.table import SEARCHABLE
from cpar_plugin.services.health import after_restore
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.settings import load
from oscar_host.host import OscarHost

from ..backup import Backup, backup  # noqa: F401
from ..panels.test_registry_reports import receive
from ..signing_in import sign_in
from .clients import EVERY_SCOPE, Registered
from .exporting import accepted, fetched, finished, kick_off
from .rest import MANAGER, PEOPLE, RECEPTION, Reader
from .test_rights import DEFINITIONS

FIXED = (
    *("/metadata", "/metadata?mode=terminology", "/.well-known/smart-configuration", "/openapi.json", "/_history"),
    *("/StructureDefinition/cpar-panel", "/SearchParameter/group-name", "/CodeSystem/group", "/ValueSet/none"),
    *("/OperationDefinition/group-confirm", "/ImplementationGuide/none"),
    *(f"/{kind}" for kind in DEFINITIONS),
    *("/Basic/none", "/submitted/none/1", "/submitted/none/1/Group.ndjson"),
)
OF_SUBSCRIPTIONS = ("/Subscription/$status", "/Subscription/none/$status", "/Subscription/none/$events")
WRITTEN = {"101": "100000001", "102": "100000002"}
VALUES = {
    SearchType.TOKEN: "true",
    SearchType.STRING: "a",
    SearchType.DATE: "ge1900-01-01",
    SearchType.REFERENCE: "{}/1",
    SearchType.URI: "https://receiver.example/notified",
}
ANSWERS = (200, 304, 403, 404, 410, 501)
SOME = 14  # of so many requests `make test` sends one around each change
One = TypeVar("One")


class Around(NamedTuple):
    """A change, and which requests are sent around it: of each `share` the one at this place."""

    change: str
    share: int
    place: int

    def some(self, requests: Sequence[One]) -> Sequence[One]:
        return requests[self.place % self.share :: self.share]


@dataclass
class Clinic:
    """A panel with members, another one, and everything that happens to them."""

    site: OscarHost
    oscar: Any
    clerk: Actor
    panel: int
    other: int
    people: dict[str, int]
    network: Registered
    backup: Backup
    _carried_out: int | None = field(default=None)

    def version(self) -> int:
        with self.site.database.engine.connect() as connection:
            return editing.get(connection, self.site, self.panel).version

    def client(self) -> registry.Client:
        with self.site.database.engine.connect() as connection:
            return registry.live_client(connection, self.network.client_id)

    def emr(self, statement: Any) -> None:
        with self.oscar.database.writing() as connection:
            connection.execute(statement)

    def order(self, order: Order) -> None:
        self._carried_out = bulk.carry_out(self.site, self.clerk, order).operation_id
        assert self._carried_out

    def nothing(self) -> None:
        pass

    def made_panel(self) -> None:
        editing.create(self.site, self.clerk, panel_draft("0088", ["115"], list(WRITTEN.items())))

    def edited_panel(self) -> None:
        draft = panel_draft("0043", ["114", "113"], list(WRITTEN.items())[:1])
        editing.edit(self.site, self.clerk, self.panel, self.version(), draft)

    def deleted_panel(self) -> None:
        editing.delete(self.site, self.clerk, self.panel, self.version())

    def added_member(self) -> None:
        one_patient.choose(self.site, self.clerk, self.oscar.patient(last_name="Wren"), self.panel, seen_panel_id=None)

    def moved_member(self) -> None:
        one_patient.choose(self.site, self.clerk, self.people["trudy"], self.other, seen_panel_id=self.panel)

    def removed_member(self) -> None:
        one_patient.remove(self.site, self.clerk, self.people["inactive"], seen_panel_id=self.panel)

    def confirmed_member(self) -> None:
        one_patient.confirm(self.site, self.clerk, self.people["helene"], seen_panel_id=self.panel)

    def assigned_by_mrp(self) -> None:
        self.oscar.patient(provider_no="103", last_name="Finch")
        self.order(bulk.Assign("103", self.site.roster.active_status, self.other))

    def moved_all(self) -> None:
        self.order(bulk.Move(self.panel, self.other, self.site.roster.active_status))

    def removed_all(self) -> None:
        self.order(bulk.Remove(self.panel, self.site.roster.active_status))

    def undid(self) -> None:
        assert self._carried_out
        undo.undo(self.site, self.clerk, self._carried_out)

    def edited_provider(self) -> None:
        provider = self.site.tables.provider
        self.emr(update(provider).where(provider.c.provider_no == "101").values(last_name="Heron", status="0"))

    def vanished_provider(self) -> None:
        provider = self.site.tables.provider
        self.emr(delete(provider).where(provider.c.provider_no == "102"))

    def edited_patient(self) -> None:
        patient = self.site.tables.demographic
        mine = patient.c.demographic_no == self.people["helene"]
        self.emr(update(patient).where(mine).values(last_name="Lark", hin="", year_of_birth="", patient_status="IN"))

    def seen_patient(self) -> None:
        self.oscar.visit(self.people["helene"], date(2026, 11, 3))
        refresh(self.site, load(self.site.settings))

    def merged_patient(self) -> None:
        self.oscar.merge(self.people["helene"], self.people["oscar"])

    def unmerged_patient(self) -> None:
        self.emr(update(self.site.tables.demographic_merged).values(deleted=1))

    def vanished_patient(self) -> None:
        patient = self.site.tables.demographic
        self.emr(delete(patient).where(patient.c.demographic_no == self.people["nobody"]))

    def closed_patient(self) -> None:
        self.oscar.privilege("CPAR Admin", f"_demographic${self.people['oscar']}", "o")

    def role_taken(self) -> None:
        role = self.site.tables.user_role
        self.emr(delete(role).where(role.c.provider_no == MANAGER))

    def role_given(self) -> None:
        self.oscar.role(MANAGER, "CPAR Admin", "receptionist")

    def renamed_clinic(self) -> None:
        with self.site.database.engine.connect() as connection:
            version = clinic.load(connection).version
        clinic.save(self.site, self.clerk, name="Other Clinic", site_id="S-2", version=version)

    def narrowed_client(self) -> None:
        now = self.client()
        draft = ClientDraft(name=now.name, scopes=EVERY_SCOPE, jwks=now.jwks or "", panels=(self.panel,))
        registry.change(self.site, self.clerk, now.client_id, now.version, draft)

    def widened_client(self) -> None:
        now = self.client()
        draft = ClientDraft(name=now.name, scopes=EVERY_SCOPE, jwks=now.jwks or "")
        registry.change(self.site, self.clerk, now.client_id, now.version, draft)

    def turned_off_and_on(self) -> None:
        clinic.disable(self.site, self.clerk)
        clinic.enable(self.site, self.clerk)

    def restored_backup(self) -> None:
        self.backup.restore()

    def saw_to_the_restore(self) -> None:
        settings = load(self.site.settings)
        after_restore.carry_out(self.site, settings, self.clerk, hold_clients=True, hold_submissions=True)
        registry.allow(self.site, self.clerk, self.network.client_id)


CHANGES = (
    Clinic.nothing,
    Clinic.made_panel,
    Clinic.edited_panel,
    Clinic.added_member,
    Clinic.confirmed_member,
    Clinic.moved_all,
    Clinic.undid,
    Clinic.removed_all,
    Clinic.undid,
    Clinic.assigned_by_mrp,
    Clinic.moved_member,
    Clinic.removed_member,
    Clinic.seen_patient,
    Clinic.edited_provider,
    Clinic.vanished_provider,
    Clinic.edited_patient,
    Clinic.merged_patient,
    Clinic.unmerged_patient,
    Clinic.vanished_patient,
    Clinic.closed_patient,
    Clinic.role_taken,
    Clinic.role_given,
    Clinic.renamed_clinic,
    Clinic.narrowed_client,
    Clinic.widened_client,
    Clinic.turned_off_and_on,
    Clinic.restored_backup,
    Clinic.saw_to_the_restore,
    Clinic.deleted_panel,
)


# An export answers otherwise after these.
EXPORTED_AROUND = (Clinic.restored_backup, Clinic.saw_to_the_restore, Clinic.deleted_panel)


def test_every_kind_of_change_is_among_them() -> None:
    happens = {name for name, one in vars(Clinic).items() if callable(one) and not name.startswith("_")}
    assert {one.__name__ for one in CHANGES} == happens - {"version", "client", "emr", "order"}


@pytest.mark.databases("in turn")
@pytest.mark.parametrize(
    "share", [SOME, pytest.param(1, marks=pytest.mark.large)], ids=["some requests", "every request"]
)
def test_every_request_is_answered_twice_before_and_after_every_kind_of_change(
    share: int,
    app: Flask,
    registered: Callable[..., Registered],
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    staff: None,
    panel: int,
    make_panel: Callable[..., int],
    people: dict[str, int],
    clock: FixedClock,
    backup: Backup,  # noqa: F811
) -> None:
    network = registered()
    happening = Clinic(site, oscar, clerk, panel, make_panel("0077", "103"), people, network, backup)
    oscar.privilege("receptionist", "_admin.cpar", "o")
    receive(site, clerk, (PEOPLE["oscar"]["hin"], "", "", "", "Dr. Else"))
    known = {kind: Reader(app, network.token()).ids(f"/{kind}")[:2] for kind in SEARCHABLE}
    known["Subscription"] = ["none"]
    known["Patient"] += [str(people["nobody"]), str(oscar.patient())]  # one who goes, and one on no panel
    backup.make()
    asked: set[str] = set()
    request_started.connect(lambda _: asked.add(request.url_rule.rule if request.url_rule else ""), app, weak=False)
    not_asked = []
    every_address = {rule.rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("cpar_fhir.")}
    since = None
    for place, change in enumerate(CHANGES):
        change(happening)
        clock.move_to(clock.now() + timedelta(minutes=1))
        if place % share == 0:
            asked.clear()
        around = Around(change.__name__, share, place)
        reader = Reader(app, network.token())
        people_signed_in = [_signed_in(app, MANAGER), _signed_in(app, RECEPTION)]
        for browsers in (people_signed_in, []):
            _ask(reader, browsers, known, around)
            if share == 1 or place % share == 0 or change in EXPORTED_AROUND:
                since = _export(reader, panel, since, change.__name__)
        if place % share == share - 1:
            not_asked += [(change.__name__, one) for one in every_address - asked]
    assert sorted({one for _, one in not_asked}) == []


def _signed_in(app: Flask, provider_id: str) -> Any:
    browser = app.test_client()
    sign_in(browser, provider_id)
    return browser


def _ask(reader: Reader, people: list[Any], known: dict[str, list[str]], around: Around) -> None:
    change, kinds = around.change, around.some([*SEARCHABLE])
    for path in around.some((*FIXED, *(path for kind in SEARCHABLE for path in _paths(kind, known[kind])))):
        answer = reader.get(path)
        assert answer.status_code in ANSWERS, (change, path, answer.text)
        assert (answer.status_code == 501) == _is_not_done(path), (change, path)
        if "Last-Modified" in answer.headers and people:
            held = {"If_None_Match": answer.headers["ETag"], "If_Modified_Since": answer.headers["Last-Modified"]}
            for name, value in held.items():
                assert reader.get(path, **{name: value}).status_code == 304, (change, path)
            assert reader.send("HEAD", path).status_code == 200, (change, path)
    for kind in around.some(DEFINITIONS):
        assert reader.send("POST", f"/{kind}/_search", data={"_count": "1"}).status_code == 200, (change, kind)
    for kind in kinds:
        assert reader.send("POST", f"/{kind}/_search", data={"_count": "1"}).status_code == 200, (change, kind)
        for browser, path in product(people, (f"/{kind}?_count=2", *(f"/{kind}/{one}" for one in known[kind][:1]))):
            shown = browser.get(f"/fhir{path}")
            shown.get_data()
            shown.close()
            assert shown.status_code in ANSWERS, (change, path, shown.text)
    assert [*reader.pages("/Patient", {"_count": "3"})], change
    for path in OF_SUBSCRIPTIONS:
        assert reader.get(path).status_code in (200, 403, 404), (change, path)
    batch = {"resourceType": "Bundle", "type": "batch", "entry": [{"request": {"method": "GET", "url": "Patient"}}]}
    assert reader.send("POST", "/", json=batch).status_code == 200, change
    assert reader.send("POST", "/token", data={}).status_code == 400, change
    confirmation = reader.send("POST", f"/Group/{known['Group'][0]}/$confirm", json={})
    assert confirmation.status_code == 403, change


def _is_not_done(path: str) -> bool:
    """Histories and operations; the version of a resource is read, or is not there."""
    return path.endswith("/_history") or "$" in path


def _export(reader: Reader, panel: int, since: str | None, change: str) -> str | None:
    """Export what has changed since the export before, all where that is refused, and the panel."""
    answer = kick_off(reader, query={"_since": since} if since else None)
    if answer.status_code == 400:
        assert since, change
        assert "restored a backup" in answer.text, change
        answer = kick_off(reader)
    address = accepted(answer)
    for one in (address, f"{address}/none.ndjson"):
        assert reader.get(one).status_code in (200, 202, 404), change
    whole = fetched(reader, address)
    assert reader.send("DELETE", address).status_code == 202, change
    of_panel = kick_off(reader, f"/Group/{panel}/$export")
    if change == "deleted_panel":
        assert of_panel.status_code == 410
    else:
        assert finished(reader, accepted(of_panel)).status_code == 200, change
        assert reader.send("DELETE", accepted(of_panel)).status_code == 202, change
    moment: str = whole.manifest["transactionTime"]
    return moment


def _paths(kind: str, ids: list[str]) -> Iterator[str]:
    yield from (f"/{kind}/{one}" for one in ids)
    yield from (f"/{kind}/{one}{rest}" for one in ids[:1] for rest in ("/_history", "/_history/1", "/$everything"))
    yield f"/{kind}/_history"
    of_kind = SEARCHABLE[kind]
    every = "&".join(
        f"{name}={VALUES[one.type].format(*one.targets or ('',))}" for name, one in of_kind.parameters.items()
    )
    also = [f"_include={one}" for one in of_kind.includes] + [f"_revinclude={one}" for one in of_kind.revincludes]
    sorts = ",".join(f"-{name}" for name in of_kind.sorts)
    for query in (every, f"_sort={sorts}&_total=accurate&_count=2", "_summary=count", "_elements=identifier", *also):
        yield f"/{kind}?{query}"
