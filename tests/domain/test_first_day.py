"""The checklist of the first day."""

from typing import Any

import pytest

from cpar_plugin.domain.first_day import FirstStep, steps

NOTHING: dict[str, Any] = {
    "configured": False,
    "panels": 0,
    "providers_without_id": 0,
    "members": 0,
    "recipients": False,
    "exclusions_seen": False,
}


@pytest.mark.parametrize(
    ("state", "done"),
    [
        ({}, set()),
        ({"configured": True}, {FirstStep.CLINIC}),
        ({"panels": 2}, {FirstStep.PANELS, FirstStep.PRACTITIONER_IDS}),
        ({"panels": 2, "providers_without_id": 1}, {FirstStep.PANELS}),
        ({"exclusions_seen": True}, set()),
        ({"members": 1, "exclusions_seen": True}, {FirstStep.PATIENTS, FirstStep.EXCLUSIONS}),
        ({"recipients": True}, {FirstStep.MAIL}),
    ],
)
def test_a_step_is_done_by_what_is_there(state: dict[str, Any], done: set[FirstStep]) -> None:
    result = steps(**NOTHING | state)
    assert list(result) == list(FirstStep)
    assert {step for step, is_done in result.items() if is_done} == done
