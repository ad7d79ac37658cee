"""Import of a list: who is found, what becomes of each row, acceptance, the one operation, and its undo."""

import csv
import io
import random
from collections.abc import Callable, Sequence
from datetime import date
from typing import Any, Final

import hypothesis.strategies as st
import openpyxl
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from sqlalchemy import func, select

from cpar_plugin import plugin
from cpar_plugin.domain.list_cells import DateOrder, SerialsFrom
from cpar_plugin.domain.list_columns import ColumnField, Purpose
from cpar_plugin.domain.list_panels import NamedPanel, NamedProvider, proposed_panel
from cpar_plugin.domain.refusals import NotFound, Refused, Stale
from cpar_plugin.hooks import Actor
from cpar_plugin.host_kit.clock import FixedClock
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Import, history, list_findings, list_patients, texts, undo
from cpar_plugin.services.bulk.list_findings import Heap, ListRow, RowFinding
from cpar_plugin.services.panels import one_patient
from cpar_plugin.services.roster.csv_file import csv_file
from cpar_plugin.services.uploads import kept, layouts
from cpar_plugin.services.uploads.layouts import ListReading
from cpar_plugin.services.uploads.reading import ListFile
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

from ..examples import examples

MakePanel = Callable[..., int]
HEADER: Final = ("PHN", "Last name", "First name", "Date of birth", "Gender", "Provider")


def csv_text(*rows: Sequence[object]) -> bytes:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


def uploaded(host: OscarHost, actor: Actor, data: bytes, panel_id: int | None, **changes: Any) -> str:
    """A list that was uploaded and read as proposed, but for the changes. Returns its id."""
    file = ListFile(data)
    upload_id = kept.keep(host, actor, Purpose.IMPORT, file, "list.csv", panel_id)
    with host.database.engine.connect() as connection:
        reading = layouts.propose(connection, file).reading.model_copy(update=changes)
    list_patients.read(host, actor, upload_id, reading)
    return upload_id


def rows_of(host: OscarHost, upload_id: str) -> dict[int, ListRow]:
    with host.database.engine.connect() as connection:
        heaps = list_findings.heaps(connection, host, upload_id, offset=0, limit=1000, named=1000)
    assert all(row.finding.heap is heap for heap, rows in heaps.items() for row in rows)
    return {row.row_number: row for rows in heaps.values() for row in rows}


def findings_of(host: OscarHost, upload_id: str) -> dict[int, RowFinding]:
    return {number: row.finding for number, row in sorted(rows_of(host, upload_id).items())}


def test_every_row_is_in_the_heap_where_it_belongs(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel
) -> None:
    panel_id, other_panel_id = make_panel("1"), make_panel("2", "102")
    ids = {phn: oscar.patient(hin=phn, last_name=f"Name{phn[-1]}") for phn in (f"10000000{n}" for n in range(1, 5))}
    oscar.patient(hin="100000005", patient_status="DE")
    for _ in range(2):
        oscar.patient(hin="100000006")
    by_name = oscar.patient(hin="100000007", last_name="Côté-Roy", first_name="Hélène Marie", born="1955-05-05")
    oscar.patient(hin="", last_name="Twin", first_name="Jo", born="1990-01-01", sex="F")
    oscar.patient(hin="", last_name="Twin", first_name="Joan", born="1990-01-01", sex="F")
    for phn, panel in (("100000002", other_panel_id), ("100000003", panel_id)):
        one_patient.choose(site, clerk, ids[phn], panel, seen_panel_id=None)
    upload_id = uploaded(
        site,
        clerk,
        csv_text(
            HEADER,
            ("100000001", "Name1", "Pat", "1980-02-03", "F", ""),
            ("10000-0002", "Married", "Pat", "1980-02-03", "F", ""),
            ("100 000 003", "Name3", "Pat", "1999-09-09", "F", ""),
            ("100000004", "Stranger", "Uma", "1999-09-09", "F", ""),
            ("100000005", "Example", "Pat", "1980-02-03", "F", ""),
            ("100000006", "Example", "Pat", "1980-02-03", "F", ""),
            ("", "COTE ROY", "Helene", "1955-05-05", "female", ""),
            ("999999999", "Cote-Roy", "Helene", "1955-05-05", "", ""),
            ("", "Côté-Roy", "Hélène", "1955-05-05", "M", ""),
            ("", "Twin", "J", "1990-01-01", "F", ""),
            ("", "Total", "", "", "", ""),
            ("100000001", "Name1", "Pat", "1980-02-03", "F", ""),
        ),
        panel_id,
    )
    assert findings_of(site, upload_id) == {
        2: RowFinding.ADDED,
        3: RowFinding.MOVED,
        4: RowFinding.THERE,
        5: RowFinding.PHN_ONLY,
        6: RowFinding.DECEASED,
        7: RowFinding.SEVERAL,
        8: RowFinding.NAME,
        9: RowFinding.NAME_OTHER_PHN,
        10: RowFinding.NOT_FOUND,  # of another gender
        11: RowFinding.SEVERAL,
        12: RowFinding.NO_IDENTITY,
        13: RowFinding.REPEATED,
    }
    moved = rows_of(site, upload_id)[3]
    assert (moved.patient_id, moved.current_number, moved.number) == (ids["100000002"], "2", "1")
    assert rows_of(site, upload_id)[8].patient_id == by_name
    with site.database.engine.connect() as connection:
        counts = list_findings.count(connection, site, upload_id)
    assert {heap: counts.of(heap) for heap in Heap} == {
        Heap.ADDED: 1,
        Heap.MOVED: 1,
        Heap.THERE: 2,
        Heap.DOUBTFUL: 8,
    }
    assert counts.moved_from == [("2", 1)]
    file = b"".join(csv_file(list_findings.export(site, upload_id))).decode("utf-8-sig")
    lines = list(csv.DictReader(io.StringIO(file)))
    assert len(lines) == 12
    assert (lines[1]["Result"], lines[1]["Current panel"], lines[1]["Family name"]) == ("Will be moved", "2", "Name2")
    assert all(line["How to fix"] for line in lines if RowFinding(_code(line["Result"])).heap is Heap.DOUBTFUL)


