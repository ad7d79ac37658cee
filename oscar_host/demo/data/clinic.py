"""The patients of the invented clinic with their appointments, one patient after another."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

from . import coverage, flaws, mess, people
from .draw import Draw
from .mess import IdentityFlaw, RecordFlaw
from .phns import Phns
from .visits import Diary, Visit

Merge = tuple[int, int, int]  # the record merged away, the one kept, and 1 where the merge was undone
MERGE_COLUMNS = ("demographic_no", "merged_to", "deleted")

_MERGES = (RecordFlaw.MERGED, RecordFlaw.MERGED_TWICE, RecordFlaw.MERGE_UNDONE)


class Record(NamedTuple):
    """Everything about one patient: a row of `demographic`, rows of `appointment`, and of `demographic_merged`."""

    patient: people.Row
    visits: list[Visit]
    merge: Merge | None


def records(seed: int, patients: int, as_of: date) -> Iterator[Record]:
    """The clinic's patients, numbered from 1. What each is like does not depend on how many follow.

    The same for the same seed and as-of date. Takes the same memory for any number.
    """
    draw = Draw(seed)
    phns, diary = Phns(draw), Diary(draw, as_of)
    statuses = draw.deal(mess.RECORD_STATUS)
    identities = draw.deal(mess.IDENTITY)
    attendances = draw.deal(mess.ATTENDANCE)
    before: people.Person | None = None
    good_phn: str | None = None
    follows_into_the_same = False
    for number in range(1, patients + 1):
        status, identity, attendance = next(statuses), next(identities), next(attendances)
        if follows_into_the_same:
            status = RecordFlaw.MERGED
        merge: Merge | None = None
        phn = phns.of(number - 1)
        if before is not None and status in _MERGES:
            person = people.duplicate(draw, before, number)
            merge = (number, number - 1, int(status is RecordFlaw.MERGE_UNDONE))
        else:
            person = people.person(draw, number, phn, as_of)
            person = flaws.apply(status, draw, person, as_of)
            person = flaws.apply(identity, draw, person, as_of)
            if identity is IdentityFlaw.SHARED_PHN and good_phn:
                person.row.update(hin=good_phn, hc_type="AB")
            if status is None and identity is None:
                good_phn = phn
        coverage.enter(person.row, number, as_of)
        follows_into_the_same = merge is not None and status is RecordFlaw.MERGED_TWICE
        visits = diary.visits(person, attendance)
        if number % 200 == 0:
            visits.append(diary.meeting())
        yield Record(person.row, visits, merge)
        before = person
