from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import delete, update

from cpar_plugin.fhir_mappings.panel_group import group_members
from cpar_plugin.fhir_mappings.patient import Statuses, patient_texts
from cpar_plugin.services.roster.member_rows import MemberRow
from cpar_plugin.services.snapshots.build import Taken
from cpar_plugin.settings import Settings
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

Take = Callable[..., Taken]
Read = Callable[[Taken], Any]
Member = Callable[..., int]
Submitted = Callable[[Taken, str], None]
Change = Callable[..., None]


def test_everyone_is_new_in_the_first_submission(valid_member: Member, take: Take, received: Read) -> None:
    members = {valid_member() for _ in range(3)}
    assert received(take()).changes() == dict.fromkeys(members, "new")


@pytest.mark.parametrize("state", ["delivered", "written"])
def test_each_member_says_what_has_changed_since_the_last_submission(
    state: str,
    host: OscarHost,
    oscar: Any,
    valid_member: Member,
    take: Take,
    received: Read,
    submitted: Submitted,
    change: Change,
) -> None:
    before, renamed, seen, confirmed, gone, same = (valid_member() for _ in range(6))
    change(before, patient_status="IN")
    submitted(take(), state)

    change(before, patient_status="AC")
    change(renamed, last_name="Newname")
    change(same, provider_no="102")  # the MRP is no part of a submission
    oscar.visit(seen, "2026-11-05")
    member = tables.member
    with host.database.writing() as connection:
        connection.execute(
            update(member).where(member.c.patient_id == confirmed).values(confirmed_on=date(2026, 11, 9))
        )
        connection.execute(delete(member).where(member.c.patient_id == gone))
    later = valid_member()

    assert received(take()).changes() == {
        before: "new",
        renamed: "changed",
        seen: "changed",
        confirmed: "changed",
        same: "nochange",
        later: "new",
    }


@pytest.mark.parametrize("state", ["failed", "refused", "waiting", "nothing-to-send"])
def test_a_submission_that_did_not_arrive_is_no_measure(
    state: str, valid_member: Member, take: Take, received: Read, submitted: Submitted
) -> None:
    patient_id = valid_member()
    submitted(take(), state)
    assert received(take()).changes() == {patient_id: "new"}


def test_the_latest_submission_that_arrived_is_the_measure(
    host: OscarHost, valid_member: Member, take: Take, received: Read, submitted: Submitted, change: Change
) -> None:
    patient_id = valid_member(last_name="First")
    submitted(take(), "delivered")
    change(patient_id, last_name="Second")
    submitted(take(), "delivered")
    assert received(take()).changes() == {patient_id: "nochange"}
    change(patient_id, last_name="First")
    assert received(take()).changes() == {patient_id: "changed"}


def test_another_panels_submission_is_no_measure(
    make_panel: Callable[[str], int],
    valid_member: Member,
    take: Take,
    received: Read,
    submitted: Submitted,
    host: OscarHost,
) -> None:
    patient_id = valid_member()
    submitted(take(), "delivered")
    other = make_panel("P-2")
    with host.database.writing() as connection:
        connection.execute(update(tables.member).values(panel_id=other))
    assert received(take(other)).changes() == {patient_id: "new"}


ROW = MemberRow(
    patient_id=1,
    known=True,
    mrp_id="101",
    answers=None,
    family_name="Example",
    given_name="Pat",
    middle_names="Anne",
    phn="100000007",
    phn_jurisdiction="AB",
    preferred_name="Patty",
    birth_date="1980-02-03",
    gender="F",
    status="AC",
    since=datetime(2026, 3, 1, 12, tzinfo=UTC),
    confirmed_on=date(2026, 3, 1),
    confirmed_how="confirmed by a person",
    last_visit_on=date(2026, 10, 5),
    coverage_start="2020-01-01",
    coverage_end="2030-01-01",
)
OTHER: dict[str, Any] = {
    "known": False,
    "mrp_id": "102",
    "answers": "given-name-missing=0",
    "family_name": "Other",
    "given_name": "Kim",
    "middle_names": None,
    "phn": "100000015",
    "phn_jurisdiction": "BC",
    "preferred_name": None,
    "birth_date": "1980-02-04",
    "gender": "M",
    "status": "IN",
    "since": datetime(2026, 3, 2, 12, tzinfo=UTC),
    "confirmed_on": date(2026, 3, 2),
    "confirmed_how": "last visit",
    "last_visit_on": date(2026, 10, 6),
    "coverage_start": "2020-01-02",
    "coverage_end": "2030-01-02",
}


@pytest.mark.parametrize("field", [field for field in MemberRow._fields if field != "patient_id"])
def test_a_member_has_changed_just_when_another_entry_is_sent(field: str) -> None:
    patient, member = patient_texts(Settings(), str, statuses=Statuses("AC", frozenset())), group_members(Settings())
    other = ROW._replace(**{field: OTHER[field]})
    entries = [(patient(row, "[]"), member(row, "Patient/1")) for row in (ROW, other)]
    assert (ROW.sent != other.sent) == (entries[0] != entries[1])
