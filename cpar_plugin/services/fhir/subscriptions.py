"""Subscriptions as resources: each client sees its own."""

from typing import Any

import orjson
from sqlalchemy import Connection, Row, Select, select

from ...domain.client_id import number_in
from ...domain.refusals import NotFound
from ...fhir_mappings.subscription import subscription
from ...settings import Settings
from ...store import tables
from ...store.types import key_of
from ..clients.caller import Caller
from .versions import Versioned, stamped

_TABLE = tables.subscription
_NONE = "Subscription not found. A client has only its own."


class SubscriptionSource:
    """The subscriptions that a caller has made. A person has none."""

    kind = "Subscription"

    def __init__(self, settings: Settings, caller: Caller) -> None:
        self._settings = settings
        self._client_no = key_of(number_in(caller.client_id or "") or "0") or 0

    def select(self) -> Select[Any]:
        """The caller's, as they are stored, in the order in which they were made."""
        return select(_TABLE).where(_TABLE.c.client_id == self._client_no).order_by(_TABLE.c.subscription_id)

    def everything(self, connection: Connection) -> list[Versioned]:
        """All of them as resources."""
        return [self.versioned(row) for row in connection.execute(self.select())]

    def row(self, connection: Connection, resource_id: str) -> Row[Any]:
        """One of them as it is stored. Raises NotFound."""
        row = connection.execute(self.select().where(_TABLE.c.resource_id == resource_id)).one_or_none()
        if row is None:
            raise NotFound(_NONE)
        return row

    def read(self, connection: Connection, resource_id: str) -> Versioned:
        """One of them. Raises NotFound."""
        return self.versioned(self.row(connection, resource_id))

    def versioned(self, row: Row[Any]) -> Versioned:
        """The resource of a row of `select`."""
        panel_ids = None if row.panels is None else orjson.loads(row.panels)
        resource = subscription(row, panel_ids, orjson.loads(row.header_names), self._settings)
        text = stamped(orjson.dumps(resource), row.version, row.changed_at)
        return Versioned(self.kind, row.resource_id, text, row.version, row.changed_at)
