"""After an undo: who was not restored, what changed since, and who is moved back nevertheless."""

import csv
import io
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from cpar_plugin.domain.refusals import NotFound, Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock, today
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign, Confirm, Selection, history, not_restored, undo
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.roster.csv_file import csv_file
from oscar_host.host import OscarHost

MakePanel = Callable[..., int]


class Story:
    """Six patients of panel 5 assigned to panel 6 by mistake; a day later others have changed four of them."""

    def __init__(self, host: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, make_panel: MakePanel) -> None:
        self.host, self.clock, self.clerk = host, clock, clerk
        self.ann = self._person(oscar, "301", "Ann")
        self.bob = self._person(oscar, "302", "Bob")
        self.right, self.wrong, self.third = make_panel("5"), make_panel("6", "102"), make_panel("7", "103")
        names = ("Confirmed", "Moved", "Newcomer", "Removed", "Untouched", "Wanderer")
        self.patients = {name: oscar.patient(last_name=name, first_name="Kim") for name in names}
        for name, patient_id in self.patients.items():
            oscar.visit(patient_id, "2026-10-05")
            if name != "Newcomer":
                one_patient.choose(host, clerk, patient_id, self.right, seen_panel_id=None)
        self.pass_time()
        result = bulk.carry_out(host, clerk, Assign("101", "AC", self.wrong))
        assert result.operation_id
        self.operation_id: int = result.operation_id
        self.pass_time()
        self.confirm("Confirmed", self.ann)
        self.confirm("Newcomer", self.ann)
        one_patient.choose(host, self.bob, self.patients["Moved"], self.third, seen_panel_id=self.wrong)
        one_patient.remove(host, self.bob, self.patients["Removed"], seen_panel_id=self.wrong)
        one_patient.choose(host, self.ann, self.patients["Wanderer"], self.third, seen_panel_id=self.wrong)
        self.pass_time()
        self.confirm("Wanderer", self.bob, self.third)
        self.pass_time()

    def _person(self, oscar: Any, provider_id: str, name: str) -> Actor:
        oscar.provider(provider_id, last_name="Helper", first_name=name, ohip_no="")
        oscar.role(provider_id, name)
        oscar.privilege(name, "_demographic", "x")
        return Actor(actor_id=provider_id, display_name=name)

    def pass_time(self) -> None:
        self.clock.move_to(self.clock.now() + timedelta(days=1))

    def confirm(self, name: str, by: Actor, panel_id: int | None = None) -> None:
        one_patient.confirm(self.host, by, self.patients[name], seen_panel_id=panel_id or self.wrong)

    def names(self, found: not_restored.NotRestored) -> list[str | None]:
        return [patient.family_name for patient in found.patients]


@pytest.fixture
def story(site: OscarHost, oscar: Any, clock: FixedClock, clerk: Actor, make_panel: MakePanel) -> Story:
    return Story(site, oscar, clock, clerk, make_panel)


def _file(site: OscarHost, clerk: Actor, operation_id: int) -> str:
    return b"".join(csv_file(not_restored.export(site, clerk, operation_id))).decode("utf-8-sig")


def test_an_undo_names_those_it_skipped_with_what_changed_since_who_did_it_and_when(
    site: OscarHost, clerk: Actor, story: Story
) -> None:
    assert undo.undo(site, clerk, story.operation_id) == history.Undone(restored=1, changed_since=5)
    result = not_restored.not_restored(site, clerk, story.operation_id)
    reported = [
        (
            patient.family_name,
            patient.number_before,
            patient.number_now,
            patient.change,
            patient.changed_by,
            patient.may_move_back,
        )
        for patient in result.patients
    ]
    assert reported == [
        ("Confirmed", "5", "6", "Confirmed on panel 6", "Helper, Ann", True),
        ("Moved", "5", "7", "Moved from panel 6 to panel 7", "Helper, Bob", False),
        ("Newcomer", None, "6", "Confirmed on panel 6", "Helper, Ann", True),
        ("Removed", "5", None, "Removed from panel 6", "Helper, Bob", False),
        ("Wanderer", "5", "7", "Moved from panel 6 to panel 7", "Helper, Ann", False),
    ]
    assert {patient.merged_into for patient in result.patients} == {None}
    assert (result.more, result.hidden, result.may_move_back, result.restored_since) == (0, 0, 2, 0)
    moments = {patient.changed_at for patient in result.patients}
    assert moments == {story.clock.now() - timedelta(days=2)}
    rows = list(csv.DictReader(io.StringIO(_file(site, clerk, story.operation_id))))
    assert [row["Family name"] for row in rows] == story.names(result)
    assert rows[0]["What changed since"] == "Confirmed on panel 6"
    assert rows[0]["Changed by"] == "Helper, Ann"
    assert rows[0]["Changed at"].startswith("2026-11-12 ")
    assert (rows[0]["Panel before the bulk update"], rows[0]["Current panel"]) == ("5", "6")


