"""How far a caller reaches: the members of their panels, whom the EMR lets them see."""

from sqlalchemy import ColumnElement, true

from ...domain.refusals import NotFound
from ...hooks import Host
from ...store import tables
from ...store.types import KEYS
from ..clients.caller import Caller


class Gone(NotFound):
    """It was there, and is no longer."""


def number(resource_id: str) -> int:
    """The key that is meant. Raises NotFound for what can be none."""
    plain = resource_id.isascii() and resource_id.isdigit() and not resource_id.startswith("0")
    if not plain or len(resource_id) > 19 or int(resource_id) not in KEYS:
        raise NotFound("Resource not found.")
    return int(resource_id)


def may_read(host: Host, caller: Caller, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
    """Which members the caller may read: those of their panels, and whom the EMR lets a person see."""
    on_panels = true() if caller.panels is None else tables.member.c.panel_id.in_(caller.panels)
    return on_panels & visible(host, caller, patient_id)


def visible(host: Host, caller: Caller, patient_id: ColumnElement[int]) -> ColumnElement[bool]:
    """The EMR's own bars are for people: a client is limited by its panels."""
    return true() if caller.client_id is not None else host.identity.visible(caller.actor, patient_id)
