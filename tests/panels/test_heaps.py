"""The registry's own list of a panel against the panel: everyone is in one of four heaps, as things are now."""

import csv
import io
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from sqlalchemy import update

from cpar_plugin.domain.heaps import RegistryHeap
from cpar_plugin.domain.list_columns import ColumnField, Purpose
from cpar_plugin.domain.refusals import NotFound
from cpar_plugin.domain.reports import ReportKind
from cpar_plugin.hooks import Actor
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.reports import accepting, heaps, heaps_csv, receiving
from cpar_plugin.services.reports.heaps import HeapCriteria, HeapListing
from cpar_plugin.services.uploads import kept, layouts
from cpar_plugin.services.uploads.reading import ListFile
from oscar_host.host import OscarHost

HEADER = ("PHN", "Last name", "First name", "DOB", "Sex")
KNOWN = {"first_name": "Pat", "born": "1980-02-03", "sex": "F"}


def receive(
    host: OscarHost,
    actor: Actor,
    panel_id: int | None,
    *rows: Sequence[str],
    kind: ReportKind = ReportKind.REGISTRY_LIST,
) -> int:
    text = io.StringIO()
    csv.writer(text).writerows((HEADER, *rows))
    file = ListFile(text.getvalue().encode())
    upload_id = kept.keep(host, actor, Purpose.REPORT, file, "list.csv", panel_id)
    with host.database.engine.connect() as connection:
        reading = layouts.propose(connection, file, Purpose.REPORT).reading.model_copy(update={"kind": kind})
    return receiving.receive(host, actor, upload_id, file, reading)


def show(
    host: OscarHost, actor: Actor, report_id: int, heap: RegistryHeap | None = None, text: str = ""
) -> HeapListing:
    with host.database.engine.connect() as connection:
        return heaps.show(connection, host, actor, report_id, HeapCriteria(heap, text), 0)


def patient_ids(listing: HeapListing) -> list[int | None]:
    return [row.patient_id for row in listing.rows]


