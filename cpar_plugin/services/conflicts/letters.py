"""Letters about conflicts: one that goes to the other clinic, what came in, and those of a day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Connection, exists, func, insert, select, update
from sqlalchemy.orm import Session

from ...domain.conflicts import ConflictEnding
from ...domain.dates import birth_date_text
from ...domain.letters import (
    LONGEST_PARTY,
    LONGEST_TEXT,
    RECIPIENT,
    LetterDirection,
    LetterField,
    checked_lines,
    filled,
)
from ...domain.names import full_name
from ...domain.refusals import NotFound, Refused
from ...hooks import Actor, Host
from ...store.tables import letter, report_line
from ...store.types import KEYS
from ..operations import access, clinic, record
from ..operations.record import OperationKind
from ..roster.providers import actor_names
from . import ending, letter_wording
from .evidence import ConflictLine

_MISSING = "(not in our record)"
_MOST_DAYS = 14
_IS_SENT = (letter.c.direction == LetterDirection.SENT.value) & letter.c.withdrawn_at.is_(None)


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter as it was sent, or what was noted of one that came in. `patient_id` is of the record kept."""

    letter_id: int
    patient_id: int
    direction: LetterDirection
    day: date
    party: str
    letterhead: str
    text: str
    recorded_at: datetime
    recorder: str
    withdrawn_at: datetime | None = None  # of one that was recorded by mistake
    withdrawer: str = ""


def drafted(connection: Connection, seen: ConflictLine) -> tuple[str, str]:
    """The letterhead and the letter as they would be sent now."""
    site, words = clinic.load(connection), letter_wording.load(connection)
    values = {
        LetterField.PATIENT: full_name(seen.family_name, seen.given_name) or _MISSING,
        LetterField.BIRTH_DATE: birth_date_text(seen.birth_date) or _MISSING,
        LetterField.PHN: seen.phn or _MISSING,
        LetterField.PROVIDER: seen.mrp or "A provider",
        LetterField.CLINIC: site.name,
        LetterField.OTHER_PROVIDER: seen.other_provider or "your provider",
        LetterField.OTHER_CLINIC: seen.other_clinic or "your clinic",
    }
    return "\n".join(filter(None, (site.name, words.letterhead))), filled(words.text, values)


def send(host: Host, actor: Actor, seen: ConflictLine, recipient: str) -> int:
    """Record the letter as it is printed; the line then waits. Returns the letter's id. Raises Refused, Stale."""
    party = checked_lines(recipient, RECIPIENT, LONGEST_PARTY, "recipient")
    if not party:
        raise Refused({RECIPIENT: "Enter who the letter is to: the other provider or clinic, and the address."})
    with host.database.session() as session:
        clinic.lock(session)
        ending.end(session, host, actor, seen, ConflictEnding.OURS, {})
        letterhead, text = drafted(session.connection(), seen)
        today = host.clock.now().astimezone(host.clock.zone).date()
        return _store(session, host, actor, seen, LetterDirection.SENT, today, party, letterhead, text)


def receive(host: Host, actor: Actor, seen: ConflictLine, day: date, party: str, text: str) -> int:
    """Log a letter that came in. The line stays as it is. Returns the letter's id. Raises Refused by field."""
    messages: dict[str, str] = {}
    if day > host.clock.now().astimezone(host.clock.zone).date():
        messages["received_on"] = "This day is in the future: enter the day on which the letter came in."
    party = checked_lines(party, "sender", LONGEST_PARTY, "sender")
    text = checked_lines(text, "content", LONGEST_TEXT, "content")
    if not party:
        messages["sender"] = "Enter who the letter is from."
    if not text:
        messages["content"] = "Enter what the letter says."
    if messages:
        raise Refused(messages)
    with host.database.session() as session:
        return _store(session, host, actor, seen, LetterDirection.RECEIVED, day, party, "", text)


def _store(
    session: Session,
    host: Host,
    actor: Actor,
    seen: ConflictLine,
    direction: LetterDirection,
    day: date,
    party: str,
    letterhead: str,
    text: str,
) -> int:
    if seen.patient_id is None:
        raise Refused("Accept the patient on the page of the report first.")
    values = {"line_id": seen.line_id, "patient_id": seen.patient_id, "direction": direction, "day": day}
    values |= {"party": party, "letterhead": letterhead, "text": text}
    stored = {"recorded_at": host.clock.now(), "recorded_by": actor.actor_id}
    inserted = session.execute(insert(letter).values(**values, **stored))
    letter_id = int(inserted.inserted_primary_key[0])  # type: ignore[attr-defined]
    detail = {"letter": letter_id, "line": seen.line_id, "direction": direction.value}
    record.begin(session, host, actor, OperationKind.RECORD_LETTER, patient_id=seen.patient_id, detail=detail)
    return letter_id


class _LineOfLetter(NamedTuple):
    line_id: int
    version: int
    patient_id: int


