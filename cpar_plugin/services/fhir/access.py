"""How far a caller reaches: the members of their panels that the EMR lets them see."""

from typing import Any

from sqlalchemy import ColumnElement, Select, True_, true

from ...domain.refusals import NotFound
from ...hooks import Host
from ...store import tables
from ...store.types import key_of
from ..clients.caller import Caller


class Gone(NotFound):
    """It existed, and no longer does."""


def number(resource_id: str) -> int:
    """The key that is meant. Raises NotFound for what can be none."""
    key = key_of(resource_id)
    if key is None:
        raise NotFound("Resource not found.")
    return key


def may_read(host: Host, caller: Caller, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Which members the caller may read: those of their panels that the EMR lets a person see."""
    on_panels = true() if caller.panels is None else tables.member.c.panel_id.in_(caller.panels)
    return on_panels & visible(host, caller, patient_id)


def readable(host: Host, caller: Caller, members: Select[Any]) -> Select[Any]:
    """Those of these members whom the caller may read. The same statement for who may read all: it is compiled then."""
    condition = may_read(host, caller, tables.member.c.patient_id)
    return members if isinstance(condition, True_) else members.where(condition)


def visible(host: Host, caller: Caller, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The EMR's own bars are for people: a client is limited by its panels."""
    return true() if caller.client_id is not None else host.identity.visible(caller.actor, patient_id)