def _code(text: str) -> str:
    return next(finding.value for finding in RowFinding if finding.text == text)


def test_an_import_is_one_operation_that_can_be_undone(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any, replayed: Any
) -> None:
    panel_id, other_panel_id = make_panel("1"), make_panel("2", "102")
    added, moved = oscar.patient(hin="100000001"), oscar.patient(hin="100000002")
    oscar.visit(added, "2026-09-01")
    one_patient.choose(site, clerk, moved, other_panel_id, seen_panel_id=None)
    before = placed()
    upload_id = uploaded(site, clerk, csv_text(["PHN"], ["100000001"], ["100000002"], ["100000003"]), panel_id)
    order = Import(upload_id, panel_id)
    preview = bulk.preview(site, clerk, order)
    assert preview.added == 1
    assert [(one.number, one.patients, one.emptied) for one in preview.leaving] == [("2", 1, True)]
    assert preview.without_visit == 1
    result = bulk.carry_out(site, clerk, order, "f" * 32)
    assert (result.added, result.moved) == (1, 1)
    assert {patient: (one.panel_id, one.confirmed_on, one.confirmed_how) for patient, one in placed().items()} == {
        added: (panel_id, date(2026, 9, 1), "imported"),
        moved: (panel_id, None, None),
    }
    assert replayed() == placed()
    kept.remove(site, upload_id)
    assert bulk.carry_out(site, clerk, order, "f" * 32) == result  # a second click of the button
    assert result.operation_id
    with site.database.engine.connect() as connection:
        operation = history.one(connection, site, result.operation_id)
        audit = connection.execute(
            select(site.tables.log.c.action, site.tables.log.c.content, site.tables.log.c.data)
        ).all()
    assert texts.summary(operation) == "Patients of an uploaded list assigned to panel 1."
    assert ("add", "cparPanelMember") in [row[:2] for row in audit]
    assert not any("100000001" in (row.data or "") or "list.csv" in (row.data or "") for row in audit)
    assert undo.undo(site, clerk, result.operation_id).restored == 2
    assert placed() == before


