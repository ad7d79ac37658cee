"""The settings of a fleet: the section [fleet] of the file that CPAR_FLEET names."""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cpar_plugin.hooks import Refused
from cpar_plugin.host_kit import json_lines, text_lines, zone_rules
from cpar_plugin.settings import checked

from ..ini_file import sections
from ..references import resolved
from .sqlite_url import with_whole_path

VARIABLE: Final = "CPAR_FLEET"
_SECTION: Final = "fleet"
_BROKERS: Final = ("amqp", "amqps")
_DOMAIN: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*")


class FleetSettings(BaseModel):
    """Every setting with its default. The field's name is the setting's name."""

    model_config = ConfigDict(frozen=True, extra="ignore", str_strip_whitespace=True)

    clinics: Path = Path("clinics")
    clinics_url: str = Field(default="", repr=False)
    data_folder: Path = Path("data")
    look_seconds: float = Field(default=2, ge=0)
    zone_rules: Literal["newest", "system", "package"] = "newest"
    log_format: Literal["text", "json"] = "text"

    # Pages
    pages: bool = True
    by: Literal["path", "name"] = "path"
    domain: str = ""
    trusted_proxies: int = Field(default=0, ge=0)
    open_clinics: int = Field(default=32, ge=1)
    idle_seconds: float = Field(default=60, gt=0)

    # Work
    broker_url: str = Field(default="", repr=False)
    broker_ca_file: str = ""
    processes: int = Field(default=0, ge=0)
    clinics_at_once: int = Field(default=4, ge=1, le=64)
    clinic_panels_at_once: int = Field(default=2, ge=1, le=64)
    registry_panels_at_once: int = Field(default=8, ge=1, le=256)
    registry_pause_seconds: float = Field(default=30, gt=0)
    ask_minutes: float = Field(default=5, gt=0, le=10)
    job_minutes: float = Field(default=5, gt=0)

    @model_validator(mode="after")
    def _complete(self) -> "FleetSettings":
        if self.domain and not _DOMAIN.fullmatch(self.domain):
            raise ValueError("domain: write it like emr.example")
        if self.broker_url and not _is_broker(self.broker_url):
            raise ValueError("broker_url: write it like amqp://user:password@broker.example/cpar, or amqps:// for TLS")
        return self

    def decide(self) -> None:
        """Let this process write its log, and know of time zones, as the fleet's settings say."""
        zone_rules.decide(self.zone_rules)
        text_lines.write()
        json_lines.decide(self.log_format)

    @property
    def process_count(self) -> int:
        """How many processes commands work in."""
        return self.processes or len(os.sched_getaffinity(0))


def _is_broker(url: str) -> bool:
    try:
        address = urlsplit(url)
        return address.scheme in _BROKERS and address.port != 0  # raises for one that is no number
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class FleetFile:
    """What the file of a fleet says, paths whole."""

    path: Path
    fleet: FleetSettings
    every_clinic: Mapping[str, str] = field(repr=False)  # the section [cpar]: where a clinic's own file says nothing


def load(path: Path) -> FleetFile:
    """Read the file of a fleet. Raises Refused that names every wrong setting, never its value."""
    of_file = sections(path, _SECTION, VARIABLE)
    fleet = checked(FleetSettings, resolved(of_file[_SECTION], os.environ))
    fleet.decide()
    folder = path.absolute().parent
    whole = {
        "clinics": folder / fleet.clinics,
        "clinics_url": with_whole_path(fleet.clinics_url, folder),
        "data_folder": folder / fleet.data_folder,
        "broker_ca_file": str(folder / fleet.broker_ca_file) if fleet.broker_ca_file else "",
    }
    return FleetFile(path, fleet.model_copy(update=whole), of_file.get("cpar", {}))


def from_environment() -> FleetFile:
    """The same for the file that CPAR_FLEET names. Raises Refused where it names none."""
    name = os.environ.get(VARIABLE, "")
    if not name:
        raise Refused({"fleet": f"Set {VARIABLE} to the file with the fleet's settings, such as /etc/cpar/fleet.ini."})
    return load(Path(name))
