"""Groups: the live panels. Their members may be very many: they are streamed, never held.

What changes a Group's version is stored where it happens: a change of membership (store.ledger), a last visit
(`refresh`). All else of it, number and providers, is few and is compared by its digest, as other resources are.
"""

from array import array
from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import Any, Final, NamedTuple

import orjson
from sqlalchemy import ColumnElement, Connection, Row, Select, bindparam, func, literal, select, update

from ...domain.panel_state import PanelState
from ...domain.refusals import NotFound
from ...fhir_mappings.identifiers import relative
from ...fhir_mappings.panel_group import ListStatus, panel_group
from ...fhir_mappings.structures import panel_profile_url
from ...hooks import Host
from ...settings import Settings
from ...store import tables
from ...store.joined import joined
from ...store.prepared import prepared
from ...store.types import key_of
from ...store.versions import number_at, to_the_second
from ..clients.caller import Caller
from ..clients.tokens import StatementWithValues
from ..operations import clinic
from ..roster import rates
from .access import Gone, number, readable
from .group_members import few_members, members
from .in_portions import END, as_one, portions
from .kept_members import KeptMembers
from .practitioner_roles import role_ids_of_panels
from .versions import Versioned, digest, stamped

_MOST_HELD: Final = 4096  # members of an answer that is put together before it is sent, far below a mebibyte in SQL
_NO_GROUP = "Panel not found, or you do not have access to it."

_PANEL: Final = tables.panel.c
_LAST_UPDATED: Final = func.coalesce(_PANEL.group_changed_at, _PANEL.created_at)
_COLUMNS: Final[Mapping[str, ColumnElement[Any]]] = {
    "panel_id": _PANEL.panel_id,
    "number": _PANEL.number,
    "state": _PANEL.state,
    "digest": _PANEL.group_digest,
    "version": _PANEL.group_version,
    "members_version": _PANEL.group_members_version,
    "last_updated": _LAST_UPDATED,
}
_MEMBER_COUNT: Final = (
    select(func.count()).where(tables.member.c.panel_id == _PANEL.panel_id).correlate(tables.panel).scalar_subquery()
)
# Made once: to put a statement together takes longer than to ask it.
_LIVE: Final[Select[Any]] = select(
    *(column.label(name) for name, column in {**_COLUMNS, "member_count": _MEMBER_COUNT}.items())
).where(_PANEL.deleted_at.is_(None))
_ONE: Final = prepared(_LIVE.where(_PANEL.panel_id == bindparam("key")))
_MEMBER_IDS: Final = as_one(
    select(tables.member.c.patient_id).where(tables.member.c.panel_id.in_(bindparam("panel_ids", expanding=True))),
    joined(tables.member.c.patient_id, literal(END)),
)


class HeldMembers(NamedTuple):
    """The members of some Groups: the patients in order, and by the id of each Group its members as JSON."""

    patient_ids: Sequence[int]
    texts: Mapping[str, bytes]


