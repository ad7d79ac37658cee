"""Members with their records as rows of the database, and Patients of such rows.

A record is one column of JSON, with its texts as the host stores them: for a driver each column takes long, and a
database reads long SQL again for each statement.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Row, Select, String, func, select

from ...fhir_mappings.identifiers import relative
from ...fhir_mappings.patient import Statuses, patient_texts
from ...hooks import Roster, RosterWithStoredTexts, StoredPatients
from ...settings import Settings
from ...store import tables
from ..roster import answers


class PatientRecord(NamedTuple):
    """A patient, as the host's roster has it, and the answers about them."""

    patient_id: int
    answers: str | None
    phn: str | None
    phn_jurisdiction: str | None
    family_name: str | None
    given_name: str | None
    middle_names: str | None
    preferred_name: str | None
    birth_date: str | None
    gender: str | None
    status: str | None


_TEXTS = PatientRecord._fields[2:]  # what `StoredPatients.record` makes


class ReadMember(NamedTuple):
    """The first columns of a row of `PatientSource.select`. A Row looks each up by its name, which takes long."""

    patient_id: int
    texts: str
    answers: str | None
    panel_id: int
    digest: bytes | None
    version: int | None
    last_updated: datetime | None


_COLUMNS = len(ReadMember._fields)


class RowMapping:
    """From a row of `PatientSource.select`, and the references to the PractitionerRoles of its panel, to a Patient."""

    def __init__(self, roster: Roster, settings: Settings) -> None:
        self._text = patient_texts(settings, relative, statuses=Statuses.of(roster.status_kinds))
        self._record = stored_patients(roster).record  # type: ignore[arg-type]

    def __call__(self, row: Any, roles: str, answered: str | None = None) -> bytes:
        """As JSON, without version. `answered`: the answers, where they are not in the row."""
        record = self._record(orjson.loads(row.texts))
        return self._text(PatientRecord(row.patient_id, answered or row.answers, *record), roles)


def read_member(row: Row[Any]) -> ReadMember:
    """The columns of a member. The row may have more behind them."""
    return ReadMember._make(row[:_COLUMNS])


@lru_cache(maxsize=8)
def row_mapping(roster: Roster, settings: Settings) -> RowMapping:
    """Kept, as what all patients share is made when it is prepared."""
    return RowMapping(roster, settings)


@lru_cache(maxsize=8)
def stored_patients(roster: Roster) -> StoredPatients:
    """The patients, with their texts as they are quickest to read."""
    if isinstance(roster, RosterWithStoredTexts):
        return roster.stored_patients()
    rows = roster.patients()
    columns = {name: rows.c[name] for name in ("patient_id", *_TEXTS)}
    return StoredPatients(rows=rows, texts=_TEXTS, columns=columns, record=lambda texts: texts)


@lru_cache(maxsize=8)
def all_members(roster: Roster) -> tuple[Select[Any], Mapping[str, ColumnElement[Any]]]:
    """Every member whose record the host knows, and the columns. Kept: to put it together takes longer than to ask.

    What a record holds is one text of JSON: a driver is slow for each column. The columns are for conditions.
    """
    stored, version, member = stored_patients(roster), tables.patient_version, tables.member  # type: ignore[arg-type]
    record = stored.rows.c
    read: dict[str, ColumnElement[Any]] = {
        "patient_id": member.c.patient_id,
        "texts": func.json_array(*(record[name] for name in stored.texts), type_=String()),
        "answers": answers.column(member.c.patient_id),
        "panel_id": member.c.panel_id,
        "digest": version.c.digest,
        "version": version.c.version,
        "last_updated": version.c.last_updated,
    }
    query = select(*(column.label(name) for name, column in read.items())).select_from(
        member.join(stored.rows, record.patient_id == member.c.patient_id).outerjoin(
            version, version.c.patient_id == member.c.patient_id
        )
    )
    return query, {**stored.columns, **read}
