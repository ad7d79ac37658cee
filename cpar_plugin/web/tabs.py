"""The tabs above every page of panel management, with the one marked that the page belongs to."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum

from flask import g, request, url_for

from ..domain.exhaustive import exhaustive
from ..hooks import Actor, Host
from ..services.operations import access
from ..services.reports import lines


class Tab(Enum):
    """Each tab by its label, in the order in which they are shown."""

    PANELS = "Panels"
    EXCLUSIONS = "Exclusions"
    REPORTS = "Reports"
    OVERVIEW = "Overview"
    SUBMISSIONS = "Submission History"
    CLIENTS = "FHIR Clients"
    LOOKS = "Access Log"
    SETTINGS = "Settings"


@dataclass(frozen=True, slots=True)
class Entry:
    """A tab's first page, by its endpoint, the permission without which the tab is not shown, and
    an icon of `parts.html`."""

    endpoint: str
    permission: str
    icon: str = ""


ENTRIES = exhaustive(
    __name__,
    Tab,
    {
        Tab.PANELS: Entry("cpar.panels", access.MANAGE),
        Tab.EXCLUSIONS: Entry("cpar.exclusions", access.MANAGE),
        Tab.REPORTS: Entry("cpar.reports", access.MANAGE),
        Tab.OVERVIEW: Entry("cpar.overview", access.MANAGE),
        Tab.SUBMISSIONS: Entry("cpar.submissions", access.MANAGE),
        Tab.CLIENTS: Entry("cpar.clients", access.REGISTER_CLIENTS),
        Tab.LOOKS: Entry("cpar.looks_at_patients", access.REGISTER_CLIENTS),
        Tab.SETTINGS: Entry("cpar.settings", access.MANAGE, icon="gear"),
    },
)


@dataclass(frozen=True, slots=True)
class ShownTab:
    """A tab as a link. `current` is the value of aria-current: `page`, `true` on a page below it, else ''."""

    label: str
    href: str
    icon: str
    current: str
    to_do: int  # how many lines there are to work on


def open_tab(tab: Tab | None, actor: Actor) -> None:
    """Note for this request which tab its page belongs to, and who sees it. None is for pages without tabs."""
    g.cpar_tab, g.cpar_actor = tab, actor


def shown_tabs(host: Host) -> Iterator[ShownTab]:
    """Those that the actor may open; none on pages without tabs, nor while the integration is turned off."""
    tab = g.get("cpar_tab")
    if tab is None or not g.get("cpar_enabled"):
        return
    for each, entry in ENTRIES.items():
        if host.identity.has(g.cpar_actor, entry.permission):
            current = "" if each is not tab else "page" if request.endpoint == entry.endpoint else "true"
            yield ShownTab(each.value, url_for(entry.endpoint), entry.icon, current, _to_do(host, each))


def _to_do(host: Host, tab: Tab) -> int:
    if tab is not Tab.REPORTS:
        return 0
    with host.database.engine.connect() as connection:
        return lines.to_do(connection, host, g.cpar_actor)
