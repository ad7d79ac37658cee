"""The rows of a list matched with the patients of the roster, in SQL: by PHN, else by name and date of birth.

One statement looks at every patient once for each of the two, whatever the length of the list. Between them are the few
records merged away: by the PHN of one the record kept is found.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import islice
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Select,
    and_,
    case,
    delete,
    exists,
    false,
    func,
    insert,
    literal,
    or_,
    select,
    true,
)
from sqlalchemy.orm import Session

from ...domain.gender import LETTERS, Gender
from ...hooks import Actor, Host
from ...store.folding import can_fold, folded, folded_text
from ...store.tables import upload_match, upload_row
from .layouts import ListReading, UnderstoodRow, patients
from .reading import ListFile

_AT_ONCE: Final = 1000
_DROPPED: Final = ("-", " ", "'", "’", ".")  # in names, which are typed with them or without
_WITHOUT_DROPPED: Final = str.maketrans("", "", "".join((*_DROPPED, "%", "_")))
_FEWEST_CHARACTERS: Final = 7  # of a number by which anyone is found: EMRs hold `0` and `na`, too
_TWO_GENDERS: Final = (LETTERS[Gender.MALE], LETTERS[Gender.FEMALE])
_PHN_LENGTH, _NAME_LENGTH, _DATE_LENGTH, _PANEL_LENGTH = 20, 60, 40, 100


MATCHED: Final = [upload_match.c[name] for name in ("upload_id", "row_number", "patient_id", "how", "accepted")]


NO_ROWS: Final = "There is no row below the column names: select another row, or another sheet."
StagedRow = tuple[Mapping[str, Any], int | None]
"""A row as `texts_of`, and the panel that it is about."""


class MatchedHow(StrEnum):
    """How a patient was found for a row. Only the first is certain; a person has to accept the others."""

    PHN = "phn"
    PHN_ONLY = "phn-only"  # what the list says of name and date of birth is another person's
    NAME = "name"  # with date of birth, and gender unless the list has none
    NAME_OTHER_PHN = "name-other-phn"  # the same, and the EMR has another PHN


def name_key(text: str) -> str:
    """A name without case, accents, and what is typed or not. As `key_of_name` has it in SQL."""
    return folded_text(text).translate(_WITHOUT_DROPPED)


def stage(
    session: Session, upload_id: str, file: ListFile, reading: ListReading, panel_of: Callable[[str], int | None]
) -> int:
    """Store the rows of a list as they are understood, in place of earlier ones. Returns how many.

    `panel_of` says which panel a row is about, by the text in its column of panels. Raises Refused as `ListFile.rows`.
    """
    rows = ((texts_of(row), panel_of(row.panel_text)) for row in patients(file, reading))
    return stage_rows(session, upload_id, rows)


def stage_rows(session: Session, upload_id: str, rows: Iterable[StagedRow]) -> int:
    """Stage these rows in place of earlier ones. Returns how many."""
    for table in (upload_match, upload_row):
        session.execute(delete(table).where(table.c.upload_id == upload_id))
    return insert_staged(session, upload_id, rows)


def insert_staged(session: Session, upload_id: str, rows: Iterable[StagedRow]) -> int:
    """Stage rows as well. Returns how many."""
    count, rows = 0, iter(rows)
    while portion := list(islice(rows, _AT_ONCE)):
        values = (
            {
                "upload_id": upload_id,
                "family_key": name_key(row["family_name"]),
                "given_key": name_key(row["given_name"]),
                "panel_id": panel_id,
                **row,
            }
            for row, panel_id in portion
        )
        session.execute(insert(upload_row), list(values))
        count += len(portion)
    return count


def texts_of(row: UnderstoodRow) -> dict[str, Any]:
    """The columns of a row that are in each table with rows of lists, no longer than there."""
    return {
        "row_number": row.row_number,
        "phn": row.phn[:_PHN_LENGTH],
        "family_name": row.family_name[:_NAME_LENGTH],
        "given_name": row.given_name[:_NAME_LENGTH],
        "birth_date": row.birth_date[:_DATE_LENGTH],
        "gender": row.gender,
        "panel_text": row.panel_text[:_PANEL_LENGTH],
    }


def match(session: Session, host: Host, actor: Actor, upload_id: str) -> None:
    """Find the patients for the staged rows of a list, of those that the actor may see. Three statements at most."""
    _find(session, queries(host, actor, upload_id))


def match_rest(session: Session, host: Host, actor: Actor, upload_id: str) -> None:
    """The same for rows whose PHN is in no record that is shown: they are staged because of that."""
    _find(session, queries(host, actor, upload_id)[1:])


def _find(session: Session, queries: Iterable[Select[Any]]) -> None:
    can_fold(session.connection())
    for query in queries:
        session.execute(insert(upload_match).from_select(MATCHED, query))


def queries(host: Host, actor: Actor, upload_id: str) -> Sequence[Select[Any]]:
    """Who is found by PHN, who by that of a record merged away, where the host tells it, and who by name.

    Each is for rows without anyone yet, after the one before it.
    """
    merged = _by_merged_phn(host, actor, upload_id)
    by_phn = (_by_phn(host, actor, upload_id), *(() if merged is None else (merged,)))
    return (*by_phn, _by_name(host, actor, upload_id))


def matches(upload_id: str) -> FromClause:
    """Each row for which anyone was found: row_number, count; of a single one patient_id, how, accepted (0 or 1)."""
    return _found(upload_id).subquery("found")


def single_matches(upload_id: str) -> FromClause:
    """The same of the rows for which exactly one was found."""
    return _found(upload_id).having(func.count() == 1).subquery("single_match")


def _found(upload_id: str) -> Select[Any]:
    match = upload_match.c
    return (
        select(
            match.row_number,
            func.count().label("count"),
            func.min(match.patient_id).label("patient_id"),
            func.min(match.how).label("how"),
            func.max(func.coalesce(match.accepted, 0)).label("accepted"),
        )
        .where(match.upload_id == upload_id)
        .group_by(match.row_number)
    )


def _by_phn(host: Host, actor: Actor, upload_id: str) -> Select[Any]:
    row, patient = upload_row.c, host.roster.patients()
    how = how_by_phn(row.birth_date, row.family_key, patient)
    return _matches(patient, how, row.phn == patient.c.phn, is_usable(row.phn), host, actor, upload_id)


def _by_merged_phn(host: Host, actor: Actor, upload_id: str) -> Select[Any] | None:
    """The patients kept, each once for a row, however many records with its number were merged into theirs."""
    row, patient, merged = upload_row.c, host.roster.patients(), host.roster.merged_phns()
    if merged is None:
        return None
    source = merged.join(patient, patient.c.patient_id == merged.c.kept_id)
    how, conditions = (
        how_by_phn(row.birth_date, row.family_key, patient),
        and_(is_usable(row.phn), _no_one_yet(upload_id)),
    )
    return _matches(patient, how, row.phn == merged.c.phn, conditions, host, actor, upload_id, source).distinct()


def how_by_phn(
    birth_date: ColumnElement[str], family_key: ColumnElement[str], patient: FromClause
) -> ColumnElement[str]:
    """How a patient is found for a row with the same PHN: certainly, where nothing else that the row has is another's.

    Names are compared last, which takes longer.
    """
    same_birth_date = and_(birth_date != "", birth_date == patient.c.birth_date)
    same_name = and_(family_key != "", key_of_name(patient.c.family_name) == family_key)
    nothing_else = and_(birth_date == "", family_key == "")
    certain = or_(same_birth_date, nothing_else, same_name)
    return case((certain, MatchedHow.PHN.value), else_=MatchedHow.PHN_ONLY.value)


def is_usable(phn: ColumnElement[str]) -> ColumnElement[bool]:
    """Whether anyone is found by this number of a row."""
    return func.length(phn) >= _FEWEST_CHARACTERS


def _no_one_yet(upload_id: str) -> ColumnElement[bool]:
    row = upload_row.c
    found = exists().where(upload_match.c.upload_id == upload_id, upload_match.c.row_number == row.row_number)
    return ~found.correlate(upload_row)


def _by_name(host: Host, actor: Actor, upload_id: str) -> Select[Any]:
    row, patient = upload_row.c, host.roster.patients()
    given_key = key_of_name(patient.c.given_name)
    # By any other gender no one is found or ruled out.
    both_of_two = and_(row.gender.in_(_TWO_GENDERS), patient.c.gender.in_(_TWO_GENDERS))
    same_given = or_(
        given_key == row.given_key,
        and_(row.given_key != "", given_key.startswith(row.given_key)),
        and_(given_key != "", folded(row.given_key).startswith(given_key)),
        and_(row.given_key == "", both_of_two, row.gender == patient.c.gender),  # some reports have none
    )
    other_gender = and_(both_of_two, row.gender != patient.c.gender)
    other_phn = and_(row.phn != "", patient.c.phn.is_not(None), patient.c.phn != row.phn)
    how = case((other_phn, MatchedHow.NAME_OTHER_PHN.value), else_=MatchedHow.NAME.value)
    same_family = and_(row.family_key != "", key_of_name(patient.c.family_name) == row.family_key)
    conditions = and_(same_family, same_given, other_gender.is_not(true()), _no_one_yet(upload_id))
    return _matches(patient, how, row.birth_date == patient.c.birth_date, conditions, host, actor, upload_id)


def _matches(
    patient: FromClause,
    how: ColumnElement[str],
    on: ColumnElement[bool],
    conditions: ColumnElement[bool],
    host: Host,
    actor: Actor,
    upload_id: str,
    source: FromClause | None = None,
) -> Select[Any]:
    """An outer join, whose rows without a match are dropped in a way that databases do not see through: else they go
    through the rows of the list, and look at every patient for each. `source` has the patients in it, or is them.
    """
    of_list = and_(upload_row.c.upload_id == upload_id, on, conditions)
    return (
        select(literal(upload_id), upload_row.c.row_number, patient.c.patient_id, how, false())
        .select_from((patient if source is None else source).outerjoin(upload_row, of_list))
        .where(func.coalesce(upload_row.c.row_number, 0) > 0, host.identity.visible(actor, patient.c.patient_id))
    )


def key_of_name(name: ColumnElement[str]) -> ColumnElement[str]:
    """The same in SQL; '' for NULL. Call `store.folding.can_fold` on the connection first."""
    key: ColumnElement[str] = func.coalesce(name, "")
    for character in _DROPPED:
        key = func.replace(key, character, "")
    return folded(key)