def test_everyone_in_the_list_or_on_the_panel_is_in_one_heap(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel_id, other_panel = make_panel("0042"), make_panel("0043", "102")
    agreed = oscar.patient(hin="100000001", last_name="Côté-Roy", **KNOWN)
    different = oscar.patient(hin="100000002", last_name="Different", **KNOWN)
    elsewhere = oscar.patient(hin="100000003", last_name="Elsewhere", **KNOWN)
    nowhere = oscar.patient(hin="100000004", last_name="Nowhere", **KNOWN)
    ours = oscar.patient(hin="100000005", last_name="Ours", **KNOWN)
    for patient_id in (agreed, different, ours):
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    one_patient.choose(site, clerk, elsewhere, other_panel, seen_panel_id=None)
    report_id = receive(
        site,
        clerk,
        panel_id,
        ("100000001", "COTE ROY", "PAT", "1980-02-03", ""),
        ("100000002", "Different", "Pat", "1981-02-03", "M"),
        ("100000003", "Elsewhere", "Pat", "1980-02-03", "F"),
        ("100000004", "Nowhere", "Pat", "1980-02-03", "F"),
        ("999999999", "Unknown", "Una", "1990-01-01", "F"),
        ("Total", "", "", "", "5"),
    )
    listing = show(site, clerk, report_id)
    assert listing.counts == {
        RegistryHeap.DIFFERENT: 1,
        RegistryHeap.REGISTRY_ONLY: 3,
        RegistryHeap.OURS_ONLY: 1,
        RegistryHeap.AGREED: 1,
    }
    assert (listing.matching, listing.hidden, listing.to_accept) == (6, 0, 0)
    assert patient_ids(show(site, clerk, report_id, RegistryHeap.AGREED)) == [agreed]
    assert patient_ids(show(site, clerk, report_id, RegistryHeap.OURS_ONLY)) == [ours]
    only_theirs = show(site, clerk, report_id, RegistryHeap.REGISTRY_ONLY).rows
    assert [(row.patient_id, row.panel_number) for row in only_theirs] == [
        (elsewhere, "0043"),
        (nowhere, ""),
        (None, ""),
    ]
    [row] = show(site, clerk, report_id, RegistryHeap.DIFFERENT).rows
    assert (row.patient_id, row.differing) == (different, [ColumnField.BIRTH_DATE, ColumnField.GENDER])
    assert (row.own[ColumnField.GENDER], row.listed[ColumnField.GENDER]) == ("F", "M")
    assert patient_ids(show(site, clerk, report_id, text="elsewhere")) == [elsewhere]
    assert patient_ids(show(site, clerk, report_id, text="999999999")) == [None]
    assert show(site, clerk, report_id, RegistryHeap.AGREED, "elsewhere").matching == 0
    with site.database.engine.connect() as connection:
        found = heaps.rows(connection, site, clerk, report_id, HeapCriteria())
        head, *lines = heaps_csv.export(site, found)
    assert all(len(line) == len(head) for line in lines)
    assert [line[0] for line in lines] == patient_ids(listing)


def test_a_correction_in_the_record_or_a_change_of_the_panel_moves_a_patient_to_another_heap(
    site: OscarHost, emr: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel_id = make_panel("0042")
    patient_id = oscar.patient(hin="100000001", last_name="Old", **KNOWN)
    report_id = receive(site, clerk, panel_id, ("100000001", "New", "Pat", "1980-02-03", "F"))
    assert patient_ids(show(site, clerk, report_id, RegistryHeap.REGISTRY_ONLY)) == [patient_id]
    one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    assert patient_ids(show(site, clerk, report_id, RegistryHeap.DIFFERENT)) == [patient_id]
    record = emr.tables.demographic
    renamed = update(record).where(record.c.demographic_no == patient_id)
    with emr.database.writing() as connection:
        connection.execute(renamed.values(last_name="New"))
    assert patient_ids(show(site, clerk, report_id, RegistryHeap.AGREED)) == [patient_id]


def test_a_patient_who_is_proposed_is_only_theirs_and_only_ours_until_accepted(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel_id = make_panel("0042")
    patient_id = oscar.patient(hin="", last_name="Example", **KNOWN)
    one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    report_id = receive(site, clerk, panel_id, ("", "Example", "Pat", "1980-02-03", "F"))
    listing = show(site, clerk, report_id)
    assert (listing.counts[RegistryHeap.REGISTRY_ONLY], listing.counts[RegistryHeap.OURS_ONLY], listing.to_accept) == (
        1,
        1,
        1,
    )
    accepting.accept(site, clerk, report_id, None)
    listing = show(site, clerk, report_id)
    assert (listing.counts[RegistryHeap.AGREED], listing.matching, listing.to_accept) == (1, 1, 0)
    row = ("", "Example", "Pat", "1980-02-03", "F")
    report_id = receive(site, clerk, panel_id, row, ("Total", "", "", "", ""))
    assert show(site, clerk, report_id).counts[RegistryHeap.AGREED] == 1  # the next one does not ask again
    report_id = receive(site, clerk, panel_id, ("", "Example", "Patricia", "1980-02-03", "F"))
    assert show(site, clerk, report_id).to_accept == 1  # but for other texts


def test_a_list_about_all_panels_is_compared_with_the_members_of_all(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panels = make_panel("0042"), make_panel("0043", "102")
    members = [oscar.patient(hin=f"10000000{number}", last_name=f"Member {number}", **KNOWN) for number in (1, 2)]
    for patient_id, panel_id in zip(members, panels, strict=True):
        one_patient.choose(site, clerk, patient_id, panel_id, seen_panel_id=None)
    report_id = receive(site, clerk, None, *((f"10000000{number}", "", "", "", "") for number in (1, 2)))
    assert show(site, clerk, report_id).counts[RegistryHeap.AGREED] == 2


def test_a_record_that_was_merged_away_counts_as_the_one_kept(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: Callable[..., int]
) -> None:
    panel_id = make_panel("0042")
    retired = oscar.patient(hin="100000001", last_name="Example", **KNOWN)
    report_id = receive(site, clerk, panel_id, ("100000001", "Example", "Pat", "1980-02-03", "F"))
    remaining = oscar.patient(hin="100000001", last_name="Example", **KNOWN)
    one_patient.choose(site, clerk, remaining, panel_id, seen_panel_id=None)
    oscar.merge(retired, remaining)
    listing = show(site, clerk, report_id)
    assert (patient_ids(listing), listing.counts[RegistryHeap.AGREED]) == ([remaining], 1)


def test_a_report_of_conflicts_has_no_heaps(site: OscarHost, clerk: Actor) -> None:
    report_id = receive(site, clerk, None, ("100000001", "", "", "", ""), kind=ReportKind.CONFLICT)
    with site.database.engine.connect() as connection, pytest.raises(NotFound, match="not the registry's list"):
        heaps.required(connection, site, report_id)
