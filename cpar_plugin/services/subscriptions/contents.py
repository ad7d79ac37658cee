"""What a notification holds: the status with the next events and, where asked for, the resources they are about."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import Connection, Row, select

from ...domain.subscription import NotificationType, PayloadContent
from ...fhir_mappings.identifiers import Resource
from ...fhir_mappings.subscription import entry, is_visible, notification, status
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ..clients.caller import Caller
from ..fhir.access import readable
from ..fhir.group_members import members
from ..fhir.groups import GroupSource
from ..fhir.patients import PatientSource
from ..fhir.search.request import Shape, Summary
from ..fhir.search.shape import shaped

_EVENT = tables.subscription_event
# Of a Group in a notification only the patients concerned are members: it is tagged as a part.
_GROUP_PARTS = Shape(Summary.FALSE, frozenset({"identifier", "active", "code", "name", "managingEntity", "member"}))


@dataclass(frozen=True, slots=True)
class Notification:
    """A Bundle as JSON, the last event in it (None without events), and whom it is about."""

    body: bytes
    last: int | None
    patient_ids: Sequence[int]


class NotificationContents:
    """Of one subscription, for its client as a caller, on one connection."""

    def __init__(self, connection: Connection, host: Host, settings: Settings, caller: Caller, row: Row[Any]) -> None:
        self._connection = connection
        self._host = host
        self._settings = settings
        self._caller = caller
        self._row = row

    def events(self, first: int, last: int, most: int) -> Sequence[Row[Any]]:
        """Those with numbers from `first` to `last`, as far as they are kept, `most` of them."""
        query = select(_EVENT).where(
            _EVENT.c.subscription_id == self._row.subscription_id, _EVENT.c.number.between(first, last)
        )
        return self._connection.execute(query.order_by(_EVENT.c.number).limit(most)).all()

    def notification(
        self, kind: NotificationType, events: Sequence[Row[Any]] = (), content: PayloadContent | None = None
    ) -> Notification:
        """`content`: less or more than the subscription has; the caller may see it."""
        level = PayloadContent(self._row.content) if content is None else content
        panels = self._caller.panels
        of_status = status(self._row, kind, self._settings, events, content=level, visible=panels)
        visible = [event for event in events if is_visible(event, panels)]
        patient_ids = sorted({event.patient_id for event in visible}) if level is not PayloadContent.EMPTY else []
        entries: list[Resource] = []
        if level is PayloadContent.FULL_RESOURCE and visible:
            entries = [*self._patients(patient_ids), *self._groups(visible, patient_ids)]
        bundle = notification(self._row, of_status, self._host.clock.now(), entries)
        return Notification(orjson.dumps(bundle), events[-1].number if events else None, patient_ids)

    def _patients(self, patient_ids: Sequence[int]) -> Iterator[Resource]:
        """Each as it is now; one who is no longer on a panel that the client sees is deleted, as far as it goes."""
        source = PatientSource(self._host, self._settings, self._caller)
        rows = self._connection.execute(source.select().where(source.key.in_(patient_ids))).all()
        found = {versioned.resource_id: versioned.text for versioned in source.versioned(self._connection, rows)}
        for patient_id in map(str, patient_ids):
            text = found.get(patient_id)
            yield entry(self._row.base, f"Patient/{patient_id}", None if text is None else orjson.Fragment(text))

    def _groups(self, events: Sequence[Row[Any]], patient_ids: Sequence[int]) -> Iterator[Resource]:
        """The panels concerned, each with those of the patients who are its members now."""
        panel_ids = {event.panel_id for event in events} | {event.from_panel_id for event in events}
        source = GroupSource(self._host, self._settings, self._caller)
        rows = self._connection.execute(source.select().where(source.key.in_(panel_ids - {None}))).all()
        member = tables.member.c.patient_id
        for group in source.versioned(self._connection, rows):
            part = orjson.loads(shaped("Group", group.text, _GROUP_PARTS))
            chunks = members(
                self._connection,
                self._settings,
                int(group.resource_id),
                lambda every: readable(self._host, self._caller, every.where(member.in_(patient_ids))),
            )
            present = orjson.loads(b"[" + b",".join(chunks) + b"]")
            resource = {**part, **({"member": present} if present else {})}
            yield entry(self._row.base, f"Group/{group.resource_id}", resource)
