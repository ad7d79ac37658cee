"""`Clock` and `settings`: the time of the clinic, and what the operator has set."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from .bench import Bench


def test_the_clock_returns_moments_in_utc(bench: Bench) -> None:
    assert bench.host.clock.now().tzinfo is UTC, "the tzinfo of a moment is datetime.UTC"


def test_each_call_reads_the_clock(bench: Bench) -> None:
    noon = datetime(2026, 11, 10, 12, tzinfo=bench.host.clock.zone)
    for moment in (noon, noon + timedelta(hours=1)):
        bench.set_clock(moment)
        now = bench.host.clock.now()
        assert (now if now.tzinfo else now.replace(tzinfo=bench.host.clock.zone)) == moment


def test_the_zone_is_one_that_knows_of_summer_and_winter(bench: Bench) -> None:
    assert isinstance(bench.host.clock.zone, ZoneInfo), "a fixed offset is wrong for half of the year"


def test_settings_are_texts_under_lower_case_names(bench: Bench) -> None:
    settings = bench.host.settings
    assert isinstance(settings, Mapping)
    assert {name: type(value) for name, value in settings.items() if not isinstance(value, str)} == {}
    assert [name for name in settings if name != name.lower()] == []
