"""Which time zone rules this process uses: the operating system's, or those of the package tzdata. Decided once.

`zoneinfo` reads the system's files before the package, whichever is newer. On a system with rules from before IANA's
2026c, Alberta time is an hour behind from 1 November 2026 on. The decision is `zoneinfo`'s own search path: it holds
for everyone in the process who asks for a zone.
"""

import logging
import os
import re
import zoneinfo
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from typing import Final, Literal, get_args
from zoneinfo import ZoneInfo

from cpar_plugin.hooks import Refused

ALBERTA: Final = "America/Edmonton"
Source = Literal["system", "package"]
Choice = Literal["newest", Source]

log = logging.getLogger(__name__)

_VERSION: Final = re.compile(r"\b\d{4}[a-z]{1,2}\b")
_DAYS: Final = 2 * 366


@dataclass(frozen=True, slots=True)
class Rules:
    """One set of zone files on this machine, as it is on the disk now."""

    source: Source
    folder: Path
    version: str  # IANA's, such as 2026c; "" where the folder does not say

    def __str__(self) -> str:
        origin = "the system's" if self.source == "system" else "the package tzdata's"
        return f"{origin} ({self.version or 'version unknown'})"

    def zone(self, key: str) -> ZoneInfo:
        """The zone by these rules, read from the disk now. Raises OSError where they have none of that name."""
        with (self.folder / key).open("rb") as file:
            return ZoneInfo.from_file(file, key)


@dataclass(frozen=True, slots=True)
class Decision:
    """What there is, and which is used: None where there is no zone file at all."""

    choice: Choice
    system: Rules | None
    package: Rules | None
    used: Rules | None

    @property
    def sentence(self) -> str:
        """For people: which rules are used, and why."""
        other = self.package if self.used is self.system else self.system
        others = f"; also there: {other}" if other else "; there are no others"
        return f"Time zone rules: {self.used or 'none'}{others}. zone_rules = {self.choice}."

    @property
    def older(self) -> Rules | None:
        """The rules that are used, where the others are newer."""
        other = self.package if self.used is self.system else self.system
        newer = self.used and other and self.used.version and other.version and _age(other) > _age(self.used)
        return self.used if newer else None

    def log(self) -> None:
        """Say it. A warning where the rules that are not used say something else of Alberta."""
        differs = self.system and self.package and not agree(self.system.zone(ALBERTA), self.package.zone(ALBERTA))
        log.log(logging.WARNING if differs else logging.INFO, "%s", self.sentence)


_decided: Decision | None = None


def decide(choice: str = "") -> Decision:
    """Make the whole process use these rules: `newest`, `system` or `package`; without a choice by CPAR_ZONE_RULES.

    The first call decides, before anyone has used a zone; later ones return its decision. Raises Refused
    for anything else.
    """
    global _decided
    selected = choice.strip() or os.environ.get("CPAR_ZONE_RULES", "").strip() or "newest"
    if selected not in get_args(Choice)[:1] + get_args(Source):
        raise Refused({"zone_rules": "Set zone_rules to newest (the default), system or package."})
    if _decided is None:
        _decided = _look(selected, zoneinfo.TZPATH)  # type: ignore[arg-type]
        if _decided.used and _decided.used.source == "package":
            zoneinfo.reset_tzpath(to=())
            ZoneInfo.clear_cache()
    return _decided


def zone(key: str = ALBERTA) -> ZoneInfo:
    """The zone of that name by the rules that are decided. Raises what ZoneInfo does for a name that is none."""
    decide()
    return ZoneInfo(key)


def agree(first: ZoneInfo, second: ZoneInfo) -> bool:
    """Whether both have the same offset on every day of the next two years."""
    now = datetime.now(UTC)
    days = [now + timedelta(days=number) for number in range(_DAYS)]
    return all(day.astimezone(first).utcoffset() == day.astimezone(second).utcoffset() for day in days)


def _look(choice: Choice, path: tuple[str, ...]) -> Decision:
    system = next((rules for folder in path if (rules := _rules("system", Path(folder)))), None)
    try:
        package = _rules("package", Path(str(files("tzdata"))) / "zoneinfo")
    except ModuleNotFoundError:
        package = None
    return Decision(choice, system, package, _used(choice, system, package))


def _rules(source: Source, folder: Path) -> Rules | None:
    return Rules(source, folder, _version(folder)) if (folder / ALBERTA).is_file() else None


def _version(folder: Path) -> str:
    for name in ("tzdata.zi", "+VERSION"):
        try:
            with (folder / name).open(encoding="ascii", errors="replace") as file:
                match = _VERSION.search(file.readline())
        except OSError:
            continue
        if match:
            return match[0]
    return ""


def _used(choice: Choice, system: Rules | None, package: Rules | None) -> Rules | None:
    if system is None or package is None:
        return system or package
    match choice:
        case "system":
            return system
        case "package":
            return package
        case "newest" if system.version and package.version:
            return package if _age(package) > _age(system) else system
        case "newest":  # rules of unknown age are used only where it makes no difference
            return system if agree(system.zone(ALBERTA), package.zone(ALBERTA)) else package


def _age(rules: Rules) -> tuple[str, int, str]:
    return rules.version[:4], len(rules.version), rules.version
