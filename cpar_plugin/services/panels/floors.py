"""The floor of each panel: how many patients it must have, and by whose rule."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, select, update

from ...domain.floor import Floor, floor_of
from ...domain.refusals import NotFound, Stale
from ...hooks import Actor, Host
from ...store.tables import panel
from ..operations import clinic, record
from ..operations.record import OperationKind
from .listing import NO_SUCH_PANEL


@dataclass(frozen=True, slots=True)
class SavedFloor:
    """A panel's floor, None for none, and the panel's version."""

    floor: Floor | None
    version: int


def floors(connection: Connection, panel_id: int | None) -> Mapping[int, Floor]:
    """The floors of one panel, or of all live ones, by panel; one without a floor is not in it. One statement."""
    of_panel = () if panel_id is None else (panel.c.panel_id == panel_id,)
    columns = panel.c.panel_id, panel.c.floor_kind, panel.c.floor_patients
    query = select(*columns).where(panel.c.live_number.is_not(None), panel.c.floor_kind.is_not(None), *of_panel)
    result = {key: floor_of(kind, patients) for key, kind, patients in connection.execute(query)}
    return {key: floor for key, floor in result.items() if floor}


def load(connection: Connection, panel_id: int) -> SavedFloor:
    """The floor of a live panel. Raises NotFound."""
    columns = panel.c.floor_kind, panel.c.floor_patients, panel.c.version
    row = connection.execute(
        select(*columns).where(panel.c.panel_id == panel_id, panel.c.live_number.is_not(None))
    ).one_or_none()
    if row is None:
        raise NotFound(NO_SUCH_PANEL)
    return SavedFloor(floor_of(row.floor_kind, row.floor_patients), row.version)


def save(host: Host, actor: Actor, panel_id: int, version: int, floor: Floor | None) -> None:
    """Give the panel this floor. Nothing is done where it has it. Raises NotFound, and Stale for an old `version`."""
    with host.database.session() as session:
        clinic.lock(session)
        saved = load(session.connection(), panel_id)
        if saved.floor == floor:
            return
        if saved.version != version:
            raise Stale("Someone else changed this panel in the meantime. Nothing was saved: review it and try again.")
        values = {"floor_kind": floor.kind if floor else None, "floor_patients": floor.patients if floor else None}
        session.execute(update(panel).where(panel.c.panel_id == panel_id).values(**values, version=version + 1))
        record.begin(session, host, actor, OperationKind.EDIT_PANEL, panel_id=panel_id, detail=values)
