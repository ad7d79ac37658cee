import pytest

from cpar_plugin.domain.submission import FINAL, LOUD, NEXT, UNDER_WAY, State


def reachable(state: State) -> set[State]:
    found: set[State] = set()
    ahead = [state]
    while ahead:
        for following in NEXT[ahead.pop()] - found:
            found.add(following)
            ahead.append(following)
    return found


def test_every_state_says_what_may_follow_it() -> None:
    assert set(NEXT) == set(State)


@pytest.mark.parametrize("state", State)
def test_every_state_that_is_not_final_leads_to_a_final_one(state: State) -> None:
    assert state in FINAL or reachable(state) & FINAL


@pytest.mark.parametrize("state", sorted(FINAL))
def test_nothing_follows_a_final_state(state: State) -> None:
    assert NEXT[state] == frozenset()


def test_every_state_is_reached_from_a_request() -> None:
    assert reachable(State.QUEUED) == set(State)


def test_only_what_was_being_sent_can_have_arrived() -> None:
    for arrived in (State.DELIVERED, State.WRITTEN):
        assert [state for state in State if arrived in NEXT[state]] == [State.SENDING]


def test_what_is_under_way_can_no_longer_be_cancelled() -> None:
    assert not any(State.CANCELLED in NEXT[state] for state in UNDER_WAY)
    assert not UNDER_WAY & FINAL


def test_what_ended_without_arriving_is_told_unless_somebody_called_it_off() -> None:
    assert {State.DELIVERED, State.WRITTEN, State.CANCELLED} == FINAL - LOUD
