"""Exports one after the other: whoever applies output and deleted in turn always has exactly what is there."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import invariant, run_state_machine_as_test
from sqlalchemy import delete, select, update

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.domain.scopes import KINDS
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import undo
from cpar_plugin.services.clients import registry
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.clients.registry import ClientDraft
from cpar_plugin.services.exports import jobs
from cpar_plugin.services.exports.request import ExportRequest
from cpar_plugin.services.exports.workers import Workers
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.settings import Settings
from oscar_host.host import OscarHost

from ..examples import examples
from .exporting import Exported, export
from .rest import MANAGER, Json, Reader
from .test_versions import AnySequence

DOCTORS = {"101": "100000001", "102": "100000002", "103": "100000003"}


@pytest.fixture
def later(clock: FixedClock, site: OscarHost) -> Callable[[], None]:
    """The job looks at everything, as it does now and then, and some seconds pass."""

    def wait() -> None:
        refresh.refresh(site, Settings())
        clock.move_to(clock.now() + timedelta(seconds=2))

    return wait


def since(reader: Reader, before: Exported, path: str = "/$export") -> Exported:
    return export(reader, path, {"_since": before.manifest["transactionTime"]})


def test_nothing_is_sent_again_while_nothing_changes(
    reader: Reader, people: dict[str, int], later: Callable[[], None]
) -> None:
    later()
    first = export(reader)
    later()
    assert since(reader, first).files == {}


def test_what_changed_in_the_emr_is_sent_again_with_a_new_version(
    reader: Reader, people: dict[str, int], site: OscarHost, emr: OscarHost, later: Callable[[], None]
) -> None:
    later()
    first = export(reader)
    later()
    record = site.tables.demographic
    with emr.database.writing() as connection:
        connection.execute(update(record).where(record.c.demographic_no == people["oscar"]).values(last_name="New"))
    second = since(reader, first)
    [sent] = second.files["Patient.ndjson"]
    assert (sent["id"], sent["name"][0]["family"]) == (str(people["oscar"]), "New")
    before = next(one for one in first.files["Patient.ndjson"] if one["id"] == sent["id"])
    assert int(sent["meta"]["versionId"]) > int(before["meta"]["versionId"])
    assert set(second.files) == {"Patient.ndjson"}


def test_who_joined_is_sent_and_who_left_is_deleted(
    reader: Reader,
    people: dict[str, int],
    panel: int,
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    later: Callable[[], None],
) -> None:
    newcomer = oscar.patient()
    later()
    first = export(reader, f"/Group/{panel}/$export")
    later()
    one_patient.choose(site, clerk, newcomer, panel, seen_panel_id=None)
    one_patient.remove(site, clerk, people["helene"], seen_panel_id=panel)
    second = since(reader, first, f"/Group/{panel}/$export")
    assert second.ids("Patient") == [str(newcomer)]
    assert second.deleted() == {f"Patient/{people['helene']}"}
    [file] = second.manifest["deleted"]
    assert (file["type"], file["count"]) == ("Bundle", 1)
    [bundle] = second.files["deleted-Patient.ndjson"]
    assert bundle == {
        "resourceType": "Bundle",
        "type": "transaction",
        "entry": [{"request": {"method": "DELETE", "url": f"Patient/{people['helene']}"}}],
    }
    assert second.ids("Group") == [str(panel)]


def test_a_patient_who_comes_back_by_an_undo_is_sent_again(
    reader: Reader,
    people: dict[str, int],
    panel: int,
    site: OscarHost,
    clerk: Actor,
    clock: FixedClock,
    later: Callable[[], None],
) -> None:
    later()
    first = export(reader)
    later()
    removed = bulk.carry_out(site, clerk, bulk.Remove(panel, "AC"))
    second = since(reader, first)
    assert len(second.deleted()) == 4
    clock.move_to(clock.now() + timedelta(seconds=2))  # the job has not noticed that they were gone
    assert removed.operation_id
    undo.undo(site, clerk, removed.operation_id)  # which gives the old dates back
    third = since(reader, second)
    assert len(third.ids("Patient")) == 4
    assert third.deleted() == set()


def test_a_record_that_vanishes_from_the_emr_and_comes_back(
    reader: Reader,
    people: dict[str, int],
    site: OscarHost,
    emr: OscarHost,
    clock: FixedClock,
    later: Callable[[], None],
) -> None:
    later()
    first = export(reader)
    clock.move_to(clock.now() + timedelta(seconds=2))
    record = site.tables.demographic
    this = record.c.demographic_no == people["trudy"]
    with emr.database.writing() as connection:
        row = dict(connection.execute(select(*(c for c in record.c if not c.system)).where(this)).mappings().one())
        connection.execute(delete(record).where(this))
    second = since(reader, first)
    assert (second.ids("Patient"), second.deleted()) == ([], {f"Patient/{people['trudy']}"})
    clock.move_to(clock.now() + timedelta(seconds=2))  # nobody but the export has noticed
    with emr.database.writing() as connection:
        connection.execute(record.insert().values(row))
    third = since(reader, second)
    assert third.ids("Patient") == [str(people["trudy"])]


def test_a_deleted_panel_goes_with_its_members_and_providers(
    reader: Reader,
    make_panel: Callable[..., int],
    people: dict[str, int],
    site: OscarHost,
    clerk: Actor,
    later: Callable[[], None],
) -> None:
    other = make_panel("0099", "103")
    later()
    first = export(reader)
    later()
    editing.delete(site, clerk, other, 1)
    second = since(reader, first)
    assert second.deleted() == {f"Group/{other}", "Practitioner/103", "PractitionerRole/103-000113"}


def test_a_limited_client_learns_nothing_of_other_panels(
    reader_for: Callable[..., Reader],
    make_panel: Callable[..., int],
    people: dict[str, int],
    panel: int,
    site: OscarHost,
    clerk: Actor,
    later: Callable[[], None],
) -> None:
    other = make_panel("0099", "103")
    limited = reader_for("Limited", panels=(panel,))
    later()
    first = export(limited)
    later()
    one_patient.choose(site, clerk, people["helene"], other, seen_panel_id=panel)
    one_patient.choose(site, clerk, people["oscar"], other, seen_panel_id=panel)
    one_patient.remove(site, clerk, people["oscar"], seen_panel_id=other)
    editing.delete(site, clerk, other, 1)
    second = since(limited, first)
    assert second.deleted() == {f"Patient/{people['helene']}", f"Patient/{people['oscar']}"}
    assert set(second.files) == {"Group.ndjson", "deleted-Patient.ndjson"}


def test_a_provider_from_another_panel_is_sent_though_unchanged(
    reader_for: Callable[..., Reader],
    make_panel: Callable[..., int],
    panel: int,
    site: OscarHost,
    clerk: Actor,
    later: Callable[[], None],
) -> None:
    make_panel("0099", "103")
    limited = reader_for("Limited", panels=(panel,))
    later()
    first = export(limited)
    later()
    draft = panel_draft("0042", ["113"], [("101", DOCTORS["101"]), ("103", DOCTORS["103"])])
    editing.edit(site, clerk, panel, 1, draft)
    second = since(limited, first)
    assert "103" in second.ids("Practitioner")
    assert second.deleted() == {"Practitioner/102", "PractitionerRole/102-000113"}


def test_a_person_does_not_learn_that_a_patient_left_who_is_barred_to_them(
    site: OscarHost,
    oscar: Any,
    clerk: Actor,
    staff: None,
    people: dict[str, int],
    panel: int,
    later: Callable[[], None],
    tmp_path: Path,
) -> None:
    oscar.privilege("receptionist", f"_demographic${people['trudy']}", "o")
    copy = Copy(
        Caller(Actor(actor_id=MANAGER, display_name="M"), None, EVERYTHING, None),
        tmp_path / "exports",
        in_windows=False,
    )
    copy.follow(site, Settings())
    assert f"Patient/{people['trudy']}" not in copy.resources
    later()
    for name in ("helene", "trudy"):
        one_patient.remove(site, clerk, people[name], seen_panel_id=panel)
    copy.follow(site, Settings())
    assert copy.deleted == {f"Patient/{people['helene']}"}


class Copy:
    """A system that keeps what it was told of some panels, export after export."""

    def __init__(self, caller: Caller, folder: Path, *, in_windows: bool) -> None:
        self._caller = caller
        self._in_windows = in_windows
        self._folder = folder
        self._until: datetime | None = None
        self.resources: dict[str, Json] = {}
        self.deleted: set[str] = set()  # what was told the last time

    def follow(self, host: OscarHost, configured: Settings) -> None:
        """Export since the last time, in one window or in two, and apply it."""
        self.deleted.clear()
        if self._in_windows:
            moment = host.clock.now()
            self._apply(self._exported(host, configured, self._until, moment)[1])
            self._until = moment
        self._until, files = self._exported(host, configured, self._until)
        self._apply(files)

    def _apply(self, files: list[tuple[str, list[Json]]]) -> None:
        deleted = set[str]()
        for section, lines in files:
            for line in lines:
                if section == "output":
                    self.resources[f"{line['resourceType']}/{line['id']}"] = line
                else:
                    deleted |= {entry["request"]["url"] for entry in line["entry"]}
        for gone in deleted:
            self.resources.pop(gone, None)
        self.deleted |= deleted

    def whole(self, host: OscarHost, configured: Settings) -> dict[str, Json]:
        """What there is."""
        _, files = self._exported(host, configured, None)
        return {f"{line['resourceType']}/{line['id']}": line for _, lines in files for line in lines}

    def _exported(
        self, host: OscarHost, configured: Settings, since: datetime | None, until: datetime | None = None
    ) -> tuple[datetime | None, list[tuple[str, list[Json]]]]:
        configured = configured.model_copy(update={"fhir_export_folder": self._folder})
        request = ExportRequest(kinds=KINDS, since=since, until=until)
        export_id = jobs.create(host, self._caller, request, self._caller.panels, "")
        Workers(host, configured).work_off()
        with host.database.engine.connect() as connection:
            made = jobs.find(connection, self._caller, export_id)
            files = jobs.files_of(connection, export_id)
        assert (made.state, made.failure) == ("completed", None)
        results = []
        for file in files:
            text = self._folder.joinpath(made.claim or "", file.name).read_bytes()
            assert (len(text), text.count(b"\n")) == (file.bytes, file.resources)
            results.append((file.section.value, [orjson.loads(line) for line in text.splitlines()]))
        jobs.remove(host, configured, made)
        return made.transaction_time, results


class Following(AnySequence):
    """What people, the EMR and the operator do, in any order, and three systems that follow, now and then."""

    def __init__(self, host: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, folder: Path) -> None:
        super().__init__(host, oscar, clock, clerk)
        self.folder = folder
        self.copies: list[Copy] = []

    def _clients(self) -> list[Copy]:
        """One of everything, and one for each of two panels, of which the second may be deleted."""
        results = []
        for panel_ids in ((), (self.panels[0],), (self.panels[1],)):
            draft = ClientDraft(name=str(panel_ids), scopes="system/*.rs", jwks_url="https://client.example/jwks")
            client_id = registry.register(self.host, self.clerk, replace(draft, panels=panel_ids))
            actor = Actor(actor_id=client_id, display_name=client_id)
            caller = Caller(actor, client_id, EVERYTHING, frozenset(panel_ids) or None)
            results.append(Copy(caller, self.folder, in_windows=bool(panel_ids)))
        return results

    @invariant()
    def versions_move_when_contents_do(self) -> None:
        """In place of that: each copy is what there is, whenever it follows."""
        self.copies = self.copies or self._clients()
        self.steps += 1
        for place, copy in enumerate(self.copies):
            if self.steps % (place + 1) == 0:
                copy.follow(self.host, self.settings)
                assert copy.resources == copy.whole(self.host, self.settings)
        if self.steps % 2:  # what else happens may be within the same second
            self.clock.move_to(self.clock.now() + timedelta(seconds=1))


@pytest.mark.databases("in turn")
@pytest.mark.hypothesis
def test_any_sequence_leaves_copies_that_are_what_there_is(
    site: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, tmp_path: Path
) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: Following(site, oscar, clock, clerk, tmp_path / "exports"),
        settings=settings(
            max_examples=examples(3),
            stateful_step_count=20,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
