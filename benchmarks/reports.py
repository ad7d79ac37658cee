"""A report of 50,000 lines against 60,000 patients, from the upload to the four heaps, against what cannot be less.

That is: reading the same file with the same library, a bare INSERT of its lines, and one join to the roster.
"""

import resource
import sys
from collections.abc import Iterator, Sequence
from io import BytesIO
from itertools import islice
from multiprocessing import get_context
from multiprocessing.connection import Connection as Pipe
from time import perf_counter

import click
import openpyxl  # type: ignore[import-untyped]
import python_calamine
from sqlalchemy import String, and_, cast, delete, func, insert, select, update

from cpar_plugin.domain.list_columns import Purpose
from cpar_plugin.domain.reports import ReportKind
from cpar_plugin.services import bulk
from cpar_plugin.services.bulk import Assign
from cpar_plugin.services.reports import heaps, receiving
from cpar_plugin.services.reports.heaps import HeapCriteria
from cpar_plugin.services.uploads import kept, layouts
from cpar_plugin.services.uploads.reading import ListFile
from cpar_plugin.store import tables
from cpar_plugin.web.reports import open_questions
from oscar_host.host import OscarHost

from .big_clinic import PANEL_ID, empty_hosts, fill

PATIENTS, LINES, FEWER = 60_000, 50_000, 5_000
AIM, MOST_MIB = 2.0, 64
_ROUNDS = 2
_AT_ONCE = 1000
_HEADER = ("PHN", "Last name", "First name", "DOB", "Sex")


def main(patients: int = PATIENTS, lines: int = LINES, fewer: int = FEWER) -> None:
    """Print a line for time and one for memory, for each database; exit with 1 where one misses its aim."""
    fine = True
    with empty_hosts() as hosts:
        for name, host in hosts:
            fill(host, patients)
            _name_apart(host)
            bulk.carry_out(host, host.identity.system, Assign("101", "AC", PANEL_ID))
            many, few = _workbook(host, lines), _workbook(host, fewer)
            _teach(host, few)
            rounds = [(_bare(host, many), _upload(host, many)) for _ in range(_ROUNDS)]  # both meet the same machine
            bare, upload = (min(seconds) for seconds in zip(*rounds, strict=True))
            fine &= upload <= AIM * bare
            click.echo(
                f"report of {lines} lines against {patients} patients, {name}: upload to heaps {upload / bare:.2f} x "
                f"reading, bare INSERT and one join ({upload:.2f} s : {bare:.2f} s; aim: at most {AIM:g} x)"
            )
            more = _peak(host, many) - _peak(host, few)
            fine &= more <= MOST_MIB
            click.echo(f"its memory, {name}: {more:.0f} MiB more than for {fewer} lines (aim: at most {MOST_MIB})")
    if not fine:
        sys.exit(1)


def _name_apart(host: OscarHost) -> None:
    """Few people have their name and their date of birth in common, unlike the patients that were made."""
    record = host.tables.demographic
    name = record.c.last_name.concat("-").concat(cast(record.c.demographic_no, String(10)))
    with host.database.writing() as connection:
        connection.execute(update(record).values(last_name=name))


def _workbook(host: OscarHost, lines: int) -> bytes:
    """The first patients, every tenth with another date of birth."""
    patient = host.roster.patients().c
    columns = (patient.phn, patient.family_name, patient.given_name, patient.birth_date, patient.gender)
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("List")
    sheet.append(_HEADER)
    with host.database.engine.connect() as connection:
        for number, row in enumerate(connection.execute(select(*columns).order_by(patient.patient_id).limit(lines))):
            sheet.append([*row[:3], "1901-01-01" if number % 10 == 0 else row[3], row[4]])
    data = BytesIO()
    book.save(data)
    return data.getvalue()


def _teach(host: OscarHost, data: bytes) -> None:
    """Say once what the columns mean."""
    file = ListFile(data)
    with host.database.engine.connect() as connection:
        reading = layouts.propose(connection, file, Purpose.REPORT).reading
    reading = reading.model_copy(update={"kind": ReportKind.REGISTRY_LIST})
    layouts.remember(host, host.identity.system, list(_HEADER), reading)


def _bare(host: OscarHost, data: bytes) -> float:
    """Seconds for what any import has to do."""
    row, patient = tables.upload_row, host.roster.patients()
    upload_id = kept.keep(host, host.identity.system, Purpose.REPORT, ListFile(data), "bare.xlsx", PANEL_ID)
    start = perf_counter()
    rows = iter(python_calamine.load_workbook(BytesIO(data)).get_sheet_by_index(0).iter_rows())
    next(rows)
    with host.database.session() as session:
        for portion in _portions(enumerate(rows, 2)):
            session.execute(insert(row), [_line(upload_id, number, cells) for number, cells in portion])
        of_list = and_(row.c.upload_id == upload_id, row.c.phn == patient.c.phn)
        joined = patient.outerjoin(row, of_list)  # the other way round looks at every patient for each line
        assert session.scalar(select(func.count(row.c.row_number)).select_from(joined))
    seconds = perf_counter() - start
    kept.remove(host, upload_id)
    return seconds


def _portions(rows: Iterator[tuple[int, Sequence[object]]]) -> Iterator[list[tuple[int, Sequence[object]]]]:
    while portion := list(islice(rows, _AT_ONCE)):
        yield portion


def _line(upload_id: str, number: int, cells: Sequence[object]) -> dict[str, object]:
    names = ("phn", "family_name", "given_name", "birth_date", "gender")
    values = dict(zip(names, map(str, cells), strict=True))
    texts = {"family_key": "", "given_key": "", "panel_text": ""}
    return {"upload_id": upload_id, "row_number": number, "panel_id": None, **values, **texts}


def _upload(host: OscarHost, data: bytes) -> float:
    """Seconds as the page takes them in; then everything is as before."""
    actor = host.identity.system
    start = perf_counter()
    file = ListFile(data)
    with host.database.engine.connect() as connection:
        receiving.require_new(connection, host, file)
        proposal = layouts.propose(connection, file, Purpose.REPORT)
    assert proposal.remembered
    assert not open_questions(file, proposal.reading)
    upload_id = kept.keep(host, actor, Purpose.REPORT, file, "list.xlsx", PANEL_ID)
    report_id = receiving.receive(host, actor, upload_id, file, proposal.reading)
    with host.database.engine.connect() as connection:
        listing = heaps.show(connection, host, actor, report_id, HeapCriteria(), 0)
    seconds = perf_counter() - start
    assert all(listing.counts.values()), listing.counts
    with host.database.session() as session:
        for table in (tables.report_row, tables.report_piece, tables.report):
            session.execute(delete(table).where(table.c.report_id == report_id))
    return seconds


def _peak(host: OscarHost, data: bytes) -> float:
    """MiB that an upload has taken at most, of a process of its own and of the one that reads for it."""
    host.database.engine.dispose()
    context = get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    process = context.Process(target=_measured, args=(host, data, sender))
    process.start()
    peak: float = receiver.recv()
    process.join()
    return peak


def _measured(host: OscarHost, data: bytes, sender: "Pipe[float, float]") -> None:
    _upload(host, data)
    usage = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    sender.send(sum(usage) / 1024)


if __name__ == "__main__":
    main()
