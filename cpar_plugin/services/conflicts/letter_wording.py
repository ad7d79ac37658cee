"""The clinic's own words for letters to other clinics, and to patients whose provider leaves, and its letterhead."""

from typing import NamedTuple

from sqlalchemy import Connection, select, update

from ...domain.departure_texts import DEFAULT_LETTER, checked_letter
from ...domain.letters import DEFAULT_TEXT, LETTERHEAD, LONGEST_TEXT, checked_lines, checked_text
from ...domain.refusals import Refused, Stale
from ...hooks import Actor, Host
from ...store import tables
from ..operations import clinic, record
from ..operations.record import OperationKind


class LetterWording(NamedTuple):
    """The letterhead below the clinic's name, '' for none, and the letters: to clinics, and of a departure."""

    letterhead: str
    text: str
    departure: str = DEFAULT_LETTER.strip()


def load(connection: Connection) -> LetterWording:
    """The clinic's words, or ours where it has none."""
    columns = (tables.clinic.c.letterhead, tables.clinic.c.letter_text, tables.clinic.c.departure_letter)
    letterhead, text, departure = connection.execute(select(*columns)).one()
    return LetterWording(letterhead or "", text or DEFAULT_TEXT.strip(), departure or DEFAULT_LETTER.strip())


def check(letterhead: str, text: str, departure: str = DEFAULT_LETTER) -> LetterWording:
    """The words as they were entered. Raises Refused that names what is wrong by its field."""
    messages: dict[str, str] = {}
    head = words = to_patients = ""
    try:
        head = checked_lines(letterhead, LETTERHEAD, LONGEST_TEXT, "letterhead")
    except Refused as refused:
        messages |= refused.messages
    try:
        words = checked_text(text)
    except Refused as refused:
        messages |= refused.messages
    try:
        to_patients = checked_letter(departure)
    except Refused as refused:
        messages |= refused.messages
    if messages:
        raise Refused(messages)
    return LetterWording(head, words, to_patients)


def save(
    host: Host, actor: Actor, letterhead: str, text: str, departure: str = DEFAULT_LETTER, *, version: int
) -> None:
    """Store them. Raises Refused by field, and Stale when `version` of the clinic's settings is out of date."""
    wording = check(letterhead, text, departure)
    with host.database.session() as session:
        site = clinic.lock(session)
        if load(session.connection()) == wording:
            return
        if site.version != version:
            raise Stale(
                "Someone else changed these settings in the meantime. Nothing was saved: review them and try again."
            )
        own = wording.text if wording.text != DEFAULT_TEXT.strip() else None
        to_patients = wording.departure if wording.departure != DEFAULT_LETTER.strip() else None
        columns = {"letterhead": wording.letterhead or None, "letter_text": own, "departure_letter": to_patients}
        session.execute(update(tables.clinic).values(**columns, version=version + 1))
        record.begin(session, host, actor, OperationKind.SETTINGS, detail=columns)
