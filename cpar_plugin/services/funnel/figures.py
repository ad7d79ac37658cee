"""What is known of a panel, or of each, from the EMR to the payment."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from ...domain.floor import Floor, FloorStatus, PanelSize, status
from ...domain.funnel import FunnelFigures, PatientCount, StepCount, steps
from ...domain.metrics import MONTHS
from ...hooks import Actor, Host
from ...settings import Settings
from ...store.tables import member
from ..panels.floors import floors
from ..reports.panel_lists import latest_lists
from ..roster import coverage
from .kept_months import PanelMonth, panel_months
from .members_now import members_now


@dataclass(frozen=True, slots=True)
class PanelFunnel:
    """A panel's figures and steps, and its last months, the earliest first; none where nothing is known of them."""

    figures: FunnelFigures
    steps: Sequence[StepCount]
    months: Sequence[PanelMonth]
    floor: Floor | None
    floor_status: FloorStatus | None  # None without a floor, and before any size is known


def funnels(connection: Connection, host: Host, settings: Settings, panel_id: int | None) -> Mapping[int, PanelFunnel]:
    """One panel, or each live one, by panel id. All patients are counted, whoever looks."""
    now = members_now(connection, host, settings, panel_id)
    months = panel_months(connection, host, panel_id, MONTHS)
    lists = latest_lists(connection, host, panel_id)
    panel_floors = floors(connection, panel_id)
    result = {}
    for key, counts in now.items():
        of_panel = months.get(key, ())
        figures = FunnelFigures(
            members=counts.members,
            excluded=counts.excluded,
            confirmation_only=counts.confirmation_only,
            sent=counts.sent,
            received=_last([one.received for one in of_panel]),
            attached=_last([one.attached for one in of_panel]),
            listed=lists.get(key),
            coverage_ended=counts.coverage_ended if coverage.is_watched(host, settings) else None,
        )
        floor = panel_floors.get(key)
        floor_status = status(floor, list(_sizes(of_panel))) if floor else None
        result[key] = PanelFunnel(figures, steps(figures), of_panel, floor, floor_status)
    return result


def _sizes(months: Sequence[PanelMonth]) -> Iterator[PanelSize]:
    """The panel in each month: as the registry has attached its patients, else as they were sent."""
    for one in months:
        if count := one.attached or one.sent:
            yield PanelSize(count.on or one.month, count.patients, attached=one.attached is not None)


def _last(counts: Sequence[PatientCount | None]) -> PatientCount | None:
    return next((count for count in reversed(counts) if count is not None), None)


def hidden_members(connection: Connection, host: Host, actor: Actor, panel_id: int | None) -> int:
    """How many members the actor may not see: the lists do not have them."""
    of_panel = () if panel_id is None else (member.c.panel_id == panel_id,)
    hidden = select(func.count()).where(~host.identity.visible(actor, member.c.patient_id), *of_panel)
    return connection.scalar(hidden.select_from(member)) or 0
