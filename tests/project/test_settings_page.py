"""The page about the settings names every setting, with the default that it has."""

import re
from datetime import time
from pathlib import Path

import pytest

from cpar_plugin.host_kit.time_limits import TimeLimits
from cpar_plugin.settings import Settings
from oscar_host.fleet.settings import FleetSettings
from oscar_host.own_sessions import SessionSettings
from oscar_host.sidecar.settings import SidecarSettings

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/reference/settings.md").read_text(encoding="utf-8")
ROWS = {name: default.strip("`") for name, default in re.findall(r"^\| `(\w+)` \| (.+?) \| .+ \|$", PAGE, re.MULTILINE)}
DEFAULTS = Settings()
# Of two applications, each with a default of its own, which stand in the words.
SHARED_WITH_A_FLEET = {"trusted_proxies", "zone_rules", "log_format"}  # with the same defaults
SHARED = {"secret_key", "https_only"}
BESIDE_OSCAR = {name: field for name, field in SidecarSettings.model_fields.items() if name not in SHARED}
OF_A_FLEET = {name: field for name, field in FleetSettings.model_fields.items() if name not in SHARED_WITH_A_FLEET}
OF_THE_HOST = {**TimeLimits.model_fields, **SessionSettings.model_fields}


def written(default: object) -> str:
    match default:
        case "":
            return "none"
        case bool():
            return "yes" if default else "no"
        case time():
            return default.isoformat("minutes")
        case float():
            return f"{default:g}"
        case _:
            return str(default)


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_of_the_plugin_is_on_the_page_with_its_default(name: str) -> None:
    assert ROWS[name] == written(getattr(DEFAULTS, name))


@pytest.mark.parametrize("name", BESIDE_OSCAR)
def test_every_setting_next_to_an_oscar_is_on_the_page_with_its_default(name: str) -> None:
    assert ROWS[name] == written(BESIDE_OSCAR[name].default)


@pytest.mark.parametrize("name", OF_THE_HOST)
def test_every_setting_of_the_host_is_on_the_page_with_its_default(name: str) -> None:
    assert ROWS[name] == written(OF_THE_HOST[name].default)


@pytest.mark.parametrize("name", OF_A_FLEET)
def test_every_setting_of_a_fleet_is_on_the_page_with_its_default(name: str) -> None:
    assert ROWS[name] == written(OF_A_FLEET[name].default)


def of_the_host() -> set[str]:
    folders = ROOT / "oscar_host", ROOT / "host_kit"
    sources = "\n".join(path.read_text(encoding="utf-8") for folder in folders for path in folder.rglob("*.py"))
    return set(re.findall(r'\b(?:settings|(?<!request\.)values)\.(?:get|pop)\("(\w+)"', sources))


def test_every_setting_of_the_host_is_on_the_page() -> None:
    assert {"database_url", "host_schema"} <= of_the_host() <= set(ROWS)


def test_the_page_shows_no_setting_that_does_not_exist() -> None:
    assert set(ROWS) == {*Settings.model_fields, *BESIDE_OSCAR, *OF_THE_HOST, *OF_A_FLEET} | of_the_host()
