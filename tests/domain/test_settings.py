from contextlib import suppress
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cpar_plugin.domain.calendar import Calendar
from cpar_plugin.domain.refusals import Refused
from cpar_plugin.settings import Settings, load

EDMONTON = ZoneInfo("America/Edmonton")


def test_the_defaults_are_the_calendar_of_the_guide() -> None:
    assert load({}).calendar(EDMONTON) == Calendar(EDMONTON)


def test_settings_come_as_text_and_what_belongs_to_others_is_ignored() -> None:
    settings = load({"automatic_day": " 9 ", "given_name_required": "yes", "night_run_at": "02:45", "theme": "dark"})
    assert (settings.automatic_day, settings.given_name_required) == (9, True)
    assert settings.night_run_at.isoformat("minutes") == "02:45"


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"automatic_day": "seven"}, "automatic_day"),
        ({"transport": "pigeon"}, "transport"),
        ({"transport": "fhir"}, "registry_url"),
        ({"registry_token_url": "https://registry.example/token"}, "registry_client_id"),
        ({"registry_client_certificate": "cert.pem"}, "registry_client_key"),
        ({"smtp_host": "mail.example"}, "smtp_from"),
        ({"smtp_port": "70000"}, "smtp_port"),
        ({"snapshot_keep_days": "0"}, "snapshot_keep_days"),
        ({"registry_read_seconds": "-1"}, "registry_read_seconds"),
    ],
)
def test_a_wrong_setting_is_refused_by_its_name(settings: dict[str, str], named: str) -> None:
    with pytest.raises(Refused, match=named):
        load(settings)


def test_every_wrong_setting_is_named_at_once_and_no_value_is_reported() -> None:
    with pytest.raises(Refused) as refused:
        load({"automatic_day": "hunter2", "smtp_port": "hunter2", "registry_client_secret": "hunter2"})
    message = str(refused.value)
    assert "automatic_day" in message
    assert "smtp_port" in message
    assert "hunter2" not in message


def test_secrets_do_not_show_in_a_printed_setting() -> None:
    settings = load({"registry_client_secret": "hunter2", "smtp_password": "hunter2"})
    assert "hunter2" not in repr(settings)


@given(st.dictionaries(st.sampled_from(list(Settings.model_fields)), st.text(max_size=10), max_size=4))
def test_any_text_in_any_setting_is_taken_or_refused_and_never_breaks(settings: dict[str, str]) -> None:
    with suppress(Refused):
        assert load(settings)
