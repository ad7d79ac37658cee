"""Whatever changes, nothing answers 500: every request of the interface, twice before the change and twice after it."""

from collections.abc import Callable, Iterator
from typing import Any

from sqlalchemy import update

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk, clinic, members, panels, undo
from oscar_host.host import OscarHost

from .exporting import accepted, export, fetched, finished, kick_off
from .rest import Reader

KINDS = ("Patient", "Group", "Practitioner", "PractitionerRole", "Location", "Organization")
FIXED = ("/metadata", "/metadata?mode=terminology", "/.well-known/smart-configuration", "/openapi.json")
WRITTEN = {"101": "100000001", "102": "100000002"}


class Clinic:
    """A panel with members, another one, and everything that happens to them."""

    def __init__(self, site: OscarHost, oscar: Any, clerk: Actor, panel: int, other: int, people: dict[str, int]):
        self.site, self.oscar, self.clerk, self.panel, self.other = site, oscar, clerk, panel, other
        self.patient, self.second = people["helene"], people["oscar"]

    def version(self) -> int:
        with self.site.database.engine.connect() as connection:
            return panels.get(connection, self.site, self.panel).version

    def emr(self, table: Any, which: Any, **values: Any) -> None:
        with self.oscar.database.writing() as connection:
            connection.execute(update(table).where(which).values(values))

    def edited_panel(self) -> None:
        draft = panel_draft("0043", ["114", "113"], list(WRITTEN.items())[:1])
        panels.edit(self.site, self.clerk, self.panel, self.version(), draft)

    def deleted_panel(self) -> None:
        panels.delete(self.site, self.clerk, self.panel, self.version())

    def added_member(self) -> None:
        new = self.oscar.patient(last_name="Wren")
        members.choose(self.site, self.clerk, new, self.panel, seen_panel_id=None)

    def moved_member(self) -> None:
        members.choose(self.site, self.clerk, self.patient, self.other, seen_panel_id=self.panel)

    def removed_member(self) -> None:
        members.remove(self.site, self.clerk, self.second, seen_panel_id=self.panel)

    def confirmed_member(self) -> None:
        members.confirm(self.site, self.clerk, self.patient, seen_panel_id=self.panel)

    def moved_all_and_back(self) -> None:
        order = bulk.Move(self.panel, self.other, self.site.roster.active_status)
        operation_id = bulk.carry_out(self.site, self.clerk, order).operation_id
        assert operation_id
        undo.undo(self.site, self.clerk, operation_id)

    def edited_provider(self) -> None:
        provider = self.site.tables.provider
        self.emr(provider, provider.c.provider_no == "101", last_name="Heron", status="0")

    def edited_patient(self) -> None:
        patient = self.site.tables.demographic
        self.emr(patient, patient.c.demographic_no == self.patient, last_name="Lark", hin="")

    def merged_patient(self) -> None:
        self.oscar.merge(self.patient, self.second)

    def renamed_clinic(self) -> None:
        with self.site.database.engine.connect() as connection:
            version = clinic.load(connection).version
        clinic.save(self.site, self.clerk, name="Other Clinic", site_id="S-2", version=version)


CHANGES = (
    Clinic.edited_panel,
    Clinic.added_member,
    Clinic.confirmed_member,
    Clinic.moved_all_and_back,
    Clinic.moved_member,
    Clinic.removed_member,
    Clinic.edited_provider,
    Clinic.edited_patient,
    Clinic.merged_patient,
    Clinic.renamed_clinic,
    Clinic.deleted_panel,
)


def test_every_request_is_answered_twice_before_and_after_every_kind_of_change(
    reader: Reader,
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    panel: int,
    make_panel: Callable[..., int],
    people: dict[str, int],
) -> None:
    changing = Clinic(site, oscar, clerk, panel, make_panel("0077", "103"), people)
    known = {kind: reader.ids(f"/{kind}")[:2] for kind in KINDS}
    known["Patient"].append(str(oscar.patient()))  # on no panel
    _ask_twice(reader, known, "nothing")
    exported = accepted(kick_off(reader))
    before = finished(reader, exported).json["transactionTime"]  # type: ignore[index]
    for change in CHANGES:
        change(changing)
        _ask_twice(reader, known, change.__name__)
    fetched(reader, exported)
    for _ in range(2):
        export(reader, query={"_since": before})
        export(reader, f"/Group/{changing.other}/$export")
        assert kick_off(reader, f"/Group/{panel}/$export").status_code == 410


def _ask_twice(reader: Reader, known: dict[str, list[str]], change: str) -> None:
    for path in (*FIXED, *(path for kind in KINDS for path in _paths(kind, known[kind]))) * 2:
        answer = reader.get(path)
        assert (answer.status_code == 501) == ("/_history" in path), (change, path)  # histories are not kept
        assert answer.status_code in (200, 404, 410, 501), (change, path, answer.text)
        if "Last-Modified" in answer.headers:
            again = reader.get(path, If_Modified_Since=answer.headers["Last-Modified"])
            assert again.status_code == 304, (change, path)
    for kind in KINDS * 2:
        assert reader.send("POST", f"/{kind}/_search", data={"_count": "1"}).status_code == 200, (change, kind)


def _paths(kind: str, ids: list[str]) -> Iterator[str]:
    yield from (f"/{kind}/{one}" for one in ids)
    yield from (f"/{kind}/{one}{rest}" for one in ids[:1] for rest in ("/_history", "/_history/1"))
    for query in ("_count=2", "_summary=count", "_lastUpdated=ge2026-01-01&_sort=-_lastUpdated"):
        yield f"/{kind}?{query}"
