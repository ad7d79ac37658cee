"""What is known of a fleet's clinics: of one that can be used, of one that cannot, and of all."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches
from pathlib import Path

from cpar_plugin.hooks import Refused

from ..host import OscarHost, from_settings


@dataclass(frozen=True, slots=True)
class FleetClinic:
    """One clinic: its name in addresses, messages and metrics, and all of its settings."""

    name: str
    settings: Mapping[str, str] = field(repr=False)  # hold secrets
    address: str = ""  # below which its pages are: a path, or a host's name and a path
    pages_fault: str = ""  # why they are not served; its submissions are made all the same
    data_folder: Path = Path()
    file: Path | None = None  # with its settings, where they are in a file

    def open(self) -> OscarHost:
        """Its host, which the caller closes. Nothing is connected yet. Raises Refused without a folder of its own."""
        self.own_folder()
        return from_settings(self.settings)

    def own_folder(self, *below: str) -> Path:
        """Its folder of data, or one below it, made where it is not there. Raises Refused where it cannot be."""
        folder = self.data_folder.joinpath(*below)
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            message = f"data_folder: the folder {folder} cannot be made ({error.strerror})."
            remedy = "Let the user that this runs as write to data_folder, on a disk that has room."
            raise Refused({"data_folder": f"{message} {remedy}"}) from None
        return folder


@dataclass(frozen=True, slots=True)
class WrongClinic:
    """One whose settings cannot be used: it has no pages, and no submissions are made, until these are corrected."""

    name: str
    reason: str  # for the operator: what to do
    address: str = ""


@dataclass(frozen=True, slots=True)
class FleetReading:
    """The folder, or the table, as it was at one moment."""

    clinics: Mapping[str, FleetClinic]  # by name
    wrong: Mapping[str, WrongClinic]
    draining: frozenset[str] = frozenset()  # nothing new is begun for these

    def clinic(self, name: str) -> FleetClinic:
        """The clinic of this name. Raises Refused where there is none, or its settings are wrong."""
        if name in self.wrong:
            raise Refused({"clinic": f"{name}: {self.wrong[name].reason}"})
        if name not in self.clinics:
            similar = get_close_matches(name, [*self.clinics, *self.wrong])
            names = f" Similar names: {', '.join(similar)}." if similar else ""
            raise Refused({"clinic": f"The fleet has no clinic {name}.{names}"})
        return self.clinics[name]
