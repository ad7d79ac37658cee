"""The eight kinds of resources, and where each comes from."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Connection, Row, Select

from ...domain.refusals import NotFound
from ...hooks import Host
from ...settings import Settings
from ..clients.caller import Caller
from .directory import KINDS as DIRECTORY
from .directory import DirectorySource
from .groups import GroupSource
from .patients import PatientSource
from .subscriptions import SubscriptionSource
from .tasks import TaskSource
from .versions import Versioned

LARGE = ("Patient", "Group", "Task")  # searched in the database, a page at a time
KINDS = (*DIRECTORY, "Subscription", *LARGE)


class Source(Protocol):
    """A kind of which there may be very many, as SQL: `select` is narrowed, ordered and cut by `columns`."""

    kind: str
    columns: Mapping[str, ColumnElement[Any]]
    key: ColumnElement[int]  # the id as a number: what pages follow
    last_updated: ColumnElement[Any]

    def select(self) -> Select[Any]:
        """All that the caller may read."""

    def versioned(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[Versioned]:
        """The resources of rows of `select`."""


def source(host: Host, settings: Settings, caller: Caller, kind: str) -> Source:
    """Where resources of one of LARGE come from."""
    if kind == "Patient":
        return PatientSource(host, settings, caller)
    if kind == "Task":
        return TaskSource(host, settings, caller)
    return GroupSource(host, settings, caller)


def everything(connection: Connection, host: Host, settings: Settings, caller: Caller, kind: str) -> list[Versioned]:
    """All of a small kind that the caller may read, in the order of ids."""
    if kind == "Subscription":
        return SubscriptionSource(settings, caller).everything(connection)
    return DirectorySource(host, settings, caller, kind).everything(connection)


def read(
    connection: Connection,
    host: Host,
    settings: Settings,
    caller: Caller,
    kind: str,
    resource_id: str,
    rows: Sequence[Row[Any]] = (),
) -> Versioned:
    """One resource; a Group without `member`. Raises NotFound, and Gone (a NotFound) for what was there before.

    `rows` are those of `patient_with_id` or `group_with_id`, where a client's were read already.
    """
    if kind == "Patient":
        return PatientSource(host, settings, caller).read(connection, resource_id, rows)
    if kind == "Group":
        return GroupSource(host, settings, caller).read(connection, resource_id, rows)
    if kind == "Task":
        return TaskSource(host, settings, caller).read(connection, resource_id)
    if kind == "Subscription":
        return SubscriptionSource(settings, caller).read(connection, resource_id)
    if kind in DIRECTORY:
        return DirectorySource(host, settings, caller, kind).read(connection, resource_id)
    raise NotFound("Resource type not supported.")
