"""Clinics for which nothing new is begun: an empty file `NAME.draining` in the folder of clinics, `.draining` for all.

A file, and not a column of the clinic's database: it is there before the database can be reached, and goes to every
machine with the folder.
"""

from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Final

SUFFIX: Final = ".draining"


def marked(files: Iterable[str], clinics: Collection[str]) -> frozenset[str]:
    """Those of the clinics that are draining, by the names of all files in the folder."""
    names = {name.removesuffix(SUFFIX) for name in files if name.endswith(SUFFIX)}
    return frozenset(clinics if "" in names else names.intersection(clinics))


def mark(folder: Path, name: str = "") -> None:
    """Begin nothing new for this clinic, or for any."""
    (folder / f"{name}{SUFFIX}").touch(mode=0o644)


def unmark(folder: Path, name: str = "") -> None:
    """Begin again."""
    (folder / f"{name}{SUFFIX}").unlink(missing_ok=True)
