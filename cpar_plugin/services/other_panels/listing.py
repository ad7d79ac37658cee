"""The affiliations and caseloads that there are."""

from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, func, select

from ...domain.panel_kind import OtherKind, other_kind_of
from ...domain.panel_state import PanelState
from ...domain.refusals import NotFound
from ...hooks import Host
from ...store.tables import other_member, other_panel
from ...store.types import KEYS
from ..roster.providers import provider_name

NO_SUCH_PANEL: Final = "Affiliation or caseload not found. It may have been deleted."


@dataclass(frozen=True, slots=True)
class OtherPanel:
    """An affiliation or a caseload. `provider` is a name, '' where it is of no one provider."""

    other_panel_id: int
    kind: OtherKind
    name: str
    provider_id: str
    provider: str
    state: PanelState
    version: int
    members: int

    @property
    def label(self) -> str:
        """What people call it: its name, and its provider's."""
        return f"{self.name} ({self.provider})" if self.provider else self.name


def live(connection: Connection, host: Host, kind: OtherKind | None = None) -> list[OtherPanel]:
    """All of them, or those of one kind, by kind and name."""
    query = _panels(host).where(other_panel.c.live_name.is_not(None))
    if kind:
        query = query.where(other_panel.c.kind == kind)
    return [_panel(row) for row in connection.execute(query.order_by(other_panel.c.kind, other_panel.c.name))]


def get(connection: Connection, host: Host, other_panel_id: int) -> OtherPanel:
    """One that there is. Raises NotFound."""
    query = _panels(host).where(other_panel.c.other_panel_id == other_panel_id, other_panel.c.live_name.is_not(None))
    row = connection.execute(query).one_or_none() if other_panel_id in KEYS else None
    if row is None:
        raise NotFound(NO_SUCH_PANEL)
    return _panel(row)


def _panels(host: Host) -> Select[Any]:
    provider, panel = host.roster.providers(), other_panel.c
    members = select(func.count()).where(other_member.c.other_panel_id == panel.other_panel_id)
    return select(
        panel.other_panel_id,
        panel.kind,
        panel.name,
        panel.provider_id,
        panel.state,
        panel.version,
        provider.c.family_name,
        provider.c.given_name,
        members.scalar_subquery().label("members"),
    ).outerjoin_from(other_panel, provider, provider.c.provider_id == panel.provider_id)


def _panel(row: Row[Any]) -> OtherPanel:
    return OtherPanel(
        other_panel_id=row.other_panel_id,
        kind=other_kind_of(row.kind),
        name=row.name,
        provider_id=row.provider_id,
        provider=provider_name(row.family_name, row.given_name, row.provider_id) if row.provider_id else "",
        state=PanelState(row.state),
        version=row.version,
        members=row.members,
    )
