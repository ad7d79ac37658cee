"""The clinics of a fleet, each with settings of its own, read again when something in these changes."""

import logging
import os
import re
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Final

from cpar_plugin.hooks import Refused

from ..ini_file import sections_of
from ..references import files, resolved
from .checking import address_of, check, check_pages, with_own_folders
from .clinic import FleetClinic, FleetReading, WrongClinic
from .folder_store import FileMark, FolderStore, file_mark
from .settings import FleetFile, FleetSettings
from .shared import shared_data, shared_pages
from .store import ClinicStore, StoredClinic, Unreadable
from .table_store import TableStore

log = logging.getLogger(__name__)

NAME: Final = re.compile(r"[A-Za-z0-9]+(-[A-Za-z0-9]+)*")
_LONGEST_NAME: Final = 64
NAME_RULE: Final = f"letters, digits and hyphens, {_LONGEST_NAME} at most."
DRAINING: Final = "draining"  # the setting, which lets pages and commands say why nothing is submitted


@dataclass(frozen=True, slots=True)
class _Known:
    mark: Hashable
    references: tuple[FileMark, ...]  # of the files that its settings refer to
    clinic: FleetClinic | WrongClinic


def is_name(name: str) -> bool:
    """Whether a clinic may be called so, in addresses, folders and metrics."""
    return NAME.fullmatch(name) is not None and len(name) <= _LONGEST_NAME


def store_of(fleet: FleetSettings) -> ClinicStore:
    """Where the fleet's clinics are kept. Nothing is read yet. Raises Refused for a URL that cannot be used."""
    return TableStore(fleet.clinics_url) if fleet.clinics_url else FolderStore(fleet.clinics)


class Clinics:
    """Those of one fleet. Any number of threads may read."""

    def __init__(self, file: FleetFile) -> None:
        """Raises Refused where the folder, or the table, cannot be read."""
        self.settings: FleetSettings = file.fleet
        self.store = store_of(file.fleet)
        self._every_clinic = file.every_clinic
        self._lock = Lock()
        self._known: dict[str, _Known] = {}
        self._reading = FleetReading({}, {})
        self._look_at = 0.0
        try:
            self._look()
        except Unreadable as error:
            raise Refused({"clinics": str(error)}) from None

    def read(self) -> FleetReading:
        """What is kept now, or was `look_seconds` ago. Where it cannot be read any longer: as it was then."""
        if monotonic() >= self._look_at and self._lock.acquire(blocking=False):
            try:
                self._look()
            except Unreadable as error:
                log.error("the clinics of the fleet cannot be read: %s", error)
                self._look_at = monotonic() + max(self.settings.look_seconds, self.store.rest_seconds)
            finally:
                self._lock.release()
        return self._reading

    def checked(self, name: str, text: str) -> FleetClinic | WrongClinic:
        """What these settings would be as the clinic of this name, others not considered."""
        return self._clinic(StoredClinic(name, "the settings", text, lambda: text))

    def _look(self) -> None:
        stored, known = self.store.look(), self._known
        self._known = {one.name: self._entry(one, known.get(one.name)) for one in stored.clinics}
        if self._known != known or stored.draining != self._reading.draining:
            self._reading = _reading([one.clinic for one in self._known.values()], self.settings, stored.draining)
        self._look_at = monotonic() + self.settings.look_seconds

    def _entry(self, stored: StoredClinic, known: _Known | None) -> _Known:
        if known and known.mark == stored.mark and known.references == tuple(map(_again, known.references)):
            return known
        # Before they are read: a change while they are being read is seen the next time.
        references = tuple(map(file_mark, _referred(stored, self._every_clinic)))
        return _Known(stored.mark, references, self._clinic(stored))

    def _clinic(self, stored: StoredClinic) -> FleetClinic | WrongClinic:
        return _clinic(stored, self.settings, self._every_clinic)


def _again(mark: FileMark) -> FileMark:
    return file_mark(Path(mark[0]))


def _referred(stored: StoredClinic, every_clinic: Mapping[str, str]) -> list[Path]:
    try:
        return [*files({**every_clinic, **_section(stored)})]
    except Refused:
        return []


def _section(stored: StoredClinic) -> dict[str, str]:
    return sections_of(stored.read(), "cpar")["cpar"]


def _clinic(stored: StoredClinic, fleet: FleetSettings, every_clinic: Mapping[str, str]) -> FleetClinic | WrongClinic:
    name, address = stored.name, address_of(stored.name, {}, fleet)
    if not is_name(name):
        return WrongClinic(name, f"Rename {stored.origin}: {NAME_RULE}", address)
    try:
        # Of its processes, in which settings are checked.
        of_fleet = {
            "log_format": fleet.log_format,
            DRAINING: "no",
            "scheduler": "workers" if fleet.broker_url else "fleet",
        }
        settings = {**every_clinic, **_section(stored), **of_fleet}
        address = address_of(name, settings, fleet)
        data_folder = fleet.data_folder / name
        settings = with_own_folders(resolved(settings, os.environ), data_folder)
        check(settings)
    except Refused as refused:
        return WrongClinic(name, f"Correct {stored.origin}: {refused}", address)
    settings |= {"context_path": address[address.index("/") :]}
    return FleetClinic(name, settings, address, check_pages(settings, fleet), data_folder, stored.file)


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
