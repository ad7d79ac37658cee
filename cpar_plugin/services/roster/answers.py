"""Answers to cautions: who has checked which values against the card, and when. They are only ever added to."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, exists, func, select

from ...domain import questions
from ...domain.cautions import Caution
from ...hooks import Host
from ...store.tables import answer, member, operation
from .providers import actor_names


@dataclass(frozen=True, slots=True)
class CautionAnswer:
    """An answer that is valid: the values that the caution is about are still those that were checked."""

    caution: Caution
    fingerprint: str
    by: str  # a name
    at: datetime

    @property
    def text(self) -> str:
        """What they have said."""
        return questions.answer(self.caution)


def column(patient_id: ColumnElement[int]) -> ColumnElement[str | None]:
    """The answers of a patient as `domain.answers.is_answered` takes them, as a correlated scalar."""
    pair = answer.c.caution.concat("=").concat(answer.c.fingerprint)
    query = select(func.aggregate_strings(pair, " ")).where(answer.c.patient_id == patient_id, *_current())
    return query.correlate_except(answer).scalar_subquery()


def text_of(answers: Iterable[tuple[str, str | None, int]]) -> str | None:
    """The same of one patient's answers as caution, fingerprint and operation_id, in any order."""
    last = {caution: fingerprint for caution, fingerprint, _ in sorted(answers, key=itemgetter(2))}
    return " ".join(f"{caution}={fingerprint}" for caution, fingerprint in last.items() if fingerprint) or None


def _current() -> tuple[ColumnElement[bool], ...]:
    """Of the answers to one caution about one patient the last, unless that takes back the one before."""
    later = answer.alias("later")
    same_question = later.c.patient_id == answer.c.patient_id, later.c.caution == answer.c.caution
    replaced = exists().where(*same_question, later.c.operation_id > answer.c.operation_id)
    return answer.c.fingerprint.is_not(None), ~replaced


def of_patients(connection: Connection, host: Host, patient_ids: Collection[int]) -> Mapping[int, list[CautionAnswer]]:
    """The last answers about these patients, whether or not they are still valid. At most two statements."""
    return _read(connection, host, select(answer).where(answer.c.patient_id.in_(patient_ids))) if patient_ids else {}


def of_panel(connection: Connection, host: Host, panel_id: int) -> Mapping[int, list[CautionAnswer]]:
    """The same about all members of a panel."""
    members = select(answer).join(member, member.c.patient_id == answer.c.patient_id)
    return _read(connection, host, members.where(member.c.panel_id == panel_id))


def to(cautions: Collection[Caution], patient_answers: Iterable[CautionAnswer]) -> list[CautionAnswer]:
    """Those of `Eligibility.answered` that answer these cautions and are valid."""
    return [entry for entry in patient_answers if entry.caution in cautions]


def _read(connection: Connection, host: Host, query: Select[Any]) -> Mapping[int, list[CautionAnswer]]:
    rows = connection.execute(
        query.join(operation, operation.c.operation_id == answer.c.operation_id)
        .add_columns(operation.c.actor_id, operation.c.at)
        .where(*_current())
        .order_by(answer.c.patient_id, answer.c.operation_id)
    ).all()
    names = actor_names(connection, host, {row.actor_id for row in rows}) if rows else {}
    by_patient: dict[int, list[CautionAnswer]] = {}
    for row in rows:
        entry = CautionAnswer(Caution(row.caution), row.fingerprint, names[row.actor_id], row.at)
        by_patient.setdefault(row.patient_id, []).append(entry)
    return by_patient
