"""Lists imported onto an affiliation, with the date of the signed form."""

from datetime import date
from typing import Any

import pytest

from cpar_plugin.domain.list_columns import Purpose
from cpar_plugin.domain.other_panel import other_draft
from cpar_plugin.domain.panel_kind import OTHER_KINDS, PanelKind
from cpar_plugin.domain.refusals import Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.services.other_panels import bulk, editing, listed, one_patient
from cpar_plugin.services.other_panels.bulk import OtherPreview
from cpar_plugin.services.other_panels.listed import RowProblem
from cpar_plugin.services.uploads import kept, layouts
from cpar_plugin.services.uploads.reading import ListFile
from oscar_host.host import OscarHost

from .test_import import csv_text

AFFILIATION = OTHER_KINDS[PanelKind.AFFILIATION]
HEAD = ("PHN", "Last name", "First name", "DOB", "Date signed")


def read(site: OscarHost, clerk: Actor, data: bytes, other_panel_id: int) -> str:
    """Upload a list and read it as it is proposed. Returns its id."""
    file = ListFile(data)
    with site.database.engine.connect() as connection:
        reading = layouts.propose(connection, file, Purpose.OTHER).reading
    upload_id = kept.keep(site, clerk, Purpose.OTHER, file, "list.csv", other_panel_id)
    listed.read(site, clerk, upload_id, reading)
    return upload_id


def test_a_list_is_reviewed_then_imported_with_its_dates_and_undone(
    site: OscarHost, oscar: Any, clerk: Actor, others: Any
) -> None:
    north, south = (editing.create(site, clerk, other_draft("affiliation", name)) for name in ("North", "South"))
    phns = [f"10000000{place}" for place in range(8)]
    new, moved, dated, same, doubtful, early, twice, undated = (
        oscar.patient(hin=phn, last_name="Quist", first_name="Ada", born="1980-02-03") for phn in phns
    )
    one_patient.choose(site, clerk, moved, south, seen_id=None, signed="2026-01-01")
    one_patient.choose(site, clerk, dated, north, seen_id=None, signed="2026-01-01")
    one_patient.choose(site, clerk, same, north, seen_id=None, signed="2026-01-01")
    before = others()
    rows = [
        (phns[0], "Quist", "Ada", "1980-02-03", "2026-03-01"),
        (phns[1], "Quist", "Ada", "1980-02-03", ""),
        (phns[2], "Quist", "Ada", "1980-02-03", "2026-03-03"),
        (phns[3], "Quist", "Ada", "1980-02-03", "2026-01-01"),
        (phns[4], "Other", "Bo", "1970-01-01", "2026-03-01"),
        (phns[5], "Quist", "Ada", "1980-02-03", "1979-12-31"),
        (phns[6], "Quist", "Ada", "1980-02-03", "2026-03-01"),
        (phns[6], "Quist", "Ada", "1980-02-03", "2026-03-02"),
        (phns[7], "Quist", "Ada", "1980-02-03", "2031-01-01"),
        ("999999999", "Nobody", "Here", "1990-01-01", "2026-03-01"),
    ]
    upload_id = read(site, clerk, csv_text(HEAD, *rows), north)
    assert listed.preview(site, clerk)
    with site.database.engine.connect() as connection:
        upload = kept.required(connection, site, clerk, Purpose.OTHER, upload_id)
    assert upload.reading
    listed.read(site, clerk, upload_id, upload.reading)  # read again, as when its columns are changed: no row twice
    found = listed.preview(site, clerk)
    assert found
    upload, panel, preview = found
    assert (upload.upload_id, panel.other_panel_id) == (upload_id, north)
    assert preview.changes == OtherPreview(added=1, moved=1, same=1, dated=1)
    assert preview.problems == {
        RowProblem.NOT_FOUND: 1,
        RowProblem.DOUBTFUL: 1,
        RowProblem.WRONG_DATE: 2,
        RowProblem.TWO_DATES: 2,
    }
    assert [row.problem for row in preview.rows] == [
        RowProblem.DOUBTFUL,
        RowProblem.WRONG_DATE,
        RowProblem.TWO_DATES,
        RowProblem.TWO_DATES,
        RowProblem.WRONG_DATE,
        RowProblem.NOT_FOUND,
    ]
    assert others() == before
    operation_id = listed.carry_out(site, clerk, upload_id, "1" * 32)
    assert listed.carry_out(site, clerk, upload_id, "1" * 32) == operation_id
    assert others() == {
        (new, AFFILIATION): (north, date(2026, 3, 1)),
        (moved, AFFILIATION): (north, date(2026, 1, 1)),
        (dated, AFFILIATION): (north, date(2026, 3, 3)),
        (same, AFFILIATION): (north, date(2026, 1, 1)),
    }
    assert listed.preview(site, clerk) is None
    assert bulk.undo(site, clerk, operation_id or 0) == (3, 0)
    assert others() == before
    assert {doubtful, early, twice, undated}


def test_a_list_that_cannot_be_read_is_refused_with_what_to_do(
    site: OscarHost, oscar: Any, clerk: Actor, others: Any
) -> None:
    north = editing.create(site, clerk, other_draft("affiliation", "North"))
    for text, field in (
        ("Colour,Shape\nred,round\n", "fields"),
        ("PHN,Last name,First name,Date signed\n100000001,A,B,03/04/2026\n", "date_order"),
    ):
        file = ListFile(text.encode())
        with site.database.engine.connect() as connection:
            reading = layouts.propose(connection, file, Purpose.OTHER).reading
        assert set(layouts.undecided(file, reading)) == {field}
    with pytest.raises(Refused, match="no row below") as refused:
        read(site, clerk, b"PHN,Last name\n", north)
    assert set(refused.value.messages) == {"header"}
    editing.edit(site, clerk, north, 1, other_draft("affiliation", "North", state="ended"))
    with pytest.raises(Refused, match="has ended"):
        read(site, clerk, b"PHN\n100000001\n", north)
    with pytest.raises((Stale, Refused)):
        listed.carry_out(site, clerk, "0" * 32, None)
    assert others() == {}
