"""The rows of a report as they are read, with who is found for each, in SQL: by PHN, then otherwise for the rest."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

import orjson
from sqlalchemy import ColumnElement, FromClause, Select, and_, case, false, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session

from ...domain.reports import ReportKind, line_key
from ...hooks import Host
from ...store.folding import can_fold
from ...store.tables import report_row, upload_match
from ..uploads import matching
from ..uploads.layouts import ListReading, UnderstoodRow, patients
from ..uploads.matching import MatchedHow
from ..uploads.reading import ListFile

_AT_ONCE: Final = 1000
_FEWEST_DIGITS: Final = 7
_ISO_LENGTH: Final = 10
_row = report_row.c


def store(session: Session, report_id: int, file: ListFile, reading: ListReading, kind: ReportKind) -> tuple[int, int]:
    """Store the rows that are about a patient, the first of those with the same key. Returns how many were read, and
    how many are kept. Raises Refused as `ListFile.rows`.
    """
    keys: set[str] = set()  # of no more than limits.ROWS
    read = 0

    def kept() -> Iterator[dict[str, Any]]:
        nonlocal read
        for row in patients(file, reading):
            read += 1
            key = line_key(kind, _identity(row), row.details, row.row_number)
            if key and key not in keys:
                keys.add(key)
                details = {field.value: text for field, text in row.details.items()}
                yield {
                    "report_id": report_id,
                    "line_key": key,
                    **matching.texts_of(row),
                    "details": orjson.dumps(details).decode() if details else "{}",
                    "matches": 0,
                    "accepted": False,
                }

    rows = kept()
    while portion := list(islice(rows, _AT_ONCE)):
        session.execute(insert(report_row), portion)
    return read, len(keys)


def match(session: Session, host: Host, report_id: int, upload_id: str) -> None:
    """Find the patients for the rows. Few are left after PHNs, and are staged as a list for the rest of its way."""
    can_fold(session.connection())
    by_phn, matches = by_phn_query(host, report_id, upload_id), matching.matches(upload_id)
    session.execute(insert(upload_match).from_select(matching.MATCHED, by_phn))
    _take(session, report_id, matches)
    if _stage_rest(session, report_id, upload_id):
        matching.match_rest(session, host, host.identity.system, upload_id)
        _take(session, report_id, matches, _row.matches == 0)


def _take(session: Session, report_id: int, found: FromClause, *which: ColumnElement[bool]) -> None:
    """Write what was found to the rows: how many patients, and of a single one who, and how. Only a PHN is certain."""
    single = found.c.count == 1
    certain = and_(single, found.c.how == MatchedHow.PHN.value)
    session.execute(
        update(report_row)
        .where(_row.report_id == report_id, _row.row_number == found.c.row_number, *which)
        .values(
            matches=found.c.count,
            patient_id=case((single, found.c.patient_id)),
            how=case((single, found.c.how)),
            accepted=case((certain, 1), else_=0),
        )
    )


def by_phn_query(host: Host, report_id: int, upload_id: str) -> Select[Any]:
    """Who is found by PHN. Each patient is looked at once, and the rows of the report by their index."""
    row, patient = _row, host.roster.patients()
    how = matching.how_by_phn(row.birth_date, matching.key_of_name(row.family_name), patient)
    of_report = and_(row.report_id == report_id, row.phn == patient.c.phn, matching.is_usable(row.phn))
    return (
        select(literal(upload_id), row.row_number, patient.c.patient_id, how, false())
        .select_from(patient.outerjoin(report_row, of_report))
        .where(func.coalesce(row.row_number, 0) > 0)  # an inner join would look at every patient for each row
    )


def _stage_rest(session: Session, report_id: int, upload_id: str) -> int:
    """The rows for which no one was found and someone still could be, as rows of a list. Returns how many."""
    names = ("row_number", "phn", "family_name", "given_name", "birth_date", "gender", "panel_text")
    could_be = or_(matching.is_usable(_row.phn), and_(_row.family_name != "", _row.birth_date != ""))
    unmatched = (_row.report_id == report_id, _row.matches == 0, could_be)
    query = select(*(_row[name] for name in names)).where(*unmatched).order_by(_row.row_number).limit(_AT_ONCE)
    count = last = 0
    while rows := session.execute(query.where(_row.row_number > last)).all():
        last = rows[-1].row_number
        count += matching.insert_staged(session, upload_id, ((dict(row._mapping), None) for row in rows))
    return count


def _identity(row: UnderstoodRow) -> tuple[str, ...]:
    """What says who a row is about; () where nothing does."""
    if row.phn.isascii() and row.phn.isdigit() and len(row.phn) >= _FEWEST_DIGITS:
        return ("phn", row.phn)
    family = matching.name_key(row.family_name)
    is_date = len(row.birth_date) == _ISO_LENGTH and row.birth_date[:4].isdigit()
    return ("name", family, matching.name_key(row.given_name), row.birth_date) if family and is_date else ()
