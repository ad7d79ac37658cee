"""OSCAR's privileges, exactly as OSCAR reads them. No SQL here: rules over the rows of secObjPrivilege."""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

from cpar_plugin.host_kit.names import folded

READ = "r"
WRITE = "w"
ADMINISTRATION = "_admin"
RECORDS = "_demographic"
CPAR = "_admin.cpar"
_ALL = "x"
_BLOCKED = "o"
OF_ONE_PATIENT = f"{RECORDS}$"
MANAGE_PANELS = "CONFIGURE_CPAR_PANEL_CREATE"


class Privileges(Protocol):
    """What one provider may do. `level` is a letter: r read, u update, w create, d delete."""

    def may(self, object_name: str, level: str) -> bool:
        """Whether the provider has this right on an object of OSCAR's."""

    def may_see(self, patient_id: int) -> bool:
        """Whether the provider may read the record of this patient."""

    @property
    def closed(self) -> Set[int]:
        """The patients whose records are closed to the provider, whatever holds for all others."""


def object_of(permission: str, cpar_object: str = CPAR) -> tuple[str, str]:
    """The object of a plugin's permission, and the letter that is required on it.

    A permission that no one has mapped to an object of OSCAR is an object of its own name.
    """
    return (cpar_object if permission == MANAGE_PANELS else permission, WRITE)


@dataclass(frozen=True, slots=True)
class Grant:
    """One row of secObjPrivilege: a group (a role, or one provider) has a privilege such as `r|w` on an object."""

    group: str
    object_name: str
    privilege: str
    priority: int


def closed_patient(object_name: str, privilege: str) -> int | None:
    """The patient whose record a row for that patient alone closes; None for every other row.

    Whatever its priority, and whatever it seems to give: OSCAR asks whether it holds an `o`, and r, u, w and x do. No
    such row opens a record.
    """
    patient = patient_of(object_name)
    return patient if patient is not None and _holds(privilege, _BLOCKED) else None


def patient_of(object_name: str) -> int | None:
    """The patient an object such as `_demographic$123` is about; None for every other object."""
    name = folded(object_name)
    number = name.removeprefix(OF_ONE_PATIENT)
    plain = number != name and number.isascii() and number.isdigit() and not number.startswith("0")
    return int(number) if plain else None


def _holds(privilege: str, level: str) -> bool:
    """Letters are compared as text, so that a higher one holds the lower ones: d < o < r < u < w < x."""
    parts = (part.strip() for part in privilege.split("|"))
    return any(part == _ALL or part >= level for part in parts)


@dataclass(frozen=True)
class Grants:
    """Privileges as these rows of secObjPrivilege say, all of them of the provider's own groups.

    `closed_otherwise` are the patients whose records are closed by other means.
    """

    rows: tuple[Grant, ...]
    closed_otherwise: Set[int] = frozenset()

    def may(self, object_name: str, level: str) -> bool:
        """Whether the rows that count for the object give the letter, or a higher one."""
        return any(_holds(grant.privilege, level) for grant in self._effective_grants(object_name))

    def may_see(self, patient_id: int) -> bool:
        """Whether the rows let this patient's record be read."""
        return self.may(RECORDS, READ) and patient_id not in self.closed

    @cached_property
    def closed(self) -> Set[int]:
        """The patients rows of their own close, and those closed otherwise."""
        patients = (closed_patient(grant.object_name, grant.privilege) for grant in self.rows)
        return self.closed_otherwise | {patient for patient in patients if patient is not None}

    @cached_property
    def _by_object(self) -> Mapping[str, list[Grant]]:
        grants: dict[str, list[Grant]] = {}
        for grant in self.rows:
            grants.setdefault(folded(grant.object_name), []).append(grant)
        return grants

    def _effective_grants(self, object_name: str) -> Iterator[Grant]:
        """By falling priority, up to the first that is not 0."""
        rows = self._by_object.get(folded(object_name), [])
        for grant in sorted(rows, key=lambda row: (-row.priority, row.group)):
            yield grant
            if grant.priority != 0:
                return