class GroupSource:
    """The live panels that a caller may read."""

    kind = "Group"

    def __init__(self, host: Host, settings: Settings, caller: Caller) -> None:
        self._host = host
        self._settings = settings
        self._caller = caller
        self.key: ColumnElement[int] = _PANEL.panel_id
        self.last_updated: ColumnElement[Any] = _LAST_UPDATED
        self.columns = _COLUMNS
        self._readable = partial(readable, host, caller)

    def select(self) -> Select[Any]:
        """Every panel that the caller may read, in `columns`, and how many members each has.

        To be narrowed, ordered and cut by the columns.
        """
        panels = self._caller.panels
        return _LIVE if panels is None else _LIVE.where(_PANEL.panel_id.in_(panels))

    def versioned(self, connection: Connection, rows: Sequence[Row[Any]]) -> list[Versioned]:
        """The Groups of rows of `select`, all but `member`. Two statements; writes where something has changed."""
        if not rows:
            return []
        ids = {row.panel_id for row in rows}
        roles = role_ids_of_panels(connection, ids)
        month_rates = rates.of_last_month(connection, self._host, ids)
        served = []
        for row in rows:
            group = panel_group(
                row,
                roles.get(row.panel_id, []),
                self._settings,
                relative,
                status=ListStatus.OPEN,
                rates=month_rates.get(row.panel_id),
                state=PanelState(row.state),
            )
            group["meta"] = {"profile": [panel_profile_url(self._settings)]}
            # With the address that the members' extensions have.
            content = digest([group, self._settings.uri_definitions if row.member_count else None])
            is_current = row.digest == content
            version, changed_at = (row.version, row.last_updated) if is_current else _move(self._host, row, content)
            group["quantity"] = row.member_count
            text = stamped(orjson.dumps(group), version, changed_at)
            served.append(Versioned(self.kind, group["id"], text, version, changed_at))
        return served

    def read(self, connection: Connection, resource_id: str, rows: Sequence[Row[Any]] = ()) -> Versioned:
        """One Group without its members; `rows` are those of `group_with_id`, where a client's were read already.

        Raises NotFound, and Gone for a panel that was deleted.
        """
        panel_id = number(resource_id)
        if self._caller.panels is not None and panel_id not in self._caller.panels:
            raise NotFound(_NO_GROUP)
        rows = rows or connection.execute(_ONE, {"key": panel_id}).all()
        if rows:
            return self.versioned(connection, rows)[0]
        if connection.scalar(select(_PANEL.panel_id).where(_PANEL.panel_id == panel_id)) is not None:
            raise Gone("This panel was deleted.")
        raise NotFound(_NO_GROUP)

    def body(self, connection: Connection, group: Versioned, held: HeldMembers | None = None) -> Iterator[bytes]:
        """The whole Group as JSON, in chunks. Read it to the end, on the connection on which `group` was read."""
        before = group.text[:-1] + b',"member":['
        has_members = False
        members_text = held.texts[group.resource_id] if held else b""
        chunks = self.members(connection, int(group.resource_id)) if held is None else filter(None, [members_text])
        for chunk in chunks:
            yield b"," if has_members else before
            yield chunk
            has_members = True
        yield b"]}" if has_members else group.text

    def held(
        self, connection: Connection, groups: Sequence[Versioned], kept: KeptMembers | None = None
    ) -> HeldMembers | None:
        """The members of these Groups, which were read on this connection: by one statement for each that is not
        `kept`. None where they are too many to be held.
        """
        if sum(group.resource["quantity"] for group in groups) > _MOST_HELD:
            return None
        if self._caller.client_id is None:  # a person, whom the EMR may bar from some of the members
            kept = None
        ids: list[int] = []
        texts: dict[str, bytes] = {}
        for group in groups:
            read = partial(few_members, connection, self._settings, int(group.resource_id), self._readable)
            of_group, texts[group.resource_id] = kept.of(group, read) if kept else read()
            ids += of_group
        return HeldMembers(ids if len(groups) == 1 else sorted(ids), texts)

    def member_ids(self, connection: Connection, panel_ids: Collection[int]) -> Sequence[int]:
        """Whom `members` of these panels are about, in order: eight bytes for each."""
        query, ids = self._readable(_MEMBER_IDS), array("q")
        for portion in portions(connection, query, tables.member.c.patient_id, panel_ids=list(panel_ids)):
            ids.extend(sorted(map(int, portion)))
        return ids

    def members(self, connection: Connection, panel_id: int) -> Iterator[bytes]:
        """The members as JSON, some at a time and joined by commas, in the order of the patients' ids.

        Patients that a person may not see in the EMR are excluded; `quantity` counts them.
        """
        return members(connection, self._settings, panel_id, self._readable)


def group_with_id(resource_id: str) -> StatementWithValues | None:
    """What a client that may read all panels is given of a Group; None for what can be no id."""
    key = key_of(resource_id)
    return StatementWithValues(_ONE, {"key": key}) if key else None


def _move(host: Host, group: Row[Any], content: bytes) -> tuple[int, datetime]:
    """Keep the digest and move the version on. Returns version and moment of what was seen.

    Where members have changed since it was seen, what was seen gets a number of its own before that of the newer Group.
    """
    panel = tables.panel.c
    of_panel = panel.panel_id == group.panel_id
    columns = select(panel.group_version, panel.group_members_version, panel.group_digest, panel.group_changed_at)
    with host.database.session() as session:
        clinic.lock(session)  # or a change of members, which has the row by a foreign key, and this wait for each other
        now = host.clock.now()
        moment = to_the_second(now)
        version, members_version, stored_digest, changed_at = session.execute(
            columns.where(of_panel).with_for_update()
        ).one()
        following = max(version + 1, number_at(now))
        if members_version != group.members_version:
            newer = {"group_version": following + 1, "group_changed_at": moment}
            session.execute(update(tables.panel).where(of_panel).values(newer))
            return following, moment
        if stored_digest == content:  # another reader was quicker
            return version, changed_at
        if stored_digest is None:  # never read before
            moment = to_the_second(group.last_updated)
        values = {"group_version": following, "group_changed_at": moment, "group_digest": content}
        session.execute(update(tables.panel).where(of_panel).values(values))
    return following, moment
