"""The values that travel between a host and its plugins."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import NamedTuple, Self

from markupsafe import Markup


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """Who a plugin is, and the contract versions it works with, as a PEP 440 range such as `>=1.0,<2`.

    .. versionadded:: 1.0
    """

    name: str
    version: str
    contract: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """The person, or the system itself, on whose behalf something happens. `actor_id` is the host's provider id.

    `role` is what the host calls the person's roles, "" where it does not say. Two of one id and name are the same.

    .. versionadded:: 1.0
    """

    actor_id: str
    display_name: str
    role: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Widget:
    """One box on the patient page, in three forms so that any kind of host can show it.

    `body` is escaped HTML for server templates, `refresh_url` serves the same fragment over HTTP, `summary` and
    `href` are for a host that draws the box itself. Boxes are in ascending `order`.

    .. versionadded:: 1.0
    """

    key: str
    title: str
    body: Markup
    refresh_url: str
    summary: str
    href: str
    order: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientNote:
    """What a list of the host's, such as a day sheet or the results of a search, says of one of its patients.

    `text` is for a column that is headed `title`. `to_do` are whole sentences: a mark with them is next to a patient
    who has any. `work_url` serves an HTML fragment in which a person works on it, "" for none: it has forms as long as
    there is something to do. A form is sent with the header `HX-Request` and answered with a new first `li`; a button
    with `data-key` is also pressed by that key. 204: nothing can be done today.

    .. versionadded:: 1.0
    """

    patient_id: int
    title: str
    text: str
    to_do: tuple[str, ...] = ()
    work_url: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class MenuItem:
    """One entry under a `section` of the host's administration menu. Entries are in ascending `order`.

    .. versionadded:: 1.0
    """

    section: str
    label: str
    href: str
    order: int = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Permission:
    """A right that an administrator of the host can put into a role.

    .. versionadded:: 1.0
    """

    name: str
    description: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """Work that the host's scheduler starts every `every`, passing the aware moment of the run.

    A run may come late, twice or in several processes at once: the job decides what is due and must bear that.

    .. versionadded:: 1.0
    """

    name: str
    every: timedelta
    run: Callable[[datetime], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class MigrationSource:
    """An Alembic script folder and the table that keeps its version, apart from the host's own.

    .. versionadded:: 1.0
    """

    script_location: Path
    version_table: str


class StatusKind(StrEnum):
    """What a patient's status means, whatever the host calls it: `discharged` by the clinic, which ended the care.

    .. versionadded:: 1.0
    """

    ACTIVE = "active"
    INACTIVE = "inactive"
    MOVED = "moved"
    DECEASED = "deceased"
    DISCHARGED = "discharged"


class HealthLevel(StrEnum):
    """How well something is: `ok`, `warning` (works, look at it) or `failure` (does not work).

    .. versionadded:: 1.0
    """

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The outcome of a check in plain words, and how to fix it (empty when all is well). No patient data.

    .. versionadded:: 1.0
    """

    level: HealthLevel
    message: str
    remedy: str = ""

    @classmethod
    def ok(cls, message: str) -> Self:
        """All is well."""
        return cls(level=HealthLevel.OK, message=message)

    @classmethod
    def warning(cls, message: str, remedy: str) -> Self:
        """It works, but someone should look at it."""
        return cls(level=HealthLevel.WARNING, message=message, remedy=remedy)

    @classmethod
    def failure(cls, message: str, remedy: str) -> Self:
        """It does not work."""
        return cls(level=HealthLevel.FAILURE, message=message, remedy=remedy)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notice:
    """One line above every page of the person it is meant for, until its cause is over. No patient data.

    `href` leads to where it can be fixed, "" where there is no such page.

    .. versionadded:: 1.0
    """

    level: HealthLevel
    message: str
    href: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class HealthCheck:
    """A named check that the host's operator can run at any time.

    One that needs the database is not run where that cannot be used, or the plugin's tables are not there.

    .. versionadded:: 1.0
    """

    name: str
    run: Callable[[], Health]
    needs_database: bool = True


class AuditEvent(NamedTuple):
    """One line of the host's audit trail. A tuple, which is made in a third of the time: there may be thousands.

    `action` is a verb of the host (`read`, `add`, `update`, `delete`, `sent`), `noun` the kind of thing, `key` which
    one, `detail` a short text without any patient data but record numbers. `address` is where the request came from,
    for an event that is recorded after its request; None: the host takes it from the current one.

    .. versionadded:: 1.0
    """

    actor: Actor
    action: str
    noun: str
    key: str
    patient_id: int | None = None
    detail: str = ""
    address: str | None = None
