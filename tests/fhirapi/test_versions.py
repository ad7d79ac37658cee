"""Versions are honest: whatever happens, a version moves on when the content does, and only then."""

from contextlib import suppress
from datetime import date, timedelta
from typing import Any

import hypothesis.strategies as st
import orjson
import pytest
from hypothesis import HealthCheck, settings
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import delete, select, update

from cpar_plugin.domain.panel import panel_draft
from cpar_plugin.domain.refusals import NotFound, Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign, Move, Remove, undo
from cpar_plugin.services.clients.caller import EVERYTHING, Caller
from cpar_plugin.services.fhir import refresh
from cpar_plugin.services.fhir.groups import GroupSource
from cpar_plugin.services.fhir.sources import KINDS, LARGE, everything, read, source
from cpar_plugin.services.operations import clinic
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..examples import examples

CLIENT = Caller(Actor(actor_id="client-1", display_name="A client"), "1", EVERYTHING, panels=None)
DOCTORS = {"101": "100000001", "102": "100000002", "103": "100000003"}
RECORDS = [
    {"last_name": "Wren"},
    {"last_name": "Lark"},
    {"sex": "M"},
    {"patient_status": "IN"},
    {"month_of_birth": ""},
    {"hc_type": "BC"},
]
PROVIDERS = [{"last_name": "Heron"}, {"status": "0"}, {"status": "1"}]
FACILITIES = [["113"], ["114", "113"]]
Key = tuple[str, str]


class Served:
    """One reading of everything that the interface has, and of what it had before."""

    def __init__(self, host: OscarHost, site_settings: Settings) -> None:
        self._host, self._settings = host, site_settings

    def ids(self) -> set[Key]:
        result = set()
        with self._host.database.engine.connect() as connection:
            for kind in KINDS:
                if kind in LARGE:
                    rows = source(self._host, self._settings, CLIENT, kind)
                    result |= {(kind, str(row[0])) for row in connection.execute(rows.select())}
                else:
                    every = everything(connection, self._host, self._settings, CLIENT, kind)
                    result |= {(kind, one.resource_id) for one in every}
        return result

    def one(self, kind: str, resource_id: str) -> tuple[bytes, int, str] | None:
        """Content, version, lastUpdated. None for what is gone or was never there."""
        with self._host.database.engine.connect() as connection:
            try:
                result = read(connection, self._host, self._settings, CLIENT, kind, resource_id)
            except NotFound:
                return None
            text = result.text
            if kind == "Group":
                text = b"".join(GroupSource(self._host, self._settings, CLIENT).body(connection, result))
        resource = orjson.loads(text)
        version, last_updated = resource["meta"].pop("versionId"), resource["meta"].pop("lastUpdated")
        assert version == str(result.version)
        return orjson.dumps(resource, option=orjson.OPT_SORT_KEYS), result.version, last_updated