def test_a_list_may_name_the_panel_of_each_patient(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    first, second = make_panel("1"), make_panel("2", "102")
    ids = [oscar.patient(hin=f"10000000{number}") for number in range(4)]
    rows = [(f"10000000{number}", panel) for number, panel in enumerate(("Okafor", "Singh", "Nobody", "Singh"))]
    data = csv_text(("PHN", "Doctor"), *rows, ("100000003", "Okafor"))
    upload_id = uploaded(site, clerk, data, None, panels={"Okafor": first, "Singh": second, "Nobody": 0})
    assert findings_of(site, upload_id) == {
        2: RowFinding.ADDED,
        3: RowFinding.ADDED,
        4: RowFinding.NO_PANEL,
        5: RowFinding.TWO_PANELS,
        6: RowFinding.TWO_PANELS,
    }
    bulk.carry_out(site, clerk, Import(upload_id, None))
    assert {patient: one.panel_id for patient, one in placed().items()} == {ids[0]: first, ids[1]: second}


def test_proposals_are_changed_only_once_a_person_has_accepted_them(
    site: OscarHost, oscar: Any, clerk: Actor, make_panel: MakePanel, placed: Any
) -> None:
    panel_id = make_panel("1")
    first = oscar.patient(hin="", last_name="One")
    second = oscar.patient(hin="100000002", last_name="Two")
    rows = [("", "One", "Pat", "1980-02-03", "F", ""), ("555555555", "Two", "Pat", "1980-02-03", "F", "")]
    upload_id = uploaded(site, clerk, csv_text(HEADER, *rows), panel_id)
    assert bulk.carry_out(site, clerk, Import(upload_id, panel_id)).operation_id is None
    assert list_patients.accept(site, clerk, upload_id, None) == 1  # not the one with another PHN
    assert findings_of(site, upload_id) == {2: RowFinding.ADDED, 3: RowFinding.NAME_OTHER_PHN}
    assert list_patients.accept(site, clerk, upload_id, [2, 3, 99]) == 2
    assert set(findings_of(site, upload_id).values()) == {RowFinding.ADDED}
    assert list_patients.withdraw(site, clerk, upload_id) == 2
    assert not placed()
    list_patients.accept(site, clerk, upload_id, [3])
    bulk.carry_out(site, clerk, Import(upload_id, panel_id))
    assert set(placed()) == {second} != {first}
    with pytest.raises(Refused, match="at most 1,000"):
        list_patients.accept(site, clerk, upload_id, range(1001))


def test_a_patient_whom_the_actor_may_not_see_is_not_found(
    site: OscarHost, oscar: Any, make_panel: MakePanel, placed: Any
) -> None:
    panel_id = make_panel("1")
    seen, barred = oscar.patient(hin="100000001"), oscar.patient(hin="100000002", last_name="Barred")
    oscar.provider("300")
    oscar.role("300", "doctor")
    oscar.privilege("doctor", "_demographic", "x")
    oscar.privilege("300", f"_demographic${barred}", "o")
    actor = Actor(actor_id="300", display_name="Doctor")
    rows = [("100000001", "", "", ""), ("100000002", "", "", ""), ("", "Barred", "Pat", "1980-02-03")]
    upload_id = uploaded(site, actor, csv_text(HEADER[:4], *rows), panel_id)
    assert findings_of(site, upload_id) == {2: RowFinding.ADDED, 3: RowFinding.NOT_FOUND, 4: RowFinding.NOT_FOUND}
    assert b"Barred,Pat,1980-02-03,,,,,,,,," in b"".join(csv_file(list_findings.export(site, upload_id)))
    bulk.carry_out(site, actor, Import(upload_id, panel_id))
    assert set(placed()) == {seen}


def test_a_list_belongs_to_the_person_who_uploaded_it_and_is_removed_in_time(
    site: OscarHost, oscar: Any, clerk: Actor, clock: FixedClock, make_panel: MakePanel, placed: Any
) -> None:
    panel_id, other = make_panel("1"), Actor(actor_id="102", display_name="Other")
    oscar.patient(hin="100000001")
    first = uploaded(site, clerk, csv_text(["PHN"], ["100000001"]), panel_id)
    with pytest.raises(NotFound):
        list_patients.accept(site, other, first, None)
    assert bulk.carry_out(site, other, Import(first, panel_id)).operation_id is None
    assert not placed()
    second = uploaded(site, clerk, csv_text(["PHN"], ["100000001"]), panel_id)
    with pytest.raises(Stale):
        list_patients.withdraw(site, clerk, first)
    with site.database.engine.connect() as connection:
        upload = kept.current(connection, site, clerk, Purpose.IMPORT)
        assert upload
        assert (upload.upload_id, kept.file_of(connection, second).data) == (second, b"PHN\r\n100000001\r\n")
    clock.move_to(clock.now() + kept.time_kept(site))
    with site.database.engine.connect() as connection:
        assert kept.current(connection, site, clerk, Purpose.IMPORT) is None
    jobs = {job.name: job for job in plugin.emr_scheduled_jobs(site)}
    jobs["cpar-retention"].run(clock.now())
    with site.database.engine.connect() as connection:
        for table in tables.metadata.sorted_tables:
            if table.name.startswith("cpar_upload"):
                assert connection.scalar(select(func.count()).select_from(table)) == 0, table.name


def test_the_next_list_with_the_same_column_names_is_read_in_the_same_way(site: OscarHost, clerk: Actor) -> None:
    header = ("Number", "Who", "When")
    reading = ListReading(
        header=1,
        fields=(ColumnField.PHN, ColumnField.FAMILY_FIRST, ColumnField.BIRTH_DATE),
        date_order=DateOrder.MONTH_FIRST,
        serials_from=SerialsFrom.MAC,
    )
    for _ in range(2):
        layouts.remember(site, clerk, header, reading)
    layouts.remember(site, clerk, ["", ""], ListReading())
    file = ListFile(csv_text(["A title"], [], header, ("100000001", "Example Pat", "03/02/1980")))
    with site.database.engine.connect() as connection:
        result = layouts.propose(connection, file)
        assert not layouts.propose(connection, ListFile(csv_text(header[::-1]))).remembered
    assert result == (reading.model_copy(update={"header": 3}), True)
    [patient] = layouts.patients(file, result.reading)
    assert patient[:-1] == (4, "100000001", "Example", "Pat", "1980-03-02", "", "")


def test_header_rows_that_are_repeated_are_no_patients() -> None:
    file = ListFile(csv_text(HEADER, ("1", "A", "B", "", "", ""), HEADER, ("2", "C", "D", "", "", "")))
    reading = layouts.proposed(file, ListReading(header=1))
    assert [patient.row_number for patient in layouts.patients(file, reading)] == [2, 4]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("42", 1),
        ("Panel 0042", 1),
        ("77", 2),
        ("Dr. A. Okafor", 1),
        ("Okafor, Adaeze", 1),
        ("OKAFOR", 1),
        ("1234-56789", 2),
        ("Singh", None),
        ("A", None),
        ("Nobody", None),
    ],
)
def test_a_panel_is_proposed_by_its_number_or_its_only_provider(text: str, expected: int | None) -> None:
    okafor = NamedProvider("Okafor, Adaeze", "101", "111111111")
    singh = NamedProvider("Singh, Arjun", "102", "222222222")
    panels = [
        NamedPanel(1, "0042", [okafor]),
        NamedPanel(2, "0077", [NamedProvider("Wong, Li", "103", "123456789"), singh]),
        NamedPanel(3, "0078", [singh]),
    ]
    assert proposed_panel(text, panels) == expected


