"""What the sender of the current request may do, as OSCAR's REST interface says, instead of read from its tables."""

import logging
from collections.abc import Callable, Set
from dataclasses import dataclass
from functools import cached_property
from http import HTTPStatus
from pathlib import Path
from typing import Any

from ..privileges import MANAGE_PANELS, READ, RECORDS, WRITE, Privileges, closed_patient
from .rest import OscarRest, OscarUnavailable, SignedOut

log = logging.getLogger(__name__)

RIGHTS = "persona/rights"
HAS_RIGHT = "persona/hasRight"
ROLES = "providerService/self/security/roles"
NO_ANSWER_FIX = "Set privileges = tables."
_LEVELS = {"r": "READ", "u": "UPDATE", "w": "CREATE", "d": "DELETE"}


def note_in(folder: Path) -> Path:
    """The file that says that OSCAR does not report which records are closed."""
    return folder / "rights-by-rest-do-not-work"


class RestRights:
    """Rights by REST; by the tables once OSCAR turns out not to report which records are closed.

    Open-O's main line answers that question with status 500 for every user. It is noted in `folder`, for all processes
    and for good: those who want to try again remove the file.
    """

    def __init__(self, rest: OscarRest, folder: Path) -> None:
        self._rest = rest
        self._note = note_in(folder)
        self._noted = False

    def of(self, cookie: str, tables: Privileges) -> Privileges:
        """The rights of the user with this cookie; `tables` is what the tables say of them."""
        self._noted = self._noted or self._note.exists()
        return tables if self._noted else RightsByRest(self._rest, cookie, tables, self._note_failure)

    def _note_failure(self) -> None:
        self._noted = True
        try:
            self._note.touch(mode=0o600, exist_ok=False)
        except FileExistsError:
            return
        except OSError as error:
            log.warning("%s cannot be written (%s).", self._note, error.strerror)
        log.warning("OSCAR answers %s with status 500: rights are read from its tables. %s", RIGHTS, NO_ANSWER_FIX)


class RightsByRest:
    """Each right is asked for by itself, and kept as long as this object: for one request.

    A session that has ended has no rights. Every method raises OscarUnavailable. `on_failure` is called when
    OSCAR fails to report which records are closed; then `tables` does.
    """

    def __init__(self, rest: OscarRest, cookie: str, tables: Privileges, on_failure: Callable[[], None]) -> None:
        self._rest = rest
        self._cookie = cookie
        self._tables = tables
        self._on_failure = on_failure
        self._answers: dict[tuple[str, str, int | None], bool] = {}

    def may(self, object_name: str, level: str) -> bool:
        """Whether OSCAR says so."""
        return self._has(object_name, level)

    def may_see(self, patient_id: int) -> bool:
        """Whether OSCAR says so of this patient."""
        return self._has(RECORDS, READ, patient_id)

    @cached_property
    def closed(self) -> Set[int]:
        """The patients OSCAR names as closed."""
        try:
            response = self._rest.get(RIGHTS, self._cookie)
        except SignedOut:
            return frozenset()
        except OscarUnavailable as answer:
            if answer.status != HTTPStatus.INTERNAL_SERVER_ERROR:
                raise
            self._on_failure()
            return self._tables.closed
        patients = (closed_patient(*privilege) for privilege in _privileges_in(response))
        return {patient for patient in patients if patient is not None}

    def _has(self, object_name: str, level: str, patient_id: int | None = None) -> bool:
        key = (object_name, level, patient_id)
        if key not in self._answers:
            query = {"objectName": object_name, "privilege": level}
            if patient_id is not None:
                query["demographicNo"] = str(patient_id)
            try:
                self._answers[key] = _success_in(self._rest.get(HAS_RIGHT, self._cookie, **query))
            except SignedOut:
                self._answers[key] = False
        return self._answers[key]


@dataclass(frozen=True, slots=True)
class PermissionsByRest:
    """The names of all permissions, such as DEMOGRAPHIC_READ, as one branch of Juno lists them.

    They say nothing of single patients: `closed` are those the tables close.
    """

    names: frozenset[str]
    cpar_object: str
    closed: Set[int]

    def may(self, object_name: str, level: str) -> bool:
        """Whether the permission for this level of the object is among them."""
        return self._name(object_name, level) in self.names

    def may_see(self, patient_id: int) -> bool:
        """Whether records may be read, and this one is not closed."""
        return self.may(RECORDS, READ) and patient_id not in self.closed

    def _name(self, object_name: str, level: str) -> str:
        if (object_name, level) == (self.cpar_object, WRITE):
            return MANAGE_PANELS
        if not object_name.startswith("_"):
            return object_name  # a plugin's permission
        return f"{object_name.removeprefix('_').replace('.', '_').upper()}_{_LEVELS[level]}"


def permissions_by_rest(rest: OscarRest, cookie: str, cpar_object: str, closed: Set[int]) -> PermissionsByRest:
    """Ask for them. Raises OscarUnavailable."""
    try:
        response = rest.get(ROLES, cookie)
    except SignedOut:
        return PermissionsByRest(frozenset(), cpar_object, closed)
    if not isinstance(response, dict) or "securityPermissions" not in response:
        raise OscarUnavailable
    items = _as_list(response["securityPermissions"])
    names = (item.get("permission") if isinstance(item, dict) else item for item in items)
    return PermissionsByRest(frozenset(name for name in names if isinstance(name, str)), cpar_object, closed)


def _privileges_in(response: Any) -> list[tuple[str, str]]:
    """Object and privilege of each."""
    if not isinstance(response, dict) or "privileges" not in response:
        raise OscarUnavailable
    privileges = []
    for item in _as_list(response["privileges"]):
        object_name, privilege = (
            (item.get("objectName"), item.get("privilege")) if isinstance(item, dict) else (None, None)
        )
        if not isinstance(object_name, str) or not isinstance(privilege, str | None):
            raise OscarUnavailable
        privileges.append((object_name, privilege or ""))
    return privileges


def _success_in(response: Any) -> bool:
    """Older ones write a boolean as text."""
    value = response.get("success") if isinstance(response, dict) else response
    if value is True or value == "true":
        return True
    if value is False or value == "false":
        return False
    raise OscarUnavailable


def _as_list(value: Any) -> list[Any]:
    """Older ones write a list of one as that one, and an empty list as nothing."""
    if value is None or value == "":
        return []
    return value if isinstance(value, list) else [value]
