from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from sqlalchemy import delete, update

from cpar_plugin.services.snapshots.build import Taken
from cpar_plugin.store import tables
from oscar_host.host import OscarHost

Take = Callable[..., Taken]
Read = Callable[[Taken], Any]
Member = Callable[..., int]
Submitted = Callable[[Taken, str], None]
Change = Callable[..., None]


def test_everybody_is_new_in_the_first_submission(valid_member: Member, take: Take, received: Read) -> None:
    members = {valid_member() for _ in range(3)}
    assert received(take()).changes() == dict.fromkeys(members, "new")


@pytest.mark.parametrize("state", ["delivered", "written"])
def test_each_member_tells_what_has_changed_since_the_last_submission(
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
