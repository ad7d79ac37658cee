import pytest

from cpar_plugin.domain.submission import FINAL, LOUD, NEXT, UNDER_WAY, SubmissionState


def reachable(state: SubmissionState) -> set[SubmissionState]:
    result: set[SubmissionState] = set()
    ahead = [state]
    while ahead:
        for following in NEXT[ahead.pop()] - result:
            result.add(following)
            ahead.append(following)
    return result


def test_every_state_says_what_may_follow_it() -> None:
    assert set(NEXT) == set(SubmissionState)


@pytest.mark.parametrize("state", SubmissionState)
def test_every_state_that_is_not_final_leads_to_a_final_one(state: SubmissionState) -> None:
    assert state in FINAL or reachable(state) & FINAL


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_follows_a_final_state(state: SubmissionState) -> None:
    assert NEXT[state] == frozenset()


def test_every_state_is_reached_from_a_request() -> None:
    assert reachable(SubmissionState.QUEUED) == set(SubmissionState)


def test_only_what_was_being_sent_can_have_arrived() -> None:
    for arrived in (SubmissionState.DELIVERED, SubmissionState.WRITTEN):
        assert [state for state in SubmissionState if arrived in NEXT[state]] == [SubmissionState.SENDING]


def test_what_is_under_way_can_no_longer_be_cancelled() -> None:
    assert not any(SubmissionState.CANCELLED in NEXT[state] for state in UNDER_WAY)
    assert not UNDER_WAY & FINAL


def test_what_ended_without_arriving_is_reported_unless_someone_cancelled_it() -> None:
    assert {SubmissionState.DELIVERED, SubmissionState.WRITTEN, SubmissionState.CANCELLED} == FINAL - LOUD
