"""The clinic's own words for the questions at check-in."""

from collections.abc import Mapping

from sqlalchemy import Connection, select, update

from ...domain.check_in_questions import DEFAULTS, CheckInQuestion, checked
from ...domain.refusals import Refused, Stale
from ...hooks import Actor, Host
from ...store import tables
from ..operations import clinic, record
from ..operations.record import OperationKind

Questions = Mapping[CheckInQuestion, str]

_COLUMNS = {question: f"check_in_{question}" for question in CheckInQuestion}  # of the clinic


def load(connection: Connection) -> Questions:
    """What is asked: the clinic's words, or ours where it has none."""
    row = connection.execute(select(*(tables.clinic.c[name] for name in _COLUMNS.values()))).one()
    return {question: own or DEFAULTS[question] for question, own in zip(CheckInQuestion, row, strict=True)}


def check(texts: Mapping[CheckInQuestion, str]) -> Questions:
    """The questions as they were entered, trimmed. Raises Refused that names every wrong one by its field."""
    questions, messages = {}, {}
    for question in CheckInQuestion:
        try:
            questions[question] = checked(question, texts[question])
        except Refused as refused:
            messages.update(refused.messages)
    if messages:
        raise Refused(messages)
    return questions


def save(host: Host, actor: Actor, texts: Mapping[CheckInQuestion, str], *, version: int) -> None:
    """Store the clinic's words. Ours are not stored: who has them has them also when they change.

    Raises Refused by field, and Stale when `version` of the clinic's settings is out of date.
    """
    questions = check(texts)
    with host.database.session() as session:
        site = clinic.lock(session)
        if load(session.connection()) == questions:
            return
        if site.version != version:
            raise Stale(
                "Someone else changed these settings in the meantime. Nothing was saved: review them and try again."
            )
        own = {question: words if words != DEFAULTS[question] else None for question, words in questions.items()}
        columns = {_COLUMNS[question]: words for question, words in own.items()}
        session.execute(update(tables.clinic).values(**columns, version=version + 1))
        record.begin(session, host, actor, OperationKind.SETTINGS, detail=columns)