def withdraw(host: Host, actor: Actor, letter_id: int) -> bool:
    """Withdraw a letter that was recorded by mistake: it is no longer printed, and is kept as withdrawn.

    Where it was the only letter because of which its line is ours, the line is open again: returns whether it is.
    Raises NotFound, Forbidden, and Refused for one that is withdrawn already.
    """
    with host.database.session() as session:
        clinic.lock(session)
        seen = required(session.connection(), host, actor, letter_id)
        if seen.withdrawn_at:
            raise Refused("This letter has already been withdrawn. Nothing was changed.")
        withdrawn = {"withdrawn_at": host.clock.now(), "withdrawn_by": actor.actor_id}
        session.execute(update(letter).where(letter.c.letter_id == letter_id).values(withdrawn))
        detail = {"letter": letter_id}
        record.begin(session, host, actor, OperationKind.WITHDRAW_LETTER, patient_id=seen.patient_id, detail=detail)
        other = letter.alias("other")
        of_line = (other.c.line_id == report_line.c.line_id, other.c.direction == LetterDirection.SENT.value)
        is_ours = (report_line.c.ending == ConflictEnding.OURS.value, report_line.c.closed_at.is_(None))
        query = (
            select(report_line.c.line_id, report_line.c.version, letter.c.patient_id)
            .join_from(letter, report_line, report_line.c.line_id == letter.c.line_id)
            .where(letter.c.letter_id == letter_id, letter.c.direction == LetterDirection.SENT.value, *is_ours)
            .where(~exists().where(*of_line, other.c.withdrawn_at.is_(None)))
        )
        line = session.execute(query).one_or_none()
        if line:
            ending.end(session, host, actor, _LineOfLetter(*line), None, {})
        return line is not None


def of_line(connection: Connection, host: Host, actor: Actor, line_id: int) -> Sequence[Letter]:
    """Those of a line, the latest first. Two statements."""
    return _read(connection, host, actor, letter.c.line_id == line_id)


def sent_on(connection: Connection, host: Host, actor: Actor, day: date) -> Sequence[Letter]:
    """Those sent on a civil day about patients whom the actor may see, the latest first. Two statements."""
    return _read(connection, host, actor, (letter.c.day == day) & _IS_SENT)


def days(connection: Connection, host: Host, actor: Actor) -> Sequence[date]:
    """On which of the last days letters were sent about patients whom the actor may see, the latest first."""
    merged = host.roster.merged()
    kept_id = func.coalesce(merged.c.kept_id, letter.c.patient_id)
    query = (
        select(letter.c.day)
        .outerjoin_from(letter, merged, merged.c.retired_id == letter.c.patient_id)
        .where(_IS_SENT, host.identity.visible(actor, kept_id))
        .group_by(letter.c.day)
        .order_by(letter.c.day.desc())
        .limit(_MOST_DAYS)
    )
    return connection.scalars(query).all()


def required(connection: Connection, host: Host, actor: Actor, letter_id: int) -> Letter:
    """One of them. Raises NotFound, and Forbidden for who may not see the patient."""
    which = letter.c.letter_id == letter_id
    patient_id = connection.scalar(select(letter.c.patient_id).where(which)) if letter_id in KEYS else None
    if patient_id is None:
        raise NotFound("Letter not found. Its time may be over: start from the Reports tab.")
    access.require_patient(host, actor, patient_id)
    found = _read(connection, host, actor, which)
    if not found:
        raise NotFound("The patient of this letter was merged into a record that you may not see.")
    return found[0]


def _read(connection: Connection, host: Host, actor: Actor, which: ColumnElement[bool]) -> list[Letter]:
    merged = host.roster.merged()
    kept_id = func.coalesce(merged.c.kept_id, letter.c.patient_id)
    query = (
        select(letter, kept_id.label("kept_id"))
        .outerjoin_from(letter, merged, merged.c.retired_id == letter.c.patient_id)
        .where(which, host.identity.visible(actor, kept_id))
        .order_by(letter.c.day.desc(), letter.c.letter_id.desc())
    )
    rows = connection.execute(query).all()
    names = actor_names(
        connection, host, {person for row in rows for person in (row.recorded_by, row.withdrawn_by) if person}
    )
    return [
        Letter(
            row.letter_id,
            row.kept_id,
            LetterDirection(row.direction),
            row.day,
            row.party,
            row.letterhead,
            row.text,
            row.recorded_at,
            names[row.recorded_by],
            row.withdrawn_at,
            names[row.withdrawn_by] if row.withdrawn_by else "",
        )
        for row in rows
    ]


def example(site: clinic.Clinic, wording: letter_wording.LetterWording) -> str:
    """A letter in these words about an invented patient."""
    values = {
        LetterField.PATIENT: "Okafor, Ada",
        LetterField.BIRTH_DATE: "Feb 3, 1980",
        LetterField.PHN: "100000001",
        LetterField.PROVIDER: "Example, Pat",
        LetterField.CLINIC: site.name,
        LetterField.OTHER_PROVIDER: "Other, Sam",
        LetterField.OTHER_CLINIC: "Other Clinic",
    }
    return "\n".join(filter(None, (site.name, wording.letterhead))) + "\n\n" + filled(wording.text, values)
