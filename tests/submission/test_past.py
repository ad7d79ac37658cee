"""The history of a patient and of a panel: who did what and when, and each submission."""

import csv
import io
from datetime import date, timedelta

import pytest
from sqlalchemy import delete, update

from cpar_plugin.domain.reasons import Reason
from cpar_plugin.domain.refusals import NotFound, Refused
from cpar_plugin.hooks import Actor
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign, undo
from cpar_plugin.services.history import of_panel, of_patient
from cpar_plugin.services.history.panel_rows import Filters, Place
from cpar_plugin.services.history.texts import ChangeGroup
from cpar_plugin.services.panels import editing, one_patient
from cpar_plugin.services.roster import merges
from cpar_plugin.services.roster.csv_file import csv_file
from cpar_plugin.store.tables import snapshot_piece

from .conftest import World

CLERK = Actor(actor_id="102", display_name="Clerk")
EVERYONE = Actor(actor_id="-1", display_name="System")  # who may see everybody


def texts_of(world: World, patient_id: int) -> list[tuple[str, str]]:
    return [(event.text, event.by) for event in of_patient.of_patient(world.host, EVERYONE, patient_id)]


def lines_of(world: World, panel_id: int, filters: Filters | None = None) -> list[str]:
    return [event.text for event in of_panel.of_panel(world.host, EVERYONE, panel_id, filters or Filters()).events]


@pytest.fixture
def story(world: World) -> tuple[World, int, int, int]:
    """A patient who was added, submitted, moved, confirmed, excluded, and removed; the two panels."""
    world.oscar.provider("102", last_name="Clerk", first_name="Ada", ohip_no="")
    world.at("2026-11-02T09:00")
    first = world.panel("P1", members_count=1)
    second = world.panel("P2", members_count=1)
    (patient,) = world.members(first)
    world.ask(first)
    world.run_at("2026-11-03T03:15")
    world.at("2026-11-03T09:00")
    one_patient.choose(world.host, CLERK, patient, second, seen_panel_id=first)
    world.at("2026-11-04T09:00")
    one_patient.confirm(world.host, CLERK, patient, seen_panel_id=second)
    record = world.oscar.tables.demographic
    with world.oscar.database.writing() as connection:
        connection.execute(update(record).where(record.c.demographic_no == patient).values(hin=""))
    world.ask(second)
    world.run_at("2026-11-05T03:15")
    world.at("2026-11-06T09:00")
    one_patient.remove(world.host, CLERK, patient, seen_panel_id=second)
    return world, patient, first, second


def test_the_history_of_a_patient_tells_each_change_and_each_submission(story: tuple[World, int, int, int]) -> None:
    world, patient, *_ = story
    assert texts_of(world, patient) == [
        ("Removed from panel P2", "Clerk, Ada"),
        ("Excluded from the submission of panel P2 (Written to folder)", ""),
        ("Confirmed on panel P2", "Clerk, Ada"),
        ("Moved from panel P1 to panel P2", "Clerk, Ada"),
        ("Submitted with panel P1 (Written to folder)", ""),
        ("Added to panel P1", "Doctor, No101"),
    ]
    excluded = of_patient.of_patient(world.host, EVERYONE, patient)[1]
    assert excluded.reasons == (Reason.NO_PHN,)


def test_of_a_submission_whose_list_is_no_longer_kept_the_ledger_tells_who_was_sent(
    story: tuple[World, int, int, int],
) -> None:
    world, patient, _, second = story
    before = texts_of(world, patient)
    with world.host.database.session() as session:
        session.execute(delete(snapshot_piece))
    assert texts_of(world, patient) == before
    (other,) = world.members(second)
    assert [text for text, _ in texts_of(world, other)] == [
        "Submitted with panel P2 (Written to folder)",
        "Added to panel P2",
    ]
    assert [text for text, _ in texts_of(world, world.patient())] == []


def test_records_merged_into_a_patients_are_part_of_the_history(world: World) -> None:
    panel = world.panel("P1", members_count=1)
    (retired,) = world.members(panel)
    kept = world.patient()
    world.oscar.merge(retired, kept)
    world.at("2026-11-02T11:00")
    merges.catch_up(world.host)
    events = of_patient.of_patient(world.host, EVERYONE, kept)
    assert [(event.patient_id, event.text) for event in events] == [
        (kept, "Added to panel P1 (records merged)"),
        (retired, "Removed from panel P1 (records merged)"),
        (retired, "Added to panel P1"),
    ]