class AnySequence(RuleBasedStateMachine):
    """What people, the EMR and the operator do, in any order; everything is read after each step."""

    def __init__(self, host: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor) -> None:
        super().__init__()
        self.host, self.oscar, self.clock, self.clerk = host, oscar, clock, clerk
        self.settings = Settings()
        self.seen: dict[Key, tuple[bytes, int, str] | None] = {}
        self.last: dict[Key, int] = {}  # the highest version ever seen
        self.patients: list[int] = []
        self.panels: list[int] = []
        self.done: list[int] = []
        self.steps = 0
        self.just_refreshed = False

    @initialize()
    def two_panels_and_three_patients(self) -> None:
        with self.oscar.database.writing() as connection:
            connection.execute(update(tables.operation).values(undoes=None))
            for table in (*reversed(tables.metadata.sorted_tables), *self.host_tables()):
                if table is not tables.clinic:
                    connection.execute(delete(table))
        for number, provider_id in enumerate(("101", "102")):
            draft = panel_draft(str(number), ["113"], [(provider_id, DOCTORS[provider_id])])
            self.panels.append(editing.create(self.host, self.clerk, draft))
        for _ in range(3):
            self.a_new_patient("101")

    def host_tables(self) -> list[Any]:
        emr = self.host.tables
        return [emr.appointment, emr.demographic_merged, emr.demographic, emr.log]

    def change(self, table: Any, which: Any, **values: Any) -> None:
        with self.oscar.database.writing() as connection:
            connection.execute(update(table).where(which).values(values))

    # The EMR

    @rule(mrp=st.sampled_from(["101", "102"]))
    def a_new_patient(self, mrp: str) -> None:
        self.patients.append(self.oscar.patient(provider_no=mrp))

    @rule(data=st.data(), values=st.sampled_from(RECORDS))
    def a_record_is_fixed(self, data: st.DataObject, values: dict[str, str]) -> None:
        patient = self.host.tables.demographic
        self.change(patient, patient.c.demographic_no == data.draw(st.sampled_from(self.patients)), **values)

    @rule(data=st.data(), day=st.sampled_from([date(2026, 3, 2), date(2026, 11, 9)]))
    def a_patient_is_seen(self, data: st.DataObject, day: date) -> None:
        self.oscar.visit(data.draw(st.sampled_from(self.patients)), day)

    @rule(data=st.data())
    def two_records_are_merged(self, data: st.DataObject) -> None:
        retired, kept = data.draw(st.permutations(self.patients))[:2]
        self.oscar.merge(retired, kept)

    @rule(provider_id=st.sampled_from(sorted(DOCTORS)), values=st.sampled_from(PROVIDERS))
    def a_provider_is_changed(self, provider_id: str, values: dict[str, str]) -> None:
        provider = self.host.tables.provider
        self.change(provider, provider.c.provider_no == provider_id, **values)

    # People

    @precondition(lambda self: self.panels)
    @rule(data=st.data())
    def somebody_chooses_a_panel(self, data: st.DataObject) -> None:
        patient_id, panel_id = data.draw(st.sampled_from(self.patients)), data.draw(st.sampled_from(self.panels))
        with self.host.database.engine.connect() as connection:
            seen = connection.scalar(select(tables.member.c.panel_id).where(tables.member.c.patient_id == patient_id))
        with suppress(NotFound):
            one_patient.choose(self.host, self.clerk, patient_id, panel_id, seen_panel_id=seen)

    @rule(data=st.data(), confirm=st.booleans())
    def somebody_confirms_or_removes_a_member(self, data: st.DataObject, confirm: bool) -> None:
        with self.host.database.engine.connect() as connection:
            on_panels = connection.execute(select(tables.member.c.patient_id, tables.member.c.panel_id)).all()
        if on_panels:
            patient_id, panel_id = data.draw(st.sampled_from(sorted(map(tuple, on_panels))))
            what = one_patient.confirm if confirm else one_patient.remove
            what(self.host, self.clerk, patient_id, seen_panel_id=panel_id)

    @precondition(lambda self: self.panels)
    @rule(data=st.data(), status=st.sampled_from(["AC", "IN"]))
    def somebody_gives_an_order(self, data: st.DataObject, status: str) -> None:
        here, there = data.draw(st.sampled_from(self.panels)), data.draw(st.sampled_from(self.panels))
        orders = [Assign("101", status, here), Remove(here, status)]
        order = data.draw(st.sampled_from([*orders, Move(here, there, status)] if here != there else orders))
        outcome = bulk.carry_out(self.host, self.clerk, order)
        if outcome.operation_id:
            self.done.append(outcome.operation_id)

    @precondition(lambda self: self.done)
    @rule(data=st.data())
    def somebody_undoes_it(self, data: st.DataObject) -> None:
        with suppress(Refused):
            undo.undo(self.host, self.clerk, data.draw(st.sampled_from(self.done)))

    @precondition(lambda self: self.panels)
    @rule(
        data=st.data(),
        number=st.sampled_from("ABC"),
        facilities=st.sampled_from(FACILITIES),
        provider_id=st.sampled_from(sorted(DOCTORS)),
        notify=st.sampled_from(["", "a@example.org"]),
    )
    def somebody_edits_a_panel(
        self, data: st.DataObject, number: str, facilities: list[str], provider_id: str, notify: str
    ) -> None:
        panel_id = data.draw(st.sampled_from(self.panels))
        draft = panel_draft(number, facilities, [(provider_id, DOCTORS[provider_id])], notify)
        with self.host.database.engine.connect() as connection:
            version = editing.get(connection, self.host, panel_id).version
        with suppress(Refused):
            editing.edit(self.host, self.clerk, panel_id, version, draft)

    @precondition(lambda self: len(self.panels) > 1)
    @rule()
    def somebody_deletes_a_panel(self) -> None:
        panel_id = self.panels.pop()
        with self.host.database.engine.connect() as connection:
            version = editing.get(connection, self.host, panel_id).version
        editing.delete(self.host, self.clerk, panel_id, version)

    @rule(name=st.sampled_from(["Example Clinic", "Other Clinic"]))
    def somebody_names_the_clinic(self, name: str) -> None:
        with self.host.database.engine.connect() as connection:
            version = clinic.load(connection).version
        clinic.save(self.host, self.clerk, name=name, site_id="S-1", version=version)

    # The operator

    @rule(uri=st.sampled_from(["urn:test:1", "urn:test:2"]))
    def the_ministry_publishes_an_address(self, uri: str) -> None:
        self.settings = Settings(uri_codes=uri, uri_definitions=uri)

    @rule()
    def the_job_runs(self) -> None:
        refresh.refresh(self.host, self.settings)
        self.just_refreshed = True

    # What must hold

    @invariant()
    def versions_move_when_contents_do(self) -> None:
        self.steps += 1
        if self.steps % 3 == 0:
            self.the_job_runs()
        stored = self.stored() if self.just_refreshed else {}
        served = Served(self.host, self.settings)
        for key in sorted(self.seen.keys() | served.ids()):
            now, before = served.one(*key), self.seen.get(key)
            if now and before:
                changed = now[0] != before[0]
                assert (now[1] > before[1]) == changed, (key, before, now)
                assert (now[2] > before[2]) == changed, (key, before, now)
            elif now:
                assert now[1] >= self.last.get(key, 1)
            if self.just_refreshed:  # which leaves nothing for a reader to find
                assert stored.get(key) == (now and now[1]), (key, stored.get(key), now)
            self.seen[key] = now
            self.last[key] = max(self.last.get(key, 1), now[1] if now else 1)
        self.just_refreshed = False
        self.clock.move_to(self.clock.now() + timedelta(seconds=1))

    def stored(self) -> dict[Key, int]:
        """The versions of what is there, as the database has them."""
        patient, resource, panel = tables.patient_version.c, tables.resource_version.c, tables.panel.c
        with self.host.database.engine.connect() as connection:
            results = {
                ("Patient", str(key)): version
                for key, version in connection.execute(
                    select(patient.patient_id, patient.version).where(patient.gone_at.is_(None))
                )
            }
            results |= {
                (kind, key): version
                for kind, key, version in connection.execute(
                    select(resource.kind, resource.resource_id, resource.version).where(resource.gone_at.is_(None))
                )
            }
            results |= {
                ("Group", str(key)): version
                for key, version in connection.execute(
                    select(panel.panel_id, panel.group_version).where(panel.deleted_at.is_(None))
                )
            }
        return results


@pytest.mark.databases("in turn")
@pytest.mark.hypothesis
def test_any_sequence_leaves_versions_honest(site: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor) -> None:
    run_state_machine_as_test(  # type: ignore[no-untyped-call]
        lambda: AnySequence(site, oscar, clock, clerk),
        settings=settings(
            max_examples=examples(6),
            stateful_step_count=25,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        ),
    )
