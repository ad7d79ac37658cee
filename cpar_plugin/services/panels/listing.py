"""The live panels as people see them."""

from dataclasses import dataclass
from itertools import groupby

from sqlalchemy import ColumnElement, Connection, and_, func, select, true

from ...domain.identifiers import practitioner_id
from ...domain.panel_state import PanelState
from ...domain.refusals import NotFound, Refused
from ...domain.texts import without_separators
from ...hooks import Host
from ...store import tables
from ...store.folding import folded_text
from ...store.types import KEYS
from ..roster.providers import every_provider, panel_label, provider_name, with_practitioner_ids

_ID = 9  # digits of a Practitioner ID
NO_SUCH_PANEL = "Panel not found. It may have been deleted."


@dataclass(frozen=True, slots=True)
class PanelProviderName:
    """A provider by name. Not active: no longer working here, or no longer in the EMR."""

    provider_id: str
    name: str
    practitioner_id: str
    active: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """A live panel and how many members it has."""

    panel_id: int
    number: str
    notify: str
    version: int
    state: PanelState
    facilities: tuple[str, ...]
    providers: tuple[PanelProviderName, ...]
    members: int

    @property
    def label(self) -> str:
        """What people call it."""
        return panel_label(self.number, (provider.name for provider in self.providers))

    def fits(self, text: str) -> bool:
        """Whether each word of the text is in the number, a provider's name or one of the IDs, whatever its case."""
        practitioner_ids = (provider.practitioner_id for provider in self.providers)
        fields = [folded_text(field) for field in (self.label, *self.facilities, *practitioner_ids)]
        return all(any(word in field for field in fields) for word in _words(text))


def _words(text: str) -> list[str]:
    """Those of a search; digits without their separators, as IDs are stored."""
    words = folded_text(text).split()
    return [digits if (digits := without_separators(word)).isdigit() and len(digits) == _ID else word for word in words]


def panel_meant(connection: Connection, host: Host, text: str) -> int:
    """The live panel that someone means who types its label, its number, or what fits no other panel.

    Two statements. Raises Refused when none or several fit.
    """
    panels = live_panels(connection, host)
    exact = [panel for panel in panels if text.strip() in (panel.label, panel.number)]
    fitting = exact or [panel for panel in panels if text.strip() and panel.fits(text)]
    if not fitting:
        raise Refused({"panel": "No panel has this number or provider: select a panel from the list."})
    if len(fitting) > 1:
        raise Refused({"panel": f"This text fits {len(fitting)} panels: choose one from the list."})
    return fitting[0].panel_id


def live_panels(connection: Connection, host: Host) -> list[Panel]:
    """Every live panel, by number. Two statements, however many there are."""
    return _panels(connection, host, true())


def open_panels(connection: Connection, host: Host) -> list[Panel]:
    """Those of them that take patients."""
    return [panel for panel in live_panels(connection, host) if panel.state.takes_patients]


def get(connection: Connection, host: Host, panel_id: int) -> Panel:
    """One live panel. Raises NotFound."""
    panels = _panels(connection, host, tables.panel.c.panel_id == panel_id) if panel_id in KEYS else []
    if not panels:
        raise NotFound(NO_SUCH_PANEL)
    return panels[0]


def live_number(connection: Connection, panel_id: int) -> str:
    """The number of one live panel, in one statement. Raises NotFound."""
    panel = tables.panel.c
    number: str | None = None
    if panel_id in KEYS:
        number = connection.scalar(select(panel.live_number).where(panel.panel_id == panel_id))
    if number is None:
        raise NotFound(NO_SUCH_PANEL)
    return number


def _panels(connection: Connection, host: Host, condition: ColumnElement[bool]) -> list[Panel]:
    panel, member = tables.panel.c, tables.member.c
    facility, provider = tables.panel_facility.c, tables.panel_provider.c
    is_live = and_(panel.live_number.is_not(None), condition)
    members = select(func.count()).where(member.panel_id == panel.panel_id).scalar_subquery()
    providers: dict[int, list[PanelProviderName]] = {}
    for row in connection.execute(
        with_practitioner_ids(host, tables.panel_provider)
        .add_columns(provider.panel_id)
        .join(tables.panel, panel.panel_id == provider.panel_id)
        .where(is_live)
        .order_by(provider.panel_id, provider.position)
    ):
        name = provider_name(row.family_name, row.given_name, row.provider_id)
        entry = PanelProviderName(row.provider_id, name, row.practitioner_id, bool(row.active))
        providers.setdefault(row.panel_id, []).append(entry)
    heads = (
        select(panel.panel_id, panel.number, panel.notify, panel.version, panel.state, members, facility.facility_id)
        .outerjoin(tables.panel_facility, facility.panel_id == panel.panel_id)
        .where(is_live)
        .order_by(panel.number, facility.position)
    )
    return [
        Panel(
            panel_id,
            number,
            notify,
            version,
            PanelState(state),
            facilities=tuple(row.facility_id for row in rows if row.facility_id),
            providers=tuple(providers.get(panel_id, ())),
            members=count,
        )
        for (panel_id, number, notify, version, state, count), rows in groupby(
            connection.execute(heads), lambda row: row[:6]
        )
    ]


def provider_choices(connection: Connection, host: Host) -> list[PanelProviderName]:
    """Every provider of the host but the system itself, those who work here first, by name.

    The Practitioner ID is the one entered in a panel, else the host's if it has nine digits, else ''.
    """
    provider = every_provider(host)
    choices = [
        PanelProviderName(
            row.provider_id,
            provider_name(row.family_name, row.given_name, row.provider_id),
            _nine_digits(row.practitioner_id),
            bool(row.active),
        )
        for row in connection.execute(select(provider).where(provider.c.provider_id != host.identity.system.actor_id))
    ]
    return sorted(choices, key=lambda choice: (not choice.active, choice.name.casefold(), choice.provider_id))


def _nine_digits(text: str | None) -> str:
    try:
        return practitioner_id(text or "")
    except Refused:
        return ""
