"""The clinics of a fleet: a folder of settings files, one a clinic, read again when something in it changes."""

import logging
import os
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Final

from cpar_plugin.hooks import Refused

from ..ini_file import sections
from ..references import files, resolved
from . import draining
from .checking import address_of, check, check_pages, with_own_folders
from .clinic import FleetClinic, FleetReading, WrongClinic
from .settings import FleetFile, FleetSettings
from .shared import shared_data, shared_pages

log = logging.getLogger(__name__)

SUFFIX: Final = ".ini"
NAME: Final = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_LONGEST_NAME: Final = 64
DRAINING: Final = "draining"  # the setting, which lets pages and commands say why nothing is submitted
_Mark = tuple[str, int, int, int]  # a file as it is on the disk: path, time, size, number; zeros where there is none


@dataclass(frozen=True, slots=True)
class _File:
    marks: tuple[_Mark, ...]  # of the file, and of those that its settings refer to
    clinic: FleetClinic | WrongClinic


class Clinics:
    """Those of one fleet. Any number of threads may read."""

    def __init__(self, file: FleetFile) -> None:
        """Raises Refused where the folder cannot be read."""
        self.settings: FleetSettings = file.fleet
        self._every_clinic = file.every_clinic
        self._lock = Lock()
        self._files: dict[str, _File] = {}
        self._reading = FleetReading({}, {})
        self._looked_at = monotonic()
        try:
            self._look()
        except OSError as error:
            message = f"clinics: the folder {self.settings.clinics} cannot be read ({error.strerror})."
            raise Refused({"clinics": message}) from None

    def read(self) -> FleetReading:
        """The folder as it is now, or was `look_seconds` ago. Where it cannot be read any longer: as it was then."""
        if monotonic() - self._looked_at >= self.settings.look_seconds and self._lock.acquire(blocking=False):
            try:
                self._look()
            except OSError as error:
                log.error("the folder of clinics cannot be read: %s", error.strerror)
            finally:
                self._looked_at = monotonic()
                self._lock.release()
        return self._reading

    def checked(self, name: str, path: Path) -> FleetClinic | WrongClinic:
        """What a file would be as the clinic of this name, others not considered."""
        return _clinic(name, path, self.settings, self._every_clinic)

    def _look(self) -> None:
        folder, known = self.settings.clinics, self._files
        with os.scandir(folder) as entries:
            names = [entry.name for entry in entries]
        of_clinics = sorted(name.removesuffix(SUFFIX) for name in names if name.endswith(SUFFIX))
        self._files = {name: self._file(name, folder / f"{name}{SUFFIX}", known.get(name)) for name in of_clinics}
        marked = draining.marked(names, of_clinics)
        if self._files != known or marked != self._reading.draining:
            self._reading = _reading([file.clinic for file in self._files.values()], self.settings, marked)
        self._looked_at = monotonic()

    def _file(self, name: str, path: Path, known: _File | None) -> _File:
        if known and known.marks == tuple(_mark(mark[0]) for mark in known.marks):
            return known
        # Before it is read: a change while it is being read is seen the next time.
        marks = tuple(_mark(str(one)) for one in (path, *_referred(path, self._every_clinic)))
        return _File(marks, self.checked(name, path))


def _mark(path: str) -> _Mark:
    try:
        status = Path(path).stat()
    except OSError:
        return path, 0, 0, 0
    return path, status.st_mtime_ns, status.st_size, status.st_ino


def _referred(path: Path, every_clinic: Mapping[str, str]) -> list[Path]:
    try:
        return [*files({**every_clinic, **_section(path)})]
    except Refused:
        return []


def _section(path: Path) -> dict[str, str]:
    return sections(path, "cpar", "the fleet")["cpar"]


def _clinic(name: str, path: Path, fleet: FleetSettings, every_clinic: Mapping[str, str]) -> FleetClinic | WrongClinic:
    address = address_of(name, {}, fleet)
    if not NAME.fullmatch(name) or len(name) > _LONGEST_NAME:
        return WrongClinic(name, f"Rename {path}: letters, digits and hyphens, {_LONGEST_NAME} at most.", address)
    try:
        settings = {**every_clinic, **_section(path)}
        address = address_of(name, settings, fleet)
        data_folder = fleet.data_folder / name
        settings = with_own_folders(resolved(settings, os.environ), data_folder)
        check(settings)
    except Refused as refused:
        return WrongClinic(name, f"Correct {path}: {refused}", address)
    settings |= {"context_path": address[address.index("/") :], DRAINING: "no"}
    return FleetClinic(name, settings, address, check_pages(settings, fleet), data_folder, path)


def _reading(
    entries: Iterable[FleetClinic | WrongClinic], fleet: FleetSettings, marked: frozenset[str]
) -> FleetReading:
    """Of clinics in the order of their names. Of two that may not have something in common, the second is refused."""
    wrong = {entry.name: entry for entry in entries if isinstance(entry, WrongClinic)}
    clinics = {entry.name: entry for entry in entries if isinstance(entry, FleetClinic)}
    for name, reason in shared_data(clinics.values()):
        wrong[name] = WrongClinic(name, reason, clinics.pop(name).address)
    for name, fault in shared_pages(clinics.values()) if fleet.pages else ():
        clinics[name] = replace(clinics[name], pages_fault=fault)
    for name in marked & clinics.keys():
        clinics[name] = replace(clinics[name], settings={**clinics[name].settings, DRAINING: "yes"})
    return FleetReading(clinics, wrong, marked)