PATIENTS: Final = 12
FORMATS: Final = ("csv;", "csv,", "utf-16", "cp1252", "xlsx")


def _phn(phn: str, chance: random.Random) -> str:
    return chance.choice(
        [phn, phn.lstrip("0"), f"{phn.lstrip('0')}.0", f"{phn[:5]}-{phn[5:]}", f" {phn[:3]} {phn[3:6]} {phn[6:]} "]
    )


def _day(day: date, chance: random.Random) -> str:
    serial = (day - date(1899, 12, 30)).days
    return chance.choice(
        [day.isoformat(), f"{day:%Y/%m/%d}", f"{day:%d-%b-%Y}", str(serial), f"{serial}.0", f"{day:%Y%m%d}"]
    )


class TestMutilatedLists:
    """The same roster, however it is written, is matched with the same patients."""

    @settings(
        max_examples=examples(10),
        phases=[Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        kind=st.sampled_from(FORMATS),
        titles=st.integers(0, 3),
        order=st.permutations(range(PATIENTS)),
        chance=st.randoms(use_true_random=False),
        as_numbers=st.booleans(),
    )
    def test_is_matched_with_the_same_patients(
        self,
        site: OscarHost,
        oscar: Any,
        clerk: Actor,
        kind: str,
        titles: int,
        order: list[int],
        chance: random.Random,
        as_numbers: bool,
    ) -> None:
        ids = self._roster(site, oscar)
        table: list[list[Any]] = [["Panel of Dr. Okafor"]] * titles + [list(HEADER[:5])]
        for number in order:
            phn, day = f"0{number + 10:02}345678", date(1930 + number * 7, 1 + number, 28)
            row: list[Any] = [
                _phn(phn, chance),
                f"Née{number}",
                "Pat",
                _day(day, chance),
                chance.choice(["F", "female"]),
            ]
            if as_numbers:
                row[0], row[3] = int(phn), day
            table.append(row)
        upload_id = uploaded(site, clerk, self._written(kind, table), None, panels={})
        with site.database.engine.connect() as connection:
            match = tables.upload_match.c
            results = connection.execute(
                select(match.row_number, match.patient_id, match.how).where(match.upload_id == upload_id)
            ).all()
        assert {row.how for row in results} == {"phn"}
        first = titles + 2
        assert {row.row_number: row.patient_id for row in results} == {
            first + place: ids[number] for place, number in enumerate(order)
        }

    def _roster(self, host: OscarHost, oscar: Any) -> list[int]:
        record = host.tables.demographic
        with host.database.engine.connect() as connection:
            ids = list(connection.scalars(select(record.c.demographic_no).order_by(record.c.demographic_no)))
        return ids or [
            oscar.patient(
                hin=f"0{number + 10:02}345678",
                last_name=f"Née{number}",
                born=f"{1930 + number * 7}-{1 + number:02}-28",
            )
            for number in range(PATIENTS)
        ]

    def _written(self, kind: str, table: list[list[Any]]) -> bytes:
        if kind == "xlsx":
            book = openpyxl.Workbook()
            for row in table:
                book.active.append(row)
            file = io.BytesIO()
            book.save(file)
            return file.getvalue()
        text = io.StringIO()
        csv.writer(text, delimiter=kind[-1] if kind.startswith("csv") else "\t").writerows(table)
        return text.getvalue().encode("utf-8" if kind.startswith("csv") else kind)
