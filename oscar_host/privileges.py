"""OSCAR's privileges, exactly as OSCAR reads them. No SQL here: rules over the rows of secObjPrivilege."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

READ = "r"
WRITE = "w"
_ALL = "x"
_BLOCKED = "o"
_OF_ONE_PATIENT = "_demographic$"
PERMISSION_OBJECTS = {"CONFIGURE_CPAR_PANEL_CREATE": ("_admin.cpar", WRITE)}


def object_of(permission: str) -> tuple[str, str]:
    """The object that stands for a plugin's permission, and the letter that is wanted on it.

    A permission that nobody has mapped to an object of OSCAR is an object of its own name.
    """
    return PERMISSION_OBJECTS.get(permission, (permission, WRITE))


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
    return allows(known, "_demographic", READ) if override is None else override


def patient_overrides(grants: Iterable[Grant]) -> dict[int, bool]:
    """By patient, where rows named `_demographic$123` decide for patient 123: may the record be read?

    An `o` among them blocks, whatever else they grant.
    """
    of_patient: dict[int, list[Grant]] = {}
    for grant in grants:
        patient = grant.object_name.removeprefix(_OF_ONE_PATIENT)
        if patient != grant.object_name and patient.isascii() and patient.isdigit():
            of_patient.setdefault(int(patient), []).append(grant)
    return {patient: _readable(rows) for patient, rows in of_patient.items()}


def _readable(rows: list[Grant]) -> bool:
    name = rows[0].object_name
    blocked = any(_BLOCKED in grant.privilege.split("|") for grant in _heeded(rows, name))
    return not blocked and allows(rows, name, READ)