def test_those_only_confirmed_on_the_wrong_panel_are_moved_back_too(
    site: OscarHost, clerk: Actor, story: Story, placed: Any, replayed: Any
) -> None:
    with pytest.raises(NotFound):
        undo.move_back(site, clerk, story.operation_id)
    undo.undo(site, clerk, story.operation_id)
    untouched = placed()[story.patients["Untouched"]]
    assert undo.move_back(site, clerk, story.operation_id, story.patients["Confirmed"]) == 1
    assert placed()[story.patients["Confirmed"]] == untouched
    with pytest.raises(Refused):
        undo.move_back(site, clerk, story.operation_id, story.patients["Moved"])
    assert undo.move_back(site, clerk, story.operation_id) == 1
    assert story.patients["Newcomer"] not in placed()
    result = not_restored.not_restored(site, clerk, story.operation_id)
    assert story.names(result) == ["Moved", "Removed", "Wanderer"]
    assert (result.may_move_back, result.restored_since) == (0, 2)
    with pytest.raises(Refused, match="No patient was left to move back"):
        undo.move_back(site, clerk, story.operation_id)
    assert placed() == replayed()


def test_who_has_access_restores_those_who_were_closed_to_the_one_who_undid_it(
    site: OscarHost, clerk: Actor, oscar: Any, story: Story, placed: Any
) -> None:
    closed = [story.patients[name] for name in ("Untouched", "Confirmed", "Moved")]
    for patient_id in closed:
        oscar.privilege("Ann", f"_demographic${patient_id}", "o")
    # Nobody is as the operation left them, but one who was only confirmed can be moved back.
    assert undo.undo(site, story.ann, story.operation_id) == history.Undone(0, changed_since=5, not_visible=1)
    result = not_restored.not_restored(site, story.ann, story.operation_id)
    assert (story.names(result), result.hidden, result.may_move_back) == (["Newcomer", "Removed", "Wanderer"], 3, 1)
    with pytest.raises(Refused):
        undo.move_back(site, story.ann, story.operation_id, story.patients["Confirmed"])
    assert placed()[story.patients["Confirmed"]].panel_id == story.wrong
    seen = not_restored.not_restored(site, clerk, story.operation_id)
    assert [patient.change for patient in seen.patients if patient.family_name == "Untouched"] == [
        "Nothing: Helper, Ann had no access to the record"
    ]
    assert undo.move_back(site, clerk, story.operation_id) == 3
    assert placed()[story.patients["Untouched"]].panel_id == story.right


def test_a_later_confirmation_remains_when_a_confirmation_is_undone(
    site: OscarHost, clerk: Actor, story: Story, placed: Any
) -> None:
    ids = frozenset((story.patients["Confirmed"], story.patients["Untouched"]))
    result = bulk.carry_out(site, clerk, Confirm(story.wrong, Selection(ids)))
    assert result.operation_id
    story.pass_time()
    story.confirm("Confirmed", story.ann)
    assert undo.undo(site, clerk, result.operation_id).not_restored == 1
    outcome = not_restored.not_restored(site, clerk, result.operation_id)
    assert (story.names(outcome), outcome.may_move_back) == (["Confirmed"], 0)
    with pytest.raises(Refused):
        undo.move_back(site, clerk, result.operation_id)
    assert placed()[story.patients["Confirmed"]].confirmed_on == today(story.clock)


def test_a_record_merged_into_another_since_is_listed_with_the_record_kept(
    site: OscarHost, clerk: Actor, oscar: Any, story: Story
) -> None:
    kept = oscar.patient(last_name="Kept")
    oscar.merge(story.patients["Untouched"], kept)
    assert undo.undo(site, clerk, story.operation_id).restored == 0
    result = not_restored.not_restored(site, clerk, story.operation_id)
    merged = {patient.patient_id: (patient.change, patient.merged_into) for patient in result.patients}
    assert merged[story.patients["Untouched"]] == ("Removed from panel 6 (records merged)", kept)
    file = _file(site, clerk, story.operation_id)
    assert f"Removed from panel 6 (records merged). Merged into {kept}. This patient's panel is shown on that" in file


def test_no_one_is_moved_back_to_a_panel_that_was_deleted(site: OscarHost, clerk: Actor, story: Story) -> None:
    undo.undo(site, clerk, story.operation_id)
    editing.delete(site, clerk, story.right, version=1)
    with pytest.raises(Refused, match="Panel 5 has since been deleted"):
        undo.move_back(site, clerk, story.operation_id)
