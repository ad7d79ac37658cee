"""By whose time zone rules a process goes, asked of processes that begin anew."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import tzdata

from ..zone_files import NEW, OLD, ZoneFiles, zone_files

__all__ = ["zone_files"]
PROGRAM = """
import logging, sys
logging.basicConfig(format="%(levelname)s %(message)s", level=logging.INFO, stream=sys.stderr)
from datetime import UTC, datetime
from zoneinfo import ZoneInfo
from cpar_plugin.host_kit import zone_rules
from cpar_plugin.host_kit.application import new_application
from cpar_plugin.host_kit.clock import SystemClock
ours = SystemClock().zone
new_application("x", cookie_name="x", secret_key="x", https_only=True)
winter = datetime(2026, 12, 1, 12, tzinfo=UTC)
print(*(winter.astimezone(zone).strftime("%z") for zone in (ours, ZoneInfo("America/Edmonton"))))
"""


def asked(folder: Path | None, **settings: str) -> tuple[str, str]:
    """The offset of 1 December 2026, for us and for everybody else in the process; and what the log says."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CPAR_")}
    environment |= {"PYTHONTZPATH": str(folder or "")} | settings
    result = subprocess.run(
        [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True
    )
    ours, others = result.stdout.split()
    assert ours == others
    return ours, result.stderr


def test_newer_rules_of_the_package_go_before_older_ones_of_the_system(zone_files: ZoneFiles) -> None:
    offset, log = asked(zone_files(OLD, "2025b"))
    assert offset == "-0600"
    assert log.count("Time zone rules:") == 1
    assert (
        f"WARNING Time zone rules: the package tzdata's ({tzdata.IANA_VERSION}); also there: the system's (2025b)"
        in log
    )


def test_newer_rules_of_the_system_go_before_those_of_the_package(zone_files: ZoneFiles) -> None:
    offset, log = asked(zone_files("<-05>5", "2031a"))
    assert offset == "-0500"
    assert "the system's (2031a); also there: the package" in log


def test_the_27th_release_of_a_year_is_newer_than_its_third(zone_files: ZoneFiles) -> None:
    assert "the system's (2026za)" in asked(zone_files(NEW, "2026za"))[1]


@pytest.mark.parametrize(("choice", "offset"), [("system", "-0700"), ("package", "-0600"), ("newest", "-0600")])
def test_a_setting_decides_whose_rules_are_used(zone_files: ZoneFiles, choice: str, offset: str) -> None:
    assert asked(zone_files(OLD, "2025b"), CPAR_ZONE_RULES=choice)[0] == offset


def test_a_system_that_does_not_say_how_old_its_rules_are_is_believed_where_it_makes_no_difference(
    zone_files: ZoneFiles,
) -> None:
    assert "the package tzdata's" in asked(zone_files(OLD, None))[1].split("also")[0]
    assert "the system's (version unknown)" in asked(zone_files(NEW, None))[1].split("also")[0]


def test_without_rules_of_the_system_those_of_the_package_are_used() -> None:
    offset, log = asked(None)
    assert (offset, "there are no others" in log) == ("-0600", True)


def test_a_setting_that_is_none_of_the_three_is_refused() -> None:
    environment = os.environ | {"CPAR_DATABASE_URL": "sqlite://", "CPAR_ZONE_RULES": "latest"}
    result = subprocess.run(
        [Path(sys.executable).parent / "cpar", "status"], env=environment, capture_output=True, text=True
    )
    assert result.returncode != 0
    assert "zone_rules" in result.stderr
    assert "Traceback" not in result.stderr