def test_the_history_of_a_panel_has_bulk_updates_and_undos_as_lines_of_their_own(
    story: tuple[World, int, int, int],
) -> None:
    world, _, first, second = story
    world.at("2026-11-09T09:00")
    world.patient(provider_no="102")
    (moved,) = world.members(second)
    record = world.oscar.tables.demographic
    with world.oscar.database.writing() as connection:
        connection.execute(update(record).where(record.c.demographic_no == moved).values(provider_no="102"))
    result = bulk.carry_out(world.host, EVERYONE, Assign("102", "AC", first))
    assert result.operation_id
    world.at("2026-11-10T09:00")
    undo.undo(world.host, EVERYONE, result.operation_id)
    assert lines_of(world, second) == [
        "Moved from panel P1 to panel P2 (undo of a bulk update)",
        "Moved from panel P2 to panel P1 (bulk update)",
        "Removed from panel P2",
        "Submission written to folder: 1 submitted, 1 excluded",
        "Confirmed on panel P2",
        "Moved from panel P1 to panel P2",
        "Added to panel P2",
        "Panel created",
    ]
    assert lines_of(world, first)[:2] == [
        "2 patients removed (undo of a bulk update)",
        "2 patients added (bulk update)",
    ]
    assert lines_of(world, second, Filters(group=ChangeGroup.BULK)) == lines_of(world, second)[:2]


def test_who_removed_this_patient_on_that_day_is_one_line(story: tuple[World, int, int, int]) -> None:
    world, patient, _, second = story
    day = date(2026, 11, 6)
    history = of_panel.of_panel(world.host, EVERYONE, second, Filters(first=day, last=day))
    (removal,) = history.events
    assert (removal.text, removal.by, removal.patient and removal.patient.patient_id) == (
        "Removed from panel P2",
        "Clerk, Ada",
        patient,
    )
    assert dict(history.people) == {"101": "Doctor, No101", "102": "Clerk, Ada"}
    of_clerk = Filters(group=ChangeGroup.ONE_PATIENT, actor_id="102")
    assert lines_of(world, second, of_clerk) == ["Removed from panel P2", "Moved from panel P1 to panel P2"]
    assert lines_of(world, second, Filters(first=day + timedelta(days=1))) == []


def test_pages_follow_each_other_without_a_gap_and_the_file_has_them_all(
    story: tuple[World, int, int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, _, _, second = story
    whole = lines_of(world, second)
    monkeypatch.setattr(of_panel, "AT_ONCE", 2)
    pages, after = [], None
    while not pages or after:
        page = of_panel.of_panel(world.host, EVERYONE, second, Filters(), after)
        pages.append([event.text for event in page.events])
        after = page.following and Place.parse(page.following.text)
    assert [len(page) for page in pages] == [2, 2, 2]
    assert [text for page in pages for text in page] == whole
    number, lines = of_panel.export(world.host, EVERYONE, second, Filters())
    rows = list(csv.reader(io.StringIO(b"".join(csv_file(lines)).decode("utf-8-sig"))))
    assert number == "P2"
    assert [row[1] for row in rows[1:]] == whole
    assert rows[0] == list(of_panel.HEAD)


@pytest.mark.parametrize(
    "text", ["", "x", "2026-11-02~0~1~1", "2026-11-02T00:00:00Z~2~1", "0001-01-01T00:00+14:00~0~1"]
)
def test_a_place_that_no_page_has_written_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="Start from the first page"):
        Place.parse(text)


def test_a_deleted_panel_keeps_its_history_and_one_that_never_was_has_none(world: World) -> None:
    panel = world.panel("P1", members_count=2)
    editing.delete(world.host, world.manager, panel, version=1)
    history = of_panel.of_panel(world.host, EVERYONE, panel, Filters())
    assert not history.live
    assert history.events[0].text == "Panel deleted: 2 patients removed"
    with pytest.raises(NotFound):
        of_panel.of_panel(world.host, EVERYONE, panel + 100, Filters())
