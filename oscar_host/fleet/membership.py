"""Clinics come into a fleet and go out of it: their files are written and moved whole, so that no half is ever read."""

import os
import tempfile
from pathlib import Path
from typing import Final

from cpar_plugin.hooks import Refused
from cpar_plugin.services.submissions.under_way import under_way

from ..migrate import installed_plugins
from . import draining
from .clinic import FleetClinic, WrongClinic
from .clinics import SUFFIX, Clinics
from .settings import FleetSettings
from .shared import shared_data, shared_pages

_REMOVED: Final = ".removed"  # not read, and there to be added again


def add(clinics: Clinics, name: str, content: str) -> FleetClinic:
    """Bring the clinic's tables up to date, then write its file, which only the user of the service can read.

    Raises Refused where the name is taken, or the settings cannot be used; then nothing has been written.
    """
    folder, reading = clinics.settings.clinics, clinics.read()
    if name in reading.clinics or name in reading.wrong:
        raise Refused({"name": f"The fleet has a clinic {name} already: {folder / name}{SUFFIX}."})
    with tempfile.NamedTemporaryFile("w", dir=folder, prefix=".", suffix=".new", encoding="utf-8") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
        clinic = clinics.checked(name, Path(file.name))
        if isinstance(clinic, WrongClinic):
            raise Refused({"settings": clinic.reason.replace(file.name, "the settings")})
        for _, reason in _in_common([*reading.clinics.values(), clinic], clinics.settings):
            raise Refused({"settings": reason})
        with clinic.open() as host:
            installed_plugins(host)
        Path(file.name).chmod(0o600)
        try:
            os.link(file.name, folder / f"{name}{SUFFIX}")
        except FileExistsError:
            raise Refused({"name": f"Someone else has just added {name}."}) from None
    _sync(folder)
    return clinic


def _in_common(clinics: list[FleetClinic], fleet: FleetSettings) -> list[tuple[str, str]]:
    """What the last one must not share. Those before it may share something already."""
    shared = shared_data(clinics) + (shared_pages(clinics) if fleet.pages else [])
    return [(name, reason) for name, reason in shared if name == clinics[-1].name]


def remove(clinics: Clinics, name: str, *, force: bool = False) -> Path:
    """Take the clinic out of the fleet; where its file is kept is returned. Its database is not changed.

    Raises Refused while submissions are queued or begun, unless the clinic is draining; then, while a worker has any.
    """
    folder, reading = clinics.settings.clinics, clinics.read()
    if not force:
        clinic = reading.clinic(name)
        with clinic.open() as host:
            now = under_way(host, host.clock.now())
        if now.unfinished and name not in reading.draining:
            message = f"Submissions of {name} that are queued or in progress: {now.unfinished}. Run first: "
            raise Refused({"name": f"{message}cpar fleet drain {name}"})
        if now.claimed:
            raise Refused({"name": f"Submissions of {name} that are being worked on: {now.claimed}. Try again later."})
    file = folder / f"{name}{SUFFIX}"
    if name not in reading.clinics and name not in reading.wrong:
        raise Refused({"name": f"The fleet has no clinic {name}."})
    kept = file.with_suffix(_REMOVED)
    file.replace(kept)
    draining.unmark(folder, name)
    _sync(folder)
    return kept


def _sync(folder: Path) -> None:
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
