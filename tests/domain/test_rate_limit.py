from datetime import UTC, datetime, timedelta

from cpar_plugin.domain.rate_limit import RateLimit

NOW = datetime(2026, 11, 28, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def test_what_one_limit_refuses_counts_for_none_of_them() -> None:
    limit = RateLimit()
    assert [limit.seconds_to_wait({"small": 1, "large": 3}, NOW) for _ in range(5)] == [0, 60, 60, 60, 60]
    assert [limit.seconds_to_wait({"large": 3}, NOW) for _ in range(3)] == [0, 0, 60]


def test_the_wait_is_until_the_minute_is_over_and_never_nothing() -> None:
    limit = RateLimit()
    assert limit.seconds_to_wait({"name": 1}, NOW) == 0
    assert limit.seconds_to_wait({"name": 1}, NOW + timedelta(seconds=20)) == 40
    assert limit.seconds_to_wait({"name": 1}, NOW + MINUTE - timedelta(milliseconds=1)) == 1
    assert limit.seconds_to_wait({"name": 1}, NOW + MINUTE) == 0


def test_what_is_taken_back_frees_its_own_minute_and_no_later_one() -> None:
    limit = RateLimit()
    assert limit.seconds_to_wait({"name": 1}, NOW) == 0
    limit.take_back(["name"], NOW)
    assert limit.seconds_to_wait({"name": 1}, NOW) == 0
    assert limit.seconds_to_wait({"name": 1}, NOW + MINUTE) == 0
    limit.take_back(["name"], NOW)
    assert limit.seconds_to_wait({"name": 1}, NOW + MINUTE) == 60


def test_a_caller_after_ten_thousand_others_shares_one_count() -> None:
    limit = RateLimit()
    for number in range(10_000):
        assert limit.seconds_to_wait({number: 1}, NOW) == 0
    assert limit.seconds_to_wait({"late": 1}, NOW) == 0
    assert limit.seconds_to_wait({"later": 1}, NOW) == 60
    assert limit.seconds_to_wait({"later": 1}, NOW + MINUTE) == 0
