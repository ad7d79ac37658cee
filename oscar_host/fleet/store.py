"""Where the settings of a fleet's clinics are kept: a folder of files, or a table of a database."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

NO_TEXT: Final = "It is not text in UTF-8."


class Unreadable(Exception):
    """The folder or the table cannot be read now. Its text says why, without an account or a password."""


def shown(name: str) -> str:
    """A name as it can be printed, in a terminal and on a page: what cannot is written as in `na\\udcefve`."""
    if name.isprintable():  # as nearly all are: a look at a fleet asks it of each clinic
        return name
    return "".join(one if one.isprintable() else ascii(one)[1:-1] for one in name)


@dataclass(frozen=True, slots=True)
class StoredClinic:
    """The settings of one clinic, as they are kept."""

    name: str  # one that can be printed
    origin: str  # for the operator: what to correct, such as the path of a file
    mark: Hashable  # another one as soon as something was changed
    read: Callable[[], str]  # the text of an INI file with a section [cpar]; raises Refused where it cannot be had
    file: Path | None = None


@dataclass(frozen=True, slots=True)
class StoredClinics:
    """All of them at one moment."""

    clinics: tuple[StoredClinic, ...]
    draining: frozenset[str] = frozenset()  # names


class ClinicStore(Protocol):
    """Either of the two. What is changed here is seen by all processes of the fleet, without a restart."""

    place: str  # for the operator: where clinics are kept
    rest_seconds: float  # after a failure, until it is read again

    def look(self) -> StoredClinics:
        """What is kept now, in the order of names. Raises Unreadable."""

    def origin(self, name: str) -> str:
        """What an operator corrects for this clinic, whether it is there yet or not."""

    def add(self, name: str, text: str) -> None:
        """Keep a new clinic's settings, whole or not at all. Raises Refused where the name has been taken."""

    def replace(self, name: str, text: str) -> None:
        """Keep other settings for a clinic that is there."""

    def remove(self, name: str) -> str:
        """Take a clinic away; returned is where its settings are kept now."""

    def drain(self, name: str, *, end: bool = False) -> None:
        """Mark a clinic as draining, or no longer; an empty name marks all, those that come later too."""
