"""Whether there is room where files are written, and whether they may be written at all."""

import os
import shutil
import tempfile
from pathlib import Path
from typing import Final

from ...hooks import Health, Host
from ...settings import Settings

_MIB: Final = 1024 * 1024
LEAST_FREE: Final = 1024 * _MIB


def outbox(host: Host, settings: Settings) -> Health:
    """Whether submissions can be written, where they go to a folder."""
    if settings.transport != "folder":
        return Health.ok("Submissions go to the registry; no folder is used.")
    return room(settings.outbox_folder, "outbox_folder")


def exports(host: Host, settings: Settings) -> Health:
    """Whether bulk exports can be written."""
    return room(settings.fhir_export_folder, "fhir_export_folder", parents=True)


def room(folder: Path, setting: str, *, parents: bool = False, least_free: int = LEAST_FREE) -> Health:
    """Whether a file can be made in the folder, and so many bytes are free. A file is made, and removed at once.

    A folder that is not there yet is made when it is first needed, the folders above it only with `parents`.
    """
    place = existing = folder.absolute()
    if not place.exists():
        existing = next(path for path in place.parents if path.exists() or not parents)
        if not (existing.is_dir() and os.access(existing, os.W_OK | os.X_OK)):
            return Health.failure(
                f"The folder {place} ({setting}) does not exist and cannot be created.", _make(setting, "Create it for")
            )
    try:
        if existing == place:
            tempfile.TemporaryFile(dir=place, prefix=".doctor-").close()
        free = shutil.disk_usage(existing).free
    except OSError as error:
        why = error.strerror or type(error).__name__
        return Health.failure(
            f"Nothing can be written to {place} ({setting}): {why}.", _make(setting, "Make it a folder of")
        )
    message = f"{place} ({setting}) is writable, with {free // _MIB:,} MiB free"
    if free < least_free:
        return Health.warning(
            f"{message}: low on space.", f"Free up space, or set {setting} to a folder with more than a gigabyte free."
        )
    return Health.ok(f"{message}.")


def _make(setting: str, instruction: str) -> str:
    return f"{instruction} the user that the application runs as, with mode 700, or set {setting} to another folder."
