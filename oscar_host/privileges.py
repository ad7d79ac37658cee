"""OSCAR's privileges, exactly as OSCAR reads them. No SQL here: rules over the rows of secObjPrivilege."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

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
    """What one provider may do. `wanted` is a letter: r read, u update, w create, d delete."""

    def may(self, object_name: str, wanted: str) -> bool:
        """Whether the provider has this right on an object of OSCAR's."""

    def may_see(self, patient_id: int) -> bool:
        """Whether the provider may read the record of this patient."""

    def overrides(self) -> Mapping[int, bool]:
        """The patients for whom something else may hold than for all others: may the record be read?"""


def object_of(permission: str, cpar_object: str = CPAR) -> tuple[str, str]:
    """The object that stands for a plugin's permission, and the letter that is wanted on it.

    A permission that nobody has mapped to an object of OSCAR is an object of its own name.
    """
    return (cpar_object if permission == MANAGE_PANELS else permission, WRITE)


@dataclass(frozen=True, slots=True)
class Grant:
    """One row of secObjPrivilege: a group (a role, or one provider) has a privilege such as `r|w` on an object."""

    group: str
    object_name: str
    privilege: str
    priority: int


def allows(grants: Iterable[Grant], object_name: str, wanted: str) -> bool:
    """Whether these rows, all of the user's own groups, give `wanted` on the object.

    Letters are compared as text, so that a higher one holds the lower ones: d < o < r < u < w < x.
    """
    return any(
        part == _ALL or part >= wanted for grant in _heeded(grants, object_name) for part in grant.privilege.split("|")
    )


def _heeded(grants: Iterable[Grant], object_name: str) -> Iterator[Grant]:
    """The rows of an object that count: by falling priority, up to the first that is not 0."""
    rows = [grant for grant in grants if grant.object_name == object_name]
    for grant in sorted(rows, key=lambda row: (-row.priority, row.group)):
        yield grant
        if grant.priority != 0:
            return


def may_see(grants: Iterable[Grant], patient_id: int) -> bool:
    """Whether these rows, all of the user's own groups, let the user read the record of this patient."""
    known = tuple(grants)
    override = patient_overrides(known).get(patient_id)
    return allows(known, RECORDS, READ) if override is None else override


def patient_overrides(grants: Iterable[Grant]) -> dict[int, bool]:
    """By patient, where rows named `_demographic$123` decide for patient 123: may the record be read?

    An `o` among them blocks, whatever else they grant.
    """
    of_patient: dict[int, list[Grant]] = {}
    for grant in grants:
        patient = patient_of(grant.object_name)
        if patient is not None:
            of_patient.setdefault(patient, []).append(grant)
    return {patient: _readable(rows) for patient, rows in of_patient.items()}


def patient_of(object_name: str) -> int | None:
    """The patient whom an object such as `_demographic$123` is about; None for every other object."""
    number = object_name.removeprefix(OF_ONE_PATIENT)
    return int(number) if number != object_name and number.isascii() and number.isdigit() else None


def _readable(rows: list[Grant]) -> bool:
    name = rows[0].object_name
    blocked = any(_BLOCKED in grant.privilege.split("|") for grant in _heeded(rows, name))
    return not blocked and allows(rows, name, READ)


@dataclass(frozen=True, slots=True)
class Grants:
    """Privileges as the rows of secObjPrivilege say, all of them of the provider's own groups."""

    rows: tuple[Grant, ...]

    def may(self, object_name: str, wanted: str) -> bool:
        """Whether the rows give the letter, or a higher one."""
        return allows(self.rows, object_name, wanted)

    def may_see(self, patient_id: int) -> bool:
        """Whether the rows let this patient's record be read."""
        return may_see(self.rows, patient_id)

    def overrides(self) -> Mapping[int, bool]:
        """The patients who have rows of their own."""
        return patient_overrides(self.rows)
